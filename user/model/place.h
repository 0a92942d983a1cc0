/* SPDX-License-Identifier: BSD-2-Clause */
/* The places of stalls: counts by function. Bounded: when there are too many, those of further ones are one. */
#ifndef LG_PLACE_H
#define LG_PLACE_H

#include "base/table.h"
#include "model/model.h"

struct places {
	struct table by_key; /* hash of function and file -> struct place */
	unsigned count;
};

void places_init(struct places *p);
void places_fini(struct places *p);

/* Counts a stall at `frame`, for the request `who` (NULL: nobody's). 0 or -ENOMEM. */
int places_count(struct places *p, const struct model_frame *frame, const struct model_request *who,
		 enum lg_cause cause, uint64_t length_ns);

/* Copies all of them to `out`, which has room for p->count. Returns how many. */
size_t places_copy(const struct places *p, struct model_place *out);

#endif
