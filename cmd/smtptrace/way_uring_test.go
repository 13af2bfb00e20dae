package main

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Of include/uapi/linux/io_uring.h: operations and flags.
const (
	ringWrite             = 23
	ringSend              = 26
	ringSendZC            = 47     // 6.0
	ringAsync             = 1 << 4 // of an entry: a worker does it
	ringMore              = 1 << 1 // of a completion: another one follows
	ringGetEvents         = 1
	offSQ, offCQ, offSQEs = 0, 0x8000000, 0x10000000
)

type ringParams struct {
	sqEntries, cqEntries, flags, cpu, idle, features, wqFD uint32
	_                                                      [3]uint32
	sq                                                     struct {
		head, tail, mask, entries, flags, dropped, array, _ uint32
		_                                                   uint64
	}
	cq struct {
		head, tail, mask, entries, overflow, cqes, flags, _ uint32
		_                                                   uint64
	}
}

type ringEntry struct {
	op, flags uint8
	_         uint16
	fd        int32
	off, addr uint64
	len       uint32
	more      uint32
	data      uint64
	_         [3]uint64
}

type ringCompletion struct {
	data  uint64
	res   int32
	flags uint32
}

// byRing sends a chunk by io_uring, with a ring of its own.
func byRing(op, flags uint8) sending {
	return func(s int, chunk []byte) error {
		var p ringParams
		fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 2, uintptr(unsafe.Pointer(&p)), 0)
		if errno != 0 {
			return fmt.Errorf("set up a ring: %w", errno)
		}
		defer unix.Close(int(fd))
		area := func(off int64, size uint32) ([]byte, error) {
			return unix.Mmap(int(fd), off, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
		}
		sq, err := area(offSQ, p.sq.array+p.sqEntries*4)
		if err != nil {
			return fmt.Errorf("map the submissions: %w", err)
		}
		defer unix.Munmap(sq)
		cq, err := area(offCQ, p.cq.cqes+p.cqEntries*uint32(unsafe.Sizeof(ringCompletion{})))
		if err != nil {
			return fmt.Errorf("map the completions: %w", err)
		}
		defer unix.Munmap(cq)
		entries, err := area(offSQEs, p.sqEntries*uint32(unsafe.Sizeof(ringEntry{})))
		if err != nil {
			return fmt.Errorf("map the entries: %w", err)
		}
		defer unix.Munmap(entries)

		*(*ringEntry)(unsafe.Pointer(&entries[0])) = ringEntry{
			op: op, flags: flags, fd: int32(s), addr: uint64(uintptr(unsafe.Pointer(&chunk[0]))), len: uint32(len(chunk)),
		}
		word := func(area []byte, at uint32) *uint32 { return (*uint32)(unsafe.Pointer(&area[at])) }
		*word(sq, p.sq.array) = 0
		atomic.StoreUint32(word(sq, p.sq.tail), 1)
		submit := uintptr(1)
		for done := uint32(0); ; {
			if _, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, fd, submit, 1, ringGetEvents, 0, 0); errno != 0 {
				if errno == unix.EINTR {
					continue
				}
				return fmt.Errorf("enter the ring: %w", errno)
			}
			submit = 0
			for ; done < atomic.LoadUint32(word(cq, p.cq.tail)); done++ {
				c := (*ringCompletion)(unsafe.Pointer(&cq[p.cq.cqes+done*uint32(unsafe.Sizeof(ringCompletion{}))]))
				atomic.StoreUint32(word(cq, p.cq.head), done+1)
				if c.res < 0 {
					return fmt.Errorf("the ring's operation %d: %w", op, unix.Errno(-c.res))
				}
				if done == 0 {
					if err := all(int(c.res), nil, chunk); err != nil {
						return err
					}
				}
				if c.flags&ringMore == 0 {
					runtime.KeepAlive(chunk)
					return nil
				}
			}
		}
	}
}
