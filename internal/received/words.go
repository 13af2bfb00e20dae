package received

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Words in front of a time that say what happened then: the mail itself, or something else, such as the report of it,
// its listing or its removal. The one that is nearest to the time counts.
var (
	eventWords = lazy(`(?i)event|ereignis|vorfall|zeitpunkt|gebeurtenis|événement|событи|поді[яї]|発生|occurr|happen|incident|detect|seen|spotted|observ|attack|\bhits?\b|impact|trap|spam|connect|\bsent\b|sending|arriv|timestamp|activity|` +
		`received from|mail received|message received|erkannt|festgestellt|beobachtet|gesehen|registriert|empfangen|versendet|verschickt|gesendet|meldete sich|` +
		`gezien|gedetecteerd|ontvangen|verzonden|détect|observé|\bvu\b|\bvue\b|reçu|envoy|detectad|observad|\bvist[ao]\b|recibid|enviad|recebid|` +
		`обнаружен|замечен|зафиксирован|отправлен|получен|рассыл|виявлен|помічен|зафіксован|надіслан|отриман|検出|検知|観測|受信|送信|確認`)
	asideWords = lazy(`(?i)\bfirst\b|since|generated|created|rendered|\bquer(?:y|ied)|\bblock(?:ed|ing)|suspend|\badded|deadline|\bticket|updated?\b|aktualisier|\bby:?\s(?:the )?$|` +
		`\bgesperrt|sperr|\bfrist|spätestens|antworten sie|geblokkeerd|uiterlijk|bloqu|` +
		`checked|printed|expir|remov|delist|\bnow\b|until|\breport|received an? (?:report|complaint)|complain|notif|\blisted|listing|` +
		`passed on|forwarded|processed|opened|valid|relisted|abgelaufen|gelistet|gelöscht|entfernt|gemeldet|meldung|beschwerde|\bseit\b|\bbis\b|weitergeleitet|geprüft|erstellt|` +
		`gemeld|verwijderd|vermeld|sinds|klacht|signalement|signalé|plainte|retiré|supprimé|listé|depuis|jusqu|expire|denuncia|reportad|queja|eliminad|retirad|listad|desde|hasta|removid|reclama|até|` +
		`исключ|удал|сообщени|жалоб|внес[её]н|истека|\bдо\b|проверен|видален|повідомлен|скарг|внесен|報告|削除|登録|解除|通知|苦情`)
	reportedThen = lazy(`(?i)^[^.;()\n]{0,12}(?:we (?:have )?(?:received|got|passed)|(?:was|were) (?:reported|listed|removed|passed)|wurde(?:[^.;()]|\.\d){0,60}(?:gemeldet|gelistet|entfernt)|haben wir|(?:[^.;()]|\.\d){0,30}\b(?:gesperrt|blockiert|suspendiert|blocked|suspended)\b|(?:nous avons|hemos|recebemos|мы получили|ми отримали)(?:[^.;()]|\.\d){0,40}(?:plainte|signal|queja|denuncia|reclama|жалоб|сообщ|скарг|повідом)|に(?:報告|苦情|通知|登録))`)
	earlier      = lazy(`(?i)(?:may|can|could|might|kann|können|kan|peut|puede|pode|может|може|могл\pL*|міг)[^.]{0,90}?(?:up to|bis zu|tot|jusqu'à|hasta|até|до)\s+(\d{1,3})\s+(\pL+)\s+(?:before|earlier|prior|früher|zuvor|davor|eerder|avant|plus tôt|antes|раньше|ранее|раніше)`)
)

// lastOf and firstOf are words of one of several times: the last is the one that logs still have.
var (
	lastOf  = lazy(`(?i)\b(?:last|latest|most recent|letzte\pL*|zuletzt|laatst\pL*|dernière?s?|últim[ao]s?|ultim[ao]s?)\b|последн|останн|最後|最終`)
	firstOf = lazy(`(?i)\b(?:first|earliest|erste\pL*|zuerst|eerste|première?s?|primer[ao]?s?|primeir[ao]s?)\b|перв|перш|最初`)
)

