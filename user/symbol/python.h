/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of Python code: the address of a code object and a place in it, to function, file and line, read from the
 * memory of a process that runs on meanwhile.
 *
 * Code objects do not change, but a stale address may lead to anything: the object's type is checked, lengths are
 * bounded, and what makes no sense is refused.
 */
#ifndef LG_SYMBOL_PYTHON_H
#define LG_SYMBOL_PYTHON_H

#include "symbol/frame.h"
#include "symbol/names.h"
#include "target/cpython.h"

struct python_reader {
	uint16_t version;             /* major << 8 | minor */
	uint64_t process;             /* a number of this run of the process: what names are remembered under */
	uint64_t type_code;           /* learnt: address of the type of code objects, 0 not yet */
	struct cpython_memory memory; /* of the process */
	struct names *names;          /* the cache */
};

#define PYTHON_HEAD_LEN 216 /* bytes of a code object up to its first instruction, in every version */

/* `head`: PYTHON_HEAD_LEN bytes at `code`, if they were read already; NULL: not. `position` is that of struct
 * lg_code_frame. -ENOENT when there is no code object. */
int python_find(struct python_reader *r, uint64_t code, const uint8_t *head, uint64_t position, struct frame *out);

#endif
