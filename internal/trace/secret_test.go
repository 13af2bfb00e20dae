package trace

import (
	"encoding/base64"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/smtptrace/smtptrace/internal/event"
	"github.com/smtptrace/smtptrace/internal/output"
	"github.com/smtptrace/smtptrace/internal/privacy"
	"github.com/smtptrace/smtptrace/internal/proc"
	"github.com/smtptrace/smtptrace/internal/record"
)

// What no output may hold, in any form that it is said in.
const (
	password = "canary-password"
	bodyText = "canary-body"
)

var secrets = []string{
	password, b64(password), strings.TrimRight(b64("\x00bob\x00"+password), "="), b64("user=bob\x01auth=Bearer " + password + "\x01\x01"),
	bodyText, "canary",
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// leaks are dialogues in which secrets and bodies are said in the clear, as if the kernel had cut nothing.
var leaks = map[string]string{
	"AUTH PLAIN at once": `
		a C: AUTH PLAIN ` + b64("\x00bob\x00"+password) + `
		a S: 235 ok`,
	"AUTH PLAIN in two steps": `
		a C: AUTH PLAIN
		a S: 334
		a C: ` + b64("\x00bob\x00"+password) + `
		a S: 235 ok`,
	"AUTH LOGIN": `
		a C: AUTH LOGIN
		a S: 334 VXNlcm5hbWU6
		a C: Ym9i
		a S: 334 UGFzc3dvcmQ6
		a C: ` + b64(password) + `
		a S: 535 no`,
	"AUTH LOGIN, and the run stops in the middle": `
		a C: AUTH LOGIN
		a S: 334 UGFzc3dvcmQ6
		a C: ` + b64(password),
	"AUTH LOGIN, all at once": `
		a C: AUTH LOGIN Ym9i\r\n` + b64(password) + `
		a S: 334 UGFzc3dvcmQ6
		a S: 235 ok`,
	"AUTH, cut anywhere": `
		a C: AUTH PLA\
		a C: IN ` + b64("\x00bob\x00" + password)[:9] + `\
		a C: ` + b64("\x00bob\x00" + password)[9:] + `
		a S: 235 ok`,
	"AUTH in any case, with blanks": `
		a C:   auth   plain   ` + b64("\x00bob\x00"+password) + `
		a S: 235 ok`,
	"AUTH without a mechanism": `
		a C: AUTH ` + password + `
		a S: 504 unknown mechanism ` + password,
	"the server repeats it": `
		a C: AUTH LOGIN
		a S: 334 UGFzc3dvcmQ6
		a C: ` + b64(password) + `
		a S: 500 unrecognized command: ` + b64(password),
	"a challenge that gives it away": `
		a C: AUTH CRAM-MD5
		a S: 334 ` + b64("canary") + `
		a C: ` + b64("bob "+password) + `
		a S: 235 ok`,
	"XOAUTH2": `
		a C: AUTH XOAUTH2 ` + b64("user=bob\x01auth=Bearer "+password+"\x01\x01") + `
		a S: 235 ok`,
	"AUTH, its reply lost": `
		a C: AUTH LOGIN
		! a S: 334 UGFzc3dvcmQ6
		a C: ` + b64(password) + `
		a S: 235 ok`,
	"a body": `
		a C: MAIL FROM:<a@example.org>
		a S: 250 ok
		a C: RCPT TO:<b@example.net>
		a S: 250 ok
		a C: DATA
		a S: 354 go
		a C: Subject: canary-body
		a C: canary-body
		a C: MAIL FROM:<canary-body@example.org>
		a C: AUTH PLAIN canary-body
		a C: ..
		a C: HELO canary-body
		a C: .
		a S: 250 ok`,
	"a body, and the run stops in the middle": `
		a C: MAIL FROM:<a@example.org>
		a S: 250 ok
		a C: RCPT TO:<b@example.net>
		a S: 250 ok
		a C: DATA
		a S: 354 go
		a C: HELO canary-body`,
	"a body that does not wait for its 354": `
		a C: MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA
		a C: Subject: canary-body\r\n\r\ncanary-body
		a C: .
		a S: 250 ok
		a S: 250 ok
		a S: 354 go
		a S: 250 ok`,
	"a chunk": `
		a C: MAIL FROM:<a@example.org>
		a S: 250 ok
		a C: RCPT TO:<b@example.net>
		a S: 250 ok
		a C: BDAT 20 LAST
		a C: HELO canary-body.xx\
		a S: 250 ok`,
}

// A secret or a line of a body is in no output, whatever the source shows: no format, no privacy mode, not
// the summary, not the connection's next record.
func TestSecretsAreInNoOutput(t *testing.T) {
	for name, said := range leaks {
		t.Run(name, func(t *testing.T) {
			for _, mode := range []privacy.Mode{privacy.Full, privacy.None} {
				for _, format := range []output.Format{output.JSON, output.Text} {
					stage := newStage(t)
					stage.private(mode)
					stage.options.Summary = record.NewSummary()
					stage.write(output.Options{Format: format})
					err := stage.run(`
						process 7 /usr/bin/curl
						a connect 7 198.51.100.25:25
						a established
						a smtp
						a S: 220 mx.example ESMTP
						a C: EHLO client.example
						a S: 250 mx.example` + said + `
						b connect 7 198.51.100.25:2526
						b smtp` + other("b", said) + `
						b closed 100 100`)
					if err != nil {
						t.Fatal(err)
					}
					b, err := os.ReadFile(stage.log)
					if err != nil {
						t.Fatal(err)
					}
					all := string(b) + stage.options.Summary.Text(time.Now(), false)
					if !strings.Contains(all, "client.example") {
						t.Errorf("%s %s: the session is not there: %s", mode, format, all)
					}
					for _, s := range secrets {
						if i := strings.Index(all, s); i >= 0 {
							t.Errorf("%s %s: %s", mode, format, all[max(0, i-60):min(len(all), i+60)])
						}
					}
				}
			}
		})
	}
}

// A password in the address of a script stands in the arguments, and in the script's name.
func TestPasswordOfRemoteScriptIsInNoRecord(t *testing.T) {
	const url = "https://bob:" + password + "@example.org/bot.ts"
	id := &proc.Identity{
		Process: &event.Process{Exe: "/usr/bin/deno", Args: []string{"deno", "run", url}},
		Script:  &proc.Script{Module: url, Status: proc.Gone},
	}
	r := record.Record{Identity: identity(id, event.ProcessKey{Pid: 7}, 7, time.Time{})}
	line := string(record.NewEncoder().Encode(&r))
	if strings.Contains(line, password) || strings.Count(line, "https://bob:"+privacy.Hidden+"@example.org/bot.ts") != 2 {
		t.Error(line)
	}
}
