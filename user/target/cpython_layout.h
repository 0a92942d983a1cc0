/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offsets in the memory of a CPython process, by version. From 3.13 on the interpreter publishes many of them itself,
 * from 3.14 on asyncio does too: what is published goes before the tables.
 */
#ifndef LG_TARGET_CPYTHON_LAYOUT_H
#define LG_TARGET_CPYTHON_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "lg_python.h"

#define CPYTHON_OFFSET_MAX 0xffff /* larger ones make no sense, and 0xffff stands for something else */

struct cpython_layout {
	uint16_t main;           /* _PyRuntime -> the main interpreter */
	uint16_t modules;        /* interpreter -> sys.modules */
	uint16_t gil;            /* to the state of the interpreter lock: */
	bool gil_at_interpreter; /* from 3.12: a pointer in the interpreter; before it is a part of _PyRuntime */
	struct lg_python py;
};

/* From the table. False: the version (major << 8 | minor) is not known. */
bool cpython_layout_init(struct cpython_layout *out, uint16_t version);

#define CPYTHON_PUBLISHES 0x030d /* the first version that does */
#define CPYTHON_WORDS     95     /* of what it publishes, at the head of _PyRuntime */

/* Takes over what is published. -ENOTSUP: nonsense, another version, or a free-threaded build. */
int cpython_layout_publish(struct cpython_layout *layout, const uint64_t words[CPYTHON_WORDS]);

#define CPYTHON_ASYNCIO_PUBLISHES 0x030e
#define CPYTHON_ASYNCIO_WORDS     13
#define CPYTHON_ASYNCIO_SECTION   ".AsyncioDebug" /* of the file that _asyncio is in */

/* As above, of asyncio. */
int cpython_layout_publish_asyncio(struct cpython_layout *layout, const uint64_t words[CPYTHON_ASYNCIO_WORDS]);

#endif
