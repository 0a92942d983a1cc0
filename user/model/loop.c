/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads: births and ends, and the records that are only for them. */
#include "model/loop.h"

#include <stdlib.h>
#include <string.h>

#include "model/baseline.h"
#include "model/stall.h"
#include "model/state.h"
#include "model/stuck.h"

#define MAX_THREADS 16384 /* four times the slots: threads that end may overlap with new ones in the stream */
#define STUCK_NS    100000000
#define MAX_ENDED   1024 /* loops that are kept for the summary; forking servers replace theirs again and again */

void loops_init(struct loops *ls)
{
	table_init(&ls->by_tid, 0);
	list_init(&ls->all);
	ls->last = NULL;
	ls->nr_ended = 0;
}

void loop_free(struct loop *l)
{
	list_del(&l->in_all);
	list_del(&l->in_held);
	turn_fini(&l->turn);
	stacks_fini(&l->stacks);
	for (unsigned i = 0; i < l->nr_held; i++)
		stack_put(l->held[i].stack);
	free(l->held);
	free(l->base);
	free(l->baseline);
	cumulative_fini(&l->cumulative);
	free(l);
}

void loops_fini(struct model *m)
{
	list_for_each (node, &m->loops.all)
		loop_free(list_entry(node, struct loop, in_all));
	table_fini(&m->loops.by_tid);
}

struct loop *loop_find(const struct model *m, uint32_t pid, uint32_t tid)
{
	struct loop *l = table_get(&m->loops.by_tid, tid);

	return l && l->pid == pid ? l : NULL;
}

/* Forgets the loop that ended first. */
static void ended_trim(struct loops *ls)
{
	list_for_each (node, &ls->all) {
		struct loop *l = list_entry(node, struct loop, in_all);

		if (l->has_ended) {
			loop_free(l);
			ls->nr_ended--;
			return;
		}
	}
}

static void loop_end(struct model *m, struct loop *l, uint64_t now_ns)
{
	turn_abort(m, l, now_ns);
	l->stuck.turn_ns = 0;
	stalls_abandon(m, l);
	request_end_all(m, l, now_ns);
	table_del(&m->loops.by_tid, l->tid);
	if (m->loops.last == l)
		m->loops.last = NULL;
	l->has_ended = true;
	if (now_ns > l->last_ns)
		l->last_ns = now_ns;
	if (!l->is_loop) {
		loop_free(l);
		return;
	}
	list_del(&l->in_all);
	list_add_tail(&m->loops.all, &l->in_all);
	if (++m->loops.nr_ended > MAX_ENDED)
		ended_trim(&m->loops);
}

/* Without memory it keeps the threshold that it would begin with. */
static void threshold_init(struct model *m, struct loop *l)
{
	l->turn.threshold_ns = m->opts.threshold_ns;
	if (!m->opts.is_auto)
		return;
	l->turn.threshold_ns = BASELINE_START_NS;
	l->baseline = malloc(sizeof(*l->baseline));
	if (l->baseline)
		baseline_init(l->baseline);
	else
		m->lacks_memory = true;
}

static struct loop *loop_new(struct model *m, uint32_t pid, uint32_t tid, uint64_t now_ns)
{
	const struct proc *proc = facts_proc(&m->facts, pid);
	struct loop *l = m->loops.by_tid.count < MAX_THREADS ? calloc(1, sizeof(*l)) : NULL;

	if (!l || table_put(&m->loops.by_tid, tid, l)) {
		m->lacks_memory = true;
		free(l);
		return NULL;
	}
	l->number = m->loops.nr_made++;
	l->pid = pid;
	l->tid = tid;
	l->first_ns = now_ns;
	l->last_ns = now_ns;
	threshold_init(m, l);
	list_init(&l->in_flight);
	list_init(&l->parked);
	list_init(&l->settling);
	list_init(&l->in_held);
	list_add_tail(&m->loops.all, &l->in_all);
	if (proc) {
		l->runtime = proc->runtime;
		l->version = proc->version;
		comm_copy(l->comm, proc->comm);
	}
	return l;
}

struct loop *loop_get(struct model *m, uint32_t pid, uint32_t tid, uint64_t now_ns)
{
	struct loop *l = m->loops.last;

	if (!l || l->tid != tid)
		l = table_get(&m->loops.by_tid, tid);
	if (l && l->pid != pid) {
		loop_end(m, l, now_ns);
		l = NULL;
	}
	if (!l)
		l = loop_new(m, pid, tid, now_ns);
	m->loops.last = l;
	if (l && now_ns > l->last_ns)
		l->last_ns = now_ns;
	return l;
}

/* The process runs another program: what its loops were doing is over, though the thread goes on. */
static void process_exec(struct model *m, uint32_t pid, uint64_t now_ns)
{
	list_for_each (node, &m->loops.all) {
		struct loop *l = list_entry(node, struct loop, in_all);

		if (l->pid != pid || l->has_ended)
			continue;
		turn_abort(m, l, now_ns);
		stacks_clear(&l->stacks);
		l->stuck.turn_ns = 0;
		stalls_abandon(m, l);
		request_end_all(m, l, now_ns);
		l->runtime = LG_RT_NATIVE;
		l->has_paths = false;
		l->version = 0;
	}
}

/* Of a chain of shells: what makes no sense is longer. */
#define MAX_SHELLS 4

static bool is_shell(const char *comm)
{
	return !strcmp(comm, "sh") || !strcmp(comm, "dash") || !strcmp(comm, "bash");
}

