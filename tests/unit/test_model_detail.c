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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_child_that_is_waited_for),
		cmocka_unit_test(they_are_counted),
	};

	return cmocka_run_group_tests_name("model_detail", tests, NULL, NULL);
}
