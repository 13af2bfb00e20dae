package received

import (
	"net/netip"
	"strings"
	"time"
)

var (
	// Subjects and words of bounces: Postfix, Exim, qmail, Sendmail, Exchange, Gmail, GMX, mail.ru, Yandex, and what
	// they are in other languages.
	bounceSubject = lazy(`(?i)undeliver|delivery (?:status|failure|has failed)|mail delivery|returned (?:mail|to sender)|failure notice|non.?delivery|` +
		`unzustellbar|nicht zugestellt|zustellung|onbestelbaar|niet (?:be|af)geleverd|non remis|non distribu|échec de (?:la )?(?:remise|distribution)|` +
		`no se (?:puede|pudo|ha podido) entregar|no entregado|devuelto|não (?:foi )?entreg|não pôde ser entregue|falha na entrega|` +
		`недоставлен|не доставлен|не может быть доставлен|возвращен|недоставк|не вдалося доставити|配信(?:不能|できません|エラー)|送信できません`)
	bounceWords = lazy(`(?i)this is the (?:qmail-send program|mail system at host)|host \S{1,250}\s?\[[0-9a-f.:]{3,45}\](?: said:|: [45]\d\d)|created automatically by mail delivery software|` +
		`(?:following|recipients?) (?:addresses|address\(es\)|recipients?)[^\n]{0,40}(?:failed|fatal errors|could not)|delivery to the following recipients? (?:failed|has been)|` +
		`(?:undelivered|permanent fatal errors|permanent error|SMTP error from remote|could not be delivered to one or more)|this is the (?:DragonFly|dma)|` +
		`hi! this is the mailer|diagnostic information for administrators|diagnoseinformationen für administratoren|informations de diagnostic|` +
		`información de diagnóstico|informações de diagnóstico|диагностические сведения|діагностичн|管理者向けの診断情報|diagnostische gegevens|` +
		`mail-?system (?:des|auf dem) rechner|konnte nicht zugestellt|n'a pas pu être (?:remis|distribu)|no (?:se )?pudo (?:ser )?entreg|не может быть доставлено|створено автоматично|создано автоматически`)
	daemon = lazy(`(?i)\b(?:mailer-daemon|postmaster|mail delivery (?:sub)?system|microsoftexchange\w*)\b`)
)

// isBounce says whether a text is a bounce, though it has no delivery status.
func isBounce(head fields, words string) bool {
	words = cut(words)
	from := head.get("from")
	switch {
	case daemon.MatchString(from):
		return bounceSubject.MatchString(head.get("subject")) || bounceWords.MatchString(words)
	case head == nil:
		return bounceWords.MatchString(words) || bounceLine.MatchString(words)
	}
	return head.get("return-path") == "<>" && bounceWords.MatchString(words) || head.get("x-failed-recipients") != ""
}

// writers are the words with which the server that wrote a bounce names itself.
var writers = []*pattern{
	lazy(`(?i)(?:this is the mail system at host|qmail-send program at|mail-?system (?:des|auf dem) rechners?|(?:generating server|generierender server|` +
		`serveur de génération|servidor de generación|servidor gerador|формирующий сервер|generatie[- ]?server|生成サーバー)\s?:?)\s+([A-Za-z0-9][A-Za-z0-9.-]{2,250})`),
	lazy(`(?i)(?:mailsysteem|système de messagerie|sistema de corre\pL{1,3}|почтовая система|поштова система)[^\n.]{0,20}?(?:\s|['’])([A-Za-z0-9][A-Za-z0-9-]{0,62}\.[A-Za-z0-9.-]{1,250})`),
	lazy(`([A-Za-z0-9][A-Za-z0-9.-]{2,250})\s?のメールシステム`),
}

var addressDomain = lazy(`@([A-Za-z0-9][A-Za-z0-9.-]{1,250})`)

// bounce reads a bounce. One that this host's own mail server wrote says when the mail was handed in, and where it went
// to; one of another's server says how the mail came there.
func (r *reader) bounce(l *letter, why string) {
	c, words := r.c, l.words.String()
	head := l.received(r)
	hops := findHops(l.source(), r.now)
	by, certain := r.writer(l, words, head, hops)
	unsigned := by == "" && len(hops) == 0 && (refused[0].MatchString(cut(words)) || bounceLine.MatchString(cut(words)))
	switch {
	case unsigned: // the lines alone that name the server: who has them is who sent
		c.is(kindOwnBounce, why+", and it names the server that did not take the mail")
		c.doubt("whether this host's own mail server wrote it is not certain: ask for the whole bounce")
	case by == "" || !certain && !r.bornAt(by, hops):
		r.foreignBounce(l, why, by, hops)
		return
	default:
		c.is(kindOwnBounce, why+", and `"+by+"` wrote it")
		if !certain {
			c.doubt("whether `%s` is this host is not certain (name it with --own)", by)
		}
	}
	r.ownBounce(l, words, head, hops, by)
}

