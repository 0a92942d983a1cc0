/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The terminal as a full-screen view needs it: it shows a grid and gives keys. It knows nothing of what is shown.
 *
 * Whatever ends the program but SIGKILL, the terminal is as it was before: terminal_close() on every path, and a
 * handler for the signals of a crash.
 */
#ifndef LG_TERMINAL_H
#define LG_TERMINAL_H

#include "base/err.h"
#include "render/screen.h"

/* Takes over standard input and output, which must be a terminal. */
int terminal_open(const struct text_style *style, struct err *err);
/* Gives the terminal back; harmless when it was not taken, or twice. */
void terminal_close(void);

/* Whether the terminal takes characters beyond ASCII: asks the locale, so it sets that one up. */
bool terminal_is_utf8(void);

void terminal_size(unsigned *rows, unsigned *cols);
/* The window has another size now: SIGWINCH. */
void terminal_resize(void);
void terminal_draw(const struct screen *s);

/* The next key that waits, as enum top_key (render/top.h); -1: none. */
int terminal_key(void);

#endif
