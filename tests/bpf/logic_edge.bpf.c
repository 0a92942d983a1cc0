// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Logic cases: which edges are told, with what before them, and what their records hold.
 * The runner's configuration: an interval is long from 1 ms on.
 */
#include "logic.bpf.h"

#define US 1000ull
#define MS (1000 * US)

#define T0    (1000 * MS) /* the last edge */
#define SHORT (10 * US)
#define LONG  (1 * MS)

static __always_inline void turn_since(__u64 at)
{
	t.turn_ns = at;
	t.edge_ns = at;
}

/* Time off the CPU since the last edge. */
static __always_inline void off_since(__u64 runqueue_ns, __u64 lock_ns)
{
	t.has_since = true;
	t.since.runqueue_ns += runqueue_ns;
	t.since.sleep_ns[LG_SLEEP_LOCK] += lock_ns;
	t.since.nr_sleeps++;
}

static __always_inline void quiet_edge(__u64 at)
{
	t.quiet.time_ns = at;
	t.quiet.bytes = 50;
	t.quiet.ino = 60;
	t.quiet.fd = 9;
	t.quiet.op = LG_IO_WRITE;
	t.quiet.flags = LG_IO_CIPHER;
	t.quiet.user_ns = t.user_ns;
	t.quiet.system_ns = t.system_ns;
	t.quiet.last_nr = -1;
}

static __always_inline void want_quiet_edge(__u64 at)
{
	struct lg_rec_io *rec = want_io(at, LG_IO_WRITE, 9, 0);

	rec->bytes = 50;
	rec->ino = 60;
	rec->flags = LG_IO_CIPHER;
}

static __always_inline void want_off_sums(__u64 at, __u64 runqueue_ns, __u64 lock_ns, __u32 nr_sleeps)
{
	struct lg_rec_off *rec = want_off(at);

	rec->runqueue_ns = runqueue_ns;
	rec->sleep_ns[LG_SLEEP_LOCK] = lock_ns;
	rec->nr_sleeps = nr_sleeps;
}

/* What holds after every edge that was told. */
static __always_inline void told(__u64 now)
{
	EQUAL(t.edge_ns, now);
	EQUAL(t.quiet.time_ns, 0);
	EQUAL(t.has_since, false);
	EQUAL(t.has_before, false);
	EQUAL(t.since.runqueue_ns, 0);
	EQUAL(t.before.runqueue_ns, 0);
}

CASE(edge_short_is_kept_back)
{
	turn_since(T0);
	EQUAL(edge_pass(&t, task, T0 + SHORT, false), false);
	EQUAL(t.edge_ns, T0 + SHORT);
	EQUAL(t.has_before, false);
	EQUAL(edge_pass(&t, task, T0 + SHORT + LONG - 1, false), false);
}

CASE(edge_kept_back_keeps_its_sums)
{
	turn_since(T0);
	off_since(1, 20);
	EQUAL(edge_pass(&t, task, T0 + SHORT, false), false);
	EQUAL(t.has_since, false);
	EQUAL(t.since.runqueue_ns, 0);
	EQUAL(t.before.runqueue_ns, 1);
	off_since(3, 40);
	EQUAL(edge_pass(&t, task, T0 + 2 * SHORT, false), false);
	EQUAL(t.has_before, true);
	EQUAL(t.before.runqueue_ns, 4);
	EQUAL(t.before.sleep_ns[LG_SLEEP_LOCK], 60);
	EQUAL(t.before.nr_sleeps, 2);
}

CASE(edge_long_is_told)
{
	want_off_sums(T0 + LONG, 5, 6, 1);
	turn_since(T0);
	off_since(5, 6);
	EQUAL(edge_pass(&t, task, T0 + LONG, false), true);
	told(T0 + LONG);
}

CASE(edge_long_tells_the_one_before)
{
	want_off_sums(T0 + SHORT, 1, 20, 1);
	want_quiet_edge(T0 + SHORT);
	want_off_sums(T0 + SHORT + LONG, 3, 40, 1);
	turn_since(T0);
	off_since(1, 20);
	EQUAL(edge_pass(&t, task, T0 + SHORT, false), false);
	quiet_edge(T0 + SHORT);
	off_since(3, 40);
	EQUAL(edge_pass(&t, task, T0 + SHORT + LONG, false), true);
	EQUAL(t.turn_edges, 1); /* its own one is told by the caller */
	told(T0 + SHORT + LONG);
}

