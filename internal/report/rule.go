package report

import (
	"time"
)

// Finding is the answer in a word.
type Finding string

// The findings. Cleared closes somebody's case: no local process did it. It is said only where that is proven.
const (
	Found   Finding = "found"
	Cleared Finding = "cleared"
	Unsure  Finding = "unsure"
)

// Code is why an answer is unsure.
type Code string

// The codes.
const (
	NotWatched          Code = "not_watched"           // some of the window, by some host of the logs
	Filtered            Code = "filtered"              // a part of the host was not watched, or not recorded, on purpose
	Lost                Code = "lost"                  // the tracer lost something in the window
	SessionUnseen       Code = "session_unseen"        // a session does not show what was asked for
	SessionEncrypted    Code = "session_encrypted"     // nor does one under TLS
	ConnectUnexplained  Code = "connect_unexplained"   // nobody knows what was said on a connection
	OpenBeforeStart     Code = "open_before_start"     // nor on one that is older than the run
	ForwardedNotWatched Code = "forwarded_not_watched" // a guest behind this host may have done it
	QuestionUnclear     Code = "question_unclear"      // it may be another mail, or another time, that is meant
	LogTorn             Code = "log_torn"              // some of the logs could not be read
	Clock               Code = "clock"                 // the times of the records are not certain
)

// Reason is one reason why an answer is unsure, with how often it holds.
type Reason struct {
	Code  Code   `json:"code"`
	Text  string `json:"text"`
	Count uint64 `json:"count"`
}

// condition must not hold where nobody did it. It tells how often it does, 0 if not at all; times are in the zone.
type condition struct {
	code  Code
	holds func(a *Answer, in *time.Location) (text string, n uint64)
}

// rule is all that keeps an answer from being a clearing, what names somebody first. What a session that could be
// the one must show is decided by the terms of the query: each answers "no" only where that is certain.
var rule = []condition{
	{ConnectUnexplained, (*Answer).connectUnexplained},
	{SessionUnseen, (*Answer).sessionUnseen},
	{SessionEncrypted, (*Answer).sessionEncrypted},
	{OpenBeforeStart, (*Answer).openBeforeStart},
	{ForwardedNotWatched, (*Answer).forwardedNotWatched},
	{QuestionUnclear, (*Answer).questionUnclear},
	{Clock, (*Answer).clockSet},
	{Filtered, (*Answer).filtered},
	{NotWatched, (*Answer).notWatched},
	{Lost, (*Answer).lost},
	{LogTorn, (*Answer).logTorn},
}

// Conclude is the one place that decides what the answer is. The reasons are those of an unsure answer; the times in
// them are in the zone.
//
// Failed connects alone are no sender: where anything else could be, they are not the answer.
func (a *Answer) Conclude(in *time.Location) (Finding, []Reason) {
	if a.Sessions > 0 {
		return Found, nil
	}
	reasons := a.reasons(in)
	switch {
	case len(reasons) > 0:
		return Unsure, reasons
	case len(a.Programs) > 0:
		return Found, nil
	}
	return Cleared, nil
}

// reasons lists what keeps the answer from being a clearing.
func (a *Answer) reasons(in *time.Location) (list []Reason) {
	for _, c := range rule {
		if text, n := c.holds(a, in); n > 0 {
			list = append(list, Reason{c.code, text, n})
		}
	}
	return list
}
