// Package bpf holds the kernel programs, compiled, and the Go side of the structs they send.
package bpf

// The list of SMTP's words and limits, which both sides have.
//go:generate go run ../scripts/verbs smtp/verbs.txt smtp/verbs.h ../internal/smtp/verbs.go

// The objects are the same wherever they are made: paths of the sources are relative in them, and of the
// two folders with Debian's asm/types.h the one that a host has will do.
//go:generate -command compile go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target amd64,arm64 -output-stem smtptrace
//go:generate compile -type process_event -type conn_event -type payload_event -type dns_event -type counter_set -type process_key -type event_kind -type conn_phase -type conn_state -type conn_flag -type process_flag -type direction -type adoption_key Smtptrace smtptrace.bpf.c -- -O2 -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter -idirafter /usr/include/x86_64-linux-gnu -idirafter /usr/include/aarch64-linux-gnu
