/* SPDX-License-Identifier: BSD-2-Clause */
/* Which stack of a turn a stall gets, the frame that is its place, and the bounds of both. */
#include <stdio.h>

#include "model_stream.h"

static char place[64];   /* function of the newest stall's place */
static size_t nr_frames; /* of its stack */
static unsigned nr_stalls;

static void on_stall(void *arg, const struct model_stall *stall)
{
	(void)arg;
	nr_stalls++;
	nr_frames = stall->nr_frames;
	snprintf(place, sizeof(place), "%s", stall->place ? stall->place->function : "");
}

static struct stream *places_new(void)
{
	const struct model_opts opts = {.threshold_ns = 20 * MS};
	const struct model_sink sink = {.stall = on_stall};
	struct stream *s = stream_open_sink(&opts, sink, LG_RT_CPYTHON);

	nr_stalls = 0;
	turn_start(s);
	return s;
}

struct told_frame {
	enum lg_frame_kind kind;
	const char *function;
	const char *file;
	bool is_own;
};

static void stack_tell(struct stream *s, const struct told_frame *frames, size_t nr, uint8_t moment, uint64_t block_ns)
{
	union {
		struct lg_rec_frames rec;
		char bytes[4096];
	} u = {};
	size_t len = 0;

	for (size_t i = 0; i < nr; i++) {
		struct lg_frame head = {.kind = frames[i].kind, .is_own = frames[i].is_own, .line = 1 + i};

		head.function_len = strlen(frames[i].function);
		head.file_len = strlen(frames[i].file);
		memcpy(u.rec.frames + len, &head, sizeof(head));
		memcpy(u.rec.frames + len + sizeof(head), frames[i].function, head.function_len);
		memcpy(u.rec.frames + len + sizeof(head) + head.function_len, frames[i].file, head.file_len);
		len += sizeof(head) + head.function_len + head.file_len;
	}
	u.rec.pid = STREAM_PID;
	u.rec.tid = s->tid;
	u.rec.moment = moment;
	u.rec.block_ns = block_ns;
	u.rec.nr = nr;
	u.rec.frames_len = len;
	stream_feed(s, &u.rec.head, LG_REC_FRAMES, (sizeof(u.rec) + len + 7) & ~(size_t)7);
}

static void sample_in(struct stream *s, const char *function)
{
	struct told_frame frame = {LG_FRAME_PYTHON, function, "/srv/app.py", true};

	stack_tell(s, &frame, 1, LG_STACK_SAMPLE, 0);
}

/* All of one place, each a frame deeper. */
static void the_crossing_counts(void **state)
{
	struct told_frame frames[6];
	struct stream *s = places_new();

	(void)state;
	for (int i = 0; i < 6; i++) {
		frames[i] = (struct told_frame){LG_FRAME_PYTHON, "loop", "/srv/app.py", true};
		stack_tell(s, frames, i + 1, LG_STACK_SAMPLE, 0);
		run_ms(s, 10);
	}
	turn_stop(s);
	assert_string_equal(place, "loop");
	assert_int_equal(nr_frames, 3);
	stream_free(s);
}

static void the_last_before_the_crossing_else(void **state)
{
	struct stream *s = places_new();

	(void)state;
	sample_in(s, "first");
	run_ms(s, 15);
	sample_in(s, "second");
	run_ms(s, 10);
	turn_stop(s);
	assert_string_equal(place, "second");
	/* Those of a turn that is over are gone with it. */
	turn_start(s);
	run_ms(s, 30);
	turn_stop(s);
	assert_int_equal(nr_stalls, 2);
	assert_string_equal(place, "");
	assert_int_equal(nr_frames, 0);
	stream_free(s);
}

/* What comes last may be past the threshold and still have had no part in it. */
static void where_most_of_it_was_counts(void **state)
{
	struct stream *s = places_new();

	(void)state;
	run_ms(s, 12);
	sample_in(s, "work");
	run_ms(s, 10);
	sample_in(s, "answer");
	run_ms(s, 1);
	turn_stop(s);
	assert_string_equal(place, "work");
	/* Samples of one place add up. */
	turn_start(s);
	for (int i = 0; i < 6; i++) {
		run_ms(s, 5);
		sample_in(s, i % 3 == 1 ? "helper" : "loop");
	}
	turn_stop(s);
	assert_string_equal(place, "loop");
	stream_free(s);
}

