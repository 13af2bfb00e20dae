package smtp

// State is what a connection was recognised as.
type State uint8

const (
	Undecided State = iota // too little was said
	SMTP                   // RFC 5321
	LMTP                   // RFC 2033
	TLS                    // a ClientHello came first
	Tunnel                 // a proxy preamble was said, and behind it too little
	Other                  // not SMTP; final, and nothing of it is kept
)

var stateNames = [...]string{"undecided", "smtp", "lmtp", "tls", "tunnel", "other"}

func (s State) String() string { return stateNames[s] }

// Security is the part that TLS plays in a session.
type Security uint8

const (
	NoTLS       Security = iota // no TLS was asked for
	ImplicitTLS                 // a ClientHello came first (RFC 8314 section 3.3)
	StartTLS                    // STARTTLS was accepted (RFC 3207); what follows is unseen
	TLSRefused                  // STARTTLS was refused
	TLSUnused                   // STARTTLS was accepted, and the dialogue went on in the clear
)

var securityNames = [...]string{"none", "implicit", "starttls", "starttls_refused", "starttls_unused"}

func (s Security) String() string { return securityNames[s] }

// Session is the summary of one connection. All texts are as sent, bounded, and not escaped. Where
// State is Undecided, Tunnel or Other, only Via, Client and Server are filled.
type Session struct {
	State State
	Via   []Via // the proxies in front, outermost first, at most 4

	Banner        string  // first line of the server's greeting, at most 512 bytes; empty if none was seen
	Hellos        []Hello // the first HELO, EHLO or LHLO, and later ones that differ, at most 4
	HellosOmitted uint64  // not kept: some before the last

	Transactions        []Transaction // finished ones not yet drained, then the open one
	TransactionsOmitted uint64        // finished ones dropped because nobody drained them

	Offered    uint64 // messages sent to their end, since the session began
	Accepted   uint64 // of these, messages the server took over
	Recipients uint64 // accepted recipients of the accepted messages

	FirstReply Reply // the greeting, as a rule
	LastReply  Reply

	TLS  Security
	SNI  string   // of the ClientHello, at most 255 bytes
	ALPN []string // of the ClientHello, at most 8
	Auth Auth

	Quit bool // the client said QUIT

	Facts

	// Unseen counts octets of the dialogue that were lost, cut without being understood, or given up, in
	// commands and replies; of what cannot be counted each is 1. Where it is 0, all else here is true and
	// whole, but for what a bound leaves out and says so: HellosOmitted, TransactionsOmitted, RcptsOmitted.
	// It goes on over Interim, as the sums do.
	Unseen uint64

	Overlong bool   // a command line was longer than 1024 bytes, or was cut on the way here
	Overflow bool   // one side ran so far ahead of the other that replies were not matched, or not kept
	Client   Volume // said by the client
	Server   Volume // said by the server
}

// Volume counts the octets of one direction, those of tunnel preambles and TLS included.
type Volume struct {
	Bytes uint64 // all, fed or not
	Cut   uint64 // of these, counted but not copied on purpose
	Lost  uint64 // of these, never seen
	Gaps  uint64 // stretches cut or lost
}

// Missing is how many of so many octets that passed were neither fed nor told of, apart from those that say nothing.
func (v *Volume) Missing(passed uint64, skipped int32) uint64 {
	return uint64(max(0, int64(passed)-int64(v.Bytes)-int64(skipped)))
}

// Hello is one HELO, EHLO or LHLO.
type Hello struct {
	Verb string // "HELO", "EHLO" or "LHLO"
	Name string // as sent, at most 255 bytes
	Code int    // of its reply; 0 if none was seen
}

// Outcome is how a transaction ended.
type Outcome uint8

const (
	Open     Outcome = iota // no deciding reply was seen: it runs still, or the reply is missing
	Accepted                // the server took the message over, for one recipient at least
	Refused                 // the server refused the sender, all recipients, or the message
	Aborted                 // given up before a deciding reply: RSET, QUIT, a new HELO or MAIL, the end
)

var outcomeNames = [...]string{"open", "accepted", "refused", "aborted"}

func (o Outcome) String() string { return outcomeNames[o] }

// Transaction is one mail transaction: from MAIL FROM to its deciding reply, RSET, a new HELO or
// the end.
type Transaction struct {
	At uint64 // the time that Now gave last when it began

	MailFrom  string // without angle brackets, at most 320 bytes
	FromKnown bool   // MAIL FROM was seen; with an empty MailFrom it is the null sender "<>"
	FromCut   bool   // MailFrom is not all of the address
	UTF8      bool   // SMTPUTF8 was asked for (RFC 6531)

	Rcpts          []Rcpt // the first 100, in the order said
	RcptsOmitted   uint64 // recipients counted below but not kept in Rcpts
	RcptAccepted   uint64 // RCPT TO answered 2yz
	RcptRefused    uint64 // RCPT TO answered 4yz or 5yz
	RcptUnanswered uint64 // RCPT TO whose reply was not seen

	Size         uint64 // octets of the message as sent, dot-stuffing included, final "." not
	SizeDeclared uint64 // SIZE= of MAIL FROM (RFC 1870); 0 if none
	Chunked      bool   // sent by BDAT (RFC 3030)

	Offered   bool // the message was sent to its end
	Outcome   Outcome
	Delivered uint64 // recipients the server answered for: RcptAccepted, in LMTP the replies 2yz
	Reply     Reply  // the deciding reply; in LMTP the first 2yz, else the last
}

// Rcpt is one RCPT TO.
type Rcpt struct {
	Address string // without angle brackets, at most 320 bytes
	Code    int    // of its reply; 0 if none was seen
	Cut     bool   // Address is not all of the address
}

// NullSender says whether the sender is "<>", as in bounces (RFC 5321 section 4.5.5).
func (t *Transaction) NullSender() bool { return t.FromKnown && t.MailFrom == "" && !t.FromCut }

// Domains returns the different domains of the kept recipients, in order of appearance, in lower
// case.
func (t *Transaction) Domains() []string {
	var list []string
	seen := make(map[string]bool, len(t.Rcpts))
	for _, r := range t.Rcpts {
		if d := Domain(r.Address); d != "" && !r.Cut && !seen[d] {
			seen[d] = true
			list = append(list, d)
		}
	}
	return list
}
