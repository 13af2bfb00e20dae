package proc

import (
	"slices"
	"strings"

	"github.com/smtptrace/smtptrace/internal/event"
)

// grammar tells how an interpreter reads its command line, as far as it matters to find the script.
type grammar struct {
	names   []string // of the exe, without a version behind
	threads []string // what it calls its main thread, which is comm
	suffix  string   // of a script's file, which may be left out

	code   string // short options whose argument is the program: nothing else is a script
	module string // short options whose argument is a module's name
	file   string // short options whose argument is the script
	arg    string // short options that take an argument, in the same word or in the next
	next   string // short options that take the next word, whatever follows them in theirs
	rest   string // short options that use up the rest of their word, if there is one
	stdin  string // short options after which the program is read from standard input
	path   string // short options with which a script is looked for as searched says

	codeLong   []string
	moduleLong []string
	fileLong   []string
	argLong    []string // long options that take the next word, unless joined by "="

	// Of an interpreter that is many tools in one: the words before a script, and what the name of one ends in; what
	// else stands there is a command. An option that is not known may take the next word, and so ends the search.
	commands []string
	suffixes []string
	flag     string   // short options that take no word
	flagLong []string // how long options begin that take none

	single   bool   // long options begin with one dash, and short ones do not exist (java)
	plus     bool   // a shell: words that begin with + are options too, and a dash ends them
	isClass  bool   // what stands where the script would is a class, but for a .java file
	isText   bool   // what stands where the script would is the program's text
	endless  bool   // "--" is followed by arguments, never by a script
	none     bool   // the command line never names a script
	found    lookup // where a script is looked for
	searched lookup // the same, with such a short option of path
}

// lookup is where a script's name is looked up that has no directory in it.
type lookup int

const (
	inCwd lookup = iota
	inPath
	inCwdOrPath
	elsewhere // in a way that is not followed here
)

// script finds the script, or the module, in the words behind the program's name.
func (g *grammar) script(args []string) (name, module string, where lookup) {
	told := false
	where = g.found
	for i := 0; i < len(args) && !g.none; i++ {
		word := args[i]
		switch {
		case word == "--" || word == "-" && g.plus:
			if g.endless || g.isText {
				return "", "", where
			}
			return first(args[i+1:]), "", where
		case word == "-", word == "":
			return "", "", where
		case g.single && strings.HasPrefix(word, "-") || strings.HasPrefix(word, "--"):
			key, value, joined := strings.Cut(word, "=")
			if !joined {
				value = first(args[i+1:])
			}
			switch {
			case slices.Contains(g.codeLong, key):
				return "", "", where
			case slices.Contains(g.moduleLong, key):
				return "", value, where
			case slices.Contains(g.fileLong, key):
				return value, "", where
			case joined:
			case slices.Contains(g.argLong, key):
				i++
			case g.suffixes != nil && !hasPrefix(key, g.flagLong):
				return "", "", where
			}
		case strings.HasPrefix(word, "-") || g.plus && strings.HasPrefix(word, "+"):
			skip, end, search, name, module := g.cluster(word[1:], args[i+1:])
			if search {
				where = g.searched
			}
			if end {
				return name, module, where
			}
			i += skip
		case !told && slices.Contains(g.commands, word): // deno run
			told = true
		case g.suffixes != nil && isRemote(word):
			return "", word, where
		case g.suffixes != nil && !hasSuffix(word, g.suffixes):
			return "", "", where
		case g.isText, g.isClass && word[0] == '@': // a file of further words
			return "", "", where
		case g.isClass && !strings.HasSuffix(word, ".java"):
			return "", word, where
		default:
			return word, "", where
		}
	}
	return "", "", where
}

// cluster reads one word of short options: how many of the next words belong to it, or the end, and whether
// the script is to be looked for in PATH.
func (g *grammar) cluster(letters string, next []string) (skip int, end, search bool, name, module string) {
	for i, c := range []byte(letters) {
		behind := letters[i+1:]
		has := func(set string) bool { return strings.IndexByte(set, c) >= 0 }
		value := behind
		if value == "" {
			value = first(next)
		}
		switch {
		case has(g.code), has(g.stdin):
			return 0, true, search, "", ""
		case has(g.module):
			return 0, true, search, "", value
		case has(g.file):
			return 0, true, search, value, ""
		case has(g.arg):
			if behind == "" {
				skip++
			}
			return skip, false, search, "", ""
		case has(g.path):
			search = true
		case g.suffixes != nil && !has(g.flag):
			return 0, true, search, "", ""
		case has(g.next):
			skip++
		case has(g.rest), strings.HasPrefix(behind, ":"), strings.HasPrefix(behind, "="):
			return skip, false, search, "", ""
		}
	}
	return skip, false, search, "", ""
}

func first(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// isRemote tells a module that is fetched from elsewhere: https://…, npm:…
func isRemote(word string) bool {
	return hasPrefix(word, []string{"https://", "http://", "npm:", "jsr:"})
}

func hasPrefix(word string, list []string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.HasPrefix(word, s) })
}

func hasSuffix(word string, list []string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.HasSuffix(word, s) })
}

// interpreterOf finds the grammar for a process, and the words behind the interpreter's name. The exe
// decides; argv[0] only tells the applets of busybox apart.
func interpreterOf(p *event.Process, args []string) (*grammar, []string) {
	if p.ExeSwapped {
		return nil, nil
	}
	name := baseName(p.Exe)
	if name == "busybox" && len(args) > 0 {
		name = strings.TrimPrefix(baseName(args[0]), "-")
		if name == "busybox" && len(args) > 1 {
			args = args[1:]
			name = args[0]
		}
	}
	g := grammars[unversioned(name)]
	if g == nil || len(args) == 0 {
		return g, nil
	}
	return g, args[1:]
}

// unversioned cuts a program's name where a version begins: python3.11, php8.2, lua5.4.
func unversioned(name string) string {
	if i := strings.IndexAny(name, "0123456789"); i > 0 {
		return strings.TrimRight(name[:i], "-.")
	}
	return name
}
