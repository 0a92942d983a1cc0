/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random records of valid structure and any content, from a fixed seed: the sanitizers watch, and what the model
 * says must hold together however wild the input.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lg_slot.h"
#include "model/model.h"
#include "model/state.h"

#define NR_RECORDS 200000

static uint64_t random_state;
static unsigned time_shift; /* 0: times may be so large that sums of lengths wrap around */

/* xorshift64* */
static uint64_t random_u64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dull;
}

static uint64_t below(uint64_t n)
{
	return random_u64() % n;
}

/* Mostly small steps forward; at times back, far ahead or anything. */
static uint64_t random_time(void)
{
	static uint64_t now = 1000000000;

	switch (below(200)) {
	case 0:
		return random_u64() >> time_shift;
	case 1:
		return now - below(1000000000);
	case 2:
		return 0;
	default:
		return now += below(20000000);
	}
}

static uint64_t random_length(void)
{
	return below(50) ? below(100000000) : random_u64();
}

static uint32_t random_tid(void)
{
	return 1 + below(6);
}

static uint32_t random_pid(uint32_t tid)
{
	return below(500) ? 1 + tid / 4 : below(4);
}

static uint64_t random_ino(void)
{
	return below(24);
}

static const char *const fragments[] = {
	"GET / HTTP/1.1\r\n\r\n",
	"GET /users/42?x=1 HTTP/1.1\r\nX-Request-ID: fuzz\r\n\r\n",
	"POST /up HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789",
	"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"HEAD /h HTTP/1.0\r\n\r\n",
	"CONNECT h:1 HTTP/1.1\r\n\r\n",
	"GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	"GET /part HTTP/1.1\r\nHost",
	": h\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	"0\r\n\r\n",
	"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	"HTTP/1.1 100 Continue\r\n\r\n",
	"HTTP/1.0 200 OK\r\n\r\n",
	"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n",
	"HTTP/1.1 200 OK\r\nX-Long: ",
	"*1\r\n$4\r\nPING\r\n",
};

/* Some fragments, some of their bytes changed; returns how many bytes. */
static uint16_t random_data(uint8_t *data, size_t size)
{
	size_t used = 0;

	for (uint64_t n = below(4); n; n--) {
		const char *f = fragments[below(sizeof(fragments) / sizeof(*fragments))];
		size_t len = below(10) ? strlen(f) : below(strlen(f) + 1);

		if (used + len > size)
			break;
		memcpy(data + used, f, len);
		used += len;
	}
	while (used && !below(4))
		data[below(used)] = random_u64();
	return used;
}

static size_t make_io(void *buf)
{
	struct lg_rec_io *rec = buf;

	rec->tid = random_tid();
	rec->pid = random_pid(rec->tid);
	rec->op = below(100) ? 1 + below(5) : below(256);
	rec->flags = below(4) ? 0 : below(16);
	rec->ino = random_ino();
	rec->captured = random_data(rec->data, 2048);
	rec->bytes = rec->captured;
	if (!below(3))
		rec->bytes += below(20) ? below(5000) : random_u64() - rec->captured;
	if (!below(200))
		rec->bytes = 0;
	if (!below(4))
		memcpy(rec->tail, "x\r\n0\r\n\r\n", 8);
	return sizeof(*rec) + rec->captured;
}

static size_t make_turn(void *buf, uint64_t now)
{
	struct lg_rec_turn *rec = buf;

	rec->tid = random_tid();
	rec->pid = random_pid(rec->tid);
	rec->start_ns = now - random_length();
	rec->end_ns = below(50) ? now : random_u64() >> time_shift;
	rec->late_ns = below(3) ? 0 : random_length();
	return sizeof(*rec);
}

static size_t make_off(void *buf)
{
	struct lg_rec_off *rec = buf;

	rec->tid = random_tid();
	rec->pid = random_pid(rec->tid);
	for (int i = 0; i < 8; i++)
		rec->sleep_ns[i] = below(2) ? 0 : random_length();
	rec->runqueue_ns = random_length();
	rec->throttled_ns = random_length();
	rec->user_ns = random_length();
	rec->system_ns = random_length();
	rec->last_nr = (int)below(500) - 10;
	rec->longest.sleep_ns = random_length();
	rec->longest.sleep = random_u64();
	rec->longest.target.kind = below(9);
	rec->longest.target.ino = random_ino();
	return sizeof(*rec);
}

