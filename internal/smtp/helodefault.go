package smtp

import (
	"slices"
	"strings"
)

// heloDefault is what a library says in HELO or EHLO unless it is told a name.
type heloDefault struct {
	client string // the library
	name   string // "" stands for the IPv4 address of the host, said with EHLO
}

// heloDefaults are read from the libraries' sources, each at the version and place named. Libraries
// that send the machine's own host name (JavaMail, .NET, curl, go-mail) leave nothing to recognise.
var heloDefaults = []heloDefault{
	// symfony/symfony 7, Mailer/Transport/Smtp/SmtpTransport.php: $domain
	{"symfony", "[127.0.0.1]"},
	// swiftmailer 6, lib/classes/Swift/Transport/AbstractSmtpTransport.php: $domain
	{"swiftmailer", "[127.0.0.1]"},
	// nodemailer 2f667f4, lib/smtp-connection/index.js, _getHostname: where the host name has no dot
	{"nodemailer", "[127.0.0.1]"},
	// lettre fa402db, src/transport/smtp/extension.rs, ClientId::default: built without "hostname"
	{"lettre", "[127.0.0.1]"},
	// CodeIgniter 1b41358, system/Email/Email.php, getHostname: without a server or host name
	{"codeigniter", "[127.0.0.1]"},
	// Go 1.26, net/smtp/smtp.go, NewClient: localName
	{"go-net-smtp", "localhost"},
	// emersion/go-smtp ab24fe7, client.go: localName
	{"go-smtp", "localhost"},
	// ruby/net-smtp a0075eb, lib/net/smtp.rb, start: helo
	{"ruby-net-smtp", "localhost"},
	// pear/Net_SMTP 76173b3, Net/SMTP.php: $localhost
	{"pear-net-smtp", "localhost"},
	// laminas-mail (formerly Zend) 75e0257, src/Transport/SmtpOptions.php: $name
	{"laminas-mail", "localhost"},
	// Perl 5.36, Net/SMTP.pm, hello: $domain
	{"perl-net-smtp", "localhost.localdomain"},
	// PHPMailer 4a48947, src/PHPMailer.php, serverHostname: without a valid server or host name
	{"phpmailer", "localhost.localdomain"},
	// mikel/mail d645d7b, lib/mail/network/delivery_methods/smtp.rb, DEFAULTS; Action Mailer uses it
	{"ruby-mail", "localhost.localdomain"},
	// CPython 3.11, Lib/smtplib.py, SMTP.__init__: where the host name has no dot
	{"python-smtplib", ""},
}

func (row heloDefault) matches(h Hello) bool {
	if row.name != "" {
		return strings.EqualFold(h.Name, row.name)
	}
	a, ok := addressLiteral(h.Name)
	return ok && a.Is4() && !a.IsUnspecified() && h.Verb == "EHLO"
}

// appendDefaults adds the libraries whose default h is, each once.
func appendDefaults(list []string, h Hello) []string {
	for _, row := range heloDefaults {
		if row.matches(h) && !slices.Contains(list, row.client) {
			list = append(list, row.client)
		}
	}
	return list
}
