package received

// dates are days with a time of day, as people and programs write them in prose: the day first or the time first, with
// blanks as translations leave them.
var dates = func() *pattern {
	const between = `(?:\s?(?:г\.?|р\.?|года|року)\s)?(?:[T,]|\s|:|~|≈|\bat\b|\bum\b|\bom\b|à|\ba las\b|\ba la\b|às|\bas\b|\balle\b|в|о|об|около|близько|` +
		`\bca\.?|about|around|approximately|circa|gegen|rond|vers|environ|hacia|- |\bkl\.?){1,6}`
	const ofDay = `~?\s?(?:午前|午後)?\d{1,2}(?:\s?[:h時]\s?\d{2}(?:\s?[:分]\s?\d{2}(?:[.,]\d{1,9})?)?(?:\s?[分秒]|\s?min\s?\d\d\s?s\b)?|\.\d\d(?:\s?uhr|\s?uur)|\s?[ap]m\b)` +
		`(?:\s?[ap]\.?m\b\.?)?(?:\s?(?:uhr|uur|ч\.|h\b|год\.))?`
	const giveOrTake = `(?:[,;]?\s?\(?\s?` + plusMinus + `\s?\d{1,4}\s?\pL{1,9}\.?\s?\)?)?`
	month := `(?:` + allMonths + `)`
	onDay := `(?:\b\d{4}\s?[-/.:]\s?\d{1,2}\s?[-/.:]\s?\d{1,2}|\d{4}\s?年\s?\d{1,2}\s?月\s?\d{1,2}\s?日|\b\d{1,2}\s?[./-]\s?\d{1,2}\s?[./-]\s?\d{4}|` +
		`\b\d{1,2}(?:st|nd|rd|th|er|º|\.)?[ /-]{0,2}(?:de |of |d')?` + month + `\.?,?[ ,/-]{0,2}(?:del? |of )?\d{4}|` +
		month + `\.?,?\s\d{1,2}(?:st|nd|rd|th)?,?\s\d{4})`
	named := `(?:(?:utc|gmt)\s?[+-]\d{1,2}(?::?\d\d)?|(?:[a-z]{3,4}\s)?[+-]\d\d:?\d\d|z\b|(?:` + zoneNames + `)\b|(?-i:[A-Z]{3,4}\b)|` +
		`по гринвичу|по московскому времени|за гринвічем|мск|за києвом|за київським часом|日本時間|heure de paris|hora de madrid|(?:europe|america|asia|australia)/[a-z_]+)`
	zone := `(?:\s?` + named + `|\s?\(` + named + `\))?(?:\s?\((?-i:[A-Z]{2,5})\))?`
	logged := month + `\s{1,2}\d{1,2}\s\d\d:\d\d:\d\d(?:(?:\s(?:` + zoneNames + `))?\s\d{4}\b)?`
	return lazy(`(?i)(?:` + onDay + between + ofDay + zone + giveOrTake +
		`|` + ofDay + zone + `(?:,| on| am| op| le| el| em| du| del)?\s` + onDay + giveOrTake +
		`|` + logged + zone + giveOrTake + `|\b\d{8}T\d{4,6}Z?)`)
}()

// hourly is a quick look for a time of day.
var hourly = lazy(`(?i)\d\s?[:h時]\s?\d|\d\s?[ap]\.?m\b|\d\.\d\d\s?u[hu]r|\d{8}T\d`)

// maxDates bounds the dates of a text.
const maxDates = 60

// findDates finds the dates in a text.
func findDates(text string) (list [][]int) {
	hours := hourly.FindAllStringIndex(text, 200)
	for i, end := 0, 0; i < len(hours) && len(list) < maxDates; i++ {
		from := max(end, hours[i][0]-100)
		for i+1 < len(hours) && hours[i+1][0] < hours[i][1]+200 { // one stretch
			i++
		}
		to := min(len(text), hours[i][1]+100)
		for from > end && from < len(text) && text[from]&0xc0 == 0x80 { // not within a character
			from--
		}
		for tries := 0; from < to && tries < 60; tries++ {
			at := dates.FindStringIndex(text[from:to])
			if at == nil {
				break
			}
			start := from + at[0]
			if from += at[1]; start > 0 && '0' <= text[start] && text[start] <= '9' && partOfNumber(text[start-1]) {
				from = start + 1 // 203.0.113.9 am 11.10.2022
				continue
			}
			list = append(list, []int{start, from})
		}
		end = max(to, from)
	}
	return list
}

// partOfNumber says whether a number may go on behind a sign.
func partOfNumber(sign byte) bool { return sign == '.' || '0' <= sign && sign <= '9' }
