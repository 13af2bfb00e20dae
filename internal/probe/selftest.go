package probe

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/smtptrace/smtptrace/internal/event"
)

// How long the self-test waits for its child, and then for the events of what the child said. They
// come within milliseconds or never, but a busy machine must not be taken for a silent hook.
const (
	childPatience = 30 * time.Second
	proofPatience = 5 * time.Second
)

// selftest is a child of our own whose mail must be seen before the probe is called ready.
type selftest struct {
	pid, netns uint32
	netnsFile  *os.File // keeps the inode number ours: the filter lets it pass
	cmd        *exec.Cmd
	in         io.WriteCloser
	out        *os.File
	stderr     strings.Builder
	cgroup     string // made for the child; "" where it runs in ours
}

// startSelftest starts the child. It waits in a network namespace of its own, so that neither the
// host's firewall nor anybody else has to do with it, and below the cgroup that is watched.
func startSelftest(cg *cgroupDir) (_ *selftest, err error) {
	s := &selftest{cmd: &exec.Cmd{Path: "/proc/self/exe", Args: []string{selftestName}, Env: []string{}}}
	s.cmd.Stderr = &s.stderr
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if cg.filterID != 0 {
		s.cgroup = filepath.Join(cg.path, "smtptrace-selftest-"+strconv.Itoa(os.Getpid()))
		if err := os.Mkdir(s.cgroup, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return nil, fmt.Errorf("make a cgroup for it: %w", err)
		}
		dir, err := os.Open(s.cgroup)
		if err != nil {
			return nil, err
		}
		defer dir.Close()
		s.cmd.SysProcAttr.UseCgroupFD, s.cmd.SysProcAttr.CgroupFD = true, int(dir.Fd())
	}
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = out.(*os.File) // for its deadline
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := s.wait(); err != nil {
		return nil, err
	}
	s.pid = uint32(s.cmd.Process.Pid)
	if s.netnsFile, err = os.Open(fmt.Sprintf("/proc/%d/ns/net", s.pid)); err != nil {
		return nil, err
	}
	s.netns, err = Inode(s.netnsFile)
	return s, err
}

// Inode is the inode number of an open file: what names a namespace.
func Inode(f *os.File) (uint32, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("find the inode of %s: %w", f.Name(), err)
	}
	return uint32(st.Sys().(*syscall.Stat_t).Ino), nil
}

// wait waits for the child's next byte: it is ready, or its dialogue is done.
func (s *selftest) wait() error {
	s.out.SetReadDeadline(time.Now().Add(childPatience))
	_, err := s.out.Read(make([]byte, 1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.cmd.Process.Kill()
	}
	if err != nil {
		s.in.Close()
		s.cmd.Wait() // its last words are copied until then
		s.cmd = nil
		return fmt.Errorf("the child ended: %w %s", err, strings.TrimSpace(s.stderr.String()))
	}
	return nil
}

func (s *selftest) speak() error {
	if _, err := s.in.Write([]byte{'g'}); err != nil {
		return fmt.Errorf("start the child's dialogue: %w", err)
	}
	return s.wait()
}

// close ends the child and takes its cgroup away. The descriptor of its network namespace stays open.
func (s *selftest) close() {
	if s.cmd != nil && s.cmd.Process != nil {
		s.in.Close()
		s.cmd.Wait()
	}
	s.cmd = nil
	if s.cgroup != "" {
		os.Remove(s.cgroup)
		s.cgroup = ""
	}
}

// proof is what the child's dialogue must bring about.
type proof struct {
	connect, send, client, server, established, closed bool
}

// missing lists the questions that are not answered. Without packet hooks no answer of a server is seen.
func (pr *proof) missing(packets bool) []Question {
	var q []Question
	for question, seen := range map[Question]bool{
		Connect: pr.connect,
		Send:    pr.send,
		Wire:    pr.client && (pr.server || !packets),
		State:   pr.established && pr.closed,
	} {
		if !seen {
			q = append(q, question)
		}
	}
	return q
}

// prove lets the child speak and waits for each hook's event. A hook that stays silent gives way to the
// next in its list.
func (p *Probe) prove(o Options) error {
	for again := false; ; again = true {
		if err := p.selftest.speak(); err != nil {
			return err
		}
		pr, err := p.collectProof()
		if err != nil {
			return err
		}
		missing := pr.missing(p.packets)
		if len(missing) == 0 {
			return nil
		}
		if !again { // one event may have been missed
			continue
		}
		// Without a connection nothing else can be seen: only the connect hook is to blame.
		if !pr.connect {
			missing = []Question{Connect}
		}
		for _, q := range missing {
			if err := p.replace(q, o.Family); err != nil {
				return err
			}
		}
	}
}

func (p *Probe) collectProof() (proof, error) {
	var pr proof
	var conn uint64
	var e event.Event
	byLock := len(p.answers[slices.Index(Questions, Send)].programs) == 0
	p.reader.SetDeadline(time.Now().Add(proofPatience))
	defer p.reader.SetDeadline(time.Time{})
	for len(pr.missing(p.packets)) > 0 {
		if err := p.reader.ReadInto(&p.record); errors.Is(err, os.ErrDeadlineExceeded) {
			return pr, nil
		} else if err != nil {
			return pr, fmt.Errorf("read the self-test's events: %w", err)
		}
		if err := e.Decode(p.record.RawSample); err != nil {
			p.undecodable++
			continue
		}
		switch {
		case e.Kind == event.KindProcess && e.Process.Key().Pid == p.selftest.pid:
		case e.Kind == event.KindConn && e.Conn.NetNS == p.selftest.netns:
			conn = e.Conn.ID
			pr.connect = pr.connect || !e.Conn.Caught
			pr.send = pr.send || e.Conn.Sender.Pid == p.selftest.pid && e.Conn.SenderByLock == byLock
			pr.established = pr.established || e.Conn.EstablishedNs != 0
			pr.closed = pr.closed || e.Conn.Phase == event.PhaseClosed
		case e.Kind == event.KindPayload && e.Payload.ID == conn:
			pr.client = pr.client || e.Payload.Direction == event.Client
			pr.server = pr.server || e.Payload.Direction == event.Server
		default:
			p.backlog = append(p.backlog, append([]byte(nil), p.record.RawSample...))
		}
	}
	return pr, nil
}
