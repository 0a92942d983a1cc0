/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose, why and where, as of now. */
#include "model/stuck.h"

#include "model/edge.h"
#include "model/filter.h"
#include "model/stall.h"
#include "model/state.h"

void stuck_feed_asleep(struct model *m, const struct lg_rec_asleep *rec)
{
	struct loop *l = loop_find(m, rec->pid, rec->tid);

	if (l)
		l->stuck.asleep = *rec;
}

/* A client of the loop's that it serves nothing of: those in flight are counted already. */
static bool is_idle_client(const struct loop *l, const struct conn *c)
{
	return c && c->pid == l->pid && c->tid == l->tid && !c->nr_unanswered &&
	       (c->role == CONN_CLIENT || (c->role == CONN_NEW && c->origin == LG_CONN_ACCEPTED));
}

void stuck_feed_waiting(struct model *m, const struct lg_rec_waiting *rec)
{
	struct loop *l = loop_find(m, rec->pid, rec->tid);

	if (!l)
		return;
	l->stuck.waiting_ns = rec->head.time_ns;
	l->stuck.nr_waiting = rec->nr_queued;
	for (uint32_t i = 0; i < rec->nr; i++)
		l->stuck.nr_waiting += is_idle_client(l, conn_find(m, rec->inodes[i]));
}

/* The newest look, if the thread still sleeps as it did then. */
static const struct lg_rec_asleep *asleep_now(const struct loop *l)
{
	const struct lg_rec_asleep *rec = &l->stuck.asleep;

	return l->stuck.off_ns && rec->head.time_ns >= l->stuck.off_ns ? rec : NULL;
}

/* What its runtime said then, if that can be an owner. */
static const struct lg_rec_owner *answer_now(const struct loop *l)
{
	const struct lg_rec_asleep *asleep = asleep_now(l);

	if (!asleep || asleep->owner.answer == LG_ANSWER_UNKNOWN || asleep->owner.answer == LG_ANSWER_CALLBACK)
		return NULL;
	return &asleep->owner;
}

/* By the order of reads and writes, as if the turn ended now. */
static struct owner owner_by_edges(const struct loop *l)
{
	const struct edge end = {.kind = EDGE_END};
	const struct turn *t = &l->turn;
	struct scene scene = t->scene;

	scene.others_read = t->reads_mixed || (scene.sole && t->read_serial && t->read_serial != scene.sole->serial);
	return owner_find(policy_of(l->runtime), &t->edge, &end, &t->last, &scene);
}

/* The run that goes on: whose it is if it ends now, and since when it lasts. */
static struct owner run_now(const struct model *m, const struct loop *l, uint64_t *start_ns)
{
	const struct lg_rec_owner *answer = answer_now(l);
	const struct turn *t = &l->turn;
	const struct run *run = t->in_lead ? &t->lead : &t->run;
	struct owner owner = {0};

	*start_ns = l->stuck.turn_ns;
	if (answer)
		owner = edge_owner(m, l, answer);
	else if (t->has_begun)
		owner = owner_by_edges(l);
	else if (l->nr_in_flight == 1)
		owner = (struct owner){list_entry(l->in_flight.next, struct request, in_flight), LG_SURE_LIKELY};
	if (!t->has_begun || !t->has_edges)
		return owner;
	if (owner.who != run->owner.who)
		*start_ns = t->edge_ns;
	else if (!t->in_lead)
		*start_ns = run->span.start_ns;
	return owner;
}

/* As much as its slot says. Its arguments are not known: it is not told as a sleep, nor by a lock's address. */
static struct lg_block block_now(const struct loop *l)
{
	struct lg_block block = {.nr = l->stuck.sleep_nr, .fd = -1, .sleep = l->stuck.off_class};

	if (block.sleep != LG_SLEEP_LOCK)
		block.args[0] = block.args[1] = 1;
	return block;
}

/* The stretch off the CPU that goes on, as if it ended now. False: there is none. */
static bool off_now(const struct loop *l, struct lg_rec_off *off)
{
	const struct lg_rec_asleep *asleep = asleep_now(l);
	uint64_t off_ns = l->stuck.off_ns > l->stuck.turn_ns ? l->stuck.off_ns : l->stuck.turn_ns;
	uint64_t length_ns = l->stuck.seen_ns - off_ns;

	*off = (struct lg_rec_off){.head.time_ns = l->stuck.seen_ns, .pid = l->pid, .tid = l->tid, .last_nr = -1};
	if (!l->stuck.off_ns || off_ns >= l->stuck.seen_ns)
		return false;
	if (l->stuck.off_class < LG_NR_SLEEPS) {
		off->sleep_ns[l->stuck.off_class] = length_ns;
		off->longest = asleep && asleep->call.start_ns ? asleep->call : block_now(l);
		off->longest.sleep = (__u8)l->stuck.off_class;
		off->longest.sleep_ns = length_ns;
	} else {
		off->runqueue_ns = length_ns;
	}
	return true;
}

