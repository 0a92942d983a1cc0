/* SPDX-License-Identifier: BSD-2-Clause */
/* Recordings that outgrow their size, or their disk: the newest part, or what was written, can be read. */
#include <signal.h>
#include <sys/resource.h>

#include "file_sample.h"

/* A record that does not pack, and tells its number. */
static void add_noise(struct file_writer *w, struct buf *all, uint64_t n)
{
	static struct {
		struct lg_rec_io io;
		unsigned char data[4096];
	} rec;

	rec.io = (struct lg_rec_io){.pid = 40, .tid = 41, .op = LG_IO_READ, .bytes = n, .captured = 4096, .ino = 1};
	for (size_t i = 0; i < sizeof(rec.data); i++)
		rec.data[i] = (unsigned char)rand();
	add(w, all, &rec, LG_REC_IO, sizeof(rec), n);
}

static void add_totals(struct file_writer *w, uint64_t time_ns)
{
	static struct lg_rec_loop loop;
	struct lg_rec_lost lost = {.counters = {9}};

	loop.slot = (struct lg_slot){.pid = 40, .tid = 41, .flags = LG_SLOT_LOOP, .turns = time_ns};
	add(w, NULL, &(struct lg_rec_clock){}, LG_REC_CLOCK, sizeof(struct lg_rec_clock), time_ns);
	add(w, NULL, &loop, LG_REC_LOOP, sizeof(loop), time_ns);
	add(w, NULL, &lost, LG_REC_LOST, sizeof(lost), time_ns);
}

/* Five times as much as the ring holds; connection 7 stays open, 8 is closed. */
static struct file_writer *ring_fill(void)
{
	struct file_writer *w = writer_open(FILE_SIZE_MIN);
	struct lg_rec_target target = {.pid = 40};
	struct lg_rec_thread thread = {.pid = 40, .tid = 41, .event = LG_THREAD_NEW};
	struct lg_rec_budget budget = {.level = LG_LEVEL_STACKS};
	struct lg_rec_io closing = {.pid = 40, .tid = 41, .op = LG_IO_CLOSE, .ino = 8};

	srand(3);
	add(w, NULL, &thread, LG_REC_THREAD, sizeof(thread), 0);
	add(w, NULL, &target, LG_REC_TARGET, sizeof(target), 0);
	add_conn(w, NULL, 7);
	add_conn(w, NULL, 8);
	add(w, NULL, &closing, LG_REC_IO, sizeof(closing), 9);
	add(w, NULL, &budget, LG_REC_BUDGET, sizeof(budget), 9);
	for (uint64_t n = 10; n < 2500; n++) {
		add_noise(w, NULL, n);
		if (n % 10 == 0)
			add_totals(w, n);
	}
	assert_true(file_writer_has_wrapped(w));
	assert_true(file_writer_size(w) <= FILE_SIZE_MIN);
	return w;
}

/* Numbers of the noise from the first one to the last, which must have no gap. */
static void noise_check(const struct buf *records, uint64_t *first, uint64_t *last)
{
	*first = *last = 0;
	for (size_t at = 0; at < records->len;) {
		const struct lg_rec_io *rec = (const void *)(records->data + at);

		at += rec->head.len;
		if (rec->head.kind != LG_REC_IO || rec->op != LG_IO_READ)
			continue;
		assert_true(!*first || rec->bytes == *last + 1);
		*last = rec->bytes;
		if (!*first)
			*first = *last;
	}
}

static void a_full_ring_keeps_the_newest(void **state)
{
	struct file_writer *w = ring_fill();
	struct outcome out;
	uint64_t first, last;

	(void)state;
	assert_int_equal(file_writer_finish(w), 0);
	file_writer_close(w);
	out = read_all();
	assert_true(out.opened && !out.is_damaged);
	noise_check(&out.records, &first, &last);
	assert_int_equal(last, 2499);
	/* At least six of eight slots of what a slot holds. */
	assert_true(last - first > FILE_SIZE_MIN / 8 * 6 / sizeof(struct lg_rec_io) / 80);
	outcome_fini(&out);
}

