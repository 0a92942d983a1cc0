/* SPDX-License-Identifier: BSD-2-Clause */
/* What a comparison consists of, between those who compute it and those who print it. */
#ifndef LG_RENDER_COMPARE_ROWS_H
#define LG_RENDER_COMPARE_ROWS_H

#include "render/compare.h"

struct compare_route {
	const struct model_route *name;     /* one that has the route's name */
	const struct model_route *sides[2]; /* all zero where it was not asked for */
	struct compare_sum sums[2];         /* per request */
	double seconds[2];                  /* of the runs */
	enum compare_verdict stalled;
	enum compare_verdict p50; /* of the hold */
	enum compare_verdict p99;
};

struct compare_cause {
	struct compare_sum sums[2]; /* per second */
	enum compare_verdict stalled;
};

struct compare_place {
	const struct model_place *name;
	struct compare_sum sums[2]; /* per second */
	enum compare_verdict stalled;
};

struct compare_rows {
	struct compare_route *routes; /* what changed most first */
	size_t nr_routes;
	struct compare_place *places; /* what changed most first */
	size_t nr_places;
	struct compare_cause causes[LG_NR_CAUSES];
};

/* 0 or -ENOMEM. */
int compare_rows_make(struct compare_rows *rows, const struct compare_side sides[2]);
void compare_rows_fini(struct compare_rows *rows);

#endif
