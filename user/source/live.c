/* SPDX-License-Identifier: BSD-2-Clause */
/* Records of running processes, with the facts of /proc put in where they are needed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/table.h"
#include "source/check.h"
#include "source/live.h"
#include "source/target_record.h"
#include "target/proc.h"

struct live {
	const struct lg_slot *slots;
	struct live_sink sink;
	struct table processes; /* pid -> number of its live threads, as a pointer-sized count */
	size_t nr_threads;
	size_t nr_loops_ever;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void head_init(struct lg_head *head, enum lg_kind kind, size_t len)
{
	head->kind = kind;
	head->len = (len + 7) / 8 * 8;
	head->cpu = 0;
	head->time_ns = now_ns();
}

static void hand_on(struct live *live, const struct lg_head *head)
{
	live->sink.record(live->sink.arg, head);
}

static void target_tell(struct live *live, int pid, const char *comm)
{
	struct target_record target;

	target_record_make(&target, pid, comm);
	target.u.rec.head.time_ns = now_ns();
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

static void thread_exit(struct live *live, const struct lg_rec_thread *rec)
{
	size_t threads = process_threads(live, rec->pid);

	if (rec->slot < LG_MAX_SLOTS) {
		if (live->slots[rec->slot].flags & LG_SLOT_LOOP)
			loop_tell(live, rec->slot);
		live->sink.slot_free(live->sink.arg, rec->slot);
	}
	if (!threads)
		return;
	live->nr_threads--;
	process_set(live, rec->pid, threads - 1);
	if (threads == 1)
		live->sink.process_end(live->sink.arg, rec->pid);
}

static void on_thread(struct live *live, const struct lg_rec_thread *rec)
{
	size_t threads = process_threads(live, rec->pid);

	switch (rec->event) {
	case LG_THREAD_NEW:
		live->nr_threads++;
		process_set(live, rec->pid, threads + 1);
		if (!threads)
			process_new(live, rec);
		break;
	case LG_THREAD_EXEC:
		process_new(live, rec);
		break;
	case LG_THREAD_LOOP:
		live->nr_loops_ever++;
		live->sink.loop_found(live->sink.arg, rec->pid, rec->tid);
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

int live_take(struct live *live, const void *data, size_t size)
{
	const struct lg_head *head;
	int len = record_check(data, size, &head);

	if (len < 0)
		return len;
	if (head->kind == LG_REC_NAMES) {
		path_tell(live, (const void *)head);
		return 0;
	}
	/* The end of a thread's last turn is in its slot: totals go before the record that ends it. */
	if (head->kind == LG_REC_THREAD)
		on_thread(live, (const void *)head);
	hand_on(live, head);
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

	for (uint32_t i = 0; i < LG_MAX_SLOTS; i++)
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
	for (uint32_t i = 0; i < LG_MAX_SLOTS; i++)
		if (live->slots[i].flags && live->slots[i].pid == pid)
			live->sink.slot_free(live->sink.arg, i);
}

void live_reap(struct live *live)
{
	size_t pos = 0;
	uint64_t pid;
	void *threads;

	while (table_next(&live->processes, &pos, &pid, &threads)) {
		if (!process_is_gone(pid))
			continue;
		live->nr_threads -= (size_t)(uintptr_t)threads;
		table_del(&live->processes, pid);
		live->sink.process_end(live->sink.arg, pid);
		slots_reap(live, pid);
	}
}
