package received

import (
	"slices"
	"strings"
)

// dateLike is what may be a time, in a language or form that is not read: a day with a word or number for the month, a
// time of day.
var dateLike = lazy(`(?i)\b\d{1,2}(?:st|nd|rd|th|\.|º)?,?[ -]{1,2}(?:de |of )?\pL{3,12}\.?,?[ -]{1,2}(?:de )?\d{4}\b|\b\d{1,2}(?:st|nd|rd|th|\.|º)?[ -]{0,2}(?:de |of )?(?:` + allMonths +
	`)\b|\b(?:` + allMonths + `)\.?[ -]\d{1,2}\b|\b\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d\d)\b|\b\d{4}[/.-]\d{1,2}[/.-]\d{1,2}\b|\d{1,4}[年月日]|(?:^|[^\d:.A-Fa-f])\d{1,2}:\d\d(?:[^\d:A-Fa-f]|:\d\d[^:\dA-Fa-f]|$)|\b\d{1,2}\s?[ap]\.?m\b|\b1[4-9]\d{8}\b|\byesterday\b|\bgestern\b`)

// hasMoreDates says whether a text has what may be a time beside those that were found.
func hasMoreDates(text string, found [][]int) bool {
	if len(found) >= maxDates {
		return true
	}
	from := 0
	for _, at := range append(slices.Clip(found), []int{len(text), len(text)}) {
		between := text[min(from, at[0]):at[0]]
		for _, like := range dateLike.FindAllStringIndex(between, 60) {
			// Digits of an address or of a version are no date.
			if !partOfAddress(between, like[0], like[1]) {
				return true
			}
		}
		from = at[1]
	}
	return false
}

// partOfAddress says whether digits go on before or behind a place, as those of an address do.
func partOfAddress(text string, from, to int) bool {
	sign := func(c byte) bool { return c == '.' || c == ':' || c == '/' || '0' <= c && c <= '9' }
	return from > 0 && sign(text[from-1]) || to+1 < len(text) && sign(text[to]) && '0' <= text[to+1] && text[to+1] <= '9'
}

var (
	label  = lazy(`^[>*\s|-]{0,8}\pL[\pL /-]{1,30}\*?\s?(?:\([^()]{1,20}\))?\s?[:=：]`)
	sentOn = lazy(`(?i)^[>*\s]{0,8}(?:date|sent|datum|gesendet|verzonden|envoyé|fecha|enviad[oa](?: el| em)?|data|дата|отправлено|надіслано|送信日時|日付)\*{0,2}\s?[:：]`)
	headed = lazy(`(?i)^[>*\s]{0,8}(?:(?:from|von|van|de|от|від|差出人|to|an|aan|à|para|кому)\*{0,2}\s?[:：].{0,200}@|(?:subject|betreff|onderwerp|objet|asunto|assunto|тема|件名)\*{0,2}\s?[:：])`)

	recordOf = lazy(`(?i)\brecord created:?\s?(?:[a-z]{3},?\s)?$`)

	// Mail programs quote with "On DATE, NAME wrote:".
	quotedOn = lazy(`(?i)\b(?:on|am|le|el|op|em)\s(?:\pL{2,10}[.,]{0,2}\s)?$`)
	wrote    = lazy(`(?i)^.{0,120}?(?:wrote|schrieb|schreef|a écrit|escribió|escreveu|написал|пише)[^:]{0,20}:`)
)

// labelled ends the sentence in front of a line that begins with a label: the words above say nothing of its time. The
// date among the header lines of a mail that was passed on is that of the report.
func labelled(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		switch line = line[:min(len(line), maxLine)]; {
		case !label.MatchString(line):
		case sentOn.MatchString(line) && slices.ContainsFunc(lines[max(0, i-3):min(len(lines), i+4)], isHeaded):
			lines[i] = "; Forwarded " + lines[i]
		default:
			lines[i] = "; " + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}

func isHeaded(line string) bool { return headed.MatchString(line[:min(len(line), maxLine)]) }
