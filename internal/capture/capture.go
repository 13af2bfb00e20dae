// Package capture reads recorded connections for tests: captures of real traffic, the list of what
// tshark reads from them, and the shared cases.
package capture

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/gopacket/gopacket/reassembly"
)

// Files returns the captures in a folder below the one named by SMTPTRACE_CORPUS, or below the one
// beside the repository. Without either the test skips.
func Files(t testing.TB, name string) []string {
	t.Helper()
	dir := os.Getenv("SMTPTRACE_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpus")
	}
	files, err := filepath.Glob(filepath.Join(dir, name, "*.pcap*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("no captures below %s: set SMTPTRACE_CORPUS to the folder of captures", dir)
	}
	return files
}

// Segment is one piece of a connection as it passed: bytes, or the number of those that are not in
// the capture.
type Segment struct {
	Server bool // said it
	Data   []byte
	Lost   uint64
}

// Flow is one TCP connection of a capture.
type Flow struct {
	Port      uint16 // connected to
	Midstream bool   // the SYN is not in the capture
	Segments  []Segment

	swapped bool // the first packet captured was the server's
}

// Accept is of the reassembly, which takes every packet. Where the SYN is missing it would keep all
// there is until the end, and with it the order in which the two sides spoke.
func (f *Flow) Accept(_ *layers.TCP, _ gopacket.CaptureInfo, _ reassembly.TCPFlowDirection, _ reassembly.Sequence, start *bool, _ reassembly.AssemblerContext) bool {
	*start = *start || f.Midstream
	return true
}

// ReassembledSG takes a piece of the stream.
func (f *Flow) ReassembledSG(sg reassembly.ScatterGather, _ reassembly.AssemblerContext) {
	n, _ := sg.Lengths()
	way, _, _, skip := sg.Info()
	server := (way == reassembly.TCPDirServerToClient) != f.swapped
	if skip > 0 {
		f.Segments = append(f.Segments, Segment{Server: server, Lost: uint64(skip)})
	}
	if n > 0 {
		f.Segments = append(f.Segments, Segment{Server: server, Data: bytes.Clone(sg.Fetch(n))})
	}
}

// ReassemblyComplete lets late packets come.
func (f *Flow) ReassemblyComplete(reassembly.AssemblerContext) bool { return false }

type flows []*Flow

// New takes a connection that begins.
func (l *flows) New(_, _ gopacket.Flow, tcp *layers.TCP, _ reassembly.AssemblerContext) reassembly.Stream {
	f := &Flow{Port: uint16(tcp.DstPort), Midstream: !tcp.SYN}
	if f.swapped = tcp.SYN && tcp.ACK || !tcp.SYN && tcp.SrcPort < tcp.DstPort; f.swapped {
		f.Port = uint16(tcp.SrcPort)
	}
	*l = append(*l, f)
	return f
}

// Read returns the TCP connections of a pcap or pcapng file, in order of appearance.
func Read(t testing.TB, path string) []*Flow {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var source interface {
		gopacket.PacketDataSource
		LinkType() layers.LinkType
	}
	if source, err = pcapgo.NewReader(bytes.NewReader(file)); err != nil {
		source, err = pcapgo.NewNgReader(bytes.NewReader(file), pcapgo.DefaultNgReaderOptions)
	}
	if err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
	var list flows
	assembler := reassembly.NewAssembler(reassembly.NewStreamPool(&list))
	for {
		data, info, err := source.ReadPacketData()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Logf("%s is damaged behind this packet, as tshark finds too: %v", filepath.Base(path), err)
			break
		}
		packet := gopacket.NewPacket(data, source.LinkType(), gopacket.Default)
		tcp, ok := packet.TransportLayer().(*layers.TCP)
		if !ok {
			continue
		}
		c := context(info)
		assembler.AssembleWithContext(packet.NetworkLayer().NetworkFlow(), tcp, &c)
	}
	assembler.FlushAll()
	return list
}

// context is when a packet was captured.
type context gopacket.CaptureInfo

// GetCaptureInfo is of the reassembly.
func (c *context) GetCaptureInfo() gopacket.CaptureInfo { return gopacket.CaptureInfo(*c) }
