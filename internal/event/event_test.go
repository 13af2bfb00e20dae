package event

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/smtptrace/smtptrace/bpf"
)

func TestDecodeTellsTheKind(t *testing.T) {
	for _, test := range []struct {
		kernel any
		want   Kind
	}{
		{kernelConn(), KindConn},
		{kernelPayload("QUIT\r\n", stretch{6, 0}), KindPayload},
		{kernelProcess(), KindProcess},
	} {
		if e := decode(t, test.kernel); e.Kind != test.want {
			t.Errorf("%T: kind %d, want %d", test.kernel, e.Kind, test.want)
		}
	}
}

// A record cut short at any byte is an error; one with bytes behind it is whole.
func TestDecodeTakesNoLessThanAWholeRecord(t *testing.T) {
	for _, kernel := range []any{kernelConn(), kernelPayload("QUIT\r\n", stretch{6, 0}), kernelProcess()} {
		whole := raw(t, kernel)
		var e Event
		for n := range whole {
			if e.Decode(whole[:n]) == nil {
				t.Errorf("%T: %d of %d bytes were taken for all", kernel, n, len(whole))
			}
		}
		if err := e.Decode(append(whole, 0, 0, 0)); err != nil {
			t.Errorf("%T with three bytes more: %v", kernel, err)
		}
	}
}

func TestDecodeNeedsNoAlignment(t *testing.T) {
	want := decode(t, kernelConn()).Conn
	for shift := range 8 {
		var e Event
		if err := e.Decode(append(make([]byte, shift), raw(t, kernelConn())...)[shift:]); err != nil {
			t.Fatal(err)
		}
		if e.Conn != want {
			t.Errorf("%d bytes off: %+v", shift, e.Conn)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	conn := func(change func(*bpf.SmtptraceConnEvent)) any {
		k := kernelConn()
		change(k)
		return k
	}
	payload := func(change func(*bpf.SmtptracePayloadEvent)) any {
		k := kernelPayload("QUIT\r\n", stretch{6, 0})
		change(k)
		return k
	}
	process := func(change func(*bpf.SmtptraceProcessEvent)) any {
		k := kernelProcess()
		change(k)
		return k
	}
	for _, test := range []struct {
		name   string
		kernel any
		want   string
	}{
		{"kind 0", make([]byte, 4096), "event of unknown kind 0"},
		{"kind 5", append(binary.NativeEndian.AppendUint32(nil, 5), make([]byte, 4096)...), "event of unknown kind 5"},
		{"no kind", []byte{2, 0, 0}, "event of 3 bytes has no kind"},
		{"nothing", []byte{}, "event of 0 bytes has no kind"},
		{"phase 0", conn(func(k *bpf.SmtptraceConnEvent) { k.Phase = 0 }), "connection event of unknown phase 0"},
		{"phase 10", conn(func(k *bpf.SmtptraceConnEvent) { k.Phase = 10 }), "connection event of unknown phase 10"},
		{
			"9 segments", payload(func(k *bpf.SmtptracePayloadEvent) { k.SegmentsLen = 9 }),
			"payload event of 9 segments, 6 bytes, direction 0",
		},
		{
			"more data than there is room for", payload(func(k *bpf.SmtptracePayloadEvent) { k.DataLen = 265 }),
			"payload event of 1 segments, 265 bytes, direction 0",
		},
		{
			"data without end", payload(func(k *bpf.SmtptracePayloadEvent) { k.DataLen = ^uint32(0) }),
			"payload event of 1 segments, 4294967295 bytes, direction 0",
		},
		{
			"a third direction", payload(func(k *bpf.SmtptracePayloadEvent) { k.Dir = 2 }),
			"payload event of 1 segments, 6 bytes, direction 2",
		},
		{
			"a segment beyond the data", payload(func(k *bpf.SmtptracePayloadEvent) { k.Segments[0].Shown = 7 }),
			"payload event shows 7 bytes in its segments, 6 in all",
		},
		{
			"data in no segment", payload(func(k *bpf.SmtptracePayloadEvent) { k.SegmentsLen = 0 }),
			"payload event shows 0 bytes in its segments, 6 in all",
		},
		{
			"exe_len", process(func(k *bpf.SmtptraceProcessEvent) { k.ExeLen = uint32(len(k.Exe)) + 1 }),
			"process event of pid 4242: a length is out of range",
		},
		{
			"cwd_len", process(func(k *bpf.SmtptraceProcessEvent) { k.CwdLen = uint32(len(k.Cwd)) + 1 }),
			"process event of pid 4242: a length is out of range",
		},
		{
			"cgroup_len", process(func(k *bpf.SmtptraceProcessEvent) { k.CgroupLen = uint32(len(k.Cgroup)) + 1 }),
			"process event of pid 4242: a length is out of range",
		},
		{
			"argv_len", process(func(k *bpf.SmtptraceProcessEvent) { k.ArgvLen = ^uint32(0) }),
			"process event of pid 4242: a length is out of range",
		},
		{
			"ancestors_len", process(func(k *bpf.SmtptraceProcessEvent) { k.AncestorsLen = 9 }),
			"process event of pid 4242: a length is out of range",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var e Event
			if err := e.Decode(raw(t, test.kernel)); err == nil || err.Error() != test.want {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

// The kernel sends hundreds of thousands of these in a second.
func TestDecodeDoesNotAllocate(t *testing.T) {
	for _, kernel := range []any{
		kernelConn(), kernelPayload("RCPT TO:<a@b.example>\r\n", stretch{21, 5}, stretch{2, 0}), kernelProcess(),
	} {
		var e Event
		record, shown := raw(t, kernel), 0
		n := testing.AllocsPerRun(1000, func() {
			if err := e.Decode(record); err != nil {
				t.Fatal(err)
			}
			if e.Kind == KindPayload {
				for part := range e.Payload.Parts {
					shown += len(part.Data)
				}
			}
		})
		if n != 0 {
			t.Errorf("%T: %v allocations", kernel, n)
		}
	}
}

// An Event is used again and again: nothing of an earlier record shows in a later one.
func TestDecodeOverAnEarlierRecord(t *testing.T) {
	var e Event
	long := kernelPayload("MAIL FROM:<a@b.example>\r\n.\r\n", stretch{25, 900}, stretch{3, 0})
	long.Lost, long.Before, long.Unaligned, long.Raw = 7, 8, 1, 1
	for _, kernel := range []any{long, kernelPayload("QUIT\r\n", stretch{6, 0})} {
		if err := e.Decode(raw(t, kernel)); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := describe(&e.Payload), []string{`"QUIT\r\n"`}; !slices.Equal(got, want) || e.Payload.Lost > 0 || e.Payload.Raw || e.Payload.Unaligned {
		t.Errorf("%v, want %v, and nothing lost, raw or unaligned: %+v", got, want, e.Payload)
	}
}

func TestLostIsTheSumOfAllLosses(t *testing.T) {
	c := Counters{
		Events: 1 << 40, LostProcess: 1, LostConn: 10, LostPayload: 100, ConnFull: 1000, LostSnapshot: 10000,
		Unreadable: 100000, Undecodable: 1000000, Missed: 10000000,
	}
	if n := c.Lost(); n != 11111111 {
		t.Errorf("%d, want 11111111: each loss once, and no event that came", n)
	}
}
