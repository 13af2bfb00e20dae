package report

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/record"
)

// askFiles answers from files, for everything.
func askFiles(t testing.TB, paths ...string) *Answer {
	t.Helper()
	return Ask(Options{Logs: paths, Now: T.AddDate(0, 0, 3)})
}

func gzipped(t testing.TB, raw []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstandard(t testing.TB, raw []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(raw, nil)
}

// many are so many sessions that a cut loses some of them, and not all.
func many(n int) []byte {
	var all []record.Record
	for i := range n {
		r := session(fmt.Sprintf("s%d", i), minutes(i))
		r.SMTP.Transactions[0].Reply = fmt.Sprintf("250 Ok: queued as %x", uint64(i+1)*0x9e3779b97f4a7c15)
		all = append(all, r)
	}
	return lines(all...)
}

// What is wrong with a log is counted and said, and costs nothing but itself.
func TestBrokenLogs(t *testing.T) {
	good := lines(session("a", T), session("b", minutes(1)))
	one := lines(session("c", minutes(2)))
	newer := bytes.Replace(one, []byte(`"schema":1`), []byte(`"schema":2`), 1)
	half := func(b []byte) []byte { return bytes.Clone(b[:len(b)/2]) }
	for _, test := range []struct {
		name     string
		content  []byte
		sessions uint64
		want     string
	}{
		{"whole", good, 2, "1 file, 2 records\n"},
		{"no line end", bytes.TrimSpace(good), 2, "1 file, 2 records\n"},
		{"CRLF", bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")), 2, "1 file, 2 records\n"},
		{"empty lines", append([]byte("\n\n"), good...), 2, "1 file, 2 records\n"},
		{"torn last line", append(bytes.Clone(good), half(one)...), 2, "mail.log: 1 line ends too early"},
		{"torn line in the middle", append(append(half(one), '\n'), good...), 2, "mail.log: 1 line ends too early"},
		{"foreign lines", append([]byte("Feb 13 03:54:09 web1 postfix/smtp[1]: connect\n{\"a\":1}\n[]\n\x00\xff\n"), good...), 2,
			"mail.log: 4 lines are no records"},
		{"torn line with the next behind it", append(half(one), good...), 2, "mail.log: 1 line ends too early"},
		{"torn at its start", append([]byte("{\"@tim\n"), good...), 2, "mail.log: 1 line ends too early"},
		{"other JSON over several lines", append([]byte("{ \"a\":\n[ 1\n]}\n"), good...), 2, "mail.log: 3 lines are no records"},
		{"ECS of something else", append([]byte(`{"@timestamp":"2015-12-04T14:30:00Z","event":{"action":"start","start":"2015-12-04T14:30:00Z"}}`+"\n"), good...), 2,
			"mail.log: 1 line is no record"},
		{"newer schema", append(newer, good...), 2, "mail.log: 1 record is of a newer smtptrace: use that"},
		{"over-long line", append(append(bytes.Repeat([]byte("x"), 3*maxLine), '\n'), good...), 2,
			"mail.log: 1 line is longer than any record"},
		{"over-long last line", append(bytes.Clone(good), bytes.Repeat([]byte("x"), 3*maxLine)...), 2,
			"mail.log: 1 line is longer than any record"},
		{"empty", nil, 0, "mail.log: empty"},
		{"gzip", gzipped(t, good), 2, "1 file, 2 records\n"},
		{"gzip, two members", append(gzipped(t, good), gzipped(t, one)...), 3, "1 file, 3 records\n"},
		{"gzip, its header cut", gzipped(t, good)[:5], 0, "mail.log: its packed data end too early"},
		{"gzip, garbage behind its header", append(gzipped(t, good)[:12], "garbage garbage"...), 0, "mail.log: not read to its end: "},
		{"zstd", zstandard(t, good), 2, "1 file, 2 records\n"},
		{"zstd, its header cut", zstandard(t, good)[:5], 0, "mail.log: its packed data end too early"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := askFiles(t, write(t, "mail.log", test.content))
			if text := a.Text(false); a.Sessions != test.sessions || !strings.Contains(text, test.want) || a.Failed() != nil {
				t.Errorf("%d sessions, want %d and %q in\n%s", a.Sessions, test.sessions, test.want, text)
			}
		})
	}
}

// Of packed data that are cut, what came before the cut is read.
func TestTruncatedPackedLogs(t *testing.T) {
	raw := many(3000)
	for name, packed := range map[string][]byte{"gz": gzipped(t, raw), "zst": zstandard(t, raw)} {
		a := askFiles(t, write(t, "mail.log."+name, packed[:len(packed)*3/4]))
		if a.Sessions < 500 || a.Sessions >= 3000 || !strings.Contains(a.Text(false), "its packed data end too early: what came before was read") {
			t.Errorf("%s: %d sessions\n%s", name, a.Sessions, strings.Join(a.logLines(), "\n"))
		}
	}
}

// A record that could not be read clears nobody, unless it is certainly not of the window.
func TestDamageClearsNobody(t *testing.T) {
	watched := lines(watchAll("r1", minutes(-60), minutes(60))...)
	torn := func(at int) []byte { return append(lines(postfix("p", minutes(at)))[:400], '\n') }
	q := Query{}
	q.Around(T, 15*time.Minute)
	for _, test := range []struct {
		name   string
		damage []byte
		want   string
	}{
		{"torn", torn(0), "Nothing matches in what was watched. 100 % of the window watched, 0 lost. 1 line of the logs, maybe of the window, could not be read."},
		{"newer", bytes.Replace(lines(postfix("p", T)), []byte(`"schema":1`), []byte(`"schema":2`), 1), "1 line of the logs, maybe of the window"},
		{"too long", append(bytes.Repeat([]byte("x"), 3*maxLine), '\n'), "1 line of the logs, maybe of the window"},
		{"torn before", torn(-20), "No local process did it: 100 % of the window watched, 0 lost."},
		{"torn behind", torn(20), "No local process did it"},
		{"foreign", []byte("-- Boot 5b0e --\n"), "No local process did it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := Ask(Options{Logs: []string{Stdin}, Stdin: bytes.NewReader(append(test.damage, watched...)), Query: q, Now: T.AddDate(0, 0, 3)})
			sentence(t, a, test.want)
		})
	}
}

