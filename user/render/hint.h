/* SPDX-License-Identifier: BSD-2-Clause */
/* What to do about a stall, in one sentence of plain words, by its cause and detail and the runtime of the loop. */
#ifndef LG_HINT_H
#define LG_HINT_H

#include "render/render.h"

#define HINT_LEN 256 /* longest sentence with its NUL */

/* The sentence; `name` (the detail's) and `service`, untrusted or NULL, go into it as they are. Returns `buf`. */
const char *hint_format(char *buf, size_t size, enum lg_cause cause, const struct model_detail *detail,
			enum lg_runtime runtime, const char *service);
const char *hint_of_stall(char *buf, size_t size, const struct model_stall *stall);
const char *hint_of_stuck(char *buf, size_t size, const struct model_stuck *stuck);

/* Below a line, in words that fit the terminal, `indent` columns in; each sentence once, unless hints are off. */
void hint_print(struct render *r, int indent, const char *hint);

#endif
