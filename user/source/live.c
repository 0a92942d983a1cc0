/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of running processes, with the facts of /proc put in where they are needed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/table.h"
#include "source/check.h"
#include "source/live.h"
#include "source/path_given.h"
#include "source/target_record.h"
#include "symbol/stacks.h"
#include "target/proc.h"
#include "target/waiting.h"

/* The thread of a slot as far as records told of it. */
struct known {
	uint32_t pid;
	uint32_t tid; /* 0: none */
	bool is_loop;
	uint64_t turn_ns; /* of a loop: the turn that was seen last, */
	uint64_t next_ns; /* and the length at which it is told */
};

struct live {
	const struct lg_slot *slots;
	struct stacks *stacks; /* NULL: none are told */
	struct live_sink sink;
	struct table processes; /* pid -> number of its known threads, as a pointer-sized count */
	struct known known[LG_MAX_SLOTS];
	uint32_t nr_slots; /* of no later one did a record tell; to go over all costs more than the rest of a beat */
	uint64_t lost_records; /* so far */
	bool has_lost;         /* some since live_reap() */
	unsigned nr_reaps;
	size_t nr_threads;
	size_t nr_loops_ever;
};

static void head_init(struct lg_head *head, enum lg_kind kind, size_t len)
{
	head->kind = kind;
	head->len = (len + 7) / 8 * 8;
	head->cpu = 0;
	head->time_ns = clock_ns(CLOCK_MONOTONIC);
}

static void hand_on(struct live *live, const struct lg_head *head)
{
	live->sink.record(live->sink.arg, head);
}

static void target_tell(struct live *live, int pid, const char *comm)
{
	struct target_record target;

	target_record_make(&target, pid, comm);
	target.u.rec.head.time_ns = clock_ns(CLOCK_MONOTONIC);
	hand_on(live, &target.u.rec.head);
}

static size_t process_threads(struct live *live, int pid)
{
	return (size_t)(uintptr_t)table_get(&live->processes, pid);
}

/* Counts are kept in the table's pointers; a process without threads is not in it. */
static void process_set(struct live *live, int pid, size_t threads)
{
	if (threads)
		table_put(&live->processes, pid, (void *)(uintptr_t)threads);
	else
		table_del(&live->processes, pid);
}

static void process_new(struct live *live, const struct lg_rec_thread *rec)
{
	if (live->stacks && rec->event == LG_THREAD_EXEC)
		stacks_forget(live->stacks, rec->pid);
	live->sink.process_begin(live->sink.arg, rec->pid, rec->event == LG_THREAD_EXEC);
	target_tell(live, rec->pid, rec->comm);
}

static void loop_tell(struct live *live, uint32_t slot)
{
	struct lg_rec_loop rec = {};

	head_init(&rec.head, LG_REC_LOOP, sizeof(rec));
	rec.slot = live->slots[slot];
	hand_on(live, &rec.head);
}

static void process_end(struct live *live, int pid)
{
	live->sink.process_end(live->sink.arg, pid);
	if (live->stacks)
		stacks_forget(live->stacks, pid);
}

/* After a loss a slot may be another thread's already when the end of its last one is told. */
static bool slot_is_of(const struct live *live, uint32_t slot, uint32_t tid)
{
	return live->slots[slot].flags && live->slots[slot].tid == tid;
}

static void slot_free(struct live *live, uint32_t slot)
{
	if (live->slots[slot].flags & LG_SLOT_LOOP)
		loop_tell(live, slot);
	live->sink.slot_free(live->sink.arg, slot);
}

static void thread_new(struct live *live, const struct lg_rec_thread *rec)
{
	struct known *known = &live->known[rec->slot];
	size_t threads = process_threads(live, rec->pid);

	if (known->tid)
		return;
	*known = (struct known){.pid = rec->pid, .tid = rec->tid};
	live->nr_threads++;
	process_set(live, rec->pid, threads + 1);
	if (!threads)
		process_new(live, rec);
}

static void thread_exec(struct live *live, const struct lg_rec_thread *rec)
{
	struct known *known = &live->known[rec->slot];

	if (known->pid == rec->pid)
		*known = (struct known){.pid = rec->pid, .tid = rec->tid};
	process_new(live, rec);
}

static void thread_loop(struct live *live, const struct lg_rec_thread *rec)
{
	struct known *known = &live->known[rec->slot];

	if (known->tid == rec->tid && known->is_loop)
		return;
	known->is_loop = known->tid == rec->tid;
	live->nr_loops_ever++;
	live->sink.loop_found(live->sink.arg, rec->pid, rec->tid);
}

