package received

import (
	"fmt"
	"slices"
	"strings"
)

// protocols are the words behind "with" in a Received header (RFC 3848; RFC 6531 section 4.3): S is
// TLS, A is AUTH.
var protocols = func() map[string]string {
	all := map[string]string{"SMTP": "HELO, not EHLO"}
	for base, hello := range map[string]string{"ESMTP": "EHLO", "LMTP": "LHLO", "UTF8SMTP": "EHLO", "UTF8LMTP": "LHLO"} {
		all[base] = hello
		all[base+"S"] = hello + ", and TLS was on"
		all[base+"A"] = hello + ", and it logged in (AUTH)"
		all[base+"SA"] = hello + ", TLS was on, and it logged in (AUTH)"
	}
	return all
}()

// others are further words there that mean SMTP: Exchange, IIS, Cloudmark, old Exim, Yahoo.
var others = []string{"MICROSOFT SMTP SERVER", "MICROSOFT SMTPSVC", "BIZSMTP", "CMSMTP", "ASMTP", "SMTPS", "SMTPSVC", "XCLIENT", "SUBMISSION", "SURFRONT"}

// bySMTP says whether a mail came by SMTP: what a client says over any other protocol is no HELO name.
func (h *hop) bySMTP() bool {
	with := strings.ToUpper(h.with)
	return with == "" || protocols[with] != "" || slices.Contains(others, with)
}

// explainWith says what the protocol means, "" where that is not certain.
func (h *hop) explainWith() string {
	meaning := protocols[strings.ToUpper(h.with)]
	switch {
	case meaning == "":
		return ""
	case h.style == heloInside && strings.EqualFold(h.with, "SMTP"):
		// qmail and Yahoo write "with SMTP" whatever the client said.
		if h.verb == "EHLO" {
			return fmt.Sprintf("the client said EHLO: `%s` beside the name is more than `with %s` here", h.verb, h.with)
		}
		return fmt.Sprintf("whether the client said HELO or EHLO is not certain: servers that write names like this say `with %s` for both", h.with)
	case strings.EqualFold(h.with, "SMTP"):
		return fmt.Sprintf("`with %s` means the client said HELO, not EHLO", h.with)
	}
	return fmt.Sprintf("`with %s` means the client said %s", h.with, meaning)
}

// explainName says which of the names is which.
func (h *hop) explainName() string {
	switch {
	case h.helo == "" && h.addr.IsValid():
		return "the header does not say which name the client gave in HELO"
	case h.helo == "":
		return ""
	case h.style == eximNamed:
		return fmt.Sprintf("`%s` is the HELO name and the rDNS: Exim writes it once where both are the same", h.helo)
	case h.rdns == "" && h.style == bareFirst:
		return fmt.Sprintf("`%s` is the HELO name, not rDNS: the server found no name for the address", h.helo)
	case h.style == plainFirst && h.with != "Microsoft SMTP Server":
		return fmt.Sprintf("`%s` is the HELO name, whatever the rDNS is", h.helo)
	case h.rdns == "":
		return fmt.Sprintf("`%s` is the HELO name, not rDNS", h.helo)
	}
	return fmt.Sprintf("`%s` is the HELO name, `%s` is the rDNS of the address", h.helo, h.rdns)
}
