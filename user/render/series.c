/* SPDX-License-Identifier: BSD-2-Clause */
/* Points from LOOP records. */
#include "render/series.h"

#include <stdlib.h>

#include "lg_slot.h"

#define MAX_LOOPS 1024 /* 16 MB of points; a page shows fewer */

void series_init(struct series *series)
{
	table_init(&series->loops, 0);
}

void series_fini(struct series *series)
{
	size_t pos = 0;
	void *loop;

	while (table_next(&series->loops, &pos, NULL, &loop))
		free(loop);
	table_fini(&series->loops);
}

static struct series_loop *loop_get(struct series *series, uint32_t tid)
{
	struct series_loop *loop = table_get(&series->loops, tid);

	if (loop || series->loops.count >= MAX_LOOPS)
		return loop;
	loop = calloc(1, sizeof(*loop));
	if (!loop || table_put(&series->loops, tid, loop)) {
		free(loop);
		return NULL;
	}
	loop->tid = tid;
	loop->step = 1;
	return loop;
}

static void loop_thin(struct series_loop *loop)
{
	for (unsigned i = 0; i < SERIES_POINTS / 2; i++)
		loop->points[i] = loop->points[2 * i];
	loop->nr = SERIES_POINTS / 2;
	loop->step *= 2;
}

void series_record(struct series *series, const struct lg_head *rec)
{
	const struct lg_slot *slot = &((const struct lg_rec_loop *)rec)->slot;
	struct series_loop *loop;
	uint64_t idle_ns;

	if (rec->kind != LG_REC_LOOP)
		return;
	loop = loop_get(series, slot->tid);
	if (!loop || (loop->skip && loop->skip--))
		return;
	idle_ns = slot->idle_ns;
	if (slot->idle_since_ns && rec->time_ns > slot->idle_since_ns)
		idle_ns += rec->time_ns - slot->idle_since_ns;
	if (loop->nr == SERIES_POINTS)
		loop_thin(loop);
	if (!loop->nr && slot->first_ns < rec->time_ns)
		loop->points[loop->nr++] = (struct series_point){slot->first_ns, 0};
	loop->points[loop->nr++] = (struct series_point){rec->time_ns, idle_ns};
	loop->skip = loop->step - 1;
}
