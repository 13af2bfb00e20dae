package report

import "time"

// maxBins is how many columns a timeline has at most.
const maxBins = 120

// timeline counts over time, in columns that become wider as the time that they have to hold
// becomes longer.
type timeline struct {
	width time.Duration
	first int64 // the number of the first column, counted in widths since 1970
	bins  []uint64
}

// add counts n at a time.
func (t *timeline) add(at time.Time, n uint64) {
	if t.width == 0 {
		t.width = time.Second
	}
	column := t.column(at)
	if len(t.bins) == 0 {
		t.first, t.bins = column, make([]uint64, 1, maxBins)
	}
	for column < t.first || column >= t.first+maxBins {
		if column < t.first && t.first+int64(len(t.bins))-column <= maxBins {
			grown := make([]uint64, t.first+int64(len(t.bins))-column, maxBins)
			copy(grown[t.first-column:], t.bins)
			t.first, t.bins = column, grown
			break
		}
		t.widen()
		column = t.column(at)
	}
	for column >= t.first+int64(len(t.bins)) {
		t.bins = append(t.bins, 0)
	}
	t.bins[column-t.first] += n
}

func (t *timeline) column(at time.Time) int64 {
	ns, width := at.UnixNano(), int64(t.width)
	column := ns / width
	if ns < column*width {
		column-- // before 1970
	}
	return column
}

// widen makes columns twice as wide.
func (t *timeline) widen() {
	first := t.first >> 1
	for i, n := range t.bins {
		at := (t.first+int64(i))>>1 - first
		t.bins[i] = 0
		t.bins[at] += n
	}
	t.bins = t.bins[:(t.first+int64(len(t.bins))-1)>>1-first+1]
	t.first, t.width = first, 2*t.width
}

// start is when a column begins.
func (t *timeline) start(column int) time.Time {
	return time.Unix(0, (t.first+int64(column))*int64(t.width))
}
