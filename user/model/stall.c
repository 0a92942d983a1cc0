/* SPDX-License-Identifier: BSD-2-Clause */
/* Cause, victims and counts of stalls. */
#include "model/stall.h"

#include <stdlib.h>
#include <string.h>

#include "model/filter.h"
#include "model/state.h"

#define BLOCK_SHARE 100 /* a block is worth telling from this part of the stall on: one per cent */

/* A turn that begins so soon after the one before found its events waiting. */
#define AT_ONCE_NS 50000
/* No turn with edges has followed for so long: the loop sleeps. */
#define HOLD_NS 20000000
/* The turn that follows is long itself: nobody wants to wait for its end. */
#define HOLD_MAX_NS 200000000

static void victim_add(struct held_stall *h, const struct request *r)
{
	if (h->nr_victims < MODEL_MAX_VICTIMS)
		memcpy(h->victims[h->nr_victims], r->who.id, sizeof(r->who.id));
	h->nr_victims++;
}

/*
 * Who waited: what is in flight at the turn's end, and what ended in the turn but not before the stall began. What was
 * read after the stall waited too, since it was ready when the turn began.
 */
static void victims_find(struct held_stall *h, const struct loop *l)
{
	const struct request *culprit = h->run.owner.who;
	uint64_t start_ns = h->run.span.start_ns;

	list_for_each (node, &l->in_flight) {
		const struct request *r = list_entry(node, struct request, in_flight);

		if (r != culprit && !(r->has_open_end && r->write_ns <= start_ns))
			victim_add(h, r);
	}
	list_for_each (ended, &l->settling) {
		const struct request *r = list_entry(ended, struct request, settling);

		if (r->has_ended && r != culprit && r->end_ns > start_ns)
			victim_add(h, r);
	}
}

/* Was it read in the turn that began at `turn_ns`, and may it have been sent while the stall lasted? */
static bool has_waited(const struct request *r, const struct held_stall *h, uint64_t turn_ns)
{
	return r->head_ns >= turn_ns && r->asked_ns < h->run.span.start_ns + h->run.span.length_ns;
}

static void victims_add_read(struct held_stall *h, const struct loop *l, uint64_t turn_ns)
{
	list_for_each (node, &l->in_flight) {
		const struct request *r = list_entry(node, struct request, in_flight);

		if (has_waited(r, h, turn_ns))
			victim_add(h, r);
	}
	list_for_each (ended, &l->settling) {
		const struct request *r = list_entry(ended, struct request, settling);

		if (r->has_ended && has_waited(r, h, turn_ns))
			victim_add(h, r);
	}
}

static void detail_count(struct model *m, const struct loop *l, enum lg_cause cause, enum model_detail_kind kind,
			 uint64_t length_ns)
{
	struct model_cause_detail *detail = &m->details[cause][kind];

	detail->nr_stalls++;
	detail->stall_ns += length_ns;
	if (length_ns <= detail->max_stall_ns)
		return;
	detail->max_stall_ns = length_ns;
	detail->runtime = l->runtime;
}

static void stall_count(struct model *m, struct loop *l, const struct run *run, const struct stack *stack)
{
	const struct model_frame *place = stack_place(stack);
	struct request *who = run->owner.who;
	struct model_cause *cause = &m->causes[span_cause(&run->span)];
	uint64_t length_ns = run->span.length_ns;
	double square = (double)length_ns * (double)length_ns / 1e18;

	m->nr_stalls++;
	cause->nr_stalls++;
	cause->stall_ns += length_ns;
	cause->stall_squares += square;
	l->nr_stalls++;
	l->stall_ns += length_ns;
	if (place && places_count(&m->places, place, who ? &who->who : NULL, span_cause(&run->span), length_ns))
		m->lacks_memory = true;
	if (!who || !who->route)
		return;
	who->route->stats.nr_stalls++;
	who->route->stats.stall_ns += length_ns;
	who->route->stats.stall_squares += square;
}

/* A wait for the interpreter lock is made of short ones: each of them, but for its length, is the whole. */
static const struct lg_block *span_block(const struct span *span)
{
	bool is_worth = span->block.sleep_ns && span->block.sleep_ns >= span->length_ns / BLOCK_SHARE;

	if (span->held.sleep_ns && span_cause(span) == LG_CAUSE_GIL)
		return &span->held;
	return is_worth ? &span->block : NULL;
}

static void detail_of(struct model_detail *out, const struct model *m, const struct loop *l, const struct span *span,
		      const struct stack *stack)
{
	const struct lg_block *block = span_block(span);
	bool has_command = l->command_ns >= span->start_ns && l->command_ns <= span->start_ns + span->length_ns;
	const struct detail_facts facts = {
		.cause = span_cause(span),
		.block = block,
		.block_path = block ? facts_block_path(&m->facts, l->pid, block) : NULL,
		.frames = stack ? stack->frames : NULL,
		.nr_frames = stack ? stack->nr : 0,
		.command = has_command ? l->command : "",
	};

	detail_find(out, &facts);
}

