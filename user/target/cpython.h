/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What BPF must know to read from a CPython process whose code runs (bpf/python.bpf.c): offsets by version, and the
 * addresses of a few objects that live as long as the process.
 *
 * It reads the target's memory, where anything may stand: every count is bounded, and what is not found is left 0 or
 * refused. Nothing here is a proof: BPF checks types again at each read.
 */
#ifndef LG_TARGET_CPYTHON_H
#define LG_TARGET_CPYTHON_H

#include <stddef.h>
#include <stdint.h>

#include "lg_python.h"

/*
 * Of a process whose interpreter is of `version` (major << 8 | minor). -ENOTSUP: a version or build that is not known;
 * -ENOENT: it does not use asyncio (yet); other negative errors: it could not be read.
 */
int cpython_find(struct lg_python *out, int pid, uint16_t version);

/* How the memory of a process is read: all `len` bytes, else a negative error. */
struct cpython_memory {
	int (*read)(void *arg, uint64_t addr, void *buf, size_t len);
	void *arg;
};

/* The value of `key` (ASCII) in a dict whose keys are strings: 0 when it is not there or no sense can be made of it. */
uint64_t cpython_dict_get(const struct lg_python *py, const struct cpython_memory *memory, uint64_t dict,
			  const char *key);

#endif
