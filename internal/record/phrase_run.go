package record

import (
	"strconv"
	"time"
)

// appendRun appends what start, stop, heartbeat and lost records say.
func appendRun(dst []byte, r *Record) []byte {
	t := &r.Tracer
	switch r.Event.Action {
	case ActionLost:
		return appendLosses(append(dst, "LOST "...), &t.Lost)
	case ActionStart:
		dst = append(dst, "START: watching "...)
		dst = appendHost(dst, &r.Host)
		dst = appendFilters(dst, &t.Filters)
		dst = appendHooks(dst, t.Hooks)
		dst = appendSmarthosts(dst, t.Smarthosts)
		return appendOpen(dst, t)
	case ActionStop:
		dst = append(dst, "STOP: watched "...)
	default:
		dst = append(dst, "HEARTBEAT: watched "...)
	}
	dst = append(dst, r.Event.Duration.Round(time.Second).String()...)
	dst = append(dst, ": "...)
	dst = appendCount(dst, t.Counters.Sessions, "session")
	dst = append(dst, ", "...)
	dst = appendCount(dst, t.Counters.Connects, "connect")
	dst = append(dst, ", "...)
	dst = appendCount(dst, t.Counters.Events, "event")
	dst = append(dst, "; lost "...)
	return appendLosses(dst, &t.Counters.Lost)
}

// appendHost appends "web1 (kernel 6.1.0-18-amd64)".
func appendHost(dst []byte, h *Host) []byte {
	if h.Name == "" {
		dst = append(dst, "this host"...)
	} else {
		dst = appendToken(dst, h.Name, maxName)
	}
	if h.OS.Kernel != "" {
		dst = append(dst, " (kernel "...)
		dst = appendToken(dst, h.OS.Kernel, maxName)
		dst = append(dst, ')')
	}
	return dst
}

// appendFilters appends ", only cgroup /x, uid 33", or nothing where all is watched.
func appendFilters(dst []byte, f *Filters) []byte {
	if !f.Narrow() {
		return dst
	}
	dst = append(dst, ", only"...)
	start := len(dst)
	part := func(words string) {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, words...)
	}
	if f.NetNS != 0 {
		part(" network namespace ")
		dst = strconv.AppendUint(dst, uint64(f.NetNS), 10)
	}
	if f.Cgroup != "" {
		part(" cgroup ")
		dst = appendToken(dst, f.Cgroup, maxPath)
	}
	if f.PID != 0 {
		part(" pid ")
		dst = strconv.AppendUint(dst, uint64(f.PID), 10)
	}
	if f.UID != nil {
		part(" uid ")
		dst = strconv.AppendUint(dst, uint64(*f.UID), 10)
	}
	return dst
}

// appendHooks appends "; connect by fentry/tcp_connect; send by fentry/tcp_sendmsg".
func appendHooks(dst []byte, hooks []Hook) []byte {
	for i := range hooks {
		dst = append(dst, "; "...)
		dst = appendEscaped(dst, hooks[i].Question, maxShort)
		dst = append(dst, " by "...)
		dst = appendEscaped(dst, hooks[i].Name, maxName)
	}
	return dst
}

// appendSmarthosts appends "; smarthost mail.example.org:587 of /etc/postfix/main.cf".
func appendSmarthosts(dst []byte, list []Smarthost) []byte {
	for i := range list {
		dst = append(dst, "; smarthost "...)
		dst = appendToken(dst, list[i].Host, maxName)
		if list[i].Port != 0 {
			dst = append(dst, ':')
			dst = strconv.AppendUint(dst, uint64(list[i].Port), 10)
		}
		if list[i].File != "" {
			dst = append(dst, " of "...)
			dst = appendToken(dst, list[i].File, maxPath)
		}
	}
	return dst
}

// appendOpen appends "; already open: pid 12 /usr/bin/perl → 198.51.100.25:25".
func appendOpen(dst []byte, t *Tracer) []byte {
	const most = 4
	for i := range t.Open[:min(most, len(t.Open))] {
		c := &t.Open[i]
		dst = append(dst, []string{"; already open: pid ", ", pid "}[min(i, 1)]...)
		dst = strconv.AppendUint(dst, uint64(c.Process.PID), 10)
		dst = append(dst, ' ')
		dst = appendToken(dst, c.Process.Executable, maxPath)
		dst = append(dst, " → "...)
		dst = c.Destination.AddrPort().AppendTo(dst)
	}
	if more := uint64(max(0, len(t.Open)-most)) + t.OpenOmitted; more > 0 {
		dst = append(dst, " and "...)
		dst = strconv.AppendUint(dst, more, 10)
		dst = append(dst, " more"...)
	}
	if t.OpenUnknown {
		dst = append(dst, "; not all that was open is known"...)
	}
	return dst
}

// appendLosses appends "12: 3 connections, 9 stretches of dialogue", or "nothing".
func appendLosses(dst []byte, l *Losses) []byte {
	total := l.Total()
	if total == 0 {
		return append(dst, "nothing"...)
	}
	dst = strconv.AppendUint(dst, total, 10)
	separator := ": "
	for _, k := range l.kinds() {
		if *k.n == 0 {
			continue
		}
		dst = append(dst, separator...)
		dst = strconv.AppendUint(dst, *k.n, 10)
		dst = append(dst, ' ')
		dst = append(dst, k.words...)
		separator = ", "
	}
	return dst
}
