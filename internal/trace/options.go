package trace

import (
	"os"
	"time"

	"github.com/smtptrace/smtptrace/internal/dns"
	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/output"
	"github.com/smtptrace/smtptrace/internal/privacy"
	"github.com/smtptrace/smtptrace/internal/proc"
	"github.com/smtptrace/smtptrace/internal/record"
	"github.com/smtptrace/smtptrace/internal/verdict"
)

// Connects is of which TCP connects there are records.
type Connects string

// The choices.
const (
	ConnectsMail Connects = "mail" // to a mail port
	ConnectsAll  Connects = "all"
	ConnectsNone Connects = "none"
)

// Open are the connections from before the start: see record.Tracer.
type Open struct {
	List    []record.Open
	Omitted uint64
	Other   uint64
	Strange uint64 // connections to mail ports that are not adopted, listed or omitted
}

// Options are what a tracer works with. All pointers are needed; Summary may be nil.
type Options struct {
	Output   *output.Output
	Resolver *proc.Resolver
	Host     *verdict.Host
	Privacy  *privacy.Policy
	Summary  *record.Summary // gets every record
	Every    time.Duration   // so often Tell is called between two records; 0: never
	Tell     func()
	Expected []verdict.Sender
	Connects Connects

	Agent   record.Agent // stand in every record
	Machine record.Host
	BootID  string // makes event.id unique among boots

	Hooks   []record.Hook // stand in start, heartbeat and stop
	Filters record.Filters

	Own        []string           // addresses and names of the host: they stand in start
	Smarthosts []record.Smarthost // stand in start; Host knows their addresses

	// Since is when all hooks were attached: start vouches from then on. Zero: from the first event on.
	Since time.Time
	// Open lists the connections that are there already, for start. It may take its time. nil: none is listed.
	Open func() (Open, error)
	// Owner names the process that had an adopted connection open when it was adopted, where that is not the
	// sender; the zero key: it is not known. nil: of none. It is called by the loop, and is not to wait.
	Owner func(id uint64, sender event.ProcessKey) event.ProcessKey
	// Live lists the connections that there are; what it lists is whole. It may take its time. nil: it cannot be
	// had.
	Live func() (Live, error)

	// Forwards says whether the host forwards packets of others: yes, no or unknown. It may take its time, and is not
	// called twice at once. nil: it is not asked.
	Forwards func() string

	// Lookup looks up the domains of recipients for mx_match; nil: it rests on what this host is answered.
	Lookup *dns.Lookup

	// Reopen asks for the output file to be opened anew by its name, as log rotation does. Its error
	// goes to Warn: the old file is written on.
	Reopen <-chan os.Signal
	Warn   func(error)
	Debug  func(string) // what a developer is to know; may be nil. It may be called by several at once

	// Stop is called when the output fails: it ends the source. Tracked is called with the sums at
	// every tick, if it is not nil.
	Stop    func()
	Tracked func(record.Counters)
}
