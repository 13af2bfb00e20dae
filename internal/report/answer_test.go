package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/received"
	"github.com/smtptrace/smtptrace/internal/record"
)

// whole is an answer with all there is to say: a pasted header, two programs, a gap, a failed
// connect.
func whole(t *testing.T) *Answer {
	t.Helper()
	records := append(watchAll("r1", minutes(-60), minutes(5)), watchAll("r2", minutes(8), minutes(60))...)
	refused := session("c", minutes(3))
	refused.Event = record.Event{Action: record.ActionConnect, ID: "c", Outcome: record.Failure, Reason: record.Blocked}
	refused.Verdict, refused.SMTP, refused.Flags = record.Attempt, record.SMTP{}, nil
	records = append(records, session("a", T), postfix("p", minutes(2)), refused, session("b", minutes(10)))
	q := with(t, of(UID, "postfix"))
	q.Around(T, 15*time.Minute)
	return Ask(Options{
		Logs: []string{Stdin}, Stdin: bytes.NewReader(append(lines(records...), "torn"...)), Query: q, Now: T.AddDate(0, 0, 3),
		Clues: &received.Clues{Kind: "a Received header", HELO: "[127.0.0.1]", Addr: netip.MustParseAddr("203.0.113.7"),
			Words: []string{"`[127.0.0.1]` is the HELO name, not rDNS"}},
	})
}

