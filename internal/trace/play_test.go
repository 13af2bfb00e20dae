package trace

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/output"
	"github.com/smtptrace/smtptrace/internal/privacy"
	"github.com/smtptrace/smtptrace/internal/proc"
	"github.com/smtptrace/smtptrace/internal/record"
	"github.com/smtptrace/smtptrace/internal/verdict"
)

var mailPorts = []uint16{25, 465, 587, 2525}

// programs are the files of the machine that the scripts play on; the content of each is its own path.
var programs = []string{"/usr/bin/perl", "/usr/sbin/exim4", "/tmp/.x/mailer", "/usr/bin/curl"}

// fakeRoot is the root directory of that machine, on which no process lives any more.
func fakeRoot(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	files := map[string]string{"/etc/passwd": "root:x:0:0::/:\nwww-data:x:33:33::/:\n", "/etc/group": "www-data:x:33:\n"}
	for _, p := range programs {
		files[p] = p
	}
	for path, content := range files {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, path), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, "proc"), 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

// source plays a script.
type source struct {
	script   *script
	next     int
	resume   time.Time // when a wait is over
	deadline time.Time
	counters event.Counters
	failure  error // at the end, in place of io.EOF

	once    sync.Once
	stopped chan struct{}
	stops   int
}

func (s *source) Read(e *event.Event) error {
	for s.next < len(s.script.steps) {
		step := &s.script.steps[s.next]
		if step.wait > 0 || step.hold {
			if s.resume.IsZero() {
				s.resume = time.Now().Add(step.wait)
			}
			if !s.idle(step) {
				return os.ErrDeadlineExceeded
			}
			s.resume = time.Time{}
		}
		s.next++
		switch {
		case step.do != nil:
			step.do()
		case step.lost != nil:
			step.lost(&s.counters)
		case step.raw != nil:
			s.counters.Events++
			return e.Decode(step.raw)
		}
	}
	if s.failure != nil {
		return s.failure
	}
	return io.EOF
}

// idle waits; false: the deadline came first.
func (s *source) idle(step *step) bool {
	rest := time.Until(s.deadline)
	if step.hold {
		select {
		case <-s.stopped:
			return true
		case <-time.After(rest):
			return false
		}
	}
	if left := time.Until(s.resume); left <= rest {
		<-time.After(left)
		return true
	}
	<-time.After(rest)
	return false
}

func (s *source) SetDeadline(t time.Time) { s.deadline = t }

func (s *source) Counters() (event.Counters, error) { return s.counters, nil }

// Process looks into the kernel's own table: what was lost in the ring is there.
func (s *source) Process(key event.ProcessKey, e *event.Event) error {
	raw, ok := s.script.table[key]
	if !ok {
		return errors.New("no such process")
	}
	return e.Decode(raw)
}

func (s *source) stop() {
	s.once.Do(func() { close(s.stopped) })
	s.stops++
}

// stage is where a script is played.
type stage struct {
	t       testing.TB
	root    string
	do      map[string]func()
	source  *source
	options Options
	log     string // the output file

	allPorts bool // the kernel takes every port for one of mail
	change   func(*Tracer)
	cold     bool // the resolver has not seen the processes before
}

