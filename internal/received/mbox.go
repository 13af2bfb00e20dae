package received

import "strings"

// maxMails bounds how many mails of an mbox file are read.
const maxMails = 20

// splitMbox takes an mbox file apart (RFC 4155): a mail begins with a From line, behind an empty one. Any other text
// is returned whole.
func splitMbox(text string) (mails []string) {
	text = strings.TrimLeft(text, "\n")
	if !strings.HasPrefix(text, "From ") || !isFromLine(text) {
		return []string{text}
	}
	for len(mails) < maxMails {
		next := nextMail(text)
		if next < 0 {
			return append(mails, mailStart(text))
		}
		mails, text = append(mails, mailStart(text[:next])), text[next:]
	}
	return mails
}

// nextMail is where the next mail begins, -1 behind the last.
func nextMail(text string) int {
	for at := 1; ; {
		next := strings.Index(text[at:], "\n\nFrom ")
		if next < 0 {
			return -1
		}
		at += next + 2
		if isFromLine(text[at:]) {
			return at
		}
	}
}

// isFromLine says whether a From line has a time of day, as RFC 4155 wants it.
func isFromLine(text string) bool {
	line, _, _ := strings.Cut(text[:min(len(text), 200)], "\n")
	return strings.Count(line, " ") > 1 && clock.MatchString(line)
}

// mailStart passes the line that begins a mail.
func mailStart(text string) string {
	_, rest, _ := strings.Cut(text, "\n")
	return rest
}
