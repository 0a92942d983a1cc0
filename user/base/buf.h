/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A growable byte buffer. It is for text and bytes whose length is not known beforehand; it is no stream:
 * nothing is read from it, its owner looks at data and len.
 *
 * Once memory ran out the buffer takes nothing more, so that a chain of calls needs one check at its end.
 */
#ifndef LG_BUF_H
#define LG_BUF_H

#include <stdbool.h>
#include <stddef.h>

/* All zero is an empty buffer. */
struct buf {
	char *data;  /* len bytes and a NUL after them; NULL until the first byte */
	size_t len;  /* bytes in use, without the NUL */
	size_t size; /* bytes allocated */
	bool failed; /* memory ran out: what was added since is missing */
};

/* Both return 0, or -ENOMEM now and from then on. */
int buf_add(struct buf *b, const void *bytes, size_t len);
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Frees the bytes and leaves an empty buffer. */
void buf_fini(struct buf *b);

#endif
