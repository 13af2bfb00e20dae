package proc

import (
	"time"

	"golang.org/x/sys/unix"
)

// tick is more than the kernel's coarse clock takes to move on, with which it stamps files (10 ms at
// 100 Hz).
const tick = 20 * time.Millisecond

// wallNs turns nanoseconds of CLOCK_BOOTTIME into nanoseconds since the epoch, as the clocks stand now.
func wallNs(boot uint64) int64 {
	var b unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &b) != nil {
		return 0
	}
	return time.Now().UnixNano() - b.Nano() + int64(boot)
}

// settled tells that a file which changed at ctime cannot change again without getting another
// ctime. A whole second is taken as the mark of a file system that keeps seconds only.
func settled(ctimeNs, nowNs int64) bool {
	margin := tick.Nanoseconds()
	if ctimeNs%1e9 == 0 {
		margin = 2 * 1e9
	}
	return nowNs-ctimeNs > margin
}
