/* SPDX-License-Identifier: BSD-2-Clause */
/* record_check(): what is not whole is refused, whatever its bytes say. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lg_slot.h"
#include "source/check.h"

/* Aligned room for any record. */
static union {
	uint64_t align;
	char bytes[16384];
	struct lg_head head;
	struct lg_rec_io io;
	struct lg_rec_target target;
	struct lg_rec_path path;
	struct lg_rec_stack stack;
	struct lg_rec_frames frames;
	struct lg_rec_waiting waiting;
} u;

static int check(size_t size)
{
	const struct lg_head *out = NULL;
	int len = record_check(&u, size, &out);

	if (len > 0)
		assert_ptr_equal(out, &u.head);
	return len;
}

static void head_set(uint16_t kind, uint16_t len)
{
	memset(&u, 0, sizeof(u));
	u.head.kind = kind;
	u.head.len = len;
}

static const struct {
	uint16_t kind;
	uint16_t size;
} fixed[] = {
	{LG_REC_THREAD, sizeof(struct lg_rec_thread)}, {LG_REC_CONN, sizeof(struct lg_rec_conn)},
	{LG_REC_IO, sizeof(struct lg_rec_io)},         {LG_REC_OFF, sizeof(struct lg_rec_off)},
	{LG_REC_TURN, sizeof(struct lg_rec_turn)},     {LG_REC_TARGET, sizeof(struct lg_rec_target)},
	{LG_REC_PATH, sizeof(struct lg_rec_path)},     {LG_REC_LOOP, sizeof(struct lg_rec_loop)},
	{LG_REC_LOST, sizeof(struct lg_rec_lost)},     {LG_REC_STACK, offsetof(struct lg_rec_stack, copy)},
	{LG_REC_FRAMES, sizeof(struct lg_rec_frames)}, {LG_REC_BUDGET, sizeof(struct lg_rec_budget)},
};

static void whole_records_pass(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++) {
		head_set(fixed[i].kind, fixed[i].size);
		assert_int_equal(check(fixed[i].size), fixed[i].size);
		/* Structs grow at their end: a longer record of a newer version is whole too. */
		u.head.len += 8;
		assert_int_equal(check(fixed[i].size + 8), fixed[i].size + 8);
	}
}

static void short_records_fail(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++) {
		head_set(fixed[i].kind, fixed[i].size - 8);
		assert_int_equal(check(sizeof(u)), -EBADMSG);
		head_set(fixed[i].kind, fixed[i].size);
		for (uint16_t size = 0; size < fixed[i].size; size++)
			assert_int_equal(check(size), -EBADMSG);
	}
}

static void odd_lengths_fail(void **state)
{
	const struct lg_head *out;

	(void)state;
	head_set(LG_REC_TURN, sizeof(struct lg_rec_turn) + 4);
	assert_int_equal(check(sizeof(u)), -EBADMSG);
	head_set(LG_REC_TURN, 8);
	assert_int_equal(check(sizeof(u)), -EBADMSG);
	head_set(LG_REC_TURN, 0);
	assert_int_equal(check(sizeof(u)), -EBADMSG);
	assert_int_equal(record_check(u.bytes + 4, 64, &out), -EBADMSG);
}

static void inner_lengths_are_held_to_the_record(void **state)
{
	(void)state;
	head_set(LG_REC_IO, sizeof(u.io) + 16);
	u.io.captured = 16;
	assert_int_equal(check(sizeof(u)), sizeof(u.io) + 16);
	u.io.captured = 17;
	assert_int_equal(check(sizeof(u)), -EBADMSG);
	head_set(LG_REC_TARGET, sizeof(u.target) + 8);
	u.target.exe_len = 8;
	assert_true(check(sizeof(u)) > 0);
	u.target.exe_len = 0xffff;
	assert_int_equal(check(sizeof(u)), -EBADMSG);
	head_set(LG_REC_PATH, sizeof(u.path) + 8);
	u.path.path_len = 9;
	assert_int_equal(check(sizeof(u)), -EBADMSG);
	head_set(LG_REC_WAITING, sizeof(u.waiting) + 16);
	u.waiting.nr = 2;
	assert_true(check(sizeof(u)) > 0);
	u.waiting.nr = 3;
	assert_int_equal(check(sizeof(u)), -EBADMSG);
	u.waiting.nr = UINT32_MAX;
	assert_int_equal(check(sizeof(u)), -EBADMSG);
}

