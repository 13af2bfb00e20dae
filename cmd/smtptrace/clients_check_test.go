package main

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/smtp"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/live"
	"github.com/smtptrace/smtptrace/internal/record"
)

// program is what a record says of a client.
type program struct {
	root        live.Root
	exe, script string
	user        string
	verb        string
	helo        string // where the client is not told one, its default
}

// programs are the clients of all exchanges.
func (m *mailHost) programs(t *testing.T) map[string]program {
	dir := m.dirs[m.exim]
	self, _ := self(t)
	return map[string]program{
		"curl":       {m.root, "/usr/bin/curl", "", "0", "EHLO", "curl.example.org"},
		"smtplib":    {m.root, "/usr/bin/python3.11", m.dirs[m.root] + "/mail.py", "0", "EHLO", "[127.0.0.1]"},
		"swaks":      {m.exim, "/usr/bin/perl", "/usr/bin/swaks", "0", "EHLO", "mailer"},
		"msmtp":      {m.exim, "/usr/bin/msmtp", "", "0", "EHLO", "localhost"},
		"netsmtp":    {m.exim, "/usr/bin/perl", dir + "/mail.pl", "0", "EHLO", "localhost.localdomain"},
		"php-socket": {m.exim, "/usr/bin/php8.2", dir + "/mail.php", "0", "HELO", "php.example.org"},
		"php-msmtp":  {m.exim, "/usr/bin/msmtp", "", "0", "EHLO", "localhost"},
		"php-exim":   {m.exim, "/usr/sbin/exim4", "", m.exim.UID(t, "Debian-exim"), "EHLO", "exim.example.org"},
		"nodemailer": {m.exim, "/usr/bin/node", dir + "/mail.js", "0", "EHLO", "[127.0.0.1]"},
		"go":         {"", self, "", "0", "EHLO", "localhost"},
		"postfix":    {m.root, "/usr/lib/postfix/sbin/smtp", "", m.root.UID(t, "postfix"), "EHLO", "postfix.example.org"},
		"exim":       {m.exim, "/usr/sbin/exim4", "", m.exim.UID(t, "Debian-exim"), "EHLO", "exim.example.org"},
		"opensmtpd":  {m.smtpd, "/usr/sbin/smtpd", "", m.smtpd.UID(t, "opensmtpd"), "EHLO", "opensmtpd.example.org"},
	}
}

// heloFlags are the flags of the defaults.
var heloFlags = map[string]string{
	"mailer":                "helo_bare",
	"localhost":             "helo_loopback helo_bare helo_default:go-net-smtp helo_default:go-smtp helo_default:ruby-net-smtp helo_default:pear-net-smtp helo_default:laminas-mail",
	"localhost.localdomain": "helo_loopback helo_default:perl-net-smtp helo_default:phpmailer helo_default:ruby-mail",
	"[127.0.0.1]":           "helo_loopback helo_default:symfony helo_default:swiftmailer helo_default:nodemailer helo_default:lettre helo_default:codeigniter helo_default:python-smtplib",
}

// queued is how a server says that it has taken a mail over, with its name for it.
var queued = map[string]*regexp.Regexp{
	"postfix":   regexp.MustCompile(`^250 2\.0\.0 Ok: (?:\d+ bytes )?queued as (\w+)$`),
	"exim":      regexp.MustCompile(`^250 OK id=(\S+)$`),
	"opensmtpd": regexp.MustCompile(`^250 2\.0\.0 (\w{8}) Message accepted for delivery$`),
	"login":     regexp.MustCompile(`^250 2\.0\.0 Ok: queued as (4E81026038)$`),
}

// eximSaw is what Exim logs of a session that was pipelined, chunked.
var eximSaw = map[[2]bool]string{
	{false, false}: ` L\.- [^K]`, {true, false}: ` L\.-? [^K]`, {false, true}: ` L\.- K `, {true, true}: ` L\.-? K `,
}

// raw are the clients that send the text as it is.
var raw = map[string]bool{"curl": true, "smtplib": true, "netsmtp": true, "php-socket": true, "go": true}

