/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose, why and where, as of now. */
#include "model/stuck.h"

#include "model/state.h"

/* The run that goes on: whose it is if it ends now, and since when it lasts. */
static struct owner run_now(const struct loop *l, uint64_t turn_ns, uint64_t *start_ns)
{
	const struct edge end = {.kind = EDGE_END};
	const struct turn *t = &l->turn;
	const struct run *run = t->in_lead ? &t->lead : &t->run;
	struct scene scene = t->scene;
	struct owner owner = {0};

	*start_ns = turn_ns;
	/* Nothing was told of this turn yet. */
	if (!t->has_begun) {
		if (l->nr_in_flight == 1)
			owner = (struct owner){list_entry(l->in_flight.next, struct request, in_flight),
					       LG_SURE_LIKELY};
		return owner;
	}
	scene.others_read = t->reads_mixed || (scene.sole && t->read_serial && t->read_serial != scene.sole->serial);
	owner = owner_find(policy_of(l->runtime), &t->edge, &end, &t->last, &scene);
	if (!t->has_edges)
		return owner;
	if (owner.who != run->owner.who)
		*start_ns = t->edge_ns;
	else if (!t->in_lead)
		*start_ns = run->span.start_ns;
	return owner;
}

/* What it does since more than half of the time, if that is one thing. */
static enum lg_cause cause_now(const struct lg_slot *slot, uint64_t start_ns, uint64_t now_ns)
{
#define X(sym, nr, cause) [nr] = LG_CAUSE_##cause,
	static const enum lg_cause of_sleep[LG_NR_SLEEPS] = {LG_SLEEPS(X)};
#undef X
	uint64_t off_ns = slot->off_ns > start_ns ? slot->off_ns : start_ns;

	if (!slot->off_ns || off_ns >= now_ns || now_ns - off_ns < (now_ns - start_ns) / 2)
		return LG_CAUSE_CPU;
	return slot->off_class < LG_NR_SLEEPS ? of_sleep[slot->off_class] : LG_CAUSE_RUNQUEUE;
}

static void detail_now(struct model_stuck *s, const struct loop *l)
{
	const struct lg_block block = {
		.nr = s->sleep_nr,
		.fd = -1,
		.sleep = s->cause == LG_CAUSE_IO ? LG_SLEEP_IO : LG_SLEEP_SYSCALL,
		.args = {1, 1}, /* not known: it is not told as a sleep */
	};
	const struct detail_facts facts = {
		.cause = s->cause,
		.block = &block,
		.frames = s->frames,
		.nr_frames = s->nr_frames,
		.command = l->command_ns >= s->start_ns ? l->command : "",
	};

	detail_find(&s->detail, &facts);
}

static void stuck_tell(struct model *m, const struct loop *l, const struct lg_slot *slot, uint64_t now_ns)
{
	const struct stack *stack = l->stacks.nr ? l->stacks.v[l->stacks.nr - 1] : NULL;
	const char *victims[MODEL_MAX_VICTIMS];
	uint64_t start_ns;
	struct owner owner = run_now(l, slot->turn_ns, &start_ns);
	struct model_stuck s = {
		.pid = l->pid,
		.tid = l->tid,
		.comm = l->comm,
		.runtime = l->runtime,
		.turn_ns = now_ns - slot->turn_ns,
		.victims = victims,
		.sleep_nr = -1,
		.frames = stack ? stack->frames : NULL,
		.nr_frames = stack ? stack->nr : 0,
		.place = stack_place(stack),
	};

	/* Runs of many make a long turn as well: then it is nobody's. */
	if (now_ns - start_ns < l->turn.threshold_ns) {
		owner = (struct owner){0};
		start_ns = slot->turn_ns;
	}
	s.start_ns = start_ns;
	s.duration_ns = now_ns - start_ns;
	s.request = owner.who ? &owner.who->who : NULL;
	s.confidence = owner.who ? owner.sure : LG_SURE_NONE;
	s.cause = cause_now(slot, start_ns, now_ns);
	if (s.cause == LG_CAUSE_SYSCALL || s.cause == LG_CAUSE_IO)
		s.sleep_nr = slot->sleep_nr;
	detail_now(&s, l);
	list_for_each (node, &l->in_flight) {
		const struct request *r = list_entry(node, struct request, in_flight);

		if (r == owner.who)
			continue;
		if (s.nr_victims < MODEL_MAX_VICTIMS)
			victims[s.nr_victims_told++] = r->who.id;
		s.nr_victims++;
	}
	m->sink.stuck(m->sink.arg, &s);
}

void stuck_look(struct model *m, struct loop *l, const struct lg_slot *slot, uint64_t now_ns)
{
	uint64_t length_ns = slot->turn_ns && now_ns > slot->turn_ns ? now_ns - slot->turn_ns : 0;

	if (length_ns < l->turn.threshold_ns + MODEL_STUCK_AFTER_NS || l->turn_end_ns > slot->turn_ns)
		return;
	if (l->stuck.turn_ns == slot->turn_ns && length_ns < l->stuck.next_ns)
		return;
	l->stuck.turn_ns = slot->turn_ns;
	/* Twice as long is due; whoever looks may have measured a moment earlier. */
	l->stuck.next_ns = 2 * length_ns - length_ns / 8;
	if (m->sink.stuck)
		stuck_tell(m, l, slot, now_ns);
}