// writer names the server that wrote a bounce, and says whether it is certain that it is this host.
func (r *reader) writer(l *letter, words string, head, hops []hop) (name string, certain bool) {
	var names []string
	if _, mta, is := strings.Cut(l.field("reporting-mta"), ";"); is {
		names = append(names, strings.TrimSpace(mta))
	}
	for _, form := range writers {
		if m := form.FindStringSubmatch(cut(words)); m != nil {
			names = append(names, m[1])
		}
	}
	if n := len(head); n > 0 && head[n-1].helo == "" && !head[n-1].addr.IsValid() { // made on the server
		names = append(names, head[n-1].by)
	}
	if m := addressDomain.FindStringSubmatch(l.head.get("from")); m != nil {
		names = append(names, m[1])
	}
	for _, name := range names {
		if r.host.named(name) {
			return strings.TrimSuffix(name, "."), true
		}
	}
	if len(names) == 0 && len(hops) > 0 && r.host.named(hops[0].by) { // the last that had it
		return hops[0].by, true
	}
	if len(names) == 0 {
		return "", false
	}
	return strings.TrimSuffix(names[0], "."), false
}

// bornAt says whether the mail that a bounce is about was handed in on the server that wrote the bounce.
func (r *reader) bornAt(by string, hops []hop) bool {
	return len(hops) > 0 && hops[0].local && strings.EqualFold(hops[0].by, by)
}

// ownBounce takes the interval from when the mail came to the server until the bounce, and the server that refused it.
func (r *reader) ownBounce(l *letter, words string, head, hops []hop, by string) {
	c := r.c
	r.script(l.source())
	for i := len(hops) - 1; i >= 0; i-- { // the last of them was written first
		if h := &hops[i]; h.local && h.by == "" || strings.EqualFold(h.by, by) || r.host.named(h.by) {
			r.bornHere(h)
			c.say("the header of the mail tells who handed it in%s", whom(h))
			break
		}
	}
	arrived := r.arrived(l)
	if arrived == nil && len(hops) > 0 && hops[0].dated {
		arrived = &hops[0].when
	}
	if arrived == nil {
		arrived = r.written(l)
	}
	made := r.made(l, head, by)
	r.between(arrived, made)
	if id := l.field("x-postfix-queue-id"); id != "" {
		c.QueueID = id
	}
	c.Rcpt = one(r.recipients(l, words, false))
	c.doubt(sentItself)
	r.refusal(l, words)
	if len(c.To) == 0 {
		c.say("the server that did not take it is not named by its address")
	}
}

// sentItself is why a log without the session clears nobody where this host's own mail server tells of it.
const sentItself = "this host's own mail server says that it sent the mail: a log without that session is not whole, or of another host"

// bornHere takes who handed the mail in, from the header that was written first.
func (r *reader) bornHere(h *hop) {
	c := r.c
	from, script := h.from, c.HandedIn.Script
	if a, err := netip.ParseAddr(from.Client); err == nil && a.IsLoopback() {
		from.Client = ""
	}
	if from.UID == nil {
		from.UID = c.HandedIn.UID
	}
	if from.Account == "" {
		from.Account = c.HandedIn.Account
	}
	if from.Script = script; from != (HandedIn{}) {
		c.HandedIn = from
	}
	if c.QueueID == "" {
		c.QueueID = h.id
	}
}

// arrived is when the mail came to the server that wrote the bounce; nil if that is not known.
func (r *reader) arrived(l *letter) *Moment {
	if at, err := readTime(l.field("arrival-date"), r.now); err == nil {
		r.c.say("the server took the mail at %s, as its field Arrival-Date says", at.Time.Format(sayLayout))
		return &at
	}
	if m := takenAt.FindStringSubmatch(cut(l.words.String())); m != nil {
		if at, err := readTime(m[1], r.now); err == nil {
			r.c.say("the server took the mail at %s, as it says", at.Time.Format(sayLayout))
			return &at
		}
	}
	return nil
}

