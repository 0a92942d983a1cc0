/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Untrusted bytes made safe to show, and how a terminal is written to.
 *
 * Whatever comes from a traced process (comm, paths, ids, socket names) goes through text_escape() before a
 * terminal, or text_put_json() before JSON. After that it holds no control byte, no invalid UTF-8 and no
 * character that is invisible or turns the direction of writing, so its width in columns is known.
 */
#ifndef LG_TEXT_H
#define LG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum text_when { TEXT_AUTO, TEXT_ALWAYS, TEXT_NEVER };

enum text_tone { TEXT_PLAIN, TEXT_BOLD, TEXT_DIM, TEXT_RED, TEXT_YELLOW, TEXT_GREEN, TEXT_CYAN };

enum text_cut {
	TEXT_CUT_END,   /* the head is what tells */
	TEXT_CUT_MIDDLE /* both ends do: addresses with ports, paths of files */
};

/* What the place we write to can show. All zero: plain ASCII into a file. */
struct text_style {
	bool colour;
	bool utf8;
	unsigned width; /* columns; 0: no terminal, so nothing need be cut to fit */
};

/*
 * Looks at the file descriptor and at NO_COLOR, TERM, LC_ALL, LC_CTYPE and LANG. AUTO means: colour on a
 * terminal that is not "dumb", unless NO_COLOR is set to something.
 */
void text_style_init(struct text_style *style, enum text_when colour, int fd);

/*
 * Writes `len` bytes as printable text, NUL-terminated, at most `size` bytes; what does not fit is left off, never
 * half a character. A byte that is no valid UTF-8 or a control byte becomes \xNN, a character that must not reach a
 * terminal (or any beyond ASCII when !utf8) \u{hex}, a backslash \\. Returns the columns it takes.
 */
unsigned text_escape(char *out, size_t size, const void *bytes, size_t len, bool utf8);

/* Columns of text that text_escape() made. */
unsigned text_columns(const char *text);

/*
 * Cuts text that text_escape() made to at most `columns`, with an ellipsis ("..." when !utf8) where something was
 * left off. `out` and `text` must not overlap. Returns the columns it takes.
 */
unsigned text_fit(char *out, size_t size, const char *text, unsigned columns, enum text_cut cut, bool utf8);

/* Writes printable text in a tone, padded with spaces to |columns|: on its left when negative, as in printf. */
void text_put(FILE *out, const struct text_style *style, enum text_tone tone, const char *text, int columns);

/*
 * Writes a JSON string with its quotes: ASCII controls and what text_escape() would hide as \uXXXX, so that JSON is
 * safe on a terminal too; each byte that is no valid UTF-8, and NUL (which many readers refuse), as \ufffd.
 */
void text_put_json(FILE *out, const void *bytes, size_t len);

#endif
