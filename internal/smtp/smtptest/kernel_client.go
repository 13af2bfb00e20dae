package smtptest

func (k *kernel) clientByte(c byte) {
	s := &k.client
	cr := s.cr
	s.cr = c == '\r'
	if s.letters < 4 && !k.secret {
		if kernelLetter(c) {
			s.verb = s.verb<<8 | uint32(kernelUpper(c))
			s.letters++
			return
		}
		if s.letters == 0 && kernelBlank(c) {
			s.blank = true
			if k.awaitData > 0 || k.adrift {
				s.cut = 1
			} else {
				s.show8 = append(s.show8, c)
			}
			return
		}
	}
	if s.letters != lineJudged {
		k.clientDecide(c)
	}
	if s.known && k.clientArgument(c) {
		return
	}
	s.lineByte(c)
	if c == '\n' {
		k.clientLine(cr)
	}
}

func (k *kernel) clientDecide(c byte) {
	s := &k.client
	held := s.letters
	known := held == 4 && verbEnds(s.verb, c)
	dot := held == 0 && c == '.' && !s.blank && (s.crlf || !s.strict)
	s.letters = lineJudged
	if k.dataRefused {
		k.adrift = !known && !dot
		k.dataRefused = false
	}
	if k.awaitData == 1 {
		k.awaitData = 2
	}
	switch {
	case k.secret || (k.awaitData > 0 || k.adrift) && !dot:
		s.cut = uint64(held)
	case known:
		s.show, s.known = showAll, true
		s.show8 = append(s.show8, byte(s.verb>>24), byte(s.verb>>16), byte(s.verb>>8), byte(s.verb))
	case held == 0 && c == '.':
		s.show = showDot
	case held == 0 && (c == '\r' || c == '\n'):
		s.show = showAll
	default: // the byte at hand is cut besides: one more is counted than there is
		s.cut = uint64(held)
		s.show8 = append(s.show8, '?')
	}
}

func (k *kernel) clientLine(cr bool) {
	s := &k.client
	switch {
	case k.secret:
		k.secret = false
		k.asked++
	case k.awaitData > 0 || k.adrift:
		if s.show == showDot && (cr || !s.strict) {
			if k.awaitData > 0 {
				k.dots++
			}
			k.asked++
			k.awaitData, k.adrift = 0, false
		}
	case s.known:
		switch s.verb {
		case fourLetters("DATA"):
			k.awaitData, k.dataAt, k.dots = 1, k.asked, 0
			s.strict = cr
		case fourLetters("STAR"):
			k.awaitTLS, k.tlsAt = 1, k.asked
		}
		k.asked++
		if s.verb == fourLetters("AUTH") {
			k.awaitAuth = true
		} else if s.verb == fourLetters("BDAT") && s.chunk > 0 && !s.bad && (s.tail == 0 || s.tail == fourLetters("LAST")) {
			s.mode, s.begun = kernelChunk, false
		}
	case s.show == showNone:
		k.asked++
	}
	s.resetLine()
	s.crlf = cr
}

func (k *kernel) clientArgument(c byte) bool {
	s := &k.client
	end := c == '\r' || c == '\n'
	if s.blank && !kernelBlank(c) {
		if s.field++; s.field == 1 {
			s.chunk = 0
		}
	}
	s.blank = kernelBlank(c)
	switch s.verb {
	case fourLetters("AUTH"):
		if s.field == 1 && s.held != heldNoMore {
			if s.held < heldMax && kernelLetter(c) {
				s.chunk = s.chunk<<8 | uint64(c)
				s.held++
				s.line++
				return true
			}
			held := s.held
			s.held = heldNoMore
			const small = 0x2020202020
			upper := s.chunk &^ small
			if s.chunk&small == 0 || (kernelBlank(c) || end) && (upper == 0x4c4f47494e || upper == 0x504c41494e) {
				for i := held - 1; i >= 0; i-- {
					s.show8 = append(s.show8, byte(s.chunk>>(8*i)))
				}
			} else {
				s.cut = uint64(held)
				s.show = showNone
			}
		}
		mechanism := 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || kernelBlank(c)
		if !end && (s.field > 1 || s.line > 22 || s.field > 0 && !mechanism) {
			s.show = showNone
		}
	case fourLetters("BDAT"):
		switch {
		case end || s.blank:
		case s.field > 1:
			s.tail = s.tail<<8 | uint32(kernelUpper(c))
		case s.field == 1 && '0' <= c && c <= '9' && s.chunk < 1<<40:
			s.chunk = s.chunk*10 + uint64(c-'0')
		default:
			s.bad = s.field > 0
		}
	}
	return false
}

func (s *kernelStream) lineByte(c byte) {
	if s.line <= 1000 {
		s.line++
	} else {
		s.show = showNone
	}
	if s.show == showDot && s.line > 1 && c != '\r' && c != '\n' {
		s.show = showNone
	}
	if s.show > 0 {
		s.show8 = append(s.show8, c)
	} else {
		s.cut++
	}
}

// bodyNext is body_next.
func bodyNext(state int, c byte, strict bool) int {
	switch {
	case c == '\n' && state == bodyDotCR:
		return bodyEnd
	case c == '\n' && strict && state == bodyCR:
		return bodyLineStart
	case c == '\n' && strict:
		return bodyMidLine
	case c == '\n' && state == bodyDot:
		return bodyEndLF
	case c == '\n':
		return bodyLineStart
	case c == '\r' && state == bodyDot:
		return bodyDotCR
	case c == '\r':
		return bodyCR
	case c == '.' && state == bodyLineStart:
		return bodyDot
	}
	return bodyMidLine
}

func (k *kernel) skipBody(data []byte) []byte {
	c := &k.client
	if k.bodyOver {
		k.bodyEnd()
		return data
	}
	for len(data) > 0 && c.body < bodyEndLF {
		c.body = bodyNext(c.body, data[0], c.strict)
		c.before++
		data = data[1:]
	}
	if c.body >= bodyEndLF {
		k.bodyEnd()
	}
	return data
}

func (k *kernel) bodyEnd() {
	c := &k.client
	end := ".\r\n"
	bare := c.body == bodyEndLF
	if bare {
		end = ".\n"
	}
	c.mode = kernelLines
	c.resetLine()
	c.crlf, c.cr = !bare, false
	if !k.bodyOver {
		k.asked++
	}
	k.bodyOver, k.awaitData = false, 0
	if c.before >= 3 {
		c.before -= uint64(len(end))
	}
	k.send(false, nil, c.before)
	k.send(false, []byte(end), 0)
	c.before = 0
}
