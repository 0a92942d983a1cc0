/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One step up a stack by the unwinding tables of a file (.eh_frame), which every program has that can throw or be
 * debugged, by libdw. The tables are the target's: what they compute is only ever used as an address to read from.
 */
#ifndef LG_CFI_H
#define LG_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cfi;

#define CFI_NR_REGS 17 /* of x86-64 by their numbers in DWARF: 6 is rbp, 7 rsp, 16 where the frame is */
#define CFI_FP      6
#define CFI_SP      7
#define CFI_IP      16

struct cfi_memory {
	/* A word of the stack: 0, or a negative error. */
	int (*read)(void *arg, uint64_t addr, uint64_t *word);
	void *arg;
};

/* Of an open file; the descriptor stays the caller's, and open. NULL: it has no tables, or they are too large. */
struct cfi *cfi_open(int fd);
void cfi_close(struct cfi *c);

/* From a frame at `addr` (as linked) to its caller's: regs are changed. -ENOENT: the tables do not tell. */
int cfi_step(struct cfi *c, uint64_t addr, uint64_t regs[CFI_NR_REGS], const struct cfi_memory *memory);

/*
 * Whether the function at `addr` (as linked) has its return address in a register there: it calls nobody, or has made
 * no frame yet. Always false where calls push it.
 */
bool cfi_is_frameless(struct cfi *c, uint64_t addr);

/* Bytes of the tables. */
size_t cfi_bytes(const struct cfi *c);

#endif
