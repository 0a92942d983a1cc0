/* SPDX-License-Identifier: BSD-2-Clause */
/* The board of a live view: rates between refreshes, the minute, loops that come and go, a copy that stands still. */
#include "model_stream.h"

#include <stdio.h>

#include "model/board.h"

#define S (1000 * MS)

struct fixture {
	struct model *model;
	struct board *board;
};

static void fixture_open(struct fixture *f)
{
	const struct model_opts opts = {.threshold_ns = 20 * MS};
	struct model_sink sink = board_sink(&f->board);

	assert_int_equal(model_new(&f->model, &opts, &sink, NULL), 0);
	assert_int_equal(board_new(&f->board, NULL), 0);
}

static void fixture_close(struct fixture *f)
{
	board_free(f->board);
	model_free(f->model);
}

/* Totals of a loop that was traced from 0 on: everything that is not idle was as the caller says. */
static void slot_feed(struct fixture *f, uint32_t tid, uint64_t now_ns, uint64_t idle_ns, uint64_t turns,
		      uint64_t blocked_ns)
{
	struct lg_rec_loop rec = {.head = {.kind = LG_REC_LOOP, .len = sizeof(rec), .time_ns = now_ns}};

	rec.slot = (struct lg_slot){.pid = 100, .tid = tid, .flags = LG_SLOT_USED | LG_SLOT_LOOP, .first_ns = 1};
	rec.slot.idle_ns = idle_ns;
	rec.slot.turns = turns;
	rec.slot.sleep_ns[LG_SLEEP_IO] = blocked_ns;
	rec.slot.turn_hist[0] = turns;
	assert_int_equal(model_feed(f->model, &rec.head), 0);
}

static void thread_exit(struct fixture *f, uint32_t tid, uint64_t now_ns)
{
	struct lg_rec_thread rec = {.head = {.kind = LG_REC_THREAD, .len = sizeof(rec), .time_ns = now_ns}};

	rec.pid = 100;
	rec.tid = tid;
	rec.event = LG_THREAD_EXIT;
	assert_int_equal(model_feed(f->model, &rec.head), 0);
}

static void test_rates(void **state)
{
	struct board_loop *l;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	slot_feed(&f, 100, 1 * S, 500 * MS, 100, 100 * MS);
	assert_int_equal(board_refresh(f.board, f.model, 1 * S), 0);
	l = board_find(f.board, 100, 100);
	assert_int_equal(l->rates.busy, 500);
	assert_int_equal(l->rates.blocked, 100);
	assert_int_equal(l->rates.on_cpu, 400);
	/* In the next two seconds it was idle for one half second only, and never blocked. */
	slot_feed(&f, 100, 3 * S, 1 * S, 300, 100 * MS);
	assert_int_equal(board_refresh(f.board, f.model, 3 * S), 0);
	assert_int_equal(l->rates.busy, 750);
	assert_int_equal(l->rates.blocked, 0);
	assert_int_equal(l->rates.on_cpu, 750);
	assert_int_equal(l->rates.turns_per_s, 100);
	assert_int_equal(l->total.turns, 300);
	assert_int_equal(board_reset(f.board, f.model, 3 * S), 0);
	slot_feed(&f, 100, 4 * S, 2 * S, 310, 100 * MS);
	assert_int_equal(board_refresh(f.board, f.model, 4 * S), 0);
	assert_int_equal(l->total.turns, 10);
	assert_int_equal(l->rates.busy, 0);
	assert_int_equal(l->rates.turns_per_s, 10);
	/* What a recording may say as well: more turns than can be. */
	slot_feed(&f, 100, 4 * S + 1, 2 * S, 1ull << 40, 100 * MS);
	assert_int_equal(board_refresh(f.board, f.model, 4 * S + 1), 0);
	assert_int_equal(l->rates.turns_per_s, UINT32_MAX);
	fixture_close(&f);
}