func (m *mailHost) check(t *testing.T, list []*exchange, records []record.Record) {
	t.Helper()
	if n := len(pick(records, record.ActionFirstPayload)); n != len(list) {
		t.Errorf("%d first payloads, want %d", n, len(list))
	}
	sessions := map[netip.AddrPort]*record.Record{}
	for _, r := range pick(records, record.ActionSession) {
		if sessions[r.Destination.AddrPort()] != nil {
			t.Errorf("a second session: %s by %s", r.Destination.AddrPort(), r.Process.Args)
		}
		sessions[r.Destination.AddrPort()] = &r
	}
	programs := m.programs(t)
	for _, x := range list {
		r := sessions[x.addr]
		if delete(sessions, x.addr); r == nil {
			t.Errorf("%s: no session", x)
			continue
		}
		got, want := x.said(r), x.wanted(t, programs[x.client])
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", x, got, want)
		}
		m.checkMails(t, x, r)
	}
	for addr, r := range sessions {
		t.Errorf("a session that nobody had: %s by %s", addr, r.Process.Args)
	}
}

// known is true where the test knows the process id of the client.
func (x *exchange) known() bool {
	return !slices.Contains([]string{"postfix", "exim", "opensmtpd", "php-msmtp", "php-exim"}, x.client)
}

// said is what is to be the same in each run.
func (x *exchange) said(r *record.Record) string {
	pid := uint32(0)
	if x.known() {
		pid = r.Process.PID
	}
	flags := slices.DeleteFunc(slices.Clone(r.Flags), func(flag string) bool {
		return !strings.HasPrefix(flag, "helo_") && !slices.Contains([]string{
			"direct_mx", "any_port_smtp", "port25_not_smtp", "no_helo", "early_talker", "rcpt_probe",
		}, flag)
	})
	return fmt.Sprintf("pid %d %s %v %s user %s %q %q mails %d to %d tls %v %s sni %q auth %q %s %s %s %v",
		pid, r.Process.Executable, r.Process.Hash, r.Process.Script.Path, r.User.ID, r.SMTP.Verb, r.SMTP.HELO, r.SMTP.Messages,
		r.SMTP.Recipients, r.SMTP.TLS, r.SMTP.StartTLS, r.TLS.Client.ServerName, r.SMTP.Auth.Mechanism,
		r.SMTP.Auth.Outcome, r.Verdict, r.Event.Outcome, flags)
}

func (x *exchange) wanted(t *testing.T, p program) string {
	t.Helper()
	pid := uint32(0)
	if x.known() {
		pid = uint32(x.cmd.Process.Pid)
	}
	verb, helo, startTLS, auth := p.verb, p.helo, "", record.Outcome("")
	if p.verb == "HELO" && (x.chunked || x.pipelined) {
		verb = "EHLO"
	}
	verdict, outcome, flags := record.DirectMX, record.Failure, []string{}
	if x.port != 25 {
		verdict = record.Submission
	} else {
		flags = append(flags, "direct_mx")
	}
	mails, rcpts := 0, 0
	for _, mail := range x.mails {
		if n := len(strings.Fields(strings.Replace(mail, vain, "", 1))); n > 0 && !x.hidden() {
			mails, rcpts, outcome = mails+1, rcpts+n, record.Success
		}
	}
	switch x.tls() {
	case "starttls":
		startTLS, outcome = "accepted", record.OutcomeUnknown
	case "implicit":
		verb, helo, outcome = "", "", record.OutcomeUnknown
	}
	switch {
	case x.wrong:
		auth = record.Failure
	case x.auth != "":
		auth = record.Success
	}
	flags = append(flags, strings.Fields(heloFlags[helo])...)
	return fmt.Sprintf("pid %d %s %v %s user %s %q %q mails %d to %d tls %v %s sni %q auth %q %s %s %s %v",
		pid, p.root.Path(p.exe), record.Hash{SHA256: p.root.SHA256(t, p.exe), Status: "verified"}, p.script, p.user, verb, helo, mails, rcpts, x.hidden(), startTLS, x.serverName(), x.auth, auth,
		verdict, outcome, flags)
}

