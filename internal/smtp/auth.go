package smtp

import "strings"

// Auth is what is known of AUTH (RFC 4954). The secret is not part of it and is kept nowhere.
type Auth struct {
	Mechanism string     // as registered, in upper case; "OTHER" for a name not known here; empty without AUTH
	Result    AuthResult // of the last AUTH, or of the one that succeeded
}

// AuthResult is the outcome of AUTH.
type AuthResult uint8

const (
	AuthNone    AuthResult = iota // AUTH was not said
	AuthUnknown                   // AUTH was said, and its final reply not seen
	AuthSuccess                   // 235
	AuthFailure                   // 4yz, 5yz, also after a cancelling "*"
)

var authResultNames = [...]string{"none", "unknown", "success", "failure"}

func (r AuthResult) String() string { return authResultNames[r] }

// mechanisms are the SASL names seen on SMTP servers: the IANA registry, XOAUTH2 (Google),
// MSN and X-tokens of old servers. Only names of this list are ever kept, because a client which
// forgets the mechanism puts the secret in its place.
var mechanisms = []string{
	"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER", "XOAUTH", "OAUTH10A", "DIGEST-MD5", "NTLM", "GSSAPI",
	"GSS-SPNEGO", "GS2-KRB5", "GS2-IAKERB", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256",
	"SCRAM-SHA-256-PLUS", "SCRAM-SHA-512", "SCRAM-SHA-512-PLUS", "SCRAM-SHA3-512", "SCRAM-SHA3-512-PLUS",
	"EXTERNAL", "ANONYMOUS", "OTP", "SKEY", "SECURID", "KERBEROS_V4", "KERBEROS_V5", "SRP", "PASSDSS",
	"ECDSA-NIST256P-CHALLENGE", "OPENID20", "SAML20", "EAP-AES128", "NMAS_LOGIN", "MSN", "XYMCOOKIE",
	"X-MASTER-AUTH", "CRAM-SHA1", "CRAM-SHA256",
}

var mechanismBytes = func() [][]byte {
	list := make([][]byte, len(mechanisms))
	for i, m := range mechanisms {
		list[i] = []byte(strings.ToUpper(m))
	}
	return list
}()

var otherMechanism = []byte("OTHER")

// mechanism returns the registered spelling of a mechanism name, "OTHER" for an unknown one, and
// nil for none.
func mechanism(name []byte) []byte {
	if len(name) == 0 {
		return nil
	}
	for i, m := range mechanisms {
		if equalFold(name, m) {
			return mechanismBytes[i]
		}
	}
	return otherMechanism
}

// authSaid takes AUTH. After a success the mechanism is settled.
func (d *dialogue) authSaid(mech []byte) {
	if d.auth == AuthSuccess {
		return
	}
	d.auth = AuthUnknown
	d.mech = append(d.mech[:0], mech...)
}

// authReply takes a reply to AUTH or to an AUTH response (RFC 4954 section 4).
func (d *dialogue) authReply(code int) {
	d.inAuth = code == 334
	switch {
	case d.auth == AuthSuccess:
	case accepted(code):
		d.auth = AuthSuccess
	case refused(code):
		d.auth = AuthFailure
	}
}

// mayEcho says whether the reply to a line may repeat a secret or a line of a body, as in
// "500 unrecognized: ...": to an unknown line, and to AUTH.
func (d *dialogue) mayEcho(e *entry, code int) bool {
	switch e.verb {
	case verbUnknown, verbBlank, verbLost:
		return misunderstood(code) || d.auth != AuthNone
	}
	return e.verb == verbAuth
}

// misunderstood says whether the code is for a line that the server could make nothing of: some repeat
// it then.
func misunderstood(code int) bool { return code >= 500 && code <= 504 }
