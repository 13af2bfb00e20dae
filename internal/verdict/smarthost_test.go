package verdict

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakeRoot is the root folder of a machine with these files: pairs of path and text.
func fakeRoot(t *testing.T, files ...string) string {
	t.Helper()
	root := t.TempDir()
	for i := 0; i+1 < len(files); i += 2 {
		path := filepath.Join(root, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// detected says what is found, a host a word: "mx:" before one whose mail exchangers are meant.
func detected(root string) (hosts, files string, errs []error) {
	list, errs := DetectSmarthosts(root)
	var h, f []string
	for _, s := range list {
		text := s.String()
		if s.MX {
			text = "mx:" + text
		}
		h, f = append(h, text), append(f, s.File)
	}
	return strings.Join(h, " "), strings.Join(f, " "), errs
}

func TestDetectSmarthosts(t *testing.T) {
	const (
		mainCf  = "/etc/postfix/main.cf"
		update  = "/etc/exim4/update-exim4.conf.conf"
		exim    = "/etc/exim/exim.conf"
		msmtprc = "/etc/msmtprc"
		remotes = "/etc/nullmailer/remotes"
		dma     = "/etc/dma/dma.conf"
		ssmtp   = "/etc/ssmtp/ssmtp.conf"
		cf      = "/etc/mail/sendmail.cf"
		smtpd   = "/etc/smtpd.conf"
	)
	for _, test := range []struct{ name, path, text, want string }{
		{"none", "/etc/hostname", "web1", ""},
		{"brackets and port", mainCf, "relayhost = [mail.example.org]:587\n", "mail.example.org:587"},
		{"a domain", mainCf, "relayhost=example.org", "mx:example.org"},
		{"a domain and a named port", mainCf, "relayhost = example.org:submission", "mx:example.org:587"},
		{"an address", mainCf, "relayhost = [192.0.2.25]", "192.0.2.25"},
		{"an IPv6 address", mainCf, "relayhost = [2001:db8::25]:587", "[2001:db8::25]:587"},
		{"none set", mainCf, "# relayhost = [a.example]\nrelayhost =\nmyhostname = b.example\n", ""},
		{"the last one counts", mainCf, "relayhost = [a.example]\nrelayhost = [b.example]\n", "b.example"},
		{"over several lines", mainCf, "relayhost =\n  # why\n\t[a.example],\n\n  [b.example]:26\n", "a.example b.example:26"},
		{"variables", mainCf, "site = example.org\nname=mail.${site}\nrelayhost = [$(name)]:$port\nport = 26", "mail.example.org:26"},
		{"the host's domain", mainCf, "myhostname = web1.example.org\nrelayhost = $mydomain", "mx:example.org"},
		{"Debian's Exim", update, "dc_eximconfig_configtype='smarthost'\ndc_smarthost='a.example::587;b.example;[192.0.2.25]::26'",
			"a.example:587 b.example 192.0.2.25:26"},
		{"Debian's satellite", update, "dc_eximconfig_configtype=\"satellite\"\ndc_smarthost=a.example", "a.example"},
		{"Debian's Exim, direct", update, "dc_eximconfig_configtype='internet'\ndc_smarthost='a.example'", ""},
		{"Exim", exim, "begin routers\nsmart:\n  driver = manualroute\n  domains = ! +local_domains\n  route_list = * a.example byname\n", "a.example"},
		{"Exim's lists", exim, "route_list = * \"<; a.example::587 ; b.example/mx\"", "a.example:587 mx:b.example"},
		{"Exim, over two lines", exim, "route_list = * \\\n    a.example:b.example\n", "a.example b.example"},
		{"Exim's macros", exim, "RELAY = a.example\nPORT=587\nbegin routers\nsmart:\n  route_list = * RELAY::PORT byname\n", "a.example:587"},
		{"Exim, a comment in a line that goes on", exim, "route_list = * \\\n# why\n    a.example\n", "a.example"},
		{"Exim's route_data", exim, "smart:\n  driver = manualroute\n  domains = ! +local_domains\n  route_data = a.example::587\n", "a.example:587"},
		{"Exim's route_data for one domain", exim, "hub:\n  domains = customer.example\n  no_more\n.ifdef X\n  route_data = a.example\n.endif\nbegin transports\n", ""},
		{"Exim's route_data, its domains behind it", exim, "hub:\n  route_data = a.example\n  domains = customer.example\nbegin transports\n", ""},
		{"cPanel's Exim", "/etc/exim.conf", "route_list = * a.example\n", "a.example"},
		{"Postfix, every transport", mainCf, "default_transport = smtp:[a.example]:587\nrelayhost =\n", "a.example:587"},
		{"Postfix, no other transport", mainCf, "default_transport = smtp\n", ""},
		{"Postfix, where a host cannot be reached", mainCf, "smtp_fallback_relay = [a.example]\n", "a.example"},
		{"Exim, one domain's route", exim, "route_list = customer.example a.example\n", ""},
		{"OpenSMTPD", smtpd, "table secrets file:/etc/secrets\naction \"relay\" relay host smtp+tls://label@a.example:587 auth <secrets>\nmatch for any action \"relay\"\n", "a.example:587"},
		{"OpenSMTPD, over two lines, with a macro", smtpd, "relay = \"b.example\"\naction out relay \\\n  host \"smtps://$relay\" # why\n", "b.example"},
		{"OpenSMTPD, IPv6", smtpd, "action out relay host smtp://[2001:db8::25]:26\n", "[2001:db8::25]:26"},
		{"OpenSMTPD, without a protocol", smtpd, "action out relay helo x.example host a.example\n", "a.example"},
		{"OpenSMTPD of 2017", smtpd, "accept from local for any relay via tls+auth://label@a.example:587 auth <secrets>\n", "a.example:587"},
		{"OpenSMTPD, direct", smtpd, "listen on lo host b.example\n# action out relay host smtp://a.example\naction out relay\n", ""},
		{"msmtp", msmtprc, "defaults\nauth on\nport 587\naccount a\nhost a.example\naccount b\nhost \"b.example\"\nport 26\naccount default : a\n",
			"a.example:587 b.example:26"},
		{"msmtp without accounts", msmtprc, "host a.example\n", "a.example"},
		{"nullmailer", remotes, "# why\na.example smtp --port=587 --starttls\nb.example\nc.example smtp -p 26\n", "a.example:587 b.example c.example:26"},
		{"dma", dma, "#SMARTHOST x\nSMARTHOST a.example\nPORT 587\n", "a.example:587"},
		{"dma, direct", dma, "#SMARTHOST x\nPORT 587\n", ""},
		{"ssmtp", ssmtp, "root=postmaster\nMailHub=a.example:587\n", "a.example:587"},
		{"sendmail", cf, "DSesmtp:[a.example]\n", "a.example"},
		{"sendmail, a domain", cf, "V10\nDSexample.org\n", "mx:example.org"},
		{"sendmail, direct", cf, "# DSx\nDS\nDnMAILER-DAEMON\n", ""},
		{"msmtp, IPv6", msmtprc, "host 2001:db8::25\nport 587\n", "[2001:db8::25]:587"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, files, errs := detected(fakeRoot(t, test.path, test.text))
			want := strings.TrimSpace(strings.Repeat(test.path+" ", len(strings.Fields(test.want))))
			if got != test.want || files != want || errs != nil {
				t.Errorf("found %q in %q, %v; want %q", got, files, errs, test.want)
			}
		})
	}
}

// The tables of Postfix name smarthosts, too: those that are text, and those that are made from one beside them.
func TestDetectPostfixTables(t *testing.T) {
	root := fakeRoot(t, "/etc/postfix/main.cf", `
transport_maps = hash:/etc/postfix/other, texthash:/etc/postfix/transport, proxy:lmdb:$config/more,
  /etc/postfix/usual ldap:/etc/postfix/ldap.cf btree:/etc/postfix/gone
sender_dependent_relayhost_maps = texthash:$config/senders
config = /etc/postfix
`, "/etc/postfix/transport", `
# of one customer
customer.example  smtp:[192.0.2.26]:26
direct.example    smtp:direct.example
gone.example      error:5.1.2 no such domain
here.example      local:
*                 relay:relay.example
`, "/etc/postfix/senders", "@example.org [192.0.2.27]:587\n", "/etc/postfix/other", "* smtp:[192.0.2.99]\n", "/etc/postfix/more", "* :[192.0.2.98]\n",
		"/etc/postfix/usual", "* smtp:[192.0.2.97]\n", "/etc/postfix/ldap.cf", "server_host = [192.0.2.96]\n")
	got, _, errs := detected(root)
	if want := "[192.0.2.27]:587"; got != "192.0.2.27:587 192.0.2.99 192.0.2.26:26 mx:relay.example 192.0.2.98 192.0.2.97" || errs != nil {
		t.Errorf("found %q, %v, want %q", got, errs, want)
	}
}

// What is not understood is said with its file, and hides nothing else.
func TestDetectSmarthostsSaysWhatItCannotRead(t *testing.T) {
	many := "relayhost ="
	for i := range maxSmarthosts + 1 {
		many += fmt.Sprintf(" [h%d.example]", i)
	}
	for _, test := range []struct{ path, text, want string }{
		{"/etc/postfix/main.cf", "relayhost = $mydomain", "relayhost = $mydomain: mydomain is not set there: name the smarthost with --smarthost"},
		{"/etc/postfix/main.cf", "relayhost = $a\na = $b\nb = $a", "relayhost = $a: its variables refer to each other"},
		{"/etc/postfix/main.cf", "relayhost = [mail.example.org", `"[mail.example.org" has no closing bracket: it takes`},
		{"/etc/postfix/main.cf", "relayhost = [mail\x1b.example]", `"mail\x1b.example" is not the name or address of a host`},
		{"/etc/postfix/main.cf", many, "h32.example is one more than the 32 that are looked up"},
		{"/etc/exim/exim.conf", "route_list = * ${lookup{x}}", `"${lookup{x}}" is worked out at run time: name the smarthost with --smarthost`},
		{"/etc/smtpd.conf", "action x relay host smtp://$nobody", "smtp://$nobody: nobody is not set there: name the smarthost with --smarthost"},
		{"/etc/dma/dma.conf/x", "", "it is no regular file"},
	} {
		root := fakeRoot(t, test.path, test.text, "/etc/msmtprc", "host other.example\n")
		hosts, _, errs := detected(root)
		if test.text == many {
			errs = errs[:1]
		}
		file := strings.TrimSuffix(test.path, "/x")
		if len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), "find the smarthost in "+file+": "+test.want) {
			t.Errorf("%s: %v, want %s", file, errs, test.want)
		}
		if test.text != many && hosts != "other.example" {
			t.Errorf("%s: the other file's host is not found: %q", file, hosts)
		}
	}
}