/* What was off the CPU before the quiet edge must not take the system time that came after it. */
CASE(edge_long_splits_the_cpu_time)
{
	struct lg_rec_off *rec;

	want_off_sums(T0 + SHORT, 1, 20, 1);
	want_quiet_edge(T0 + SHORT);
	rec = want_off(T0 + SHORT + LONG);
	rec->user_ns = 30;
	rec->system_ns = 40;
	rec->last_nr = 7;
	turn_since(T0);
	t.user_ns -= 30;
	t.system_ns -= 40;
	off_since(1, 20);
	EQUAL(edge_pass(&t, task, T0 + SHORT, false), false);
	quiet_edge(T0 + SHORT);
	t.last_system_ns = 40;
	t.last_nr = 7;
	EQUAL(edge_pass(&t, task, T0 + SHORT + LONG, false), true);
	told(T0 + SHORT + LONG);
}

CASE(edge_long_on_the_cpu)
{
	want_quiet_edge(T0 + SHORT); /* no sums on either side: it ran all the time */
	turn_since(T0 + SHORT);
	quiet_edge(T0 + SHORT);
	EQUAL(edge_pass(&t, task, T0 + SHORT + LONG, false), true);
	told(T0 + SHORT + LONG);
}

CASE(edge_always_adds_up)
{
	want_off_sums(T0 + 2 * SHORT, 11, 22, 2);
	want_quiet_edge(T0 + 2 * SHORT);
	want_off_sums(T0 + 3 * SHORT, 100, 200, 1);
	turn_since(T0);
	off_since(1, 2);
	EQUAL(edge_pass(&t, task, T0 + SHORT, false), false);
	quiet_edge(T0 + SHORT);
	off_since(10, 20);
	EQUAL(edge_pass(&t, task, T0 + 2 * SHORT, false), false);
	quiet_edge(T0 + 2 * SHORT);
	off_since(100, 200);
	EQUAL(edge_pass(&t, task, T0 + 3 * SHORT, true), true);
	EQUAL(t.turn_edges, 1);
	told(T0 + 3 * SHORT);
}

CASE(edge_of_http_is_told)
{
	t.flags = THREAD_LOOP | THREAD_HTTP;
	turn_since(T0);
	EQUAL(edge_pass(&t, task, T0 + SHORT, false), true);
	told(T0 + SHORT);
}

CASE(edge_tells_cpu_time)
{
	struct lg_rec_off *rec = want_off(T0 + LONG);

	rec->user_ns = 70;
	rec->system_ns = 80;
	rec->last_nr = 13;
	turn_since(T0);
	t.user_ns -= 70;
	t.system_ns -= 80;
	t.last_system_ns = 4000;
	t.last_nr = 13;
	EQUAL(edge_pass(&t, task, T0 + LONG, false), true);
	EQUAL(t.user_ns, task->utime);
	EQUAL(t.system_ns, task->stime);
	EQUAL(t.last_system_ns, 0);
	told(T0 + LONG);
}

CASE(edge_short_tells_no_cpu_time)
{
	t.flags = THREAD_HTTP;
	turn_since(T0);
	t.user_ns -= 70;
	EQUAL(edge_pass(&t, task, T0 + SHORT, false), true);
	EQUAL(t.user_ns, task->utime);
}

CASE(off_tells_all)
{
	struct lg_rec_off *rec = want_off(T0);

	for (int i = 0; i < LG_NR_SLEEPS; i++)
		t.since.sleep_ns[i] = rec->sleep_ns[i] = 1000 + i;
	t.since.runqueue_ns = rec->runqueue_ns = 2;
	t.since.throttled_ns = rec->throttled_ns = 3;
	t.since.nr_sleeps = rec->nr_sleeps = 4;
	t.since.nr_preempts = rec->nr_preempts = 5;
	t.since.longest.start_ns = rec->longest.start_ns = 6;
	t.since.longest.sleep_ns = rec->longest.sleep_ns = 7;
	t.since.longest.nr = rec->longest.nr = 8;
	t.since.longest.fd = rec->longest.fd = 9;
	t.since.longest.target.ino = rec->longest.target.ino = 10;
	t.user_ns = 100;
	t.system_ns = 200;
	rec->user_ns = 11;
	rec->system_ns = 12;
	rec->last_nr = 13;
	off_tell(&t, &t.since, &(struct ticks){T0, 111, 212, 13});
	EQUAL(t.user_ns, 111);
	EQUAL(t.system_ns, 212);
}