static void test_minute(void **state)
{
	struct board_loop *l;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	for (unsigned i = 1; i <= 70; i++) {
		/* Idle but for the 65th second. */
		slot_feed(&f, 100, i * S, i < 65 ? i * S : (i - 1) * S, i, 0);
		assert_int_equal(board_second(f.board, f.model, i * S), 0);
	}
	l = board_find(f.board, 100, 100);
	assert_int_equal(l->nr_history, BOARD_HISTORY);
	for (unsigned i = 0; i < BOARD_HISTORY; i++)
		assert_int_equal(l->history[i], i == BOARD_HISTORY - 1 - 5 ? 1000 : 0);
	fixture_close(&f);
}

static void test_loops_end(void **state)
{
	struct fixture f;

	(void)state;
	fixture_open(&f);
	slot_feed(&f, 100, 1 * S, 0, 1, 0);
	slot_feed(&f, 101, 1 * S, 0, 1, 0);
	assert_int_equal(board_refresh(f.board, f.model, 1 * S), 0);
	assert_int_equal(f.board->nr_loops, 2);
	thread_exit(&f, 100, 2 * S);
	assert_int_equal(board_refresh(f.board, f.model, 2 * S), 0);
	assert_int_equal(f.board->nr_loops, 1);
	assert_null(board_find(f.board, 100, 100));
	assert_non_null(board_find(f.board, 100, 101));
	assert_null(board_find(f.board, 99, 101));
	fixture_close(&f);
}

static struct model_stall stall_sample(const struct model_request *request, uint64_t start_ns)
{
	static const char *const victims[] = {"v-1", "v-2"};

	return (struct model_stall){
		.start_ns = start_ns,
		.duration_ns = 50 * MS,
		.pid = 100,
		.tid = 100,
		.comm = "server",
		.cause = LG_CAUSE_CPU,
		.request = request,
		.victims = victims,
		.nr_victims_told = 2,
		.nr_victims = 2,
	};
}

static void test_stalls_are_copies(void **state)
{
	struct model_request request = {.id = "one", .method = "GET", .path = "/a", .route = "/a"};
	enum lg_cause cause;
	struct model_stall stall = stall_sample(&request, 1);
	struct board *copy;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	slot_feed(&f, 100, 1 * S, 0, 1, 0);
	board_take_stall(f.board, &stall);
	assert_int_equal(board_refresh(f.board, f.model, 1 * S), 0);
	copy = board_copy(f.board);
	strcpy(request.id, "two");
	for (unsigned i = 0; i < BOARD_STALLS + 5; i++) {
		stall = stall_sample(i % 2 ? &request : NULL, 100 + i);
		board_take_stall(f.board, &stall);
	}
	assert_int_equal(board_stall(f.board, 0)->stall.start_ns, 100 + BOARD_STALLS + 4);
	assert_int_equal(board_stall(f.board, BOARD_STALLS - 1)->stall.start_ns, 105);
	assert_null(board_stall(f.board, BOARD_STALLS));
	/* The copy has its own. */
	assert_string_equal(board_stall(copy, 0)->stall.request->id, "one");
	assert_string_equal(board_stall(copy, 0)->stall.victims[1], "v-2");
	assert_string_equal(board_stall(copy, 0)->stall.comm, "server");
	assert_null(board_stall(copy, 1));
	assert_int_equal(board_worst_route(board_find(copy, 100, 100))->nr_stalls, 1);
	assert_true(board_top_cause(board_find(copy, 100, 100), &cause));
	assert_int_equal(cause, LG_CAUSE_CPU);
	board_free(copy);
	fixture_close(&f);
}