// facts are what a text says in plain words.
type facts struct {
	helos  []string // the first is the likeliest
	when   Moment
	dated  bool
	span   time.Time     // the latest of several times that are as likely
	before time.Duration // it may have been that much earlier
	aside  int           // further times, of something else
	times  int           // further times, as likely
	bound  time.Time     // it was before this: a time of a report, a listing or a removal
	addr   netip.Addr
	port   uint16
	to     []netip.Addr
	unsure []string // what is not certain of it
	marked bool     // the time has a word beside it that says what happened then
	unread bool     // there are more times, maybe of the mail
	exact  bool     // it is in a known form that a program writes, and all of it was read
}

// searchable says whether a text has enough to be a report by itself.
func (f *facts) searchable(h *Host) bool {
	return f.dated && (len(f.helos) > 0 || h.ours(f.addr) || f.marked && f.addr.IsValid()) || len(f.to) > 0 || h.ours(f.addr) || len(f.helos) > 0 && f.addr.IsValid()
}

// readWords reads prose: of a person, a provider, a blocklist.
func readWords(text string, now time.Time, h *Host) (f facts) {
	long := len(text) > maxWords
	if text = cut(text); !masked.MatchString(text) {
		text = strings.ReplaceAll(text, "**", "") // as Markdown stresses words
	}
	f.addresses(text, h)
	defer func() { f.exact = f.exact && !long }()
	if row, ok := findRow(text, now, f.addr); ok {
		row.to, row.port = f.to, f.port
		return row
	}
	if row, ok := findColumns(text, now, h); ok {
		row.fill(&f)
		if len(row.helos) == 0 {
			row.names(text)
		}
		if !row.dated {
			row.findTime(text, zoneOfAll(spaces.ReplaceAllString(text, " ")), now, false)
		}
		return row
	}
	near := aboutOne(text, f.addr)
	f.names(near) // a name elsewhere may be that of another address
	zone := zoneOfAll(spaces.ReplaceAllString(text, " "))
	if f.findTime(near, zone, now, near != text); !f.dated && near != text {
		if f.findTime(text, zone, now, false); f.dated {
			f.unsure = append(f.unsure, "the time does not stand beside the address, and there are other addresses: it may be of another")
		}
	}
	f.exact = f.dated && f.known(text, now)
	if m := earlier.FindStringSubmatch(spaces.ReplaceAllString(text, " ")); m != nil && f.dated {
		unit := inEnglish(strings.ToLower(m[2]))
		f.before = duration(m[1], unit[:min(len(unit), 1)])
	}
	return f
}

// pages are sentences of blocklists' pages in which a program tells of the mail that it saw.
var pages = []*pattern{
	lazy(`(?:^|\s)It was last detected at (\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)? (?:UTC|GMT) \(\+/- \d{1,3} minutes\))(?:, approximately [\w, ]{1,60} ago)?\.`), // CBL
	lazy(`(?:^|\s)Last impact was seen at (\d\d\.\d\d\.\d{4} \d\d:\d\d CES?T \+/- \d{1,3} minutes?)\.`),                                                       // UCEPROTECT
}

// known is true if the time comes from one of these sentences and the text is about one address only.
func (f *facts) known(text string, now time.Time) bool {
	var one netip.Addr
	for _, a := range findAddresses(text) {
		if Public(a.addr) && one.IsValid() && a.addr != one {
			return false
		}
		if Public(a.addr) {
			one = a.addr
		}
	}
	flat := spaces.ReplaceAllString(text, " ")
	for _, page := range pages {
		list := page.FindAllStringSubmatch(flat, 2)
		if len(list) != 1 {
			continue
		}
		m, err := readTime(list[0][1], now)
		return err == nil && m.Time.Equal(f.when.Time) && len(f.helos) < 2
	}
	return false
}

// masked matches a word with a part replaced by asterisks: ma**.com.
var masked = lazy(`\w\*\*+[.\w]`)