/* How the time since `start_ns` was spent, which is when the turn began, or its run that goes on. */
static void span_now(const struct loop *l, uint64_t start_ns, struct span *out)
{
	const struct turn *t = &l->turn;
	uint64_t from_ns = start_ns;
	struct model_parts parts;
	struct lg_rec_off off;

	*out = (struct span){.start_ns = start_ns};
	if (t->has_begun && t->has_edges && start_ns < t->edge_ns) {
		if (start_ns < t->lead_ns) {
			parts_make(&parts, t->lead_ns - start_ns, t->has_off ? &t->lead_off : NULL);
			span_add(out, &parts, t->lead_ns - start_ns, t->has_off ? &t->lead_off : NULL);
		}
		span_merge(out, start_ns < t->lead_ns ? &t->whole : t->in_lead ? &t->lead.span : &t->run.span);
		from_ns = t->edge_ns;
	}
	off_now(l, &off);
	if (l->has_off)
		off_add(&off, &l->off);
	if (from_ns > l->stuck.seen_ns)
		return;
	parts_make(&parts, l->stuck.seen_ns - from_ns, &off);
	span_add(out, &parts, l->stuck.seen_ns - from_ns, &off);
	out->last_nr_ns = 0; /* a call that ended is not what it is stuck in */
}

/* Everybody in flight but the culprit. Returns how many; the first ids are put into s->victims. */
static unsigned victims_find(const struct loop *l, const struct request *culprit, const char **victims,
			     unsigned *nr_told)
{
	unsigned nr = 0;

	list_for_each (node, &l->in_flight) {
		const struct request *r = list_entry(node, struct request, in_flight);

		if (r == culprit)
			continue;
		if (nr < MODEL_MAX_VICTIMS)
			victims[(*nr_told)++] = r->who.id;
		nr++;
	}
	return nr;
}

/* What it sleeps in, or slept in longest, where that is the cause. */
static const struct lg_block *block_find(const struct loop *l, const struct span *span, enum lg_cause cause)
{
	const struct lg_rec_asleep *asleep = asleep_now(l);

	if (cause == LG_CAUSE_GIL)
		return span->held.sleep_ns ? &span->held : NULL;
	if (cause != LG_CAUSE_SYSCALL && cause != LG_CAUSE_IO && cause != LG_CAUSE_LOCK)
		return NULL;
	if (asleep && asleep->call.start_ns && asleep->call.nr >= 0)
		return &asleep->call;
	return span->block.target.kind != LG_TARGET_NONE ? &span->block : NULL;
}

static void call_find(const struct model *m, const struct loop *l, const struct span *span, struct model_stuck *s)
{
	s->block = block_find(l, span, s->cause);
	if (s->block) {
		s->sleep_nr = s->block->nr;
		s->block_path = facts_block_path(&m->facts, l->pid, s->block);
	} else if (s->cause == LG_CAUSE_SYSCALL || s->cause == LG_CAUSE_IO || s->cause == LG_CAUSE_LOCK) {
		s->sleep_nr = l->stuck.sleep_nr;
	}
}

static void detail_now(struct model_stuck *s, const struct loop *l)
{
	const struct lg_block block = block_now(l);
	const struct detail_facts facts = {
		.cause = s->cause,
		.block = s->block           ? s->block
			 : s->sleep_nr >= 0 ? &block
					    : NULL,
		.block_path = s->block_path,
		.frames = s->frames,
		.nr_frames = s->nr_frames,
		.command = l->command_ns >= s->start_ns ? l->command : "",
	};

	detail_find(&s->detail, &facts);
}

