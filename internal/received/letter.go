package received

import (
	"mime"
	"strings"
)

// Bounds of the parts of a mail.
const (
	maxParts = 100
	maxNests = 6
)

// letter is a mail taken apart.
type letter struct {
	head    fields
	words   strings.Builder // its text
	reports []fields        // of feedback reports (RFC 5965) and delivery status (RFC 3464)
	arf     bool            // it has or promises a feedback report
	dsn     bool            // it has or promises a delivery status
	xarf    []fields        // the fields of X-ARF parts in JSON or YAML
	xarfed  bool            // it says that it is X-ARF
	inner   string          // the mail that it is about, or its headers; "" if it has no such part
	second  bool            // it has another such part
	broken  string          // what is wrong with its structure; "" if nothing
	parts   int
}

// openLetter takes a mail apart. ok is false if the text does not begin with the headers of one.
func openLetter(text string) (l *letter, ok bool) {
	head, body, ok := readFields(text)
	if !ok || head.get("content-type") == "" && head.get("mime-version") == "" &&
		(head.get("from") == "" || head.get("subject") == "" && head.get("to") == "" && head.get("date") == "") {
		return nil, false
	}
	l = &letter{head: head, xarfed: head.get("x-arf") != "" || head.get("x-xarf") != ""}
	l.part(head, body, 0)
	return l, true
}

// part reads a part of a mail by its type. What cannot be read is taken as text.
func (l *letter) part(head fields, body string, nest int) {
	if l.parts++; l.parts > maxParts || nest > maxNests {
		return
	}
	kind, params, err := mime.ParseMediaType(head.get("content-type"))
	if err != nil && kind == "" {
		kind, params = loosely(head.get("content-type"))
	}
	if kind == "" {
		kind = "text/plain"
	}
	switch encoding := strings.ToLower(strings.TrimSpace(head.get("content-transfer-encoding"))); {
	case strings.HasPrefix(kind, "multipart/"):
	case encoding == "base64":
		body = ends.Replace(toUTF8(unBase64(body), params["charset"]))
	case encoding == "quoted-printable":
		body = ends.Replace(toUTF8(unQP(body), params["charset"]))
	default:
		body = asSaid(body, params["charset"])
	}
	file := fileName(head, params)
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		l.multipart(strings.ToLower(params["report-type"]), params["boundary"], body, nest)
	case kind == "message/feedback-report":
		l.arf = true
		l.reports = append(l.reports, readGroups(body)...)
	case kind == "message/delivery-status", kind == "message/global-delivery-status":
		l.dsn = true
		l.reports = append(l.reports, readGroups(body)...)
	case strings.HasPrefix(kind, "message/"), kind == "text/rfc822-headers", kind == "text/rfc822-header",
		strings.HasPrefix(kind, "application/") && strings.HasSuffix(file, ".eml"):
		l.second = l.second || l.inner != ""
		if l.inner == "" {
			l.inner = strings.TrimLeft(body, "\n")
		}
	case kind == "application/json", kind == "application/xarf+json", strings.HasSuffix(file, ".json"):
		if objects, ok := xarfJSON(body); ok {
			l.xarf, l.xarfed = append(l.xarf, objects...), true
		}
	case kind == "text/html":
		if strings.TrimSpace(l.words.String()) == "" { // else it mostly says the same again
			l.words.WriteString(plainText(body) + "\n\n")
		}
	case strings.HasPrefix(kind, "text/"), strings.HasSuffix(kind, "yaml"):
		if strings.HasSuffix(kind, "yaml") || file == "report.txt" || l.xarfed {
			for _, f := range readGroups(strings.TrimPrefix(body, "---\n")) {
				if f.get("source") != "" || f.get("report-type") != "" {
					l.xarf, l.xarfed = append(l.xarf, f), true
				}
			}
		}
		if isHTML.MatchString(body) {
			body = plainText(body)
		}
		l.words.WriteString(body + "\n\n")
	}
}

// multipart reads parts (RFC 2046 section 5.1). Where the header names another boundary than the body has, it takes the
// one in the body; without any, all of it is text.
func (l *letter) multipart(report, boundary, body string, nest int) {
	switch report {
	case "feedback-report":
		l.arf = true
	case "delivery-status":
		l.dsn = true
	}
	parts := split(body, boundary)
	if parts == nil {
		if boundary = guessBoundary(body); boundary != "" {
			l.broken = "its boundary is not the one that its header names"
			parts = split(body, boundary)
		}
	}
	if parts == nil {
		l.broken = "it has no parts"
		l.words.WriteString(bare(body) + "\n\n")
	}
	for _, p := range parts {
		if strings.HasPrefix(p, "\n") { // no header: plain text
			l.part(nil, p[1:], nest+1)
		} else if head, rest, ok := readFields(p); ok {
			l.part(head, rest, nest+1)
		} else {
			l.part(nil, p, nest+1)
		}
	}
}

// split cuts a body into its parts; nil if there is no such boundary.
func split(body, boundary string) (parts []string) {
	if boundary == "" {
		return nil
	}
	begin := -1
	for at := 0; len(parts) < maxParts; {
		next := strings.Index(body[at:], "--"+boundary)
		if next < 0 {
			break
		}
		start := at + next
		at = start + 2 + len(boundary)
		if start > 0 && body[start-1] != '\n' {
			continue
		}
		if begin >= 0 {
			parts = append(parts, body[begin:start])
		}
		line, _, _ := strings.Cut(body[at:], "\n")
		if strings.HasPrefix(line, "--") {
			return parts
		}
		if strings.TrimSpace(line) != "" { // a longer one
			begin = -1
			continue
		}
		at = min(at+len(line)+1, len(body))
		begin = at
	}
	if begin >= 0 && len(parts) < maxParts { // what was cut off
		parts = append(parts, body[begin:])
	}
	return parts
}

var boundaryLine = lazy(`(?im)^--(\S{1,70}(?: \S+)*)[ \t]*\n(?:content-[a-z]+:|\ncontent-)`)

// guessBoundary is the boundary that a body has, whatever its header says.
func guessBoundary(body string) string {
	if m := boundaryLine.FindStringSubmatch(body[:min(len(body), 256<<10)]); m != nil {
		return m[1]
	}
	return ""
}

var looseParam = lazy(`(?i)\b(boundary|charset|report-type|name)\s*=\s*"?([^";\s]+)`)

// loosely reads a content type that is not as RFC 2045 section 5.1 wants it.
func loosely(value string) (kind string, params map[string]string) {
	kind, _, _ = strings.Cut(strings.ToLower(value), ";")
	params = map[string]string{}
	for _, m := range looseParam.FindAllStringSubmatch(value, 10) {
		params[strings.ToLower(m[1])] = m[2]
	}
	return strings.TrimSpace(kind), params
}

// fileName is the name of an attached file, in lower case.
func fileName(head fields, params map[string]string) string {
	name := params["name"]
	if _, more, err := mime.ParseMediaType(head.get("content-disposition")); err == nil && more["filename"] != "" {
		name = more["filename"]
	}
	return strings.ToLower(name)
}

// field finds a field of the reports, and of what stands in the text where they should be.
func (l *letter) field(names ...string) string {
	for _, name := range names {
		for _, f := range l.reports {
			if v := f.get(name); v != "" {
				return v
			}
		}
	}
	return ""
}
