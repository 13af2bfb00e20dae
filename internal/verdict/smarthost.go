package verdict

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// Smarthost is a server to which this host is configured to hand its mail.
type Smarthost struct {
	Host string // a name or an address
	Port uint16 // 0: any
	MX   bool   // its mail exchangers are meant and, where it has none, itself
	File string // where it is configured; "" for one that was given
}

func (s Smarthost) String() string {
	if s.Port == 0 {
		return s.Host
	}
	return net.JoinHostPort(s.Host, fmt.Sprint(s.Port))
}

// hostName is a name as DNS and /etc/hosts have it, with the underscore that some give a host.
var hostName = regexp.MustCompile(`^[0-9A-Za-z_]([0-9A-Za-z_.-]{0,252}[0-9A-Za-z_.])?$`)

// ParseSmarthost reads HOST[:PORT]. An IPv6 address with a port stands in brackets; so may any host.
func ParseSmarthost(text string) (Smarthost, error) {
	const takes = "it takes HOST[:PORT], such as mail.example.org:587 or [2001:db8::25]:587"
	s := Smarthost{Host: text}
	if _, err := netip.ParseAddr(text); err != nil {
		if rest, bracketed := strings.CutPrefix(text, "["); bracketed {
			host, behind, closed := strings.Cut(rest, "]")
			if !closed {
				return Smarthost{}, fmt.Errorf("%q has no closing bracket: %s", text, takes)
			}
			s.Host, text = host, behind
		} else if host, port, found := strings.Cut(text, ":"); found {
			s.Host, text = host, ":"+port
		} else {
			text = ""
		}
		if text != "" {
			port, err := net.LookupPort("tcp", strings.TrimPrefix(text, ":"))
			if err != nil || text[0] != ':' || port == 0 {
				return Smarthost{}, fmt.Errorf("%q is not a port: %s", strings.TrimPrefix(text, ":"), takes)
			}
			s.Port = uint16(port)
		}
	}
	if a, err := netip.ParseAddr(s.Host); err == nil {
		s.Host = a.Unmap().String()
	} else if !hostName.MatchString(s.Host) {
		return Smarthost{}, fmt.Errorf("%q is not the name or address of a host: %s", s.Host, takes)
	}
	return s, nil
}

// maxSmarthosts bounds what is looked up: a file may name any number.
const maxSmarthosts = 32

// configs are the files in which mailers are told their smarthost, and how each is read.
var configs = []struct {
	path string
	read func(*config, string)
}{
	{"/etc/postfix/main.cf", readPostfix},
	{"/etc/exim4/update-exim4.conf.conf", readEximDebian},
	{"/etc/exim4/exim4.conf", readExim},
	{"/etc/exim/exim.conf", readExim},
	{"/etc/exim.conf", readExim}, // of cPanel
	{"/etc/msmtprc", readMsmtp},
	{"/etc/nullmailer/remotes", readNullmailer},
	{"/etc/dma/dma.conf", readDMA},
	{"/etc/ssmtp/ssmtp.conf", readSSMTP},
	{"/etc/smtpd.conf", readOpenSMTPD},
	{"/etc/opensmtpd/smtpd.conf", readOpenSMTPD}, // of RHEL
	{"/etc/mail/sendmail.cf", readSendmail},
}

// DetectSmarthosts reads them from the mailers' files below root: "/" but in tests. An error says what of a
// file was not understood; the others count all the same.
func DetectSmarthosts(root string) ([]Smarthost, []error) {
	c := &config{root: root}
	for _, file := range configs {
		c.path = file.path
		text, err := c.text(file.path)
		if err != nil {
			c.fail(err)
			continue
		}
		file.read(c, text)
	}
	return c.found, c.errs
}

// config is a file that is being read, and what was found so far.
type config struct {
	root, path string
	found      []Smarthost
	errs       []error
}

// text reads a file; one that is not there is empty. What is no regular file is not waited for.
func (c *config) text(path string) (string, error) {
	f, err := os.OpenFile(filepath.Join(c.root, path), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read it: %w", errors.Unwrap(err))
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return "", errors.New("it is no regular file")
	}
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return "", fmt.Errorf("read it: %w", errors.Unwrap(err))
	}
	return string(b), nil
}

func (c *config) fail(err error) {
	c.errs = append(c.errs, fmt.Errorf("find the smarthost in %s: %w", c.path, err))
}

// add takes a host as a file writes it. mx: without brackets its mail exchangers are meant.
func (c *config) add(text string, mx bool) {
	s, err := ParseSmarthost(text)
	if err != nil {
		c.fail(err)
		return
	}
	_, literal := netip.ParseAddr(s.Host)
	s.MX = mx && !strings.HasPrefix(text, "[") && literal != nil
	c.addHost(s)
}

func (c *config) addHost(s Smarthost) {
	s.File = c.path
	switch {
	case slices.Contains(c.found, s):
	case len(c.found) == maxSmarthosts:
		c.fail(fmt.Errorf("%s is one more than the %d that are looked up", s, maxSmarthosts))
	default:
		c.found = append(c.found, s)
	}
}

// uncommented gives the lines that say something, without the blanks around them.
func uncommented(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			if line != "" && line[0] != '#' && !yield(line) {
				return
			}
		}
	}
}
