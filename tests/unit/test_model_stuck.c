/* SPDX-License-Identifier: BSD-2-Clause */
/* A turn that does not end: whose it is among many, what it waits for, and who waits for it. */
#include "model_stream.h"

#include "lg_path.h"

static struct model_stuck stuck; /* the newest one; its pointers are only compared with NULL, */
static char who[MODEL_ID_LEN];   /* but for these copies */
static struct lg_block block;
static char path[64];
static unsigned nr_stuck;

static void on_stuck(void *arg, const struct model_stuck *s)
{
	(void)arg;
	nr_stuck++;
	stuck = *s;
	strcpy(who, s->request ? s->request->id : "");
	if (s->block)
		block = *s->block;
	strcpy(path, s->block_path ? s->block_path : "");
}

/* In the second turn; the requests one, two and three were read in the first one, on 11, 12 and 13. */
static struct stream *stuck_new_filtered(const struct model_filter *filter)
{
	const struct model_opts opts = {.threshold_ns = 20 * MS, .filter = filter};
	const struct model_sink sink = {.stall = stream_on_stall, .stuck = on_stuck};
	struct stream *s = stream_open_sink(&opts, sink, LG_RT_CPYTHON);

	nr_stuck = 0;
	turn_start(s);
	for (uint64_t ino = 11; ino <= 14; ino++)
		conn_seen(s, ino, LG_CONN_ACCEPTED, LG_TARGET_INET);
	io_read(s, 11, "GET / HTTP/1.1\r\nX-Request-ID: one\r\n\r\n");
	io_read(s, 12, "GET / HTTP/1.1\r\nX-Request-ID: two\r\n\r\n");
	io_read(s, 13, "GET / HTTP/1.1\r\nX-Request-ID: three\r\n\r\n");
	turn_stop(s);
	turn_start(s);
	io_wake(s);
	return s;
}

static struct stream *stuck_new(void)
{
	return stuck_new_filtered(NULL);
}

/* The slot as it is after `ms` more in a call that began with the turn. */
static void look_at(struct stream *s, bool sleeps, uint32_t class)
{
	struct lg_rec_loop rec = {.slot = {.pid = STREAM_PID, .tid = s->tid, .flags = LG_SLOT_USED | LG_SLOT_LOOP}};

	rec.slot.turn_ns = s->turn_ns;
	rec.slot.off_ns = sleeps ? s->turn_ns : 0;
	rec.slot.sleep_nr = 45;
	rec.slot.off_class = class;
	stream_feed(s, &rec.head, LG_REC_LOOP, sizeof(rec));
}

static void look(struct stream *s, bool sleeps)
{
	look_at(s, sleeps, LG_SLEEP_SYSCALL);
}

static void asleep_for(struct stream *s, const struct lg_rec_owner *owner, enum lg_sleep class)
{
	struct lg_rec_asleep rec = {.pid = STREAM_PID, .tid = s->tid, .owner = *owner};

	rec.call = (struct lg_block){.start_ns = s->turn_ns, .sleep_ns = s->now_ns - s->turn_ns, .nr = 45, .fd = 7};
	rec.call.args[0] = 0x1f00;
	rec.call.sleep = class;
	rec.call.target = (struct lg_target){.kind = LG_TARGET_PIPE, .ino = 77};
	rec.owner.pid = STREAM_PID;
	rec.owner.tid = s->tid;
	stream_feed(s, &rec.head, LG_REC_ASLEEP, sizeof(rec));
}

static void asleep(struct stream *s, enum lg_answer answer, uint64_t ino)
{
	const struct lg_rec_owner owner = {
		.answer = answer,
		.ino = ino,
		.sure = answer == LG_ANSWER_CONN ? LG_SURE_EXACT : LG_SURE_NONE,
		.stage = LG_STAGE_WAITING,
	};

	asleep_for(s, &owner, LG_SLEEP_SYSCALL);
}

static void waiting(struct stream *s, const uint64_t *inodes, unsigned nr, unsigned nr_queued)
{
	union {
		struct lg_rec_waiting rec;
		char bytes[256];
	} u = {.rec = {.pid = STREAM_PID, .tid = s->tid, .nr = nr, .nr_queued = nr_queued}};

	for (unsigned i = 0; i < nr; i++)
		u.rec.inodes[i] = inodes[i];
	stream_feed(s, &u.rec.head, LG_REC_WAITING, sizeof(u.rec) + nr * sizeof(*inodes));
}

