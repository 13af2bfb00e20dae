package verdict

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/proc"
	"github.com/smtptrace/smtptrace/internal/record"
)

func TestParseSender(t *testing.T) {
	for text, want := range map[string]Sender{
		"/usr/bin/backup":                                              {Exe: "/usr/bin/backup"},
		"/usr/bin/backup,user=backup":                                  {Exe: "/usr/bin/backup", User: "backup"},
		"/usr/bin/backup,user=0":                                       {Exe: "/usr/bin/backup", User: "0"},
		"/usr/bin/backup,unit=backup.service,user=backup":              {Exe: "/usr/bin/backup", User: "backup", Unit: "backup.service"},
		"/opt/with blank/mailer,unit=a=b.service":                      {Exe: "/opt/with blank/mailer", Unit: "a=b.service"},
		"/usr//bin/../bin/backup":                                      {Exe: "/usr/bin/backup"}, // as the kernel writes it
		"image:nginx":                                                  {Image: "nginx"},
		"image:docker.io/mailserver/docker-mailserver:14,user=postfix": {Image: "docker.io/mailserver/docker-mailserver:14", User: "postfix"},
		"/usr/bin/app,image=localhost:5000/app@sha256:ab":              {Exe: "/usr/bin/app", Image: "localhost:5000/app@sha256:ab"},
		"/usr/bin/perl,user=www-data,unit=cron-run@7.scope":            {Exe: "/usr/bin/perl", User: "www-data", Unit: "cron-run@7.scope"},
	} {
		if got, err := ParseSender(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", text, got, err, want)
		}
	}
}

func TestParseSenderSaysWhatItTakes(t *testing.T) {
	const takes = ": it takes PATH, sha256:HEX or image:NAME[,user=NAME][,unit=UNIT][,image=NAME]"
	for text, want := range map[string]string{
		"":                          `"" does not begin with the absolute path of a program`,
		"perl":                      `"perl" does not begin with the absolute path of a program`,
		"./perl,user=bob":           `"./perl,user=bob" does not begin with the absolute path of a program`,
		"user=bob":                  `"user=bob" does not begin with the absolute path of a program`,
		"image:":                    `"image:" has not the name of an image`,
		"image:a b":                 `"image:a b" has not the name of an image`,
		"image:a,image=b":           `"image:a,image=b" has not the name of one image`,
		"/usr/bin/perl,image=":      `"/usr/bin/perl,image=" has no value in "image="`,
		"sha256:ab12":               `"sha256:ab12" has not the 64 hex digits of a SHA-256 digest`,
		"/usr/bin/perl,":            `"/usr/bin/perl," has no value in ""`,
		"/usr/bin/perl,user":        `"/usr/bin/perl,user" has no value in "user"`,
		"/usr/bin/perl,user=":       `"/usr/bin/perl,user=" has no value in "user="`,
		"/usr/bin/perl,uid=33":      `"/usr/bin/perl,uid=33" has the unknown key "uid"`,
		"/usr/bin/perl,User=bob":    `"/usr/bin/perl,User=bob" has the unknown key "User"`,
		"/usr/bin/perl,user=a,b=c ": `"/usr/bin/perl,user=a,b=c " has the unknown key "b"`,
	} {
		if got, err := ParseSender(text); err == nil || err.Error() != want+takes || got != (Sender{}) {
			t.Errorf("%q: %+v, %v, want %s", text, got, err, want+takes)
		}
	}
}

var host = &Host{MntNS: 4026531841}

// postfix is the smtp client of Postfix as Debian packages and runs it.
func postfix() *proc.Identity {
	intact := true
	return &proc.Identity{
		Process: &event.Process{Exe: "/usr/lib/postfix/sbin/smtp", UID: 101, MntNS: host.MntNS},
		User:    "postfix", Unit: proc.Unit{Name: "postfix@-.service"}, Hash: proc.Hash{SHA256: "ab", Status: proc.Verified},
		Package: &proc.Package{Name: "postfix", Version: "3.7.11-0+deb12u1", Intact: &intact},
	}
}

