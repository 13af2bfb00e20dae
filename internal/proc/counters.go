package proc

import "sync/atomic"

// Counters says what the resolver did, and what it had to leave undone.
type Counters struct {
	Refused         uint64 // times that the queue was full: to be looked into when somebody asks
	EvictedProcess  uint64 // forgotten to make room
	EvictedHash     uint64
	HashesByStatus  map[Status]uint64 // exes of processes, by the status that they ended with
	ScriptsByStatus map[Status]uint64
	Stalled         uint64 // times that a worker waited for a file system which did not answer
	HashErrors      uint64 // files that were found and could not be read to the end
}

var statuses = [...]Status{Verified, Deleted, Memfd, Replaced, Gone, TooLarge}

type statusCounters struct {
	exes, scripts [len(statuses)]atomic.Uint64
	errors        atomic.Uint64
}

func countStatus(counters *[len(statuses)]atomic.Uint64, s Status) {
	for i, name := range statuses {
		if name == s {
			counters[i].Add(1)
		}
	}
}

func byStatus(counters *[len(statuses)]atomic.Uint64) map[Status]uint64 {
	m := map[Status]uint64{}
	for i, name := range statuses {
		if n := counters[i].Load(); n > 0 {
			m[name] = n
		}
	}
	return m
}

// Counters gives the counts since New.
func (r *Resolver) Counters() Counters {
	r.mu.Lock()
	evicted := r.table.Evictions()
	r.mu.Unlock()
	return Counters{
		Refused: r.refused.Load(), EvictedProcess: evicted, EvictedHash: r.hasher.evictions(),
		HashesByStatus: byStatus(&r.statuses.exes), ScriptsByStatus: byStatus(&r.statuses.scripts),
		HashErrors: r.statuses.errors.Load(), Stalled: r.relief.stalled.Load(),
	}
}
