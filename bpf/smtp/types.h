/* The types that the pure part is written in. Nothing in this folder calls a helper, or knows a
 * map, a socket or a packet: it is compiled natively too (native.c).
 */
#ifndef TYPES_H
#define TYPES_H

#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __s16 s16;
typedef __s32 s32;
typedef __u64 u64;

#ifdef __BPF__
#include <bpf/bpf_helpers.h>
typedef _Bool bool;
#define true 1
#define false 0
#else
#include <stdbool.h>
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#endif
