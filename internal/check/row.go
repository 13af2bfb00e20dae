// Package check lists what the tracer requires of a host, whether the host has it, and what to do.
package check

// Status tells whether a host has what a row asks for.
type Status string

// The statuses.
const (
	OK      Status = "ok"
	Missing Status = "missing"
	Unknown Status = "unknown" // it could not be found out; the attaching tells
)

// Row is one requirement.
type Row struct {
	Name     string `json:"name"`
	Status   Status `json:"status"`
	Required bool   `json:"required"` // without it nothing works; else something gets weaker
	Found    string `json:"found"`    // a clause; of a missing one, a sentence that stands alone
	Cure     string `json:"cure,omitempty"`
}

func have(name, found string) Row { return Row{Name: name, Status: OK, Found: found} }

func lack(name, found, cure string) Row {
	return Row{Name: name, Status: Missing, Found: found, Cure: cure}
}

func unsure(name, found, cure string) Row {
	return Row{Name: name, Status: Unknown, Found: found, Cure: cure}
}
