package record

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// The example of the design, as it stands there, is a record; and all that it says is said again.
func TestDecodeOfTheContract(t *testing.T) {
	want := session()
	line := encode(t, &want)
	line = strings.Replace(line, `"smtptrace":{"schema":1},"ecs":{"version":"8.17.0"},`, "", 1)
	got, err := Decode([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	if again := encode(t, &got); again != encode(t, &want) {
		t.Errorf("got  %s\nwant %s", again, encode(t, &want))
	}
}

func TestDecodePassesOverWhatItDoesNotKnow(t *testing.T) {
	got, err := Decode([]byte(`{"event":{"action":"lost","kind":"event"},"labels":{"a":[1,{}]},` +
		`"smtptrace":{"schema":1,"lost":{"total":3,"payloads":2,"of_the_future":1}},"message":"other words"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got.Event.Action != ActionLost || got.Tracer.Lost != (Losses{Payloads: 2}) {
		t.Errorf("got %+v", got)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{``, "decode a record: it ends too early"},
		{`{"event":{"action":"lost"}`, "decode a record: it ends too early"},
		{`{"event":{"action":"lost"}} {}`, "decode a record: it is not JSON"},
		{`[]`, "decode a record: it is not JSON"},
		{`{}`, "decode a record: it has no event.action"},
		{`{"event":{"action":"\u001b[31m"}}`, `decode a record: unknown event.action "\\x1b[31m"`},
		{`{"event":{"action":"lost"},"smtptrace":{"schema":2}}`,
			"decode a record: its schema is 2, and this smtptrace knows up to 1: use a newer one"},
		{`{"event":{"action":"connect"},"source":{"ip":"nowhere"}}`,
			`decode a record: ParseAddr("nowhere"): unable to parse IP`},
		{`{"event":{"action":"connect"},"source":{"port":-1}}`,
			"decode a record: -1 is not a number from 0 to 65535"},
	} {
		if _, err := Decode([]byte(test.line)); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.line, err, test.want)
		}
	}
}

// A Decoder that has read other lines reads the next as one that has not.
func TestDecoderIsUsedAgain(t *testing.T) {
	d := NewDecoder()
	var got Record
	for _, text := range append(hostile, "text", "text", "") {
		for _, action := range actions {
			r := every(action, text)
			line := []byte(encode(t, &r))
			want, err := Decode(line)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Decode(line, &got); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%s of %q: %v, got %+v", action, text, err, got)
			}
			bare := []byte(`{"event":{"action":"` + string(action) + `"}}`)
			if err := d.Decode(bare, &got); err != nil || !reflect.DeepEqual(got, Record{Event: Event{Action: action}}) {
				t.Fatalf("%v: something of the record before is left: %+v", err, got)
			}
		}
	}
}

// What encoding/json takes, Decode takes, and finds the same in it; what is not JSON, it refuses.
func FuzzDecodeAsJSON(f *testing.F) {
	for _, text := range append(hostile[:len(hostile)-1:len(hostile)-1], "text") {
		r := every(ActionSession, text)
		f.Add(append([]byte(nil), NewEncoder().Encode(&r)...))
	}
	f.Add([]byte(`{"event":{"action":"stop","duration":1e3},"flags":[null,"a\u00e9\ud83d\ude00\ud800\/"],"connector":null}`))
	f.Add([]byte(`{"event":{"action":"lost"},"x":[-0.5e+7,01]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		got, err := Decode(line)
		if err == nil && !json.Valid(line) {
			t.Fatalf("not JSON, but taken: %q", line)
		}
		var want Record
		if json.Unmarshal(line, &want) != nil || want.known() != nil {
			return
		}
		var tree any
		if json.Unmarshal(line, &tree); !lowerKeys(tree) || bytes.Contains(line, []byte("null")) {
			return // encoding/json takes EVENT for event, and null for zero in a list
		}
		if err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		if a, b := encode(t, &got), encode(t, &want); a != b {
			t.Fatalf("of %q\ngot  %s\nwant %s", line, a, b)
		}
	})
}

// lowerKeys says whether all names in a tree are as ours are.
func lowerKeys(tree any) bool {
	switch tree := tree.(type) {
	case []any:
		return !slices.ContainsFunc(tree, func(e any) bool { return !lowerKeys(e) })
	case map[string]any:
		for name, e := range tree {
			if strings.Trim(name, "@_abcdefghijklmnopqrstuvwxyz") != "" && !strings.Contains(name, "256") || !lowerKeys(e) {
				return false
			}
		}
	}
	return true
}

// Whatever Decode takes, Encode writes; and what Encode writes stays as it is.
func FuzzDecode(f *testing.F) {
	for _, action := range actions {
		r := every(action, "text")
		f.Add(append([]byte(nil), NewEncoder().Encode(&r)...))
		r = Record{Event: Event{Action: action}}
		f.Add(append([]byte(nil), NewEncoder().Encode(&r)...))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := Decode(line)
		if err != nil {
			return
		}
		first := encode(t, &r)
		if !safe(strings.TrimSuffix(strings.ReplaceAll(first, "\ufffd", ""), "\n")) {
			t.Fatalf("not safe: %q", first)
		}
		again, err := Decode([]byte(first))
		if err != nil {
			t.Fatalf("%v: %s", err, first)
		}
		if second := encode(t, &again); second != first {
			t.Fatalf("first  %s\nsecond %s", first, second)
		}
		Text(&r, true)
		s := NewSummary()
		s.Add(&r)
		s.Text(r.Time, true)
	})
}