func TestText(t *testing.T) {
	want := `Asked: 2015-12-04 14:15:00 to 14:45:00 UTC, uid postfix

3 sessions and 1 failed connect of 2 programs match; the worst is /var/tmp/smtp, user postfix, cron.service: DIRECT-MX unexpected. 90.0 % of the window watched, 0 lost; the tracer was off from 2015-12-04 14:35:00 to 14:38:00 UTC.

` + "Understood a Received header:\n  - `[127.0.0.1]` is the HELO name, not rDNS\n" + `
Programs, the worst first:

 1. DIRECT-MX unexpected  pid 4242 /var/tmp/smtp  postfix  cron.service
    2 sessions, 2 messages, 6 recipients, 1 failed connect (1 blocked by this host's firewall); 1 destination (198.51.100.25:25); 2015-12-04 14:30:00 to 14:40:00; HELO [127.0.0.1]
    flags: direct_mx mta_impostor exe_writable_dir helo_loopback
    next: it has a mail server's name or user, and none of its files: compare with what the package brought
    next: others than root may write where its binary is: stat /var/tmp/smtp /var/tmp/systemd-private-*-cron.service-*/tmp/smtp
    next: journalctl -u cron.service --since '2015-12-04 14:28:59 UTC' --until '2015-12-04 14:41:00 UTC'
 2. DIRECT-MX expected  pid 900 /usr/lib/postfix/sbin/smtp  postfix  postfix@-.service
    1 session, 1 message, 3 recipients; 1 destination (198.51.100.25:25); 2015-12-04 14:32:00 to 14:32:00; HELO web1.example.org
    flags: direct_mx
    next: look for who handed the mail in: journalctl -u postfix@-.service --since '2015-12-04 14:30:59 UTC' --until '2015-12-04 14:33:00 UTC'

Evidence:

2015-12-04 14:30:00 DIRECT-MX unexpected  pid 4242 /var/tmp/smtp  postfix  → 198.51.100.25:25  HELO [127.0.0.1]  1 message, 3 recipients  250 2.0.0 Ok: queued as 4E81026038
           flags direct_mx mta_impostor exe_writable_dir helo_loopback
           unit cron.service, sha256 ab12cd34, binary changed 2015-12-03 02:44:05 UTC, parent 880 /usr/sbin/cron
2015-12-04 14:32:00 DIRECT-MX expected  pid 900 /usr/lib/postfix/sbin/smtp  postfix  → 198.51.100.25:25  EHLO web1.example.org  1 message, 3 recipients  250 2.0.0 Ok: queued as 4E81026038
           flags direct_mx
           unit postfix@-.service, package postfix, sha256 ab12cd34, parent 880 /usr/sbin/cron
2015-12-04 14:33:00 CONNECT blocked by this host's firewall, unexpected  pid 4242 /var/tmp/smtp  postfix  → 198.51.100.25:25
           unit cron.service, sha256 ab12cd34, binary changed 2015-12-03 02:44:05 UTC, parent 880 /usr/sbin/cron
2015-12-04 14:40:00 DIRECT-MX unexpected  pid 4242 /var/tmp/smtp  postfix  → 198.51.100.25:25  HELO [127.0.0.1]  1 message, 3 recipients  250 2.0.0 Ok: queued as 4E81026038
           flags direct_mx mta_impostor exe_writable_dir helo_loopback
           unit cron.service, sha256 ab12cd34, binary changed 2015-12-03 02:44:05 UTC, parent 880 /usr/sbin/cron

Coverage:
  web1: 90.0 % of 2015-12-04 14:15:00 to 14:45:00 UTC was watched; lost nothing
    gap: the tracer was off from 2015-12-04 14:35:00 to 14:38:00 UTC
    from 2015-12-04 14:15:00 to 14:35:00 UTC, the whole host; connect by fentry/tcp_connect; wire by cgroup_skb/egress,ingress
    from 2015-12-04 14:38:00 to 14:45:00 UTC, the whole host; connect by fentry/tcp_connect; wire by cgroup_skb/egress,ingress

Logs:
  1 file, 125 records
  -: 1 line is no record
`
	if got := whole(t).Text(false); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Times are shown in the zone of who asks.
func TestTextInAnotherZone(t *testing.T) {
	a := whole(t)
	a.Now = a.Now.In(time.FixedZone("CET", 3600))
	sentence(t, a, "Asked: 2015-12-04 15:15:00 to 15:45:00 CET", "\n2015-12-04 15:30:00 DIRECT-MX", "!14:30:00",
		"binary changed 2015-12-03 03:44:05 CET")
}

// JSON has all of it, with the evidence as records.
func TestJSON(t *testing.T) {
	raw, err := whole(t).JSON()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Message  string
		Sessions int
		Attempts int
		Received struct{ HELO, IP string }
		Query    struct{ Start, End time.Time }
		Programs []struct {
			Expected bool
			Process  struct{ Executable string }
		}
		Evidence []json.RawMessage
		Coverage []struct {
			Share float64 `json:"watched_share"`
			Gaps  []struct {
				Start  time.Time
				Reason string
			}
			Runs []struct{ Hooks map[string]string }
		}
		Logs []struct{ Foreign int }
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got.Sessions != 3 || got.Attempts != 1 || got.Received.HELO != "[127.0.0.1]" || got.Received.IP != "203.0.113.7" ||
		!got.Query.Start.Equal(minutes(-15)) || len(got.Programs) != 2 || got.Programs[0].Process.Executable != "/var/tmp/smtp" ||
		len(got.Evidence) != 4 || got.Coverage[0].Share != 0.9 || got.Coverage[0].Gaps[0].Reason != "off" ||
		!got.Coverage[0].Gaps[0].Start.Equal(minutes(5)) || got.Coverage[0].Runs[0].Hooks["connect"] != "fentry/tcp_connect" ||
		got.Logs[0].Foreign != 1 || !strings.HasPrefix(got.Message, "3 sessions and 1 failed connect") {
		t.Errorf("got %s", raw)
	}
	if r, err := record.Decode(got.Evidence[0]); err != nil || r.Event.ID != "a" || r.SMTP.Transactions[0].Size != 3096 {
		t.Errorf("%v: %s", err, got.Evidence[0])
	}
}

// An answer of nothing is JSON with empty lists, not without them.
func TestJSONOfNothing(t *testing.T) {
	raw, err := ask(t, Query{}).JSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{`"programs":[]`, `"evidence":[]`, `"coverage":[]`, `"sessions":0`} {
		if !bytes.Contains(raw, []byte(field)) {
			t.Errorf("no %s in %s", field, raw)
		}
	}
}

// The page has the answer, a chart for each program with a bar for each time, the evidence and the
// coverage.
func TestHTML(t *testing.T) {
	page, err := whole(t).HTML()
	if err != nil {
		t.Fatal(err)
	}
	inert(t, page)
	for _, want := range []string{
		"<h1>3 sessions and 1 failed connect of 2 programs match; the worst is /var/tmp/smtp, user postfix",
		`<figcaption>/var/tmp/smtp, postfix <span`, `<div data-name="time">2015-12-04 14:30:00.000</div>`,
		"the tracer was off from 2015-12-04 14:35:00 to 14:38:00 UTC", "@media print", "@media (prefers-color-scheme: dark)",
		"max-width: 45rem", "direct_mx mta_impostor",
	} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	charts := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAll(page, -1)
	if len(charts) != 2 || bytes.Count(charts[0], []byte("<rect")) != 4 || bytes.Count(charts[1], []byte("<rect")) != 2 {
		t.Errorf("%d charts: %s", len(charts), charts)
	}
	if bytes.Contains(page, []byte("http://")) || bytes.Contains(page, []byte("https://")) || bytes.Contains(page, []byte("url(")) {
		t.Error("the page names something elsewhere")
	}
}

// A real browser shows the page: its text is there when it has been laid out.
func TestHTMLInBrowser(t *testing.T) {
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome-headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		t.Skip("no browser here: neither chromium, chromium-browser, google-chrome nor chrome-headless-shell is in PATH")
	}
	page, err := whole(t).HTML()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "report.html")
	if err := os.WriteFile(path, page, 0o600); err != nil {
		t.Fatal(err)
	}
	shot := filepath.Join(dir, "phone.png")
	out, err := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+dir,
		"--window-size=390,844", "--screenshot="+shot, "--dump-dom", "file://"+path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"3 sessions and 1 failed connect", "<svg", "mta_impostor", "Coverage: was anybody watching?"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("the browser has no %q", want)
		}
	}
}