// checkMails compares each mail transaction with what the client was to send, and its reply with what the
// server has logged.
func (m *mailHost) checkMails(t *testing.T, x *exchange, r *record.Record) {
	t.Helper()
	list := r.SMTP.Transactions
	if x.hidden() && len(list) == 0 {
		return
	}
	if len(list) != len(x.mails) {
		t.Errorf("%s: transactions: %+v", x, list)
		return
	}
	for i, rcpts := range x.rcpts() {
		tx := &list[i]
		refused := strings.Count(x.mails[i], vain)
		slices.Sort(rcpts) // Postfix does
		slices.Sort(tx.RcptTo)
		good := fmt.Sprint(x.from(), rcpts, refused) == fmt.Sprint(tx.MailFrom, tx.RcptTo, tx.RcptRefused)
		if refused == len(rcpts) {
			if !good || tx.Size != 0 || tx.Outcome != "refused" || !strings.HasPrefix(tx.Reply, "5") {
				t.Errorf("%s: refused: %+v", x, tx)
			}
			continue
		}
		id := queued[x.server].FindStringSubmatch(tx.Reply)
		if !good || tx.Outcome != "accepted" || tx.Size < uint64(len(canaryBody)) || id == nil {
			t.Errorf("%s: transaction: %+v", x, tx)
			continue
		}
		if raw[x.client] && tx.Size != uint64(len(x.text())) {
			t.Errorf("%s: size %d, want %d", x, tx.Size, len(x.text()))
		}
		if x.server == "postfix" && x.chunked != strings.Contains(tx.Reply, "bytes queued") {
			t.Errorf("%s: Postfix said: %s", x, tx.Reply)
		}
		log := m.logs[x.server]
		if log == nil {
			continue
		}
		line := `\b` + id[1] + `.*` + regexp.QuoteMeta(x.from())
		if x.server == "exim" {
			line += `.*` + eximSaw[[2]bool{x.pipelined, x.chunked}]
		}
		entry := regexp.MustCompile(line)
		live.Eventually(t, fmt.Sprintf("%s in the log of %s", entry, x.server), func() bool { return entry.MatchString(log()) })
	}
}

// checkCanaries looks for what must be in no output.
func checkCanaries(t *testing.T, tr *tracer) {
	t.Helper()
	log, err := os.ReadFile(tr.log)
	if err != nil {
		t.Fatal(err)
	}
	said := string(log) + tr.stderr.String()
	for _, secret := range []string{
		canaryBody, login.User, login.Password, "canary-wrong", "\x00" + login.User + "\x00" + login.Password,
		"\x00" + login.User + "\x00" + "canary-wrong", login.User + "\x00" + login.User + "\x00" + login.Password,
	} {
		for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret))} {
			if strings.Contains(said, form) {
				t.Errorf("the output has %q", form)
			}
		}
	}
}

// goSMTP is a client that uses net/smtp.
func goSMTP(args []string) error {
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var o struct {
		Host, TLS, SNI, Auth, User, Password, From, Body string
		Port                                             uint16
		Mails                                            [][]string
	}
	if err := json.Unmarshal(text, &o); err != nil {
		return err
	}
	c, err := smtp.Dial(fmt.Sprintf("%s:%d", o.Host, o.Port))
	if err != nil {
		return err
	}
	defer c.Close()
	if o.TLS != "" {
		err = c.StartTLS(&tls.Config{ServerName: o.SNI, InsecureSkipVerify: true})
	}
	if o.Auth != "" {
		err = errors.Join(err, c.Auth(smtp.CRAMMD5Auth(o.User, o.Password)))
	}
	for _, rcpts := range o.Mails {
		err = errors.Join(err, c.Mail(o.From))
		for _, rcpt := range rcpts {
			err = errors.Join(err, c.Rcpt(rcpt))
		}
		w, dataErr := c.Data()
		if dataErr != nil {
			return errors.Join(err, dataErr)
		}
		_, bodyErr := w.Write([]byte(o.Body))
		err = errors.Join(err, bodyErr, w.Close())
	}
	return errors.Join(err, c.Quit())
}