/* False: the user wants to hear nothing of it, as far as it is known now. */
static bool stuck_tell(struct model *m, const struct loop *l)
{
	const struct stack *stack = l->stacks.nr ? l->stacks.v[l->stacks.nr - 1] : NULL;
	const char *victims[MODEL_MAX_VICTIMS];
	uint64_t start_ns, now_ns = l->stuck.seen_ns;
	struct owner owner = run_now(m, l, &start_ns);
	struct span span;
	struct model_stuck s = {
		.pid = l->pid,
		.tid = l->tid,
		.comm = l->comm,
		.runtime = l->runtime,
		.turn_ns = now_ns - l->stuck.turn_ns,
		.victims = victims,
		.sleep_nr = -1,
		.frames = stack ? stack->frames : NULL,
		.nr_frames = stack ? stack->nr : 0,
		.place = stack_place(stack),
	};

	/* Runs of many make a long turn as well: then it is nobody's. */
	if (now_ns - start_ns < l->turn.threshold_ns) {
		owner = (struct owner){0};
		start_ns = l->stuck.turn_ns;
	}
	s.start_ns = start_ns;
	s.duration_ns = now_ns - start_ns;
	s.request = owner.who ? &owner.who->who : NULL;
	s.confidence = owner.who ? owner.sure : LG_SURE_NONE;
	span_now(l, start_ns, &span);
	s.cause = span_cause(&span);
	call_find(m, l, &span, &s);
	detail_now(&s, l);
	if (!filter_takes_stall(m->opts.filter, s.request, s.cause, s.detail.kind))
		return false;
	s.nr_victims = victims_find(l, owner.who, victims, &s.nr_victims_told);
	if (l->stuck.waiting_ns >= l->stuck.turn_ns)
		s.nr_victims += l->stuck.nr_waiting;
	if (m->sink.stuck)
		m->sink.stuck(m->sink.arg, &s);
	return true;
}

void stuck_look(struct model *m, struct loop *l, const struct lg_slot *slot, uint64_t now_ns)
{
	uint64_t length_ns = slot->turn_ns && now_ns > slot->turn_ns ? now_ns - slot->turn_ns : 0;

	/* The end of a turn that was told as stuck may have been lost. */
	if (l->stuck.turn_ns != slot->turn_ns)
		l->stuck.turn_ns = 0;
	if (length_ns < l->turn.threshold_ns + MODEL_STUCK_AFTER_NS || l->turn_end_ns > slot->turn_ns)
		return;
	l->stuck.seen_ns = now_ns;
	l->stuck.off_ns = slot->off_ns;
	l->stuck.off_class = slot->off_class;
	l->stuck.sleep_nr = slot->sleep_nr;
	if (l->stuck.turn_ns == slot->turn_ns && length_ns < l->stuck.next_ns)
		return;
	l->stuck.turn_ns = slot->turn_ns;
	/* Twice as long is due; whoever looks may have measured a moment earlier. */
	l->stuck.next_ns = 2 * length_ns - length_ns / 8;
	/* What is left out may be another's, or have another cause, when it is looked at again. */
	if (!stuck_tell(m, l))
		l->stuck.turn_ns = 0;
}

void stuck_cut(struct model *m, struct loop *l)
{
	const struct lg_rec_owner *answer = answer_now(l);
	uint64_t start_ns = l->stuck.turn_ns, now_ns = l->stuck.seen_ns;
	struct lg_rec_owner owner;
	struct lg_rec_off off;

	if (!start_ns || l->stuck.cut_ns == start_ns)
		return;
	l->stuck.cut_ns = start_ns;
	if (off_now(l, &off))
		loop_feed_off(m, &off);
	if (answer) {
		owner = *answer;
		owner.head.time_ns = now_ns;
		edge_feed_owner(m, &owner);
	}
	turn_end(m, l, start_ns, now_ns, 0);
	stalls_abandon(m, l);
}

void model_stuck_stall(const struct model_stuck *stuck, struct model_stall *out, struct lg_block *block)
{
	*out = (struct model_stall){
		.start_ns = stuck->start_ns,
		.duration_ns = stuck->duration_ns,
		.pid = stuck->pid,
		.tid = stuck->tid,
		.comm = stuck->comm,
		.runtime = stuck->runtime,
		.cause = stuck->cause,
		.detail = stuck->detail,
		.confidence = stuck->confidence,
		.block = stuck->sleep_nr >= 0 ? block : NULL,
		.block_path = stuck->block_path,
		.on_cpu_nr = -1,
		.request = stuck->request,
		.victims = stuck->victims,
		.nr_victims_told = stuck->nr_victims_told,
		.nr_victims = stuck->nr_victims,
		.turn_ns = stuck->turn_ns,
		.goes_on = true,
		.frames = stuck->frames,
		.nr_frames = stuck->nr_frames,
		.place = stuck->place,
	};
	*block = stuck->block ? *stuck->block : (struct lg_block){.nr = stuck->sleep_nr, .fd = -1};
	block->sleep = stuck->cause == LG_CAUSE_IO     ? LG_SLEEP_IO
		       : stuck->cause == LG_CAUSE_LOCK ? LG_SLEEP_LOCK
		       : stuck->cause == LG_CAUSE_GIL  ? LG_SLEEP_GIL
						       : LG_SLEEP_SYSCALL;
}