// Columns of a timeline become wider, and nothing that they count is lost.
func TestTimeline(t *testing.T) {
	var line timeline
	total := uint64(0)
	for _, at := range []time.Time{T, T.Add(time.Second), minutes(-3), minutes(60), T.AddDate(0, 0, -40), T.AddDate(2, 0, 0), T, time.Unix(5, 0)} {
		line.add(at, 2)
		total += 2
		sum := uint64(0)
		for _, n := range line.bins {
			sum += n
		}
		if sum != total || len(line.bins) > maxBins {
			t.Fatalf("%d of %d in %d columns", sum, total, len(line.bins))
		}
		if from, to := line.start(0), line.start(len(line.bins)); at.Before(from) || !at.Before(to) {
			t.Fatalf("%v is not within %v to %v", at, from, to)
		}
	}
}

// A set of hashes has what was added, and forgets the oldest only.
func TestSeen(t *testing.T) {
	var s seen
	for i := range uint64(3 * maxSeen) {
		if !s.add(i * 0x9e3779b97f4a7c15) {
			t.Fatalf("%d is not new", i)
		}
	}
	for i := uint64(2 * maxSeen); i < 3*maxSeen; i += 1000 {
		if s.add(i * 0x9e3779b97f4a7c15) {
			t.Fatalf("%d is forgotten", i)
		}
	}
	if !s.forgot {
		t.Error("that it forgets is not said")
	}
}

// A HELO name may be misread, or the blocklist's page be of another mail: nobody of that HELO is a clearing of what was
// asked, and who sent what nobody expects at that time is not passed over, nor is the page green.
func TestBeside(t *testing.T) {
	q := with(t, of(HELO, "mail.com"))
	q.Around(T, 15*time.Minute)
	log := watchAll("r1", T.Add(-time.Hour), T.Add(time.Hour))
	log = append(log, session("in", T), session("in", T), postfix("ours", T), session("before", T.Add(-20*time.Minute)))
	a := ask(t, q, log...)
	const want = "No local process did it: 100 % of the window watched, 0 lost." + scope + " But in that time /var/tmp/smtp had unexpected sessions: see below."
	if got := a.Sentence(time.UTC); got != want {
		t.Errorf("got %s", got)
	}
	page, err := a.HTML()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := a.JSON()
	if err != nil {
		t.Fatal(err)
	}
	for words, in := range map[string]string{
		"Not asked for, but unexpected in that time:\n\n 1. DIRECT-MX unexpected  pid 4242 /var/tmp/smtp": a.Text(false),
		"\n    1 session, 1 message":                     a.Text(false),
		"<h2>Not asked for, but unexpected in that time": string(page),
		`"programs_beside":[{"verdict":"direct_mx"`:      string(raw),
	} {
		if !strings.Contains(in, words) {
			t.Errorf("no %q in\n%s", words, in)
		}
	}
	if strings.Contains(a.Text(false), "/usr/lib/postfix") || strings.Contains(string(page), `class="good"`) {
		t.Error(a.Text(false))
	}
	q = with(t, of(HELO, "[127.0.0.1]"))
	q.Around(T, 15*time.Minute)
	if a := ask(t, q, log...); len(a.besides()) > 0 || strings.Contains(a.Sentence(time.UTC), "But") {
		t.Errorf("who did it is found, and it is said: %s", a.Sentence(time.UTC))
	}
}