func newStage(t testing.TB) *stage {
	t.Helper()
	s := &stage{t: t, root: fakeRoot(t), do: map[string]func(){}, log: filepath.Join(t.TempDir(), "log")}
	s.source = &source{stopped: make(chan struct{})}
	resolver, err := proc.New(s.root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(resolver.Close)
	policy, err := privacy.Open(privacy.Full, "")
	if err != nil {
		t.Fatal(err)
	}
	host := verdict.NewHost()
	host.MntNS = 0 // the scripts' processes have none
	s.options = Options{
		Resolver: resolver, Host: host, Privacy: policy, Connects: ConnectsMail,
		Agent: record.Agent{Type: "smtptrace", Version: "test"}, Machine: record.Host{Name: "web1"}, BootID: "boot",
		Hooks:   []record.Hook{{Question: "connect", Name: "fake"}},
		Filters: record.Filters{MailPorts: mailPorts, Connects: string(ConnectsMail)},
		Stop:    s.source.stop, Warn: func(err error) { t.Errorf("warning: %v", err) },
	}
	s.write(output.Options{})
	return s
}

// write writes the records to the log, or to where the options say.
func (s *stage) write(o output.Options) {
	s.t.Helper()
	target := s.log
	if o.Stdout != nil {
		target = output.Stdout
	}
	out, err := output.Open(target, o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { out.Close() })
	s.options.Output = out
}

// expect adds an expected sender.
func (s *stage) expect(text string) {
	s.t.Helper()
	sender, err := verdict.ParseSender(text)
	if err != nil {
		s.t.Fatal(err)
	}
	s.options.Expected = append(s.options.Expected, sender)
}

// play runs a tracer on a script until its end, and gives what it has written.
func (s *stage) play(text string) story {
	s.t.Helper()
	if err := s.run(text); err != nil {
		s.t.Fatal(err)
	}
	return s.told()
}

// playWith is play with a tracer that the test has changed first.
func (s *stage) playWith(text string, change func(*Tracer)) story {
	s.t.Helper()
	s.change = change
	return s.play(text)
}

func (s *stage) run(text string) error {
	s.t.Helper()
	s.learn(text)
	tracer := New(s.source, s.options)
	if s.change != nil {
		s.change(tracer)
	}
	return tracer.Run()
}

// learn reads a script.
func (s *stage) learn(text string) {
	s.t.Helper()
	s.source.script = &script{t: s.t, root: s.root, do: s.do, allPorts: s.allPorts}
	s.source.script.read(text)
	if !s.cold {
		s.acquaint()
	}
}

// acquaint lets the resolver look at the processes of the script that are not lost, as it would have if
// they had sent before. Their records then wait for nothing, and come in the order of the script.
func (s *stage) acquaint() {
	s.t.Helper()
	for _, step := range s.source.script.steps {
		var e event.Event
		if step.raw == nil || step.lost != nil || e.Decode(step.raw) != nil || e.Kind != event.KindProcess {
			continue
		}
		p := e.Process.Process()
		s.options.Resolver.Observe(p)
		s.options.Resolver.Wait(s.t.Context(), p.Key)
	}
}

func (s *stage) told() story {
	s.t.Helper()
	b, err := os.ReadFile(s.log)
	if err != nil {
		s.t.Fatal(err)
	}
	var list story
	for line := range bytes.Lines(b) {
		r, err := record.Decode(line)
		if err != nil {
			s.t.Fatalf("%v: %s", err, line)
		}
		list = append(list, r)
	}
	return list
}

// play plays a script with the defaults.
func play(t *testing.T, text string) story {
	t.Helper()
	return newStage(t).play(text)
}

// story is what a run has written.
type story []record.Record

// actions names the records in order: "start connect session stop".
func (s story) actions() string {
	var list []string
	for i := range s {
		list = append(list, string(s[i].Event.Action))
	}
	return strings.Join(list, " ")
}

// of picks the records of an action.
func (s story) of(a record.Action) (list story) {
	for i := range s {
		if s[i].Event.Action == a {
			list = append(list, s[i])
		}
	}
	return list
}

// only is the one record of an action.
func (s story) only(t *testing.T, a record.Action) *record.Record {
	t.Helper()
	list := s.of(a)
	if len(list) != 1 {
		t.Fatalf("%d %s records, want one: %s", len(list), a, s.actions())
	}
	return &list[0]
}

// tells fails unless the run has written exactly these.
func (s story) tells(t *testing.T, actions string) {
	t.Helper()
	if got := s.actions(); got != actions {
		t.Errorf("records: %s\nwant:    %s", got, actions)
	}
}
