package probe

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/bpf"
)

// hashConns is the room for connections where their state lives in a hash: see conns_hash in maps.h.
const hashConns = 32768

// freePerCPU is how many free entries each CPU keeps to itself of an LRU map (kernel/bpf/bpf_lru_list.c,
// LOCAL_FREE_TARGET): without more room a map of 1,024 would forget at once on 8 CPUs.
const freePerCPU = 128

// loader loads the programs one hook at a time, over one set of maps: one bad program would fail a
// whole collection.
type loader struct {
	spec     *ebpf.CollectionSpec
	compiled func() (*ebpf.CollectionSpec, error)
	maps     map[string]*ebpf.Map
	cache    *btf.Cache
	storage  bool
	turns    chan struct{} // one slot for each program that is being loaded, except the largest
}

// largest is the program whose loading takes as long as that of all others together.
const largest = "wire"

// newLoader begins to read the compiled programs; meanwhile, TryStorage reads the kernel's types.
func newLoader() *loader {
	l := &loader{
		cache: btf.NewCache(), compiled: sync.OnceValues(bpf.LoadSmtptrace),
		turns: make(chan struct{}, max(1, runtime.NumCPU()-1)),
	}
	go l.compiled()
	return l
}

// makeMaps creates the maps. storage keeps a connection's state with its socket (tracing programs:
// 5.11+); else it is in a hash by socket address.
func (l *loader) makeMaps(o *Options, cg *cgroupDir, child *selftest, storage bool) error {
	if err := rlimit.RemoveMemlock(); err != nil { // kernels before 5.11 count maps against it
		return fmt.Errorf("raise the limit of locked memory: %w", err)
	}
	spec, err := l.compiled()
	if err != nil {
		return fmt.Errorf("read the compiled programs: %w", err)
	}
	variables := map[string]any{
		"conn_in_storage":     storage,
		"packets_watched":     !o.NoPackets,
		"announce_all":        o.AllPorts,
		"filter_netns":        o.NetNS,
		"filter_pid":          o.Pid,
		"filter_cgroup":       cg.filterID,
		"filter_cgroup_level": cg.level,
		"selftest_pid":        child.pid,
		"selftest_netns":      child.netns,
		"mail_ports":          o.portBits(),
	}
	if o.UID != nil {
		variables["filter_uid_set"] = uint32(1)
		variables["filter_uid"] = *o.UID
	}
	for name, value := range variables {
		if err := spec.Variables[name].Set(value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	if storage {
		spec.Maps["conns_hash"].MaxEntries = 1
	} else {
		spec.Maps["conns_hash"].MaxEntries = hashConns
	}
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return fmt.Errorf("count the CPUs: %w", err)
	}
	for _, m := range spec.Maps {
		if m.Type == ebpf.LRUHash {
			m.MaxEntries += uint32(cpus) * freePerCPU
		}
	}
	l.spec, l.storage = spec, storage
	only := *spec
	only.Programs = nil
	coll, err := ebpf.NewCollectionWithOptions(&only, ebpf.CollectionOptions{Cache: l.cache})
	if err != nil {
		return fmt.Errorf("create the maps: %w", err)
	}
	l.maps = coll.Maps
	return nil
}

// TryStorage loads a tracing program that looks up a socket's storage (5.11+), and attaches it nowhere. The error is the
// kernel's refusal. cache may be nil.
func TryStorage(cache *btf.Cache) error {
	number := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	m, err := ebpf.NewMap(&ebpf.MapSpec{
		Type: ebpf.SkStorage, KeySize: 4, ValueSize: 4, Key: number, Value: number, Flags: unix.BPF_F_NO_PREALLOC,
	})
	if err != nil {
		return err
	}
	defer m.Close()
	coll, err := ebpf.NewCollectionWithOptions(&ebpf.CollectionSpec{Programs: map[string]*ebpf.ProgramSpec{"look_up": {
		Type: ebpf.Tracing, AttachType: ebpf.AttachTraceRawTp, AttachTo: "inet_sock_set_state", License: "GPL",
		Instructions: asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 0, asm.DWord), // the socket
			asm.LoadMapPtr(asm.R1, m.FD()),
			asm.Mov.Imm(asm.R3, 0),
			asm.Mov.Imm(asm.R4, 0),
			asm.FnSkStorageGet.Call(),
			asm.Mov.Imm(asm.R0, 0),
			asm.Return(),
		},
	}}}, ebpf.CollectionOptions{Cache: cache})
	if err != nil {
		return err
	}
	coll.Close()
	return nil
}

// load loads one program. Several goroutines may call it at once. The largest program does not wait for a slot and so
// has a CPU to itself: the start takes as long as loading it.
func (l *loader) load(name string) (*ebpf.Program, error) {
	if name != largest {
		l.turns <- struct{}{}
		defer func() { <-l.turns }()
	}
	only := *l.spec // not Copy: copying every program for each load took 100 ms of the start
	only.Programs = map[string]*ebpf.ProgramSpec{name: l.spec.Programs[name].Copy()}
	coll, err := ebpf.NewCollectionWithOptions(&only, ebpf.CollectionOptions{
		MapReplacements: l.maps,
		Cache:           l.cache,
	})
	if err != nil {
		return nil, err
	}
	defer coll.Close()
	return coll.DetachProgram(name), nil
}

// done gives back what only loading needs: the programs and the types of the whole kernel are much of
// the memory.
func (l *loader) done() {
	l.cache, l.spec, l.compiled = nil, nil, nil
}

func (l *loader) close() {
	for _, m := range l.maps {
		m.Close()
	}
}

// reason shortens a kernel's refusal to what a person can use. A refusal to load is often a plain
// EPERM, to which the library adds a hint about locked memory that does not apply.
func reason(err error) string {
	var ve *ebpf.VerifierError
	if errors.As(err, &ve) {
		return fmt.Sprintf("the verifier refused it: %v", ve)
	}
	if errors.Is(err, os.ErrPermission) {
		return "operation not permitted by this kernel"
	}
	return strings.TrimSpace(err.Error())
}