// names takes the HELO names of a text.
func (f *facts) names(text string) {
	var unsure bool
	if f.helos, unsure = findHELOs(text); unsure {
		f.unsure = append(f.unsure, "whether `"+f.helos[0]+"` is the name that the host gave in HELO is not certain: ask the reporter for the line itself")
	}
}

// aboutOne is the part of a text that is about one address of several: the lines that name it, where they have a time,
// else what is below it, up to the next address.
func aboutOne(text string, a netip.Addr) string {
	if !a.IsValid() {
		return text
	}
	var lines, below strings.Builder
	others, in := false, false
	for line := range strings.Lines(text) {
		found := findAddresses(line)
		with := slices.ContainsFunc(found, func(one placed) bool { return one.addr == a })
		other := slices.ContainsFunc(found, func(one placed) bool { return one.addr != a && Public(one.addr) && one.role != roleTo })
		switch {
		case with:
			lines.WriteString(line)
			in = true
		case other:
			others, in = true, false
		}
		if in {
			below.WriteString(line)
		}
	}
	switch {
	case !others:
		return text
	case dates.MatchString(lines.String()):
		return lines.String()
	}
	return below.String()
}

// findTime takes the time that the words around it say is that of the mail. Of several that are as likely the first
// counts; where no word says which of them it is, it may have been any of them. apart is true for the part of a text that
// is about one address: its times are all of that. zone is that of times that have none; "": not known.
func (f *facts) findTime(text, zone string, now time.Time, apart bool) {
	type candidate struct {
		at    Moment
		score int
	}
	var list []candidate
	flat, best := hyphens.ReplaceAllString(spaces.ReplaceAllString(labelled(text), " "), "$1/$2/$3"), -1
	ordered := dayOrMonthFirst(flat)
	end := 0
	found := findDates(flat)
	f.unread = f.unread || hasMoreDates(flat, found)
	for _, at := range found {
		said := flat[at[0]:at[1]]
		if !strings.Contains(said, "(") { // of a time that stands in parentheses
			said = strings.TrimRight(said, ")")
		}
		m, err := readTime(strings.Trim(ordered(said), " ,.;"), now)
		if err == nil && m.Local && zone != "" {
			if in, zoned := readTime(strings.Trim(ordered(said), " ,.;")+" "+zone, now); zoned == nil {
				m = in
			}
		}
		if err != nil {
			if strings.Contains(err.Error(), errMonth.Error()) {
				f.unsure = append(f.unsure, "the date `"+said+"` may be one of two days: "+errMonth.Error())
			}
			f.unread, end = true, at[1]
			continue
		}
		score := roleOfTime(flat[max(end, at[0]-160):at[0]], flat[at[1]:min(len(flat), at[1]+120)])
		if score >= 0 && m.Margin > 0 && m.Vague == "" {
			score += 3
		}
		end = at[1]
		if score < 0 {
			if f.bound.IsZero() || m.End().After(f.bound) {
				f.bound = m.End().Add(m.Margin)
			}
			f.aside++
			continue
		}
		if m.Time.After(now.Add(24 * time.Hour)) { // no mail was sent then
			f.unread = true
			continue
		}
		best = max(best, score)
		list = append(list, candidate{m, score})
	}
	for _, one := range list {
		switch {
		case one.score < best:
			f.aside++
			f.unread = f.unread || !one.at.Time.Equal(f.when.Time)
		case !f.dated:
			f.when, f.dated, f.marked = one.at, true, one.score > 0
		case one.at.Time.Equal(f.when.Time):
		default:
			if f.times++; best == 0 && !apart { // nothing says which of them it is
				f.spread(one.at)
			}
		}
	}
}

