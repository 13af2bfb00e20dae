package trace

import (
	"fmt"
	"runtime/debug"

	"github.com/smtptrace/smtptrace/internal/record"
)

// guard does something for one connection. If that panics, which is a fault of ours, the connection is dropped,
// counted and named, and the run goes on.
func (t *Tracer) guard(id uint64, do func()) {
	defer t.survive(id)
	do()
}

// survive is deferred: see guard. 0 is no connection: what was being done is given up, and counted. Only the loop may
// name one, whose own the connections are.
func (t *Tracer) survive(id uint64) {
	failed := recover()
	if failed == nil {
		return
	}
	t.broken.Add(1)
	t.debug(id, failed)
	if id == 0 {
		return
	}
	c := t.conns[id]
	if c == nil {
		return
	}
	if c.parser != nil { // what is in it is not to be used again
		c.parser = nil
		t.room.listened--
	}
	d := t.draftOf(record.ActionConnect, c)
	d.reason = record.Broken
	t.drafts <- d
	t.ended.add(id)
	t.forget(c)
}

// debug tells a developer where it failed. A panic's words may quote what was said: only its kind is told, if it is
// the runtime's own.
func (t *Tracer) debug(id uint64, failed any) {
	if t.opts.Debug == nil {
		return
	}
	words := fmt.Sprintf("%T", failed)
	if err, ok := failed.(interface{ RuntimeError() }); ok {
		words = fmt.Sprint(err)
	}
	t.opts.Debug(fmt.Sprintf("connection %x: panic: %s\n%s", id, words, debug.Stack()))
}

// shed counts a connection that is let go without a record of its own.
func (t *Tracer) shed(c *conn) {
	if c.known && (c.connected || !c.mail) || t.opts.Connects == ConnectsNone {
		return
	}
	t.untold++
}
