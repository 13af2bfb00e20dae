package smtp

import "bytes"

// foreignWords begin the first line of other protocols, and no line of SMTP: HTTP, FTP (RFC 959,
// 2389, 4217), POP3 (RFC 1939, 2449), IRC, NNTP, Redis, ManageSieve, memcached.
var foreignWords = []string{
	"GET", "POST", "HEAD", "PUT", "OPTIONS", "DELETE", "TRACE", "PATCH", "PRI", "PROPFIND", "CONNECT",
	"USER", "PASS", "FEAT", "SYST", "OPTS", "APOP", "CAPA", "STLS", "NICK", "CAP", "AUTHINFO", "MODE",
	"AUTHENTICATE", "LOGIN", "LOGOUT", "CAPABILITY", "PING", "HELLO", "COMMAND",
}

// foreignClient says whether the first word of the client is another protocol's.
func foreignClient(word []byte) bool {
	if len(word) == 0 {
		return false
	}
	if bytes.HasPrefix(word, []byte("SSH-")) || word[0] == '*' && len(word) > 1 || word[0] == '<' || word[0] == '{' {
		return true
	}
	for _, w := range foreignWords {
		if equalFold(word, w) {
			return true
		}
	}
	return false
}

// foreignServer says whether a server's first line, which is no reply, is another protocol's: POP3
// and Redis "+OK" and "-ERR", IMAP "* OK", IRC ":host", ManageSieve quotes, SSH, HTTP, RFB, rsync,
// telnet and other binary ones. Anything else may be chatter before a greeting.
func foreignServer(line []byte) bool {
	if len(line) == 0 {
		return false
	}
	if bytes.IndexByte([]byte("+-*:$\"<{@"), line[0]) >= 0 || line[0] >= 0x7f || binary(line[:min(len(line), maxVerb)]) {
		return true
	}
	return bytes.HasPrefix(line, []byte("SSH-")) || bytes.HasPrefix(line, []byte("HTTP/")) ||
		bytes.HasPrefix(line, []byte("RFB ")) || bytes.HasPrefix(line, []byte("OK ")) ||
		bytes.HasPrefix(line, []byte("NOTICE "))
}
