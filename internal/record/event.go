package record

import "time"

// Action is the kind of a record.
type Action string

// The actions.
const (
	ActionStart        Action = "start"         // a run begins
	ActionStop         Action = "stop"          // a run ends
	ActionHeartbeat    Action = "heartbeat"     // a run goes on
	ActionConnect      Action = "connect"       // a TCP connect is established or has failed
	ActionFirstPayload Action = "first_payload" // a connection was recognised as SMTP
	ActionSession      Action = "session"       // an SMTP connection ended, or goes on for long
	ActionLost         Action = "lost"          // events were lost
)

// Event says what happened and when.
//
// The records of one connection share their ID. Sequence numbers the session records of one connection
// from 1; it is 0, and left out, where there is only one. End is in the last of them.
//
// In start, stop and heartbeat, Start is when everything was attached, and End until when this record
// vouches for what was seen.
type Event struct {
	Action   Action        `json:"action"`
	ID       string        `json:"id"`
	Sequence uint64        `json:"sequence"`
	Outcome  Outcome       `json:"outcome"`
	Reason   Reason        `json:"reason"`
	Duration time.Duration `json:"duration"` // ns since Start
	Start    time.Time     `json:"start"`
	End      time.Time     `json:"end"`
}

// Outcome is whether what was tried was done: in a connect record, whether the connection was
// established; in a session record, whether the server took over a message.
type Outcome string

// The outcomes that ECS allows.
const (
	Success        Outcome = "success"
	Failure        Outcome = "failure"
	OutcomeUnknown Outcome = "unknown"
)

// Reason is how a connect turned out. A connection has one record of that and, where it is no mail
// although it goes to port 25, a second one at its end.
type Reason string

// The reasons of a connect record. The first of a connection says how the connect turned out. The last five
// come at its end, or at the run's, where no session record tells what was said; source.bytes and
// destination.bytes are then what each side sent.
const (
	Established Reason = "established"
	Adopted     Reason = "adopted"     // it was there before the run: it is followed from then on
	Refused     Reason = "refused"     // the other side answered with a reset
	TimedOut    Reason = "timed_out"   // no answer
	Reset       Reason = "reset"       // broken off before anything was said
	Unreachable Reason = "unreachable" // no route, or a router said so
	Blocked     Reason = "blocked"     // by the host's own firewall: nothing left the machine
	NotSent     Reason = "not_sent"    // this machine had no local port left, or no route
	GivenUp     Reason = "given_up"    // the program closed the socket before an answer
	StillOpen   Reason = "still_open"  // not decided when the run stopped
	Unwatched   Reason = "unwatched"   // tried, and not followed: there was no room for it, or none left in its socket

	NotSMTP    Reason = "not_smtp"     // on a mail port, or behind an SMTP greeting, the client said something else
	Silent     Reason = "silent"       // the client sent no octet
	Unjudged   Reason = "unjudged"     // the client sent something, and what it was is not known
	EndNotSeen Reason = "end_not_seen" // it has ended, and the events that would tell how were lost
	Broken     Reason = "broken"       // smtptrace failed on it: a fault of its own, counted in lost
)

// Outcome is the event.outcome of a connect that turned out like this.
func (r Reason) Outcome() Outcome {
	switch r {
	case Established, Adopted, NotSMTP, Silent, Unjudged:
		return Success
	case StillOpen, Unwatched, EndNotSeen, Broken, "":
		return OutcomeUnknown
	}
	return Failure
}

// untold says whether the client may have said something that no record tells.
func (r Reason) untold() bool {
	switch r {
	case NotSMTP, Unjudged, EndNotSeen, Broken:
		return true
	}
	return false
}

// words is how a person says it, not escaped.
func (r Reason) words() string {
	switch r {
	case TimedOut:
		return "timed out"
	case Blocked:
		return "blocked by this host's firewall"
	case NotSent:
		return "not sent: no local port or no route"
	case GivenUp:
		return "given up"
	case NotSMTP:
		return "not SMTP on a mail port"
	case Adopted:
		return "open since before the start"
	case Silent:
		return "said nothing"
	case Unjudged:
		return "said something unknown"
	case EndNotSeen:
		return "end not seen"
	case Broken:
		return "lost by a fault of smtptrace"
	case Unwatched:
		return "not tracked: the table was full"
	case StillOpen, "":
		return "undecided"
	}
	return string(r)
}
