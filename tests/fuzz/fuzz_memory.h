/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes as all the memory that a process has, for what reads a target's: they stand at FUZZ_BASE. Reads are counted. */
#ifndef LG_FUZZ_MEMORY_H
#define LG_FUZZ_MEMORY_H

#include <errno.h>

#include "fuzz.h"
#include "target/cpython.h"

#define FUZZ_BASE 0x7f0000000000ull

struct fuzz_memory {
	const uint8_t *data;
	size_t size;
	size_t nr_reads;
};

/* As struct cpython_memory asks for it; `arg` is a struct fuzz_memory. */
static inline int fuzz_memory_read(void *arg, uint64_t addr, void *buf, size_t len)
{
	struct fuzz_memory *m = arg;

	m->nr_reads++;
	if (addr < FUZZ_BASE || addr - FUZZ_BASE > m->size || len > m->size - (addr - FUZZ_BASE))
		return -EFAULT;
	memcpy(buf, m->data + (addr - FUZZ_BASE), len);
	return 0;
}

#endif
