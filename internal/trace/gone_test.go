package trace

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/smtptrace/smtptrace/internal/record"
)

// TestEndLost: a connection whose last snapshot is lost, and which the socket tables do not list any more, has ended:
// its record says that its end was not seen, and claims nothing.
func TestEndLost(t *testing.T) {
	const text = `
		process 7 /usr/bin/perl
		a connect 7 198.51.100.25:25
		a established
		b connect 7 198.51.100.26:25
		b established
		c connect 7 198.51.100.27:25
		d connect 7 198.51.100.28:25
		d established
		a smtp` + dialogue + `
		! a closed 700 100
		! b closed 0 0
		! c failed ECONNREFUSED
		%s
	`
	for name, wait := range map[string]string{"while it runs": "wait 3s\n wait 3s", "at its end": ""} {
		t.Run(name, func(t *testing.T) {
			stage := newStage(t)
			stage.options.Live = func() (Live, error) {
				live := Live{}
				live.Add(4026531840, netip.MustParseAddrPort("203.0.113.7:41822"), netip.MustParseAddrPort("198.51.100.28:25"))
				return live, nil
			}
			s := stage.play(fmt.Sprintf(text, wait))
			r := s.only(t, record.ActionSession)
			said(t, r)
			if r.Event.Outcome != record.OutcomeUnknown || r.SMTP.Unseen == 0 || !slices.Contains(r.Tracer.Weak, "end_not_seen") {
				t.Errorf("outcome %s, unseen %d, weak %q", r.Event.Outcome, r.SMTP.Unseen, r.Tracer.Weak)
			}
			told := map[string]string{}
			for _, r := range s.of(record.ActionConnect) {
				told[r.Destination.IP.String()] += string(r.Event.Reason) + " "
			}
			want := map[string]string{
				"198.51.100.25": "established ", "198.51.100.26": "established end_not_seen ", "198.51.100.27": "end_not_seen ",
				"198.51.100.28": "established ",
			}
			for ip, reasons := range want {
				if told[ip] != reasons {
					t.Errorf("%s: %q, want %q", ip, told[ip], reasons)
				}
			}
		})
	}
}

// TestTailLost: what a socket has sent and received beyond what the agent has read is unseen, though nothing behind it
// says so. So no mail is claimed not to have been sent.
func TestTailLost(t *testing.T) {
	const before = `
		process 7 /usr/bin/perl
		a connect 7 198.51.100.25:25
		a established
		a smtp
		a S: 220 mx.example ESMTP
		a C: EHLO client.example
		a S: 250 mx.example
		! a C: MAIL FROM:<a@example.org>
		! a S: 250 Ok
	`
	for text, unseen := range map[string]uint64{
		before + "a ends 73 51": 45 + 9 + 8 - 1,
		before + "a ends 55 42": 27 + 8 - 1, // the end of the server's stream counts for one
		before + "a closed 0 0": 0,
	} {
		r := play(t, text).only(t, record.ActionSession)
		if failed := r.Event.Outcome == record.Failure; (r.SMTP.Unseen > 0) != (unseen > 0) || failed != (unseen == 0) {
			t.Errorf("unseen %d, outcome %s; want about %d unseen:%s", r.SMTP.Unseen, r.Event.Outcome, unseen, text)
		}
	}
}
