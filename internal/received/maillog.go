package received

import (
	"net/netip"
	"strings"
	"time"
)

// Bounds of a log that is read: its lines, the bytes of one, and of all.
const (
	maxLogLines = 1000
	maxLogLine  = 1 << 10
	maxLogBytes = 64 << 10
)

// logLines reads lines of a mail server's log. ok is false where the text has none.
func (r *reader) logLines(text string) (ok bool) {
	var list []logLine
	tried, other, size := 0, 0, 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		line = line[:min(len(line), maxLogLine)]
		size += len(line)
		if tried++; tried > maxLogLines || size > maxLogBytes {
			break
		}
		if one, is := r.logLine(line); is {
			list = append(list, one)
		} else if strings.TrimSpace(line) != "" {
			other++
		}
	}
	if len(list) == 0 || other > 3*len(list)+10 {
		return false
	}
	if tried > maxLogLines || size > maxLogBytes {
		r.c.doubt("only the first %d lines were read: paste the lines of one mail", tried-1)
	}
	if i := r.clientLine(list); i >= 0 {
		r.otherLog(list, &list[i])
	} else {
		r.ownLog(list)
	}
	return r.c.Dated
}

// clientLine finds the line in which another server tells of this host as its client; -1 without such a line.
func (r *reader) clientLine(list []logLine) int {
	for i := range list {
		if one := &list[i]; one.in && !r.host.named(one.host) && r.host.ours(one.client) {
			return i
		}
	}
	for i := range list {
		one := &list[i]
		if r.host.named(one.host) || one.out || one.from != (HandedIn{}) || !one.in {
			return -1
		}
	}
	return 0
}

// otherLog reads what another server logged of its client.
func (r *reader) otherLog(list []logLine, one *logLine) {
	c := r.c
	c.is(kindOtherLog, "they tell of a client, and not of this host's own mail")
	c.When, c.Dated, c.Addr, c.Port, c.HELO = one.at, true, one.client, one.port, one.helo
	c.sawBy = one.host
	more := 0
	for i := range list {
		same := &list[i]
		if same.in && same.client == one.client && same != one {
			more++
			if c.HELO == "" {
				c.HELO = same.helo
			}
		}
	}
	if more > 0 {
		c.say("%d more lines are about the same client: the first was taken (--at chooses another)", more)
		c.doubt(onlyFirst)
	}
}

// ownLog reads what this host's mail server logged: of the mail that it tells most of, who handed it in, and where it
// went to.
func (r *reader) ownLog(list []logLine) {
	c := r.c
	c.is(kindLog, "they tell how mail was handed in or sent on")
	c.logged = true
	at := -1
	for i := range list {
		if one := &list[i]; one.out && !one.to.IsLoopback() && (at < 0 || list[at].to == netip.Addr{} && one.to.IsValid()) {
			at = i
		}
	}
	if at < 0 {
		at = 0
		c.doubt("the lines tell when the mail was handed in, not when it was sent on: add the server's lines of its delivery")
	}
	c.doubt(sentItself)
	one := &list[at]
	c.When, c.Dated, c.QueueID, c.Rcpt, c.Reply = one.at, true, one.id, one.rcpt, one.reply
	if one.host != "" && !r.host.named(one.host) {
		c.doubt("the lines are of a host `%s`: whether that is this host is not certain (name it with --own)", one.host)
	}
	ids := map[string]bool{}
	var last time.Time
	for i := range list {
		same := &list[i]
		if same.id != "" {
			ids[same.id] = true
		}
		if same.id != one.id {
			continue
		}
		c.HandedIn = merged(c.HandedIn, same)
		if same.out {
			r.to(same.to.String())
			if same.at.Time.After(last) {
				last = same.at.Time
			}
		}
	}
	if last.After(c.When.Time) {
		c.Until = last
	}
	for _, a := range Told(c.Reply) {
		if !c.Addr.IsValid() && a != one.to {
			c.Addr = a
		}
	}
	if len(ids) > 1 {
		c.say("the lines are of %d mails, and `%s` was read: paste the lines of another alone", len(ids), one.id)
	}
}

// merged adds what a line tells of who handed a mail in.
func merged(in HandedIn, one *logLine) HandedIn {
	from := one.from
	if in.User == "" {
		in.User = from.User
	}
	if in.UID == nil {
		in.UID = from.UID
	}
	if in.Account == "" {
		in.Account = from.Account
	}
	if in.Script == "" {
		in.Script = from.Script
	}
	if one.in && in.Client == "" && one.client.IsValid() && !one.client.IsLoopback() {
		in.Client = one.client.String()
	}
	return in
}
