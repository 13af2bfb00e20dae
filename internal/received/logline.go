package received

import (
	"net/netip"
	"strconv"
	"strings"
)

// logLine is a line of a mail server's log, as far as it tells how a mail came or went.
type logLine struct {
	at      Moment
	dated   bool
	host    string // that wrote it; "" if the line does not say
	id      string // the mail's id there
	out     bool   // it went out, or was tried to
	in      bool   // it came in from a client
	from    HandedIn
	helo    string
	client  netip.Addr
	port    uint16 // of the client
	to      netip.Addr
	rcpt    string
	reply   string
	program string
}

var (
	// syslog (RFC 3164 section 4.1, or with a time as in RFC 5424 section 6.2.3), with the programs of mail servers.
	syslogLine = lazy(`^[>\s]{0,4}(?:<\d{1,3}>)?([A-Z][a-z]{2}\s{1,2}\d{1,2} \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)) ([\w.-]{1,255}) ` +
		`((?:postfix(?:-[\w.]+)?/[\w/-]+|sm-mta|sendmail|sm-msp-queue|smtpd|opensmtpd|dma|qmail(?:-\w+)?|exim4?|splogger|nullmailer(?:-\w+)?|msmtp|ssmtp|sSMTP))(?:\[([\w.]{1,40})\])?(?:\[\d+\])?: (.*)$`)
	// Exim's main log.
	eximLine = lazy(`^[>\s]{0,4}(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?(?: [+-]\d{4})?) (?:\[\d+\] )?(?:(\w{6}-\w{6,11}-\w{2,4}) )?(<=|=>|->|\*\*|==|H=|SMTP|cwd=|Completed)(.*)$`)
	eximBody = lazy(`^(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})? (?:[+-]\d{4} )?)?(?:\[\d+\] )?(\w{6}-\w{6,11}-\w{2,4}) (.*)$`)
	// msmtp's own log.
	msmtpLine = lazy(`^[>\s]{0,4}([A-Z][a-z]{2}\s{1,2}\d{1,2} \d\d:\d\d:\d\d) host=(\S+) (.*recipients=.*)$`)

	queueID     = lazy(`^([0-9A-Za-z]{6,20}|[0-9a-f]{8,16}): `)
	bracketed   = lazy(`\b(relay|client|H)=([^\s\[,]*)\s?(?:\(([^()\s]*)\) )?\[(?:IPv6:)?([0-9A-Fa-f.:]+)\](?::(\d{1,5}))?`)
	rejected    = lazy(`(?:from|connect from) (\S*)\[(?:IPv6:)?([0-9A-Fa-f.:]+)\](?::(\d{1,5}))?`)
	eximHELO    = lazy(`\bH=(?:\S+ )?\((\S{1,250})\) \[`)
	logPair     = lazy(`(?:^|[\s,;<>])(to|orig_to|rcpt|recipients|from|uid|helo|sasl_username|ctladdr|stat|status|user|U|A|cwd|source|result|smtpstatus|smtpmsg|C|host|size|nrcpts|proto)=("[^"]{0,500}"|'[^']{0,500}'|<[^>]{0,320}>|[^\s,;]{1,320})`)
	logSaid     = lazy(`(?:host|relay) \S*?\[([0-9A-Fa-f.:]+)\](?::\d{1,5})? (?:said|refused[^:]{0,40}): (.{1,512})`)
	logStat     = lazy(`\b(?:stat|status)=(.{1,512})$`)
	dmaGoing    = lazy(`(?:remote delivery to|delivery (?:failed|failed after|deferred)[:,]?|deferred:) \S+ \[([0-9A-Fa-f.:]+)\]`)
	dmaFrom     = lazy(`new mail from user=(\S+) uid=(\d+)`)
	sendmailUID = lazy(`ctladdr=<?([^\s>,]+)>? \((\d+)/\d+\)`)
	qmailUID    = lazy(`info msg \d+: .* from <[^>]*> qp \d+ uid (\d+)`)
	qmailSaid   = lazy(`(?:failure|deferral|success): ([0-9.]+)_(?:does_not_like|failed_after|accepted_message)[^/]*/(?:Remote_host_said:_)?([^/]*)`)
)

// logLine reads a line. ok is false if it does not tell of a mail.
func (r *reader) logLine(line string) (one logLine, ok bool) {
	rest, when := "", ""
	switch {
	case len(line) < 20:
		return one, false
	case strings.Contains(line, ": ") && syslogLine.MatchString(line):
		m := syslogLine.FindStringSubmatch(line)
		when, one.host, one.program, rest = m[1], m[2], m[3], m[5]
		if one.program == "dma" {
			one.id, _, _ = strings.Cut(m[4], ".")
		}
		if strings.HasPrefix(one.program, "exim") || one.program == "splogger" {
			if m := eximBody.FindStringSubmatch(rest); m != nil {
				one.id, rest = m[1], m[2]
			}
		}
		if m := queueID.FindStringSubmatch(rest); m != nil && m[1] != "NOQUEUE" && m[1] != "warning" {
			one.id = m[1]
		}
	case eximLine.MatchString(line):
		m := eximLine.FindStringSubmatch(line)
		when, one.id, rest, one.program = m[1], m[2], m[3]+m[4], "exim"
	case msmtpLine.MatchString(line):
		m := msmtpLine.FindStringSubmatch(line)
		when, rest, one.program, one.out = m[1], m[3], "msmtp", true
		if a, err := netip.ParseAddr(m[2]); err == nil {
			one.to = a.Unmap()
		}
	default:
		return one, false
	}
	at, err := readTime(when, r.now)
	one.at, one.dated = at, err == nil
	one.read(rest)
	return one, one.dated && (one.out || one.in || one.from != HandedIn{} || one.client.IsValid())
}

