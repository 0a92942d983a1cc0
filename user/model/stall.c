/* SPDX-License-Identifier: BSD-2-Clause */
/* Cause, victims and counts of a stall. */
#include "model/stall.h"

#include "model/state.h"

#define BLOCK_SHARE 100 /* a block is worth telling from this part of the stall on: one per cent */

struct victims {
	const char *ids[MODEL_MAX_VICTIMS];
	unsigned count;
};

static void victim_add(struct victims *v, const struct request *r)
{
	if (v->count < MODEL_MAX_VICTIMS)
		v->ids[v->count] = r->who.id;
	v->count++;
}

/*
 * Who waited: what is in flight at the turn's end, and what ended in the turn but not before the stall began. What was
 * read after the stall waited too, since it was ready when the turn began.
 */
static void victims_find(struct victims *v, const struct loop *l, const struct run *run)
{
	const struct request *culprit = run->owner.who;

	list_for_each (node, &l->in_flight) {
		const struct request *r = list_entry(node, struct request, in_flight);

		if (r != culprit && !(r->has_open_end && r->write_ns <= run->span.start_ns))
			victim_add(v, r);
	}
	list_for_each (ended, &l->settling) {
		const struct request *r = list_entry(ended, struct request, settling);

		if (r->has_ended && r != culprit && r->end_ns > run->span.start_ns)
			victim_add(v, r);
	}
}

static void stall_count(struct model *m, struct loop *l, const struct model_stall *s, struct route *route)
{
	m->nr_stalls++;
	m->causes[s->cause].nr_stalls++;
	m->causes[s->cause].stall_ns += s->duration_ns;
	l->nr_stalls++;
	l->stall_ns += s->duration_ns;
	if (!route)
		return;
	route->stats.nr_stalls++;
	route->stats.stall_ns += s->duration_ns;
}

static const char *block_path(const struct model *m, const struct loop *l, const struct lg_block *block)
{
	bool has_path = block->target.kind == LG_TARGET_FILE || block->target.kind == LG_TARGET_PIPE;

	return has_path ? facts_path(&m->facts, l->pid, block->target.ino) : NULL;
}

void stall_tell(struct model *m, struct loop *l, const struct run *run, uint64_t turn_ns)
{
	const struct span *span = &run->span;
	const struct request *who = run->owner.who;
	struct victims victims = {0};
	struct model_stall s = {
		.start_ns = span->start_ns,
		.duration_ns = span->length_ns,
		.pid = l->pid,
		.tid = l->tid,
		.comm = l->comm,
		.cause = span_cause(span),
		.confidence = who ? run->owner.sure : LG_SURE_NONE,
		.parts = span->parts,
		.on_cpu_nr = -1,
		.request = who ? &who->who : NULL,
		.turn_ns = turn_ns,
	};

	if (span->block.sleep_ns && span->block.sleep_ns >= span->length_ns / BLOCK_SHARE) {
		s.block = &span->block;
		s.block_path = block_path(m, l, s.block);
	}
	if (s.cause == LG_CAUSE_SYSCALL && span->last_nr_ns && span->parts.on_cpu_ns > span->parts.blocked_ns)
		s.on_cpu_nr = span->last_nr;
	victims_find(&victims, l, run);
	s.victims = victims.ids;
	s.nr_victims = victims.count;
	s.nr_victims_told = victims.count < MODEL_MAX_VICTIMS ? victims.count : MODEL_MAX_VICTIMS;
	stall_count(m, l, &s, who ? who->route : NULL);
	if (m->sink.stall)
		m->sink.stall(m->sink.arg, &s);
}
