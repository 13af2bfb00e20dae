package report

import (
	"cmp"
	"container/heap"
	"slices"

	"github.com/smtptrace/smtptrace/internal/record"
)

// maxRows bounds the evidence. The worst are kept and, of those alike, the first.
const maxRows = 500

// row is a record that is evidence, as the line that it is.
type row struct {
	severity int
	at       int64 // Unix ns
	order    uint64
	line     []byte
}

func (a *row) compare(b *row) int {
	return cmp.Or(cmp.Compare(a.severity, b.severity), cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order))
}

// evidence is a heap with what would go first at its top.
type evidence struct {
	rows  []row
	total uint64
}

func (e *evidence) Len() int           { return len(e.rows) }
func (e *evidence) Less(i, j int) bool { return e.rows[i].compare(&e.rows[j]) > 0 }
func (e *evidence) Swap(i, j int)      { e.rows[i], e.rows[j] = e.rows[j], e.rows[i] }
func (e *evidence) Push(x any)         { e.rows = append(e.rows, x.(row)) }
func (e *evidence) Pop() any {
	last := e.rows[len(e.rows)-1]
	e.rows = e.rows[:len(e.rows)-1]
	return last
}

// add keeps a record, if it is among the worst. line is copied.
func (e *evidence) add(r *record.Record, line []byte) {
	v := row{record.Severity(r.Verdict, r.Expected), r.Time.UnixNano(), e.total, nil}
	e.total++
	if len(e.rows) == maxRows {
		if v.compare(&e.rows[0]) >= 0 {
			return
		}
		heap.Pop(e)
	}
	v.line = slices.Clone(line)
	heap.Push(e, v)
}

// records are what was kept, in the order of time.
func (e *evidence) records() (list []record.Record) {
	slices.SortFunc(e.rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.order, b.order))
	})
	for i := range e.rows {
		if r, err := record.Decode(e.rows[i].line); err == nil {
			list = append(list, r)
		}
	}
	return list
}
