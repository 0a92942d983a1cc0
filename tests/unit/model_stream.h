/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream of records for the tests of the model: each function feeds one record as the kernel side would make it and
 * moves the clock. What the model says is copied, so that it can be looked at afterwards.
 */
#ifndef MODEL_STREAM_H
#define MODEL_STREAM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lg_slot.h"
#include "model/model.h"

#define MS         1000000ull
#define STREAM_PID 100
#define STREAM_MAX 64 /* stalls and requests that are kept */

struct told_stall {
	struct model_stall stall; /* its pointers lead to the copies below, or are NULL */
	struct model_request request;
	struct lg_block block;
	char path[64];
	char victims[MODEL_MAX_VICTIMS][MODEL_ID_LEN];
};

struct told_request {
	struct model_done done;
	struct model_request request;
};

struct stream {
	struct model *model;
	uint64_t now_ns;
	uint64_t turn_ns;   /* when the turn of the thread began */
	uint64_t late_ns;   /* told with the turn's end */
	uint64_t waited_ns; /* told with the next reads */
	uint32_t tid;
	uint32_t fd;
	struct told_stall stalls[STREAM_MAX];
	unsigned nr_stalls;
	struct told_request requests[STREAM_MAX];
	unsigned nr_requests;
};

static void stream_on_stall(void *arg, const struct model_stall *stall)
{
	struct stream *s = arg;
	struct told_stall *t = &s->stalls[s->nr_stalls++ % STREAM_MAX];

	t->stall = *stall;
	if (stall->request) {
		t->request = *stall->request;
		t->stall.request = &t->request;
	}
	if (stall->block) {
		t->block = *stall->block;
		t->stall.block = &t->block;
	}
	if (stall->block_path) {
		strncpy(t->path, stall->block_path, sizeof(t->path) - 1);
		t->stall.block_path = t->path;
	}
	for (unsigned i = 0; i < stall->nr_victims_told; i++)
		memcpy(t->victims[i], stall->victims[i], strlen(stall->victims[i]) + 1);
}

static void stream_on_request(void *arg, const struct model_done *done)
{
	struct stream *s = arg;
	struct told_request *t = &s->requests[s->nr_requests++ % STREAM_MAX];

	t->request = *done->request;
	t->done = *done;
	t->done.request = &t->request;
}

static inline void stream_feed(struct stream *s, struct lg_head *head, uint16_t kind, size_t len)
{
	head->kind = kind;
	head->len = len;
	head->time_ns = s->now_ns;
	assert_int_equal(model_feed(s->model, head), 0);
}

static inline void stream_target(struct stream *s, enum lg_runtime runtime)
{
	struct lg_rec_target rec = {.pid = STREAM_PID, .runtime = runtime, .version = 0x0102, .comm = "server"};

	stream_feed(s, &rec.head, LG_REC_TARGET, sizeof(rec));
}

/* The sink's functions get the stream as their argument. */
static inline struct stream *stream_open_sink(const struct model_opts *opts, struct model_sink sink,
					      enum lg_runtime runtime)
{
	struct stream *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	sink.arg = s;
	s->now_ns = 1000 * MS;
	s->turn_ns = s->now_ns;
	s->tid = STREAM_PID;
	assert_int_equal(model_new(&s->model, opts, &sink, NULL), 0);
	stream_target(s, runtime);
	return s;
}

static inline struct stream *stream_open(const struct model_opts *opts, enum lg_runtime runtime)
{
	const struct model_sink sink = {.stall = stream_on_stall, .request = stream_on_request};

	return stream_open_sink(opts, sink, runtime);
}

/* Stalls from 20 ms on. */
static inline struct stream *stream_new(enum lg_runtime runtime)
{
	const struct model_opts opts = {.threshold_ns = 20 * MS};

	return stream_open(&opts, runtime);
}

static inline void stream_free(struct stream *s)
{
	model_free(s->model);
	free(s);
}

/* Time passes. */
static inline void run_ms(struct stream *s, uint64_t ms)
{
	s->now_ns += ms * MS;
}

static inline void thread_event(struct stream *s, uint32_t event)
{
	struct lg_rec_thread rec = {.pid = STREAM_PID, .tid = s->tid, .event = event, .comm = "worker"};

	stream_feed(s, &rec.head, LG_REC_THREAD, sizeof(rec));
}

/* What of the time before the next edge was off the CPU. */
static inline void off_cpu(struct stream *s, const struct lg_rec_off *off)
{
	struct lg_rec_off rec = *off;

	rec.pid = STREAM_PID;
	rec.tid = s->tid;
	stream_feed(s, &rec.head, LG_REC_OFF, sizeof(rec));
}

/* Blocked for `ms` in a call on a socket to 10.0.0.9:5432. */
static inline struct lg_rec_off off_blocked(struct stream *s, uint64_t ms, enum lg_sleep sleep)
{
	struct lg_rec_off rec = {.last_nr = -1, .nr_sleeps = 1};

	rec.sleep_ns[sleep] = ms * MS;
	rec.longest = (struct lg_block){.start_ns = s->now_ns - ms * MS, .sleep_ns = ms * MS, .nr = 45, .fd = 7};
	rec.longest.sleep = sleep;
	rec.longest.target = (struct lg_target){.kind = LG_TARGET_INET, .port = 5432, .addr = {10, 0, 0, 9}};
	return rec;
}