static void thread_exit(struct live *live, const struct lg_rec_thread *rec)
{
	struct known *known = &live->known[rec->slot];
	size_t threads = process_threads(live, rec->pid);

	if (slot_is_of(live, rec->slot, rec->tid))
		slot_free(live, rec->slot);
	if (known->tid != rec->tid)
		return;
	*known = (struct known){};
	live->nr_threads--;
	process_set(live, rec->pid, threads - 1);
	if (threads == 1)
		process_end(live, rec->pid);
}

static void on_thread(struct live *live, const struct lg_rec_thread *rec)
{
	if (rec->slot >= LG_MAX_SLOTS)
		return;
	if (rec->slot >= live->nr_slots)
		live->nr_slots = rec->slot + 1;
	switch (rec->event) {
	case LG_THREAD_NEW:
		thread_new(live, rec);
		break;
	case LG_THREAD_EXEC:
		thread_exec(live, rec);
		break;
	case LG_THREAD_LOOP:
		thread_loop(live, rec);
		break;
	case LG_THREAD_EXIT:
		thread_exit(live, rec);
		break;
	}
}

/* Puts names together, the last one first. */
static void path_join(char *path, size_t size, size_t *len, const struct lg_rec_names *names)
{
	uint32_t nr = names->nr < LG_NAMES_MAX ? names->nr : LG_NAMES_MAX;

	*len = 0;
	while (nr-- > 0) {
		size_t n = strnlen(names->names[nr], sizeof(names->names[nr]));

		if (*len + n + 1 > size)
			return;
		path[(*len)++] = '/';
		memcpy(path + *len, names->names[nr], n);
		*len += n;
	}
}

static void path_tell(struct live *live, const struct lg_rec_names *names)
{
	union {
		struct lg_rec_path rec;
		char bytes[sizeof(struct lg_rec_path) + sizeof(names->names)];
	} u = {};
	size_t len;

	path_join(u.rec.path, sizeof(names->names), &len, names);
	head_init(&u.rec.head, LG_REC_PATH, sizeof(u.rec) + len);
	u.rec.pid = names->pid;
	u.rec.path_len = len;
	u.rec.ino = names->ino;
	hand_on(live, &u.rec.head);
}

static void stack_tell(struct live *live, const struct lg_rec_stack *stack)
{
	const struct lg_rec_frames *frames = live->stacks ? stacks_record(live->stacks, stack) : NULL;

	if (frames)
		hand_on(live, &frames->head);
}

/*
 * The end of a thread's last turn is in its slot: totals go before the record that ends it. What a process runs from
 * now on is told behind the record that ends what it ran before.
 */
static void thread_take(struct live *live, const struct lg_rec_thread *rec)
{
	bool is_exec = rec->event == LG_THREAD_EXEC;

	if (is_exec)
		hand_on(live, &rec->head);
	on_thread(live, rec);
	if (!is_exec)
		hand_on(live, &rec->head);
}

/* It has slept since before that, all the time. */
static bool is_asleep_since(const struct live *live, const struct lg_rec_asleep *rec)
{
	for (uint32_t i = 0; i < live->nr_slots; i++) {
		const struct lg_slot *slot = &live->slots[i];
		uint64_t off_ns = slot->off_ns;

		if (live->known[i].tid == rec->tid)
			return slot_is_of(live, i, rec->tid) && off_ns && off_ns <= rec->head.time_ns;
	}
	return false;
}

static void asleep_tell(struct live *live, const struct lg_rec_asleep *told)
{
	struct lg_rec_asleep rec = *told;
	union path_given path;

	if (path_given_read(&path, &rec) && is_asleep_since(live, told)) {
		hand_on(live, &path.rec.head);
		told = &rec;
	}
	hand_on(live, &told->head);
}

static void record_take(struct live *live, const struct lg_head *head)
{
	if (head->kind == LG_REC_ASLEEP) {
		asleep_tell(live, (const void *)head);
		return;
	}
	if (head->kind == LG_REC_NAMES) {
		path_tell(live, (const void *)head);
		return;
	}
	if (head->kind == LG_REC_STACK) {
		stack_tell(live, (const void *)head);
		return;
	}
	if (head->kind == LG_REC_THREAD)
		thread_take(live, (const void *)head);
	else
		hand_on(live, head);
}

