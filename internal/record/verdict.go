package record

// Verdict is the role of a session.
type Verdict string

// The verdicts.
const (
	DirectMX    Verdict = "direct_mx"     // to port 25 of another host, without AUTH
	SMTPOddPort Verdict = "smtp_odd_port" // SMTP where it does not belong
	Submission  Verdict = "submission"    // to 465, 587 or 2525, or with AUTH
	Relay       Verdict = "relay"         // to the configured smarthost
	Local       Verdict = "local"         // to this host or its containers
	Attempt     Verdict = "attempt"       // a connect to a mail port on which nothing was said
)

// severity lists the verdicts of unexpected senders, the worst first.
var severity = [...]Verdict{DirectMX, SMTPOddPort, Attempt, Submission, Relay, Local}

// rank orders what a reader looks at first; 0 is the worst. What was expected comes last, in the same
// order.
func rank(v Verdict, expected bool) int {
	n := len(severity)
	for i, s := range severity {
		if s == v {
			n = i
			break
		}
	}
	if expected {
		n += len(severity) + 1
	}
	return n
}

// appendLabel appends the verdict as a person reads it: DIRECT-MX.
func appendLabel(dst []byte, v Verdict) []byte {
	if v == "" {
		return append(dst, "SMTP"...)
	}
	start := len(dst)
	dst = appendEscaped(dst, string(v), maxShort)
	for i, c := range dst[start:] {
		switch {
		case c == '_':
			dst[start+i] = '-'
		case 'a' <= c && c <= 'z':
			dst[start+i] = c - 'a' + 'A'
		}
	}
	return dst
}

func expectation(expected bool) string {
	if expected {
		return "expected"
	}
	return "unexpected"
}
