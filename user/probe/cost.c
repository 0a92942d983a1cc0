/* SPDX-License-Identifier: BSD-2-Clause */
/* What the attached programs cost, as they say, and what they are to leave out. */
#include <errno.h>
#include <stdlib.h>

#include "lg_cost.h"
#include "probe/private.h"

/*
 * What the kernel does around a run, in ns, less what the measurement adds to it; medians on x86-64 (Linux 6.18): the
 * slow path of a system call, an exception, a timer's interrupt.
 */
static const uint64_t price_around[LG_NR_COSTS] = {
	[LG_COST_SWITCH] = 10,   [LG_COST_CALL] = 30, [LG_COST_UPROBE] = 570,
	[LG_COST_SAMPLE] = 1000, [LG_COST_TICK] = 10,
};

void probe_set_level(struct probe *p, enum lg_level level)
{
	p->skel->bss->control.level = level;
}

void probe_measure(struct probe *p, bool is_measured)
{
	p->skel->bss->control.is_measured = is_measured;
}

int probe_cost(const struct probe *p, uint64_t *ns)
{
	int fd = bpf_map__fd(p->skel->maps.costs);
	struct lg_cost *per_cpu = calloc(p->nr_cpus, sizeof(*per_cpu));
	int error = per_cpu ? 0 : -ENOMEM;

	*ns = 0;
	for (uint32_t kind = 0; kind < LG_NR_COSTS && !error; kind++) {
		error = bpf_map_lookup_elem(fd, &kind, per_cpu);
		for (int cpu = 0; cpu < p->nr_cpus && !error; cpu++)
			*ns += per_cpu[cpu].run_ns + per_cpu[cpu].runs * price_around[kind];
	}
	free(per_cpu);
	return error;
}