static void blocks_count_by_their_length(void **state)
{
	struct stream *s = places_new();
	struct told_frame often = {LG_FRAME_PYTHON, "often", "/srv/app.py", true};
	struct told_frame once = {LG_FRAME_PYTHON, "once", "/srv/app.py", true};
	struct lg_rec_off off;

	(void)state;
	for (int i = 0; i < 3; i++) {
		run_ms(s, 6);
		stack_tell(s, &often, 1, LG_STACK_BLOCKED, s->now_ns - 6 * MS);
	}
	run_ms(s, 10);
	stack_tell(s, &once, 1, LG_STACK_BLOCKED, s->now_ns - 10 * MS);
	off = off_blocked(s, 28, LG_SLEEP_SYSCALL);
	off.longest.start_ns = 1; /* none of them */
	off_cpu(s, &off);
	turn_stop(s);
	assert_string_equal(place, "often");
	stream_free(s);
}

static void the_longest_block_counts(void **state)
{
	struct stream *s = places_new();
	struct told_frame short_block = {LG_FRAME_PYTHON, "short_block", "/srv/app.py", true};
	struct told_frame long_block = {LG_FRAME_PYTHON, "long_block", "/srv/app.py", true};
	struct lg_rec_off off;

	(void)state;
	run_ms(s, 1);
	sample_in(s, "on_the_cpu");
	run_ms(s, 30);
	off = off_blocked(s, 30, LG_SLEEP_SYSCALL);
	stack_tell(s, &long_block, 1, LG_STACK_BLOCKED, off.longest.start_ns);
	run_ms(s, 6);
	off.sleep_ns[LG_SLEEP_SYSCALL] += 6 * MS;
	stack_tell(s, &short_block, 1, LG_STACK_BLOCKED, s->now_ns - 6 * MS);
	off_cpu(s, &off);
	turn_stop(s);
	assert_string_equal(place, "long_block");
	stream_free(s);
}

static void each_stall_gets_its_own(void **state)
{
	struct stream *s = places_new();

	(void)state;
	conn_seen(s, 21, LG_CONN_SEEN, LG_TARGET_INET);
	conn_seen(s, 22, LG_CONN_SEEN, LG_TARGET_INET);
	io_read(s, 21, "GET /a HTTP/1.1\r\n\r\n");
	run_ms(s, 12);
	sample_in(s, "of_a");
	run_ms(s, 13);
	io_write(s, 21, RESPONSE_200);
	io_read(s, 22, "GET /b HTTP/1.1\r\n\r\n");
	run_ms(s, 10);
	sample_in(s, "of_b");
	run_ms(s, 15);
	io_write(s, 22, RESPONSE_200);
	turn_stop(s);
	assert_int_equal(nr_stalls, 2);
	assert_string_equal(place, "of_b");
	stream_free(s);
}

static void the_place_is_the_users_own(void **state)
{
	static const struct told_frame mixed[] = {
		{LG_FRAME_KERNEL, "tcp_recvmsg", "", false},
		{LG_FRAME_NATIVE, "__read", "libc.so.6", false},
		{LG_FRAME_PYTHON, "execute", "/x/site-packages/db.py", false},
		{LG_FRAME_PYTHON, "handler", "/srv/app.py", true},
		{LG_FRAME_PYTHON, "main", "/srv/app.py", true},
	};
	static const struct told_frame unnamed[] = {
		{LG_FRAME_NATIVE, "nginx+0x4444a", "/usr/sbin/nginx", true},
		{LG_FRAME_NATIVE, "ngx_open_cached_file", "/usr/sbin/nginx", true},
	};
	struct stream *s = places_new();

	(void)state;
	stack_tell(s, mixed, 5, LG_STACK_SAMPLE, 0);
	run_ms(s, 30);
	turn_stop(s);
	assert_string_equal(place, "handler");
	assert_int_equal(nr_frames, 5);
	/* Without any of his: of his language; else the innermost one. */
	turn_start(s);
	stack_tell(s, mixed, 3, LG_STACK_SAMPLE, 0);
	run_ms(s, 30);
	turn_stop(s);
	assert_string_equal(place, "execute");
	turn_start(s);
	stack_tell(s, mixed + 1, 1, LG_STACK_SAMPLE, 0);
	run_ms(s, 30);
	turn_stop(s);
	assert_string_equal(place, "__read");
	/* Code without a name says nothing, where a caller has one. */
	turn_start(s);
	stack_tell(s, unnamed, 2, LG_STACK_SAMPLE, 0);
	run_ms(s, 30);
	turn_stop(s);
	assert_string_equal(place, "ngx_open_cached_file");
	turn_start(s);
	stack_tell(s, unnamed, 1, LG_STACK_SAMPLE, 0);
	run_ms(s, 30);
	turn_stop(s);
	assert_string_equal(place, "nginx+0x4444a");
	stream_free(s);
}

