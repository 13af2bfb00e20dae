package privacy

import (
	"slices"
	"strings"
	"testing"
)

func TestArgs(t *testing.T) {
	for line, want := range map[string]string{
		"swaks --to b@example.net -au me -ap canary":                  "swaks --to b@example.net -au me -ap …",
		"swaks --auth-password canary --quit-after RCPT":              "swaks --auth-password … --quit-after RCPT",
		"swaks --auth-password=canary":                                "swaks --auth-password=…",
		"curl --user me:canary smtp://mx.example.net":                 "curl --user me:… smtp://mx.example.net",
		"curl -u me:canary smtp://mx.example.net":                     "curl -u me:… smtp://mx.example.net",
		"curl smtp://me:canary@mx.example.net:587/x":                  "curl smtp://me:…@mx.example.net:587/x",
		"curl smtp://me:can@ary@mx.example.net smtps://a:canary@b":    "curl smtp://me:…@mx.example.net smtps://a:…@b",
		"node -e connect('smtp://me:canary@mx')":                      "node -e connect('smtp://me:…@mx')",
		"env SMTP_PASSWORD=canary DB_PASS=canary python3 mail.py":     "env SMTP_PASSWORD=… DB_PASS=… python3 mail.py",
		"x --api-key canary --TOKEN canary":                           "x --api-key … --TOKEN …",
		"msmtp --passwordeval pass-of-msmtp --tls=on b@example.net":   "msmtp --passwordeval pass-of-msmtp --tls=on b@example.net",
		"perl /tmp/x.pl -p 25 --user me http://example.net/a:b@c":     "perl /tmp/x.pl -p 25 --user me http://example.net/a:b@c",
		"curl http://[2001:db8::1]:25/ -u me --bypass x --password":   "curl http://[2001:db8::1]:25/ -u me --bypass x --password",
		"postfix-pass password canary-that-is-no-value-of-an-option":  "postfix-pass password canary-that-is-no-value-of-an-option",
		"x --password-file /etc/secret --auth-password= --pass-x y:z": "x --password-file /etc/secret --auth-password= --pass-x y:z",
	} {
		args := strings.Split(line, " ")
		before := slices.Clone(args)
		if got := strings.Join(Args(args), " "); got != want {
			t.Errorf("%s\n got %s\nwant %s", line, got, want)
		}
		if !slices.Equal(args, before) {
			t.Errorf("%s: the arguments themselves were changed", line)
		}
	}
	if Args(nil) != nil {
		t.Error("of no arguments there are some")
	}
}
