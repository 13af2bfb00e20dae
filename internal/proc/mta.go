package proc

import "strings"

// Names, users and files of the mail servers that Debian and RHEL package. Names are left out that
// other programs bear too: master, local, pipe.
var (
	mtaUsers = set("postfix", "Debian-exim", "exim", "smmta", "smmsp", "mailnull", "opensmtpd", "smtpd", "smtpq",
		"nullmail", "courier", "qmailr", "qmails", "qmaild", "qmailq", "qmaill")
	mtaNames = set("sendmail", "postfix", "smtp", "smtpd", "qmgr", "pickup", "postdrop", "exim", "exim4",
		"opensmtpd", "qmail-send", "qmail-remote", "qmail-smtpd", "qmail-local", "qmail-queue", "nullmailer-send",
		"ssmtp", "msmtp", "esmtp", "dma", "courieresmtp")
	mtaDirs = []string{"/usr/lib/postfix/", "/usr/libexec/postfix/", "/usr/local/libexec/postfix/", "/var/qmail/bin/",
		"/usr/lib/qmail/", "/usr/libexec/opensmtpd/", "/usr/lib/opensmtpd/", "/usr/lib/nullmailer/",
		"/usr/libexec/nullmailer/", "/usr/lib/courier/", "/usr/libexec/courier/", "/usr/libexec/sendmail/",
		"/usr/lib/sm.bin/", "/usr/libexec/sm.bin/", "/usr/lib/dma/", "/usr/libexec/dma/", "/usr/exim/bin/",
		"/opt/zimbra/"}
	mtaFiles = set("exim", "exim4", "sendmail", "sendmail.postfix", "sendmail.sendmail", "sendmail.exim",
		"sendmail.opensmtpd", "sendmail.ssmtp", "postfix", "postdrop", "postqueue", "postalias", "postmap", "postsuper",
		"postcat", "postconf", "postlog", "postkick", "postmulti", "postlock", "posttls-finger", "smtpd", "smtpctl",
		"smtpd.opensmtpd", "ssmtp", "msmtp", "msmtpd", "esmtp", "dma", "nullmailer-send", "nullmailer-inject",
		"mailq", "mailstats", "makemap", "editmap", "opensmtpd")
)

// isMTAExe tells a mail server's own file, by the place where packages put it.
func isMTAExe(exe string) bool {
	for _, dir := range mtaDirs {
		if strings.HasPrefix(exe, dir) {
			return true
		}
	}
	for _, dir := range [...]string{"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/", "/usr/local/sbin/", "/usr/local/bin/"} {
		if name, ok := strings.CutPrefix(exe, dir); ok && mtaFiles[name] {
			return true
		}
	}
	// Debian's multiarch: /usr/lib/x86_64-linux-gnu/opensmtpd/
	rest, ok := strings.CutPrefix(exe, "/usr/lib/")
	_, below, deep := strings.Cut(rest, "-linux-gnu/")
	return ok && deep && strings.HasPrefix(below, "opensmtpd/")
}

func set(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, name := range names {
		m[name] = true
	}
	return m
}
