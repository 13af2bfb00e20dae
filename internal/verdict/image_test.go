package verdict

import (
	"testing"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/proc"
	"github.com/smtptrace/smtptrace/internal/record"
)

// contained is the Postfix of an image in a container that root's docker made.
func contained() *proc.Identity {
	yes := true
	return &proc.Identity{
		Process: &event.Process{Exe: "/usr/lib/postfix/sbin/smtp", UID: 101, MntNS: host.MntNS + 1},
		User:    "postfix", Unit: proc.Unit{Name: "docker-4f2a.scope"}, Container: proc.Container{ID: "4f2a", Runtime: "docker"},
		Hash:  proc.Hash{SHA256: digestOf("ab"), Status: proc.Verified},
		Image: &proc.Image{Name: "mailserver/docker-mailserver:14", ID: "sha256:" + digestOf("cd"), Vouched: true, Intact: &yes, User: "postfix"},
	}
}

func digestOf(pair string) (s string) {
	for range 32 {
		s += pair
	}
	return s
}

func TestExpectedOfImage(t *testing.T) {
	no := false
	const (
		image  = "image:mailserver/docker-mailserver"
		byHash = "sha256:abababababababababababababababababababababababababababababababab,image=mailserver/docker-mailserver"
		byPath = "/usr/bin/perl,image=mailserver/docker-mailserver"
	)
	perl := func(id *proc.Identity) {
		id.Process.Exe, id.Script, id.Image.User, id.Process.UID = "/usr/bin/perl", &proc.Script{Path: "/srv/x.pl"}, "www-data", 33
	}
	for _, test := range []struct {
		name, given string
		change      func(*proc.Identity)
		want        bool
	}{
		{name: "its mail server", given: image, want: true},
		{name: "with its tag", given: image + ":14", want: true},
		{name: "in full", given: "image:docker.io/mailserver/docker-mailserver", want: true},
		{name: "by its content", given: "image:sha256:" + digestOf("cd"), want: true},
		{name: "of that user", given: image + ",user=postfix", want: true},
		{name: "of that number", given: image + ",user=101", want: true},
		{name: "another tag", given: image + ":13"},
		{name: "another registry", given: "image:quay.io/mailserver/docker-mailserver"},
		{name: "the end of its name", given: "image:docker-mailserver"},
		{name: "another content", given: "image:sha256:" + digestOf("ce")},
		{name: "of another user", given: image + ",user=root"},
		{name: "a user's own runtime says so", given: image, change: func(id *proc.Identity) { id.Image.Vouched = false }},
		{name: "in no container", given: image, change: func(id *proc.Identity) { id.Image = nil }},
		{name: "written in the container", given: image, change: func(id *proc.Identity) { id.Image.Intact = &no }},
		{name: "nobody can tell", given: image, change: func(id *proc.Identity) { id.Image.Intact = nil }},
		{name: "started by another user", given: image, change: func(id *proc.Identity) { id.Image.User = "www-data" }},
		// In a user namespace of one's own, everybody is who he likes.
		{name: "its own names say so", given: image, change: func(id *proc.Identity) { id.Image.User, id.Process.UID = "www-data", 33 }},
		{name: "deleted since", given: image, change: func(id *proc.Identity) { id.Hash.Status = proc.Deleted }},
		{name: "another program of it", given: image, change: func(id *proc.Identity) { id.Process.Exe = "/usr/bin/curl" }},
		{name: "a script in it", given: image, change: perl},
		{name: "another program of it, of that user", given: image + ",user=33", change: perl},
		{name: "its program by path", given: byPath, change: perl, want: true},
		{name: "by path, of that user", given: byPath + ",user=www-data", change: perl, want: true},
		{name: "by path, of another user", given: byPath + ",user=postfix", change: perl},
		{name: "by path, not the image's", given: byPath, change: func(id *proc.Identity) { perl(id); id.Image.Intact = &no }},
		{name: "by path alone", given: "/usr/bin/perl", change: perl},
		{name: "of that user, with a library of somebody's", given: image + ",user=33", change: func(id *proc.Identity) {
			id.Process.Exe, id.Process.UID, id.Flags = "/usr/sbin/dma", 33, []proc.Flag{proc.LibUnpackaged}
		}},
		{name: "of that user, as the image brought it", given: image + ",user=33", want: true, change: func(id *proc.Identity) {
			id.Process.Exe, id.Process.UID = "/usr/sbin/dma", 33
		}},
		{name: "by hash", given: byHash, want: true},
		{name: "by hash, not the image's", given: byHash, want: true, change: func(id *proc.Identity) { id.Image.Intact = &no }},
		{name: "by hash, of another image", given: byHash, change: func(id *proc.Identity) { id.Image.Name = "nginx" }},
		{name: "another hash", given: byHash, change: func(id *proc.Identity) { id.Hash.SHA256 = digestOf("ac") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			sender, err := ParseSender(test.given)
			if err != nil {
				t.Fatal(err)
			}
			id := contained()
			if test.change != nil {
				test.change(id)
			}
			if got := host.Expected(id, record.DirectMX, []Sender{sender}); got != test.want {
				t.Errorf("%s: expected: %t, want %t", test.given, got, test.want)
			}
		})
	}
	if host.Expected(contained(), record.DirectMX, nil) {
		t.Error("a mail server in a container is expected, and nobody said so")
	}
}

func TestSameImage(t *testing.T) {
	for _, test := range []struct {
		want, got string
		same      bool
	}{
		{"nginx", "nginx", true}, {"nginx", "docker.io/library/nginx:latest", true}, {"docker.io/library/nginx", "nginx:1.25@sha256:ab", true},
		{"nginx:1.25", "nginx", false}, {"nginx", "localhost/nginx", false}, {"nginx", "evil/nginx", false}, {"nginx", "quay.io/library/nginx", false},
		{"localhost:5000/a", "localhost:5000/a:1", true}, {"a@sha256:ab", "a:1@sha256:ab", true}, {"a@sha256:ab", "a@sha256:cd", false},
		{"a@sha256:ab", "a:1", false}, {"a", "", false},
	} {
		s := Sender{Image: test.want}
		if got := s.hasImage(&proc.Image{Name: test.got, Vouched: true}); got != test.same {
			t.Errorf("%s is %q: %t", test.want, test.got, got)
		}
	}
}
