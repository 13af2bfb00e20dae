package smtp

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// replay feeds segments to a new parser and returns the summary at the end.
func replay(o Options, segments []segment) Session {
	p := New(o)
	return replayTo(p, segments)
}

func replayTo(p *Parser, segments []segment) Session {
	for _, s := range segments {
		replayOne(p, s)
	}
	p.End()
	return p.Session()
}

func replayOne(p *Parser, s segment) {
	if s.data == nil {
		p.Gap(s.dir, s.lost+s.cut, s.lost == 0)
	} else {
		p.Feed(s.dir, s.data)
	}
}

// differences names the fields in which two summaries differ.
func differences(got, want *Session) string {
	var list strings.Builder
	a, b := reflect.ValueOf(got).Elem(), reflect.ValueOf(want).Elem()
	for i := range a.NumField() {
		if x, y := a.Field(i).Interface(), b.Field(i).Interface(); !reflect.DeepEqual(x, y) {
			fmt.Fprintf(&list, "%s: got %+v, want %+v; ", a.Type().Field(i).Name, x, y)
		}
	}
	return list.String()
}

// byByte cuts segments into single bytes, in the same order.
func byByte(segments []segment) (list []segment) {
	for _, s := range segments {
		if s.data == nil {
			list = append(list, s)
		}
		for i := range s.data {
			list = append(list, segment{dir: s.dir, data: s.data[i : i+1]})
		}
	}
	return list
}

// randomly cuts segments at random, in the same order.
func randomly(segments []segment, r *rand.Rand) (list []segment) {
	for _, s := range segments {
		if s.data == nil {
			list = append(list, s)
		}
		for rest := s.data; len(rest) > 0; {
			n := 1 + r.IntN(min(len(rest), 1+r.IntN(200)))
			list = append(list, segment{dir: s.dir, data: rest[:n]})
			rest = rest[n:]
		}
	}
	return list
}

// joined joins the segments of each direction into one, unless gaps are between, and puts one
// direction in front of the other.
func joined(segments []segment, first Direction) []segment {
	var way [2][]segment
	for _, s := range segments {
		list := way[s.dir]
		if n := len(list); n > 0 && s.data != nil && list[n-1].data != nil {
			list[n-1].data = append(list[n-1].data[:len(list[n-1].data):len(list[n-1].data)], s.data...)
			continue
		}
		way[s.dir] = append(list, s)
	}
	return append(way[first], way[1-first]...)
}

// shuffled cuts at random and interleaves the directions at random, each in its own order.
func shuffled(segments []segment, r *rand.Rand) (list []segment) {
	var way [2][]segment
	for _, s := range randomly(segments, r) {
		way[s.dir] = append(way[s.dir], s)
	}
	for len(way[0])+len(way[1]) > 0 {
		dir := r.IntN(2)
		if len(way[dir]) == 0 {
			dir = 1 - dir
		}
		n := 1 + r.IntN(len(way[dir]))
		list = append(list, way[dir][:n]...)
		way[dir] = way[dir][n:]
	}
	return list
}

// checkReplays checks that the summary is the same however the segments are cut and interleaved,
// and returns it.
func checkReplays(t testing.TB, o Options, segments []segment) Session {
	t.Helper()
	want := replay(o, segments)
	check := func(how string, o Options, want Session, s []segment) {
		t.Helper()
		got := replay(o, s)
		if !o.Ordered {
			got.Unseen = want.Unseen // what fits, and what is clear, is a matter of the order
		}
		if d := differences(&got, &want); d != "" {
			t.Errorf("%s: %s", how, d)
		}
	}
	check("byte by byte", o, want, byByte(segments))
	for seed := range uint64(8) {
		check("cut at random", o, want, randomly(segments, rand.New(rand.NewPCG(seed, 1))))
	}
	o.Ordered = false
	unordered := want
	unordered.EarlyTalker = false
	check("without order", o, unordered, segments)
	check("client first", o, unordered, joined(segments, Client))
	check("server first", o, unordered, joined(segments, Server))
	check("client first, byte by byte", o, unordered, byByte(joined(segments, Client)))
	check("server first, byte by byte", o, unordered, byByte(joined(segments, Server)))
	for seed := range uint64(16) {
		check("interleaved at random", o, unordered, shuffled(segments, rand.New(rand.NewPCG(seed, 2))))
	}
	return want
}
