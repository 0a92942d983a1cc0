// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Logic cases: each level of the budget silences what it says and no more; programs measure themselves when told to. */
#include "call.bpf.h"
#include "logic.bpf.h"

#define US 1000ull
#define MS (1000 * US)
#define T0 (1000 * MS)

/* Of this CPU: the case is run again when it is moved to another one. */
static __always_inline __u64 counted(__u32 counter)
{
	__u64 *n = bpf_map_lookup_elem(&counters, &counter);

	return n ? *n : 0;
}

static __always_inline void turn_of_http(void)
{
	t.flags = THREAD_LOOP | THREAD_HTTP;
	t.turn_ns = T0;
	t.edge_ns = T0;
}

CASE(level_of_stacks)
{
	t.flags = THREAD_LOOP;
	t.turn_ns = T0;
	t.out_class = LG_SLEEP_FAULT;
	t.call.nr = -1;
	EQUAL(stack_is_noted(&t, T0), true);
	control.level = LG_LEVEL_STACKS;
	EQUAL(stack_is_noted(&t, T0), false);
	turn_of_http();
	EQUAL(edge_pass(&t, task, T0 + US, false), true); /* all else is told */
}

CASE(level_of_samples_tells_requests)
{
	control.level = LG_LEVEL_SAMPLES;
	turn_of_http();
	EQUAL(edge_pass(&t, task, T0 + US, false), true);
}

CASE(level_of_requests_keeps_short_edges)
{
	__u64 before = counted(LG_CNT_SKIPPED_EDGES);

	control.level = LG_LEVEL_REQUESTS;
	turn_of_http();
	EQUAL(edge_pass(&t, task, T0 + US, false), false);
	EQUAL(counted(LG_CNT_SKIPPED_EDGES), before + 1);
	/* What makes a stall is told as of a loop without HTTP. */
	EQUAL(edge_pass(&t, task, T0 + US + MS, false), true);
	EQUAL(counted(LG_CNT_SKIPPED_EDGES), before + 1);
}

CASE(level_of_requests_reads_none)
{
	struct conn conn = {.flags = CONN_SOCK, .budget = CONN_BUDGET};
	struct io io = {
		.bytes = LOGIC_REQUEST_LEN, .buf = (void *)input.text, .buf_len = LOGIC_REQUEST_LEN, .op = LG_IO_READ};

	control.level = LG_LEVEL_REQUESTS;
	read_capture(&t, task, &conn, &io);
	EQUAL(io.captured, 0);
	EQUAL(t.flags & THREAD_HTTP, 0);
	control.level = LG_LEVEL_SAMPLES;
	read_capture(&t, task, &conn, &io);
	EQUAL(io.captured, LOGIC_REQUEST_LEN);
	EQUAL(conn.flags & CONN_HTTP, CONN_HTTP);
	io.captured = 0;
	control.level = LG_LEVEL_REQUESTS; /* known as HTTP's from before */
	read_capture(&t, task, &conn, &io);
	EQUAL(io.captured, 0);
	io.buf = (void *)input.text + LOGIC_RESPONSE;
	io.last = (void *)input.text;
	write_capture(&conn, &io);
	EQUAL(io.captured, 0);
	EQUAL((__u64)io.last, 0);
}

CASE(level_of_requests_follows_calls)
{
	control.level = LG_LEVEL_REQUESTS;
	EQUAL(call_is_skipped(&t, __NR_read), false);
}

/* Waits make turns, closes keep descriptors and connections together; of the rest only its end is noted. */
CASE(level_of_calls)
{
	__u64 before = counted(LG_CNT_SKIPPED_CALLS);

	control.level = LG_LEVEL_CALLS;
	EQUAL(call_is_skipped(&t, __NR_epoll_pwait), false);
	EQUAL(call_is_skipped(&t, __NR_ppoll), false);
	EQUAL(call_is_skipped(&t, __NR_io_uring_enter), false);
	EQUAL(call_is_skipped(&t, __NR_close), false);
	EQUAL(t.seq, 0);
	EQUAL(call_is_skipped(&t, __NR_read), true);
	EQUAL(call_is_skipped(&t, __NR_sendmsg), true);
	EQUAL(call_is_skipped(&t, __NR_getpid), true);
	EQUAL(t.seq, 3);
	EQUAL(counted(LG_CNT_SKIPPED_CALLS), before + 3);
}

CASE(level_of_calls_tells_turns)
{
	__u64 now = bpf_ktime_get_ns();

	want_loop();
	want_turn(now - 200 * MS, now);
	control.level = LG_LEVEL_CALLS;
	t.returned = (struct call){.nr = __NR_epoll_pwait, .role = CALL_WAIT_SET, .args = {input.outer_fd}, .sp = 5000};
	call_take(&t, task, &t.returned);
	EQUAL(t.flags, THREAD_LOOP | THREAD_EXITS);
	t.turn_ns = t.edge_ns = now - 200 * MS;
	t.returned =
		(struct call){.nr = __NR_read, .role = CALL_READ, .args = {input.socket_fd, input.text}, .ret = 10};
	call_take(&t, task, &t.returned);
	EQUAL(t.quiet.time_ns, 0);
	turn_end(&t, now);
}

CASE(cost_is_measured_on_demand)
{
	__u32 kind = LG_COST_SAMPLE;
	struct lg_cost *cost = bpf_map_lookup_elem(&costs, &kind);
	__u64 runs, run_ns;

	EQUAL(cost != NULL, true);
	if (!cost)
		return;
	runs = cost->runs;
	run_ns = cost->run_ns;
	EQUAL(cost_begin(), 0);
	cost_end(kind, cost_begin());
	EQUAL(cost->runs, runs);
	control.is_measured = 1;
	EQUAL(cost_begin() > 0, true);
	cost_end(kind, cost_begin());
	EQUAL(cost->runs, runs + 1);
	EQUAL(cost->run_ns - run_ns < 50 * US, true);
	run_ns = cost->run_ns;
	cost_end(kind, bpf_ktime_get_ns() - 10 * MS); /* it was preempted */
	EQUAL(cost->run_ns - run_ns, COST_RUN_MAX_NS);
	control.is_measured = 0;
}
