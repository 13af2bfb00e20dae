package smtptest

import (
	"bytes"
	"slices"
)

// Odd is a dialogue of a client that keeps to no order with an MX that has its own habits.
type Odd struct {
	Habits
	MailPort bool
	Proxy    Proxy
	Late     int  // the server greets before this unit, however much the client has said by then
	Joined   bool // the proxy's last answer and the greeting come together
	Pieces   int  // octets of a packet; 0: as said; -1: at random
	Units    []Unit
}

// Unit is something that the client says at once.
type Unit struct {
	Say   string
	Waits bool // for all replies
	Steps int  // else the server takes so many lines before it goes on; 0: what comes next is in the same packet
	Luck  int  // makes up the replies
	TLS   bool // the client goes on with TLS, if it is accepted
}

// exchange is an Odd under way.
type exchange struct {
	*Odd
	mx      *MX
	packets []Packet
	pending []byte // of the client
	greeted bool
	crypted bool // the client speaks TLS
	rolls   uint32
}

// Play lets the two talk. MX has what became of it.
func (o *Odd) Play() ([]Packet, *MX) {
	x := &exchange{Odd: o, mx: &MX{Habits: o.Habits}}
	x.mx.hide(o.Proxy.secret, ToProxy)
	for i, step := range o.Proxy.steps {
		x.pass(false, []byte(step.ask))
		x.mx.Out = append(x.mx.Out, step.answer...)
		if i < len(o.Proxy.steps)-1 || !o.Joined || o.Late > 0 {
			x.fetch()
		}
	}
	for i, u := range o.Units {
		if i >= o.Late {
			x.greet(u.Luck)
		}
		x.say(&u)
		if x.mx.Closed {
			break
		}
	}
	x.send()
	x.greet(1)
	x.steps(1, -1)
	x.fetch()
	return x.packets, x.mx
}

// pass makes packets of what one side says.
func (x *exchange) pass(server bool, text []byte) {
	for len(text) > 0 {
		n := len(text)
		switch {
		case x.Pieces > 0:
			n = min(n, x.Pieces)
		case x.Pieces < 0:
			x.rolls = x.rolls*1664525 + 1013904223 // a linear congruential generator (Numerical Recipes, 7.1)
			n = min(n, 1+int(x.rolls>>16%40))
		}
		x.packets = append(x.packets, Packet{Server: server, Data: bytes.Clone(text[:n])})
		text = text[n:]
	}
}

// send passes what the client has said.
func (x *exchange) send() {
	x.pass(false, x.pending)
	x.mx.In = append(x.mx.In, x.pending...)
	x.pending = nil
}

// fetch passes what the server has said.
func (x *exchange) fetch() {
	x.pass(true, x.mx.Out)
	x.mx.Out = nil
}

// steps lets the server take so many lines; -1: all.
func (x *exchange) steps(luck, n int) {
	for i := 0; i != n && x.greeted && x.mx.Step(luck+i); i++ {
	}
}

func (x *exchange) greet(luck int) {
	if x.greeted {
		return
	}
	x.send()
	x.greeted = true
	x.mx.Out = append(x.mx.Out, x.Greeting...)
	if len(x.mx.In) == 0 || luck%2 == 0 {
		x.fetch()
	}
	x.steps(luck+1, -1)
	x.fetch()
}

func (x *exchange) say(u *Unit) {
	text := u.Say
	if x.crypted {
		text = scrambled(text)
	}
	x.pending = append(x.pending, text...)
	if !u.Waits && u.Steps == 0 && !u.TLS {
		return
	}
	x.send()
	switch {
	case u.Waits, u.TLS:
		x.steps(u.Luck, -1)
	default:
		x.steps(u.Luck, u.Steps)
	}
	x.fetch()
	if u.TLS && x.mx.TLSAwaited && !x.crypted {
		x.crypted = true
		x.pending = ClientHello("mx.example")
		x.send()
		x.steps(u.Luck, -1)
		x.fetch()
	}
}

// Shrink leaves out of a dialogue what it can do without and is still wrong.
func (o *Odd) Shrink(wrong func(*Odd) bool) *Odd {
	for changed := true; changed; {
		changed = false
		for _, less := range o.less() {
			if wrong(less) {
				o, changed = less, true
				break
			}
		}
	}
	return o
}

// plainly makes a dialogue plainer, in one thing each.
var plainly = []func(*Odd){
	func(o *Odd) { o.Proxy = Proxy{} },
	func(o *Odd) { o.Pieces = 0 },
	func(o *Odd) { o.Late = 0 },
	func(o *Odd) { o.Joined = false },
	func(o *Odd) { o.MailPort = true },
	func(o *Odd) { o.Greeting = "220 mx ESMTP\r\n" },
	func(o *Odd) { o.Unknown = "500 what" },
	func(o *Odd) { o.LFEnds = false },
	func(o *Odd) { o.Blanks = false },
	func(o *Odd) { o.Controls = false },
	func(o *Odd) { o.Chunks = ChunksByBook },
	func(o *Odd) { o.Multiline = false },
	func(o *Odd) { o.Echoes = false },
	func(o *Odd) { o.TLS = false },
}

// less are the dialogues that have one thing less.
func (o *Odd) less() (list []*Odd) {
	for i := range o.Units {
		shorter := *o
		shorter.Units = slices.Delete(slices.Clone(o.Units), i, i+1)
		list = append(list, &shorter)
	}
	for _, f := range plainly {
		plainer := *o
		if f(&plainer); !plainer.same(o) {
			list = append(list, &plainer)
		}
	}
	for i := range o.Units {
		if !o.Units[i].Waits {
			patient := *o
			patient.Units = slices.Clone(o.Units)
			patient.Units[i].Waits = true
			list = append(list, &patient)
		}
	}
	return list
}

func (o *Odd) same(p *Odd) bool {
	return o.Habits == p.Habits && o.MailPort == p.MailPort && len(o.Proxy.steps) == len(p.Proxy.steps) && o.Late == p.Late &&
		o.Joined == p.Joined && o.Pieces == p.Pieces
}