// A connection that was not followed may be any: it has not failed for all that is known, and may have had any HELO.
func TestUnwatched(t *testing.T) {
	r := session("u", T)
	r.Event = record.Event{Action: record.ActionConnect, ID: "u", Outcome: record.OutcomeUnknown, Reason: record.Unwatched}
	r.Verdict, r.SMTP, r.Flags = record.Attempt, record.SMTP{}, nil
	log := append(watchAll("r1", T.Add(-time.Hour), T.Add(time.Hour)), r)
	all := Query{}
	all.Around(T, 15*time.Minute)
	sentence(t, ask(t, all, log...), "1 connection not followed matches, by /var/tmp/smtp, user postfix, cron.service: ATTEMPT unexpected.",
		"\n    1 connection not tracked: the table was full; 1 destination", "!failed")
	for _, term := range []Term{with(t, of(HELO, "mail.com")).groups[0][0], with(t, of(Reply, "TS03")).groups[0][0]} {
		q := Query{}
		q.Add(term)
		q.Around(T, 15*time.Minute)
		sentence(t, ask(t, q, log...), "Nothing matches, but that is not certain: postfix's /var/tmp/smtp connected to 198.51.100.25:25, and what it said is not known",
			"\nWho else it could be:\n  ATTEMPT unexpected  /var/tmp/smtp  postfix  1 connection\n")
	}
}

// Who sent most does not hide another who is as bad.
func TestEvidenceOfEachProgram(t *testing.T) {
	var log []record.Record
	for i := range 100 {
		log = append(log, session(fmt.Sprint("many", i), T.Add(time.Duration(i)*time.Second)))
	}
	few := session("few", T.Add(time.Hour))
	few.Process.Executable = "/tmp/.x/bot"
	text := ask(t, Query{}, append(log, few)...).Text(false)
	_, evidence, _ := strings.Cut(text, "\nEvidence:\n")
	if !strings.Contains(evidence, "/tmp/.x/bot") || !strings.Contains(evidence, "91 more records left out, none worse than these") {
		t.Error(text)
	}
}

// What somebody else's clock showed without its zone, or was seen of another address, clears nobody.
func TestSentenceAstray(t *testing.T) {
	q := with(t, of(HELO, "mail.com"))
	q.Around(T, 15*time.Minute)
	log := lines(watchAll("r1", T.Add(-time.Hour), T.Add(time.Hour))...)
	for _, test := range []struct {
		local, foreign bool
		want           string
	}{
		{want: "No local process did it: 100 %"}, {local: true, want: "Nothing matches, but that is not certain: the time of the mail has no zone. 100 %"},
		{foreign: true, want: "Nothing matches, but that is not certain: the address that the mail came from is not one of this host (if it is behind NAT, name that address with --own). 100 %"},
	} {
		a := Ask(Options{Logs: []string{Stdin}, Stdin: bytes.NewReader(log), Query: q, Now: T.AddDate(0, 0, 3),
			Clues: &received.Clues{Dated: true, When: received.Moment{Time: T, Local: test.local}, Foreign: test.foreign}})
		if got := a.Sentence(time.UTC); !strings.HasPrefix(got, test.want) {
			t.Errorf("%+v: %s", test, got)
		}
		page, err := a.HTML()
		if err != nil {
			t.Fatal(err)
		}
		if green := bytes.Contains(page, []byte(`<h1 class="good">`)); green == (test.local || test.foreign) {
			t.Errorf("%+v: the page's answer is green: %t", test, green)
		}
	}
}

func TestSpanWords(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skipf("no time zones here: %v", err)
	}
	first := time.Date(2017, 10, 29, 0, 15, 0, 0, time.UTC)
	for to, want := range map[time.Duration]string{
		30 * time.Minute: "2017-10-29 02:15:00 to 02:45:00 CEST",
		90 * time.Minute: "2017-10-29 02:15:00 CEST to 2017-10-29 02:45:00 CET",
	} {
		if got := spanWords(first, first.Add(to), berlin); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
