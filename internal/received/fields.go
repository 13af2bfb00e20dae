package received

import (
	"strings"
)

// field is a header field. Its name is in lower case, its value is unfolded (RFC 5322 section 2.2.3).
type field struct{ name, value string }

// fields are those of a header, in their order.
type fields []field

// get is the first value of a name, "" if it is missing.
func (f fields) get(name string) string {
	for _, one := range f {
		if one.name == name {
			return one.value
		}
	}
	return ""
}

// Bounds of a header, in bytes, and of how many fields of one are read.
const (
	maxHeader = 4 << 10
	maxFields = 2000
)

var fieldName = lazy(`^([!-9;-~]{1,70}):(?:[ \t]|$|[^/ \t])`)

// readFields reads the header that a text begins with, and returns the text behind it. A line that is no header is
// passed over, as people paste them, unless it goes on with a Received field that lost its blank. ok is false if the
// text does not begin with a field.
func readFields(text string) (f fields, body string, ok bool) {
	for folds := 0; len(text) > 0 && len(f) < maxFields; {
		line, rest, _ := strings.Cut(text, "\n")
		if strings.TrimSpace(line) == "" {
			return f, rest, len(f) > 0
		}
		text = rest
		head := line[:min(len(line), maxHeader)]
		folded := line[0] == ' ' || line[0] == '\t'
		last := len(f) - 1
		if !folded && strings.IndexByte(head[:min(len(head), 72)], ':') > 0 {
			if m := fieldName.FindStringSubmatch(head); m != nil {
				f = append(f, field{strings.ToLower(m[1]), strings.TrimSpace(head[len(m[1])+1:])})
				folds = 0
				continue
			}
		}
		switch folds++; {
		case last < 0:
			return nil, "", false
		case folds > maxFolds: // passed over, too
		case folded || f[last].name == "received" && (!isDated(f[last].value) || strings.HasSuffix(f[last].value, "=")):
			if one := &f[last]; len(one.value)+len(head) < maxHeader {
				if soft, is := strings.CutSuffix(one.value, "="); is && one.name == "received" {
					one.value = soft + strings.TrimLeft(head, " \t")
				} else {
					one.value += " " + strings.TrimSpace(head)
				}
			}
		}
	}
	return f, text, len(f) > 0
}

// readGroups reads groups of fields with empty lines between them, as RFC 3464 section 2.1 has them.
func readGroups(text string) (groups []fields) {
	for len(groups) < maxParts {
		text = strings.TrimLeft(text, "\n")
		f, rest, ok := readFields(text)
		if !ok {
			if _, rest, ok = strings.Cut(text, "\n\n"); !ok {
				return groups
			}
			text = rest
			continue
		}
		groups, text = append(groups, f), rest
	}
	return groups
}

// reportNames are fields of reports, as they are found in a text that lost its structure: RFC 3464 section 2, RFC
// 5965 section 3, and what X-ARF has.
var reportNames = map[string]bool{
	"reporting-mta": true, "arrival-date": true, "final-recipient": true, "original-recipient": true, "remote-mta": true,
	"diagnostic-code": true, "x-postfix-queue-id": true, "last-attempt-date": true, "action": true, "received-from-mta": true,
	"feedback-type": true, "source-ip": true, "source-port": true, "received-date": true, "original-rcpt-to": true, "original-mail-from": true,
	"incidents": true, "reported-domain": true, "reported-from": true, "report-type": true, "source": true, "source-type": true, "category": true,
	"schema-url": true, "x-arf": true,
}

// looseFields finds fields of reports that stand in a text, wherever they begin a line.
func looseFields(text string) (f fields) {
	for line := range strings.Lines(cut(text)) {
		line = strings.TrimRight(line, "\n")
		if len(f) > 0 && line != "" && (line[0] == ' ' || line[0] == '\t') {
			if one := &f[len(f)-1]; len(one.value) < maxHeader && one.name == "diagnostic-code" {
				one.value += " " + strings.TrimSpace(line)
			}
			continue
		}
		name, value, found := strings.Cut(strings.TrimSpace(line), ":")
		if name = strings.ToLower(strings.TrimSpace(name)); found && reportNames[name] && len(f) < maxParts {
			f = append(f, field{name, strings.TrimSpace(value)})
		}
	}
	return f
}
