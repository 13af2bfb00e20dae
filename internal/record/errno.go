package record

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// Error is why a connect failed.
type Error struct {
	Code    string `json:"code"` // ECONNREFUSED
	Errno   uint32 `json:"errno"`
	Message string `json:"message"`
}

// ErrorOf names an error of the kernel; none for 0.
func ErrorOf(errno syscall.Errno) Error {
	if errno == 0 {
		return Error{}
	}
	return Error{Code: unix.ErrnoName(errno), Errno: uint32(errno), Message: errno.Error()}
}
