/* SPDX-License-Identifier: BSD-2-Clause */
/* Histograms in user space over the shared bucket table (lg_hist.h). */
#ifndef LG_USER_HIST_H
#define LG_USER_HIST_H

#include <stdint.h>

#include "lg_hist.h"

struct hist {
	uint64_t count;
	uint64_t sum_ns;
	uint64_t max_ns; /* 0 when the counts came from a slot that has no maximum */
	uint64_t buckets[LG_NR_BUCKETS];
};

void hist_add(struct hist *h, uint64_t ns);
/*
 * The value below which a share `q` (0..1) of the counts lies: interpolated within its bucket, never above
 * max_ns when that is known. 0 when the histogram is empty.
 */
uint64_t hist_quantile(const struct hist *h, double q);
/* Lower (exclusive) and upper (inclusive) edge of a bucket in ns; UINT64_MAX for the last one's upper edge. */
uint64_t hist_lower_ns(unsigned bucket);
uint64_t hist_upper_ns(unsigned bucket);

#endif
