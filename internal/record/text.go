package record

import "strconv"

// Message is the record in one sentence, the message field of the JSON:
//
//	DIRECT-MX unexpected: /usr/bin/perl (as httpd) /tmp/.x/dm.cgi uid www-data → 198.51.100.25:25 HELO [127.0.0.1], 1 message, 3 recipients
func Message(r *Record) string { return string(appendMessage(nil, r)) }

func appendMessage(dst []byte, r *Record) []byte {
	if !r.ofConnection() {
		return appendRun(dst, r)
	}
	dst = appendHeadline(dst, r)
	dst = append(dst, ": "...)
	dst = appendProgram(dst, &r.Process)
	if r.User.Name != "" {
		dst = append(dst, " uid"...)
	}
	if r.User.Name != "" || r.User.ID != "" {
		dst = append(dst, ' ')
		dst = appendUser(dst, &r.User)
	}
	dst = append(dst, ' ')
	dst = appendPeer(dst, r)
	if r.Event.Action == ActionConnect {
		return dst
	}
	dst = append(dst, ' ')
	dst = appendSpoken(dst, r)
	dst = append(dst, ", "...)
	return appendAmount(dst, r)
}

// AppendText appends the record as one line for a person, without line end:
//
//	14:31:07 DIRECT-MX unexpected  pid 4242 /usr/bin/perl (as httpd) /tmp/.x/dm.cgi  www-data  → 198.51.100.25:25  HELO [127.0.0.1]  1 message, 3 recipients  250 2.0.0 Ok: queued as 4E81026038
//
// The time is shown in the location that r.Time has. Everything that came from the network or another
// process is escaped (see Escape).
func AppendText(dst []byte, r *Record, color bool) []byte {
	dst = r.Time.AppendFormat(dst, "15:04:05 ")
	if color {
		dst = append(dst, r.color()...)
	}
	if !r.ofConnection() {
		dst = appendRun(dst, r)
	} else {
		dst = appendHeadline(dst, r)
	}
	if color {
		dst = append(dst, colorReset...)
	}
	if r.ofConnection() {
		dst = appendDetails(dst, r)
	}
	return dst
}

// Text is AppendText as a string.
func Text(r *Record, color bool) string { return string(AppendText(nil, r, color)) }

func appendDetails(dst []byte, r *Record) []byte {
	dst = append(dst, "  "...)
	dst = appendPID(dst, r.Process.PID)
	dst = appendProgram(dst, &r.Process)
	if r.User.Name != "" || r.User.ID != "" {
		dst = append(dst, "  "...)
		dst = appendUser(dst, &r.User)
	}
	if r.Container.ID != "" {
		dst = append(dst, "  "...)
		dst = appendPlace(dst, "", &r.Container)
	}
	if r.Connector != nil {
		dst = append(dst, "  connected by "...)
		dst = appendPID(dst, r.Connector.Process.PID)
		dst = appendProgram(dst, &r.Connector.Process)
	}
	dst = append(dst, "  "...)
	dst = appendPeer(dst, r)
	if r.Event.Action == ActionConnect {
		return dst
	}
	dst = append(dst, "  "...)
	dst = appendSpoken(dst, r)
	dst = append(dst, "  "...)
	dst = appendAmount(dst, r)
	if reply := r.SMTP.deciding(); reply != "" {
		dst = append(dst, "  "...)
		dst = appendEscaped(dst, reply, maxPath)
	}
	return dst
}

func appendPID(dst []byte, pid uint32) []byte {
	if pid == 0 {
		return dst
	}
	dst = append(dst, "pid "...)
	dst = strconv.AppendUint(dst, uint64(pid), 10)
	return append(dst, ' ')
}

// deciding is the reply that tells most: the one that decided the last transaction, else the last one.
func (s *SMTP) deciding() string {
	if n := len(s.Transactions); n > 0 && s.Transactions[n-1].Reply != "" {
		return s.Transactions[n-1].Reply
	}
	return s.LastReply
}

// ofConnection says whether the record is about a connection, not about the run.
func (r *Record) ofConnection() bool {
	switch r.Event.Action {
	case ActionConnect, ActionFirstPayload, ActionSession:
		return true
	}
	return false
}

// The colours of a headline (ECMA-48 SGR).
const (
	colorReset = "\x1b[0m"
	colorBad   = "\x1b[1;31m" // bold red
	colorWarn  = "\x1b[33m"   // yellow
	colorDim   = "\x1b[2m"
)

func (r *Record) color() string {
	switch {
	case r.Event.Action == ActionLost:
		return colorBad
	case !r.ofConnection(), r.Expected, r.Verdict == Local:
		return colorDim
	case r.Verdict == DirectMX, r.Verdict == SMTPOddPort:
		return colorBad
	}
	return colorWarn
}
