package received

import "bytes"

// maxMails bounds how many mails of an mbox file are read.
const maxMails = 100

// splitMbox takes an mbox file apart (RFC 4155): a mail begins with a From line, behind an empty one. What is
// none is returned whole.
func splitMbox(raw []byte) (mails [][]byte) {
	raw = bytes.TrimLeft(raw, "\r\n")
	if !bytes.HasPrefix(raw, []byte("From ")) {
		return [][]byte{raw}
	}
	start := 0
	for at := 0; len(mails) < maxMails-1; {
		next := bytes.Index(raw[at:], []byte("\nFrom "))
		if next < 0 {
			break
		}
		at += next + 1
		if before := bytes.TrimSuffix(raw[:at-1], []byte("\r")); bytes.HasSuffix(before, []byte("\n")) {
			mails = append(mails, raw[start:at])
			start = at
		}
	}
	return append(mails, raw[start:])
}

// mailStart passes the line that begins a mail in an mbox file.
func mailStart(raw []byte) []byte {
	if bytes.HasPrefix(raw, []byte("From ")) {
		if i := bytes.IndexByte(raw, '\n'); i >= 0 {
			return raw[i+1:]
		}
	}
	return raw
}
