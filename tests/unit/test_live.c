/* SPDX-License-Identifier: BSD-2-Clause */
/* Which processes, threads and loops there are, when all records come and when some are lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf_image.h"
#include "lg_slot.h"
#include "source/live.h"
#include "target/proc.h"

static char tree[64];
static struct lg_slot slots[LG_MAX_SLOTS];

/* What was told of the stream. */
static struct {
	int begun;
	int ended;
	int loops;
	int freed;
	int last_pid;    /* of any of these */
	__u16 kinds[16]; /* of the records, */
	int nr_records;
	char path[300];
	struct lg_rec_asleep asleep;
} told;

static void on_record(void *arg, const struct lg_head *rec)
{
	const struct lg_rec_path *path = (const void *)rec;

	(void)arg;
	assert_true(rec->len >= sizeof(*rec));
	if (told.nr_records < 16)
		told.kinds[told.nr_records++] = rec->kind;
	if (rec->kind == LG_REC_ASLEEP)
		told.asleep = *(const struct lg_rec_asleep *)rec;
	if (rec->kind == LG_REC_PATH)
		snprintf(told.path, sizeof(told.path), "%.*s", path->path_len, path->path);
}

static void on_begin(void *arg, int pid, bool is_exec)
{
	(void)arg;
	(void)is_exec;
	told.begun++;
	told.last_pid = pid;
}

static void on_end(void *arg, int pid)
{
	(void)arg;
	told.ended++;
	told.last_pid = pid;
}

static void on_loop(void *arg, int pid, int tid)
{
	(void)arg;
	(void)tid;
	told.loops++;
	told.last_pid = pid;
}

static void on_free(void *arg, uint32_t slot)
{
	(void)arg;
	assert_true(slots[slot].flags);
	memset(&slots[slot], 0, sizeof(slots[slot]));
	told.freed++;
}

static const struct live_sink sink = {NULL, on_record, on_begin, on_end, on_loop, on_free, NULL};

static int setup(void **state)
{
	strcpy(tree, "/tmp/lgtrace-test-XXXXXX");
	if (!mkdtemp(tree) || live_new((struct live **)state, slots, &sink, NULL))
		return -1;
	proc_set_root(tree);
	memset(&told, 0, sizeof(told));
	memset(slots, 0, sizeof(slots));
	return 0;
}

static int teardown(void **state)
{
	live_free(*state);
	proc_set_root(NULL);
	tree_remove(tree);
	return 0;
}

/* BPF's side of a birth. */
static void slot_take(uint32_t slot, uint32_t pid, uint32_t tid)
{
	slots[slot] = (struct lg_slot){.pid = pid, .tid = tid, .flags = LG_SLOT_USED};
}

static void thread_told(struct live *live, enum lg_thread_event event, uint32_t slot, uint32_t pid, uint32_t tid)
{
	struct lg_rec_thread rec = {.head = {LG_REC_THREAD, sizeof(rec), 0, 1}, .pid = pid, .tid = tid};

	rec.event = event;
	rec.slot = slot;
	assert_int_equal(live_take(live, &rec, sizeof(rec)), 0);
}

/* A thread that /proc shows. */
static void thread_lives(int pid, int tid)
{
	char path[64];

	snprintf(path, sizeof(path), "%d/task/%d/stat", pid, tid);
	tree_stat(tree, path, tid, "lives", 'S', 1, 0);
	snprintf(path, sizeof(path), "%d/stat", pid);
	tree_stat(tree, path, pid, "lives", 'S', 1, 0);
}

static void records_lost(struct live *live, uint64_t nr)
{
	uint64_t counters[16] = {[LG_CNT_LOST_RECORDS] = nr};

	live_totals(live, counters);
}

static void nothing_lost(void **state)
{
	struct live *live = *state;

	slot_take(0, 10, 10);
	thread_told(live, LG_THREAD_NEW, 0, 10, 10);
	slot_take(1, 10, 11);
	thread_told(live, LG_THREAD_NEW, 1, 10, 11);
	assert_int_equal(live_threads(live), 2);
	thread_told(live, LG_THREAD_LOOP, 0, 10, 10);
	thread_told(live, LG_THREAD_EXIT, 1, 10, 11);
	assert_int_equal(told.ended, 0);
	thread_told(live, LG_THREAD_EXIT, 0, 10, 10);
	assert_int_equal(live_threads(live), 0);
	assert_true(told.begun == 1 && told.ended == 1 && told.loops == 1 && told.freed == 2);
}

/* What a process is comes before its first thread, and behind the end of what it was. */
static void targets_stand_where_they_count(void **state)
{
	struct live *live = *state;

	slot_take(0, 10, 10);
	thread_told(live, LG_THREAD_NEW, 0, 10, 10);
	assert_true(told.nr_records == 2 && told.kinds[0] == LG_REC_TARGET && told.kinds[1] == LG_REC_THREAD);
	thread_told(live, LG_THREAD_EXEC, 0, 10, 10);
	assert_true(told.nr_records == 4 && told.kinds[2] == LG_REC_THREAD && told.kinds[3] == LG_REC_TARGET);
}

/* The end of a thread whose birth was lost is not the end of its process. */
static void lost_birth_of_one_that_ended(void **state)
{
	struct live *live = *state;

	slot_take(0, 10, 10);
	thread_told(live, LG_THREAD_NEW, 0, 10, 10);
	slot_take(1, 10, 11);
	thread_told(live, LG_THREAD_EXIT, 1, 10, 11);
	assert_int_equal(live_threads(live), 1);
	assert_true(told.ended == 0 && told.freed == 1 && !slots[1].flags);
}