func TestExpectedMailers(t *testing.T) {
	no := false
	for _, test := range []struct {
		name   string
		change func(*proc.Identity)
		want   bool
	}{
		{"as its package brought it", func(*proc.Identity) {}, true},
		{"in any unit", func(id *proc.Identity) { id.Unit.Name = "" }, true},
		{"of another user", func(id *proc.Identity) { id.User, id.Process.UID = "www-data", 33 }, false},
		{"of a user without a name", func(id *proc.Identity) { id.User = "" }, false},
		{"modified", func(id *proc.Identity) { id.Package.Intact = &no }, false},
		{"not known whether modified", func(id *proc.Identity) { id.Package.Intact = nil }, false},
		{"of no package", func(id *proc.Identity) { id.Package = nil }, false},
		{"replaced since", func(id *proc.Identity) { id.Hash = proc.Hash{Status: proc.Replaced} }, false},
		{"which it now says that it is not", func(id *proc.Identity) { id.Flags = []proc.Flag{proc.ExeSwapped} }, false},
		{"deleted since", func(id *proc.Identity) { id.Hash.Status = proc.Deleted }, false},
		{"not hashed yet", func(id *proc.Identity) { id.Hash = proc.Hash{Status: proc.Pending} }, false},
		{"at another path, as the same user", func(id *proc.Identity) { id.Process.Exe = "/var/tmp/smtp" }, false},
		{"below the path", func(id *proc.Identity) { id.Process.Exe += "/smtp" }, false},
		{"a script run by it", func(id *proc.Identity) { id.Script = &proc.Script{Path: "/tmp/x"} }, false},
		{"in another mount namespace", func(id *proc.Identity) { id.Process.MntNS++ }, false},
		{"there, but the host's own file", func(id *proc.Identity) { id.Process.MntNS++; id.HostFile = true }, true},
		{"in a container, whose names are its own", func(id *proc.Identity) { id.HostFile, id.Container.ID = true, "ab" }, false},
		{"not read", func(id *proc.Identity) { id.Process = nil }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			id := postfix()
			test.change(id)
			if got := host.Expected(id, record.DirectMX, nil); got != test.want {
				t.Errorf("expected: %t, want %t", got, test.want)
			}
		})
	}
	if host.Expected(nil, record.DirectMX, []Sender{{Exe: "/usr/lib/postfix/sbin/smtp"}}) {
		t.Error("a process of which nothing is known is expected")
	}
}

// Each known mailer, by the path that the kernel sees, on Debian and RHEL.
func TestExpectedMailersByPath(t *testing.T) {
	for exe, user := range map[string]string{
		"/usr/lib/postfix/sbin/smtp": "postfix", "/usr/libexec/postfix/smtp": "postfix", "/usr/sbin/exim4": "Debian-exim",
		"/usr/sbin/exim": "exim", "/usr/bin/exim": "root", "/usr/libexec/sendmail/sendmail": "root", "/usr/sbin/sendmail.sendmail": "root",
		"/usr/lib/sm.bin/sendmail": "root", "/usr/sbin/smtpd": "smtpd", "/usr/lib/aarch64-linux-gnu/opensmtpd/smtpd": "opensmtpd",
		"/var/qmail/bin/qmail-remote": "qmailr", "/usr/lib/nullmailer/smtp": "mail", "/usr/libexec/nullmailer/smtp": "nullmail",
		"/usr/sbin/dma": "www-data", "/usr/bin/dma": "alice",
	} {
		id := postfix()
		id.Process.Exe, id.User = exe, user
		if !host.Expected(id, record.DirectMX, nil) {
			t.Errorf("%s of %s is not expected", exe, user)
		}
		if id.User = "www-data"; host.Expected(id, record.DirectMX, nil) && !strings.HasSuffix(exe, "/dma") {
			t.Errorf("%s of www-data is expected", exe)
		}
	}
	for role, want := range map[record.Verdict]bool{record.Submission: true, record.Relay: true, record.DirectMX: false} {
		id := postfix()
		id.Process.Exe, id.User = "/usr/bin/msmtp", "www-data"
		if got := host.Expected(id, role, nil); got != want {
			t.Errorf("msmtp, %s: expected: %t, want %t", role, got, want)
		}
	}
	// Who calls dma may have it load what it likes: in a user namespace of its own the setgid bit does not count.
	id := postfix()
	id.Process.Exe, id.User, id.Flags = "/usr/sbin/dma", "www-data", []proc.Flag{proc.LdPreload, proc.LibUnpackaged}
	if host.Expected(id, record.DirectMX, nil) {
		t.Error("dma with a library of nobody's is expected")
	}
	// Sendmail's submission program is setgid: it connects to port 25 of this host as whoever called it.
	for role, want := range map[record.Verdict]bool{record.Local: true, record.Relay: false, record.DirectMX: false} {
		id := postfix()
		id.Process.Exe, id.User = "/usr/lib/sm.bin/sendmail", "www-data"
		if got := host.Expected(id, role, nil); got != want {
			t.Errorf("sendmail of www-data, %s: expected: %t, want %t", role, got, want)
		}
	}
	for _, exe := range []string{"/usr/bin/perl", "/usr/bin/python3.11", "/usr/bin/curl", "/usr/lib/postfix/sbin/smtpd", "smtp", ""} {
		id := postfix()
		id.Process.Exe = exe
		if host.Expected(id, record.DirectMX, nil) {
			t.Errorf("%s is expected", exe)
		}
	}
}

