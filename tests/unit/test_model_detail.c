/* SPDX-License-Identifier: BSD-2-Clause */
/* Details through the model: whose child was waited for, and how they are counted. */
#include <sys/syscall.h>

#include "model_stream.h"

static void process_event(struct stream *s, uint32_t pid, uint32_t parent, uint32_t event, const char *comm)
{
	struct lg_rec_thread rec = {.pid = pid, .tid = pid, .event = event, .parent_tid = parent};

	strncpy(rec.comm, comm, sizeof(rec.comm) - 1);
	stream_feed(s, &rec.head, LG_REC_THREAD, sizeof(rec));
}

/* A turn that is blocked for `ms` in the call. */
static void turn_blocked(struct stream *s, int nr, uint64_t ms)
{
	struct lg_rec_off off;

	run_ms(s, ms);
	off = off_blocked(s, ms, LG_SLEEP_SYSCALL);
	off.longest.nr = nr;
	off.longest.fd = nr == __NR_clock_nanosleep ? -1 : off.longest.fd;
	off.longest.args[0] = off.longest.args[1] = 1;
	off_cpu(s, &off);
	turn_stop(s);
}

static const struct model_detail *newest(const struct stream *s)
{
	assert_true(s->nr_stalls > 0);
	return &s->stalls[s->nr_stalls - 1].stall.detail;
}

static void the_child_that_is_waited_for(void **state)
{
	struct stream *s = stream_new(LG_RT_CPYTHON);

	(void)state;
	thread_event(s, LG_THREAD_LOOP);
	turn_start(s);
	process_event(s, 300, STREAM_PID, LG_THREAD_NEW, "server");
	run_ms(s, 1);
	process_event(s, 300, 0, LG_THREAD_EXEC, "sh");
	process_event(s, 400, 300, LG_THREAD_NEW, "sh");
	process_event(s, 400, 0, LG_THREAD_EXEC, "ffmpeg");
	process_event(s, 450, 400, LG_THREAD_NEW, "ffmpeg");
	process_event(s, 450, 0, LG_THREAD_EXEC, "grandchild");
	process_event(s, 500, 0, LG_THREAD_EXEC, "unknown");
	turn_blocked(s, __NR_wait4, 30);
	assert_int_equal(newest(s)->kind, MODEL_DETAIL_COMMAND);
	assert_string_equal(newest(s)->name, "ffmpeg");
	assert_int_equal(s->stalls[0].stall.runtime, LG_RT_CPYTHON);
	/* Another time it is another one, of which nothing was seen. */
	turn_start(s);
	turn_blocked(s, __NR_wait4, 30);
	assert_int_equal(newest(s)->kind, MODEL_DETAIL_COMMAND);
	assert_string_equal(newest(s)->name, "");
	stream_free(s);
}

static void they_are_counted(void **state)
{
	struct stream *s = stream_new(LG_RT_NODE);
	const struct model_cause_detail *d;
	struct model_summary summary;

	(void)state;
	for (uint64_t ms = 30; ms <= 50; ms += 10) {
		turn_start(s);
		turn_blocked(s, ms == 40 ? __NR_fsync : __NR_recvfrom, ms);
	}
	assert_int_equal(model_summary(s->model, s->now_ns, &summary), 0);
	d = summary.details[LG_CAUSE_SYSCALL];
	assert_int_equal(d[MODEL_DETAIL_PEER].nr_stalls, 2);
	assert_int_equal(d[MODEL_DETAIL_PEER].stall_ns, 80 * MS);
	assert_int_equal(d[MODEL_DETAIL_PEER].max_stall_ns, 50 * MS);
	assert_int_equal(d[MODEL_DETAIL_PEER].runtime, LG_RT_NODE);
	assert_int_equal(d[MODEL_DETAIL_SYNC].nr_stalls, 1);
	assert_int_equal(d[MODEL_DETAIL_NONE].nr_stalls, 0);
	model_summary_fini(&summary);
	assert_int_equal(model_restart(s->model, s->now_ns), 0);
	assert_int_equal(model_summary(s->model, s->now_ns, &summary), 0);
	assert_int_equal(summary.details[LG_CAUSE_SYSCALL][MODEL_DETAIL_PEER].nr_stalls, 0);
	model_summary_fini(&summary);
	stream_free(s);
}

/* By its cause or by what it was about; what is left out is counted as such alone. */
static void one_kind_is_asked_for(void **state)
{
	const struct model_filter filter = {.causes = 1u << LG_CAUSE_CPU, .details = 1u << MODEL_DETAIL_SLEEP};
	const struct model_opts opts = {.threshold_ns = 20 * MS, .filter = &filter};
	struct stream *s = stream_open(&opts, LG_RT_CPYTHON);
	struct model_summary summary;

	(void)state;
	turn_start(s);
	turn_blocked(s, __NR_recvfrom, 30);
	turn_start(s);
	turn_blocked(s, __NR_clock_nanosleep, 40);
	turn_start(s);
	run_ms(s, 50);
	turn_stop(s);
	assert_int_equal(s->nr_stalls, 2);
	assert_int_equal(s->stalls[0].stall.detail.kind, MODEL_DETAIL_SLEEP);
	assert_int_equal(s->stalls[1].stall.cause, LG_CAUSE_CPU);
	assert_int_equal(model_summary(s->model, s->now_ns, &summary), 0);
	assert_int_equal(summary.nr_filtered, 1);
	model_summary_fini(&summary);
	stream_free(s);
}

static struct model_stuck stuck; /* the newest one; its pointers are gone */

static void on_stuck(void *arg, const struct model_stuck *told)
{
	(void)arg;
	stuck = *told;
}

/* A turn that has lasted for 500 ms, all of it asleep in the call. */
static void stuck_in(struct stream *s, int nr)
{
	struct lg_rec_loop rec = {.slot = {.pid = STREAM_PID, .tid = STREAM_PID, .sleep_nr = nr}};

	run_ms(s, 1000);
	rec.slot.flags = LG_SLOT_USED | LG_SLOT_LOOP;
	rec.slot.turn_ns = rec.slot.off_ns = s->now_ns;
	rec.slot.off_class = LG_SLEEP_SYSCALL;
	run_ms(s, 500);
	stream_feed(s, &rec.head, LG_REC_LOOP, sizeof(rec));
}

/* While it lasts no arguments are known, and nothing of what is waited for. */
static void what_it_is_stuck_in(void **state)
{
	const struct model_opts opts = {.threshold_ns = 20 * MS};
	const struct model_sink sink = {.stuck = on_stuck};
	struct stream *s = stream_open_sink(&opts, sink, LG_RT_NODE);

	(void)state;
	stuck_in(s, __NR_clock_nanosleep);
	assert_int_equal(stuck.detail.kind, MODEL_DETAIL_SLEEP);
	assert_int_equal(stuck.runtime, LG_RT_NODE);
	stuck_in(s, __NR_fsync);
	assert_int_equal(stuck.detail.kind, MODEL_DETAIL_SYNC);
	stuck_in(s, __NR_ppoll);
	assert_int_equal(stuck.detail.kind, MODEL_DETAIL_NONE);
	stream_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_child_that_is_waited_for),
		cmocka_unit_test(they_are_counted),
		cmocka_unit_test(one_kind_is_asked_for),
		cmocka_unit_test(what_it_is_stuck_in),
	};

	return cmocka_run_group_tests_name("model_detail", tests, NULL, NULL);
}
