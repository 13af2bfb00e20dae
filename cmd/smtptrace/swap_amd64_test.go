package main

import (
	"bufio"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

func init() { disguised["swapped"] = swapped }

// stubs does one system call after the other, as a table says. It is the only code that its process has.
var stubs = []byte{
	0x49, 0x8b, 0x04, 0x24, // mov rax, [r12]
	0x49, 0x8b, 0x7c, 0x24, 0x08, // mov rdi, [r12+8]
	0x49, 0x8b, 0x74, 0x24, 0x10, // mov rsi, [r12+16]
	0x49, 0x8b, 0x54, 0x24, 0x18, // mov rdx, [r12+24]
	0x4d, 0x8b, 0x54, 0x24, 0x20, // mov r10, [r12+32]
	0x4d, 0x31, 0xc0, // xor r8, r8
	0x0f, 0x05, // syscall
	0x49, 0x83, 0xc4, 0x28, // add r12, 40
	0xeb, 0xdd, // jmp to the first
}

// swapped mails from a process that has the kernel call another file its exe (PR_SET_MM_MAP of prctl(2)): a fork,
// for it has one thread, that has left its own program.
func swapped(args []string) error {
	exe, err := os.Open("/bin/true")
	if err != nil {
		return err
	}
	own, err := ownMappings()
	if err != nil {
		return err
	}
	addr, err := netip.ParseAddrPort(args[0])
	if err != nil {
		return err
	}
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	page, err := unix.Mmap(-1, 0, 1<<16, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return err
	}
	base := uintptr(unsafe.Pointer(&page[0]))
	const table, data = 4096, 32768
	at := table
	call := func(words ...uintptr) {
		for i := range 5 {
			if i < len(words) {
				binary.NativeEndian.PutUint64(page[at:], uint64(words[i]))
			}
			at += 8
		}
	}
	end := data
	put := func(b []byte) uintptr {
		copy(page[end:], b)
		end += (len(b) + 7) &^ 7
		return base + uintptr(end) - uintptr((len(b)+7)&^7)
	}
	words := func(list ...uint64) (b []byte) {
		for _, w := range list {
			b = binary.NativeEndian.AppendUint64(b, w)
		}
		return b
	}
	ip := addr.Addr().As4()
	to := append([]byte{unix.AF_INET, 0, byte(addr.Port() >> 8), byte(addr.Port())}, append(ip[:], make([]byte, 8)...)...)
	b := uint64(base)
	mm := words(b, b+8, b+8, b+16, b+24, b+24, b, b, b+8, b+8, b+16, 0, uint64(exe.Fd())<<32) // struct prctl_mm_map
	answer := put(make([]byte, 512))

	for _, m := range own {
		call(unix.SYS_MUNMAP, m[0], m[1]-m[0])
	}
	call(unix.SYS_PRCTL, unix.PR_SET_MM, unix.PR_SET_MM_MAP, put(mm), uintptr(len(mm)))
	call(unix.SYS_CONNECT, uintptr(socket), put(to), 16)
	for _, line := range []string{"HELO swapped.example\r\n", "MAIL FROM:<a@example.org>\r\n", "RCPT TO:<b@example.net>\r\n", "QUIT\r\n"} {
		call(unix.SYS_READ, uintptr(socket), answer, 512)
		call(unix.SYS_WRITE, uintptr(socket), put([]byte(line)), uintptr(len(line)))
	}
	call(unix.SYS_READ, uintptr(socket), answer, 512)
	call(unix.SYS_WRITE, 1, put([]byte("r")), 1)
	call(unix.SYS_READ, 0, answer, 1)
	call(unix.SYS_EXIT_GROUP, 0)
	enter := append(append([]byte{0x49, 0xbc}, words(b+table)...), stubs...) // mov r12, table
	copy(page, enter)

	if err := await(); err != nil {
		return err
	}
	runtime.LockOSThread()
	code := &base
	run := *(*func())(unsafe.Pointer(&code))
	pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	if pid == 0 {
		run()
	}
	_, err = unix.Wait4(int(pid), nil, 0, nil)
	return err
}

// ownMappings lists where the exe is mapped.
func ownMappings() (list [][2]uintptr, err error) {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if !strings.HasSuffix(lines.Text(), "/"+filepath.Base(exe)) {
			continue
		}
		var m [2]uintptr
		from, to, _ := strings.Cut(strings.Fields(lines.Text())[0], "-")
		for i, s := range []string{from, to} {
			for _, c := range s {
				m[i] = m[i]<<4 | uintptr(strings.IndexRune("0123456789abcdef", c))
			}
		}
		list = append(list, m)
	}
	return list, nil
}