func TestExpectedGiven(t *testing.T) {
	yes, no := true, false
	// backup is a program of the administrator's own, in no package.
	backup := func() *proc.Identity {
		return &proc.Identity{
			Process: &event.Process{Exe: "/usr/local/bin/backup", UID: 34, MntNS: host.MntNS}, User: "backup",
			Unit: proc.Unit{Name: "backup.service"}, Hash: proc.Hash{SHA256: "ab", Status: proc.Verified},
		}
	}
	for _, test := range []struct {
		name   string
		given  string
		change func(*proc.Identity)
		want   bool
	}{
		{name: "its path", given: "/usr/local/bin/backup", want: true},
		{name: "the user by name", given: "/usr/local/bin/backup,user=backup", want: true},
		{name: "the user by number", given: "/usr/local/bin/backup,user=34", want: true},
		{name: "the unit", given: "/usr/local/bin/backup,unit=backup.service", want: true},
		{name: "all three", given: "/usr/local/bin/backup,user=34,unit=backup.service", want: true},
		{name: "another path", given: "/usr/bin/backup,user=backup"},
		{name: "another user", given: "/usr/local/bin/backup,user=www-data"},
		{name: "another number", given: "/usr/local/bin/backup,user=3"},
		{name: "another unit", given: "/usr/local/bin/backup,unit=cron.service"},
		{name: "the right user in another unit", given: "/usr/local/bin/backup,user=backup,unit=cron.service"},
		{name: "the unit's slice", given: "/usr/local/bin/backup,unit=system.slice"},
		{
			name: "a user without a name, by number", given: "/usr/local/bin/backup,user=34", want: true,
			change: func(id *proc.Identity) { id.User = "" },
		},
		{
			name: "a unit of that user's own manager", given: "/usr/local/bin/backup,user=backup,unit=mine.service", want: true,
			change: func(id *proc.Identity) { id.Unit = proc.Unit{Name: "user@34.service", UserUnit: "mine.service"} },
		},
		{
			name: "a unit of that name of anybody's own manager", given: "/usr/local/bin/backup,unit=backup.service",
			change: func(id *proc.Identity) { id.Unit = proc.Unit{Name: "user@34.service", UserUnit: "backup.service"} },
		},
		{
			name: "replaced since", given: "/usr/local/bin/backup",
			change: func(id *proc.Identity) { id.Hash = proc.Hash{Status: proc.Replaced} },
		},
		{
			name: "its content not known yet", given: "/usr/local/bin/backup",
			change: func(id *proc.Identity) { id.Hash = proc.Hash{Status: proc.Pending} },
		},
		{
			name: "as its package brought it", given: "/usr/local/bin/backup", want: true,
			change: func(id *proc.Identity) { id.Package = &proc.Package{Name: "backup", Intact: &yes} },
		},
		{
			name: "of a package that does not say", given: "/usr/local/bin/backup", want: true,
			change: func(id *proc.Identity) { id.Package = &proc.Package{Name: "backup"} },
		},
		{
			name: "other than its package brought it", given: "/usr/local/bin/backup",
			change: func(id *proc.Identity) { id.Package = &proc.Package{Name: "backup", Intact: &no} },
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			id := backup()
			if test.change != nil {
				test.change(id)
			}
			given, err := ParseSender(test.given)
			if err != nil {
				t.Fatal(err)
			}
			if got := host.Expected(id, record.DirectMX, []Sender{{Exe: "/bin/other"}, given}); got != test.want {
				t.Errorf("expected: %t, want %t", got, test.want)
			}
		})
	}
}