static size_t make_thread(void *buf)
{
	struct lg_rec_thread *rec = buf;

	rec->tid = below(20) ? random_tid() : below(3000);
	rec->pid = random_pid(rec->tid);
	rec->event = below(6);
	for (int i = 0; i < LG_COMM_LEN; i++)
		rec->comm[i] = random_u64();
	return sizeof(*rec);
}

static size_t make_conn(void *buf)
{
	struct lg_rec_conn *rec = buf;

	rec->tid = random_tid();
	rec->pid = random_pid(rec->tid);
	rec->origin = below(4);
	rec->peer.kind = below(9);
	rec->peer.name_len = below(65);
	rec->peer.ino = random_ino();
	return sizeof(*rec);
}

static size_t make_fact(void *buf)
{
	struct lg_rec_target *target = buf;
	struct lg_rec_path *path = buf;
	struct lg_rec_budget *budget = buf;
	struct lg_rec_lost *lost = buf;

	switch (below(4)) {
	case 0:
		target->head.kind = LG_REC_TARGET;
		target->pid = below(6000);
		target->runtime = below(8);
		return sizeof(*target);
	case 1:
		path->head.kind = LG_REC_PATH;
		path->pid = below(3);
		path->ino = below(3000);
		path->path_len = below(64);
		memset(path->path, 'p', path->path_len);
		return sizeof(*path) + path->path_len;
	case 2:
		budget->head.kind = LG_REC_BUDGET;
		budget->level = below(LG_NR_LEVELS + 1);
		budget->before = below(LG_NR_LEVELS + 1);
		budget->window_ns = below(2) ? 0 : random_length();
		budget->bpf_ns = random_length();
		return sizeof(*budget);
	default:
		lost->head.kind = LG_REC_LOST;
		lost->counters[below(16)] = random_u64();
		return sizeof(*lost);
	}
}

static size_t make_slot(void *buf)
{
	struct lg_rec_loop *rec = buf;

	for (size_t i = 0; i < sizeof(rec->slot) / 8; i++)
		((uint64_t *)&rec->slot)[i] = below(3) ? 0 : random_length();
	rec->slot.tid = random_tid();
	rec->slot.pid = random_pid(rec->slot.tid);
	rec->slot.flags = below(4);
	return sizeof(*rec);
}

static void make_record(void *buf)
{
	struct lg_head *head = buf;
	uint64_t now = random_time();
	size_t len;

	memset(buf, 0, 4096);
	switch (below(40)) {
	case 0:
		head->kind = LG_REC_THREAD;
		len = make_thread(buf);
		break;
	case 1:
		head->kind = LG_REC_CONN;
		len = make_conn(buf);
		break;
	case 2:
		len = make_fact(buf);
		break;
	case 3:
		head->kind = LG_REC_LOOP;
		len = below(10) ? sizeof(*head) : make_slot(buf);
		if (len == sizeof(*head))
			head->kind = 999;
		break;
	case 4 ... 9:
		head->kind = LG_REC_OFF;
		len = make_off(buf);
		break;
	case 10 ... 15:
		head->kind = LG_REC_TURN;
		len = make_turn(buf, now);
		break;
	default:
		head->kind = LG_REC_IO;
		len = make_io(buf);
		break;
	}
	head->len = (len + 7) & ~7;
	head->time_ns = now;
}

struct tally {
	uint64_t nr_stalls;
	uint64_t nr_requests;
	uint64_t named;
};

static void check_parts(const struct model_parts *p, uint64_t length_ns)
{
	uint64_t sleeps = 0;

	for (int i = 0; i < LG_NR_SLEEPS; i++)
		sleeps += p->sleep_ns[i];
	assert_true(sleeps == p->blocked_ns);
	assert_true(p->user_ns + p->system_ns == p->on_cpu_ns);
	assert_true(p->on_cpu_ns + p->blocked_ns + p->runqueue_ns + p->throttled_ns == length_ns);
}

