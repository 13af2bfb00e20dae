package trace

import (
	"sync"
	"time"
)

// forwards keeps up with whether the host forwards packets of others. Neither the loop nor, but for the first and the
// last record, the writer waits for that.
type forwards struct {
	find  func() string // nil: it is not asked
	asked time.Time     // of the loop

	mu     sync.Mutex
	asking chan struct{} // closed when there is an answer; nil: nobody asks
	heard  string        // the worst answer since it was told last; "": none
}

// Answers of Options.Forwards. Another one is no.
const (
	forwardsYes     = "yes"
	forwardsUnknown = "unknown"
)

// forwardsEvery is how often it is asked: between two heartbeats, so that each has an answer.
const forwardsEvery = heartbeatEvery / 2

func (f *forwards) begin(now time.Time) { f.asked = now.Add(-forwardsEvery / 2) }

// tick asks where it is due.
func (f *forwards) tick(now time.Time) {
	if now.Sub(f.asked) >= forwardsEvery {
		f.asked = now
		f.ask()
	}
}

// ask asks, if that is not being done. The answer is there when done is closed.
func (f *forwards) ask() (done <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.asking == nil && f.find != nil {
		asking := make(chan struct{})
		f.asking = asking
		go func() {
			answer := f.safely()
			f.mu.Lock()
			f.heard, f.asking = worse(f.heard, answer), nil
			f.mu.Unlock()
			close(asking)
		}()
	}
	return f.asking
}

// tell is what was heard since it was told last: that the host forwards if it did at any time of these. anew asks and
// waits, not for long.
func (f *forwards) tell(anew bool) string {
	if f.find == nil {
		return ""
	}
	late := false
	if anew {
		select {
		case <-f.ask():
		case <-time.After(stopPatience):
			late = true
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	told := f.heard
	f.heard = ""
	if told == "" || late {
		told = worse(told, forwardsUnknown)
	}
	return told
}

func worse(a, b string) string {
	for _, answer := range []string{forwardsYes, forwardsUnknown} {
		if a == answer || b == answer {
			return answer
		}
	}
	return b
}

// safely asks; a fault of ours is no answer.
func (f *forwards) safely() (answer string) {
	defer func() {
		if recover() != nil {
			answer = forwardsUnknown
		}
	}()
	return f.find()
}
