package event

import (
	"testing"

	"github.com/smtptrace/smtptrace/bpf"
)

// kernelDNS is an answer that is longer than what an event holds.
func kernelDNS() *bpf.SmtptraceDnsEvent {
	k := &bpf.SmtptraceDnsEvent{Kind: uint32(KindDNS), Dir: uint32(Server), TsNs: 5, Netns: 7, MessageLen: 900, DataLen: 512}
	k.Data[0], k.Data[511] = 0xab, 0xcd
	return k
}

func TestDNS(t *testing.T) {
	var e Event
	if err := e.Decode(raw(t, kernelDNS())); err != nil {
		t.Fatal(err)
	}
	m := &e.DNS.Message
	if e.Kind != KindDNS || e.DNS.Direction != Server || e.DNS.NetNS != 7 || m.Len != 512 || !m.Cut || m.Data[0] != 0xab || m.Data[511] != 0xcd {
		t.Errorf("%+v", e.DNS)
	}
	for _, change := range []func(*bpf.SmtptraceDnsEvent){
		func(k *bpf.SmtptraceDnsEvent) { k.DataLen = 513 },
		func(k *bpf.SmtptraceDnsEvent) { k.MessageLen = 511 },
		func(k *bpf.SmtptraceDnsEvent) { k.Dir = 2 },
	} {
		k := kernelDNS()
		change(k)
		if err := e.Decode(raw(t, k)); err == nil {
			t.Errorf("decoded: %+v", e.DNS)
		}
	}
	if err := e.Decode(raw(t, kernelDNS())[:500]); err == nil {
		t.Error("a short one is decoded")
	}
}
