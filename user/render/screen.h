/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A grid of characters with attributes: what a full-screen view draws on. It knows no terminal: one program puts it
 * onto a terminal, another into a file, and tests compare it as text.
 *
 * Text is cut at the right edge and never wraps; what lies outside of the grid is not drawn. Only printable text as
 * text_escape() makes it may be put.
 */
#ifndef LG_RENDER_SCREEN_H
#define LG_RENDER_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

#include "base/text.h"

#define SCREEN_CELL_LEN 16 /* bytes of one character with a few marks on it, and NUL */

/* How text looks: a tone, and whether it is shown in reverse. */
#define SCREEN_REVERSE 0x80
#define SCREEN_TONE(a) ((enum text_tone)((a)&0x7f))

struct screen_cell {
	char text[SCREEN_CELL_LEN]; /* one character; empty: covered by the wide one before it */
	unsigned char attr;
};

struct screen {
	unsigned rows;
	unsigned cols;
	bool utf8;
	struct screen_cell *cells; /* row by row */
};

/* All blank. 0 or -ENOMEM. */
int screen_init(struct screen *s, unsigned rows, unsigned cols, bool utf8);
void screen_fini(struct screen *s);

/* Returns the column behind the text. A negative row or column is outside. */
int screen_put(struct screen *s, int row, int col, unsigned attr, const char *text);
/* The same, from a format. */
int screen_printf(struct screen *s, int row, int col, unsigned attr, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Gives every cell of a row this look, blanks included. */
void screen_row(struct screen *s, int row, unsigned attr);
/* Rows `from` to `from` + `nr` - 1 of another screen of the same width, at `row`. */
void screen_copy(struct screen *s, int row, const struct screen *other, unsigned from, unsigned nr);

const struct screen_cell *screen_cell(const struct screen *s, unsigned row, unsigned col);

/* As lines without blanks at their ends; in colour where the style says so. */
void screen_print(const struct screen *s, const struct text_style *style, FILE *out);

#endif
