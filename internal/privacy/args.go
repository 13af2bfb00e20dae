package privacy

import (
	"slices"
	"strings"
)

// Hidden stands for what was taken out of an argument.
const Hidden = "…"

// Args gives a command line without the passwords that are known to stand in it: the value of an option
// whose name speaks of one, what is behind the colon of curl's --user, and the password of a URL. Who wants
// to hide one elsewhere can: ps shows it to everybody on the machine, too. What has no password is given
// back as it is.
func Args(args []string) []string {
	clean := args
	for i, arg := range args {
		shown := argument(arg)
		if i > 0 {
			shown = value(args[i-1], shown)
		}
		if shown == arg {
			continue
		}
		if &clean[0] == &args[0] {
			clean = slices.Clone(args)
		}
		clean[i] = shown
	}
	return clean
}

// argument hides what one word tells by itself.
func argument(arg string) string {
	if name, secret, ok := strings.Cut(arg, "="); ok && secret != "" && isSecret(name) {
		return name + "=" + Hidden
	}
	for from := 0; ; {
		at := strings.Index(arg[from:], "://")
		if at < 0 {
			return arg
		}
		from += at + len("://")
		host := arg[from:]
		if end := strings.IndexAny(host, "/?# '\""); end >= 0 {
			host = host[:end]
		}
		user, _, ok := cutLast(host, "@")
		if name, secret, has := strings.Cut(user, ":"); ok && has && secret != "" {
			arg = arg[:from+len(name)+1] + Hidden + arg[from+len(user):]
		}
	}
}

// value hides the word behind an option.
func value(option, word string) string {
	switch {
	case word == "" || !strings.HasPrefix(option, "-"):
		return word
	case option == "-u" || option == "--user" || option == "-U" || option == "--proxy-user":
		if name, secret, ok := strings.Cut(word, ":"); ok && secret != "" {
			return name + ":" + Hidden
		}
		return word
	case strings.Contains(option, "=") || !isSecret(option):
		return word
	}
	return Hidden
}

// isSecret tells an option's or a variable's name that speaks of a password: swaks -ap and
// --auth-password, sendemail -xp, and whatever has the word in it. A name may say how a password is found
// instead: msmtp --passwordeval.
func isSecret(name string) bool {
	switch name {
	case "-ap", "-xp":
		return true
	}
	name = strings.ToLower(name)
	if strings.HasSuffix(name, "eval") || strings.HasSuffix(name, "file") || strings.HasSuffix(name, "command") {
		return false
	}
	for _, word := range []string{"password", "passwd", "passphrase", "secret", "token", "api-key", "api_key", "apikey"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return strings.HasSuffix(name, "-pass") || strings.HasSuffix(name, "_pass") || name == "pass"
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