/* A stack deeper than what is kept, with a place below that and a name longer than what is kept. */
static void test_the_worst_stall_is_kept_with_its_stack(void **state)
{
	struct model_frame frames[2 * BOARD_FRAMES];
	char name[2 * MODEL_FUNCTION_LEN];
	struct model_stall stall = stall_sample(NULL, 1);
	const struct model_stall *worst;
	struct board *copy;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (unsigned i = 0; i < 2 * BOARD_FRAMES; i++)
		frames[i] = (struct model_frame){.function = i ? name + i : "inner", .file = "/a.py", .line = i};
	stall.frames = frames;
	stall.nr_frames = 2 * BOARD_FRAMES;
	stall.place = &frames[2 * BOARD_FRAMES - 1];
	board_take_stall(f.board, &stall);
	stall = stall_sample(NULL, 2);
	board_take_stall(f.board, &stall);
	memset(frames, 0, sizeof(frames));
	copy = board_copy(f.board);
	assert_int_equal(board_reset(f.board, f.model, 1 * S), 0);
	assert_null(board_find(f.board, 100, 100)->worst);
	worst = &board_find(copy, 100, 100)->worst->stall;
	assert_int_equal(worst->start_ns, 1);
	assert_int_equal(worst->nr_frames, BOARD_FRAMES);
	assert_string_equal(worst->frames[0].function, "inner");
	assert_int_equal(strlen(worst->frames[1].function), MODEL_FUNCTION_LEN - 1);
	assert_string_equal(worst->place->file, "/a.py");
	assert_int_equal(worst->place->line, 2 * BOARD_FRAMES - 1);
	board_free(copy);
	fixture_close(&f);
}

/* A turn since second 1 that goes on at `now_ns`. */
static void stuck_feed(struct fixture *f, uint64_t now_ns)
{
	struct lg_rec_loop rec = {.head = {.kind = LG_REC_LOOP, .len = sizeof(rec), .time_ns = now_ns}};

	rec.slot = (struct lg_slot){.pid = 100, .tid = 100, .flags = LG_SLOT_USED | LG_SLOT_LOOP, .first_ns = 1};
	rec.slot.idle_ns = 1 * S;
	rec.slot.turn_ns = 1 * S;
	assert_int_equal(model_feed(f->model, &rec.head), 0);
}

static void turn_feed(struct fixture *f, uint64_t start_ns, uint64_t end_ns)
{
	struct lg_rec_turn rec = {.head = {.kind = LG_REC_TURN, .len = sizeof(rec), .time_ns = end_ns}};

	rec.pid = rec.tid = 100;
	rec.start_ns = start_ns;
	rec.end_ns = end_ns;
	assert_int_equal(model_feed(f->model, &rec.head), 0);
}

/* Its length grows with each refresh, whatever is told of it; when it has ended it is there until its stall is. */
static void test_a_stuck_turn_becomes_its_stall(void **state)
{
	const struct board_stall *stuck;
	struct board *copy;
	struct fixture f;

	(void)state;
	fixture_open(&f);
	stuck_feed(&f, 1 * S + 40 * MS);
	assert_int_equal(board_nr_stuck(f.board), 0);
	stuck_feed(&f, 1 * S + 200 * MS);
	assert_int_equal(board_refresh(f.board, f.model, 1 * S + 500 * MS), 0);
	stuck = board_stuck(f.board, 0);
	assert_true(stuck->is_stuck);
	assert_int_equal(stuck->stall.start_ns, 1 * S);
	assert_int_equal(stuck->stall.duration_ns, 500 * MS);
	assert_int_equal(stuck->stall.turn_ns, 500 * MS);
	assert_null(board_stuck(f.board, 1));
	assert_ptr_equal(board_stall_at(f.board, 100, 100, 1 * S + 500 * MS - 1), stuck);
	assert_null(board_stall_at(f.board, 100, 100, 1 * S - 1));
	assert_int_equal(board_reset(f.board, f.model, 1 * S + 600 * MS), 0);
	assert_int_equal(board_refresh(f.board, f.model, 1 * S + 700 * MS), 0);
	assert_int_equal(board_stuck(f.board, 0)->stall.duration_ns, 700 * MS);
	copy = board_copy(f.board);
	turn_feed(&f, 1 * S, 2 * S);
	assert_int_equal(board_refresh(f.board, f.model, 2 * S), 0);
	assert_int_equal(board_nr_stuck(f.board), 1);
	assert_int_equal(board_stuck(f.board, 0)->stall.duration_ns, 700 * MS);
	model_flush(f.model);
	assert_int_equal(board_nr_stuck(f.board), 0);
	assert_false(board_stall_at(f.board, 100, 100, 1 * S + 500 * MS - 1)->is_stuck);
	assert_int_equal(board_stall(f.board, 0)->stall.duration_ns, 1 * S);
	assert_int_equal(board_stuck(copy, 0)->stall.duration_ns, 700 * MS);
	board_free(copy);
	fixture_close(&f);
}

