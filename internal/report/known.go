package report

import (
	"bufio"
	"bytes"
	"io"
	"net/netip"
	"slices"

	"github.com/smtptrace/smtptrace/internal/received"
	"github.com/smtptrace/smtptrace/internal/record"
)

// Known is what logs tell of the addresses of the host that they are of: what the report may call ours, behind NAT and
// on another machine, too.
type Known struct {
	Sources []netip.Addr // public ones that sessions came from
	Told    []netip.Addr // what servers called a client whose own address no server sees
	Own     []string     // what --own of the runs said
}

// Addresses are those that the logs vouch for: of sessions, and of --own of the runs.
func (k *Known) Addresses() []netip.Addr {
	list := slices.Clone(k.Sources)
	for _, own := range k.Own {
		if a, err := netip.ParseAddr(own); err == nil {
			list = add(list, a)
		}
	}
	return list
}

// maxKnown bounds each list.
const maxKnown = 1000

var (
	startAction   = []byte(`"action":"start"`)
	sessionAction = []byte(`"action":"session"`)
	sourceField   = []byte(`,"source":{`)
	replyWords    = [][]byte{[]byte("essages from"), []byte("lient"), []byte("ello "), []byte("ervice, ["), []byte("lock"), []byte("IP"), []byte("ip"), []byte("isted")}
)

// Learn reads the addresses of the host in the logs. What cannot be read is passed over: the answer says it. Standard
// input is left alone.
func Learn(logs []string) *Known {
	k := &Known{}
	for _, path := range files(logs) {
		if path == Stdin {
			continue
		}
		if l, err := openLog(path, nil); err == nil {
			k.read(l)
			l.close()
		}
	}
	return k
}

func (k *Known) read(r io.Reader) {
	lines := bufio.NewReaderSize(r, blockSize)
	decoder := record.NewDecoder()
	for {
		line, err := lines.ReadSlice('\n')
		switch {
		case err == bufio.ErrBufferFull: // no record is longer
			continue
		case bytes.Contains(line[:min(len(line), 512)], startAction):
			var one record.Record
			if decoder.Decode(line, &one) == nil {
				for _, own := range one.Tracer.Own {
					k.Own = add(k.Own, own)
				}
			}
		case bytes.Contains(line[:min(len(line), 512)], sessionAction):
			k.session(line, decoder)
		}
		if err != nil {
			return
		}
	}
}

// session takes the address that a session came from or, where no server sees that, what its server called it.
func (k *Known) session(line []byte, decoder *record.Decoder) {
	source, _ := objectOf(line, sourceField)
	said, _ := textOf(source, `"ip":"`)
	a, err := netip.ParseAddr(string(said))
	if err != nil {
		return
	}
	if a = a.Unmap(); received.Public(a) {
		k.Sources = add(k.Sources, a)
		return
	}
	if !slices.ContainsFunc(replyWords, func(word []byte) bool { return bytes.Contains(line, word) }) {
		return
	}
	var one record.Record
	if decoder.Decode(line, &one) != nil {
		return
	}
	replies := []string{one.SMTP.Banner, one.SMTP.FirstReply, one.SMTP.LastReply}
	for i := range one.SMTP.Transactions {
		replies = append(replies, one.SMTP.Transactions[i].Reply)
	}
	for _, reply := range replies {
		for _, a := range received.Told(reply) {
			if a != one.Destination.IP.Unmap() {
				k.Told = add(k.Told, a)
			}
		}
	}
}

// add adds what is not in a list yet.
func add[T comparable](list []T, one T) []T {
	if len(list) >= maxKnown || slices.Contains(list, one) {
		return list
	}
	return append(list, one)
}
