package live

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"net/textproto"
	"strings"
)

// Login is what a server wants to hear in AUTH (RFC 4954), and the one way in which it wants to: PLAIN,
// LOGIN or CRAM-MD5. Without a mechanism there is no AUTH.
type Login struct{ Mechanism, User, Password string }

const challenge = "<1896.697170952@mx.example.net>"

// check holds the dialogue of AUTH, but for its last reply.
func (l Login) check(c *textproto.Conn, args []string) (ok bool, err error) {
	if len(args) == 0 || args[0] != l.Mechanism {
		return false, nil
	}
	answers := args[1:]
	ask := func(prompt string) (answer string) {
		if len(answers) == 0 {
			if err == nil {
				err = c.PrintfLine("334 %s", base64.StdEncoding.EncodeToString([]byte(prompt)))
			}
			var line string
			if err == nil {
				line, err = c.ReadLine()
			}
			answers = []string{line}
		}
		b, _ := base64.StdEncoding.DecodeString(answers[0]) // what is none is wrong all the same
		answers = answers[1:]
		return string(b)
	}
	switch l.Mechanism {
	case "PLAIN": // RFC 4616
		said := strings.Split(ask(""), "\x00")
		return len(said) == 3 && said[1] == l.User && said[2] == l.Password, err
	case "LOGIN": // draft-murchison-sasl-login
		user, password := ask("Username:"), ask("Password:")
		return user == l.User && password == l.Password, err
	case "CRAM-MD5": // RFC 2195
		mac := hmac.New(md5.New, []byte(l.Password))
		mac.Write([]byte(challenge))
		return ask(challenge) == fmt.Sprintf("%s %x", l.User, mac.Sum(nil)), err
	}
	return false, err
}
