package proc

import (
	"time"

	"golang.org/x/sys/unix"
)

// stampLag bounds how far a file's times lag behind the clock: the kernel stamps with a clock that
// moves once a tick. Twice that, since a tick can be late.
var stampLag = func() int64 {
	var res unix.Timespec
	if unix.ClockGetres(unix.CLOCK_REALTIME_COARSE, &res) != nil {
		return 2 * int64(10*time.Millisecond) // the slowest tick there is, 100 Hz
	}
	return 2 * res.Nano()
}()

// wallNs turns nanoseconds of CLOCK_BOOTTIME into nanoseconds since the epoch, as the clocks stand now.
func wallNs(boot uint64) int64 {
	var b unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &b) != nil {
		return 0
	}
	return time.Now().UnixNano() - b.Nano() + int64(boot)
}

// settled tells that a file which was last changed at ctime cannot be changed at atNs or later without
// getting another ctime. A whole second is taken as the mark of a file system that keeps no more.
func settled(ctimeNs, atNs int64) bool {
	margin := stampLag
	if ctimeNs%1e9 == 0 {
		margin = 2e9
	}
	return atNs-ctimeNs > margin
}