// In a container a path is what its owner made it: the content of the binary counts.
func TestExpectedByDigest(t *testing.T) {
	digest := strings.Repeat("ab12", 16)
	inside := func() *proc.Identity {
		return &proc.Identity{
			Process: &event.Process{Exe: "/app/mailer", UID: 1000, MntNS: host.MntNS + 1}, User: "root",
			Unit: proc.Unit{Name: "docker-ab.scope"}, Hash: proc.Hash{SHA256: digest, Status: proc.Verified},
			Package: &proc.Package{Name: "mailer", Intact: new(false)}, // says its own database
		}
	}
	for _, test := range []struct {
		given  string
		change func(*proc.Identity)
		want   bool
	}{
		{given: "sha256:" + digest, want: true},
		{given: "sha256:" + strings.ToUpper(digest), want: true},
		{given: "sha256:" + digest + ",user=1000,unit=docker-ab.scope", want: true},
		{given: "sha256:" + digest + ",user=root"}, // a name of the container's own
		{given: "sha256:" + digest + ",unit=docker-cd.scope"},
		{given: "sha256:" + strings.Repeat("ab13", 16)},
		{given: "/app/mailer"},
		{given: "sha256:" + digest, change: func(id *proc.Identity) { id.Hash.Status = proc.Deleted }},
		{given: "sha256:" + digest + ",user=root", change: func(id *proc.Identity) { id.Process.MntNS, id.Package = host.MntNS, nil }, want: true},
		{given: "sha256:" + digest, change: func(id *proc.Identity) { id.Process.MntNS = host.MntNS }, want: true},
	} {
		id := inside()
		if test.change != nil {
			test.change(id)
		}
		given, err := ParseSender(test.given)
		if err != nil {
			t.Fatal(err)
		}
		if got := host.Expected(id, record.DirectMX, []Sender{given}); got != test.want {
			t.Errorf("%s: expected: %t, want %t", test.given, got, test.want)
		}
	}
}

func TestReadSenders(t *testing.T) {
	path := filepath.Join(fakeRoot(t, "expected", `# what may send mail here
/usr/local/bin/backup,user=backup   # at night

  /opt/crm/bin/mailer
`), "expected")
	want := []Sender{{Exe: "/usr/local/bin/backup", User: "backup"}, {Exe: "/opt/crm/bin/mailer"}}
	if got, err := ReadSenders(path); err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if err := os.WriteFile(path, []byte("/usr/bin/a\n\nmailer\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadSenders(path); err == nil || got != nil ||
		!strings.HasPrefix(err.Error(), path+`, line 3: "mailer" does not begin with the absolute path of a program`) {
		t.Errorf("%+v, %v", got, err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSenders(path); err == nil || !strings.Contains(err.Error(), path+" may be written by others than its owner: chmod go-w it") {
		t.Error(err)
	}
	if os.Geteuid() != 0 {
		t.Log("the rest needs root: nobody else can give a file away")
		return
	}
	if err := errors.Join(os.Chmod(path, 0o644), os.Chown(path, 65533, -1)); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSenders(path); err == nil || !strings.Contains(err.Error(), path+" belongs to another user than root: chown it") {
		t.Error(err)
	}
}

func TestReadSendersOfNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "expected")
	if _, err := ReadSenders(filepath.Dir(path)); err == nil || !strings.Contains(err.Error(), "is no regular file") {
		t.Error(err)
	}
}
