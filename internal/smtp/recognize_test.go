package smtp

import (
	"path/filepath"
	"testing"

	"github.com/smtptrace/smtptrace/internal/capture"
)

var onPort8025 = Options{Ordered: true}

func TestRecognition(t *testing.T) {
	for _, x := range []struct {
		name     string
		anyPort  State // what it is on a port without mail
		mailPort State // what it is on port 25
		dialogue string
	}{
		{"EHLO alone", SMTP, SMTP, `C: EHLO client.example`},
		{"HELO in lower case behind blanks", SMTP, SMTP, `C:  \thelo client.example`},
		{"empty lines first", SMTP, SMTP, `C: \r\n\r\nEHLO client.example`},
		{"LHLO alone", LMTP, LMTP, `C: LHLO client.example`},
		{"MAIL first: the middle of a session", SMTP, SMTP, `C: MAIL FROM:<a@x.example>`},
		{"RCPT first", SMTP, SMTP, `C: RCPT TO:<a@x.example>`},
		{"VRFY", SMTP, SMTP, `C: VRFY postmaster`},
		{"XCLIENT", SMTP, SMTP, `C: XCLIENT ADDR=192.0.2.1`},
		{"RSET, then MAIL", SMTP, SMTP, `C: RSET\r\nMAIL FROM:<>`},
		{"a line not complete", Undecided, Undecided, `C: EHLO client.example\`},
		{"QUIT alone", Undecided, SMTP, `C: QUIT`},
		{"QUIT after a greeting that names SMTP", SMTP, SMTP, `
			S: 220 mx ESMTP Postfix
			C: QUIT`},
		{"QUIT after a greeting that names nothing", Undecided, SMTP, `
			S: 220 hello
			C: QUIT
			S: 221 bye`},
		{"QUIT after a refusal that names SMTP", SMTP, SMTP, `
			S: 554 no SMTP service here
			C: QUIT`},
		{"a greeting alone", Undecided, SMTP, `S: 220 mx ESMTP`},
		{"421 and an end", Undecided, SMTP, `S: 421 too many connections`},
		{"554 and an end", Undecided, SMTP, `S: 554 mx ESMTP not accepting mail`},
		{"rubbish to a server that says SMTP", Undecided, SMTP, `
			S: 220 mx ESMTP
			C: xyzzy
			S: 500 what`},
		{"rubbish, then EHLO, to a server that says SMTP", SMTP, SMTP, `
			S: 220 mx ESMTP
			C: xyzzy
			S: 500 what
			C: EHLO client.example`},
		{"chatter before the greeting", SMTP, SMTP, `
			S: ld.so: warning
			S: 220 mx ESMTP
			C: NOOP`},
		{"MAIL without FROM", Undecided, SMTP, `C: MAIL <a@x.example>`},

		{"FTP", Other, Other, `
			S: 220 (vsFTPd 3.0.5)
			C: USER anonymous
			S: 331 password`},
		{"FTP, quit at once", Other, Other, `
			S: 220 ProFTPD server
			C: QUIT
			S: 221 goodbye`},
		{"FTP over TLS", Other, Other, `
			S: 220 welcome
			C: AUTH TLS
			S: 234 proceed`},
		{"FTP that names nothing", Undecided, SMTP, `
			S: 220 welcome
			C: NOOP
			S: 200 ok`},
		{"POP3", Other, Other, `
			S: +OK ready
			C: QUIT`},
		{"POP3 with AUTH", Other, Other, `
			S: +OK ready <1@x>
			C: AUTH PLAIN`},
		{"POP3, the client alone", Other, Other, `C: CAPA`},
		{"POP3, and a command of SMTP behind a common one", Other, Other, `
			S: +OK ready
			C: NOOP\r\nEHLO client.example`},
		{"IMAP", Other, Other, `
			S: * OK IMAP4rev1
			C: a001 CAPABILITY`},
		{"NNTP", Other, Other, `
			S: 200 news server ready
			C: QUIT`},
		{"NNTP with STARTTLS", Other, Other, `
			S: 201 no posting
			C: STARTTLS`},
		{"IRC", Other, Other, `C: NICK bot\r\nUSER bot 0 * :bot`},
		{"IRC, quit at once", Other, Other, `
			S: :irc.example NOTICE * :*** Looking up your hostname
			C: QUIT :gone`},
		{"Redis", Other, Other, `C: *1\r\n$4\r\nQUIT`},
		{"Redis, inline", Other, Other, `
			C: QUIT
			S: +OK`},
		{"Redis, HELLO is not HELO", Other, Other, `C: HELLO 3`},
		{"ManageSieve", Other, Other, `
			S: "IMPLEMENTATION" "Dovecot"
			C: NOOP`},
		{"HTTP that quotes SMTP", Other, Other, `
			C: POST /x HTTP/1.1\r\nHost: mx\r\n\r\nEHLO client.example\r\nMAIL FROM:<a@x.example>
			S: 220 mx ESMTP`},
		{"SSH", Other, Other, `
			S: SSH-2.0-OpenSSH_9.2
			C: SSH-2.0-OpenSSH_9.2`},
		{"MySQL", Other, Other, `
			S: J\x00\x00\x00\n8.0.36\x00\x10\x00\x00\x00\
			C: \x01\x00\x00\x00\x0e\n\`},
		{"finger", Undecided, Undecided, `
			C: julien
			S: Login: julien`},
		{"memcached that quotes SMTP", Undecided, SMTP, `
			C: set k 0 0 4\r\nEHLO x
			S: STORED`},
		{"remote desktop", Other, Undecided, `C: \x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00\`},
		{"rubbish in binary to a server that says SMTP", Other, SMTP, `
			S: 220 mx ESMTP
			C: \x03\x00\x00\x13\x0e\xe0\n\`},
		{"TLS", TLS, TLS, `C: \x16\x03\x01\x00\x05\x01\x00\x00\x01\x03`},
		{"not quite TLS", Other, Undecided, `C: \x16\x03\x09\x00\x05\x01\x00\x00\x01\x03`},
	} {
		t.Run(x.name, func(t *testing.T) {
			segments := parseDialogue(t, x.dialogue)
			if s := checkReplays(t, onPort8025, segments); s.State != x.anyPort {
				t.Errorf("on any port: %v, want %v", s.State, x.anyPort)
			}
			if s := checkReplays(t, onPort25, segments); s.State != x.mailPort {
				t.Errorf("on a mail port: %v, want %v", s.State, x.mailPort)
			}
		})
	}
}

// None of the captures of other protocols is taken for SMTP, not even if its port were a mail port.
// What goes through a SOCKS proxy there is HTTP and TLS.
func TestCorpusLookalikes(t *testing.T) {
	for _, path := range capture.Files(t, "zeek-lookalikes") {
		for i, f := range readCapture(t, path) {
			for _, mail := range []bool{false, true} {
				o := f.options(true)
				o.MailPort = mail
				if s := replay(o, f.segments); s.State == SMTP || s.State == LMTP {
					t.Errorf("%s/%d is taken for %v on a mail port %v", filepath.Base(path), i, s.State, mail)
				}
			}
		}
	}
}
