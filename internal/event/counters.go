package event

// Counters says what was seen and what was lost. Each loss has its own: none is silent.
type Counters struct {
	Events       uint64 // sent by the kernel programs
	LostProcess  uint64 // the ring was full
	LostConn     uint64 // connections that have ended, and no event of them was told
	LostSnapshot uint64 // states of connections
	LostPayload  uint64
	ConnFull     uint64 // connections not watched: no room for their state
	Unreadable   uint64 // packets whose headers or bytes could not be read
	Undecodable  uint64 // events that the agent could not decode
	Missed       uint64 // program runs skipped by the kernel's recursion guard

	// No record is missing for these.
	LostDNS        uint64 // DNS messages left out for want of room
	LineageMissing uint64 // processes that began while we watch, and nothing was kept of it
}

// Lost is the sum of all that is missing from the records.
func (c Counters) Lost() uint64 {
	return c.LostProcess + c.LostConn + c.LostSnapshot + c.LostPayload + c.ConnFull + c.Unreadable +
		c.Undecodable + c.Missed
}
