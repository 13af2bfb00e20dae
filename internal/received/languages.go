package received

import "strings"

// monthNames are the months in the languages that bounces and listings come in, a line a month: English, German, Dutch,
// French, Spanish, Portuguese, Italian, Russian, Ukrainian, with their abbreviations.
var monthNames = []string{
	"january jan januar jänner jän januari janvier janv enero ene janeiro gennaio gen января январь янв січня січ",
	"february feb februar februari février fevrier févr fevr fév febrero fevereiro fev febbraio февраля февраль фев февр лютого лют",
	"march mar märz maerz mär mrz maart mrt mars marzo março marco марта март мар березня бер",
	"april apr avril avr abril abr aprile апреля апрель апр квітня квіт кві",
	"may mai mei mayo maio maggio mag мая май травня трав тра",
	"june jun juni juin junio junho giugno giu июня июнь июн червня черв чер",
	"july jul juli juillet juil julio julho luglio lug июля июль июл липня лип",
	"august aug augustus août aout agosto ago августа август авг серпня серп сер",
	"september sep sept septembre septiembre setiembre setembro set settembre сентября сентябрь сен сент вересня вер",
	"october oct okt oktober octobre octubre outubro out ottobre ott октября октябрь окт жовтня жовт жов",
	"november nov novembre noviembre novembro ноября ноябрь ноя нояб листопада лист лис",
	"december dec dez dezember déc décembre decembre diciembre dic dezembro dicembre декабря декабрь дек грудня груд гру",
}

// glosses are the other words of times, with what they mean in English; "" is left out.
var glosses = map[string]string{
	"montag": "mon", "dienstag": "tue", "mittwoch": "wed", "donnerstag": "thu", "freitag": "fri", "samstag": "sat",
	"sonnabend": "sat", "sonntag": "sun", "mo": "mon", "di": "tue", "mi": "wed", "do": "thu", "fr": "fri", "sa": "sat", "so": "sun",
	"heute": "today", "gestern": "yesterday", "vandaag": "today", "gisteren": "yesterday", "hoy": "today", "ayer": "yesterday",
	"hier": "yesterday", "hoje": "today", "ontem": "yesterday", "сегодня": "today", "вчера": "yesterday", "сьогодні": "today", "вчора": "yesterday",
	"minuten": "minutes", "minutos": "minutes", "минут": "minutes", "мин": "minutes", "минуты": "minutes", "хвилин": "minutes", "хв": "minutes", "хвилини": "minutes",
	"stunden": "hours", "stunde": "hours", "uren": "hours", "heures": "hours", "heure": "hours", "horas": "hours", "hora": "hours", "часов": "hours", "часа": "hours", "час": "hours", "годин": "hours", "години": "hours",
	"tage": "days", "tagen": "days", "dagen": "days", "jours": "days", "jour": "days", "días": "days", "dias": "days", "дней": "days", "дня": "days", "днів": "days", "дні": "days",
	"uhr": "", "uur": "", "um": "", "am": "am", "om": "", "op": "", "à": "", "le": "", "les": "", "las": "", "la": "", "a": "", "às": "", "em": "", "el": "", "los": "",
	"de": "", "del": "", "of": "", "du": "", "den": "", "der": "", "в": "", "во": "", "о": "", "об": "", "на": "", "г": "", "года": "", "р": "", "року": "", "около": "", "близько": "",
	"ca": "", "gegen": "", "rond": "", "vers": "", "environ": "", "hacia": "", "cerca": "", "alle": "", "ore": "", "kl": "", "circa": "", "und": "",
	"мск": "msk", "гринвичу": "gmt", "гринвічу": "gmt", "по": "", "за": "", "московскому": "msk", "москве": "msk", "времени": "", "время": "", "часом": "", "київським": "europe/kiev", "києвом": "europe/kiev",
	"日本時間": "jst", "頃": "", "ごろ": "",
}

// english finds the English word of each.
var english = func() map[string]string {
	all := map[string]string{}
	for i, names := range monthNames {
		for name := range strings.FieldsSeq(names) {
			all[name] = months[i]
		}
	}
	for word, means := range glosses {
		all[word] = means
	}
	delete(all, "ago") // 2 days ago
	return all
}()

// inEnglish translates a word of a time.
func inEnglish(word string) string {
	if means, known := english[word]; known {
		return means
	}
	if len(word) > 3 { // Tuesday, Sept
		for day := range strings.SplitSeq("monday tuesday wednesday thursday friday saturday sunday", " ") {
			if strings.HasPrefix(day, word) {
				return word[:3]
			}
		}
	}
	return word
}

// allMonths are all of them, for a regular expression, the longest first.
var allMonths = func() string {
	var list []string
	for _, names := range monthNames {
		list = append(list, strings.Fields(names)...)
	}
	return alternatives(list)
}()
