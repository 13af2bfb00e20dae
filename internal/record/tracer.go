package record

// Tracer is what smtptrace says of itself: how it watched, and what it missed.
type Tracer struct {
	Schema int `json:"schema"` // filled by Decode; what is written is the constant Schema

	// Weak names what this record cannot vouch for, a word each, such as sender_by_lock.
	Weak []string `json:"weak"`

	// Of start, stop and heartbeat: how the run watches, and its sums since it began.
	Hooks      []Hook   `json:"hooks"`
	Filters    Filters  `json:"filters"`
	Forwarding bool     `json:"forwarding"` // forwarded traffic is watched too
	Forwards   string   `json:"forwards"`   // whether this host forwards packets for others: yes, no, unknown; "" in logs of before
	Counters   Counters `json:"counters"`

	// Of start: what the verdict relay rests on.
	Smarthosts []Smarthost `json:"smarthosts"`

	// Of start: addresses and names of the host, beside its interfaces' and its own.
	Own []string `json:"own"`

	// Of start: connections to mail ports that were there before. What was said on them before is not known. What
	// is said on an adopted one from then on has records of its own. Stop and heartbeat list none, and have the sums of
	// those that are not adopted.
	Open        []Open `json:"open"`
	OpenOmitted uint64 `json:"open_omitted"` // more than are listed
	OpenOther   uint64 `json:"open_other"`   // connections to other ports that were there before and are not adopted
	OpenUnknown bool   `json:"open_unknown"` // there may be more: not all could be found

	// Of lost: what was lost since the lost record before it.
	Lost Losses `json:"lost"`
}

// Hook is the hook that answers a question, and why those before it in the list do not.
type Hook struct {
	Question string    `json:"question"` // connect, send, wire, state
	Name     string    `json:"name"`
	Refused  []Refusal `json:"refused"`
}

// Refusal is a hook that could not be had, and the reason.
type Refusal struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Smarthost is a server that the host hands its mail to.
type Smarthost struct {
	Host string `json:"host"` // a name or an address
	Port uint16 `json:"port"` // 0: any
	File string `json:"file"` // where that is configured; empty for one that was given
}

// Open is a connection and a process that has it open.
type Open struct {
	Source      Endpoint `json:"source"`
	Destination Endpoint `json:"destination"`
	Process     Parent   `json:"process"`
	User        User     `json:"user"`
	Adopted     bool     `json:"adopted"` // it is followed from the start on
}

// Filters is what was watched; the zero value is everything.
type Filters struct {
	NetNS     uint32   `json:"netns"`  // inode number
	Cgroup    string   `json:"cgroup"` // path
	PID       uint32   `json:"pid"`
	UID       *uint32  `json:"uid"`
	MailPorts []uint16 `json:"mail_ports"`
	Connects  string   `json:"connects"` // mail, all, none
}

// Narrow says whether something was not watched on purpose.
func (f *Filters) Narrow() bool {
	return f.NetNS != 0 || f.Cgroup != "" || f.PID != 0 || f.UID != nil
}

// Counters sums a run. All are always written where they stand.
type Counters struct {
	Events   uint64 `json:"events"` // sent by the kernel programs
	Connects uint64 `json:"connects"`
	Sessions uint64 `json:"sessions"`
	Records  uint64 `json:"records"`

	Identity Identities `json:"identity"`
	Verdict  Verdicts   `json:"verdict"`
	Lost     Losses     `json:"lost"`
}

// Verdicts counts what was left undone of judging connections. No record is missing for it: some verdicts
// and flags say less.
type Verdicts struct {
	LookupsFailed     uint64 `json:"lookups_failed"`     // of the names of smarthosts, and of those that --resolve asks for
	SendersForgotten  uint64 `json:"senders_forgotten"`  // processes whose destinations were counted, to make room
	AnswersLost       uint64 `json:"answers_lost"`       // DNS messages left out for want of room
	AnswersForgotten  uint64 `json:"answers_forgotten"`  // names that DNS had told of, and who had asked, to make room
	AnswersUnreadable uint64 `json:"answers_unreadable"` // messages from port 53 that are no DNS
}

// Identities counts what was left undone of finding out who processes are. No record is missing for it:
// some say less.
type Identities struct {
	PutOff          uint64 `json:"put_off"`          // looked into when a record asked, for want of room in a queue
	Forgotten       uint64 `json:"forgotten"`        // processes, to make room
	HashesForgotten uint64 `json:"hashes_forgotten"` // digests of files, likewise: read again
	HashErrors      uint64 `json:"hash_errors"`      // files that could not be read to the end
	Stalled         uint64 `json:"stalled"`          // times that a file system did not answer

	// Processes whose beginning was not kept: of their parents those are named that still live.
	LineagesForgotten uint64 `json:"lineages_forgotten"`
}

// Losses counts what is missing from the records, each kind by its own counter. The total is written
// beside them, always; a kind only where it is not 0.
type Losses struct {
	Processes    uint64 `json:"processes"`    // the ring was full: identities,
	Connections  uint64 `json:"connections"`  // whole connections: no record names them,
	Snapshots    uint64 `json:"snapshots"`    // states of connections that have records,
	Payloads     uint64 `json:"payloads"`     // stretches of a dialogue
	Unwatched    uint64 `json:"unwatched"`    // connections for whose state there was no room
	Unidentified uint64 `json:"unidentified"` // identities that were evicted before they were needed
	Unreadable   uint64 `json:"unreadable"`   // packets whose headers or bytes could not be read
	Undecodable  uint64 `json:"undecodable"`  // events that the agent could not decode
	Missed       uint64 `json:"missed"`       // program runs skipped by the kernel's recursion guard
	Dropped      uint64 `json:"dropped"`      // sessions for which the agent had no room
	Broken       uint64 `json:"broken"`       // connections on which the agent failed: a fault of its own
}

// kinds lists the counters with the words for them.
func (l *Losses) kinds() [11]loss {
	return [11]loss{
		{"processes", "identities", &l.Processes},
		{"connections", "connections", &l.Connections},
		{"snapshots", "states of connections", &l.Snapshots},
		{"payloads", "stretches of dialogue", &l.Payloads},
		{"unwatched", "connections not watched", &l.Unwatched},
		{"unidentified", "processes not identified", &l.Unidentified},
		{"unreadable", "packets not readable", &l.Unreadable},
		{"undecodable", "events not decodable", &l.Undecodable},
		{"missed", "hooks skipped", &l.Missed},
		{"dropped", "sessions dropped", &l.Dropped},
		{"broken", "connections given up after a fault", &l.Broken},
	}
}

type loss struct {
	key, words string
	n          *uint64
}

// Total is the sum of all kinds.
func (l *Losses) Total() uint64 {
	var sum uint64
	for _, k := range l.kinds() {
		sum += *k.n
	}
	return sum
}

// Since is what was lost after before, an earlier state of the same counters. Of one that has become less,
// as where a clock was set back between the two, it is nothing.
func (l *Losses) Since(before *Losses) Losses {
	since := *l
	from := before.kinds()
	for i, k := range since.kinds() {
		*k.n -= min(*k.n, *from[i].n)
	}
	return since
}

// Add adds more to l, kind by kind.
func (l *Losses) Add(more *Losses) {
	from := more.kinds()
	for i, k := range l.kinds() {
		*k.n += *from[i].n
	}
}
