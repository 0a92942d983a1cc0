/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Single values of the current process's memory: 0 where it cannot be read, which callers take for "nothing there".
 * python_read.bpf.h has its own, which note failures.
 */
#ifndef LG_USER_BPF_H
#define LG_USER_BPF_H

#include "kernel.h"

static __always_inline __u64 word_at(__u64 addr)
{
	__u64 value = 0;

	bpf_probe_read_user(&value, sizeof(value), (void *)addr);
	return value;
}

static __always_inline __u8 byte_at(__u64 addr)
{
	__u8 value = 0;

	bpf_probe_read_user(&value, sizeof(value), (void *)addr);
	return value;
}

/* A word of an object of V8's, by its tagged address. */
static __always_inline __u64 field_at(__u64 object, __u32 offset)
{
	return word_at(object - 1 + offset);
}

#endif
