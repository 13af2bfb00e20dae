package verdict

import (
	"net"
	"strings"
)

// setting splits a line into its first word and the rest, without quotes.
func setting(line, separators string) (name, value string) {
	i := strings.IndexAny(line, separators)
	if i < 0 {
		return line, ""
	}
	value = strings.TrimLeft(line[i:], separators+" \t")
	return line[:i], strings.Trim(strings.TrimSpace(value), `"`)
}

// addAt takes a host and a port that stand apart from each other; "": none is set.
func (c *config) addAt(host, port string) {
	switch {
	case host == "":
	case port == "":
		c.add("["+strings.Trim(host, "[]")+"]", false)
	default:
		c.add(net.JoinHostPort(strings.Trim(host, "[]"), port), false)
	}
}

// readMsmtp reads msmtp's accounts (msmtp(1)); what is set under defaults holds for those behind it.
func readMsmtp(c *config, text string) {
	var host, port, usual string
	inDefaults := false
	for line := range uncommented(text) {
		name, value := setting(line, " \t")
		switch name {
		case "defaults", "account":
			c.addAt(host, port)
			inDefaults, host, port = name == "defaults", "", usual
		case "host":
			host = value
		case "port":
			port = value
			if inDefaults {
				usual = value
			}
		}
	}
	c.addAt(host, port)
}

// readNullmailer reads lines of a host, a protocol and options (nullmailer-send(8)).
func readNullmailer(c *config, text string) {
	for line := range uncommented(text) {
		words := strings.Fields(line)
		port := ""
		for i, word := range words[1:] {
			if value, ok := strings.CutPrefix(word, "--port="); ok {
				port = value
			} else if word == "-p" && i+2 < len(words) {
				port = words[i+2]
			}
		}
		c.addAt(strings.Trim(words[0], `'"`), port)
	}
}

// readDMA reads dma.conf (dma(8)).
func readDMA(c *config, text string) {
	set := map[string]string{}
	for line := range uncommented(text) {
		name, value := setting(line, " \t")
		set[name] = value
	}
	c.addAt(set["SMARTHOST"], set["PORT"])
}

// readSSMTP reads ssmtp.conf (ssmtp.conf(5)). Its own default, a host by the name of mail, is not taken.
func readSSMTP(c *config, text string) {
	for line := range uncommented(text) {
		name, value := setting(line, "= \t")
		if strings.EqualFold(name, "mailhub") && value != "" {
			c.add(value, false)
		}
	}
}

// readSendmail reads the macro that cf/README calls SMART_HOST: DS, with a mailer before a colon or none.
func readSendmail(c *config, text string) {
	for line := range uncommented(text) {
		host, ok := strings.CutPrefix(line, "DS")
		if !ok || host == "" {
			continue
		}
		if mailer, rest, found := strings.Cut(host, ":"); found && !strings.HasPrefix(host, "[") {
			if strings.Contains(mailer, "smtp") || mailer == "relay" {
				host = rest
			}
		}
		c.add(host, true)
	}
}
