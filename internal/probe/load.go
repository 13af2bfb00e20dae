package probe

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/rlimit"

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
	spec    *ebpf.CollectionSpec
	maps    map[string]*ebpf.Map
	cache   *btf.Cache
	storage bool
}

// newLoader creates the maps. storage keeps a connection's state with its socket (tracing programs:
// 5.11+); else it is in a hash by socket address.
func newLoader(o *Options, cg *cgroupDir, selftestPid, selftestNetNS uint32, storage bool) (*loader, error) {
	if err := rlimit.RemoveMemlock(); err != nil { // kernels before 5.11 count maps against it
		return nil, fmt.Errorf("raise the limit of locked memory: %w", err)
	}
	spec, err := bpf.LoadSmtptrace()
	if err != nil {
		return nil, fmt.Errorf("read the compiled programs: %w", err)
	}
	variables := map[string]any{
		"conn_in_storage":     storage,
		"packets_watched":     !o.NoPackets,
		"announce_all":        o.AllPorts,
		"filter_netns":        o.NetNS,
		"filter_pid":          o.Pid,
		"filter_cgroup":       cg.filterID,
		"filter_cgroup_level": cg.level,
		"selftest_pid":        selftestPid,
		"selftest_netns":      selftestNetNS,
		"mail_ports":          o.portBits(),
	}
	if o.UID != nil {
		variables["filter_uid_set"] = uint32(1)
		variables["filter_uid"] = *o.UID
	}
	for name, value := range variables {
		if err := spec.Variables[name].Set(value); err != nil {
			return nil, fmt.Errorf("set %s: %w", name, err)
		}
	}
	if storage {
		spec.Maps["conns_hash"].MaxEntries = 1
	} else {
		spec.Maps["conns_hash"].MaxEntries = hashConns
	}
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return nil, fmt.Errorf("count the CPUs: %w", err)
	}
	for _, m := range spec.Maps {
		if m.Type == ebpf.LRUHash {
			m.MaxEntries += uint32(cpus) * freePerCPU
		}
	}
	l := &loader{spec: spec, cache: btf.NewCache(), storage: storage}
	only := spec.Copy()
	only.Programs = nil
	coll, err := ebpf.NewCollectionWithOptions(only, ebpf.CollectionOptions{Cache: l.cache})
	if err != nil {
		return nil, fmt.Errorf("create the maps: %w", err)
	}
	l.maps = coll.Maps
	return l, nil
}

// load loads one program.
func (l *loader) load(name string) (*ebpf.Program, error) {
	spec := l.spec.Copy()
	spec.Programs = map[string]*ebpf.ProgramSpec{name: l.spec.Programs[name].Copy()}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{
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
	l.cache, l.spec = nil, nil
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
