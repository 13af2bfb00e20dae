package trace

import (
	"encoding/binary"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/bpf"
	"github.com/smtptrace/smtptrace/internal/event"
)

// A script is what the kernel sends, a line an event, a millisecond after the one before it:
//
//	process 4242 /usr/bin/perl uid=33 args=httpd,-k     a process is shown
//	a connect 4242 198.51.100.25:25     connection a: the process connects to there
//	a unwatched                         there was no room to follow it
//	a established
//	a failed ECONNREFUSED               "blocked" behind it: no SYN left the host; "unsent": nor was one made
//	a smtp                              the kernel takes it for SMTP; "tls": for TLS; "other": for neither
//	a sender 4300                       this process sends; "by_lock" behind it: so the socket's lock says
//	a S: 220 mx.example ESMTP           the server says this line
//	a C: QUIT\n\                        so does the client, without CRLF because of the backslash at the end
//	a C+ 512                            512 bytes of the client are cut, through the end of a line
//	a hello mx.example.net              the client says a TLS ClientHello for this name
//	a bytes 2000 300                    so many were sent and received so far: the next event tells it
//	a closed 3096 512                   after so many bytes sent and received: those that are not above say nothing
//	a ends 3096 512                     likewise, but those that are not above have passed unseen
//	a adopted 198.51.100.25:25          it was there before the run
//
//	dns A mx.example 198.51.100.25      the host is answered; "dns ask 4242 example": the process asks for an MX
//
// As in the kernel, of a connection that goes to no mail port nothing is sent before it is taken for SMTP.
// With "!" before it, an event is lost: the kernel counts it, and the agent never sees it. Besides there are
//
//	wait 5m                             nothing happens for so long
//	hold                                nothing happens until the run is stopped
//	do NAME                             the test does something
type script struct {
	t     testing.TB
	root  string // of the file system where the programs are
	now   uint64 // CLOCK_BOOTTIME
	steps []step
	table map[event.ProcessKey][]byte // the kernel's own
	keys  map[uint32]event.ProcessKey
	conns map[string]*wire
	do    map[string]func()

	allPorts bool // the kernel takes every port for one of mail
}

// step is one line of a script.
type step struct {
	raw  []byte // an event
	lost func(*event.Counters)
	wait time.Duration
	hold bool
	do   func()
}

// wire is a connection as the kernel knows it.
type wire struct {
	bpf.SmtptraceConnEvent
	shown  bool      // to the agent
	told   bool      // a snapshot of it has reached the agent,
	heard  bool      // and some of its dialogue
	said   [2]uint64 // octets that were said
	unseen [2]uint64 // bytes of lost payload events
}

const oneLine = uint64(time.Millisecond)

// read reads the text. Its events are a few seconds from now, so that the programs' files are old.
func (s *script) read(text string) {
	s.t.Helper()
	var ts unix.Timespec
	s.check(unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts), "clock")
	s.now = uint64(ts.Nano()) + uint64(3*time.Second)
	s.table, s.keys, s.conns = map[event.ProcessKey][]byte{}, map[uint32]event.ProcessKey{}, map[string]*wire{}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			s.now += oneLine
			s.line(line)
		}
	}
}

func (s *script) line(line string) {
	s.t.Helper()
	rest, lost := strings.CutPrefix(line, "! ")
	word, rest, _ := strings.Cut(rest, " ")
	switch word {
	case "process":
		s.process(strings.Fields(rest), lost)
	case "dns":
		s.dns(strings.Fields(rest), lost)
	case "wait":
		d, err := time.ParseDuration(rest)
		s.check(err, line)
		s.steps = append(s.steps, step{wait: d})
		s.now += uint64(d)
	case "hold":
		s.steps = append(s.steps, step{hold: true})
	case "do":
		if s.do[rest] == nil {
			s.t.Fatalf("script: nothing to do by the name %q", rest)
		}
		s.steps = append(s.steps, step{do: s.do[rest]})
	default:
		s.conn(word, rest, lost)
	}
}

func (s *script) check(err error, line string) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("script: %s: %v", line, err)
	}
}

// send adds an event, or counts it as lost.
func (s *script) send(k any, lost func(*event.Counters)) {
	s.t.Helper()
	raw, err := binary.Append(nil, binary.NativeEndian, k)
	s.check(err, "encode")
	s.steps = append(s.steps, step{raw: raw, lost: lost})
}

func (s *script) number(text string) uint32 {
	s.t.Helper()
	n, err := strconv.ParseUint(text, 10, 32)
	s.check(err, text)
	return uint32(n)
}