static void path_feed(struct stream *s)
{
	union {
		struct lg_rec_path rec;
		char bytes[64];
	} u = {.rec = {.pid = STREAM_PID, .ino = 77, .path_len = 8}};

	memcpy(u.rec.path, "/srv/fit", 8);
	stream_feed(s, &u.rec.head, LG_REC_PATH, sizeof(u.rec) + 8);
}

static void whose_it_is(void **state)
{
	struct stream *s = stuck_new();

	(void)state;
	run_ms(s, 120);
	look(s, true);
	assert_int_equal(nr_stuck, 1);
	assert_string_equal(who, "");
	assert_int_equal(stuck.nr_victims, 3);
	run_ms(s, 120);
	path_feed(s);
	asleep(s, LG_ANSWER_CONN, 12);
	look(s, true);
	assert_string_equal(who, "two");
	assert_int_equal(stuck.confidence, LG_SURE_EXACT);
	assert_int_equal(stuck.duration_ns, 240 * MS);
	assert_int_equal(stuck.nr_victims, 2);
	assert_int_equal(block.fd, 7);
	assert_string_equal(path, "/srv/fit");
	/* Nobody's is an answer too. */
	run_ms(s, 300);
	asleep(s, LG_ANSWER_NOBODY, 0);
	look(s, true);
	assert_int_equal(nr_stuck, 3);
	assert_string_equal(who, "");
	assert_int_equal(stuck.confidence, LG_SURE_NONE);
	stream_free(s);
}

/* Code goes on for a request whose connection has answered another one since: its path tells. */
static void by_the_path(void **state)
{
	struct lg_rec_owner owner = {.answer = LG_ANSWER_CONN, .ino = 14, .stage = LG_STAGE_DONE};
	const __u64 words[LG_PATH_WORDS] = {'/' | '1' << 8};
	struct stream *s = stuck_new();

	(void)state;
	io_read(s, 14, "GET /1 HTTP/1.1\r\nX-Request-ID: older\r\n\r\n");
	io_write(s, 14, RESPONSE_200);
	io_read(s, 14, "GET /2 HTTP/1.1\r\nX-Request-ID: newer\r\n\r\n");
	io_write(s, 14, RESPONSE_200);
	run_ms(s, 120);
	owner.sure = LG_SURE_EXACT;
	owner.path_sum = lg_path_sum(words, 2);
	asleep_for(s, &owner, LG_SLEEP_SYSCALL);
	look(s, true);
	assert_int_equal(nr_stuck, 1);
	assert_string_equal(who, "older");
	assert_int_equal(stuck.confidence, LG_SURE_LIKELY);
	stream_free(s);
}

/* The look was at another sleep than the one that goes on. */
static void what_it_was_is_not_what_it_is(void **state)
{
	struct stream *s = stuck_new();

	(void)state;
	run_ms(s, 1);
	asleep(s, LG_ANSWER_CONN, 12);
	run_ms(s, 120);
	look(s, false);
	assert_int_equal(nr_stuck, 1);
	assert_string_equal(who, "");
	assert_null(stuck.block);
	assert_int_equal(stuck.cause, LG_CAUSE_CPU);
	stream_free(s);
}

/* In flight, sent meanwhile by a known client, by one that was never read, and not accepted; one's is counted once. */
static void who_waits(void **state)
{
	const uint64_t inodes[] = {11, 14, 15, 4711};
	struct stream *s = stuck_new();

	(void)state;
	io_accept(s, 15);
	run_ms(s, 120);
	waiting(s, inodes, 4, 5);
	look(s, true);
	assert_int_equal(stuck.nr_victims, 3 + 1 + 5);
	assert_int_equal(stuck.nr_victims_told, 3);
	stream_free(s);
}

/* What was found for a turn does not count for the next one. */
static void who_waited_before(void **state)
{
	struct stream *s = stuck_new();

	(void)state;
	waiting(s, NULL, 0, 5);
	turn_stop(s);
	turn_start(s);
	io_wake(s);
	run_ms(s, 120);
	look(s, true);
	assert_int_equal(nr_stuck, 1);
	assert_int_equal(stuck.nr_victims, 3);
	stream_free(s);
}