int live_take(struct live *live, const void *data, size_t size)
{
	const struct lg_head *head;

	while (size) {
		int len = record_check(data, size, &head);

		if (len < 0)
			return len;
		record_take(live, head);
		data = (const uint8_t *)data + len;
		size -= len;
	}
	return 0;
}

int live_new(struct live **out, const struct lg_slot *slots, const struct live_sink *sink, struct err *err)
{
	struct live *live = calloc(1, sizeof(*live));

	if (!live)
		return err_set(err, EXIT_CODE_FAILED, ENOMEM, "no memory left");
	live->slots = slots;
	live->sink = *sink;
	table_init(&live->processes, 0);
	*out = live;
	return 0;
}

void live_set_stacks(struct live *live, struct stacks *stacks)
{
	live->stacks = stacks;
}

void live_free(struct live *live)
{
	if (!live)
		return;
	table_fini(&live->processes);
	free(live);
}

void live_totals(struct live *live, const uint64_t *counters)
{
	struct lg_rec_lost lost = {};
	uint32_t nr_slots;

	live->has_lost |= counters[LG_CNT_LOST_RECORDS] > live->lost_records;
	live->lost_records = counters[LG_CNT_LOST_RECORDS];
	nr_slots = live->has_lost ? LG_MAX_SLOTS : live->nr_slots;
	for (uint32_t i = 0; i < nr_slots; i++)
		if (live->slots[i].flags & LG_SLOT_LOOP)
			loop_tell(live, i);
	head_init(&lost.head, LG_REC_LOST, sizeof(lost));
	memcpy(lost.counters, counters, sizeof(lost.counters));
	hand_on(live, &lost.head);
}

uint64_t live_tick(struct live *live)
{
	struct lg_rec_tick tick;

	head_init(&tick.head, LG_REC_TICK, sizeof(tick));
	hand_on(live, &tick.head);
	return tick.head.time_ns;
}

void live_clock(struct live *live, int64_t realtime_offset_ns)
{
	struct lg_rec_clock rec = {.realtime_offset_ns = realtime_offset_ns};

	head_init(&rec.head, LG_REC_CLOCK, sizeof(rec));
	hand_on(live, &rec.head);
}

void live_budget(struct live *live, struct lg_rec_budget *rec)
{
	head_init(&rec->head, LG_REC_BUDGET, sizeof(*rec));
	hand_on(live, &rec->head);
}

void live_processes(const struct live *live, void (*each)(void *arg, int pid), void *arg)
{
	size_t pos = 0;
	void *threads;
	uint64_t pid;

	while (table_next(&live->processes, &pos, &pid, &threads))
		each(arg, (int)pid);
}

static void waiting_tell(struct live *live, const struct lg_slot *slot)
{
	union {
		struct lg_rec_waiting rec;
		uint64_t words[sizeof(struct lg_rec_waiting) / sizeof(uint64_t) + LG_WAITING_MAX];
	} u = {.rec.pid = slot->pid, .rec.tid = slot->tid};
	struct waiting waiting = {.inodes = u.rec.inodes, .max = LG_WAITING_MAX};

	if (waiting_read(&waiting, slot->pid))
		return;
	u.rec.nr = waiting.nr;
	u.rec.nr_queued = waiting.nr_queued;
	head_init(&u.rec.head, LG_REC_WAITING, sizeof(u.rec) + waiting.nr * sizeof(u.rec.inodes[0]));
	hand_on(live, &u.rec.head);
}

/* Returns when to look again. */
static uint64_t turn_look(struct live *live, uint32_t i, uint64_t after_ns)
{
	const struct lg_slot *slot = &live->slots[i];
	struct known *known = &live->known[i];
	uint64_t turn_ns = slot->turn_ns, now = clock_ns(CLOCK_MONOTONIC);

	if (!(slot->flags & LG_SLOT_LOOP) || !turn_ns)
		return UINT64_MAX;
	if (turn_ns != known->turn_ns) {
		known->turn_ns = turn_ns;
		known->next_ns = after_ns;
	}
	if (now < turn_ns + known->next_ns)
		return turn_ns + known->next_ns;
	known->next_ns = 2 * (now - turn_ns);
	if (slot->off_ns)
		live->sink.look(live->sink.arg, slot->tid);
	waiting_tell(live, slot);
	loop_tell(live, i);
	return turn_ns + known->next_ns;
}

