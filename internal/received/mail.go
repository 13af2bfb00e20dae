package received

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"regexp"
	"strings"
)

// Bounds of a mail that is read. A report is a few kilobytes; what is larger is cut.
const (
	maxInput = 4 << 20
	maxWords = 256 << 10 // of a text that is searched for a listing, or of a page
	maxParts = 100
	maxNests = 6
)

// cut bounds a text that is searched: its author may want that to take long.
func cut(text string) string {
	if len(text) <= maxWords {
		return text
	}
	return strings.ToValidUTF8(text[:maxWords], "")
}

// letter is a mail taken apart.
type letter struct {
	kind   string                 // what it is: "a bounce", "an abuse report", "a mail"
	head   string                 // its own Received headers
	inner  strings.Builder        // headers of the mail that it is about
	words  strings.Builder        // its text
	report []textproto.MIMEHeader // the fields of feedback reports (RFC 5965) and delivery status (RFC 3464)
	parts  int
}

// openLetter takes a mail apart. ok is false if raw does not begin with the headers of one.
func openLetter(raw []byte) (l *letter, ok bool) {
	m, err := mail.ReadMessage(bytes.NewReader(mendHead(mailStart(raw))))
	if err != nil || m.Header.Get("Content-Type") == "" && (m.Header.Get("From") == "" || m.Header.Get("Subject") == "") {
		return nil, false
	}
	l = &letter{kind: "a mail", head: receivedOf(m.Header)}
	l.part(textproto.MIMEHeader(m.Header), m.Body, 0)
	return l, true
}

// mendHead leaves out what is no header among the headers: of one such line, net/mail refuses the mail. A line of
// a Received header that lost its blank where it was pasted gets one.
func mendHead(raw []byte) []byte {
	var mended []byte
	last := 0 // where the last header begins
	for rest := raw; len(rest) > 0; {
		line, behind, _ := bytes.Cut(rest, []byte("\n"))
		if len(bytes.TrimSpace(line)) == 0 {
			return append(mended, rest...)
		}
		folded := line[0] == ' ' || line[0] == '\t'
		switch known := headerStart.Match(line); {
		case known:
			last = len(mended)
			mended = append(append(mended, line...), '\n')
		case len(mended) == 0:
			return raw
		case folded:
			mended = append(append(mended, line...), '\n')
		case len(mended)-last < maxHeader && received.Match(mended[last:]) && !isDated(string(mended[last:])):
			mended = append(append(append(mended, ' '), line...), '\n')
		}
		rest = behind
	}
	return append(mended, '\n')
}

var headerStart = regexp.MustCompile(`^[!-9;-~]+:`)

func receivedOf(h mail.Header) string {
	var b strings.Builder
	for _, value := range h["Received"] {
		b.WriteString("Received: " + value + "\n")
	}
	return b.String()
}

// part reads a part of a mail by its type. What cannot be read is left out.
func (l *letter) part(header textproto.MIMEHeader, body io.Reader, nest int) {
	if l.parts++; l.parts > maxParts || nest > maxNests {
		return
	}
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		kind = "text/plain"
	}
	switch strings.ToLower(header.Get("Content-Transfer-Encoding")) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		switch strings.ToLower(params["report-type"]) {
		case "feedback-report":
			l.kind = "an abuse report (ARF)"
		case "delivery-status":
			l.kind = "a bounce"
		}
		for r := multipart.NewReader(body, params["boundary"]); ; {
			p, err := r.NextRawPart()
			if err != nil {
				return
			}
			l.part(p.Header, p, nest+1)
		}
	case kind == "message/feedback-report", kind == "message/delivery-status", kind == "message/global-delivery-status":
		if kind == "message/feedback-report" {
			l.kind = "an abuse report (ARF)"
		}
		l.fields(body)
	case strings.HasPrefix(kind, "message/"), kind == "text/rfc822-headers", kind == "text/rfc822-header",
		strings.HasPrefix(kind, "application/") && isMailFile(header, params["name"]):
		io.Copy(&l.inner, body)
		l.inner.WriteString("\n\n")
	case kind == "text/html":
		if strings.TrimSpace(l.words.String()) == "" { // else it mostly says the same again
			raw, _ := io.ReadAll(body)
			l.words.WriteString(plainText(string(raw)) + "\n\n")
		}
	case strings.HasPrefix(kind, "text/"), kind == "application/json", kind == "application/yaml": // X-ARF
		io.Copy(&l.words, body)
		l.words.WriteString("\n\n")
	}
}

// isMailFile says whether an attachment is a mail that was saved to a file.
func isMailFile(header textproto.MIMEHeader, name string) bool {
	if _, params, err := mime.ParseMediaType(header.Get("Content-Disposition")); err == nil && params["filename"] != "" {
		name = params["filename"]
	}
	return strings.HasSuffix(strings.ToLower(name), ".eml")
}

// fields reads groups of header fields with empty lines between them.
func (l *letter) fields(body io.Reader) {
	raw, _ := io.ReadAll(io.LimitReader(body, maxInput))
	text := strings.ReplaceAll(string(raw), "\r\n", "\n")
	for group := range strings.SplitSeq(text, "\n\n") {
		m, err := mail.ReadMessage(strings.NewReader(strings.TrimLeft(group, "\n") + "\n\n"))
		if err == nil && len(m.Header) > 0 && len(l.report) < maxParts {
			l.report = append(l.report, textproto.MIMEHeader(m.Header))
		}
	}
}

// field finds a field of the reports.
func (l *letter) field(name string) string {
	for _, h := range l.report {
		if v := strings.TrimSpace(h.Get(name)); v != "" {
			return v
		}
	}
	return ""
}