/* As what the summary says of the loop: not at all, or for so long. */
static void summary_says(struct stream *s, uint64_t stuck_ns)
{
	struct model_summary summary;

	assert_int_equal(model_summary(s->model, s->now_ns, &summary), 0);
	assert_int_equal(summary.loops[0].stuck_ns, stuck_ns);
	model_summary_fini(&summary);
}

/* Only of a method that nobody here uses, nothing of the path, or only of another cause: it is left out. */
static void what_is_left_out(void **state)
{
	static const char *const posts[] = {"post", NULL}, *const root[] = {"/", NULL};
	const struct model_filter filters[] = {
		{.methods = posts}, {.exclude_paths = root}, {.causes = 1u << LG_CAUSE_CPU}};

	(void)state;
	for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
		struct stream *s = stuck_new_filtered(&filters[i]);

		run_ms(s, 120);
		asleep(s, LG_ANSWER_CONN, 12);
		look(s, true);
		assert_int_equal(nr_stuck, 0);
		summary_says(s, 0);
		stream_free(s);
	}
}

/* It is told as soon as it is known to be what was asked for, and no more once it is something else. */
static void what_is_left_out_for_now(void **state)
{
	static const char *const root[] = {"/", NULL};
	const struct model_filter filter = {.routes = root, .causes = 1u << LG_CAUSE_SYSCALL};
	struct stream *s = stuck_new_filtered(&filter);

	(void)state;
	run_ms(s, 120);
	look(s, true);
	assert_int_equal(nr_stuck, 0);
	run_ms(s, 30);
	asleep(s, LG_ANSWER_CONN, 12);
	look(s, true);
	assert_int_equal(nr_stuck, 1);
	assert_string_equal(who, "two");
	run_ms(s, 50);
	summary_says(s, 200 * MS);
	run_ms(s, 200);
	look(s, false);
	assert_int_equal(nr_stuck, 1);
	summary_says(s, 0);
	stream_free(s);
}

/* What it is by then is told as a stall, once, and counted. */
static void it_goes_on_at_the_end(void **state)
{
	struct stream *s = stuck_new();
	struct model_summary sum;

	(void)state;
	run_ms(s, 120);
	path_feed(s);
	asleep(s, LG_ANSWER_CONN, 12);
	waiting(s, NULL, 0, 5);
	look(s, true);
	run_ms(s, 60);
	look(s, true);
	model_flush(s->model);
	assert_int_equal(nr_stuck, 1);
	assert_int_equal(s->nr_stalls, 1);
	assert_true(s->stalls[0].stall.goes_on);
	assert_string_equal(s->stalls[0].request.id, "two");
	assert_int_equal(s->stalls[0].stall.confidence, LG_SURE_EXACT);
	assert_int_equal(s->stalls[0].stall.duration_ns, 180 * MS);
	assert_int_equal(s->stalls[0].stall.turn_ns, 180 * MS);
	assert_int_equal(s->stalls[0].stall.cause, LG_CAUSE_SYSCALL);
	assert_int_equal(s->stalls[0].stall.parts.blocked_ns, 180 * MS);
	assert_int_equal(s->stalls[0].block.fd, 7);
	assert_int_equal(s->stalls[0].stall.nr_victims, 2 + 5);
	assert_int_equal(model_summary(s->model, s->now_ns, &sum), 0);
	assert_int_equal(sum.nr_stalls, 1);
	assert_int_equal(sum.loops[0].stall_ns, 180 * MS);
	assert_int_equal(sum.loops[0].stuck_ns, 180 * MS);
	assert_int_equal(sum.loops[0].max_turn_ns, 180 * MS);
	assert_int_equal(sum.routes[0].max_run_ns, 180 * MS);
	assert_string_equal(sum.routes[0].worst_id, "two");
	model_summary_fini(&sum);
	model_flush(s->model);
	assert_int_equal(s->nr_stalls, 1);
	stream_free(s);
}

