package received

// german are the words of dates that are not written as in English, or begin otherwise.
var german = map[string]string{
	"januar": "jan", "jänner": "jan", "jän": "jan", "februar": "feb", "märz": "mar", "maerz": "mar", "mär": "mar", "mrz": "mar",
	"mai": "may", "juni": "jun", "juli": "jul", "okt": "oct", "oktober": "oct", "dez": "dec", "dezember": "dec",
	"montag": "mon", "dienstag": "tue", "mittwoch": "wed", "donnerstag": "thu", "freitag": "fri", "samstag": "sat",
	"sonnabend": "sat", "sonntag": "sun", "mo": "mon", "di": "tue", "mi": "wed", "do": "thu", "fr": "fri", "sa": "sat", "so": "sun",
	"heute": "today", "gestern": "yesterday", "um": "at", "uhr": "", "minuten": "minutes",
}

// inEnglish translates a word of a date.
func inEnglish(word string) string {
	if english, known := german[word]; known {
		return english
	}
	return word
}
