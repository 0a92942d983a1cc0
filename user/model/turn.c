/* SPDX-License-Identifier: BSD-2-Clause */
/* Intervals to runs, runs to stalls. */
#include "model/turn.h"

#include <stdlib.h>

#include "model/stall.h"
#include "model/state.h"

/* Makes *ref refer to `r`. */
static void ref_set(struct model *m, struct request **ref, struct request *r)
{
	struct request *old = *ref;

	if (old == r)
		return;
	*ref = request_get(r);
	request_put(m, old);
}

void turn_look(struct model *m, struct loop *l)
{
	struct scene *s = &l->turn.scene;
	struct list *first = l->in_flight.next;

	s->nr_in_flight = l->nr_in_flight;
	ref_set(m, &s->sole, l->nr_in_flight == 1 ? list_entry(first, struct request, in_flight) : NULL);
}

void turn_begin(struct model *m, struct loop *l)
{
	struct turn *t = &l->turn;

	if (t->has_begun)
		return;
	t->has_begun = true;
	t->number = ++m->nr_turns;
	t->edge = (struct edge){.kind = EDGE_START};
	turn_look(m, l);
}

static void run_open(struct run *run, struct owner owner, uint64_t start_ns)
{
	*run = (struct run){.owner = owner, .span.start_ns = start_ns};
	request_get(owner.who);
}

/* Takes over the run's reference. */
static void stall_push(struct model *m, struct turn *t, const struct run *run)
{
	if (t->nr_stalls == t->max_stalls) {
		unsigned max = t->max_stalls ? 2 * t->max_stalls : 4;
		struct run *stalls = realloc(t->stalls, max * sizeof(*stalls));

		if (!stalls) {
			m->lacks_memory = true;
			request_put(m, run->owner.who);
			return;
		}
		t->stalls = stalls;
		t->max_stalls = max;
	}
	t->stalls[t->nr_stalls++] = *run;
}

static void run_close(struct model *m, struct turn *t, struct run *run)
{
	struct request *who = run->owner.who;
	uint64_t length_ns = run->span.length_ns;

	run->owner.who = NULL;
	if (who && length_ns > who->longest_run_ns)
		who->longest_run_ns = length_ns;
	if (length_ns && length_ns >= t->threshold_ns) {
		struct run long_run = *run;

		long_run.owner.who = who;
		stall_push(m, t, &long_run);
		return;
	}
	cumulative_add(m, list_entry(t, struct loop, turn), run, who);
	request_put(m, who);
}

/* Adds an interval to a run of its owner. */
static void run_add(struct model *m, struct turn *t, struct run *run, enum lg_confidence sure, uint64_t length_ns,
		    const struct lg_rec_off *off)
{
	struct request *who = run->owner.who;
	struct model_parts parts;

	parts_make(&parts, length_ns, off);
	span_add(&run->span, &parts, length_ns, off);
	span_add(&t->whole, &parts, length_ns, off);
	if (length_ns >= run->sure_ns) {
		run->sure_ns = length_ns;
		run->owner.sure = sure;
	}
	if (!who)
		return;
	request_hold(who, t->number, sure, &parts, length_ns);
	if (!t->top || who->turn_hold_ns > t->top->turn_hold_ns)
		ref_set(m, &t->top, who);
}

static void interval_add(struct model *m, struct turn *t, struct owner owner, uint64_t end_ns,
			 const struct lg_rec_off *off)
{
	struct run *run = t->in_lead ? &t->lead : &t->run;

	if (run->owner.who != owner.who) {
		if (!t->in_lead)
			run_close(m, t, run);
		t->in_lead = false;
		run = &t->run;
		run_open(run, owner, t->edge_ns);
	}
	run_add(m, t, run, owner.sure, end_ns - t->edge_ns, off);
}

