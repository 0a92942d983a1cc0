/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two runs side by side: by route, by place in the code and by cause, what became more or less, and whether that can be
 * said at all.
 *
 * The rules: two sums of stalls per unit differ when they are further apart than twice the standard error of their
 * difference, stalls taken as independent events (the variance of a sum is the sum of the squares of its parts); below
 * COMPARE_MIN_STALLS of both together nothing is said. Two quantiles differ when the intervals that hold them with
 * about 95 % do not overlap; these are between the ranks n*q -/+ 2*sqrt(n*q*(1-q)), and where those leave the sample
 * there are too few: a median needs 8 requests, a 99th percentile 396.
 */
#ifndef LG_RENDER_COMPARE_H
#define LG_RENDER_COMPARE_H

#include <stdint.h>

#include "model/model.h"
#include "render/render.h"

#define COMPARE_MIN_STALLS 5

enum compare_verdict {
	COMPARE_SAME, /* no difference, or one within chance */
	COMPARE_LESS,
	COMPARE_MORE,
	COMPARE_FEW, /* too few samples to say */
};

/* A sum of stalls, and what it is measured by. */
struct compare_sum {
	uint64_t nr_stalls;
	uint64_t stall_ns;
	double squares; /* of their lengths, s^2 */
	double units;   /* requests, or seconds: more than 0 when there are stalls */
};

/* Of a sum per unit. */
enum compare_verdict compare_sums(const struct compare_sum *a, const struct compare_sum *b);
enum compare_verdict compare_quantiles(const struct hist *a, const struct hist *b, double q);

/* One of the two runs. */
struct compare_side {
	const char *name; /* of its file */
	const char *host;
	uint64_t start_ns; /* CLOCK_REALTIME */
	const struct model_summary *summary;
};

/* Both as text onto r->out (r->style as usual, r->threshold_ns set), or as one JSON line. -ENOMEM or 0. */
int compare_print_text(struct render *r, const struct compare_side sides[2]);
int compare_print_json(struct render *r, const struct compare_side sides[2]);

#endif