/* Whoever waits for its child wants to know what that is; what a shell runs, whoever waits for the shell. */
static void command_note(struct model *m, const struct loop *child, const struct lg_rec_thread *rec)
{
	uint32_t tid = child->parent_tid;

	for (int i = 0; i < MAX_SHELLS && tid; i++) {
		struct loop *parent = table_get(&m->loops.by_tid, tid);

		if (!parent)
			return;
		comm_copy(parent->command, rec->comm);
		parent->command_ns = rec->head.time_ns;
		tid = is_shell(parent->comm) ? parent->parent_tid : 0;
	}
}

void loop_feed_thread(struct model *m, const struct lg_rec_thread *rec)
{
	uint64_t now_ns = rec->head.time_ns;
	struct loop *l;

	if (rec->event == LG_THREAD_EXIT) {
		l = loop_find(m, rec->pid, rec->tid);
		if (l)
			loop_end(m, l, now_ns);
		return;
	}
	l = loop_get(m, rec->pid, rec->tid, now_ns);
	if (!l)
		return;
	if (rec->event == LG_THREAD_NEW)
		l->parent_tid = rec->parent_tid;
	if (rec->event == LG_THREAD_EXEC) {
		process_exec(m, rec->pid, now_ns);
		command_note(m, l, rec);
	}
	if (rec->event == LG_THREAD_LOOP)
		l->is_loop = true;
	comm_copy(l->comm, rec->comm);
}

void loop_feed_off(struct model *m, const struct lg_rec_off *rec)
{
	struct loop *l = loop_get(m, rec->pid, rec->tid, rec->head.time_ns);

	if (!l)
		return;
	if (l->has_off)
		off_add(&l->off, rec);
	else
		l->off = *rec;
	l->has_off = true;
}

void loop_feed_turn(struct model *m, const struct lg_rec_turn *rec)
{
	struct loop *l = loop_get(m, rec->pid, rec->tid, rec->head.time_ns);
	uint64_t length_ns, before_ns;

	if (!l)
		return;
	l->is_loop = true;
	before_ns = l->busy_ns;
	turn_end(m, l, rec->start_ns, rec->end_ns, rec->late_ns);
	cumulative_check(m, l, l->turn_end_ns);
	stacks_clear(&l->stacks);
	l->stuck.turn_ns = 0;
	l->stuck.cut_ns = 0;
	if (l->has_slot)
		return;
	length_ns = l->busy_ns - before_ns;
	l->turns++;
	hist_add(&l->hist, length_ns);
	if (length_ns > l->max_turn_ns)
		l->max_turn_ns = length_ns;
	if (!l->baseline)
		return;
	baseline_add(l->baseline, length_ns, l->turn_end_ns);
	l->turn.threshold_ns = l->baseline->threshold_ns;
}

static struct loop *loop_of_slot(struct model *m, const struct lg_rec_loop *rec)
{
	struct loop *l = loop_find(m, rec->slot.pid, rec->slot.tid);

	if (l)
		return l;
	for (struct list *node = m->loops.all.prev; node != &m->loops.all; node = node->prev) {
		l = list_entry(node, struct loop, in_all);
		if (l->pid == rec->slot.pid && l->tid == rec->slot.tid)
			return l;
	}
	return loop_get(m, rec->slot.pid, rec->slot.tid, rec->head.time_ns);
}

void loop_feed_slot(struct model *m, const struct lg_rec_loop *rec)
{
	const struct lg_slot *slot = &rec->slot;
	struct loop *l;

	if (!(slot->flags & LG_SLOT_LOOP))
		return;
	l = loop_of_slot(m, rec);
	if (!l)
		return;
	l->is_loop = true;
	l->has_slot = true;
	l->first_ns = slot->first_ns;
	l->idle_ns = slot->idle_ns;
	l->idle_since_ns = slot->idle_since_ns;
	l->turns = slot->turns;
	l->max_turn_ns = slot->max_turn_ns;
	memcpy(l->sleep_ns, slot->sleep_ns, sizeof(l->sleep_ns));
	/* A stretch that goes on is booked at its end; one as long as this is a call that blocks. */
	if (slot->turn_ns && slot->off_ns && rec->head.time_ns > slot->off_ns + STUCK_NS)
		l->sleep_ns[LG_SLEEP_SYSCALL] += rec->head.time_ns - slot->off_ns;
	l->runqueue_ns = slot->runqueue_ns;
	l->throttled_ns = slot->throttled_ns;
	if (l->baseline) {
		baseline_feed(l->baseline, l->hist.buckets, slot->turn_hist, rec->head.time_ns);
		l->turn.threshold_ns = l->baseline->threshold_ns;
	}
	l->hist.count = 0;
	l->hist.max_ns = slot->max_turn_ns;
	for (int i = 0; i < LG_NR_BUCKETS; i++) {
		l->hist.buckets[i] = slot->turn_hist[i];
		l->hist.count += slot->turn_hist[i];
	}
	stuck_look(m, l, slot, rec->head.time_ns);
}

void loop_feed_target(struct model *m, const struct lg_rec_target *rec)
{
	const struct proc *proc;

	if (facts_add_target(&m->facts, rec)) {
		m->lacks_memory = true;
		return;
	}
	proc = facts_proc(&m->facts, rec->pid);
	list_for_each (node, &m->loops.all) {
		struct loop *l = list_entry(node, struct loop, in_all);

		if (l->pid != rec->pid || l->has_ended)
			continue;
		l->runtime = proc->runtime;
		l->version = proc->version;
		if (!l->comm[0])
			comm_copy(l->comm, proc->comm);
	}
}
