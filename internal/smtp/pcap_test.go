package smtp

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

// corpus returns the folder of captures below the one named by SMTPTRACE_CORPUS, or below the one
// beside the repository. Without either the test skips.
func corpus(t testing.TB, name string) []string {
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

// segment is one piece of a connection as it passed: bytes, or the number of those lost or cut.
type segment struct {
	dir       Direction
	data      []byte
	lost, cut uint64
}

// flow is one TCP connection of a capture.
type flow struct {
	port      uint16 // connected to
	midstream bool   // the SYN is not in the capture
	swapped   bool   // the first packet captured was the server's
	segments  []segment
}

func (f *flow) options(ordered bool) Options {
	w := via{port: f.port}
	return Options{MailPort: w.mailPort(), Midstream: f.midstream, Ordered: ordered}
}

func (f *flow) Accept(*layers.TCP, gopacket.CaptureInfo, reassembly.TCPFlowDirection, reassembly.Sequence, *bool, reassembly.AssemblerContext) bool {
	return true
}

func (f *flow) ReassembledSG(sg reassembly.ScatterGather, _ reassembly.AssemblerContext) {
	n, _ := sg.Lengths()
	way, _, _, skip := sg.Info()
	dir := Client
	if (way == reassembly.TCPDirServerToClient) != f.swapped {
		dir = Server
	}
	if skip > 0 {
		f.segments = append(f.segments, segment{dir: dir, lost: uint64(skip)})
	}
	if n > 0 {
		f.segments = append(f.segments, segment{dir: dir, data: bytes.Clone(sg.Fetch(n))})
	}
}

func (f *flow) ReassemblyComplete(reassembly.AssemblerContext) bool { return false }

type flows []*flow

func (l *flows) New(_, _ gopacket.Flow, tcp *layers.TCP, _ reassembly.AssemblerContext) reassembly.Stream {
	f := &flow{port: uint16(tcp.DstPort), midstream: !tcp.SYN}
	if f.swapped = tcp.SYN && tcp.ACK || !tcp.SYN && tcp.SrcPort < tcp.DstPort; f.swapped {
		f.port = uint16(tcp.SrcPort)
	}
	*l = append(*l, f)
	return f
}

// readCapture returns the TCP connections of a pcap or pcapng file, in order of appearance.
func readCapture(t testing.TB, path string) []*flow {
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
		c := captureInfo(info)
		assembler.AssembleWithContext(packet.NetworkLayer().NetworkFlow(), tcp, &c)
	}
	assembler.FlushAll()
	return list
}

type captureInfo gopacket.CaptureInfo

func (c *captureInfo) GetCaptureInfo() gopacket.CaptureInfo { return gopacket.CaptureInfo(*c) }
