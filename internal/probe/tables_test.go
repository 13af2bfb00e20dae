package probe

import (
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/bpf"
	"github.com/smtptrace/smtptrace/internal/live"
)

// TestTablesHoldAll: a table that forgets the oldest holds as many as maps.h says, though each CPU keeps free entries
// to itself.
func TestTablesHoldAll(t *testing.T) {
	spec, err := bpf.LoadSmtptrace()
	if err != nil {
		t.Fatal(err)
	}
	cell := live.NewCell(t)
	p := open(t, cell, Auto, true)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		t.Fatal(err)
	}
	defer unix.SchedSetaffinity(0, &allowed)
	for _, name := range []string{"processes", "lineages", "banners", "preambles"} {
		m := p.loader.maps[name]
		entries := int(spec.Maps[name].MaxEntries)
		key, value := make([]byte, m.KeySize()), make([]byte, m.ValueSize())
		put := func(i int) {
			binary.NativeEndian.PutUint64(key, 1<<62+uint64(i))
			if err := m.Update(key, value, ebpf.UpdateAny); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		n := 0
		for cpu := range runtime.NumCPU() {
			var one unix.CPUSet
			one.Set(cpu)
			if unix.SchedSetaffinity(0, &one) == nil {
				put(n) // each CPU takes free entries
				n++
			}
		}
		for ; n < entries; n++ {
			put(n)
		}
		held := 0
		for i := range entries {
			binary.NativeEndian.PutUint64(key, 1<<62+uint64(i))
			if raw, err := m.LookupBytes(key); err == nil && raw != nil {
				held++
			}
		}
		if held != entries {
			t.Errorf("%s holds %d of %d", name, held, entries)
		}
	}
}
