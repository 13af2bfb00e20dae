package trace

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/output"
	"github.com/smtptrace/smtptrace/internal/privacy"
	"github.com/smtptrace/smtptrace/internal/record"
)

// private is the policy of a mode, with a key of the test's own.
func (s *stage) private(mode privacy.Mode) {
	s.t.Helper()
	policy, err := privacy.Open(mode, s.t.TempDir())
	if err != nil {
		s.t.Fatal(err)
	}
	s.options.Privacy = policy
}

const envelope = opened + `
	a C: MAIL FROM:<Alice@Example.ORG>
	a S: 250 Ok
	a C: RCPT TO:<bob@example.net>
	a S: 250 Ok
	a C: RCPT TO:<carol@example.net>
	a S: 550 5.1.1 no such user
	a C: RCPT TO:<postmaster>
	a S: 250 Ok
	a C: RSET
	a S: 250 Ok
	a C: MAIL FROM:<>
	a S: 250 Ok
	a C: RCPT TO:<dave@example.com>
	a S: 250 Ok
	a closed 100 100
`

// What each mode shows of the same two envelopes.
func TestPrivacy(t *testing.T) {
	for _, mode := range []privacy.Mode{privacy.Full, privacy.Domain, privacy.HMAC, privacy.None} {
		t.Run(string(mode), func(t *testing.T) {
			stage := newStage(t)
			stage.private(mode)
			hash := stage.options.Privacy.Hash
			first := record.Transaction{RcptCount: 3, RcptRefused: 1, Outcome: "aborted"}
			bounce := record.Transaction{RcptCount: 1, Outcome: "aborted"}
			switch mode {
			case privacy.Full:
				first.MailFrom, first.RcptTo = "Alice@Example.ORG", []string{"bob@example.net", "carol@example.net", "postmaster"}
				bounce.RcptTo = []string{"dave@example.com"}
			case privacy.Domain:
				first.MailFromDomain = "example.org"
			}
			if mode == privacy.Full || mode == privacy.Domain {
				first.RcptDomains, bounce.RcptDomains = []string{"example.net"}, []string{"example.com"}
			}
			if mode != privacy.None {
				bounce.MailFrom = "<>"
			}
			if mode == privacy.Domain || mode == privacy.HMAC {
				first.MailFromHMAC = hash("alice@example.org")
				first.RcptHMAC = []string{hash("bob@example.net"), hash("carol@example.net"), hash("postmaster")}
				bounce.RcptHMAC = []string{hash("dave@example.com")}
			}
			got := undated(stage.play(envelope).only(t, record.ActionSession).SMTP.Transactions)
			if want := []record.Transaction{first, bounce}; !reflect.DeepEqual(got, want) {
				t.Errorf("\n got %+v\nwant %+v", got, want)
			}
		})
	}
}

// Half an address is neither hashed nor taken for a domain: it would be another one.
func TestPrivacyOfHalfAnAddress(t *testing.T) {
	long := strings.Repeat("x", 250)
	for _, mode := range []privacy.Mode{privacy.Domain, privacy.HMAC} {
		stage := newStage(t)
		stage.private(mode)
		r := stage.play(opened+"a C: MAIL FROM:<alice@"+long[:200]+"\\\na C: "+long[:200]+".example.org>\na S: 250 Ok\n"+
			"a C: RCPT TO:<bob@"+long[:200]+"\\\na C: "+long[:200]+".example.net>\na S: 250 Ok\na closed 1 1").only(t, record.ActionSession)
		x := r.SMTP.Transactions[0]
		if x.MailFromDomain != "" || x.MailFromHMAC != "" || x.RcptDomains != nil || x.RcptHMAC != nil || x.RcptCount != 1 {
			t.Errorf("%s: %+v", mode, x)
		}
	}
}

// A mode hides an address wherever it is said, in the server's replies too, and in every output.
func TestAddressesAreHidden(t *testing.T) {
	const said = `
		process 7 /usr/sbin/exim4
		a connect 7 198.51.100.25:25
		a established
		a smtp
		a S: 220 mx.example ESMTP, complaints to canary-abuse@domain-abuse.example
		a C: EHLO client.example
		a S: 250 mx.example
		a C: MAIL FROM:<canary-from@domain-from.example>
		a S: 250 <canary-from@domain-from.example> is welcome
		a C: RCPT TO:<canary-to@domain-to.example>
		a S: 550 5.1.1 <canary-to@domain-to.example>: Recipient address rejected
		a closed 100 100
	`
	for mode, hidden := range map[privacy.Mode]string{privacy.Domain: "canary", privacy.HMAC: "canary domain", privacy.None: "canary domain"} {
		for _, format := range []output.Format{output.JSON, output.Text} {
			stage := newStage(t)
			stage.private(mode)
			stage.options.Summary = record.NewSummary()
			stage.write(output.Options{Format: format})
			if err := stage.run(said); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(stage.log)
			if err != nil {
				t.Fatal(err)
			}
			all := string(b) + stage.options.Summary.Text(time.Now(), false)
			if !strings.Contains(all, "550 5.1.1 <…") {
				t.Errorf("%s %s: the reply is not there: %s", mode, format, all)
			}
			for _, word := range strings.Fields(hidden) {
				// The names of fields have the word domain in them.
				if i := strings.Index(all, word+"-"); i >= 0 {
					t.Errorf("%s %s: %s", mode, format, all[max(0, i-60):min(len(all), i+60)])
				}
			}
		}
	}
}
