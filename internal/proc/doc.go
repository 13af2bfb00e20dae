// Package proc says who a process is: what the kernel read at the act, enriched from a root directory.
package proc
