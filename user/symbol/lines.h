/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Source lines of native code, from DWARF by libdw.
 *
 * The data are the target's, and libdw may take much memory for them: files with more than a limit of them are left
 * alone. They are read with pread(), never mapped.
 */
#ifndef LG_LINES_H
#define LG_LINES_H

#include <stddef.h>
#include <stdint.h>

struct lines;

/* Of an open file; the descriptor stays the caller's, and open. NULL: it has no lines, or too much data. */
struct lines *lines_open(int fd);
void lines_close(struct lines *l);

/* Of an address as linked. The file's name is cut to `size`. -ENOENT: unknown. */
int lines_find(struct lines *l, uint64_t addr, char *file, size_t size, uint32_t *line);

/* Bytes of the debugging data. */
size_t lines_bytes(const struct lines *l);

#endif