static void counts_of_a_stack_are_indexes(void **state)
{
	(void)state;
	head_set(LG_REC_STACK, sizeof(u.stack));
	u.stack.copied = LG_STACK_COPY;
	assert_int_equal(check(sizeof(u)), sizeof(u.stack));
	u.stack.copied++;
	assert_int_equal(check(sizeof(u)), -EBADMSG);
	u.stack.copied = 0;
	u.stack.nr_native = u.stack.nr_code = LG_STACK_MAX;
	u.stack.nr_kernel = LG_STACK_KERNEL_MAX;
	assert_int_equal(check(sizeof(u)), sizeof(u.stack));
	u.stack.nr_kernel++;
	assert_int_equal(check(sizeof(u)), -EBADMSG);
	u.stack.nr_kernel = 0;
	u.stack.nr_native++;
	assert_int_equal(check(sizeof(u)), -EBADMSG);
	u.stack.nr_native = 0;
	u.stack.nr_code = 255;
	assert_int_equal(check(sizeof(u)), -EBADMSG);
	u.stack.nr_code = 0;
	u.stack.nr_runs = LG_STACK_RUNS_MAX;
	assert_int_equal(check(sizeof(u)), sizeof(u.stack));
	u.stack.nr_runs++;
	assert_int_equal(check(sizeof(u)), -EBADMSG);
}

/* Two frames, "ab" in "c" and "" in "": every length that leads beyond its end is refused. */
static void frames_lie_within_their_record(void **state)
{
	struct lg_frame frame = {.function_len = 2, .file_len = 1};

	(void)state;
	head_set(LG_REC_FRAMES, sizeof(u.frames) + 32);
	memcpy(u.frames.frames, &frame, sizeof(frame));
	u.frames.nr = 2;
	u.frames.frames_len = 2 * sizeof(frame) + 3;
	assert_int_equal(check(sizeof(u)), sizeof(u.frames) + 32);
	u.frames.nr = 3;
	assert_int_equal(check(sizeof(u)), -EBADMSG);
	u.frames.nr = 2;
	u.frames.frames_len--;
	assert_int_equal(check(sizeof(u)), -EBADMSG);
	u.frames.frames_len = 33;
	assert_int_equal(check(sizeof(u)), -EBADMSG);
	u.frames.frames_len = UINT32_MAX;
	assert_int_equal(check(sizeof(u)), -EBADMSG);
	u.frames.frames_len = 32;
	frame.file_len = UINT16_MAX;
	frame.function_len = UINT16_MAX;
	memcpy(u.frames.frames, &frame, sizeof(frame));
	assert_int_equal(check(sizeof(u)), -EBADMSG);
}

static void newer_kinds_pass(void **state)
{
	(void)state;
	head_set(999, 16);
	assert_int_equal(check(16), 16);
	head_set(60, 24);
	assert_int_equal(check(24), 24);
}

/* Whatever the bytes: a length that is told lies within what was given. */
static void any_bytes_are_bounded(void **state)
{
	(void)state;
	srand(7);
	for (int n = 0; n < 200000; n++) {
		size_t size = rand() % 512;
		int len;

		for (size_t i = 0; i < 64; i++)
			u.bytes[i] = rand();
		if (n % 2)
			u.head.kind = rand() % 70;
		len = check(size);
		assert_true(len == -EBADMSG || (len >= 16 && (size_t)len <= size && len % 8 == 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_records_pass),
		cmocka_unit_test(short_records_fail),
		cmocka_unit_test(odd_lengths_fail),
		cmocka_unit_test(inner_lengths_are_held_to_the_record),
		cmocka_unit_test(counts_of_a_stack_are_indexes),
		cmocka_unit_test(frames_lie_within_their_record),
		cmocka_unit_test(newer_kinds_pass),
		cmocka_unit_test(any_bytes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