/* More than are kept: what remains is spread over all of the turn. */
static void a_turn_without_end(void **state)
{
	struct stream *s = places_new();

	(void)state;
	for (int i = 0; i < 5000; i++) {
		sample_in(s, i < 4990 ? "early" : "late");
		run_ms(s, 1);
	}
	turn_stop(s);
	assert_string_equal(place, "early");
	stream_free(s);
}

static void places_are_bounded(void **state)
{
	struct model_summary summary;
	struct stream *s = places_new();
	uint64_t nr = 0;
	char name[32];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "function_%d", i % 1000);
		sample_in(s, name);
		run_ms(s, 20);
		turn_stop(s);
		turn_start(s);
	}
	assert_int_equal(model_summary(s->model, s->now_ns, &summary), 0);
	assert_true(summary.nr_places <= 513);
	for (size_t i = 0; i < summary.nr_places; i++)
		nr += summary.places[i].nr_stalls;
	assert_int_equal(nr, 2000);
	assert_string_equal(summary.places[0].function, "_other");
	assert_int_equal(summary.places[1].nr_stalls, 2);
	model_summary_fini(&summary);
	assert_int_equal(model_restart(s->model, s->now_ns), 0);
	assert_int_equal(model_summary(s->model, s->now_ns, &summary), 0);
	assert_int_equal(summary.nr_places, 0);
	model_summary_fini(&summary);
	stream_free(s);
}

static unsigned places_of(const char *function)
{
	struct told_frame deep[] = {{LG_FRAME_PYTHON, "below", "/lib/x.py", false},
				    {LG_FRAME_PYTHON, function, "/srv/app.py", true}};
	struct stream *s = places_new();
	struct model_summary summary;
	unsigned nr;

	for (int i = 0; i < 4; i++) {
		stack_tell(s, deep + i % 2, 2 - i % 2, LG_STACK_SAMPLE, 0); /* in line 1 or 2 */
		run_ms(s, 20);
		turn_stop(s);
		turn_start(s);
	}
	assert_int_equal(model_summary(s->model, s->now_ns, &summary), 0);
	nr = summary.nr_places;
	assert_int_equal(summary.places[0].nr_stalls, 4 / nr);
	model_summary_fini(&summary);
	stream_free(s);
	return nr;
}

static void functions_without_a_name(void **state)
{
	(void)state;
	assert_int_equal(places_of("work"), 1);
	assert_int_equal(places_of("<module>"), 1);
	assert_int_equal(places_of("f.<locals>.<lambda>"), 2);
	assert_int_equal(places_of("<anonymous>"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_crossing_counts),         cmocka_unit_test(the_last_before_the_crossing_else),
		cmocka_unit_test(where_most_of_it_was_counts), cmocka_unit_test(blocks_count_by_their_length),
		cmocka_unit_test(the_longest_block_counts),    cmocka_unit_test(each_stall_gets_its_own),
		cmocka_unit_test(the_place_is_the_users_own),  cmocka_unit_test(a_turn_without_end),
		cmocka_unit_test(places_are_bounded),          cmocka_unit_test(functions_without_a_name),
	};

	return cmocka_run_group_tests_name("model_stack", tests, NULL, NULL);
}
