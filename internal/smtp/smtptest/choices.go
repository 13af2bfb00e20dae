// Package smtptest makes up SMTP dialogues of which the truth is known, and shows them as the kernel programs do: for tests.
package smtptest

// Choices are made from bytes, and when they are used up from what they have been so far: the same bytes
// make the same choices.
type Choices struct {
	data  []byte
	state uint64
}

// NewChoices makes choices from data.
func NewChoices(data []byte) *Choices {
	c := &Choices{data: data, state: 0x9e3779b97f4a7c15}
	for _, b := range data {
		c.mix(b)
	}
	return c
}

func (c *Choices) mix(b byte) {
	c.state = (c.state ^ uint64(b)) * 0x100000001b3
}

// N chooses one of n.
func (c *Choices) N(n int) int {
	if len(c.data) > 0 {
		b := c.data[0]
		c.data = c.data[1:]
		if n <= 256 {
			return int(b) % n
		}
		c.mix(b)
	}
	// xorshift64 (Marsaglia 2003)
	c.state ^= c.state << 13
	c.state ^= c.state >> 7
	c.state ^= c.state << 17
	return int(c.state >> 16 % uint64(n))
}

// One is true once in n.
func (c *Choices) One(n int) bool { return c.N(n) == 0 }

// Of chooses one of a list.
func Of[T any](c *Choices, list ...T) T { return list[c.N(len(list))] }