static void stall_tell(struct model *m, const struct loop *l, const struct held_stall *h)
{
	const struct span *span = &h->run.span;
	const struct request *who = h->run.owner.who;
	const char *victims[MODEL_MAX_VICTIMS];
	struct model_stall s = {
		.start_ns = span->start_ns,
		.duration_ns = span->length_ns,
		.pid = l->pid,
		.tid = l->tid,
		.comm = l->comm,
		.runtime = l->runtime,
		.cause = span_cause(span),
		.detail = h->detail,
		.block = span_block(span),
		.confidence = who ? h->run.owner.sure : LG_SURE_NONE,
		.parts = span->parts,
		.on_cpu_nr = -1,
		.request = who ? &who->who : NULL,
		.victims = victims,
		.nr_victims = h->nr_victims + h->nr_waiting,
		.nr_victims_told = h->nr_victims < MODEL_MAX_VICTIMS ? h->nr_victims : MODEL_MAX_VICTIMS,
		.turn_ns = h->turn_ns,
		.goes_on = h->goes_on,
		.threshold_ns = h->threshold_ns,
		.frames = h->stack ? h->stack->frames : NULL,
		.nr_frames = h->stack ? h->stack->nr : 0,
		.place = stack_place(h->stack),
	};

	for (unsigned i = 0; i < s.nr_victims_told; i++)
		victims[i] = h->victims[i];
	if (s.block)
		s.block_path = facts_block_path(&m->facts, l->pid, s.block);
	if (s.cause == LG_CAUSE_SYSCALL && span->last_nr_ns && span->parts.on_cpu_ns > span->parts.blocked_ns)
		s.on_cpu_nr = span->last_nr;
	if (m->sink.stall)
		m->sink.stall(m->sink.arg, &s);
}

/* Room for one more; NULL: no memory. */
static struct held_stall *held_add(struct loop *l)
{
	if (l->nr_held == l->max_held) {
		unsigned max = l->max_held ? 2 * l->max_held : 2;
		struct held_stall *held = realloc(l->held, max * sizeof(*held));

		if (!held)
			return NULL;
		l->held = held;
		l->max_held = max;
	}
	return &l->held[l->nr_held];
}

/* It has one to hold back now. */
static void held_link(struct model *m, struct loop *l)
{
	struct list *after = m->held.prev;

	while (after != &m->held && list_entry(after, struct loop, in_held)->number > l->number)
		after = after->prev;
	list_add_tail(after->next, &l->in_held);
}

void stall_hold(struct model *m, struct loop *l, const struct run *run, uint64_t turn_ns, uint64_t turn_end_ns)
{
	struct request *who = run->owner.who;
	struct model_detail detail;
	struct held_stall *h;
	struct stack *stack;

	cumulative_drop(l, run);
	stack = stacks_choose(l, run);
	detail_of(&detail, m, l, &run->span, stack);
	if (!filter_takes_stall(m->opts.filter, who ? &who->who : NULL, span_cause(&run->span), detail.kind)) {
		m->nr_filtered++;
		stack_put(stack);
		return;
	}
	h = held_add(l);
	stall_count(m, l, run, stack);
	detail_count(m, l, span_cause(&run->span), detail.kind, run->span.length_ns);
	if (!h) {
		m->lacks_memory = true;
		stack_put(stack);
		return;
	}
	h->run = *run;
	h->stack = stack;
	h->detail = detail;
	h->turn_ns = turn_ns;
	h->threshold_ns = l->turn.threshold_ns;
	h->turn_end_ns = turn_end_ns;
	h->goes_on = l->stuck.cut_ns && run->span.start_ns + run->span.length_ns >= turn_end_ns;
	h->nr_victims = 0;
	h->nr_waiting = 0;
	victims_find(h, l);
	request_get(h->run.owner.who);
	if (h->goes_on && who)
		request_note_longest(who);
	if (list_is_empty(&m->held) || turn_end_ns + HOLD_NS < m->held_due_ns)
		m->held_due_ns = turn_end_ns + HOLD_NS;
	if (!l->nr_held++)
		held_link(m, l);
}

void stalls_tell(struct model *m, struct loop *l)
{
	for (unsigned i = 0; i < l->nr_held; i++) {
		stall_tell(m, l, &l->held[i]);
		request_put(m, l->held[i].run.owner.who);
		stack_put(l->held[i].stack);
	}
	l->nr_held = 0;
	list_del(&l->in_held);
}

void stalls_abandon(struct model *m, struct loop *l)
{
	struct held_stall *last = l->nr_held ? &l->held[l->nr_held - 1] : NULL;

	if (last && l->stuck.waiting_ns >= last->turn_end_ns - last->turn_ns)
		last->nr_waiting = l->stuck.nr_waiting;
	stalls_tell(m, l);
}

void stalls_turn(struct model *m, struct loop *l, uint64_t start_ns)
{
	for (unsigned i = 0; i < l->nr_held; i++)
		if (start_ns <= l->held[i].turn_end_ns + AT_ONCE_NS)
			victims_add_read(&l->held[i], l, start_ns);
	stalls_tell(m, l);
}

/* Until when the stalls of a loop are held back. While they are it only grows: a turn that ends tells them. */
static uint64_t held_until(const struct loop *l)
{
	return l->held[0].turn_end_ns + (l->turn.has_begun ? HOLD_MAX_NS : HOLD_NS);
}

void stalls_tick(struct model *m, uint64_t now_ns)
{
	if (list_is_empty(&m->held) || now_ns <= m->held_due_ns)
		return;
	m->held_due_ns = UINT64_MAX;
	list_for_each (node, &m->held) {
		struct loop *l = list_entry(node, struct loop, in_held);

		if (now_ns > held_until(l))
			stalls_tell(m, l);
		else if (held_until(l) < m->held_due_ns)
			m->held_due_ns = held_until(l);
	}
}
