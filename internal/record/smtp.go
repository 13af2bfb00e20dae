package record

import "time"

// SMTP is what was said. Texts are as sent; nothing of a body, a subject or a secret is among them.
//
// Messages, Recipients and Transactions are those since the record before it of the same event.id: a
// session that lives for long has several records, and a sum over them is right.
type SMTP struct {
	// Since is when what the record tells began to be said, in a record whose event.sequence is above 1: the ones before
	// it tell the rest.
	Since time.Time `json:"since"`

	Verb   string   `json:"verb"` // HELO, EHLO or LHLO; empty if none was said
	HELO   string   `json:"helo"` // the first name given
	HELOs  []string `json:"helos"`
	Banner string   `json:"banner"`

	Messages   uint64 `json:"messages"`   // accepted by the server
	Recipients uint64 `json:"recipients"` // accepted, of these messages
	TLS        bool   `json:"tls"`        // some of the dialogue was encrypted, and not seen
	StartTLS   string `json:"starttls"`   // accepted, refused, unused (accepted, then clear text); empty: not asked for
	Auth       Auth   `json:"auth"`

	FirstReply          string        `json:"first_reply"`
	LastReply           string        `json:"last_reply"`
	Transactions        []Transaction `json:"transactions"`
	TransactionsOmitted uint64        `json:"transactions_omitted"` // more than a record holds

	// Unseen counts octets of the dialogue that were lost, cut without being understood, or given up; 1 where
	// their number is not known. Where it is not 0, Messages, Recipients and the transactions prove nothing of
	// what is not among them.
	Unseen uint64 `json:"unseen"`
}

// hidden says whether TLS hid how many messages there were.
func (s *SMTP) hidden() bool { return s.TLS && s.Messages == 0 && s.Recipients == 0 }

// Auth is what is known of AUTH.
type Auth struct {
	Mechanism string  `json:"mechanism"`
	Outcome   Outcome `json:"outcome"`
}

// Transaction is one mail transaction, from MAIL FROM to its deciding reply, RSET, a new HELO or the end.
// Which form of the addresses is filled is the choice of the privacy mode.
type Transaction struct {
	Start time.Time `json:"start"`

	MailFrom       string `json:"mail_from"` // NullSender for "<>"
	MailFromDomain string `json:"mail_from_domain"`
	MailFromHMAC   string `json:"mail_from_hmac"` // hex

	RcptCount   uint64   `json:"rcpt_count"` // RCPT TO said; always written, like the two below
	RcptRefused uint64   `json:"rcpt_refused"`
	RcptDomains []string `json:"rcpt_domains"`
	RcptTo      []string `json:"rcpt_to"`
	RcptHMAC    []string `json:"rcpt_hmac"` // hex

	Size    uint64 `json:"size"`    // octets of the message that were sent
	Outcome string `json:"outcome"` // open, accepted, refused, aborted
	Reply   string `json:"reply"`   // the deciding one
}

// NullSender is the mail_from of a bounce, in every privacy mode.
const NullSender = "<>"

// TLS is what the client asked for in the clear (its ClientHello).
type TLS struct {
	Client TLSClient `json:"client"`
}

// TLSClient is the client's side of TLS.
type TLSClient struct {
	ServerName string   `json:"server_name"` // SNI
	ALPN       []string `json:"alpn"`        // as offered
}