/* Of a lock its address is told; what it computes, and what it waits for a CPU, is no call. */
static void what_it_does_at_the_end(void **state)
{
	static const struct {
		bool sleeps;
		uint32_t class;
		enum lg_cause cause;
	} cases[] = {
		{true, LG_SLEEP_LOCK, LG_CAUSE_LOCK},
		{true, LG_SLOT_READY, LG_CAUSE_RUNQUEUE},
		{false, LG_SLEEP_SYSCALL, LG_CAUSE_CPU},
	};
	const struct lg_rec_owner nobody = {.answer = LG_ANSWER_NOBODY};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct stream *s = stuck_new();

		run_ms(s, 120);
		if (cases[i].cause == LG_CAUSE_LOCK)
			asleep_for(s, &nobody, LG_SLEEP_LOCK);
		look_at(s, cases[i].sleeps, cases[i].class);
		assert_int_equal(stuck.cause, cases[i].cause);
		assert_string_equal(stuck.detail.name, cases[i].cause == LG_CAUSE_LOCK ? "0x1f00" : "");
		model_flush(s->model);
		assert_int_equal(s->nr_stalls, 1);
		assert_int_equal(s->stalls[0].stall.cause, cases[i].cause);
		assert_string_equal(s->stalls[0].stall.detail.name, stuck.detail.name);
		stream_free(s);
	}
}

/* Waits of 6 ms that each end between two edges, 1 ms apart. */
static void wait_in_pieces(struct stream *s, enum lg_sleep class, enum lg_target_kind target)
{
	struct lg_rec_off rec = {.pid = STREAM_PID, .tid = s->tid, .last_nr = -1};

	rec.sleep_ns[class] = 6 * MS;
	rec.longest = (struct lg_block){.sleep_ns = 6 * MS, .nr = 45, .fd = 9, .sleep = class};
	rec.longest.target = (struct lg_target){.kind = target, .ino = 4711, .name = "other"};
	for (int i = 0; i < 20; i++) {
		run_ms(s, 7);
		stream_feed(s, &rec.head, LG_REC_OFF, sizeof(rec));
		io_wake(s);
	}
}

/* At no moment does it sleep for long, and still that is what it does. */
static void what_it_did_in_pieces(void **state)
{
	struct stream *s = stuck_new();

	(void)state;
	wait_in_pieces(s, LG_SLEEP_GIL, LG_TARGET_HOLDER);
	look(s, false);
	assert_int_equal(nr_stuck, 1);
	assert_int_equal(stuck.cause, LG_CAUSE_GIL);
	assert_non_null(stuck.block);
	assert_int_equal(block.target.ino, 4711);
	stream_free(s);
	s = stuck_new();
	wait_in_pieces(s, LG_SLEEP_SYSCALL, LG_TARGET_INET);
	look(s, false);
	assert_int_equal(stuck.cause, LG_CAUSE_SYSCALL);
	assert_int_equal(block.fd, 9);
	stream_free(s);
}

/* A turn that was told as stuck ended, but its end was lost: the next one is another. */
static void its_end_was_lost(void **state)
{
	struct stream *s = stuck_new();
	struct model_summary sum;

	(void)state;
	run_ms(s, 120);
	look(s, true);
	assert_int_equal(nr_stuck, 1);
	s->turn_ns = s->now_ns;
	run_ms(s, 5);
	look(s, false);
	assert_int_equal(model_summary(s->model, s->now_ns, &sum), 0);
	assert_int_equal(sum.loops[0].stuck_ns, 0);
	model_summary_fini(&sum);
	model_flush(s->model);
	assert_int_equal(s->nr_stalls, 0);
	stream_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whose_it_is),
		cmocka_unit_test(by_the_path),
		cmocka_unit_test(what_it_was_is_not_what_it_is),
		cmocka_unit_test(who_waits),
		cmocka_unit_test(who_waited_before),
		cmocka_unit_test(what_is_left_out),
		cmocka_unit_test(what_is_left_out_for_now),
		cmocka_unit_test(it_goes_on_at_the_end),
		cmocka_unit_test(what_it_does_at_the_end),
		cmocka_unit_test(what_it_did_in_pieces),
		cmocka_unit_test(its_end_was_lost),
	};

	return cmocka_run_group_tests_name("model_stuck", tests, NULL, NULL);
}
