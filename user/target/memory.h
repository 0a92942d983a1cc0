/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of a running process: read, never written to, and the process goes on meanwhile. */
#ifndef LG_TARGET_MEMORY_H
#define LG_TARGET_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Reads all `len` bytes, else a negative error. `pid` is a const int *: this serves as cpython_memory.read. */
int memory_read(void *pid, uint64_t addr, void *buf, size_t len);

#endif
