package report

import (
	"hash/maphash"
	"io"
	"runtime"
	"sync"
)

// pass reads logs, one behind the other: one goroutine cuts them into blocks, some scan these, and
// the one that called takes what they find in the order of the lines.
type pass struct {
	query    *Query
	stdin    io.Reader
	progress func(read int64) // bytes of files, since the last call

	seed    maphash.Seed
	buffers sync.Pool // of *[]byte, blockSize long
	results sync.Pool // of *scanned
}

// task is a block on its way; its result comes through done.
type task struct {
	block *block
	done  chan *scanned
}

// read reads one log, and calls take for each block. opened is false where it could not even be
// opened.
func (p *pass) read(path string, take func(*scanned)) (opened bool, err error) {
	log, err := openLog(path, p.stdin)
	if err != nil {
		return false, err
	}
	defer log.close()
	workers := runtime.GOMAXPROCS(0)
	todo, ordered := make(chan task, workers), make(chan task, 2*workers)
	for range workers {
		go func() {
			s := newScanner(p.query, p.seed, &p.results)
			for t := range todo {
				t.done <- s.scan(t.block)
			}
		}()
	}
	seq, failed := blocks(log, p.buffer)
	go func() {
		defer close(ordered)
		defer close(todo)
		for b := range seq {
			t := task{b, make(chan *scanned, 1)}
			ordered <- t
			todo <- t
		}
	}()
	var known int64
	for t := range ordered {
		result := <-t.done
		take(result)
		p.results.Put(result)
		if cap(t.block.buf) == blockSize { // a grown one would keep its memory
			p.buffers.Put(&t.block.buf)
		}
		if now := log.read.n.Load(); p.progress != nil && now > known {
			p.progress(now - known)
			known = now
		}
	}
	return true, failed()
}

func (p *pass) buffer() []byte {
	if b, ok := p.buffers.Get().(*[]byte); ok {
		return (*b)[:blockSize]
	}
	return make([]byte, blockSize)
}