static void on_stall(void *arg, const struct model_stall *stall)
{
	struct tally *t = arg;

	t->nr_stalls++;
	t->named += stall->request != NULL;
	check_parts(&stall->parts, stall->duration_ns);
	assert_true(stall->duration_ns >= 20000000);
	assert_true(stall->duration_ns <= stall->turn_ns);
	assert_true(stall->cause < LG_NR_CAUSES);
	assert_true((stall->request == NULL) == (stall->confidence == LG_SURE_NONE));
	assert_true(stall->nr_victims_told <= MODEL_MAX_VICTIMS && stall->nr_victims_told <= stall->nr_victims);
	for (unsigned i = 0; i < stall->nr_victims_told; i++)
		assert_true(stall->victims[i][0] && strlen(stall->victims[i]) < MODEL_ID_LEN);
}

static void on_request(void *arg, const struct model_done *done)
{
	struct tally *t = arg;

	t->nr_requests++;
	check_parts(&done->parts, done->hold_ns);
	assert_true(done->longest_run_ns <= done->hold_ns || !time_shift);
	assert_true(done->request->id[0] && done->request->method[0]);
	assert_true(strlen(done->request->path) < MODEL_PATH_LEN);
}

/* Ends all threads and connections: no request may be left that something still refers to. */
static void check_nothing_is_left(struct model *m)
{
	struct lg_rec_thread exit = {.head = {.kind = LG_REC_THREAD, .len = sizeof(exit)}, .event = LG_THREAD_EXIT};
	struct lg_rec_conn conn = {.head = {.kind = LG_REC_CONN, .len = sizeof(conn)}, .origin = LG_CONN_ACCEPTED};

	for (exit.tid = 0; exit.tid < 3000; exit.tid++)
		for (exit.pid = 0; exit.pid < 800; exit.pid++)
			model_feed(m, &exit.head);
	for (conn.peer.ino = 0; conn.peer.ino < 24; conn.peer.ino++)
		model_feed(m, &conn.head);
	assert_int_equal(m->nr_live, 0);
}

static void feed_random(unsigned shift, uint64_t seed, struct tally *tally)
{
	static _Alignas(8) uint8_t buf[4096];
	const struct model_opts opts = {.threshold_ns = 20000000, .max_routes = 8};
	const struct model_sink sink = {.arg = tally, .stall = on_stall, .request = on_request};
	struct model_summary sum;
	struct model *m;

	random_state = seed;
	time_shift = shift;
	assert_int_equal(model_new(&m, &opts, &sink, NULL), 0);
	for (int i = 0; i < NR_RECORDS; i++) {
		make_record(buf);
		assert_int_equal(model_feed(m, (struct lg_head *)buf), 0);
		if (i % 5000)
			continue;
		assert_int_equal(model_summary(m, random_time(), &sum), 0);
		assert_true(sum.nr_routes <= 9);
		model_summary_fini(&sum);
	}
	model_flush(m);
	assert_int_equal(model_summary(m, random_time(), &sum), 0);
	assert_true(sum.nr_stalls == tally->nr_stalls && sum.nr_requests == tally->nr_requests);
	model_summary_fini(&sum);
	check_nothing_is_left(m);
	model_free(m);
}

static void random_records(void **state)
{
	struct tally tally = {0};

	(void)state;
	feed_random(8, 0x9e3779b97f4a7c15ull, &tally);
	/* The generator reaches what it is meant to reach. */
	assert_true(tally.nr_stalls > 1000 && tally.named > 500 && tally.nr_requests > 2000);
}

static void records_with_wild_times(void **state)
{
	struct tally tally = {0};

	(void)state;
	feed_random(0, 0x0123456789abcdefull, &tally);
	assert_true(tally.nr_requests > 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_records),
		cmocka_unit_test(records_with_wild_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
