package trace

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/record"
)

// knocks is a process that connects in vain to so many mail servers, the first of them again and again.
func knocks(pid, servers int) string {
	var s strings.Builder
	fmt.Fprintf(&s, "process %d /usr/bin/perl\n", pid)
	for i := range servers {
		for _, to := range []int{1, i + 1} {
			fmt.Fprintf(&s, "c%d-%d-%d connect %d 198.51.100.%d:25\n", pid, i, to, pid, to)
			fmt.Fprintf(&s, "c%d-%d-%d failed ECONNREFUSED\n", pid, i, to)
		}
	}
	return s.String()
}

// spreads are the processes whose records say fanout, and in how many.
func (s story) spreads() map[uint32]int {
	found := map[uint32]int{}
	for i := range s {
		if slices.Contains(s[i].Flags, "fanout") {
			found[s[i].Process.PID]++
		}
	}
	return found
}

// A process that goes to ten servers is flagged from the tenth on; one that goes to nine is not, however
// often, and neither are ten processes that go to one each.
func TestFanout(t *testing.T) {
	text := knocks(50, 10) + knocks(51, 9) + knocks(51, 9)
	for i := range 12 {
		text += strings.ReplaceAll(knocks(60+i, 1), "198.51.100.1:", fmt.Sprintf("198.51.100.%d:", i+1))
	}
	if got := fmt.Sprint(play(t, text).spreads()); got != "map[50:1]" {
		t.Errorf("flagged: %s", got)
	}
}

// So is one that speaks SMTP elsewhere than on a mail port: by its first words, and at the end.
func TestFanoutOfSessions(t *testing.T) {
	text := "process 50 /usr/bin/perl\n"
	for i := range fanoutDestinations {
		text += strings.NewReplacer("NAME", fmt.Sprint("c", i), "TO", fmt.Sprint(i+1)).Replace(`
			NAME connect 50 198.51.100.TO:8025
			NAME smtp
			NAME C: EHLO a.example
			NAME closed 20 0
		`)
	}
	s := play(t, text)
	if got := fmt.Sprint(s.spreads()); got != "map[50:2]" {
		t.Errorf("flagged: %s: %s", got, s.actions())
	}
}

func address(i int) netip.Addr { return netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}) }

func at(seconds int) time.Time { return time.Unix(int64(seconds), 0) }

// Only what falls into one minute counts together.
func TestFanoutWindow(t *testing.T) {
	var k destinations
	for i := range 25 { // one each 7 s: nine in a minute
		k.add(address(i), at(7*i))
		if k.many() {
			t.Fatalf("flagged at the %dth", i+1)
		}
	}
	k.add(address(3), at(0)) // an old session's record
	for i := range 5 {
		k.add(address(100+i), at(7*24+i))
	}
	if !k.many() {
		t.Error("not flagged: the last ten are within a minute")
	}
}

// More processes than are counted: the oldest is forgotten, and that is said.
func TestFanoutForgets(t *testing.T) {
	text := ""
	for i := range maxSpreaders + 3 {
		text += fmt.Sprintf("process %d /usr/bin/perl\n a%[1]d connect %[1]d 198.51.100.1:25\n a%[1]d failed ECONNREFUSED\n", 5000+i)
	}
	s := play(t, text+"wait 1200ms\n") // the writer takes them meanwhile
	if n := s.only(t, record.ActionStop).Tracer.Counters.Verdict.SendersForgotten; n != 3 {
		t.Errorf("%d forgotten, want 3", n)
	}
}