// allTimes is where a text says once for all which zone its times are in: "Timestamp (UTC)", "all times are UTC".
var allTimes = lazy(`(?i)(?:time ?zone|zeitzone|tijdzone|fuseau horaire|zona horaria|fuso horário|часовой пояс|часовий пояс|タイムゾーン|` +
	`(?:times?(?:stamps?)?|dates?|zeit(?:en|stempel|angaben|punkt)?|datum|tijd(?:en|stip)?|heures?|horas?|fecha|data|время|дата|час)(?:\s\pL{1,10}){0,4})\s?[:=]?\s?\(?((?:utc|gmt)\s?[+-]\s?\d{1,2}(?::?\d\d)?\b|(?:` + zoneNames + `)\b|[+-]\d\d:?\d\d\b)`)

// zoneOfAll is that zone, "" if the text does not say.
func zoneOfAll(text string) string {
	if m := allTimes.FindStringSubmatch(text); m != nil {
		return strings.ReplaceAll(m[1], " ", "")
	}
	return ""
}

// dayFirst are words of languages that put the day in front of the month.
var dayFirst = lazy(`(?i)(?:^|[^\pL])(?:und|der|das|wurde|ihr|ihre|von|het|een|van|uw|est|été|une|dans|le|les|des|votre|adresse|serveur|el|los|por|fue|servidor|dirección|foi|não|uma|del|endereço|à|às|uhr|uur|[а-яіїє]{3,})(?:[^\pL]|$)`)

// hyphens are what some have between day and month, and others between month and day.
var hyphens = lazy(`\b(\d\d)-(\d\d)-(\d{4})\b`)

// dayOrMonthFirst finds out of a whole text which of the numbers in 04/12/2015 is the day: by another date in it that
// can be read in one way alone, else by its language. What it returns writes such a date so that it has one meaning.
func dayOrMonthFirst(text string) func(string) string {
	day, month := false, false
	for _, m := range slashes.FindAllStringSubmatch(text, 60) {
		day, month = day || m[1] > "12" && len(m[1]) == 2 && m[2] <= "12", month || m[2] > "12" && len(m[2]) == 2 && m[1] <= "12"
	}
	switch {
	case day == month && !dayFirst.MatchString(text):
		return func(said string) string { return said }
	case month && !day:
		return func(said string) string { return slashes.ReplaceAllString(said, "$3-$1-$2") }
	}
	return func(said string) string { return slashes.ReplaceAllString(said, "$3-$2-$1") }
}

// spread makes the time one that may be another, too.
func (f *facts) spread(m Moment) {
	from, to := f.when.Time.Add(-f.when.Margin), f.when.End().Add(f.when.Margin)
	if f.span.After(to) {
		to = f.span
	}
	f.when, f.span = widened(f.when, from, to, m)
}

// roleOfTime scores a time by the words around it: 2 for one that tells of the mail, -1 for one that does not.
func roleOfTime(before, after string) int {
	if at := strings.LastIndexAny(before, ".;"); at >= 0 && len(before)-at > 3 { // the words of another sentence
		if rest := before[at+1:]; strings.TrimSpace(rest) != "" && !strings.HasPrefix(rest, ".") {
			before = rest
		}
	}
	if reportedThen.MatchString(after) || quotedOn.MatchString(before) && wrote.MatchString(after) {
		return -1
	}
	if recordOf.MatchString(before) { // SORBS writes so; whether of the mail is not certain
		return 0
	}
	last := func(in *pattern) int {
		found := in.FindAllStringIndex(before, 20)
		if found == nil {
			return -1
		}
		return found[len(found)-1][1]
	}
	event, aside := last(eventWords), last(asideWords)
	switch {
	case event < 0 && aside < 0:
		return 0
	case aside > event:
		return -1
	}
	switch near := before[max(0, event-40):]; {
	case lastOf.MatchString(near):
		return 3
	case firstOf.MatchString(near):
		return 1
	}
	return 2
}

// lists are words of a blocklist's page.
var lists = lazy(`(?i)\b(?:blocklist|blacklist|block list|\w*listed|delist|dnsbl|rbl|sbl|xbl|cbl|spamhaus|uceprotect|barracuda|sorbs|HELO'?e?d|HELO.?ing|gelistet|vermeld|listad[ao])|чёрн\w+ списк|черн\w+ списк|чорн\w+ списк|ブラックリスト`)
