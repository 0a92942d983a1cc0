/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tracing costs, measured as it goes on, and the budget that it is held to. Probes measure themselves during one
 * beat of every second, at a moment that moves: measured all the time they would be dearer by a third.
 */
#ifndef LG_CMD_METER_H
#define LG_CMD_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/table.h"
#include "model/budget.h"
#include "probe/probe.h"
#include "source/live.h"

struct meter {
	struct budget budget;
	struct table cpu_ns;    /* of each traced process, as it was at the last sample */
	struct table cpu_new;   /* while it is read anew */
	uint64_t target_ns;     /* the sum of what was added meanwhile */
	uint64_t start_ns;      /* of the sample that is being taken */
	uint64_t own_ns;        /* this process's CPU time then */
	uint64_t slice_due_ns;  /* when the probes are to be measured in it */
	uint64_t slice_from_ns; /* since when they are; 0: not now */
	uint64_t slice_ns;      /* for so long they were; 0: not yet */
	uint64_t bpf_ns;        /* probe_cost() at the last sample */
	uint64_t nr_samples;
};

/* Counts from now on: what setting up cost is not in it. `limit_ppm` 0: no budget, and nothing is measured. */
void meter_init(struct meter *m, uint64_t limit_ppm, const struct live *live);
void meter_fini(struct meter *m);

/*
 * At every beat. Returns whether other things are left out from now on: budget.level, which the probes were told;
 * then *rec says why, but for its head.
 */
bool meter_beat(struct meter *m, struct probe *probe, const struct live *live, struct lg_rec_budget *rec);

#endif
