package smtp

import "bytes"

// clientSaid is what the client's words show.
type clientSaid uint8

const (
	clientSilent  clientSaid = iota // nothing, or empty lines
	clientUnknown                   // the first line is no command
	clientLate                      // so, and later a command that only SMTP has
	clientBinary                    // the first line is not even text
	clientWeak                      // the first line is a command that other protocols have too
	clientBacked                    // so, and later a command that only SMTP has
	clientStrong                    // the first line is a command that only SMTP has
	clientForeign                   // the first line is another protocol's
	clientTLS                       // a ClientHello
)

// serverSaid is what the server's greeting shows.
type serverSaid uint8

const (
	serverSilent  serverSaid = iota
	serverNamed              // a 220 or refusal that names SMTP
	serverPlain              // a 220 or refusal that names nothing
	serverReply              // another reply: the middle of a session
	serverForeign            // another protocol, or a greeting that names FTP
)

// evidence is what was said behind the last preamble. The state follows from it alone, and each
// part of it from one direction alone, so that the order of arrival does not matter.
type evidence struct {
	client   clientSaid
	server   serverSaid
	lmtp     bool // the first hello was LHLO
	hello    bool // a hello was said
	smtpWord bool // of the first reply, so far
	ftpWord  bool
	replied  bool // the first reply is complete
	inTunnel bool
	mailPort bool
	// midstream: the first line may be anything, so that a later one counts as much.
	midstream bool
}

// tunnel starts again behind a preamble of the client. The server's answer is its own affair.
func (v *evidence) tunnel() {
	v.client, v.lmtp, v.hello, v.inTunnel = clientSilent, false, false, true
}

// state concludes. final says that nothing that may still be said would change it.
func (v *evidence) state() (s State, final bool) {
	smtp := SMTP
	if v.lmtp {
		smtp = LMTP
	}
	open := Undecided
	if v.inTunnel {
		open = Tunnel
	}
	switch v.client {
	case clientTLS:
		return TLS, true
	case clientForeign:
		return Other, true
	case clientStrong:
		return smtp, true
	}
	if v.server == serverForeign {
		if v.client == clientSilent {
			return open, false
		}
		return Other, true
	}
	if v.client == clientBacked {
		return smtp, v.server != serverSilent
	}
	if v.mailPort {
		return v.onMailPort(smtp, open)
	}
	switch {
	case v.client == clientBinary:
		return Other, true
	case v.client == clientWeak && v.server == serverNamed:
		return smtp, true
	case v.client == clientLate && (v.server == serverNamed || v.server == serverPlain):
		return smtp, true
	case (v.client == clientUnknown || v.client == clientLate) && v.server == serverReply && !v.midstream:
		return Other, true
	}
	return open, false
}

// onMailPort concludes where SMTP is to be expected: a greeting or a weak command will do.
func (v *evidence) onMailPort(smtp, open State) (s State, final bool) {
	greeted := v.server == serverNamed || v.server == serverPlain
	switch v.client {
	case clientWeak, clientLate:
		return smtp, v.server != serverSilent
	case clientBinary:
		if v.server == serverNamed {
			return smtp, true
		}
		if v.server != serverSilent {
			return Other, true
		}
		return open, false
	}
	if greeted {
		return smtp, v.client != clientSilent
	}
	return open, false
}

// judgeState concludes and, if the connection is not SMTP, drops all that was kept.
func (p *Parser) judgeState() {
	if p.final {
		if p.state == SMTP && p.said.lmtp {
			p.state = LMTP
		}
		return
	}
	p.state, p.final = p.said.state()
	if p.final && p.state == Other {
		p.stopListening()
		p.d.reset()
	}
}