// process PID EXE [uid=N] [ppid=N] [unit=NAME] [args=A,B,…]: a program that has begun a second ago.
func (s *script) process(words []string, lost bool) {
	s.t.Helper()
	pid, exe := s.number(words[0]), words[1]
	key := event.ProcessKey{Pid: pid, StartNs: s.now - uint64(time.Second), ExecId: s.keys[pid].ExecId + 1}
	s.keys[pid] = key
	var st unix.Stat_t
	s.check(unix.Stat(filepath.Join(s.root, exe), &st), exe)
	var fs unix.Statfs_t
	s.check(unix.Statfs(s.root, &fs), s.root)
	k := bpf.SmtptraceProcessEvent{
		Kind: uint32(event.KindProcess), Key: key, TsNs: s.now, Tid: pid, Ppid: 1, Loginuid: ^uint32(0),
		ExeInode: st.Ino, ExeSize: uint64(st.Size), ExeCtimeNs: uint64(st.Ctim.Nano()), ExeNlink: uint32(st.Nlink),
		ExeDev: unix.Major(st.Dev)<<20 | unix.Minor(st.Dev), ExeMagic: uint32(fs.Type), ExeMode: st.Mode, CgroupId: 4711,
		Pidns: 4026531836,
	}
	args, unit := exe, ""
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "uid":
			k.Uid = s.number(value)
			k.Euid, k.Gid = k.Uid, k.Uid
		case "ppid":
			k.Ppid = s.number(value)
		case "unit":
			unit = value
		case "args":
			args = strings.ReplaceAll(value, ",", "\x00")
		default:
			s.t.Fatalf("script: a process has no %s", word)
		}
	}
	path := strings.Split(strings.TrimPrefix(exe, "/"), "/")
	copy(k.Comm[:15], path[len(path)-1])
	slices.Reverse(path)
	k.ExeLen = uint32(copy(k.Exe[:], strings.Join(path, "\x00")+"\x00"))
	k.ArgvLen = uint32(copy(k.Argv[:], args+"\x00"))
	if unit != "" {
		k.CgroupLen = uint32(copy(k.Cgroup[:], unit+"\x00system.slice\x00"))
	}
	raw, err := binary.Append(nil, binary.NativeEndian, &k)
	s.check(err, exe)
	s.table[key] = raw
	s.send(&k, lostIf(lost, func(c *event.Counters) { c.LostProcess++ }))
}

func lostIf(lost bool, count func(*event.Counters)) func(*event.Counters) {
	if lost {
		return count
	}
	return nil
}

// key names a process, one that was never shown too.
func (s *script) key(pid uint32) event.ProcessKey {
	if k, ok := s.keys[pid]; ok {
		return k
	}
	return event.ProcessKey{Pid: pid, StartNs: 1, ExecId: 1}
}

func (s *script) conn(name, rest string, lost bool) {
	s.t.Helper()
	c := s.conns[name]
	if c == nil {
		c = &wire{}
		c.Kind, c.Conn = uint32(event.KindConn), uint64(len(s.conns)+1)<<8
		c.Netns = 4026531840
		s.conns[name] = c
	}
	words := append(strings.Fields(rest), "", "", "")
	switch words[0] {
	case "connect":
		s.connect(c, words[1], words[2])
		c.Phase = uint32(event.PhaseConnect)
	case "unwatched":
		c.Phase = uint32(event.PhaseUnwatched)
	case "established":
		c.EstablishedNs, c.Phase = s.now, uint32(event.PhaseEstablished)
	case "failed":
		c.Phase = uint32(event.PhaseFailed)
		c.Errno = errno(s.t, words[1])
		switch words[2] {
		case "unsent":
			c.Flags &^= uint32(bpf.SmtptraceConnFlagCONN_SYN_LEFT)
		case "blocked":
			c.Flags ^= uint32(bpf.SmtptraceConnFlagCONN_SYN_LEFT | bpf.SmtptraceConnFlagCONN_TRIED)
		}
	case "smtp", "tls":
		c.Phase, c.State, c.shown = uint32(event.PhaseSMTP), uint32(event.StateSMTP), true
		if words[0] == "tls" {
			c.State = uint32(event.StateTLS)
		}
	case "other": // the state alone: the kernel says nothing of it before the end
		c.State = uint32(event.StateOther)
		return
	case "sender":
		pid := s.number(words[1])
		c.Phase, c.Sender, c.SenderTid = uint32(event.PhaseSender), s.key(pid), pid
		if words[2] == "by_lock" {
			c.Flags |= uint32(bpf.SmtptraceConnFlagCONN_SENDER_BY_LOCK)
		}
	case "bytes":
		c.BytesSent, c.BytesReceived = uint64(s.number(words[1])), uint64(s.number(words[2]))
		return
	case "adopted":
		s.connect(c, "0", words[1])
		c.ConnectNs, c.Connector, c.ConnectorTid, c.EstablishedNs = 0, event.ProcessKey{}, 0, s.now
		c.Flags |= uint32(bpf.SmtptraceConnFlagCONN_OLD)
		c.Phase = uint32(event.PhaseAdopted)
	case "connecting": // it was begun before the run
		s.connect(c, "0", words[1])
		c.ConnectNs, c.Connector, c.ConnectorTid = 0, event.ProcessKey{}, 0
		c.Phase = uint32(event.PhaseAdopted)
	case "greeted":
		c.Flags |= uint32(bpf.SmtptraceConnFlagCONN_GREETED)
		return
	case "judged": // as no mail, though its server greets as SMTP, or it is old
		c.Phase, c.State, c.shown = uint32(event.PhaseSMTP), uint32(event.StateOther), true
	case "speaks": // it is old, and what is said is not known yet
		c.Phase, c.shown = uint32(event.PhaseSMTP), true
	case "closed", "ends":
		c.Phase = uint32(event.PhaseClosed)
		c.BytesSent, c.BytesReceived = uint64(s.number(words[1])), uint64(s.number(words[2]))
		if words[0] == "closed" {
			c.ClientSkipped = int32(max(c.BytesSent, c.said[0]) - c.said[0])
			c.ServerSkipped = int32(max(c.BytesReceived, c.said[1]) - c.said[1])
		}
	default:
		s.payload(c, rest, lost)
		return
	}
	c.TsNs = s.now
	if !c.shown {
		return
	}
	if c.told {
		c.Flags |= uint32(bpf.SmtptraceConnFlagCONN_TOLD)
	}
	c.told = c.told || !lost
	whole := !c.told && !c.heard && (c.Phase == uint32(event.PhaseClosed) || c.Phase == uint32(event.PhaseFailed))
	s.send(&c.SmtptraceConnEvent, lostIf(lost, func(c *event.Counters) {
		c.LostSnapshot++
		if whole {
			c.LostConn++
		}
	}))
}

