/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How busy each loop was over time, from its totals: a bounded number of points a loop, however long the run is. When
 * there are too many, every other one goes.
 */
#ifndef LG_RENDER_SERIES_H
#define LG_RENDER_SERIES_H

#include <stdint.h>

#include "base/table.h"
#include "lg_record.h"

#define SERIES_POINTS 1024 /* more than a screen has columns to show them */

struct series_point {
	uint64_t time_ns;
	uint64_t idle_ns; /* asleep in its wait so far, what lasts included */
};

struct series_loop {
	uint32_t tid;
	unsigned nr;
	unsigned step; /* totals for a point */
	unsigned skip; /* totals until the next one */
	struct series_point points[SERIES_POINTS];
};

struct series {
	struct table loops; /* tid -> struct series_loop */
};

void series_init(struct series *series);
void series_fini(struct series *series);
/* Takes every record; a loop for which there is no memory or no room has no series. */
void series_record(struct series *series, const struct lg_head *rec);

#endif