// A pipe by the name of a rotated log is not waited for.
func TestRotatedPipe(t *testing.T) {
	path := write(t, "mail.log", many(2))
	if err := unix.Mkfifo(path+".1", 0o600); err != nil {
		t.Fatal(err)
	}
	if a := askFiles(t, path); a.Sessions != 2 || len(a.Logs) != 1 {
		t.Errorf("%d sessions of %d logs", a.Sessions, len(a.Logs))
	}
}

// A log that cannot be opened fails, and the rest is answered.
func TestMissingFile(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "nowhere.log")
	a := askFiles(t, missing, write(t, "mail.log", many(2)), t.TempDir())
	if err := a.Failed(); !errors.Is(err, fs.ErrNotExist) || a.Sessions != 2 ||
		!strings.Contains(err.Error(), "cannot read the log "+missing+": no such file or directory") ||
		!strings.Contains(err.Error(), ": is a directory") {
		t.Errorf("%d sessions, %v", a.Sessions, err)
	}
}

// Logs that overlap are not counted twice, in any order, nor is one that is named twice.
func TestOverlappingLogs(t *testing.T) {
	all := bytes.SplitAfter(many(100), []byte("\n"))
	first, second := write(t, "a.log", bytes.Join(all[:60], nil)), write(t, "b.log", bytes.Join(all[40:], nil))
	for _, paths := range [][]string{{first, second}, {second, first}, {first, second, first}} {
		a := askFiles(t, paths...)
		if a.Sessions != 100 || a.Programs[0].Messages != 100 || a.Repeated != 20 ||
			!strings.Contains(a.Text(false), "20 matching records in more than one log, counted once") {
			t.Errorf("%d sessions, %d repeated", a.Sessions, a.Repeated)
		}
	}
}

// The records of one session are told apart by their sequence.
func TestOverlapOfSequences(t *testing.T) {
	one, two := session("a", T), session("a", minutes(5))
	one.Event.Sequence, two.Event.Sequence = 1, 2
	a := ask(t, Query{}, one, two, two, one)
	if a.Sessions != 1 || a.Programs[0].Messages != 2 || a.Repeated != 2 {
		t.Errorf("%d sessions, %d messages, %d repeated", a.Sessions, a.Programs[0].Messages, a.Repeated)
	}
}

