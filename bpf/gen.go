// Package bpf holds the kernel programs, compiled, and the Go side of the structs they send.
package bpf

//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -cc clang-19 -strip llvm-strip-19 -target amd64,arm64 -output-stem smtptrace -type process_event -type conn_event -type payload_event -type counter_set -type process_key -type event_kind -type conn_phase -type conn_state -type conn_flag -type process_flag -type direction Smtptrace smtptrace.bpf.c -- -O2 -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter -fdebug-prefix-map=${PWD}=. -I/usr/include/x86_64-linux-gnu