uint64_t live_watch(struct live *live, uint64_t after_ns)
{
	uint64_t next_ns = UINT64_MAX, due_ns;

	for (uint32_t i = 0; i < live->nr_slots; i++) {
		if (!live->known[i].is_loop)
			continue;
		due_ns = turn_look(live, i, after_ns);
		next_ns = due_ns < next_ns ? due_ns : next_ns;
	}
	return next_ns;
}

bool live_is_loop(const struct live *live, int tid)
{
	for (uint32_t i = 0; i < live->nr_slots; i++)
		if (live->slots[i].flags & LG_SLOT_LOOP && live->slots[i].tid == (uint32_t)tid)
			return true;
	return false;
}

size_t live_threads(const struct live *live)
{
	return live->nr_threads;
}

size_t live_loops_ever(const struct live *live)
{
	return live->nr_loops_ever;
}

/* Gone, or a zombie with no thread left that runs. */
static bool process_is_gone(int pid)
{
	struct proc_thread *threads = NULL;
	struct proc_stat stat;
	size_t nr = 0;
	bool is_gone;

	if (proc_stat(pid, 0, &stat))
		return true;
	if (stat.state != 'Z')
		return false;
	is_gone = proc_threads(pid, &threads, &nr) || nr <= 1;
	free(threads);
	return is_gone;
}

static void slots_reap(struct live *live, uint32_t pid)
{
	for (uint32_t i = 0; i < live->nr_slots; i++) {
		if (live->slots[i].flags && live->slots[i].pid == pid)
			live->sink.slot_free(live->sink.arg, i);
		if (live->known[i].pid == pid)
			live->known[i] = (struct known){};
	}
}

/* A look takes some 15 us: of many processes, each has its turn every so many seconds, unless records were lost. */
#define REAP_MANY  16
#define REAP_EVERY 8

static bool is_reap_due(const struct live *live, uint64_t pid)
{
	return live->processes.count < REAP_MANY || live->has_lost || pid % REAP_EVERY == live->nr_reaps % REAP_EVERY;
}

static void processes_reap(struct live *live)
{
	size_t pos = 0;
	uint64_t pid;
	void *threads;

	while (table_next(&live->processes, &pos, &pid, &threads)) {
		if (!is_reap_due(live, pid) || !process_is_gone(pid))
			continue;
		live->nr_threads -= (size_t)(uintptr_t)threads;
		table_del(&live->processes, pid);
		process_end(live, pid);
		slots_reap(live, pid);
	}
}

/* What BPF could not tell of a thread. */
static void thread_tell(struct live *live, uint32_t slot, uint32_t pid, const struct proc_stat *stat,
			enum lg_thread_event event)
{
	struct lg_rec_thread rec = {.pid = pid, .tid = stat->id, .event = event, .slot = slot};

	head_init(&rec.head, LG_REC_THREAD, sizeof(rec));
	memcpy(rec.comm, stat->comm, sizeof(rec.comm));
	on_thread(live, &rec);
	hand_on(live, &rec.head);
}

static bool thread_is_gone(int pid, int tid, struct proc_stat *stat)
{
	return proc_stat(pid, tid, stat) || stat->state == 'Z' || stat->state == 'X';
}

/* Births, ends and loops of threads that no record told, from what the slots and /proc say. */
static void slot_mend(struct live *live, uint32_t i)
{
	const struct lg_slot *slot = &live->slots[i];
	struct known known = live->known[i];
	struct proc_stat stat;

	if (known.tid && thread_is_gone(known.pid, known.tid, &stat)) {
		stat = (struct proc_stat){.id = known.tid};
		thread_tell(live, i, known.pid, &stat, LG_THREAD_EXIT);
	}
	if (!slot->flags)
		return;
	if (thread_is_gone(slot->pid, slot->tid, &stat)) {
		slot_free(live, i);
		return;
	}
	if (!live->known[i].tid)
		thread_tell(live, i, slot->pid, &stat, LG_THREAD_NEW);
	if (slot->flags & LG_SLOT_LOOP && !live->known[i].is_loop)
		thread_tell(live, i, slot->pid, &stat, LG_THREAD_LOOP);
}

void live_reap(struct live *live)
{
	processes_reap(live);
	for (uint32_t i = 0; live->has_lost && i < LG_MAX_SLOTS; i++)
		slot_mend(live, i);
	live->has_lost = false;
	live->nr_reaps++;
}
