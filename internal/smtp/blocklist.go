package smtp

import "regexp"

// blocklistWords are how refusals name a blocklist. Each stands with who writes so.
var blocklistWords = regexp.MustCompile(`(?i)` +
	// The lists themselves: replies name them, or the page that explains the listing.
	`spamhaus|\babuseat\.org|spamcop|barracudacentral|\bsorbs\.net|uceprotect|spamrats|abusix|mailspike|` +
	`invaluement|\bsurriel\.com|\bsurbl\b|\buribl\b|\bblocklist\.de|junkemailfilter|\bbackscatterer\.org|\bs5h\.net|` +
	// Any of them, in the words of their kind: RFC 5782, DNS Blacklists and Whitelists.
	`\b(?:dns|r|u)[ -]?bls?\b|\bblock ?-?lists?\b|\bblock ?-?listed\b|\bblack ?-?lists?\b|\bblack ?-?listed\b|` +
	// Postfix, default_rbl_reply: "Service unavailable; Client host [192.0.2.1] blocked using zen.example".
	`\bblocked using\b|` +
	// Exim's example, and rspamd's: "host 192.0.2.1 is listed in zen.example"; "is listed at".
	`\bis (?:currently )?listed (?:in|at|on|by)\b|` +
	// Exchange Online: "banned sending IP [192.0.2.1]"; "To request removal from this list".
	`\bbanned sending ip\b|\bremoval from this list\b`)

// blocklisted says whether the server refused with the name of a blocklist.
func blocklisted(r Reply) bool {
	return refused(r.Code) && (blocklistWords.MatchString(r.First) || blocklistWords.MatchString(r.Last))
}
