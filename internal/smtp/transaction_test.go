package smtp

import "testing"

func TestTransactions(t *testing.T) {
	for _, x := range []dialogueTest{
		{"one message", onPort25, `
			S: 220 mx.example ESMTP
			C: EHLO client.example
			S: 250-mx.example
			S: 250 SIZE 1000
			C: MAIL FROM:<a@client.example> SIZE=42 BODY=8BITMIME
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: RCPT TO:<c@mx.example>
			S: 550 5.1.1 no such user
			C: DATA
			S: 354 go ahead
			C: Subject: hi
			C:
			C: ..stuffed
			C: .
			S: 250 2.0.0 queued as 4E81026038
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250
			<a@client.example> -> <b@mx.example> 250 <c@mx.example> 550 size 42 26 octets: accepted "250 2.0.0 queued as 4E81026038"
			last "221 bye"`},
		{"a body whose end the server alone has seen", onPort25, `
			S: 220 mx ESMTP
			C: HELO client.example
			S: 250 mx
			C: MAIL FROM:<a@client.example>
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: DATA
			S: 354 go ahead
			C: hello
			C: x\n.x
			S: 250 queued`, `
			smtp, HELO "client.example" 250, unseen
			<a@client.example> -> <b@mx.example> 250 13 octets: accepted "250 queued"
			last "250 queued"`},
		{"bounce has the null sender", onPort25, `
			S: 220 mx ESMTP
			C: HELO client.example
			S: 250 mx
			C: MAIL FROM:<>
			S: 250 ok
			C: RCPT TO:<b@mx.example>
			S: 250 ok
			C: DATA
			S: 354 go ahead
			C: .
			S: 250 queued`, `
			smtp, HELO "client.example" 250
			<> -> <b@mx.example> 250 0 octets: accepted "250 queued"
			last "250 queued"`},
		{"sender refused, the pipelined rest with it", onPort25, `
			S: 220 mx ESMTP
			C: EHLO client.example
			S: 250 mx
			C: MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA
			S: 553 5.1.8 no such domain
			S: 503 need MAIL
			S: 503 need MAIL
			C: RSET
			S: 250 ok
			C: MAIL FROM:<c@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA
			S: 250 ok
			S: 250 ok
			S: 354 go ahead
			C: text
			C: .
			S: 554 5.7.1 virus`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 503: refused "553 5.1.8 no such domain"
			<c@x.example> -> <b@y.example> 250 6 octets: refused "554 5.7.1 virus"
			last "554 5.7.1 virus"`},
		{"all recipients refused, 354 all the same, empty message", onPort25, `
			S: 220 mx ESMTP
			C: EHLO client.example
			S: 250 mx
			C: MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA
			S: 250 ok
			S: 550 no such user
			S: 354 go ahead
			C: .
			S: 554 no valid recipients
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 550 0 octets: refused "554 no valid recipients"
			last "221 bye"`},
		{"all recipients refused, given up: the last refusal decided", onPort25, `
			S: 220 mx ESMTP
			C: EHLO client.example
			S: 250 mx
			C: MAIL FROM:<a@x.example>
			S: 250 ok
			C: RCPT TO:<b@y.example>
			S: 550 no such user
			C: RCPT TO:<c@y.example>
			S: 450 greylisted
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 550 <c@y.example> 450: refused "450 greylisted"
			last "221 bye"`},
		{"DATA refused, then tried again", onPort25, `
			S: 220 mx ESMTP
			C: EHLO client.example
			S: 250 mx
			C: MAIL FROM:<a@x.example>
			S: 250 ok
			C: DATA
			S: 503 need RCPT
			C: RCPT TO:<b@y.example>
			S: 250 ok
			C: DATA
			S: 451 wait
			C: DATA
			S: 354 go ahead
			C: text
			C: .
			S: 250 queued`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 6 octets: accepted "250 queued"
			last "250 queued"`},
		{"nested MAIL changes nothing, a refused EHLO neither", onPort25, `
			S: 220 mx ESMTP
			C: EHLO client.example
			S: 250 mx
			C: MAIL FROM:<a@x.example>
			S: 250 ok
			C: MAIL FROM:<b@x.example>
			S: 503 nested MAIL command
			C: EHLO
			S: 501 syntax: EHLO hostname
			C: RCPT TO:<c@y.example>
			S: 250 ok
			C: DATA
			S: 354 go ahead
			C: .
			S: 250 queued`, `
			smtp, EHLO "client.example" 250, EHLO "" 501, helo_bare
			<a@x.example> -> <c@y.example> 250 0 octets: accepted "250 queued"
			last "250 queued"`},
		{"RSET, a new EHLO and a new MAIL give a transaction up", onPort25, `
			S: 220 mx ESMTP
			C: EHLO client.example
			S: 250 mx
			C: MAIL FROM:<a@x.example>
			S: 250 ok
			C: RSET
			S: 250 ok
			C: MAIL FROM:<b@x.example>
			S: 250 ok
			C: EHLO other.example
			S: 250 mx
			C: MAIL FROM:<c@x.example>
			S: 250 ok
			C: MAIL FROM:<d@x.example>
			S: 250 ok
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250, EHLO "other.example" 250
			<a@x.example> ->: aborted
			<b@x.example> ->: aborted
			<c@x.example> ->: aborted
			<d@x.example> ->: aborted
			last "221 bye"`},
		{"RSET pipelined behind a message whose reply is not there yet", onPort25, `
			S: 220 mx ESMTP
			C: EHLO client.example
			S: 250 mx
			C: MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA
			S: 250 ok\r\n250 ok\r\n354 go ahead
			C: one\r\n.\r\nRSET\r\nMAIL FROM:<c@x.example>\r\nRCPT TO:<d@y.example>\r\nDATA
			S: 250 queued as 1\r\n250 reset\r\n250 ok\r\n250 ok\r\n354 go ahead
			C: second\r\n.\r\nQUIT
			S: 250 queued as 2\r\n221 bye`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 5 octets: accepted "250 queued as 1"
			<c@x.example> -> <d@y.example> 250 8 octets: accepted "250 queued as 2"
			last "221 bye"`},
		{"everything at once, without waiting for the 354", onPort25, `
			C: HELO bot\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA
			C: Subject: MAIL FROM:<no@x.example>
			C: MAIL FROM:<no@x.example>
			C: DATA
			C: QUIT
			C: .
			C: QUIT
			S: 220 mx ESMTP
			S: 250 mx
			S: 250 ok
			S: 250 ok
			S: 354 go ahead
			S: 250 queued
			S: 221 bye`, `
			smtp, HELO "bot" 250, helo_bare, early_talker
			<a@x.example> -> <b@y.example> 250 73 octets: accepted "250 queued"
			last "221 bye"`},
		{"everything at once, DATA refused: what followed were commands", onPort25, `
			S: 220 mx ESMTP
			C: HELO bot\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA
			C: Subject: hi
			C: MAIL FROM:<c@x.example>
			C: text
			C: .
			C: QUIT
			S: 250 mx
			S: 250 ok
			S: 550 no such user
			S: 554 no valid recipients
			S: 500 what
			S: 550 not you either
			S: 500 what
			S: 500 what
			S: 221 bye`, `
			smtp, HELO "bot" 250, helo_bare, unseen
			<a@x.example> -> <b@y.example> 550: refused "554 no valid recipients"
			<c@x.example> ->: refused "550 not you either"
			last "221 bye"`},
		{"421 ends the session and the transaction", onPort25, `
			S: 220 mx ESMTP
			C: EHLO client.example
			S: 250 mx
			C: MAIL FROM:<a@x.example>
			S: 250 ok
			C: RCPT TO:<b@y.example>
			S: 421 4.7.0 [TS03] deferred`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 421: refused "421 4.7.0 [TS03] deferred"
			last "421 4.7.0 [TS03] deferred"`},
		{"421 which answers nothing: the server gave up waiting", onPort25, `
			S: 220 mx ESMTP
			C: EHLO client.example
			S: 250 mx
			C: MAIL FROM:<a@x.example>
			S: 250 ok
			C: RCPT TO:<b@y.example>
			S: 250 ok
			C: DATA
			S: 354 go ahead
			C: half a
			S: 421 timeout`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250: refused "421 timeout"
			last "421 timeout"`},
		{"the connection breaks within a message", onPort25, `
			S: 220 mx ESMTP
			C: EHLO client.example
			S: 250 mx
			C: MAIL FROM:<a@x.example>
			S: 250 ok
			C: RCPT TO:<b@y.example>
			S: 250 ok
			C: DATA
			S: 354 go ahead
			C: half a`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250: aborted
			last "354 go ahead"`},
		{"the reply to a whole message is missing: nobody knows", onPort25, `
			S: 220 mx ESMTP
			C: EHLO client.example
			S: 250 mx
			C: MAIL FROM:<a@x.example>
			S: 250 ok
			C: RCPT TO:<b@y.example>
			S: 250 ok
			C: DATA
			S: 354 go ahead
			C: whole
			C: .`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 7 octets: open
			last "354 go ahead"`},
		{"only the client's side is seen", onPort25, `
			C: EHLO client.example
			C: MAIL FROM:<a@x.example>
			C: RCPT TO:<b@y.example>
			C: DATA
			C: text
			C: .
			C: QUIT`, `
			smtp, EHLO "client.example" 0
			<a@x.example> -> <b@y.example> 0 6 octets: open`},
		{"bare LF throughout", onPort25, `
			S: 220 mx ESMTP\n\
			C: helo client.example\n\
			S: 250 mx\n\
			C: mail from: <a@x.example>\n\
			S: 250 ok\n\
			C: rcpt to: b@y.example\n\
			S: 250 ok\n\
			C: data\n\
			S: 354 go ahead\n\
			C: text\n.\nquit\n\
			S: 250 queued\n221 bye\n\`, `
			smtp, HELO "client.example" 250
			<a@x.example> -> <b@y.example> 250 5 octets: accepted "250 queued"
			last "221 bye"`},
		{"PRDR: a reply for each recipient, the last one decides", onPort25, `
			S: 220 mx ESMTP
			C: EHLO client.example
			S: 250 PRDR
			C: MAIL FROM:<a@x.example> PRDR
			S: 250 ok
			C: RCPT TO:<b@y.example>
			S: 250 ok
			C: RCPT TO:<c@y.example>
			S: 250 ok
			C: DATA
			S: 354 go ahead
			C: .
			S: 353 PRDR content analysis has started
			S: 250 accepted for b
			S: 550 refused by c
			S: 250 queued
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 0 octets: accepted "250 queued"
			last "221 bye"`},
	} {
		x.run(t)
	}
}
