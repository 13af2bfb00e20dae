package record

import (
	"fmt"
	"net/netip"
	"reflect"
	"testing"
	"time"
)

// leaf is one field of a Record that holds a value, however deep.
type leaf struct {
	name string
	set  func(r *Record, text string)
}

// leaves lists every field of a Record. Slices get one element, pointers a target.
func leaves() []leaf {
	var list []leaf
	var walk func(name string, typ reflect.Type, get func(*Record) reflect.Value)
	walk = func(name string, typ reflect.Type, get func(*Record) reflect.Value) {
		switch {
		case typ == reflect.TypeFor[time.Time](), typ == reflect.TypeFor[netip.Addr](), typ.Kind() != reflect.Struct &&
			typ.Kind() != reflect.Pointer && typ.Kind() != reflect.Slice:
			list = append(list, leaf{name, func(r *Record, text string) { setLeaf(get(r), text) }})
		case typ.Kind() == reflect.Struct:
			for i := range typ.NumField() {
				f := typ.Field(i)
				walk(name+"."+f.Name, f.Type, func(r *Record) reflect.Value { return get(r).Field(i) })
			}
		case typ.Kind() == reflect.Pointer:
			walk(name, typ.Elem(), func(r *Record) reflect.Value {
				v := get(r)
				if v.IsNil() {
					v.Set(reflect.New(typ.Elem()))
				}
				return v.Elem()
			})
		case typ.Kind() == reflect.Slice:
			walk(name+"[0]", typ.Elem(), func(r *Record) reflect.Value {
				v := get(r)
				if v.IsNil() {
					v.Set(reflect.MakeSlice(typ, 1, 1))
				}
				return v.Index(0)
			})
		}
	}
	walk("", reflect.TypeFor[Record](), func(r *Record) reflect.Value { return reflect.ValueOf(r).Elem() })
	return list
}

func setLeaf(v reflect.Value, text string) {
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(at))
		return
	case netip.Addr:
		v.Set(reflect.ValueOf(netip.MustParseAddr("2001:db8::1")))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1<<(v.Type().Bits()-1) - 1)
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1<<v.Type().Bits() - 1)
	default:
		panic(fmt.Sprintf("a field of kind %s: teach the test", v.Kind()))
	}
}

// every is a record of this action with all fields set.
func every(action Action, text string) Record {
	var r Record
	for _, l := range leaves() {
		l.set(&r, text)
	}
	r.Event.Action = action
	r.Tracer.Schema = Schema
	return r
}

var actions = []Action{
	ActionStart, ActionStop, ActionHeartbeat, ActionConnect, ActionFirstPayload, ActionSession, ActionLost,
}

// Every field of the struct is in the JSON by the name that Decode reads: alone, and with all others.
func TestRoundTrip(t *testing.T) {
	for _, action := range actions {
		r := every(action, "text")
		equalAfterRoundTrip(t, string(action), r)
		for _, l := range leaves() {
			if l.name == ".Event.Action" {
				continue
			}
			r := Record{Event: Event{Action: action}}
			l.set(&r, "text")
			r.Tracer.Schema = Schema
			equalAfterRoundTrip(t, string(action)+l.name, r)
		}
	}
}

func equalAfterRoundTrip(t *testing.T, name string, r Record) {
	t.Helper()
	line := encode(t, &r)
	got, err := Decode([]byte(line))
	if err != nil {
		t.Errorf("%s: %v", name, err)
	} else if !reflect.DeepEqual(got, r) {
		t.Errorf("%s: got %sfrom %s", name, encode(t, &got), line)
	}
}
