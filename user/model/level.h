/* SPDX-License-Identifier: BSD-2-Clause */
/* What was left out to stay within the budget, and for how long. Why, is decided elsewhere (budget.h). */
#ifndef LG_LEVEL_H
#define LG_LEVEL_H

#include "model/model.h"

struct levels {
	enum lg_level now;
	uint64_t since_ns;
	uint64_t limit_ppm;            /* of the newest record; 0: there was none */
	uint64_t sum_ns[LG_NR_LEVELS]; /* without the time since since_ns */
};

/* What is left out from the record on; requests that are no longer followed end. */
void level_feed(struct model *m, const struct lg_rec_budget *rec);
/* Into the summary, as of `now_ns`. */
void levels_copy(const struct model *m, uint64_t now_ns, struct model_summary *out);
/* Times count from `now_ns` on; the level stays. */
void levels_restart(struct levels *l, uint64_t now_ns);

#endif
