package smtp

import "testing"

const greeted = `
	S: 220 mx ESMTP
	C: EHLO client.example
	S: 250 mx
`

const envelope2 = `
	C: MAIL FROM:<a@x.example>
	S: 250 ok
	C: RCPT TO:<b@y.example>
	S: 250 ok
	C: RCPT TO:<c@y.example>
	S: 250 ok
`

func TestChunking(t *testing.T) {
	for _, x := range []dialogueTest{
		{"several chunks, not ending in lines", onPort25, greeted + envelope2 + `
			C: BDAT 10
			C: 0123\r\n67MA\
			S: 250 10 octets
			C: BDAT 6
			C: BDAT 9\
			S: 250 6 octets
			C: BDAT 0 LAST
			S: 250 queued
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 chunked 16 octets: accepted "250 queued"
			last "221 bye"`},
		{"chunks and the next mail pipelined", onPort25, greeted + envelope2 + `
			C: BDAT 3\r\nabcbdat 4 last\r\ndefgMAIL FROM:<d@x.example>\r\nRCPT TO:<b@y.example>\r\nBDAT 2 LAST\r\n\r\n\
			S: 250 ok\r\n250 queued as 1\r\n250 ok\r\n250 ok\r\n250 queued as 2`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 chunked 7 octets: accepted "250 queued as 1"
			<d@x.example> -> <b@y.example> 250 chunked 2 octets: accepted "250 queued as 2"
			last "250 queued as 2"`},
		{"a refused chunk: its octets are no commands, the first refusal is kept", onPort25, greeted + envelope2 + `
			C: BDAT 13
			C: RSET\r\nRSET\r\n\n\
			S: 552 too big
			C: BDAT 6 LAST
			C: RSET\r\n\
			S: 503 bad sequence
			C: RSET
			S: 250 ok`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 chunked 19 octets: refused "552 too big"
			last "250 ok"`},
		{"a size which is none has no octets", onPort25, greeted + envelope2 + `
			C: BDAT 5 X
			S: 501 syntax
			C: BDAT
			S: 501 syntax
			C: BDAT 99999999999999999999 LAST
			S: 501 syntax
			C: BDAT 4 LAST
			C: RSET\
			S: 250 queued`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 chunked 4 octets: accepted "250 queued"
			last "250 queued"`},
		{"the connection breaks within a chunk", onPort25, greeted + envelope2 + `
			C: BDAT 100 LAST
			C: 0123456789\
			S: 421 timeout`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 chunked 10 octets: refused "421 timeout"
			last "421 timeout"`},
		{"chunks behind a DATA that was refused", onPort25, greeted + `
			C: DATA
			S: 503 need RCPT
			` + envelope2 + `
			C: BDAT 12
			C: a\r\nRSET\r\nbcd\
			S: 250 ok
			C: BDAT 3 LAST
			C: abc\
			S: 250 queued
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 chunked 15 octets: accepted "250 queued"
			last "221 bye"`},
		{"a body that speaks of BDAT", onPort25, greeted + envelope2 + `
			C: DATA
			S: 354 go ahead
			C: BDAT 100000 LAST
			C: .
			S: 250 queued
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 18 octets: accepted "250 queued"
			last "221 bye"`},
		{"BURL", onPort25, greeted + envelope2 + `
			C: BURL imap://user@imap.example/Drafts;UIDVALIDITY=1/;UID=20 LAST
			S: 250 queued`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 chunked 0 octets: accepted "250 queued"
			last "250 queued"`},
	} {
		x.run(t)
	}
}

// A server that does not know BDAT reads no octets behind it, and a client that waits can hide nothing there.
func TestChunkUnread(t *testing.T) {
	for _, x := range []dialogueTest{
		{"announced, refused and not sent", onPort25, greeted + `
			C: BDAT 99999999999 LAST
			S: 502 what?` + envelope2 + `
			C: DATA
			S: 354 go ahead
			C: .
			S: 250 queued`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 0 octets: accepted "250 queued"
			last "250 queued"`},
		{"sent all the same, and counted elsewhere", onPort25, greeted + envelope2 + `
			C: BDAT 8 LAST
			S: 503 what?
			C+ 8
			C: RSET
			S: 250 ok`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 chunked 8 octets: refused "503 what?"
			last "250 ok"`},
	} {
		x.runAsIs(t)
	}
}

func TestAuth(t *testing.T) {
	for _, x := range []dialogueTest{
		{"PLAIN with an initial response", onPort25, greeted + `
			C: AUTH PLAIN AGNhbmFyeQBjYW5hcnk=
			S: 235 ok`, `
			smtp, EHLO "client.example" 250, auth PLAIN success
			last "235"`},
		{"LOGIN in two steps", onPort25, greeted + `
			C: auth login
			S: 334 VXNlcm5hbWU6
			C: Y2FuYXJ5
			S: 334 UGFzc3dvcmQ6
			C: Y2FuYXJ5
			S: 235 ok` + envelope2 + `
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250, auth LOGIN success, rcpt_probe
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250: aborted
			last "221 bye"`},
		{"responses that look like commands", onPort25, greeted + `
			C: AUTH LOGIN
			S: 334 VXNlcm5hbWU6
			C: QUIT
			S: 334 UGFzc3dvcmQ6
			C: DATA
			S: 535 no
			C: MAIL FROM:<a@x.example>
			S: 250 ok
			C: STARTTLS
			S: 454 no`, `
			smtp, EHLO "client.example" 250, tls starttls_refused, auth LOGIN failure
			<a@x.example> ->: aborted
			last "454 no"`},
		{"CRAM-MD5 cancelled, then another mechanism", onPort25, greeted + `
			C: AUTH CRAM-MD5
			S: 334 PDEyMzRAbXg+
			C: *
			S: 501 cancelled
			C: AUTH XOAUTH2 dXNlcj1h
			S: 334 eyJzdGF0dXMiOiI0MDEifQ==
			C:
			S: 535 no
			C: AUTH SCRAM-SHA-256 biws
			S: 334 cj1h
			C: Yz1i
			S: 334 dj1j
			C:
			S: 235 ok
			C: AUTH PLAIN =
			S: 503 already`, `
			smtp, EHLO "client.example" 250, auth SCRAM-SHA-256 success
			last "503"`},
		{"no mechanism, but the secret in its place", onPort25, greeted + `
			C: AUTH AGNhbmFyeQBjYW5hcnk=
			S: 504 unknown mechanism
			C: AUTH
			S: 501 syntax`, `
			smtp, EHLO "client.example" 250, auth  failure
			last "501"`},
		{"what a server repeats of a secret is not kept", onPort25, greeted + `
			C: AUTH LOGIN
			S: 503-no AUTH here
			S: 503 at all
			C: Y2FuYXJ5
			S: 500-5.5.1 unrecognized:
			S: 500 5.5.1 "Y2FuYXJ5"`, `
			smtp, EHLO "client.example" 250, auth LOGIN failure
			last "500 5.5.1"`},
		{"nor of what it does not understand, whatever that was", onPort25, `
			C: AUTH PLAIN AGNhbmFyeQBjYW5hcnk=
			S: 503 5.5.1 "AUTH PLAIN AGNhbmFyeQBjYW5hcnk="
			C: QUIT`, `
			smtp, auth PLAIN unknown, early_talker, unseen
			last "503 5.5.1"`},
		{"nor of another protocol's secret", onPort25, greeted + `
			C: PASS canary
			S: 502 "PASS canary"`, `
			smtp, EHLO "client.example" 250
			last "502"`},
		{"nor of an AUTH that it does not know", onPort25, greeted + `
			C: AUTH PLAIN AGNhbmFyeQBjYW5hcnk=
			S: 500-Command unrecognized:
			S: 500 "AUTH PLAIN AGNhbmFyeQBjYW5hcnk="`, `
			smtp, EHLO "client.example" 250, auth PLAIN failure
			last "500"`},
		{"the same words to something else are", onPort25, greeted + `
			C: AUTH LOGIN
			S: 503 no AUTH here
			C: Y2FuYXJ5
			S: 500 no such command
			C: MAIL FROM:<a@x.example>
			S: 500 no such command`, `
			smtp, EHLO "client.example" 250, auth LOGIN failure
			<a@x.example> ->: refused "500 no such command"
			last "500 no such command"`},
		{"nor of a challenge", onPort25, greeted + `
			C: AUTH CRAM-MD5
			S: 334 PDEyMzRAbXg+`, `
			smtp, EHLO "client.example" 250, auth CRAM-MD5 unknown
			last "334"`},
		{"pipelined behind the initial response", onPort25, greeted + `
			C: AUTH PLAIN AGNhbmFyeQBjYW5hcnk=\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nBDAT 3 LAST\r\nabcQUIT
			S: 235 ok\r\n250 ok\r\n250 ok\r\n250 queued\r\n221 bye`, `
			smtp, EHLO "client.example" 250, auth PLAIN success
			<a@x.example> -> <b@y.example> 250 chunked 3 octets: accepted "250 queued"
			last "221 bye"`},
		{"the reply is missing", onPort25, greeted + `
			C: AUTH PLAIN AGNhbmFyeQBjYW5hcnk=`, `
			smtp, EHLO "client.example" 250, auth PLAIN unknown
			last "250 mx"`},
	} {
		x.run(t)
	}
}

func TestStartTLS(t *testing.T) {
	hello := `C: \x16\x03\x01\x00\x05\x01\x00\x00\x01\x03 binary\r\nMAIL FROM:<no@x.example>`
	for _, x := range []dialogueTest{
		{"accepted: what follows is unseen", onPort25, greeted + `
			C: STARTTLS
			S: 220 go ahead
			` + hello + `
			S: \x16\x03\x03\x00\x7a binary\r\n250 ok`, `
			smtp, EHLO "client.example" 250, tls starttls
			last "220 go ahead"`},
		{"accepted, with commands smuggled in front of the handshake", onPort25, greeted + `
			C: STARTTLS\r\nMAIL FROM:<no@x.example>
			S: 220 go ahead
			` + hello + `
			S: \x16\x03\x03\x00\x7a binary`, `
			smtp, EHLO "client.example" 250, tls starttls
			last "220 go ahead"`},
		{"refused: the session goes on in clear", onPort25, greeted + `
			C: STARTTLS
			S: 454 not now` + envelope2 + `
			C: DATA
			S: 354 go ahead
			C: .
			S: 250 queued`, `
			smtp, EHLO "client.example" 250, tls starttls_refused
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 0 octets: accepted "250 queued"
			last "250 queued"`},
		{"refused, then accepted", onPort25, greeted + `
			C: STARTTLS
			S: 454 not now
			C: STARTTLS
			S: 220 go ahead`, `
			smtp, EHLO "client.example" 250, tls starttls
			last "220 go ahead"`},
		{"the reply is not seen, the handshake is", onPort25, `
			C: EHLO client.example
			C: STARTTLS
			` + hello, `
			smtp, EHLO "client.example" 0, tls starttls`},
		{"accepted, and the dialogue goes on in the clear", onPort25, greeted + `
			C: STARTTLS
			S: 220 go ahead
			C: EHLO again.example
			S: 250-mx\r\n250 AUTH PLAIN
			C: AUTH PLAIN AGNhbmFyeQBjYW5hcnk=
			S: 235 ok` + envelope2 + `
			C: DATA
			S: 354 go ahead
			C: STARTTLS
			C: .
			S: 250 queued
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250, EHLO "again.example" 250, tls starttls_unused, auth PLAIN success
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 10 octets: accepted "250 queued"
			last "221 bye"`},
		{"accepted, in the clear, without replies", onPort25, greeted + `
			C: STARTTLS
			S: 220 go ahead
			C: EHLO again.example
			C: MAIL FROM:<a@x.example>`, `
			smtp, EHLO "client.example" 250, EHLO "again.example" 0, tls starttls_unused
			<a@x.example> ->: aborted
			last "220 go ahead"`},
		{"accepted, and the server is tired of waiting", onPort25, greeted + `
			C: STARTTLS
			S: 220 go ahead
			S: 421 timeout`, `
			smtp, EHLO "client.example" 250, tls starttls_unused
			last "421 timeout"`},
		{"accepted, in the clear, then accepted again", onPort25, greeted + `
			C: STARTTLS
			S: 220 go ahead
			C: EHLO again.example
			S: 250 mx
			C: STARTTLS
			S: 220 go ahead
			` + hello + `
			S: \x16\x03\x03\x00\x7a binary\r\n250 ok`, `
			smtp, EHLO "client.example" 250, EHLO "again.example" 250, tls starttls
			last "220 go ahead"`},
		{"accepted, and the handshake is an old one: SSL 2.0's", onPort25, greeted + `
			C: STARTTLS
			S: 220 go ahead
			C: \x80\x2e\x01\x03\x01 binary\r\nMAIL FROM:<no@x.example>
			S: \x16\x03\x01\x00\x7a binary\r\n250 ok`, `
			smtp, EHLO "client.example" 250, tls starttls
			last "220 go ahead"`},
		{"accepted, and the handshake was before: records alone", onPort25, greeted + `
			C: STARTTLS
			S: 220 go ahead
			C: \x17\x03\x03\x00\x7a\r\nMAIL FROM:<no@x.example>`, `
			smtp, EHLO "client.example" 250, tls starttls
			last "220 go ahead"`},
		{"a 220 that answers the EHLO in front", onPort25, `
			S: 220 mx ESMTP
			C: EHLO client.example\r\nSTARTTLS\r\nMAIL FROM:<a@x.example>
			S: 220-mx\r\n220-SIZE\r\n220 PIPELINING
			S: 502 no
			S: 250 ok`, `
			smtp, EHLO "client.example" 220, tls starttls_refused, unseen
			<a@x.example> ->: aborted
			last "250 ok"`},
		{"all at once, in the clear", onPort25, `
			S: 220 mx ESMTP
			C: EHLO client.example\r\nSTARTTLS\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\ntext\r\n.
			S: 250 mx\r\n220 go ahead\r\n250 ok\r\n250 ok\r\n354 go ahead\r\n250 queued`, `
			smtp, EHLO "client.example" 250, tls starttls_unused
			<a@x.example> -> <b@y.example> 250 6 octets: accepted "250 queued"
			last "250 queued"`},
		{"a server that says something in the clear in front of its handshake", onPort25, greeted + `
			C: STARTTLS
			S: 220 go ahead
			` + hello + `
			S: 250 ok\r\n\x16\x03\x03\x00\x7a binary`, `
			smtp, EHLO "client.example" 250, tls starttls, unseen
			last "250 ok"`},
		{"a client that says something in the clear in front of its handshake", onPort25, greeted + `
			C: STARTTLS
			S: 220 go ahead
			C: NOOP
			S: 250 ok
			` + hello + `
			S: \x16\x03\x03\x00\x7a binary`, `
			smtp, EHLO "client.example" 250, tls starttls
			last "250 ok"`},
		{"Exchange's own", onPort25, greeted + `
			C: X-ANONYMOUSTLS
			S: 220 go ahead
			` + hello, `
			smtp, EHLO "client.example" 250, tls starttls
			last "220 go ahead"`},
	} {
		x.run(t)
	}
}

func TestLMTP(t *testing.T) {
	start := `
		S: 220 mx LMTP
		C: LHLO client.example
		S: 250 mx
	`
	for _, x := range []dialogueTest{
		{"a reply for each accepted recipient", onPort25, start + envelope2 + `
			C: RCPT TO:<d@y.example>
			S: 550 no
			C: DATA
			S: 354 go ahead
			C: .
			S: 452 b is full
			S: 250 c has it
			C: MAIL FROM:<z@x.example>\r\nRCPT TO:<c@y.example>\r\nDATA
			S: 250 ok\r\n250 ok\r\n354 go ahead
			C: .\r\nQUIT
			S: 250 c has it too\r\n221 bye`, `
			lmtp, LHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 <d@y.example> 550 0 octets: accepted for 1 "250 c has it"
			<z@x.example> -> <c@y.example> 250 0 octets: accepted "250 c has it too"
			last "221 bye"`},
		{"BDAT LAST has them too", onPort25, start + envelope2 + `
			C: BDAT 3 LAST
			C: abc\
			S: 250 b has it
			S: 250 c has it
			C: QUIT
			S: 221 bye`, `
			lmtp, LHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 chunked 3 octets: accepted "250 b has it"
			last "221 bye"`},
		{"refused for all", onPort25, start + envelope2 + `
			C: DATA
			S: 354 go ahead
			C: .
			S: 452 b is full
			S: 452 c is full`, `
			lmtp, LHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 0 octets: refused "452 c is full"
			last "452 c is full"`},
	} {
		x.run(t)
	}
}

func TestProxyCommands(t *testing.T) {
	x := dialogueTest{"XCLIENT greets anew, XFORWARD does not", onPort25, greeted + `
		C: XFORWARD NAME=spike.example ADDR=192.0.2.1
		S: 250 ok
		C: XCLIENT NAME=spike.example ADDR=192.0.2.1 LOGIN=canary
		S: 220 mx ESMTP
		C: EHLO spike.example
		S: 250 mx
		C: MAIL FROM:<ä@x.example> SMTPUTF8
		S: 250 ok
		C: RCPT TO:<ö@y.example>
		S: 250 ok
		C: DATA
		S: 354 go ahead
		C: .
		S: 250 queued`, `
		smtp, EHLO "client.example" 250, EHLO "spike.example" 250
		<ä@x.example> -> <ö@y.example> 250 utf8 0 octets: accepted "250 queued"
		last "250 queued"`}
	x.run(t)
}