static struct lg_target file_target(void)
{
	return (struct lg_target){.kind = LG_TARGET_FILE, .name = "f", .name_len = 1};
}

/* A call stands where a stall has its longest block, of the class that made the cause. */
static void test_what_a_stuck_turn_waits_for(void **state)
{
	const struct lg_block call = {.nr = 0, .fd = 7, .target = file_target()};
	struct model_request request = {.id = "one", .method = "GET", .path = "/a", .route = "/a"};
	const char *const victims[] = {"v-1"};
	struct model_stuck stuck = {
		.start_ns = 1 * S,
		.duration_ns = 200 * MS,
		.turn_ns = 300 * MS,
		.pid = 100,
		.tid = 100,
		.comm = "server",
		.cause = LG_CAUSE_IO,
		.sleep_nr = 0,
		.block = &call,
		.block_path = "/srv/f",
		.request = &request,
		.victims = victims,
		.nr_victims_told = 1,
		.nr_victims = 3,
	};
	struct board_stall s;

	(void)state;
	board_stall_copy_stuck(&s, &stuck);
	strcpy(request.id, "two");
	assert_string_equal(s.stall.request->id, "one");
	assert_string_equal(s.stall.block_path, "/srv/f");
	assert_int_equal(s.stall.block->fd, 7);
	assert_int_equal(s.stall.block->sleep, LG_SLEEP_IO);
	assert_string_equal(s.stall.victims[0], "v-1");
	assert_int_equal(s.stall.nr_victims, 3);
	stuck.block = NULL;
	stuck.cause = LG_CAUSE_SYSCALL;
	board_stall_copy_stuck(&s, &stuck);
	assert_int_equal(s.stall.block->nr, 0);
	assert_int_equal(s.stall.block->fd, -1);
	assert_int_equal(s.stall.block->sleep, LG_SLEEP_SYSCALL);
	stuck.sleep_nr = -1;
	board_stall_copy_stuck(&s, &stuck);
	assert_null(s.stall.block);
}

static void test_routes_are_bounded(void **state)
{
	struct model_request request = {.id = "x", .method = "GET"};
	struct model_done done = {.request = &request, .pid = 100, .tid = 100, .hold_ns = 1 * MS};
	struct model_route *routes;
	struct fixture f;
	size_t nr;

	(void)state;
	fixture_open(&f);
	for (unsigned i = 0; i < 2 * BOARD_ROUTES; i++) {
		snprintf(request.route, sizeof(request.route), "/%u", i);
		done.hold_ns = i * MS;
		board_take_request(f.board, &done);
	}
	nr = board_routes(board_find(f.board, 100, 100), &routes);
	assert_int_equal(nr, BOARD_ROUTES + 1);
	assert_string_equal(routes[0].route, "_other");
	assert_string_equal(routes[1].route, "/31");
	assert_string_equal(board_worst_route(board_find(f.board, 100, 100))->route, "_other");
	free(routes);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_minute),
		cmocka_unit_test(test_loops_end),
		cmocka_unit_test(test_stalls_are_copies),
		cmocka_unit_test(test_the_worst_stall_is_kept_with_its_stack),
		cmocka_unit_test(test_a_stuck_turn_becomes_its_stall),
		cmocka_unit_test(test_what_a_stuck_turn_waits_for),
		cmocka_unit_test(test_routes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