static inline void conn_seen(struct stream *s, uint64_t ino, uint8_t origin, uint8_t kind)
{
	struct lg_rec_conn rec = {.pid = STREAM_PID, .tid = s->tid, .fd = ++s->fd, .origin = origin};

	rec.peer = (struct lg_target){.kind = kind, .ino = ino, .port = 1234, .addr = {127, 0, 0, 1}};
	stream_feed(s, &rec.head, LG_REC_CONN, sizeof(rec));
}

/* `io` but for its thread, with the first bytes of its data. */
static inline void io_feed(struct stream *s, const struct lg_rec_io *io, const void *data)
{
	size_t len = (sizeof(*io) + io->captured + 7) & ~(size_t)7;
	struct lg_rec_io *rec = calloc(1, len);

	assert_non_null(rec);
	*rec = *io;
	rec->pid = STREAM_PID;
	rec->tid = s->tid;
	if (io->captured)
		memcpy(rec->data, data, io->captured);
	stream_feed(s, &rec->head, LG_REC_IO, len);
	free(rec);
}

/* An edge in which `bytes` passed and the first `captured` are told. */
static inline void io_raw(struct stream *s, uint8_t op, uint8_t flags, uint64_t ino, const void *data,
			  uint16_t captured, uint64_t bytes)
{
	const struct lg_rec_io io = {
		.op = op,
		.flags = flags,
		.captured = captured,
		.ino = ino,
		.bytes = bytes,
		.waited_ns = op == LG_IO_READ ? s->waited_ns : 0,
	};

	io_feed(s, &io, data);
}

/* A write of `bytes` that ends with `tail` (at most 8), of which the first `captured` are told. */
static inline void io_write_tail(struct stream *s, uint64_t ino, const void *data, uint16_t captured, uint64_t bytes,
				 const char *tail)
{
	struct lg_rec_io io = {.op = LG_IO_WRITE, .captured = captured, .ino = ino, .bytes = bytes};

	memcpy(io.tail + 8 - strlen(tail), tail, strlen(tail));
	io_feed(s, &io, data);
}

static inline void io_read(struct stream *s, uint64_t ino, const char *text)
{
	io_raw(s, LG_IO_READ, 0, ino, text, strlen(text), strlen(text));
}

static inline void io_write(struct stream *s, uint64_t ino, const char *text)
{
	io_raw(s, LG_IO_WRITE, 0, ino, text, strlen(text), strlen(text));
}

/* Bytes of which nothing is told but their number. */
static inline void io_blind(struct stream *s, uint8_t op, uint64_t ino, uint64_t bytes)
{
	io_raw(s, op, 0, ino, NULL, 0, bytes);
}

static inline void io_accept(struct stream *s, uint64_t ino)
{
	conn_seen(s, ino, LG_CONN_ACCEPTED, LG_TARGET_INET);
	io_blind(s, LG_IO_ACCEPT, ino, 0);
}

static inline void io_connect(struct stream *s, uint64_t ino)
{
	conn_seen(s, ino, LG_CONN_CONNECTED, LG_TARGET_INET);
	io_blind(s, LG_IO_CONNECT, ino, 0);
}

static inline void io_close(struct stream *s, uint64_t ino)
{
	io_blind(s, LG_IO_CLOSE, ino, 0);
}

static inline void io_wake(struct stream *s)
{
	io_raw(s, LG_IO_READ, LG_IO_NOT_SOCK, 5, NULL, 0, 8);
}

/* The loop was idle for 5 ms; its next turn begins. */
static inline void turn_start(struct stream *s)
{
	run_ms(s, 5);
	s->turn_ns = s->now_ns;
	s->late_ns = 0;
}

/* A turn that follows the one before at once. */
static inline void turn_follow(struct stream *s)
{
	s->turn_ns = s->now_ns;
	s->late_ns = 0;
}

/* Ends a turn; what the model holds back of it stays so. */
static inline void turn_stop_held(struct stream *s)
{
	struct lg_rec_turn rec = {.pid = STREAM_PID, .tid = s->tid};

	rec.start_ns = s->turn_ns;
	rec.end_ns = s->now_ns;
	rec.late_ns = s->late_ns;
	stream_feed(s, &rec.head, LG_REC_TURN, sizeof(rec));
}

/* Ends a turn after which the loop sleeps for long. */
static inline void turn_stop(struct stream *s)
{
	turn_stop_held(s);
	model_flush(s->model);
}

#define RESPONSE_200 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* A turn in which one request is read and, `ms` later, answered. */
static inline void request_ms(struct stream *s, uint64_t ino, const char *head, uint64_t ms)
{
	turn_start(s);
	io_read(s, ino, head);
	run_ms(s, ms);
	io_write(s, ino, RESPONSE_200);
	turn_stop(s);
}

/* The newest stall is of this request, or of nobody (""), and so long. */
#define assert_stall(s, id_, ms, sure, cause_) \
	do { \
		const struct told_stall *t_ = &(s)->stalls[(s)->nr_stalls - 1]; \
		assert_true((s)->nr_stalls > 0); \
		assert_string_equal(t_->stall.request ? t_->request.id : "", id_); \
		assert_int_equal(t_->stall.duration_ns, (ms)*MS); \
		assert_int_equal(t_->stall.confidence, LG_SURE_##sure); \
		assert_int_equal(t_->stall.cause, LG_CAUSE_##cause_); \
	} while (0)

#endif
