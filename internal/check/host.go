package check

import (
	"os"
	"path/filepath"
	"strings"
)

// host is the machine as the rows read it: files below a root, and answers of the kernel.
type host struct {
	root   string
	kernel kernel
	self   self
	deaf   string // why the kernel's refusals mean nothing
}

// Host checks this host. It attaches nothing that could see anybody's traffic.
func Host() []Row { return newHost("/", runningKernel).rows() }

func newHost(root string, k kernel) *host {
	h := &host{root: root, kernel: k}
	h.self = h.readSelf()
	switch {
	case h.self.powerless():
		h.deaf = "cannot be asked without the rights"
	case k.create() != nil:
		h.deaf = "cannot be asked while bpf(2) fails"
	}
	return h
}

// rows gives the required ones first, each behind those that could be the cause of its absence: the
// first that is missing is the one to mend.
func (h *host) rows() []Row {
	var rows []Row
	for _, row := range []func() Row{
		h.procfs, h.version, h.userNamespace, h.capabilities, h.syscall, h.lockdown, h.btf, h.ring, h.memlock,
		h.cgroup, h.cgroupBPF, h.netNamespaces, h.pidNamespace,
	} {
		r := row()
		r.Required = true
		rows = append(rows, r)
	}
	for _, row := range []func() Row{
		h.jit, h.fentry, h.kprobes, h.storage, h.cgroupNamespace, h.timeNamespace, h.details,
	} {
		rows = append(rows, row())
	}
	return rows
}

func (h *host) path(p string) string { return filepath.Join(h.root, p) }

// read gives a file's text without the blanks around it.
func (h *host) read(p string) (string, error) {
	b, err := os.ReadFile(h.path(p))
	return strings.TrimSpace(string(b)), err
}

func (h *host) exists(p string) bool {
	_, err := os.Lstat(h.path(p))
	return err == nil
}

// answered makes a row of the kernel's answer to a question: nil is yes. A no means nothing where the
// kernel answers nobody like us.
func (h *host) answered(name, yes string, err error, no func() Row) Row {
	switch {
	case err == nil:
		return have(name, yes)
	case h.deaf != "":
		return unsure(name, h.deaf, "")
	default:
		return no()
	}
}

// typed is answered for a question that cannot be put without BTF.
func (h *host) typed(name, yes string, err error, no func() Row) Row {
	if err != nil && h.btf().Status == Missing {
		return unsure(name, "cannot be asked without BTF", "")
	}
	return h.answered(name, yes, err, no)
}
