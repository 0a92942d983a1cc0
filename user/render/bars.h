/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A histogram in ASCII, in the form of the BPF tools: ranges, counts, bars of '@'. The 243 fine buckets are merged to
 * the decimal steps 1 - 2.5 - 5, which all are edges of the fine ones: every count is exact and every label round.
 */
#ifndef LG_RENDER_BARS_H
#define LG_RENDER_BARS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/hist.h"
#include "base/text.h"

/*
 * Calls `fn` for the heading and then for each row, at most `cols` columns wide (0: as wide as it likes): printable
 * text, and whether the row lies above `mark_ns`. Not at all when the histogram is empty.
 */
void bars_each(const struct hist *hist, unsigned cols, uint64_t mark_ns,
	       void (*fn)(void *arg, const char *text, bool is_marked), void *arg);

/*
 * One row a step, from the first that holds something to the last; a count above 0 has a bar. Rows that lie
 * above `mark_ns` stand out in colour. Writes nothing when the histogram is empty.
 */
void bars_print(FILE *out, const struct text_style *style, const struct hist *hist, uint64_t mark_ns);

#endif
