package report

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/smtptrace/smtptrace/internal/record"
)

// The logs tell whose they are: where sessions came from, what the run was told, and what servers call a client whose
// address they do not see.
func TestLearn(t *testing.T) {
	list := watchAll("r1", minutes(-2), minutes(2))
	list[0].Tracer.Own = []string{"203.0.113.88", "web1.example.org"}
	public, inside, server, v6 := session("a", T), session("b", T), session("c", T), session("d", T)
	public.SMTP.LastReply = "554 Client host [198.51.100.66] blocked" // of a client whose address is known
	inside.Source.IP = netip.MustParseAddr("10.0.0.7")
	inside.SMTP.Transactions = []record.Transaction{{Outcome: "refused", Reply: "550 5.7.1 messages from [203.0.113.77] weren't sent"}}
	server.Source.IP = netip.MustParseAddr("10.0.0.7")
	server.SMTP.LastReply = "250 Hello web1 [198.51.100.25]" // its own
	v6.Source.IP = netip.MustParseAddr("2001:db8::7")
	path := write(t, "log", lines(append(list, public, inside, server, v6)...))
	k := Learn([]string{path, Stdin, "/nowhere"})
	if got, want := fmt.Sprint(k.Addresses(), k.Told, k.Own),
		"[203.0.113.7 2001:db8::7 203.0.113.88] [203.0.113.77] [203.0.113.88 web1.example.org]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
