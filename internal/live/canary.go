package live

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// Canary is a dialogue with secrets or a body in it that must be in no output.
type Canary struct {
	Name   string
	Turns  []Turn
	Echoed bool   // the server repeats a secret, or the client has it where a name belongs: the ring may hold it
	Mails  uint64 // accepted
}

// What is secret, as it is said: user names, passwords and what is made of them, and lines of bodies.
var (
	canaryUser     = b64("canary-user@example.org")
	canaryPassword = b64("canary-password!")
	canaryPlain    = b64("\x00canary-user\x00canary-password")
	canaryToken    = b64("user=canary\x01auth=Bearer " + strings.Repeat("canary-token.", 40) + "\x01\x01")
	canaryBody     = []string{
		"MAIL FROM:<canary@example.org>", "RCPT TO:<canary@example.net>", "EHLO canary.example.org", "AUTH PLAIN canary",
		"DATA canary", "HELP canary", "..canary", ".canary", "BDAT canary", "NOOP canary", "QUIT canary", "VRFY canary",
		"XCLIENT NAME=canary", "a canary", "mail from:canary",
	}
	canarySecrets = []string{"canary", canaryUser, canaryPassword, canaryPlain, canaryToken, "CANARYCANARY"}
)

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// Leaks gives what an output holds of the secrets: every piece of them that is longer than a verb.
func Leaks(output []byte) (leaks []string) {
	const piece = 6
	seen := map[string]bool{}
	for _, secret := range canarySecrets {
		for i := 0; i+piece <= len(secret); i++ {
			s := secret[i : i+piece]
			if at := bytes.Index(output, []byte(s)); !seen[s] && at >= 0 {
				seen[s] = true
				leaks = append(leaks, string(output[max(0, at-40):min(len(output), at+40)]))
			}
		}
	}
	return leaks
}

// Canaries are the dialogues, each of a session whose client is named after it.
func Canaries() (list []Canary) {
	add := func(name string, mails uint64, lines ...string) {
		hello := []string{
			"S: 220 mx.example.net ESMTP", "C: EHLO " + strings.ReplaceAll(name, " ", "-") + ".example.org",
			"S: 250-mx.example.net\r\n250 AUTH PLAIN LOGIN",
		}
		list = append(list, Canary{name, Say(append(hello, lines...)...), strings.Contains(name, "echo"), mails})
	}
	for name, lines := range canaryAuths {
		if !strings.Contains(name, "echo") { // that is to be the last word
			lines = append(lines, "C: QUIT", "S: 221 bye")
		}
		add(name, 0, lines...)
	}
	envelope := []string{"C: MAIL FROM:<a@example.org>", "S: 250 ok", "C: RCPT TO:<b@example.net>", "S: 250 ok"}
	for _, c := range canaryBodies() {
		add(c.name, c.mails, append(slices.Clone(envelope), c.lines...)...)
	}
	return list
}

