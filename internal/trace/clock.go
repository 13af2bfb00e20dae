package trace

import (
	"time"

	"golang.org/x/sys/unix"
)

// clock turns the kernel's CLOCK_BOOTTIME into the time of day.
type clock struct{ boot time.Time }

// set notes when the machine was booted, by the clock as it stands now.
func (c *clock) set() {
	var ts unix.Timespec
	// It fails for an unknown clock alone; this one is there since 2.6.39.
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) == nil {
		c.boot = time.Now().Round(0).Add(-time.Duration(ts.Nano()))
	}
}

// at is the time of day of an instant; zero for 0.
func (c *clock) at(ns uint64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return c.boot.Add(time.Duration(ns))
}
