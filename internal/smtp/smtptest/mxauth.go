package smtptest

import "strings"

// authenticate takes the words behind AUTH (RFC 4954 section 4).
func (m *MX) authenticate(w []string, line string) {
	if len(w) == 0 {
		m.say("501 syntax")
		return
	}
	answers := 0
	switch strings.ToUpper(w[0]) {
	case "LOGIN":
		answers = 2
	case "CRAM-MD5":
		answers = 1
	case "PLAIN", "XOAUTH2":
		answers = 1
	default:
		m.say("504 no such mechanism")
		return
	}
	if len(w) > 1 { // the first answer
		answers--
	}
	m.auth = answers
	m.authReply(line)
}

// authLine takes an answer to a challenge.
func (m *MX) authLine(line string) {
	where := InAuth
	if m.ahead+len(line)+len("\n") > 0 && isCommand(line) { // some of it was there before
		where = InAuthCommand
	}
	m.hide(line, where)
	if line == "*" {
		m.auth = 0
		m.say("501 cancelled")
		return
	}
	m.auth--
	m.authReply(line)
}

// authReply challenges on, or decides.
func (m *MX) authReply(line string) {
	echo := ""
	if m.Echoes {
		echo = " " + line
	}
	switch {
	case m.auth > 0:
		m.Out = append(m.Out, "334 VXNlcm5hbWU6"+echo+"\r\n"...)
		m.ahead = len(m.In)
	case m.lucky(3):
		m.say("535 5.7.8 no" + echo)
	default:
		m.say("235 2.7.0 ok" + echo)
	}
}

// isCommand is true for a line that is a command with its argument.
func isCommand(line string) bool {
	verb, argument, _ := strings.Cut(strings.TrimLeft(line, " \t\v\f\r"), " ")
	switch strings.ToUpper(verb) {
	case "EHLO", "HELO", "MAIL", "RCPT", "NOOP", "HELP", "VRFY", "BDAT":
		return strings.TrimSpace(argument) != ""
	}
	return false
}