/* Keeps open the interval that the turn's first edge ends: where it began is told with the turn's end. */
static void lead_open(struct loop *l, struct owner owner, bool is_told, uint64_t end_ns)
{
	struct turn *t = &l->turn;

	t->lead_sure = is_told ? owner.sure : owner.who ? LG_SURE_LIKELY : LG_SURE_NONE;
	t->has_edges = true;
	t->in_lead = true;
	t->lead_ns = end_ns;
	run_open(&t->lead, owner, end_ns);
	t->has_off = l->has_off;
	if (l->has_off)
		t->lead_off = l->off;
}

/*
 * A runtime that was asked names who runs at that moment. On the CPU it is asked every MARK_GAP_NS, and after each
 * block; but a thread that had to wait for a CPU for longer may have done so for somebody else before.
 */
#define MARK_GAP_NS 2000000

static bool has_mark_gap(const struct lg_rec_off *off)
{
	return off && off->runqueue_ns + off->throttled_ns > MARK_GAP_NS;
}

static struct owner owner_next(struct loop *l, const struct edge *e)
{
	struct turn *t = &l->turn;
	struct request *sole = t->scene.sole;

	/* The few looks there were found nobody, so the order of reads and writes is not to say whose it was. */
	if (t->nr_doubts && e->kind != EDGE_MARK && has_mark_gap(l->has_off ? &l->off : NULL))
		return (struct owner){0};
	t->scene.others_read = t->reads_mixed || (sole && t->read_serial && t->read_serial != sole->serial);
	return owner_find(policy_of(l->runtime), &t->edge, e, &t->last, &t->scene);
}

static void reads_note(struct turn *t, const struct edge *e)
{
	switch (e->kind) {
	case EDGE_READ:
	case EDGE_REPLY:
	case EDGE_WAKE:
	case EDGE_ACCEPT:
		t->scene.several_read |= e->who && t->read_serial && t->read_serial != e->who->serial;
		if (!e->who || t->scene.several_read)
			t->reads_mixed = true;
		else
			t->read_serial = e->who->serial;
		break;
	default:
		break;
	}
}

static bool is_marked(const struct edge *from, const struct edge *to)
{
	return from->kind == EDGE_MARK && to->kind == EDGE_MARK && from->who == to->who;
}

/* What a block must have taken for its one mark to speak for all of it. */
#define MARK_SLEEP_NS 1000000

/* Looks that find nobody, before the next one is believed. */
#define MARK_DOUBTS 3

static bool has_slept(const struct loop *l)
{
	uint64_t sleep_ns = 0;

	for (int i = 0; l->has_off && i < LG_NR_SLEEPS; i++)
		sleep_ns += l->off.sleep_ns[i];
	return sleep_ns >= MARK_SLEEP_NS;
}

/*
 * Edges that name nobody and leave it to the next one. The same code runs before and after a question. A look that
 * finds nobody may have caught a task's first steps: only several in a row, or one after a block or a long wait for a
 * CPU, during which nobody looked, say that the stretch is nobody's; then it is until another look finds somebody.
 */
static bool is_passed_over(struct loop *l, const struct edge *e)
{
	if (e->after_gap || e->is_other)
		return false;
	if (e->kind == EDGE_ASK)
		return true;
	if (e->kind != EDGE_MARK || l->turn.nr_doubts >= MARK_DOUBTS || has_slept(l) ||
	    has_mark_gap(l->has_off ? &l->off : NULL) || (l->turn.edge.kind == EDGE_MARK && !l->turn.edge.who))
		return false;
	l->turn.nr_doubts++;
	return true;
}

/* What was known of a callback that goes on is of no more use: its time off the CPU is the interval's. */
static void stay_drop(struct loop *l)
{
	struct turn *t = &l->turn;

	if (t->stay.has_off) {
		if (l->has_off)
			off_add(&t->stay.off, &l->off);
		l->off = t->stay.off;
		l->has_off = true;
	}
	t->stay.has_off = false;
	t->stay.ns = 0;
}

