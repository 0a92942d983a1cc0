/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a position in the bytecode of a CPython code object to a line, by the table that the compiler left there. Pure:
 * the table is bytes that were read elsewhere, and any bytes do no harm.
 */
#ifndef LG_LINETABLE_H
#define LG_LINETABLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The line of the instruction at `offset` (bytes from the first one; negative: not begun yet, which counts as the
 * first). `version` is major << 8 | minor, from 3.6 to 3.14; `table` is co_lnotab up to 3.9, else co_linetable. An
 * instruction without a line of its own gets that of the code before it. 0: unknown.
 */
uint32_t linetable_find(uint16_t version, uint32_t first_line, const uint8_t *table, size_t len, int64_t offset);

#endif
