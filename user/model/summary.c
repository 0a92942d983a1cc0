/* SPDX-License-Identifier: BSD-2-Clause */
/* The summary: copies of what was counted, in order. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/state.h"

static int loop_compare(const void *a, const void *b)
{
	const struct model_loop *x = a, *y = b;

	if (x->stall_ns != y->stall_ns)
		return x->stall_ns < y->stall_ns ? 1 : -1;
	if (x->turns != y->turns)
		return x->turns < y->turns ? 1 : -1;
	return (x->tid > y->tid) - (x->tid < y->tid);
}

static int route_compare(const void *a, const void *b)
{
	const struct model_route *x = a, *y = b;

	if (x->stall_ns != y->stall_ns)
		return x->stall_ns < y->stall_ns ? 1 : -1;
	if (x->hold.sum_ns != y->hold.sum_ns)
		return x->hold.sum_ns < y->hold.sum_ns ? 1 : -1;
	return (x->count < y->count) - (x->count > y->count);
}

static int loops_copy(const struct model *m, uint64_t now_ns, struct model_summary *out)
{
	size_t n = 0;

	list_for_each (node, &m->loops.all)
		n += list_entry(node, struct loop, in_all)->is_loop;
	out->loops = calloc(n + 1, sizeof(*out->loops));
	if (!out->loops)
		return -ENOMEM;
	list_for_each (other, &m->loops.all) {
		const struct loop *l = list_entry(other, struct loop, in_all);

		if (l->is_loop)
			loop_describe(l, now_ns, &out->loops[out->nr_loops++]);
		out->nr_in_flight += l->nr_in_flight;
	}
	qsort(out->loops, out->nr_loops, sizeof(*out->loops), loop_compare);
	return 0;
}

static int routes_gather(const struct model *m, struct model_summary *out)
{
	out->routes = calloc((size_t)m->routes.count + 1, sizeof(*out->routes));
	if (!out->routes)
		return -ENOMEM;
	out->nr_routes = routes_copy(&m->routes, out->routes);
	qsort(out->routes, out->nr_routes, sizeof(*out->routes), route_compare);
	return 0;
}

static int place_compare(const void *a, const void *b)
{
	const struct model_place *x = a, *y = b;
	int names;

	if (x->stall_ns != y->stall_ns)
		return x->stall_ns < y->stall_ns ? 1 : -1;
	names = strcmp(x->function, y->function);
	return names ? names : strcmp(x->file, y->file);
}

static int places_gather(const struct model *m, struct model_summary *out)
{
	out->places = calloc((size_t)m->places.count + 1, sizeof(*out->places));
	if (!out->places)
		return -ENOMEM;
	out->nr_places = places_copy(&m->places, out->places);
	qsort(out->places, out->nr_places, sizeof(*out->places), place_compare);
	return 0;
}

static void counters_copy(const struct model *m, struct model_summary *out)
{
	for (int i = 0; i < 16; i++)
		out->counters[i] = m->counters[i];
#define X(sym, nr, name, is_loss, help) out->lost += (is_loss) ? m->counters[nr] : 0;
	LG_COUNTERS(X)
#undef X
}

int model_summary_loops(const struct model *m, uint64_t now_ns, struct model_summary *out)
{
	int err;

	*out = (struct model_summary){
		.start_ns = m->has_begun ? m->start_ns : now_ns,
		.end_ns = now_ns,
		.nr_stalls = m->nr_stalls,
		.nr_filtered = m->nr_filtered,
		.nr_cumulative = m->nr_cumulative,
		.nr_requests = m->nr_requests,
	};
	if (out->start_ns > now_ns)
		out->start_ns = now_ns;
	memcpy(out->causes, m->causes, sizeof(out->causes));
	memcpy(out->details, m->details, sizeof(out->details));
	counters_copy(m, out);
	levels_copy(m, now_ns, out);
	err = loops_copy(m, now_ns, out);
	if (err)
		model_summary_fini(out);
	return err;
}

int model_summary(const struct model *m, uint64_t now_ns, struct model_summary *out)
{
	int err = model_summary_loops(m, now_ns, out);

	if (!err)
		err = routes_gather(m, out);
	if (!err)
		err = places_gather(m, out);
	if (err)
		model_summary_fini(out);
	return err;
}

size_t model_in_flight(const struct model *m, uint32_t pid, uint32_t tid, struct model_flight *out, size_t max)
{
	const struct loop *l = loop_find(m, pid, tid);
	size_t n = 0;

	if (!l)
		return 0;
	list_for_each (node, &l->in_flight) {
		const struct request *r = list_entry(node, struct request, in_flight);

		if (n == max)
			break;
		out[n++] = (struct model_flight){&r->who, r->head_ns, r->hold_ns};
	}
	return n;
}

void model_summary_fini(struct model_summary *s)
{
	free(s->loops);
	free(s->routes);
	free(s->places);
	*s = (struct model_summary){0};
}

int model_restart(struct model *m, uint64_t now_ns)
{
	m->start_ns = now_ns;
	m->nr_stalls = 0;
	m->nr_filtered = 0;
	m->nr_cumulative = 0;
	m->nr_requests = 0;
	memset(m->causes, 0, sizeof(m->causes));
	levels_restart(&m->levels, now_ns);
	memset(m->details, 0, sizeof(m->details));
	routes_restart(&m->routes);
	places_fini(&m->places);
	return loops_restart(&m->loops, now_ns);
}
