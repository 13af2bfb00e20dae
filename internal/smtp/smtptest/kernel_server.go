package smtptest

func (k *kernel) serverByte(c byte) {
	s := &k.server
	if s.letters < 3 && '0' <= c && c <= '9' {
		s.verb = s.verb*10 + uint32(c-'0')
		s.letters++
		return
	}
	if s.letters != lineJudged {
		if s.letters == 3 && (kernelBlank(c) || c == '-' || c == '\r' || c == '\n') {
			s.show8 = append(s.show8, byte('0'+s.verb/100%10), byte('0'+s.verb/10%10), byte('0'+s.verb%10))
			s.known = c != '-'
			if s.show = showAll; s.verb == 334 {
				s.show = showNone
			}
		} else {
			s.cut = uint64(s.letters)
		}
		s.letters = lineJudged
	}
	s.lineByte(c)
	if c != '\n' {
		return
	}
	if s.known {
		k.serverLine(s.verb)
	}
	s.resetLine()
}

func (k *kernel) serverLine(code uint32) {
	if !k.greeted {
		k.greeted = true
		return
	}
	if k.answered != k.asked {
		k.answered++
	}
	if k.awaitTLS == 2 {
		k.awaitTLS = 0
	}
	ofTLS := k.awaitTLS > 0 && int16(k.answered-k.tlsAt) > 0
	if code == 354 {
		if k.dots > 0 {
			k.dots--
		} else {
			c := &k.client
			c.mode = kernelBody
			switch {
			case c.cr:
				c.body = bodyCR
			case c.letters+c.line > 0 || c.blank:
				c.body = bodyMidLine
			default:
				c.body = bodyLineStart
			}
			k.bodyOver = false
		}
		k.awaitData, k.adrift = 0, false
		return
	}
	k.serverData(code)
	switch {
	case code == 220 && ofTLS:
		k.awaitTLS = 2
	case code == 334 && k.awaitAuth:
		k.secret = true
	case code >= 400 || code == 235:
		if ofTLS {
			k.awaitTLS = 0
		}
		k.awaitAuth, k.secret = false, false
	}
}

func (k *kernel) serverData(code uint32) {
	c := &k.client
	success := code >= 200 && code < 300
	switch {
	case c.mode == kernelBody && success:
		k.bodyOver = true
	case c.mode == kernelBody:
		c.crlf = c.body == bodyLineStart
		if !c.crlf {
			c.letters = lineJudged
		}
		c.mode, k.adrift = kernelLines, true
	case c.mode == kernelChunk && !c.begun && code >= 500 && code <= 504 && k.answered == k.asked:
		c.mode, k.dataRefused = kernelLines, true
	case k.awaitData > 0 && int16(k.answered-k.dataAt) <= 0:
	case k.awaitData > 0 && code >= 400:
		k.adrift = k.awaitData == 2
		k.dataRefused = !k.adrift
		k.awaitData = 0
	case success:
		k.adrift = false
	}
}
