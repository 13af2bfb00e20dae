package smtp

import (
	"fmt"
	"testing"
)

func TestGaps(t *testing.T) {
	for _, x := range []dialogueTest{
		{"a cut completes its line", onPort25, greeted + `
			C: AUTH PLAIN \
			C+ 30
			S: 235 ok
			C: MAIL FROM:<aaaa\
			C+ 500
			S: 250 ok
			C: RCPT TO:<b@y.example>
			S: 250 ok
			C: DATA
			S: 354 go ahead
			C+ 5000
			C: .
			S: 250 queued\
			S+ 700
			C: BDAT 700
			C+ 700
			S: 503 no
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250, auth PLAIN success, overlong, unseen
			<aaaa... -> <b@y.example> 250 5000 octets: accepted "250 queued"
			last "221 bye"`},
		{"a dot that goes on ends no message", onPort25, greeted + envelope2 + `
			C: DATA
			S: 354 go ahead
			C: .\
			C+ 9
			C: .\r\
			C- 9
			C: .
			S: 250 queued`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 21 octets: accepted "250 queued"
			last "250 queued"`},
		{"a chunk in pieces, some of them shown", onPort25, greeted + envelope2 + `
			C: BDAT 10\r\n123\
			C+ 4
			C: 890BDAT 0 LAST
			S: 250 ok
			S: 250 queued`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 chunked 10 octets: accepted "250 queued"
			last "250 queued"`},
		{"cut lines of which nobody knows how many they were", onPort25, greeted + `
			C+ 400
			C: MAIL FROM:<a@x.example>
			S: 500 what
			S: 502 what
			S: 500 what
			S: 250 ok
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250, unseen
			<a@x.example> ->: aborted
			last "221 bye"`},
		{"AUTH responses cut whole", onPort25, greeted + `
			C: AUTH LOGIN
			S: 334\
			S+ 15
			C+ 9
			S: 334\
			S+ 15
			C+ 9
			S: 235 ok
			C: MAIL FROM:<a@x.example>
			S: 250 ok`, `
			smtp, EHLO "client.example" 250, auth LOGIN success
			<a@x.example> ->: aborted
			last "250 ok"`},
		{"commands were lost: their replies are nobody's", onPort25, greeted + `
			C- 60
			S: 250 ok
			S: 250 ok
			C: DATA
			S: 354 go ahead
			C: text
			C: .
			S: 250 queued`, `
			smtp, EHLO "client.example" 250, unseen
			? -> 6 octets: accepted "250 queued"
			last "250 queued"`},
		{"DATA was lost, as its reply tells", onPort25, greeted + envelope2 + `
			C- 6
			S: 354 go ahead
			C+ 500
			C: .
			S: 250 queued
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 500 octets: accepted "250 queued"
			last "221 bye"`},
		{"the reply to DATA was lost", onPort25, greeted + envelope2 + `
			C: DATA
			S- 15
			C+ 500
			C: .
			S: 250 queued
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 500 octets: accepted "250 queued"
			last "221 bye"`},
		{"replies were lost: the next one is for the last command", onPort25, greeted + `
			C: MAIL FROM:<a@x.example>
			S- 8
			C: RCPT TO:<b@y.example>
			S: 250 ok
			C: DATA
			S- 20
			C: text
			C: .
			S: 250 queued`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 6 octets: accepted "250 queued"
			last "250 queued"`},
		{"pipelined, the first replies were lost", onPort25, greeted + `
			C: MAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nRCPT TO:<c@y.example>\r\nDATA
			S- 8
			S: 550 no
			S: 354 go ahead
			C: .
			S: 250 queued`, `
			smtp, EHLO "client.example" 250, unseen
			<a@x.example> -> <b@y.example> 0 <c@y.example> 550 0 octets: accepted "250 queued"
			last "250 queued"`},
		{"the end of a message was lost", onPort25, greeted + envelope2 + `
			C: DATA
			S: 354 go ahead
			C: text
			C- 100
			S: 250 queued
			C: MAIL FROM:<d@x.example>
			S: 250 ok
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 106 octets: accepted "250 queued"
			<d@x.example> ->: aborted
			last "221 bye"`},
		{"part of a message was lost, its end not", onPort25, greeted + envelope2 + `
			C: DATA
			S: 354 go ahead
			C: te\
			C- 100
			C: .
			S: 250 queued`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 102 octets: accepted "250 queued"
			last "250 queued"`},
		{"part of a chunk was lost", onPort25, greeted + envelope2 + `
			C: BDAT 100 LAST\r\nte\
			C- 98
			S: 250 queued
			C: QUIT
			S: 221 bye`, `
			smtp, EHLO "client.example" 250
			<a@x.example> -> <b@y.example> 250 <c@y.example> 250 chunked 100 octets: accepted "250 queued"
			last "221 bye"`},
		{"lost in the middle of a preamble", Options{}, `
			C: \x05\x02\x00\
			C- 4
			C: EHLO x.example`, `
			tunnel`},
	} {
		x.runAsIs(t)
	}
}

func TestGapCounts(t *testing.T) {
	s := replay(onPort25, parseDialogue(t, "C+ 10\nC- 20\nC: EHLO x\nS+ 5\nS- 7\nC+ 1"))
	if got := fmt.Sprint(s.Client, s.Server); got != "{39 11 20 3} {12 5 7 2}" {
		t.Error(got)
	}
}
