/* SPDX-License-Identifier: BSD-2-Clause */
/* A sliding sum, and its shares by route. */
#include "model/cumulative.h"

#include <stdlib.h>
#include <string.h>

#include "model/filter.h"
#include "model/stack.h"
#include "model/state.h"

#define MIN_HOLD_NS 1000000 /* what is shorter is a loop at its work, however often it happens */
#define MAX_HOLDS   4096    /* of one loop; of more the oldest are forgotten */

struct small_hold {
	uint64_t start_ns;
	uint64_t end_ns;
	uint64_t length_ns;        /* without the time that it had no CPU */
	const struct route *route; /* NULL: nobody's */
	struct stack *stack;       /* NULL: none was taken in it */
	char id[MODEL_ID_LEN];
};

static struct small_hold *hold_at(const struct cumulative *c, unsigned i)
{
	return &c->holds[(c->first + i) % c->max];
}

static void oldest_drop(struct cumulative *c)
{
	c->sum_ns -= hold_at(c, 0)->length_ns;
	stack_put(hold_at(c, 0)->stack);
	c->first = (c->first + 1) % c->max;
	c->nr--;
}

/* Room for as many as can make the sum; false: no memory. */
static bool holds_alloc(struct model *m, struct cumulative *c)
{
	uint64_t max = m->opts.cumulative_ns / MIN_HOLD_NS + 2;

	if (c->holds)
		return true;
	c->max = max < MAX_HOLDS ? (unsigned)max : MAX_HOLDS;
	c->holds = calloc(c->max, sizeof(*c->holds));
	if (!c->holds)
		m->lacks_memory = true;
	return c->holds;
}

/* Others on the host, and a quota, make every run longer: that adds up to no hold of the code's. */
static uint64_t hold_length(const struct span *span)
{
	uint64_t wait_ns = span->parts.runqueue_ns + span->parts.throttled_ns;

	return span->length_ns > wait_ns ? span->length_ns - wait_ns : 0;
}

void cumulative_add(struct model *m, struct loop *l, const struct run *run, const struct request *who)
{
	struct cumulative *c = &l->cumulative;
	uint64_t length_ns = hold_length(&run->span);
	struct small_hold *hold;

	if (!m->opts.cumulative_ns || length_ns < MIN_HOLD_NS || !holds_alloc(m, c))
		return;
	if (!filter_takes_stall(m->opts.filter, who ? &who->who : NULL, span_cause(&run->span), MODEL_DETAIL_NONE))
		return;
	if (c->nr == c->max)
		oldest_drop(c);
	hold = hold_at(c, c->nr++);
	*hold = (struct small_hold){.start_ns = run->span.start_ns,
				    .end_ns = run->span.start_ns + run->span.length_ns,
				    .length_ns = length_ns,
				    .stack = stacks_choose(l, run)};
	c->sum_ns += hold->length_ns;
	if (!who)
		return;
	hold->route = who->route;
	memcpy(hold->id, who->who.id, sizeof(hold->id));
}

void cumulative_drop(struct loop *l, const struct run *run)
{
	struct cumulative *c = &l->cumulative;

	while (c->nr && hold_at(c, c->nr - 1)->start_ns >= run->span.start_ns) {
		c->sum_ns -= hold_at(c, c->nr - 1)->length_ns;
		stack_put(hold_at(c, --c->nr)->stack);
	}
}

/* The share of a hold's route, made when it is the first; NULL: there are too many. */
static struct model_share *share_get(struct model_cumulative *out, struct model_share *shares,
				     const struct small_hold *hold)
{
	const char *method = hold->route ? hold->route->stats.method : NULL;
	const char *route = hold->route ? hold->route->stats.route : NULL;

	for (unsigned i = 0; i < out->nr_shares; i++)
		if (shares[i].route == route && shares[i].method == method)
			return &shares[i];
	if (out->nr_shares == MODEL_MAX_SHARES)
		return NULL;
	shares[out->nr_shares] = (struct model_share){.method = method, .route = route};
	return &shares[out->nr_shares++];
}

static int share_compare(const void *a, const void *b)
{
	const struct model_share *x = a, *y = b;

	return (x->sum_ns < y->sum_ns) - (x->sum_ns > y->sum_ns);
}

static void shares_sum(const struct cumulative *c, struct model_cumulative *out, struct model_share *shares)
{
	for (unsigned i = 0; i < c->nr; i++) {
		const struct small_hold *hold = hold_at(c, i);
		struct model_share *share = share_get(out, shares, hold);

		if (!share) {
			out->other_ns += hold->length_ns;
			continue;
		}
		share->nr_holds++;
		share->sum_ns += hold->length_ns;
		if (hold->stack && hold->length_ns > share->place_ns) {
			share->place = stack_place(hold->stack);
			share->place_ns = hold->length_ns;
		}
		if (share->nr_ids < MODEL_SHARE_IDS && *hold->id)
			share->ids[share->nr_ids++] = hold->id;
	}
	qsort(shares, out->nr_shares, sizeof(*shares), share_compare);
}

static void cumulative_tell(struct model *m, struct loop *l)
{
	struct cumulative *c = &l->cumulative;
	const struct small_hold *last = hold_at(c, c->nr - 1);
	struct model_share shares[MODEL_MAX_SHARES] = {};
	struct model_cumulative out = {
		.start_ns = hold_at(c, 0)->start_ns,
		.pid = l->pid,
		.tid = l->tid,
		.comm = l->comm,
		.sum_ns = c->sum_ns,
		.nr_holds = c->nr,
		.limit_ns = m->opts.cumulative_ns,
		.window_ns = m->opts.cumulative_window_ns,
		.shares = shares,
	};

	out.duration_ns = last->end_ns - out.start_ns;
	shares_sum(c, &out, shares);
	m->nr_cumulative++;
	if (m->sink.cumulative)
		m->sink.cumulative(m->sink.arg, &out);
	while (c->nr)
		oldest_drop(c);
}

void cumulative_check(struct model *m, struct loop *l, uint64_t now_ns)
{
	struct cumulative *c = &l->cumulative;

	while (c->nr && hold_at(c, 0)->start_ns + m->opts.cumulative_window_ns < now_ns)
		oldest_drop(c);
	if (c->nr && c->sum_ns >= m->opts.cumulative_ns)
		cumulative_tell(m, l);
}

void cumulative_fini(struct cumulative *c)
{
	while (c->nr)
		oldest_drop(c);
	free(c->holds);
	*c = (struct cumulative){0};
}
