package smtptest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"github.com/smtptrace/smtptrace/internal/event"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// program is bpf/smtp/native.c, which runs as long as this one and serves one connection after the other.
type program struct {
	mu  sync.Mutex
	in  io.Writer
	out *bufio.Reader
}

// native starts it. Whatever goes wrong is a panic: nothing can be tested without.
var native = sync.OnceValue(func() *program {
	p, err := startNative()
	if err != nil {
		panic(fmt.Errorf("bpf/smtp/native.c: %w", err))
	}
	return p
})

func startNative() (*program, error) {
	root, err := repository()
	if err != nil {
		return nil, err
	}
	compiler := "clang-19"
	if _, err := exec.LookPath(compiler); err != nil {
		compiler = "cc"
	}
	dir, err := os.MkdirTemp("", "smtptest")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	sources, err := filepath.Glob(filepath.Join(root, "bpf", "smtp", "*"))
	if err != nil {
		return nil, fmt.Errorf("find the sources: %w", err)
	}
	for _, file := range append(sources, filepath.Join(root, "bpf", "record.h"), filepath.Join(root, "bpf", "event.h")) {
		if _, err := os.Stat(file); err != nil { // go test then knows what its cached result depends on
			return nil, fmt.Errorf("find the sources: %w", err)
		}
	}
	binary := filepath.Join(dir, "native")
	compile := exec.Command(compiler, "-O1", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-Wno-unused-parameter",
		"-o", binary, filepath.Join(root, "bpf", "smtp", "native.c"))
	if out, err := compile.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile it: %w\n%s", err, out)
	}
	cmd := exec.Command(binary)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("open its input: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("open its output: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start it: %w", err)
	}
	return &program{in: in, out: bufio.NewReader(out)}, nil
}

// repository finds the folder of go.mod: a test runs in that of its package.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the sources: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod above this folder")
		}
		dir = up
	}
}

func appendU32(b []byte, n uint32) []byte { return binary.LittleEndian.AppendUint32(b, n) }

// ask sends a request, and reads what the program has to say of it.
func (p *program) ask(request []byte) *View {
	p.mu.Lock()
	defer p.mu.Unlock()
	sent := make(chan error, 1)
	go func() {
		_, err := p.in.Write(request)
		sent <- err
	}()
	v := &View{}
	for p.read(v) {
	}
	if err := <-sent; err != nil {
		panic(fmt.Errorf("bpf/smtp/native.c: %w", err))
	}
	return v
}

// read reads one thing that is said; false at the end.
func (p *program) read(v *View) bool {
	switch what := p.u8(); what {
	case 'D':
		x := Piece{Server: p.u8() == 1}
		x.Data = p.octets()
		v.Pieces = append(v.Pieces, x)
	case 'H':
		v.Pieces = append(v.Pieces, Piece{Data: p.octets(), Hello: true})
	case 'C':
		x := Piece{Server: p.u8() == 1, Cut: uint64(p.u32())}
		x.Unaligned = p.u8() == 0
		v.Pieces = append(v.Pieces, x)
	case 'L':
		v.Pieces = append(v.Pieces, Piece{Server: p.u8() == 1, Lost: uint64(p.u32())})
	case 'V':
		v.Told, v.State = true, event.State(p.u8())
		v.Named = p.u8() == 1
	case '.':
		for _, n := range []*uint64{&v.Rest[0], &v.Rest[1], &v.Skipped[0], &v.Skipped[1]} {
			*n = uint64(p.u32())
		}
		return false
	default:
		panic(fmt.Sprintf("bpf/smtp/native.c says %q", what))
	}
	return true
}

func (p *program) u8() byte {
	b, err := p.out.ReadByte()
	if err != nil {
		panic(fmt.Errorf("bpf/smtp/native.c has ended: %w", err))
	}
	return b
}

func (p *program) u32() uint32 { return binary.LittleEndian.Uint32(p.take(4)) }

func (p *program) octets() []byte { return p.take(int(p.u32())) }

func (p *program) take(n int) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(p.out, b); err != nil {
		panic(fmt.Errorf("bpf/smtp/native.c has ended: %w", err))
	}
	return b
}
