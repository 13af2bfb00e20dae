package record

import (
	"net/netip"
	"time"

	"github.com/rs/zerolog"
)

// object is a JSON object that exists from its first field on: one without fields is not written at all.
type object struct{ e *zerolog.Event }

func (o *object) open() *zerolog.Event {
	if o.e == nil {
		var none *zerolog.Event // a parent only lends its hooks, and there are none
		o.e = none.CreateDict()
	}
	return o.e
}

// The fields below are left out where they are empty.

func (o *object) put(key string, child object) {
	if child.e != nil {
		o.open().Dict(key, child.e)
	}
}

func (o *object) str(key, value string) {
	if value != "" {
		o.open().Str(key, value)
	}
}

func (o *object) strs(key string, values []string) {
	if len(values) > 0 {
		o.open().Strs(key, values)
	}
}

func (o *object) num(key string, value uint64) {
	if value != 0 {
		o.count(key, value)
	}
}

func (o *object) yes(key string, value bool) {
	if value {
		o.flag(key, value)
	}
}

func (o *object) addr(key string, value netip.Addr) {
	if value.IsValid() {
		var buf [64]byte
		o.open().Bytes(key, value.AppendTo(buf[:0]))
	}
}

// time leaves out a year that RFC 3339 cannot hold, too.
func (o *object) time(key string, value time.Time) {
	value = value.UTC()
	if year := value.Year(); value.IsZero() || year < 0 || year > 9999 {
		return
	}
	var buf [64]byte
	o.open().Bytes(key, value.AppendFormat(buf[:0], time.RFC3339Nano))
}

// array writes n objects.
func (o *object) array(key string, n int, element func(int) object) {
	if n == 0 {
		return
	}
	list := o.open().CreateArray()
	for i := range n {
		child := element(i)
		list.Dict(child.open())
	}
	o.open().Array(key, list)
}

// The fields below are always written.

func (o *object) count(key string, value uint64) { o.open().Uint64(key, value) }

func (o *object) flag(key string, value bool) { o.open().Bool(key, value) }