// takenAt is where Sendmail, and a German relative, say in words when a mail came, and from where.
var takenAt = lazy(`(?i)(?:original message was received at|e-?mail wurde eingeliefert am)\s+([^\n]{10,60}?)(?:\s+von Host [^\n]*|\s*\n\s*from (\S*)\s?\[([0-9A-Fa-f.:]+)\])?[ \t]*(?:\n|$)`)

// written is when the mail that a bounce is about says that it was written; nil if that is not known.
func (r *reader) written(l *letter) *Moment {
	inner, _, ok := readFields(l.inner)
	if !ok {
		return nil
	}
	at, ok := r.date(inner)
	if !ok {
		return nil
	}
	r.c.say("the mail says that it was written at %s", at.Time.Format(sayLayout))
	return &at
}

// made is when the bounce was written; nil if that is not known.
func (r *reader) made(l *letter, head []hop, by string) *Moment {
	for i := len(head) - 1; i >= 0; i-- {
		if h := &head[i]; h.dated && strings.EqualFold(h.by, by) {
			return &h.when
		}
	}
	if at, ok := r.date(l.head); ok {
		return &at
	}
	if at, err := readTime(l.field("last-attempt-date"), r.now); err == nil {
		return &at
	}
	if m := passedOn.FindStringSubmatch(cut(l.words.String())); m != nil && len(l.head) == 0 {
		if at, err := readTime(m[1], r.now); err == nil {
			return &at
		}
	}
	return nil
}

// passedOn is the date of a mail that was passed on as text, as mail programs write it.
var passedOn = lazy(`(?im)^[>*\s]{0,6}(?:date|sent|datum|gesendet|verzonden|envoyé|fecha|enviado(?: el)?|data|дата|отправлено|надіслано|送信日時|日付)\*{0,2}\s?[:：]\*{0,2}\s*([^\n]{8,60}?)\s*$`)

// giveUp is how long a mail server tries (RFC 5321 section 4.5.4.1: at least 4-5 days).
const giveUp = 5 * 24 * time.Hour

// between makes the time an interval.
func (r *reader) between(from, to *Moment) {
	c := r.c
	switch {
	case from != nil && to != nil && !to.Time.Before(from.Time) && to.Time.Sub(from.Time) < 30*24*time.Hour:
		c.When, c.Dated = *from, true
		if end := to.End().Add(to.Margin); end.After(from.End().Add(from.Margin)) {
			c.Until = end
		}
	case from != nil && to == nil:
		c.When, c.Dated = *from, true
	case to != nil:
		c.When, c.Dated, c.Before = *to, true, giveUp
		c.say("when the mail was sent is not said: it was in the %d days before the bounce, as long as servers try", giveUp/(24*time.Hour))
		c.doubt("when the mail was sent is not said, only when it came back: ask for the whole bounce")
	}
}

// foreignBounce reads a bounce of another's server by the header of the mail that it returns. How the bounce itself
// came here says nothing of that mail.
func (r *reader) foreignBounce(l *letter, why, by string, hops []hop) {
	c := r.c
	c.is(kindBounce, why+", and another server wrote it")
	r.reporter = by
	found := r.quoted(l.source(), netip.Addr{})
	if to := l.field("original-recipient"); to != "" {
		c.Rcpt = mailAddress(to)
	} else if c.Rcpt == "" {
		c.Rcpt = one(r.recipients(l, l.words.String(), true))
	}
	if text := diagnostic(l, l.words.String()); text != "" {
		c.Reply = text
	}
	if found && c.Dated {
		return
	}
	if m := takenAt.FindStringSubmatch(cut(l.words.String())); m != nil && !c.Addr.IsValid() {
		if a, err := netip.ParseAddr(m[3]); err == nil && Public(a.Unmap()) {
			c.Addr = a.Unmap()
			c.say("the server took the mail from `%s`, as it says", strings.TrimSpace(m[2]+" "+m[3]))
		}
	}
	arrived := r.arrived(l)
	made := r.made(l, nil, "")
	if arrived == nil {
		arrived = r.written(l)
	} else {
		made = nil // an answer to what was said to it then
	}
	r.between(arrived, made)
	if c.HELO == "" && !c.Addr.IsValid() {
		c.doubt("the bounce does not tell which host brought the mail to that server, and when it left this one: ask for the headers of the mail")
	}
	if len(hops) == 0 {
		c.say("it does not have the Received headers of the mail that it returns, so the HELO name and the address are not known: ask for them")
	}
}