/* What comes is not of one piece with the callback: the interval ends where that was seen last. */
static void stay_close(struct model *m, struct loop *l)
{
	const struct edge end = {.kind = EDGE_WRITE};
	struct lg_rec_off rest = l->off;
	bool has_rest = l->has_off;

	l->has_off = false;
	turn_edge(m, l, &end, l->turn.stay.ns);
	turn_look(m, l);
	l->off = rest;
	l->has_off = has_rest;
}

struct owner turn_edge(struct model *m, struct loop *l, const struct edge *e, uint64_t now_ns)
{
	struct turn *t = &l->turn;
	struct owner owner;

	turn_begin(m, l);
	if (t->stay.ns && e->after_gap)
		stay_close(m, l);
	stay_drop(l);
	owner = owner_next(l, e);
	if (!owner.who && is_passed_over(l, e)) {
		t->edge.is_stretched = true;
		return owner;
	}
	if (t->has_edges) {
		if (now_ns < t->edge_ns)
			now_ns = t->edge_ns;
		if (owner.sure == LG_SURE_EXACT && (e->kind == EDGE_MARK || t->edge.kind == EDGE_MARK) &&
		    !is_marked(&t->edge, e) && has_mark_gap(l->has_off ? &l->off : NULL))
			owner.sure = LG_SURE_LIKELY;
		interval_add(m, t, owner, now_ns, l->has_off ? &l->off : NULL);
	} else {
		if (now_ns < l->turn_end_ns)
			now_ns = l->turn_end_ns;
		lead_open(l, owner, e->kind == EDGE_MARK, now_ns);
	}
	l->has_off = false;
	t->nr_doubts = 0;
	t->last = owner;
	t->edge_ns = now_ns;
	request_get(e->who);
	request_put(m, t->edge.who);
	t->edge = *e;
	reads_note(t, e);
	return owner;
}

void turn_stay(struct model *m, struct loop *l, uint64_t now_ns)
{
	struct turn *t = &l->turn;

	turn_begin(m, l);
	stay_drop(l);
	t->stay.ns = now_ns;
	t->stay.has_off = l->has_off;
	t->stay.off = l->off;
	l->has_off = false;
}

void turn_left(struct model *m, struct loop *l)
{
	struct turn *t = &l->turn;

	turn_begin(m, l);
	if (t->stay.ns)
		stay_close(m, l);
	request_put(m, t->edge.who);
	t->edge = (struct edge){.kind = EDGE_LEFT};
}

/* Being late for want of a CPU is nobody's doing: a run of its own, before the lead. */
static uint64_t late_split(struct model *m, struct turn *t, uint64_t start_ns, uint64_t late_ns)
{
	struct run late = {.span.start_ns = start_ns};
	struct lg_rec_off off;

	if (!t->has_off || !t->lead.owner.who)
		return 0;
	if (late_ns > t->lead_ns - start_ns)
		late_ns = t->lead_ns - start_ns;
	late_ns = off_split_late(&t->lead_off, &off, late_ns);
	run_add(m, t, &late, LG_SURE_NONE, late_ns, &off);
	run_close(m, t, &late);
	return late_ns;
}

static void lead_close(struct model *m, struct loop *l, uint64_t start_ns, uint64_t late_ns)
{
	struct turn *t = &l->turn;
	struct request *who = t->lead.owner.who;
	uint64_t late = late_split(m, t, start_ns, late_ns);
	uint64_t length_ns = t->lead_ns - start_ns - late;
	enum lg_confidence sure = t->lead_sure;

	if (sure == LG_SURE_EXACT && has_mark_gap(t->has_off ? &t->lead_off : NULL))
		sure = LG_SURE_LIKELY;
	run_add(m, t, &t->lead, sure, length_ns, t->has_off ? &t->lead_off : NULL);
	t->lead.span.start_ns = start_ns + late;
	if (who)
		who->hold_end_ns += length_ns;
	run_close(m, t, &t->lead);
}

