package trace

import (
	"time"

	"github.com/smtptrace/smtptrace/internal/smtp"
)

// room is the memory of connections that are over, for others. A parser is large, and most connects that a
// spammer tries come to nothing: only what has something to say has one.
type room struct {
	conns    []*conn
	parsers  []*smtp.Parser
	listened int // parsers that are in use
}

// So much is kept for reuse.
const (
	idleConns   = 1024
	idleParsers = 32 // of 8 KiB, or of 200 where somebody set out to fill one
)

// conn finds or begins a connection; nil where there is no room, or it has ended.
func (t *Tracer) conn(id uint64) *conn {
	if c := t.conns[id]; c != nil {
		return c
	}
	if len(t.conns) >= maxConns || t.ended.has(id) {
		return nil
	}
	var c *conn
	if n := len(t.room.conns); n > 0 {
		c, t.room.conns = t.room.conns[n-1], t.room.conns[:n-1]
	} else {
		c = &conn{}
	}
	c.id, c.recordedAt, c.torn = id, time.Now(), t.torn
	t.conns[id] = c
	return c
}

// listens gives a connection a parser; false where there is none to be had. That is counted.
func (t *Tracer) listens(c *conn) bool {
	switch n := len(t.room.parsers); {
	case c.parser != nil || c.unread:
		return c.parser != nil
	case t.room.listened >= maxListened:
		c.unread = true
		t.dropped++
		return false
	case n > 0:
		c.parser, t.room.parsers = t.room.parsers[n-1], t.room.parsers[:n-1]
	default:
		c.parser = &smtp.Parser{}
	}
	t.room.listened++
	c.parser.Reset(smtp.Options{MailPort: c.mail, Midstream: c.last.Old, Ordered: true})
	return true
}

// forget lets a connection go. Its memory serves another one.
func (t *Tracer) forget(c *conn) {
	t.release(c)
	delete(t.conns, c.id)
	if c.parser != nil {
		t.room.listened--
		if len(t.room.parsers) < idleParsers {
			t.room.parsers = append(t.room.parsers, c.parser)
		}
	}
	if len(t.room.conns) < idleConns {
		*c = conn{}
		t.room.conns = append(t.room.conns, c)
	}
}
