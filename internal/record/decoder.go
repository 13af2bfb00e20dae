package record

import (
	"fmt"
	"hash/maphash"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Decoder reads many lines: it keeps texts that come again, such as the name of a program, once. It
// is for one goroutine. encoding/json takes several times as long, and a log to answer from has
// millions of lines.
type Decoder struct {
	seed  maphash.Seed
	texts []string // by their hash; one takes the place of another
	buf   []byte
}

// maxTexts is how many texts a Decoder keeps, and maxText how long they may be.
const (
	maxTexts = 1 << 12
	maxText  = 256
)

// NewDecoder makes a Decoder.
func NewDecoder() *Decoder {
	return &Decoder{seed: maphash.MakeSeed(), texts: make([]string, maxTexts)}
}

// Decode reads one line into r, as the function Decode does. What r holds is not used again.
func (d *Decoder) Decode(line []byte, r *Record) error {
	*r = Record{}
	s := scanner{b: line}
	if s.peek() != '{' && s.i < len(line) {
		return fmt.Errorf("decode a record: %w", errSyntax)
	}
	if err := d.value(&s, recordShape, reflect.ValueOf(r).Elem()); err != nil {
		return fmt.Errorf("decode a record: %w", err)
	}
	if s.peek(); s.i < len(line) {
		return fmt.Errorf("decode a record: %w", errSyntax)
	}
	return r.known()
}

// shape is how a Go type is read from JSON.
type shape struct {
	kind   reflect.Kind
	fields []shapeField   // of a struct, as they are written
	byName map[string]int // where they stand in fields
	elem   *shape         // of a pointer or slice
}

type shapeField struct {
	name  string
	index []int
	shape *shape
}

// field finds a field by its name. Names mostly come in the same order, with some left out: next is
// where the one before stood, and one more.
func (s *shape) field(name []byte, next int) int {
	for at := next; at < min(next+5, len(s.fields)); at++ {
		if s.fields[at].name == string(name) {
			return at
		}
	}
	if at, known := s.byName[string(name)]; known {
		return at
	}
	return -1
}

// What is read from text by its own rule has a kind that no field of a Record has.
const (
	kindTime = reflect.Complex64
	kindAddr = reflect.Complex128
)

var recordShape = shapeOf(reflect.TypeFor[Record]())

func shapeOf(t reflect.Type) *shape {
	switch t {
	case reflect.TypeFor[time.Time]():
		return &shape{kind: kindTime}
	case reflect.TypeFor[netip.Addr]():
		return &shape{kind: kindAddr}
	}
	s := &shape{kind: t.Kind()}
	switch s.kind {
	case reflect.Pointer, reflect.Slice:
		s.elem = shapeOf(t.Elem())
	case reflect.Struct:
		s.byName = map[string]int{}
		for _, f := range reflect.VisibleFields(t) {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				s.byName[name] = len(s.fields)
				s.fields = append(s.fields, shapeField{name, f.Index, shapeOf(f.Type)})
			}
		}
	}
	return s
}

// value reads a value into v.
func (d *Decoder) value(s *scanner, as *shape, v reflect.Value) error {
	if s.peek() == 'n' { // null: as if it were not there
		_, err := s.word()
		return err
	}
	switch as.kind {
	case reflect.Struct:
		return d.object(s, as, v)
	case reflect.Slice:
		return d.list(s, as, v)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(s, as.elem, v.Elem())
	case reflect.String, kindTime, kindAddr:
		raw, escaped, err := s.text()
		if err != nil {
			return err
		}
		if escaped {
			d.buf = unescape(d.buf[:0], raw)
			raw = d.buf
		}
		switch as.kind {
		case kindTime:
			return v.Addr().Interface().(*time.Time).UnmarshalText(raw)
		case kindAddr:
			return v.Addr().Interface().(*netip.Addr).UnmarshalText(raw)
		}
		v.SetString(d.keep(raw))
		return nil
	}
	w, err := s.word()
	if err != nil {
		return err
	}
	return setWord(v, w)
}

func setWord(v reflect.Value, w []byte) error {
	switch v.Kind() {
	case reflect.Bool:
		if w[0] != 't' && w[0] != 'f' {
			return fmt.Errorf("%s is neither true nor false", w)
		}
		v.SetBool(w[0] == 't')
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(string(w), 10, 64)
		if err != nil {
			return fmt.Errorf("%s is not a whole number", Escape(string(w), maxShort))
		}
		v.SetInt(n)
	default:
		n, err := strconv.ParseUint(string(w), 10, 64)
		if err != nil || v.OverflowUint(n) {
			return fmt.Errorf("%s is not a number from 0 to %d", Escape(string(w), maxShort), uint64(1)<<v.Type().Bits()-1)
		}
		v.SetUint(n)
	}
	return nil
}

func (d *Decoder) object(s *scanner, as *shape, v reflect.Value) error {
	if err := s.take('{'); err != nil {
		return err
	}
	next := 0
	for first := true; ; first = false {
		more, err := s.more(first, '}')
		if err != nil || !more {
			return err
		}
		name, escaped, err := s.text()
		if err != nil {
			return err
		}
		if err := s.take(':'); err != nil {
			return err
		}
		at := as.field(name, next)
		if at < 0 || escaped {
			if err := s.skip(0); err != nil {
				return err
			}
			continue
		}
		next = at + 1
		f := &as.fields[at]
		to := v
		for _, i := range f.index {
			to = to.Field(i)
		}
		if err := d.value(s, f.shape, to); err != nil {
			return err
		}
	}
}

func (d *Decoder) list(s *scanner, as *shape, v reflect.Value) error {
	if err := s.take('['); err != nil {
		return err
	}
	v.SetLen(0)
	for n := 0; ; n++ {
		more, err := s.more(n == 0, ']')
		if err != nil || !more {
			return err
		}
		v.Grow(1)
		v.SetLen(n + 1)
		e := v.Index(n)
		e.SetZero()
		if err := d.value(s, as.elem, e); err != nil {
			return err
		}
	}
}

// keep makes a string of b, or finds the one that was made of it before.
func (d *Decoder) keep(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if len(d.texts) == 0 || len(b) > maxText {
		return string(b)
	}
	at := maphash.Bytes(d.seed, b) % maxTexts
	if d.texts[at] != string(b) {
		d.texts[at] = string(b)
	}
	return d.texts[at]
}