var canaryAuths = map[string][]string{
	"plain at once":  {"C: AUTH PLAIN " + canaryPlain, "S: 235 ok"},
	"plain in steps": {"C: AUTH PLAIN", "S: 334 ", "C: " + canaryPlain, "S: 235 ok"},
	"login": {
		"C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "C: " + canaryUser, "S: 334 UGFzc3dvcmQ6", "C: " + canaryPassword, "S: 235 ok",
	},
	"login, user at once": {"C: AUTH LOGIN " + canaryUser, "S: 334 UGFzc3dvcmQ6", "C: " + canaryPassword, "S: 235 ok"},
	"cram":                {"C: AUTH CRAM-MD5", "S: 334 " + canaryUser, "C: " + canaryPassword, "S: 235 ok"},
	"xoauth2":             {"C: AUTH XOAUTH2 " + canaryToken, "S: 334 " + canaryUser, "C: ", "S: 535 no"},
	"xoauth2 in steps":    {"C: AUTH XOAUTH2", "S: 334 ", "C: " + canaryToken, "S: 235 ok"},
	"refused, again": {
		"C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "C: " + canaryUser, "S: 334 UGFzc3dvcmQ6", "C: " + canaryPassword, "S: 535 no",
		"C: AUTH PLAIN " + canaryPlain, "S: 535 no",
	},
	"cancelled": {
		"C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "C: " + canaryUser, "S: 334 UGFzc3dvcmQ6", "C: *", "S: 501 cancelled",
		"C: AUTH PLAIN " + canaryPlain, "S: 235 ok",
	},
	"lower case":     {"C: auth plain " + canaryPlain, "S: 535 no", "C: auth login", "S: 334 ", "C: " + canaryUser, "S: 535 no"},
	"blanks":         {"C:   AUTH   PLAIN   " + canaryPlain, "S: 535 no", "C: AUTH\tPLAIN\t" + canaryPlain, "S: 235 ok"},
	"not waiting":    {"c: AUTH LOGIN\r\n" + canaryUser + "\r\n" + canaryPassword + "\r\n", "S: 334 \r\n334 \r\n235 ok"},
	"not waiting, 2": {"c: AUTH LOGIN " + canaryUser + "\r\n" + canaryPassword + "\r\n", "S: 334 ", "S: 535 no"},
	"not listening": {
		"C: AUTH LOGIN", "S: 504 no", "C: " + canaryUser, "S: 500 what?", "C: " + canaryPassword, "S: 500 what?",
	},
	"like a command": {
		"C: AUTH LOGIN", "S: 334 ", "C: HELP canary", "S: 334 ", "C: MAIL FROM:<canary@example.org>", "S: 535 no",
	},
	"STARTTLS, in the clear": {"C: STARTTLS", "S: 220 go", "C: AUTH PLAIN " + canaryPlain, "S: 235 ok", "C: a canary", "S: 500 what?"},
	"STARTTLS, in the clear, in steps": {
		"C: STARTTLS", "S: 220 go", "C: EHLO a.example.org", "S: 250 mx", "C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "C: " + canaryUser,
		"S: 334 UGFzc3dvcmQ6", "C: " + canaryPassword, "S: 535 no", "C: canary a canary", "S: 500 what?",
	},
	"STARTTLS, no text":      {"C: STARTTLS", "S: 220 go", "c: \x80canary\r\nAUTH canary\r\n", "c: HELP canary\r\n"},
	"no mechanism":           {"C: AUTH " + canaryPlain, "S: 504 what?"},
	"echo, in its place":     {"C: AUTH CANARYCANARY", "S: 504 what?"},
	"echo, unknown":          {"C: AUTH LOGIN", "S: 504 no", "C: " + canaryUser, "S: 500 what? " + canaryUser},
	"echo, all of it":        {"C: AUTH PLAIN " + canaryPlain, "S: 500 5.5.1 Command unrecognized: \"AUTH PLAIN " + canaryPlain + "\""},
	"echo, of several lines": {"C: AUTH PLAIN " + canaryPlain, "S: 502-no " + canaryPlain + "\r\n502 " + canaryPlain},
	"echo, of a step":        {"C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "C: " + canaryUser, "S: 504 5.5.4 " + canaryUser},
	"echo, another protocol": {"C: LOGIN canary canary-password", "S: 500 5.5.1 Command unrecognized: \"LOGIN canary canary-password\""},
	"echo, not waiting":      {"c: AUTH LOGIN\r\n" + canaryUser + "\r\n" + canaryPassword + "\r\n", "S: 503 no", "S: 500 " + canaryUser, "S: 500 " + canaryPassword},
	"with a mail": {
		"c: AUTH PLAIN " + canaryPlain + "\r\nMAIL FROM:<a@example.org>\r\n", "S: 235 ok\r\n250 ok", "C: RSET", "S: 250 ok", "C: AUTH PLAIN " + canaryPlain, "S: 503 no",
	},
	"LHLO":         {"C: LHLO LHLO.example.org", "S: 250 mx", "C: AUTH PLAIN " + canaryPlain, "S: 235 ok"},
	"oauthbearer":  {"C: AUTH OAUTHBEARER " + canaryToken, "S: 334-" + canaryUser + "\r\n334 " + canaryUser, "C: " + canaryUser, "S: 535 no"},
	"odd blanks":   {"C: AUTH\vPLAIN " + canaryPlain, "S: 500 what?", "C: AUTH=PLAIN " + canaryPlain, "S: 500 what?", "C: AUTH \t PLAIN\t\t" + canaryPlain + "  ", "S: 235 ok"},
	"in two lines": {"C: AUTH", "S: 501 no", "C: PLAIN " + canaryPlain, "S: 500 what?", "C: AUTH PLAIN", "S: 504 no", "C: AUTH " + canaryPlain, "S: 504 no"},
	"very long":    {"C: AUTH XOAUTH2 " + strings.Repeat(canaryToken, 8), "S: 500 too long", "C: AUTH XOAUTH2", "S: 334 ", "C: " + strings.Repeat(canaryToken, 8), "S: 535 no"},
	"NUL in it":    {"C: AUTH PLAIN \x00canary-user\x00canary-password", "S: 501 no", "C: AUTH\x00 PLAIN canary", "S: 500 what?"},
	"bare lines":   {"c: AUTH LOGIN\n", "S: 334 ", "c: " + canaryUser + "\n", "S: 334 ", "c: " + canaryPassword + "\n", "S: 235 ok"},
}

type canaryMail struct {
	name  string
	mails uint64
	lines []string
}

func canaryBodies() []canaryMail {
	const header = "Subject: canary\r\n\r\n"
	lines := strings.Join(canaryBody, "\r\n") + "\r\n"
	bare := strings.ReplaceAll(lines, "\r\n", "\n")
	part := strings.Index(lines, "NOOP")
	chunk := func(n string) string { return "c: BDAT " + n + "\r\n" + header + lines }
	size := strconv.Itoa(len(header) + len(lines))
	quit := []string{"C: QUIT", "S: 221 bye"}
	mail := func(name string, mails uint64, said ...string) canaryMail {
		return canaryMail{name, mails, append(said, quit...)}
	}
	return []canaryMail{
		mail("body", 1, "C: DATA", "S: 354 go", "c: "+header+lines+".\r\n", "S: 250 ok"),
		mail("body of bare lines", 1, "c: DATA\n", "S: 354 go", "c: Subject: canary\n\n"+bare+".\n", "S: 250 ok"),
		mail("body that mixes", 1, "C: DATA", "S: 354 go", "c: "+header+bare+"\n.\n", "S: 250 ok"),
		mail("body, lower case", 1, "C: data", "S: 354 go", "c: "+header+lines+".\r\n", "S: 250 ok"),
		mail("body behind STARTTLS", 1, "C: STARTTLS", "S: 220 go", "C: MAIL FROM:<a@example.org>", "S: 250 ok", "C: RCPT TO:<b@example.net>",
			"S: 250 ok", "C: DATA", "S: 354 go", "c: "+header+lines+".\r\n", "S: 250 ok"),
		mail("body behind STARTTLS, not waiting", 1, "c: STARTTLS\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"+
			header+lines+".\r\n", "S: 220 go\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok"),
		mail("chunk behind STARTTLS", 1, "C: STARTTLS", "S: 220 go", "C: MAIL FROM:<a@example.org>", "S: 250 ok", "C: RCPT TO:<b@example.net>",
			"S: 250 ok", chunk(size+" LAST"), "S: 250 ok"),
		mail("chunk", 1, chunk(size+" LAST"), "S: 250 ok"),
		mail("chunk that nobody reads", 1, "C: BDAT 99999999999 LAST", "S: 502 no", "C: DATA", "S: 354 go", "c: "+header+lines+".\r\n", "S: 250 ok"),
		mail("chunk that nobody reads, and sent", 0, "C: BDAT "+size+" LAST", "S: 502 no", "c: "+header+lines, "S: 500 what?"),
		mail("chunks", 1, chunk(size), "S: 250 ok", chunk(size), "S: 250 ok", "C: BDAT 0 LAST", "S: 250 ok"),
		mail("chunk refused", 0, chunk(size+" last"), "S: 503 no"),
		mail("not waiting", 1, "c: DATA\r\n"+header+lines+".\r\n", "S: 354 go", "S: 250 ok"),
		mail("not waiting for anything", 1, "c: RSET\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<x@example.net>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"+
			header+lines[:part], "S: 250 ok", "S: 250 ok", "S: 550 no", "c: "+lines, "S: 250 ok", "c: "+lines, "S: 354 go", "c: "+lines+".\r\n", "S: 250 ok"),
		mail("refused", 0, "C: DATA", "S: 554 no", "c: "+header+lines[:part], "S: 500 what?", "c: "+lines+".\r\n", "S: 500 what?"),
		{"echo, refused", 0, []string{"C: DATA", "S: 554 no", "c: Subject: canary\r\n",
			"S: 500 5.5.1 Command unrecognized: \"Subject: canary\"", "c: \r\nand a canary\r\n",
			"S: 500 5.5.1 Command unrecognized: \"and a canary\""}},
		{"echo, given up", 0, []string{"C: DATA", "S: 354 go", "c: " + header, "S: 451 later",
			"c: canary, the first\r\ncanary, the second\r\n", "S: 501 canary, the first", "S: 503 canary, the second", "C: NOOP"}},
		mail("refused, not waiting", 0, "c: DATA\r\n"+header+lines[:part], "S: 554 no", "c: "+lines, "S: 500 what?",
			"c: "+lines+".\r\n", "S: 500 what?"),
		mail("given up", 0, "C: DATA", "S: 354 go", "c: "+header+lines[:part], "S: 451 later", "c: "+lines, "S: 500 what?",
			"c: "+lines, "S: 500 what?", "c: "+lines+".\r\n", "S: 500 what?"),
		mail("dot that is none", 1, "C: DATA", "S: 354 go", "c: "+header+"x\n.\n"+lines+"y\n.\r\n"+lines+"\r\n.\n"+lines+".\r\n", "S: 250 ok"),
		mail("dot that is none, not waiting", 1, "c: DATA\r\n"+header+"x\n.\n"+lines+"\r\n.\n"+lines+".\r\n", "S: 354 go", "S: 250 ok"),
		mail("dot behind a blank, not waiting", 1, "c: DATA\r\n"+header+" .\r\n"+lines+".\r\n", "S: 354 go", "S: 250 ok"),
		mail("dot in the middle, not waiting", 1, "c: DATA\r\n"+header+"a line", "S: 354 go", "c: .\r\n"+lines+".\r\n", "S: 250 ok"),
		mail("dot that the server takes", 2, "C: DATA", "S: 354 go", "c: "+header+"x\n.\n", "S: 250 ok", "C: MAIL FROM:<a@example.org>", "S: 250 ok",
			"C: RCPT TO:<b@example.net>", "S: 250 ok", "C: DATA", "S: 354 go", "c: "+header+lines+".\r\n", "S: 250 ok"),
		{"dot that the server takes, the end", 1, []string{"C: DATA", "S: 354 go", "c: " + header + lines + "x\n.\n", "S: 250 ok"}},
		{"cut off", 0, []string{"C: DATA", "S: 354 go", "c: " + header + lines}},
		mail("after another", 2, "C: DATA", "S: 354 go", "c: "+header+lines+".\r\n", "S: 250 ok", "C: MAIL FROM:<a@example.org>", "S: 250 ok",
			"C: RCPT TO:<b@example.net>", "S: 250 ok", "C: DATA", "S: 354 go", "c: "+header+lines+".\r\n", "S: 250 ok"),
		mail("refused, then another", 1, "C: DATA", "S: 554 no", "C: RSET", "S: 250 ok", "C: MAIL FROM:<a@example.org>", "S: 250 ok",
			"C: RCPT TO:<b@example.net>", "S: 250 ok", "C: DATA", "S: 354 go", "c: "+header+lines+".\r\n", "S: 250 ok"),
		mail("given up, then another", 1, "C: DATA", "S: 354 go", "c: "+header+lines, "S: 451 later", "c: "+lines+".\r\n", "S: 250 ok",
			"C: MAIL FROM:<a@example.org>", "S: 250 ok", "C: RCPT TO:<b@example.net>", "S: 250 ok", "C: DATA", "S: 354 go",
			"c: "+header+lines+".\r\n", "S: 250 ok"),
	}
}
