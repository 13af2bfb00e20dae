package smtp

import (
	"slices"
	"testing"
)

// A refusal that names a blocklist is told from one that does not, wherever it is said.
func TestBlocklistReply(t *testing.T) {
	mail := greeted + "C: MAIL FROM:<a@x.example>\nS: 250 ok\nC: RCPT TO:<b@y.example>\n"
	for _, x := range []struct {
		dialogue string
		want     bool
	}{
		{mail + "S: 554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.1", true},
		{mail + "S: 550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus.", true},
		{mail + "S: 550 X-Warning: 192.0.2.1 is listed at list.dsbl.example", true},
		{mail + "S: 550-5.7.1 Rejected\nS: 550 found in DNSBL", true},
		{mail + "S: 550 5.7.1 RBL: 192.0.2.1", true},
		{mail + "S: 550 5.7.606 Access denied, banned sending IP [192.0.2.1]", true},
		{mail + "S: 550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Part of their network is on our block list (S3140).", true},
		{mail + "S: 450 4.7.1 You have been blacklisted, try later", true},
		{mail + "S: 250 ok\nC: DATA\nS: 354 go\nC: .\nS: 554 5.7.1 [CBL] http://www.abuseat.org/lookup.cgi?ip=192.0.2.1", true},
		{"S: 554-mx.example\nS: 554 Your address is listed in bl.spamcop.net", true},
		{mail + "S: 550 5.1.1 User unknown", false},
		{mail + "S: 550 5.7.1 Relaying denied", false},
		{mail + "S: 421 4.7.0 [TS03] deferred", false},
		{mail + "S: 550 5.1.1 this mailbox is not listed here", false},
		{mail + "S: 550 5.2.1 blocked by the recipient", false},
		{mail + "S: 550 5.1.1 Verbl and trblmaker are unknown", false},
		{mail + "S: 250 ok\nC: DATA\nS: 354 go\nC: .\nS: 250 queued, spamhaus has nothing", false},
	} {
		s := checkReplays(t, onPort25, parseDialogue(t, x.dialogue))
		if got := slices.Contains(s.Flags(), "blocklist_reply"); got != x.want {
			t.Errorf("%s: blocklist_reply %t, want %t", x.dialogue[max(0, len(x.dialogue)-90):], got, x.want)
		}
	}
}