// sawUnknown takes the start of a line that is no command.
func (p *Parser) sawUnknown(line []byte) {
	v := &p.said
	if p.final || v.client != clientSilent {
		return
	}
	word := trimLeft(line)
	if i := bytes.IndexAny(word, " \t\r"); i >= 0 {
		word = word[:i]
	}
	word = word[:min(len(word), maxVerb)]
	switch {
	case foreignClient(word):
		v.client = clientForeign
	case binary(word):
		v.client = clientBinary
	default:
		v.client = clientUnknown
	}
	p.judgeState()
}

// sawCommand takes a line as evidence. It reports true if the line is a proxy preamble.
func (p *Parser) sawCommand(cmd *command, line []byte) bool {
	v := &p.said
	switch cmd.verb {
	case verbBlank:
		return false
	case verbConnect:
		if v.client == clientSilent && p.connectLine(cmd.arg) {
			return true
		}
		p.sawForeign()
		return false
	case verbProxy:
		if v.client == clientSilent && p.proxyLine(cmd.arg) {
			return true
		}
		p.sawForeign()
		return false
	case verbUnknown, verbDot:
		p.sawUnknown(line)
		return false
	}
	switch {
	case cmd.strong:
		p.sawStrong(cmd.verb)
	case v.client != clientSilent:
	case cmd.foreign && !(v.mailPort && v.server == serverNamed):
		p.sawForeign()
	default:
		v.client = clientWeak
		p.judgeState()
	}
	return false
}

// sawStrong takes a command that only SMTP has.
func (p *Parser) sawStrong(command verb) {
	v := &p.said
	if !v.hello && (command == verbHelo || command == verbEhlo || command == verbLhlo) {
		v.hello, v.lmtp = true, command == verbLhlo
	}
	v.client = v.client.backed(v.midstream)
	p.judgeState()
}

// backed is what the client's words show with a command that only SMTP has.
func (c clientSaid) backed(midstream bool) clientSaid {
	switch {
	case c == clientSilent:
		return clientStrong
	case c == clientWeak, c == clientUnknown && midstream:
		return clientBacked
	case c == clientUnknown:
		return clientLate
	}
	return c
}

// sawForeign takes a first line of another protocol.
func (p *Parser) sawForeign() {
	if p.said.client == clientSilent {
		p.said.client = clientForeign
		p.judgeState()
	}
}

// sawForeignServer takes a first line of the server that is another protocol's.
func (p *Parser) sawForeignServer() {
	if p.said.server == serverSilent {
		p.said.server = serverForeign
		p.judgeState()
	}
}

// sawReplyLine takes a line of the first reply: a word SMTP, ESMTP or LMTP names the protocol, and
// without one "FTP" anywhere names that.
func (v *evidence) sawReplyLine(line []byte) {
	if v.replied {
		return
	}
	for rest := line[min(len(line), 4):]; len(rest) > 0; rest = afterFirstArg(rest) {
		word := bytes.Trim(firstArg(rest), ".,;:!()[]<>-*")
		v.smtpWord = v.smtpWord || equalFold(word, "SMTP") || equalFold(word, "ESMTP") || equalFold(word, "LMTP")
		for i := range word {
			v.ftpWord = v.ftpWord || hasPrefixFold(word[i:], "FTP")
		}
	}
}

// sawReply takes the code of the first reply.
func (v *evidence) sawReply(code int) {
	if v.replied {
		return
	}
	v.replied = true
	switch {
	case v.server != serverSilent:
	case code != 220 && code < 400:
		v.server = serverReply
		if code < 220 || code == 230 || code == 331 {
			v.server = serverForeign // NNTP 200 and 201, FTP 120, 230 and 331; SMTP has none of them here
		}
	case v.smtpWord:
		v.server = serverNamed
	case v.ftpWord:
		v.server = serverForeign
	default:
		v.server = serverPlain
	}
}

// binary says whether text has control characters that neither commands nor replies have: VT and FF are white space to
// some.
func binary(text []byte) bool {
	for _, c := range text {
		if c < ' ' && !isBlank(c) && c != '\v' && c != '\f' || c == 0x7f {
			return true
		}
	}
	return false
}