/* An edge whose bytes are the start of the runner's text. */
static __always_inline void text_tell(__u64 bytes, __u32 captured, const void *buf)
{
	struct io io = {
		.op = LG_IO_READ,
		.fd = 5,
		.bytes = bytes,
		.buf = buf,
		.buf_len = bytes,
		.captured = captured,
		.ino = 77,
		.flags = LG_IO_TLS,
	};

	io_tell(&t, &io, T0);
}

static __always_inline struct lg_rec_io *want_text(__u64 bytes, __u32 captured, __u32 room)
{
	struct lg_rec_io *rec = want_io(T0, LG_IO_READ, 5, room);

	rec->bytes = bytes;
	rec->captured = captured;
	rec->ino = 77;
	rec->flags = LG_IO_TLS;
	return rec;
}

CASE(io_with_bytes)
{
	struct lg_rec_io *rec = want_text(30, LOGIC_REQUEST_LEN, 24);

	bpf_probe_read_user(rec->data, LOGIC_REQUEST_LEN, (void *)input.text);
	text_tell(30, LOGIC_REQUEST_LEN, (void *)input.text);
	EQUAL(t.turn_edges, 1);
}

CASE(io_without_bytes)
{
	want_text(30, 0, 0);
	want_text(30, 0, 0);
	text_tell(30, 0, (void *)input.text);
	text_tell(30, 10, NULL);
	EQUAL(t.turn_edges, 2);
}

CASE(io_of_unreadable_bytes)
{
	want_text(30, 0, 0);
	text_tell(30, 10, (void *)8);
}

CASE(io_length_by_bytes)
{
	want_text(5000, 256, 256);
	want_text(5000, 257, 264);
	want_text(5000, 1024, 1024);
	want_text(5000, 1025, LG_CAPTURE_MAX);
	want_text(5000, LG_CAPTURE_MAX, LG_CAPTURE_MAX);
	text_tell(5000, 256, (void *)input.page);
	text_tell(5000, 257, (void *)input.page);
	text_tell(5000, 1024, (void *)input.page);
	text_tell(5000, 1025, (void *)input.page);
	text_tell(5000, LG_CAPTURE_MAX, (void *)input.page);
}

CASE(batch_waits)
{
	want_text(30, 0, 0);
	want_text(30, 0, 0);
	text_tell(30, 0, (void *)input.text);
	text_tell(30, 0, (void *)input.text);
	EQUAL(t.batch_nr, 2);
	EQUAL(t.batch_len, 2 * sizeof(struct lg_rec_io));
	batch_flush(&t, false);
	EQUAL(t.batch_nr, 0);
	EQUAL(t.batch_len, 0);
}

CASE(batch_without_room)
{
	want_text(2000, 1024, 1024);
	want_text(2000, 1024, 1024);
	want_text(2000, 2000, LG_CAPTURE_MAX); /* goes by itself, behind what waited */
	text_tell(2000, 1024, (void *)input.page);
	EQUAL(t.batch_nr, 1);
	text_tell(2000, 1024, (void *)input.page);
	EQUAL(t.batch_nr, 1);
	text_tell(2000, 2000, (void *)input.page);
	EQUAL(t.batch_nr, 0);
}

CASE(io_outside_of_a_turn)
{
	struct io io = {.op = LG_IO_READ, .fd = 5, .bytes = 1};

	io_edge(&t, NULL, &io);
	EQUAL(t.quiet.time_ns, 0);
	EQUAL(t.edge_ns, 0);
}

CASE(io_opens_the_turn)
{
	struct io io = {.op = LG_IO_READ, .fd = 5, .bytes = 1, .flags = LG_IO_NOT_SOCK};
	__u64 now = bpf_ktime_get_ns();

	t.wake_ns = now - 10 * US;
	t.wake_runqueue_ns = 8 * US;
	io_edge(&t, NULL, &io);
	EQUAL(t.turn_ns, now - 10 * US);
	EQUAL(t.turn_late_ns, 8 * US);
	EQUAL(t.quiet.time_ns >= now, true); /* short, so it is kept back */
	EQUAL(t.quiet.fd, 5);
	EQUAL(t.quiet.bytes, 1);
	EQUAL(t.quiet.op, LG_IO_READ);
	EQUAL(t.quiet.flags, LG_IO_NOT_SOCK);
	EQUAL(t.before.runqueue_ns, 8 * US);
}