static int run_compare(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return (x->span.start_ns > y->span.start_ns) - (x->span.start_ns < y->span.start_ns);
}

/* The runs over the threshold, or the turn when none of them is. */
static void stalls_hold(struct model *m, struct loop *l, uint64_t turn_ns, uint64_t end_ns)
{
	struct turn *t = &l->turn;
	struct run whole = {.span = t->whole};

	if (!t->nr_stalls && whole.span.length_ns && whole.span.length_ns >= t->threshold_ns) {
		if (t->top && t->top->turn_hold_ns > turn_ns / 5 * 4)
			whole.owner = (struct owner){t->top, t->top->turn_sure};
		stall_hold(m, l, &whole, turn_ns, end_ns);
	}
	if (t->nr_stalls > 1)
		qsort(t->stalls, t->nr_stalls, sizeof(*t->stalls), run_compare);
	for (unsigned i = 0; i < t->nr_stalls; i++) {
		stall_hold(m, l, &t->stalls[i], turn_ns, end_ns);
		request_put(m, t->stalls[i].owner.who);
	}
	t->nr_stalls = 0;
}

/*
 * The end of a turn before this one was lost, and with it when the loop slept: what began before this turn did is not
 * known to be a run, nor are the intervals together this turn.
 */
static void stalls_forget(struct model *m, struct turn *t, uint64_t start_ns)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < t->nr_stalls; i++) {
		if (t->stalls[i].span.start_ns < start_ns)
			request_put(m, t->stalls[i].owner.who);
		else
			t->stalls[kept++] = t->stalls[i];
	}
	t->nr_stalls = kept;
	t->whole = (struct span){0};
}

/* Ready for the next turn. */
static void turn_clear(struct model *m, struct turn *t)
{
	ref_set(m, &t->top, NULL);
	ref_set(m, &t->scene.sole, NULL);
	ref_set(m, &t->edge.who, NULL);
	t->scene.several_read = false;
	t->last = (struct owner){0};
	t->whole = (struct span){0};
	t->read_serial = 0;
	t->reads_mixed = false;
	t->has_begun = false;
	t->nr_doubts = 0;
	t->has_edges = false;
	t->in_lead = false;
	t->has_off = false;
	t->stay.ns = 0;
	t->stay.has_off = false;
}

void turn_end(struct model *m, struct loop *l, uint64_t start_ns, uint64_t end_ns, uint64_t late_ns)
{
	const struct edge end = {.kind = EDGE_END};
	struct turn *t = &l->turn;

	turn_edge(m, l, &end, end_ns);
	end_ns = t->edge_ns;
	if (start_ns > end_ns)
		start_ns = end_ns;
	if (start_ns < l->turn_end_ns)
		start_ns = l->turn_end_ns;
	if (!t->in_lead)
		run_close(m, t, &t->run);
	if (start_ns > t->lead_ns) {
		lead_close(m, l, t->lead_ns, 0);
		stalls_forget(m, t, start_ns);
	} else {
		lead_close(m, l, start_ns, late_ns);
	}
	t->whole.start_ns = start_ns;
	stalls_turn(m, l, start_ns);
	stalls_hold(m, l, end_ns - start_ns, end_ns);
	request_settle(m, l, start_ns, end_ns);
	l->busy_ns += end_ns - start_ns;
	l->turn_end_ns = end_ns;
	l->turn_ns = end_ns - start_ns;
	turn_clear(m, t);
}

void turn_abort(struct model *m, struct loop *l, uint64_t end_ns)
{
	if (l->turn.has_begun)
		turn_end(m, l, l->turn.has_edges ? l->turn.lead_ns : end_ns, end_ns, 0);
}

void turn_fini(struct turn *t)
{
	free(t->stalls);
	t->stalls = NULL;
}
