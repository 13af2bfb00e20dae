package received

import (
	"strconv"
	"strings"
)

// What PHP and web hosters add to a mail: X-PHP-Originating-Script (mail.add_x_header of php.ini: "UID:file"),
// X-PHP-Script ("host/path for ADDRESS"), and X-Source-Args, X-Source-Dir and X-Authenticated-Id of cPanel's Exim.
var scriptNames = lazy(`(?im)^[ \t>]*(X-PHP-Originating-Script|X-PHP-Script|X-PHP-Filename|X-Source-Args|X-Source-Dir|X-Source|` +
	`X-Authenticated-Id|X-Authenticated-Sender|X-Authenticated-User|X-Get-Message-Sender-Via):[ \t]*(\S[^\n]{0,500})`)

// script finds what the header of the mail says of the program that made it.
func (r *reader) script(text string) {
	in, found := &r.c.HandedIn, map[string]string{}
	for _, m := range scriptNames.FindAllStringSubmatch(text[:min(len(text), 64<<10)], 20) {
		if name := strings.ToLower(m[1]); found[name] == "" {
			found[name] = strings.TrimSpace(m[2])
		}
	}
	if uid, file, is := strings.Cut(found["x-php-originating-script"], ":"); is {
		if n, err := strconv.ParseUint(uid, 10, 32); err == nil && in.UID == nil {
			number := uint32(n)
			in.UID = &number
		}
		in.Script = strings.TrimSpace(file)
	}
	if path := found["x-php-filename"]; path != "" {
		in.Script = path
	}
	if said := found["x-php-script"]; said != "" {
		page, visitor, _ := strings.Cut(said, " for ")
		if in.Script == "" || !strings.Contains(in.Script, "/") {
			in.Script = strings.TrimSpace(page)
		}
		if visitor != "" {
			r.c.say("the page `%s` made it, for a visitor from `%s`", strings.TrimSpace(page), strings.TrimSpace(visitor))
		}
	}
	if path := scriptOf(strings.Fields(found["x-source-args"])); path != "" {
		in.Script = path
	}
	if dir := found["x-source-dir"]; dir != "" {
		r.c.say("it was made in the directory `%s`", dir)
	}
	for _, name := range []string{"x-authenticated-id", "x-authenticated-user", "x-authenticated-sender"} {
		said := found[name]
		if host, account, is := strings.Cut(said, ":"); is && strings.Contains(host, ".") {
			said = strings.TrimSpace(account) // cPanel: "host: account"
		}
		if in.Account == "" && said != "" {
			in.Account = said
		}
	}
	if in.Script != "" {
		r.c.say("the script that made it is `%s`, as its header says", in.Script)
	}
}

var scriptEnd = lazy(`(?i)\.(?:php\d?|phtml|pl|cgi|py|sh|rb)$`)

// scriptOf is the script in the arguments of an interpreter; "" if they name no file.
func scriptOf(args []string) (path string) {
	for i, arg := range args {
		switch {
		case scriptEnd.MatchString(arg) && strings.Contains(arg, "/"):
			return arg
		case i > 0 && path == "" && strings.HasPrefix(arg, "/") && !strings.HasPrefix(args[i-1], "-"):
			path = arg
		}
	}
	return path
}
