package trace

import (
	"strings"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/proc"
	"github.com/smtptrace/smtptrace/internal/record"
)

// The image of a container stands in the record where the Elastic Common Schema has it.
func TestIdentityOfImage(t *testing.T) {
	no := false
	id := &proc.Identity{
		Process: &event.Process{Exe: "/usr/bin/perl", LoginUID: ^uint32(0)}, Container: proc.Container{ID: "4f2a", Runtime: "docker"},
		Image: &proc.Image{Name: "nginx:1.25", ID: "sha256:ab", Container: "web", Vouched: true, Intact: &no},
	}
	r := record.Record{Identity: identity(id, event.ProcessKey{Pid: 7}, 7, time.Time{})}
	line := string(record.NewEncoder().Encode(&r))
	const want = `"container":{"id":"4f2a","name":"web","runtime":"docker","image":{"name":"nginx:1.25","hash":{"all":["sha256:ab"]},"intact":false}}`
	if !strings.Contains(line, want) {
		t.Errorf("no %s in %s", want, line)
	}
}