static void a_ring_restates_what_holds(void **state)
{
	struct file_writer *w = ring_fill();
	uint16_t kinds[8] = {}, wanted[] = {LG_REC_TARGET, LG_REC_THREAD, LG_REC_CONN,  LG_REC_LOOP,
					    LG_REC_LOST,   LG_REC_CLOCK,  LG_REC_BUDGET};
	struct outcome out;
	uint64_t first, last;
	unsigned nr = 0;

	(void)state;
	assert_int_equal(file_writer_finish(w), 0);
	file_writer_close(w);
	out = read_all();
	noise_check(&out.records, &first, &last);
	for (size_t at = 0; at < out.state.len; nr++) {
		const struct lg_head *rec = (const void *)(out.state.data + at);

		assert_true(nr < 8);
		kinds[nr] = rec->kind;
		if (rec->kind == LG_REC_CONN)
			assert_int_equal(((const struct lg_rec_conn *)rec)->peer.ino, 7);
		/* Totals are those of the moment where the records begin. */
		if (rec->kind == LG_REC_LOOP)
			assert_int_equal(((const struct lg_rec_loop *)rec)->slot.turns, first - 1);
		at += rec->len;
	}
	assert_int_equal(nr, 7);
	assert_memory_equal(kinds, wanted, sizeof(wanted));
	outcome_fini(&out);
}

/* Without its end: as if it had been killed. */
static void a_ring_that_is_not_ended_is_read(void **state)
{
	struct file_writer *w = ring_fill();
	struct outcome out;
	uint64_t first, last;

	(void)state;
	file_writer_close(w);
	out = read_all();
	assert_true(out.opened && out.is_damaged);
	assert_non_null(strstr(out.damage, "ends early"));
	noise_check(&out.records, &first, &last);
	assert_true(last > 2300 && last - first > 200);
	outcome_fini(&out);
}

static void a_damaged_ring_is_read_without_gaps(void **state)
{
	struct file_writer *w = ring_fill();
	struct buf bytes;

	(void)state;
	assert_int_equal(file_writer_finish(w), 0);
	file_writer_close(w);
	bytes = file_load();
	for (int i = 0; i < 60; i++) {
		size_t at = (size_t)rand() % bytes.len;
		struct outcome out;
		uint64_t first, last;

		bytes.data[at] ^= 0x10;
		file_store(bytes.data, i % 2 ? bytes.len : at);
		out = read_all();
		noise_check(&out.records, &first, &last);
		outcome_fini(&out);
		bytes.data[at] ^= 0x10;
	}
	buf_fini(&bytes);
}

/* The disk takes no more: told once, and what was written can be read. */
static void a_full_disk_leaves_what_was_written(void **state)
{
	struct rlimit old, limit;
	struct file_writer *w;
	struct outcome out;
	uint64_t first, last, n = 1;
	int error = 0;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = (struct rlimit){1500000, old.rlim_max};
	w = writer_open(BIG);
	setrlimit(RLIMIT_FSIZE, &limit);
	for (; n < 2000 && !error; n++) {
		struct lg_rec_io rec = {.head = {LG_REC_IO, sizeof(rec), 0, n}, .op = LG_IO_READ};
		unsigned char bytes[sizeof(rec) + 4096];

		rec.bytes = n;
		rec.head.len = sizeof(bytes);
		memcpy(bytes, &rec, sizeof(rec));
		for (size_t i = sizeof(rec); i < sizeof(bytes); i++)
			bytes[i] = (unsigned char)rand();
		error = file_writer_add(w, (const void *)bytes);
	}
	assert_int_equal(error, -EFBIG);
	assert_int_equal(file_writer_finish(w), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	file_writer_close(w);
	out = read_all();
	assert_true(out.is_damaged && strstr(out.damage, "ends early"));
	noise_check(&out.records, &first, &last);
	assert_true(first == 1 && last > 200);
	outcome_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_ring_keeps_the_newest),
		cmocka_unit_test(a_ring_restates_what_holds),
		cmocka_unit_test(a_ring_that_is_not_ended_is_read),
		cmocka_unit_test(a_damaged_ring_is_read_without_gaps),
		cmocka_unit_test(a_full_disk_leaves_what_was_written),
	};

	return cmocka_run_group_tests(tests, path_make, path_remove);
}