// The files that a log was rotated to are taken along, the oldest first.
func TestRotatedLogs(t *testing.T) {
	dir := t.TempDir()
	all := bytes.SplitAfter(many(6), []byte("\n"))
	for name, content := range map[string][]byte{
		"mail.log": all[5], "mail.log.1": all[4], "mail.log.2.gz": gzipped(t, all[3]), "mail.log.10.zst": zstandard(t, all[2]),
		"mail.log-20151203.gz": gzipped(t, all[1]), "mail.log.bak": all[0], "mail.logs": all[0], "other.log.1": all[0], "mail.log.1.gz.tmp": all[0],
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := askFiles(t, filepath.Join(dir, "mail.log"))
	var read []string
	for _, log := range a.Logs {
		read = append(read, filepath.Base(log.Path))
	}
	if got := strings.Join(read, " "); got != "mail.log.10.zst mail.log.2.gz mail.log.1 mail.log-20151203.gz mail.log" || a.Sessions != 5 {
		t.Errorf("%d sessions from %s", a.Sessions, got)
	}
	if a := askFiles(t, filepath.Join(dir, "mail.log"), filepath.Join(dir, "mail.log.1")); a.Repeated != 0 || a.Sessions != 5 {
		t.Errorf("named twice: %d sessions, %d repeated", a.Sessions, a.Repeated)
	}
	for name, log := range map[string][]byte{"mail.log.bak": nil, "mail.logs": nil, "mail.log.1.gz.tmp": nil, "syslog": []byte("Dec  4 14:30:00 web1 cron[1]: x\n")} {
		if err := os.WriteFile(filepath.Join(dir, name), log, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for given, want := range map[string]uint64{"": 6, "*": 6, "mail.log*": 5, "mail.lo?": 5} { // other.log.1 has one more
		if a := askFiles(t, filepath.Join(dir, given)); a.Sessions != want || a.Repeated != 0 || a.Failed() != nil {
			t.Errorf("%q: %d sessions, %d repeated, %v", given, a.Sessions, a.Repeated, a.Failed())
		}
	}
	a = askFiles(t, dir)
	for _, log := range a.Logs {
		if filepath.Base(log.Path) == "syslog" {
			t.Error("a log of something else is read")
		}
	}
}

// Standard input may be packed, too.
func TestPackedStdin(t *testing.T) {
	a := Ask(Options{Logs: []string{Stdin}, Stdin: bytes.NewReader(zstandard(t, many(3))), Now: T})
	if a.Sessions != 3 {
		t.Errorf("%d sessions", a.Sessions)
	}
}

// However many match, what is kept is bounded, and has the worst.
func TestEvidenceIsBounded(t *testing.T) {
	var all []record.Record
	for i := range 2 * maxRows {
		all = append(all, postfix(fmt.Sprintf("p%d", i), minutes(i)))
	}
	all = append(all, session("x", minutes(5000)))
	a := ask(t, Query{}, all...)
	if len(a.Evidence) != maxRows || a.LeftOut != maxRows+1 || a.Evidence[maxRows-1].Event.ID != "x" || a.Evidence[0].Event.ID != "p0" {
		t.Errorf("%d rows, %d left out", len(a.Evidence), a.LeftOut)
	}
	if text := a.Text(false); strings.Count(text, "\n2015-12-") != maxEvidence || !strings.Contains(text, "991 more records left out") ||
		!strings.Contains(text, "/var/tmp/smtp") {
		t.Error(text)
	}
}

// FuzzAsk: whatever is in a log, it is read to its end, and what is said of it is one block of safe
// text.
func FuzzAsk(f *testing.F) {
	good := lines(append(watchAll("r1", T, minutes(3)), session("a", T))...)
	f.Add(good)
	f.Add(gzipped(f, good))
	f.Add(zstandard(f, good))
	f.Add(good[:len(good)-40])
	f.Fuzz(func(t *testing.T, raw []byte) {
		q := Query{}
		q.Around(T, 15*60e9)
		for _, q := range []Query{{}, q} {
			a := Ask(Options{Logs: []string{Stdin}, Stdin: bytes.NewReader(raw), Query: q, Now: T})
			if a.Failed() != nil {
				t.Fatal(a.Failed())
			}
			harmless(t, a)
		}
	})
}
