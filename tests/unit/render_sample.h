/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the views show: one header, stall, request and summary with known numbers. Each function
 * gives a fresh copy, which a test may change before it is rendered. Moments: the monotonic clock read
 * 10.5 s when it was 2024-05-01T13:37:00.123456789Z.
 */
#ifndef RENDER_SAMPLE_H
#define RENDER_SAMPLE_H

#include <stdlib.h>
#include <string.h>

#include "render/render.h"

#define SAMPLE_OFFSET_NS (1714570620123456789ll - 10500000000ll)
#define SAMPLE_START_NS  10500000000ull

/* A render onto memory: sample_close() gives what was written, and ends it. */
struct sample {
	struct render render;
	char *text;
	size_t len;
};

static inline void sample_open(struct sample *s, const struct render_ops *ops)
{
	memset(s, 0, sizeof(*s));
	s->render.ops = ops;
	s->render.out = open_memstream(&s->text, &s->len);
	s->render.realtime_offset_ns = SAMPLE_OFFSET_NS;
	s->render.threshold_ns = 100000000;
	s->render.no_hints = true;
}

/* Freed by the caller. */
static inline char *sample_close(struct sample *s)
{
	fclose(s->render.out);
	return s->text;
}

static inline struct lg_target sample_peer(const char *addr4, uint16_t port)
{
	struct lg_target t = {.kind = LG_TARGET_INET, .port = port};

	memcpy(t.addr, addr4, 4);
	return t;
}

static inline struct lg_block sample_block(void)
{
	return (struct lg_block){
		.start_ns = SAMPLE_START_NS,
		.sleep_ns = 104000000,
		.nr = 42, /* connect on x86-64; tests that print a name set it from the header */
		.fd = 9,
		.sleep = LG_SLEEP_SYSCALL,
		.target = sample_peer("\x7f\0\0\1", 5432),
	};
}

static inline struct model_request sample_request(void)
{
	return (struct model_request){
		.id = "abc",
		.method = "GET",
		.path = "/report/42",
		.route = "/report/:n",
		.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
		.peer = sample_peer("\x0a\0\0\2", 51234),
	};
}

static inline struct model_stall sample_stall(void)
{
	return (struct model_stall){
		.start_ns = SAMPLE_START_NS,
		.duration_ns = 104123456,
		.pid = 4242,
		.tid = 4242,
		.comm = "uvicorn",
		.cause = LG_CAUSE_CPU,
		.confidence = LG_SURE_EXACT,
		.parts = {.on_cpu_ns = 104000000, .user_ns = 103000000, .system_ns = 1000000, .runqueue_ns = 123456},
		.on_cpu_nr = -1,
		.nr_victims = 3,
		.turn_ns = 105000000,
	};
}

static inline struct model_done sample_done(const struct model_request *request)
{
	return (struct model_done){
		.request = request,
		.start_ns = SAMPLE_START_NS,
		.duration_ns = 2500000,
		.hold_ns = 1200000,
		.parts = {.on_cpu_ns = 1200000, .user_ns = 1200000},
		.longest_run_ns = 800000,
		.delay_ns = 3021,
		.socket_wait_ns = 2000,
		.confidence = LG_SURE_LIKELY,
		.pid = 4242,
		.tid = 4242,
		.status = 200,
	};
}

static inline struct hist sample_hist(void)
{
	static const uint64_t values[] = {120000, 300000, 2000000, 104123456};
	static const unsigned counts[] = {1000, 400, 3, 1};
	struct hist h = {0};

	for (unsigned i = 0; i < 4; i++)
		for (unsigned n = 0; n < counts[i]; n++)
			hist_add(&h, values[i]);
	return h;
}

/* The arrays belong to the caller of the test: at least one loop and one route. */
static inline struct model_summary sample_summary(struct model_loop *loop, struct model_route *route)
{
	struct model_summary s = {
		.start_ns = SAMPLE_START_NS,
		.end_ns = SAMPLE_START_NS + 31400000000ull,
		.loops = loop,
		.nr_loops = 1,
		.routes = route,
		.nr_routes = 1,
		.nr_stalls = 1,
		.nr_requests = 1404,
		.nr_in_flight = 2,
	};

	*loop = (struct model_loop){
		.pid = 4242,
		.tid = 4242,
		.comm = "uvicorn",
		.runtime = LG_RT_CPYTHON,
		.version = 0x030b,
		.elapsed_ns = 31400000000ull,
		.idle_ns = 19719200000ull,
		.turns = 1404,
		.max_turn_ns = 104123456,
		.nr_stalls = 1,
		.stall_ns = 104123456,
		.hist = sample_hist(),
	};
	*route = (struct model_route){
		.method = "GET",
		.route = "/report/:n",
		.count = 1404,
		.nr_stalls = 1,
		.stall_ns = 104123456,
		.max_run_ns = 104123456,
		.hold = sample_hist(),
		.delay = sample_hist(),
		.duration = sample_hist(),
		.worst_id = "abc",
	};
	s.causes[LG_CAUSE_CPU] = (struct model_cause){.nr_stalls = 1, .stall_ns = 104123456};
	s.details[LG_CAUSE_CPU][MODEL_DETAIL_NONE] = (struct model_cause_detail){
		.nr_stalls = 1,
		.stall_ns = 104123456,
		.max_stall_ns = 104123456,
		.runtime = LG_RT_CPYTHON,
	};
	return s;
}

#endif
