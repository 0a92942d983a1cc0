/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of native code: an address in a process (or in the kernel) to function, file and line.
 *
 * All that is read is kept in a cache with a bound, least recently used out first: files by inode, so that many
 * processes of one program share them, and names by address. Nothing here fails: what cannot be found is told as
 * "file+0x12ab" or "0x7f..", never left out.
 */
#ifndef LG_SYMBOLS_H
#define LG_SYMBOLS_H

#include <stddef.h>

#include "symbol/cfi.h"
#include "symbol/frame.h"

struct symbols;

/* *out is freed with symbols_free(). 0 or -ENOMEM. */
int symbols_new(struct symbols **out);
void symbols_free(struct symbols *s);

/* Reads the tables of the large files that a process runs, so that the first look-up does not take long. */
void symbols_prepare(struct symbols *s, int pid);

/* Looks an address of a process up. is_return: it is where a call returns to, so the call itself lies before it. */
void symbols_find(struct symbols *s, int pid, uint64_t addr, bool is_return, struct frame *out);

/*
 * From a frame to its caller's, by the unwinding tables of the file that its code is in. -ENOENT: there are none that
 * tell; regs are then as they were.
 */
int symbols_step(struct symbols *s, int pid, uint64_t regs[CFI_NR_REGS], bool is_return,
		 const struct cfi_memory *memory);

/* Whether the code at `ip`, which runs, has its return address in a register: see cfi_is_frameless(). */
bool symbols_is_frameless(struct symbols *s, int pid, uint64_t ip);

/* The name that the process's runtime gave to code it compiled (see perfmap.h), or false. */
bool symbols_find_compiled(struct symbols *s, int pid, uint64_t addr, char *name, size_t size);

/* Looks an address of the kernel up. */
void symbols_find_kernel(struct symbols *s, uint64_t addr, struct frame *out);

/* The process ended, or runs another program: its map is read anew when it is asked for again. */
void symbols_forget(struct symbols *s, int pid);

/* Bytes of memory in use, about. */
size_t symbols_bytes(const struct symbols *s);

#endif
