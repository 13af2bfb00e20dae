package privacy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Hash is the keyed hash of an address, in hex; "" where the mode has none. Another spelling of an address has the same.
func (p *Policy) Hash(address string) string {
	if p.key == nil || address == "" {
		return ""
	}
	h := hmac.New(sha256.New, p.key)
	h.Write([]byte(Canonical(address)))
	return hex.EncodeToString(h.Sum(nil))
}

// Canonical is an address without what may be spelled in several ways: quotes and backslashes in the local part
// (RFC 5321 section 4.1.2), the dot of the root behind the domain, and case: few servers tell Bob from bob.
func Canonical(address string) string {
	address = strings.ToLower(address)
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return address
	}
	local, domain := address[:at], strings.TrimSuffix(address[at+1:], ".")
	if !strings.ContainsAny(local, `"\\`) {
		return local + "@" + domain
	}
	var b strings.Builder
	for i := 0; i < len(local); i++ {
		switch {
		case local[i] == '\\' && i+1 < len(local):
			i++
		case local[i] == '"':
			continue
		}
		b.WriteByte(local[i])
	}
	return b.String() + "@" + domain
}
