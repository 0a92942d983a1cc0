/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The budget: from what tracing costs to what is left out of it.
 *
 * It is pure: costs come in as samples, of a second or so each. Two dear samples in a row lead one level down (see
 * LG_LEVELS). It leads one level up where the dearer level would fit as well, judged by how much it was dearer than the
 * level below when it was left, and by what it cost then for the work of the targets; or when it has been tried for
 * long enough, ever more seldom while that is in vain.
 */
#ifndef LG_BUDGET_H
#define LG_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "lg_lists.h"

/* What an interval of tracing cost. Times in ns. */
struct budget_sample {
	uint64_t window_ns; /* its length */
	uint64_t target_ns; /* CPU time of the traced processes */
	uint64_t bpf_ns;    /* CPU time of theirs that the probes took */
	uint64_t own_ns;    /* CPU time of lgtrace itself */
};

struct budget {
	uint64_t limit_ppm; /* 0: no limit */
	enum lg_level level;
	unsigned nr_dear;    /* samples over the limit in a row, */
	unsigned nr_cheap;   /* and of those that leave room for the level before this one */
	uint64_t settled_ns; /* at this level so far */
	uint64_t dear_ppm;   /* cost of the first of nr_dear */
	uint64_t left_ppm;   /* cost of the level that was left last; 0: it was compared */
	uint64_t left_ns;    /* CPU time of the targets in the last sample of it */
	bool was_up;         /* the last step led up */
	/* Cost of the level before, in 1/16 of this one's at the same load. */
	uint32_t ratio[LG_NR_LEVELS];
	/* What the level before cost when it was left, in millionths of the targets' CPU time then. */
	double share[LG_NR_LEVELS];
	uint64_t retry_ns[LG_NR_LEVELS]; /* so long a level is kept before the one before it is tried all the same */
};

/*
 * `limit_ppm`: millionths of the targets' CPU time, or of one CPU's where that is more: so the same holds for a server
 * of many processes and for a small one, and one that idles is traced at a cost that nobody notices.
 */
void budget_init(struct budget *b, uint64_t limit_ppm);

/* The cost of tracing as `limit_ppm` counts it; 0 for an empty interval. */
uint64_t budget_cost_ppm(const struct budget_sample *s);

/* Takes the next sample. Returns whether the level changed. */
bool budget_take(struct budget *b, const struct budget_sample *s);

#endif
