package record

import "testing"

func BenchmarkEncode(b *testing.B) {
	r := session()
	e := NewEncoder()
	b.ReportAllocs()
	for b.Loop() {
		b.SetBytes(int64(len(e.Encode(&r))))
	}
}

func BenchmarkText(b *testing.B) {
	r := session()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendText(buf[:0], &r, true)
	}
}

func BenchmarkDecode(b *testing.B) {
	r := session()
	line := NewEncoder().Encode(&r)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(line); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSummary(b *testing.B) {
	r := session()
	s := NewSummary()
	b.ReportAllocs()
	for b.Loop() {
		s.Add(&r)
	}
}

func BenchmarkDecoder(b *testing.B) {
	r := session()
	line := NewEncoder().Encode(&r)
	d := NewDecoder()
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Decode(line, &r); err != nil {
			b.Fatal(err)
		}
	}
}
