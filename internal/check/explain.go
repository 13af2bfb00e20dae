package check

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"

	"github.com/smtptrace/smtptrace/internal/probe"
)

const cannot = "cannot trace: "

// What to do about a refusal that no requirement accounts for.
const denials = "a security module may forbid it: look for its denials (dmesg; SELinux: ausearch -m avc)"

const seeCheck = "smtptrace check lists every requirement and every hook"

// Rights says which rights this program lacks without which it cannot attach, and what to do; "" if none. It asks
// the kernel nothing, and takes no time.
func Rights() (message, hint string) { return (&host{root: "/"}).rights() }

func (h *host) rights() (message, hint string) {
	h.self = h.readSelf()
	for _, row := range []func() Row{h.procfs, h.userNamespace, h.capabilities} {
		if r := row(); r.Status == Missing {
			return cannot + r.Found, r.Cure
		}
	}
	return "", ""
}

// Explain says why probe.Open failed, in one line, and what to do, in another. rows are the host's.
func Explain(err error, rows []Row) (message, hint string) {
	for _, r := range rows {
		if r.Required && r.Status == Missing {
			return cannot + r.Found, r.Cure
		}
	}
	var none *probe.NoHookError
	var path *os.PathError
	switch message = cannot + oneLine(err); {
	case errors.As(err, &none):
		return explainHooks(none, rows)
	case errors.As(err, &path) && path.Op == "mkdir":
		return message, "its self-test runs in a cgroup of its own, below the one that is watched: let it make one there"
	case errors.Is(err, unix.ENOSPC):
		return message, "a limit on namespaces or cgroups is reached: see sysctl user.max_net_namespaces"
	case errors.Is(err, unix.ENOMEM):
		return message, "its maps need 40 MiB of kernel memory: free some, or raise the memory limit of its cgroup"
	case errors.Is(err, unix.EMFILE):
		return message, "raise its limit of open files (ulimit -n)"
	case errors.Is(err, os.ErrPermission):
		return message, denials
	default:
		return message, seeCheck
	}
}

var asks = map[probe.Question]string{
	probe.Connect: "who connects",
	probe.Send:    "who sends",
	probe.Wire:    "what is said",
	probe.State:   "how a connection ends",
}

func explainHooks(e *probe.NoHookError, rows []Row) (message, hint string) {
	for _, r := range rows {
		if r.Name == cgroupNamespaceName && r.Status == Missing { // the packets of others do not pass
			return cannot + r.Found, r.Cure
		}
	}
	which, hint := "no", seeCheck
	// The families differ in these two questions.
	forced := e.Family != probe.Auto && e.Family != "" && (e.Question == probe.Connect || e.Question == probe.Send)
	if forced {
		which, hint = "no "+string(e.Family), "leave --hooks at auto, which takes the first hook that works"
	}
	refused := make([]string, len(e.Refused))
	for i, r := range e.Refused {
		refused[i] = r.Name + ": " + fold(r.Reason)
	}
	message = fmt.Sprintf("%s%s hook tells %s", cannot, which, asks[e.Question])
	if len(refused) > 0 {
		message += ": " + strings.Join(refused, "; ")
	}
	return message, hint
}

// reason shortens a refusal. To EPERM the library adds a hint about locked memory that does not apply.
func reason(err error) string {
	if errors.Is(err, os.ErrPermission) {
		return "operation not permitted by this kernel"
	}
	return oneLine(err)
}

// oneLine is an error's text without a line break: a verifier's log has many.
func oneLine(err error) string { return fold(err.Error()) }

// fold makes a text safe for a terminal: a line without control characters.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.Join(strings.Fields(s), " "))
}
