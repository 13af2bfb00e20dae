package trace

import (
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/record"
)

// TestSessionTimes: a session record is of a time behind all that it tells, and one behind another one says since when it
// tells. So no mail of a long session is outside of the records that tell it.
func TestSessionTimes(t *testing.T) {
	s := play(t, "process 7 /usr/bin/perl\n a connect 7 198.51.100.25:25\n a established\n a smtp\n a C: EHLO client.example\n a S: 250 ok\n"+
		strings.Repeat(mail(1), 45)+"a C: MAIL FROM:<open@example.org>\n a S: 250 Ok\n a closed 90000 9000")
	sessions := s.of(record.ActionSession)
	if len(sessions) < 3 {
		t.Fatalf("%d session records", len(sessions))
	}
	for i := range sessions {
		r := &sessions[i]
		if (r.Event.Sequence > 1) == r.SMTP.Since.IsZero() {
			t.Errorf("record %d tells since %v", r.Event.Sequence, r.SMTP.Since)
		}
		if i > 0 && r.SMTP.Since.After(sessions[i-1].Time) {
			t.Errorf("record %d tells since %v, and the one before it ends at %v", r.Event.Sequence, r.SMTP.Since, sessions[i-1].Time)
		}
		for _, m := range r.SMTP.Transactions {
			if m.Start.After(r.Time) || m.Start.Before(r.SMTP.Since) {
				t.Errorf("record %d of %v, since %v, has a mail of %v", r.Event.Sequence, r.Time, r.SMTP.Since, m.Start)
			}
		}
	}
}