func errno(t testing.TB, name string) uint32 {
	t.Helper()
	if name == "" || name == "-" {
		return 0
	}
	for n := syscall.Errno(1); n < 200; n++ {
		if unix.ErrnoName(n) == name {
			return uint32(n)
		}
	}
	t.Fatalf("script: no error is named %s", name)
	return 0
}

// connect PID ADDR:PORT: ports of mail are those that the run was told.
func (s *script) connect(c *wire, pid, destination string) {
	s.t.Helper()
	to, err := netip.ParseAddrPort(destination)
	s.check(err, destination)
	from := netip.MustParseAddr("203.0.113.7")
	c.Tuple.Family = unix.AF_INET
	if to.Addr().Is6() {
		from, c.Tuple.Family = netip.MustParseAddr("2001:db8::7"), unix.AF_INET6
	}
	copy(c.Tuple.Saddr[:], from.AsSlice())
	copy(c.Tuple.Daddr[:], to.Addr().AsSlice())
	c.Tuple.Sport, c.Tuple.Dport = 41822, to.Port()
	c.ConnectNs = s.now
	c.Connector, c.ConnectorTid = s.key(s.number(pid)), s.number(pid)
	c.Flags = uint32(bpf.SmtptraceConnFlagCONN_SYN_LEFT)
	if s.allPorts || slices.Contains(mailPorts, to.Port()) {
		c.Flags |= uint32(bpf.SmtptraceConnFlagCONN_MAIL_PORT)
		c.shown = true
	}
}

// payload is a line as it is said, or a cut.
func (s *script) payload(c *wire, rest string, lost bool) {
	s.t.Helper()
	k := bpf.SmtptracePayloadEvent{Kind: uint32(event.KindPayload), Conn: c.Conn, TsNs: s.now}
	if rest[0] == 'S' {
		k.Dir = uint8(event.Server)
	}
	said := strings.TrimPrefix(rest[min(2, len(rest)):], " ")
	if name, hello := strings.CutPrefix(rest, "hello "); hello {
		said, k.Raw = clientHello(name), 1
	} else {
		switch rest[:2] {
		case "C:", "S:":
			body, bare := strings.CutSuffix(said, `\`)
			text, err := strconv.Unquote(`"` + strings.ReplaceAll(body, `"`, `\"`) + `"`)
			s.check(err, rest)
			if said = text; !bare {
				said += "\r\n"
			}
		case "C+", "S+":
			k.Before = uint64(s.number(said))
			said = ""
		default:
			s.t.Fatalf("script: %s", rest)
		}
	}
	if len(said) > len(k.Data) {
		s.t.Fatalf("script: %d bytes are more than an event holds: %s", len(said), said)
	}
	k.DataLen = uint32(copy(k.Data[:], said))
	if k.DataLen > 0 {
		k.SegmentsLen, k.Segments[0].Shown = 1, uint16(k.DataLen)
	}
	c.heard = c.heard || !lost
	c.said[k.Dir] += k.Before + uint64(k.DataLen)
	if lost {
		c.unseen[k.Dir] += k.Before + uint64(k.DataLen)
	} else {
		k.Lost, c.unseen[k.Dir] = c.unseen[k.Dir], 0
	}
	s.send(&k, lostIf(lost, func(c *event.Counters) { c.LostPayload++ }))
}

// clientHello is a TLS 1.2 ClientHello with one cipher suite and the SNI (RFC 5246 section 7.4.1.2, RFC
// 6066 section 3).
func clientHello(name string) string {
	long := func(s string) string { return string([]byte{byte(len(s) >> 8), byte(len(s))}) + s }
	sni := "\x00\x00" + long(long("\x00"+long(name)))
	body := "\x03\x03" + strings.Repeat("r", 32) + "\x00" + long("\xc0\x2f") + "\x01\x00" + long(sni)
	return "\x16\x03\x01" + long("\x01\x00"+long(body))
}