// read reads what stands behind the time and the name of the program.
func (one *logLine) read(rest string) {
	value := map[string]string{}
	for _, m := range logPair.FindAllStringSubmatch(rest, 40) {
		if value[m[1]] == "" {
			value[m[1]] = strings.Trim(m[2], `<>"'`)
		}
	}
	_, sender := value["from"] // of a bounce it is empty
	going := value["to"] != "" && !sender && !strings.HasSuffix(one.program, "/smtpd") || value["result"] != ""
	if m := bracketed.FindStringSubmatch(rest); m != nil {
		a, _ := netip.ParseAddr(m[4])
		switch {
		case m[1] == "relay" && going, m[1] == "H" && (strings.HasPrefix(rest, "=>") || strings.HasPrefix(rest, "->") || strings.HasPrefix(rest, "**") || strings.HasPrefix(rest, "==")):
			one.to = a.Unmap()
		default:
			one.client, one.port = a.Unmap(), portOf(m[5])
		}
	} else if m := rejected.FindStringSubmatch(rest); m != nil {
		a, _ := netip.ParseAddr(m[2])
		one.client, one.port = a.Unmap(), portOf(m[3])
	}
	one.fromWords(rest, value)
	switch {
	case strings.HasPrefix(rest, "=>"), strings.HasPrefix(rest, "->"), strings.HasPrefix(rest, "**"), strings.HasPrefix(rest, "=="):
		one.out = true
		if words := strings.Fields(rest); len(words) > 1 {
			one.rcpt = anyAddress.FindString(words[1])
		}
	case going:
		one.out = true
		one.rcpt = value["to"]
	case one.program == "msmtp":
		one.rcpt = value["recipients"]
	case one.client.IsValid():
		one.in = true
	}
	if strings.Contains(value["rcpt"], "@") && one.out {
		one.rcpt = value["rcpt"]
	}
	one.answer(rest, value)
	if one.in {
		one.helo = value["helo"]
		if m := eximHELO.FindStringSubmatch(rest); m != nil {
			one.helo = m[1]
		}
	}
}

// fromWords reads who handed the mail in.
func (one *logLine) fromWords(rest string, value map[string]string) {
	number := func(said string) {
		if n, err := strconv.ParseUint(said, 10, 32); err == nil {
			uid := uint32(n)
			one.from.UID = &uid
		}
	}
	number(value["uid"])
	if m := dmaFrom.FindStringSubmatch(rest); m != nil {
		one.from.User = m[1]
		number(m[2])
	}
	if m := qmailUID.FindStringSubmatch(rest); m != nil {
		number(m[1])
	}
	if m := sendmailUID.FindStringSubmatch(rest); m != nil {
		one.from.User, _, _ = strings.Cut(m[1], "@")
		number(m[2])
	}
	if strings.HasPrefix(rest, "<=") && value["U"] != "" && value["C"] == "" {
		one.from.User = value["U"]
	}
	if one.from.Account = value["sasl_username"]; value["A"] != "" && strings.HasPrefix(rest, "<=") {
		if _, account, is := strings.Cut(value["A"], ":"); is {
			one.from.Account = account
		}
	}
	if value["cwd"] != "" && !strings.HasPrefix(value["cwd"], "/var/spool") {
		one.from.Script = value["cwd"]
	}
}

// answer reads where the mail went to, and what was answered.
func (one *logLine) answer(rest string, value map[string]string) {
	address := func(said string) {
		if a, err := netip.ParseAddr(said); err == nil {
			one.to, one.out = a.Unmap(), true
		}
	}
	if m := logSaid.FindStringSubmatch(rest); m != nil {
		address(m[1])
		one.reply = m[2]
	} else if m := qmailSaid.FindStringSubmatch(rest); m != nil {
		address(m[1])
		one.reply = strings.ReplaceAll(m[2], "_", " ")
	} else if m := dmaGoing.FindStringSubmatch(rest); m != nil {
		address(m[1])
	} else if m := logStat.FindStringSubmatch(rest); m != nil && one.out && one.program != "msmtp" {
		one.reply = m[1]
	} else if one.out && value["C"] != "" {
		one.reply = value["C"]
	}
	if one.program == "smtpd" && value["result"] != "" { // OpenSMTPD
		if m := opensmtpdRelay.FindStringSubmatch(rest); m != nil {
			address(m[1])
			one.reply = value["stat"]
		}
	}
	if value["smtpmsg"] != "" {
		one.reply = value["smtpmsg"]
	}
	if cut, _, is := strings.Cut(one.reply, " (in reply to"); is {
		one.reply = cut
	}
	one.reply = strings.TrimSuffix(strings.TrimPrefix(bounded(one.reply), "bounced ("), ")")
}

var opensmtpdRelay = lazy(`\brelay="?([0-9A-Fa-f.:]+) \(`)
