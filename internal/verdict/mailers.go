package verdict

import (
	"slices"

	"github.com/smtptrace/smtptrace/internal/proc"
	"github.com/smtptrace/smtptrace/internal/record"
)

// mailer is a program that sends mail by itself, and the users that its package has it run as while it does.
// Whoever else starts it, such as a web server's user that gives qmail-remote an address or Exim a
// configuration of its own, is no more to be expected than with a program of theirs.
type mailer struct {
	paths []string
	users []string // nil: whoever calls it, but not with a library that no package brought
	local bool     // whoever else calls it hands mail to this host's own server by it
	hands bool     // it only hands mail to a server: to somebody's MX it does not belong
}

// mailers are those of Debian and RHEL: Postfix, Exim, Sendmail, OpenSMTPD, qmail, nullmailer, dma, msmtp,
// ssmtp. They are expected only as their package brought them. From Fedora 42 on, /usr/sbin is /usr/bin.
var mailers = []mailer{
	{users: []string{"postfix"}, paths: []string{
		"/usr/lib/postfix/sbin/smtp", "/usr/lib/postfix/sbin/lmtp", "/usr/lib/postfix/smtp",
		"/usr/libexec/postfix/smtp", "/usr/libexec/postfix/lmtp",
	}},
	{users: []string{"root", "Debian-exim", "exim", "mail"}, paths: []string{
		"/usr/sbin/exim4", "/usr/sbin/exim", "/usr/bin/exim",
	}},
	{users: []string{"root", "smmta", "smmsp", "mail"}, local: true, paths: []string{
		"/usr/sbin/sendmail-mta", "/usr/libexec/sendmail/sendmail", "/usr/lib/sm.bin/sendmail",
		"/usr/sbin/sendmail.sendmail", "/usr/bin/sendmail.sendmail",
	}},
	{users: []string{"root", "opensmtpd", "opensmtpq", "smtpd", "_smtpd"}, paths: []string{
		"/usr/sbin/smtpd", "/usr/bin/smtpd",
		"/usr/lib/x86_64-linux-gnu/opensmtpd/smtpd", "/usr/lib/aarch64-linux-gnu/opensmtpd/smtpd",
	}},
	{users: []string{"qmailr"}, paths: []string{
		"/usr/sbin/qmail-remote", "/var/qmail/bin/qmail-remote", "/usr/lib/qmail/bin/qmail-remote",
	}},
	{users: []string{"root", "mail", "nullmail", "nullmailer"}, paths: []string{
		"/usr/lib/nullmailer/smtp", "/usr/libexec/nullmailer/smtp",
	}},
	{paths: []string{"/usr/sbin/dma", "/usr/bin/dma"}},
	{hands: true, paths: []string{"/usr/bin/msmtp", "/usr/sbin/ssmtp", "/usr/bin/ssmtp"}},
}

// isMailer says whether a process is a known mailer that runs as it is meant to; own, whether it is that under a user
// of its own.
func isMailer(id *proc.Identity, role record.Verdict, own func(*mailer) bool) bool {
	return slices.ContainsFunc(mailers, func(m mailer) bool {
		return slices.Contains(m.paths, id.Process.Exe) && (own(&m) || m.local && role == record.Local) &&
			!(m.hands && role == record.DirectMX)
	})
}
