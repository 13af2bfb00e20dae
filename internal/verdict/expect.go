package verdict

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/smtptrace/smtptrace/internal/proc"
)

// Sender is an expected sender: a binary, and if they are given the user and the unit that it runs as.
// A name or a uid alone is never enough.
type Sender struct {
	Exe  string
	User string // name or number; "": any
	Unit string // "": any; a unit of a user's own manager, which that user can name at will, only with User
}

// ParseSender reads PATH[,user=NAME][,unit=UNIT].
func ParseSender(s string) (Sender, error) {
	parts := strings.Split(s, ",")
	sender := Sender{Exe: filepath.Clean(parts[0])}
	if !filepath.IsAbs(sender.Exe) {
		return Sender{}, fmt.Errorf("%q does not begin with the absolute path of a program: it takes PATH[,user=NAME][,unit=UNIT]", s)
	}
	for _, p := range parts[1:] {
		key, value, _ := strings.Cut(p, "=")
		switch {
		case value == "":
			return Sender{}, fmt.Errorf("%q has no value in %q: it takes PATH[,user=NAME][,unit=UNIT]", s, p)
		case key == "user":
			sender.User = value
		case key == "unit":
			sender.Unit = value
		default:
			return Sender{}, fmt.Errorf("%q has the unknown key %q: it takes PATH[,user=NAME][,unit=UNIT]", s, key)
		}
	}
	return sender, nil
}

// mailers are the programs that send mail by themselves on Debian and RHEL: Postfix, Exim, Sendmail,
// OpenSMTPD, qmail, nullmailer, dma, msmtp. They are expected only as their package brought them.
var mailers = []string{
	"/usr/lib/postfix/sbin/smtp", "/usr/libexec/postfix/smtp", "/usr/lib/postfix/smtp",
	"/usr/sbin/exim4", "/usr/sbin/exim",
	"/usr/sbin/sendmail-mta", "/usr/libexec/sendmail/sendmail", "/usr/sbin/sendmail.sendmail",
	"/usr/sbin/smtpd", "/usr/lib/x86_64-linux-gnu/opensmtpd/smtpd",
	"/usr/sbin/qmail-remote", "/var/qmail/bin/qmail-remote",
	"/usr/lib/nullmailer/smtp", "/usr/libexec/nullmailer/smtp",
	"/usr/sbin/dma", "/usr/bin/msmtp",
}

// Expected says whether a process is an expected sender: one of those given, or a known mailer whose
// package says that the file is unmodified, and which runs no script. Only a process of the tracer's own
// mount namespace can be expected: in another one, a path and a package database are what its owner made
// them. An interpreter that is given stands for every script that it runs.
func (h *Host) Expected(id *proc.Identity, given []Sender) bool {
	if id == nil || id.Process == nil || id.Process.MntNS != h.MntNS ||
		id.Hash.Status != proc.Verified {
		return false
	}
	intact := id.Package != nil && id.Package.Intact != nil && *id.Package.Intact
	if id.Package != nil && id.Package.Intact != nil && !intact {
		return false
	}
	for _, s := range given {
		if s.Exe == id.Process.Exe &&
			(s.User == "" || s.User == id.User || s.User == strconv.Itoa(int(id.Process.UID))) &&
			(s.Unit == "" || s.Unit == id.Unit.Name || s.User != "" && s.Unit == id.Unit.UserUnit) {
			return true
		}
	}
	return slices.Contains(mailers, id.Process.Exe) && id.Script == nil && intact
}