static void lost_birth_is_made_up_for(void **state)
{
	struct live *live = *state;

	thread_lives(20, 20);
	slot_take(3, 20, 20);
	slots[3].flags |= LG_SLOT_LOOP;
	live_reap(live);
	assert_int_equal(told.begun, 0);
	records_lost(live, 5);
	live_reap(live);
	assert_true(told.begun == 1 && told.loops == 1 && told.last_pid == 20);
	assert_int_equal(live_threads(live), 1);
	/* Its own records may have been on their way. */
	thread_told(live, LG_THREAD_NEW, 3, 20, 20);
	thread_told(live, LG_THREAD_LOOP, 3, 20, 20);
	assert_true(told.begun == 1 && told.loops == 1 && live_threads(live) == 1);
}

static void lost_end_is_made_up_for(void **state)
{
	struct live *live = *state;

	thread_lives(10, 10);
	slot_take(0, 10, 10);
	slot_take(1, 10, 11);
	thread_told(live, LG_THREAD_NEW, 0, 10, 10);
	thread_told(live, LG_THREAD_NEW, 1, 10, 11);
	records_lost(live, 5);
	live_reap(live);
	assert_true(live_threads(live) == 1 && told.freed == 1 && !slots[1].flags && told.ended == 0);
	/* The slot is another thread's when the end is told after all. */
	slot_take(1, 10, 12);
	thread_told(live, LG_THREAD_NEW, 1, 10, 12);
	thread_told(live, LG_THREAD_EXIT, 1, 10, 11);
	assert_true(live_threads(live) == 2 && slots[1].tid == 12);
}

static void both_lost(void **state)
{
	struct live *live = *state;

	slot_take(7, 30, 30);
	records_lost(live, 1);
	live_reap(live);
	assert_true(told.freed == 1 && told.begun == 0 && !slots[7].flags);
}

static void process_that_is_gone(void **state)
{
	struct live *live = *state;

	slot_take(0, 10, 10);
	thread_told(live, LG_THREAD_NEW, 0, 10, 10);
	live_reap(live);
	assert_true(told.ended == 1 && told.freed == 1 && live_threads(live) == 0);
	thread_told(live, LG_THREAD_EXIT, 0, 10, 10);
	assert_true(told.ended == 1 && told.freed == 1 && live_threads(live) == 0);
}

static void hostile_slot(void **state)
{
	struct live *live = *state;

	for (int event = 0; event < 6; event++)
		thread_told(live, event, UINT32_MAX, 10, 10);
	assert_int_equal(live_threads(live), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* This program's own memory is the target's. Returns what its call was said to be about. */
static enum lg_target_kind asleep_told(struct live *live, int nr, const void *first, const void *second)
{
	struct lg_rec_asleep rec = {.head = {LG_REC_ASLEEP, sizeof(rec), 0, 2000}, .pid = getpid(), .tid = 10};

	rec.call = (struct lg_block){.start_ns = 1000, .nr = nr, .fd = -1};
	rec.call.args[0] = (uintptr_t)first;
	rec.call.args[1] = (uintptr_t)second;
	memset(told.path, 0, sizeof(told.path));
	assert_int_equal(live_take(live, &rec, sizeof(rec)), 0);
	return told.asleep.call.target.kind;
}

static void a_path_while_it_sleeps(void **state)
{
	static const char text[] = "/srv/disk";
	struct live *live = *state;
	char far[300];

	memset(far, 'x', sizeof(far));
	slot_take(0, getpid(), 10);
	thread_told(live, LG_THREAD_NEW, 0, getpid(), 10);
	assert_int_equal(asleep_told(live, __NR_openat, NULL, text), LG_TARGET_NONE); /* it is awake */
	slots[0].off_ns = 3000;
	assert_int_equal(asleep_told(live, __NR_openat, NULL, text), LG_TARGET_NONE); /* it was, meanwhile */
	assert_string_equal(told.path, "");
	slots[0].off_ns = 1500;
	assert_int_equal(asleep_told(live, __NR_openat, NULL, text), LG_TARGET_FILE);
	assert_string_equal(told.path, text);
	assert_memory_equal(told.asleep.call.target.name, text, told.asleep.call.target.name_len);
	assert_int_equal(asleep_told(live, __NR_truncate, text, NULL), LG_TARGET_FILE);
	assert_string_equal(told.path, text);
	assert_int_equal(asleep_told(live, __NR_openat2, NULL, far), LG_TARGET_FILE); /* cut */
	assert_int_equal(strlen(told.path), 256);
	assert_int_equal(asleep_told(live, __NR_openat, text, NULL), LG_TARGET_NONE);
	assert_int_equal(asleep_told(live, __NR_openat, NULL, ""), LG_TARGET_NONE);
	assert_int_equal(asleep_told(live, __NR_read, text, text), LG_TARGET_NONE);
	assert_int_equal(asleep_told(live, -1, text, text), LG_TARGET_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_lost),
		TEST(targets_stand_where_they_count),
		TEST(lost_birth_of_one_that_ended),
		TEST(lost_birth_is_made_up_for),
		TEST(lost_end_is_made_up_for),
		TEST(both_lost),
		TEST(process_that_is_gone),
		TEST(hostile_slot),
		TEST(a_path_while_it_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
