/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules that give an interval its owner, one row each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/owner.h"

/* The rules never look inside a request. */
static char request_a, request_b;
#define A       ((struct request *)&request_a)
#define B       ((struct request *)&request_b)
#define SURE(s) LG_SURE_##s

#define READ(conn_, who_, ...) \
	{ \
		.kind = EDGE_READ, .conn = conn_, .who = who_, .is_http = true, __VA_ARGS__ \
	}
#define REPLY(who_, ...) \
	{ \
		.kind = EDGE_REPLY, .conn = 9, .who = who_, __VA_ARGS__ \
	}
#define ANSWER(conn_, who_, ...) \
	{ \
		.kind = EDGE_ANSWER, .conn = conn_, .who = who_, .is_http = true, __VA_ARGS__ \
	}
#define EDGE(kind_, ...) \
	{ \
		.kind = EDGE_##kind_, __VA_ARGS__ \
	}

struct row {
	struct edge from, to;
	struct owner last;
	struct scene scene;
	struct owner expected;
};

static void check_rows(const struct policy *policy, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct owner o = owner_find(policy, &rows[i].from, &rows[i].to, &rows[i].last, &rows[i].scene);

		if (o.who != rows[i].expected.who || o.sure != rows[i].expected.sure)
			fail_msg("row %zu: %s, sure %d", i, o.who == A ? "A" : o.who == B ? "B" : "nobody", o.sure);
	}
}

#define TWO \
	{ \
		.nr_in_flight = 2 \
	}
#define NONE \
	{ \
		0 \
	}
#define SOLE(who_) \
	{ \
		.nr_in_flight = 1, .sole = who_ \
	}

/* Common to all callback loops. */
static const struct row callback_rows[] = {
	/* 0: what was read last */
	{READ(1, A), READ(2, B), NONE, TWO, {A, SURE(LIKELY)}},
	{READ(1, A), EDGE(END), NONE, TWO, {A, SURE(LIKELY)}},
	{READ(1, A), ANSWER(2, B), NONE, TWO, {A, SURE(LIKELY)}},
	{READ(1, A), EDGE(WAKE), NONE, TWO, {A, SURE(LIKELY)}},
	/* 4: several requests of one read are answered in their order */
	{READ(1, B), ANSWER(1, A), NONE, TWO, {A, SURE(LIKELY)}},
	/* 5: a write goes on for whom it was */
	{ANSWER(1, A), EDGE(END), {A, SURE(EXACT)}, TWO, {A, SURE(LIKELY)}},
	{EDGE(ASK), EDGE(ASK), {A, SURE(CAUSAL)}, TWO, {A, SURE(CAUSAL)}},
	{EDGE(ASK), EDGE(END), NONE, TWO, NONE},
	/* 8: unless the response at its end is another's */
	{ANSWER(1, A), ANSWER(2, B), {A, SURE(LIKELY)}, TWO, {B, SURE(LIKELY)}},
	{REPLY(A, .is_alone = true), ANSWER(2, B), NONE, TWO, {B, SURE(LIKELY)}},
	/* 10: who asked */
	{REPLY(A, .is_alone = true), ANSWER(1, A), NONE, TWO, {A, SURE(CAUSAL)}},
	{REPLY(A, .is_alone = true), EDGE(END), NONE, TWO, {A, SURE(CAUSAL)}},
	{REPLY(A), EDGE(END), NONE, TWO, {A, SURE(LIKELY)}},
	{REPLY(NULL), EDGE(END), NONE, TWO, NONE},
	/* 14: a timer that answers */
	{EDGE(START), ANSWER(1, A), NONE, TWO, {A, SURE(LIKELY)}},
	{EDGE(START), {.kind = EDGE_ANSWER, .conn = 1, .who = A}, NONE, NONE, NONE},
	{EDGE(START), READ(1, A), NONE, SOLE(B), NONE},
	{EDGE(START), EDGE(END), NONE, TWO, NONE},
	/* 18: nobody else is served */
	{EDGE(START), EDGE(END), NONE, SOLE(A), {A, SURE(LIKELY)}},
	{EDGE(START), EDGE(ASK), NONE, SOLE(A), {A, SURE(LIKELY)}},
	{EDGE(WAKE), EDGE(END), NONE, {.nr_in_flight = 1, .sole = A, .others_read = true}, NONE},
	{EDGE(ACCEPT), EDGE(END), NONE, SOLE(A), NONE},
	{EDGE(WAKE), ANSWER(1, A), NONE, TWO, {A, SURE(LIKELY)}},
	/* 23: edges between were not told */
	{READ(1, A), READ(2, B, .after_gap = true), NONE, SOLE(A), NONE},
};

/* Where the callback is known to go through to its answer, and where it is not. */
static const struct row strict_rows[] = {
	{READ(1, A, .is_alone = true), ANSWER(1, A), NONE, TWO, {A, SURE(EXACT)}},
	{READ(1, A, .is_alone = true), EDGE(ASK), NONE, TWO, {A, SURE(EXACT)}},
	{READ(1, A), ANSWER(1, A), NONE, TWO, {A, SURE(LIKELY)}},
	{READ(1, A, .is_alone = true), EDGE(END), NONE, TWO, {A, SURE(LIKELY)}},
	{READ(1, A, .is_alone = true), EDGE(WRITE), NONE, TWO, {A, SURE(LIKELY)}},
	{READ(1, A, .is_alone = true), ANSWER(1, A, .after_gap = true), NONE, TWO, NONE},
	{READ(0, A, .is_alone = true), ANSWER(0, A), NONE, TWO, {A, SURE(LIKELY)}},
	{READ(1, NULL, .is_alone = true), EDGE(ASK), NONE, TWO, NONE},
};

/* Of several that were read only the answer tells. */
#define SEVERAL \
	{ \
		.nr_in_flight = 2, .several_read = true \
	}
static const struct row queued_rows[] = {
	{READ(2, B), ANSWER(1, A), NONE, SEVERAL, {A, SURE(LIKELY)}},
	{REPLY(B, .is_alone = true), ANSWER(1, A), NONE, SEVERAL, {A, SURE(LIKELY)}},
	{READ(2, B), EDGE(ASK), NONE, SEVERAL, NONE},
	{ANSWER(1, A), EDGE(ASK), {A, SURE(LIKELY)}, SEVERAL, NONE},
	{READ(2, B), EDGE(END), NONE, SEVERAL, NONE},
	{READ(1, A), EDGE(ASK), NONE, TWO, {A, SURE(LIKELY)}},
};

static const struct row task_rows[] = {
	/* 0: the response at the end tells, whatever was read before */
	{EDGE(START), ANSWER(1, A), NONE, TWO, {A, SURE(LIKELY)}},
	{READ(2, B), ANSWER(1, A), NONE, TWO, {A, SURE(LIKELY)}},
	{ANSWER(2, B), ANSWER(1, A), NONE, TWO, {A, SURE(LIKELY)}},
	{REPLY(A), ANSWER(1, A), NONE, TWO, {A, SURE(CAUSAL)}},
	/* 4: a read's own callback is short, tasks run after it */
	{READ(1, A), EDGE(END), NONE, TWO, NONE},
	{READ(1, A), READ(2, B), NONE, TWO, {A, SURE(LIKELY)}},
	{READ(1, A), EDGE(END), NONE, SOLE(A), {A, SURE(LIKELY)}},
	{READ(1, A), EDGE(END), NONE, SOLE(B), NONE},
	{READ(1, A), EDGE(END), NONE, NONE, {A, SURE(LIKELY)}},
	/* 9: a reply */
	{REPLY(A, .is_alone = true), EDGE(END), NONE, SOLE(A), {A, SURE(CAUSAL)}},
	{REPLY(A, .is_alone = true), EDGE(END), NONE, TWO, {A, SURE(LIKELY)}},
	/* 11: nobody else is served */
	{EDGE(START), EDGE(END), NONE, SOLE(A), {A, SURE(LIKELY)}},
	{EDGE(START), EDGE(END), NONE, TWO, NONE},
	{EDGE(START), EDGE(ASK), NONE, SOLE(A), {A, SURE(LIKELY)}},
	{EDGE(ASK), EDGE(END), {A, SURE(LIKELY)}, TWO, NONE},
	{EDGE(WAKE), EDGE(END), NONE, SOLE(A), {A, SURE(LIKELY)}},
	{EDGE(ACCEPT), EDGE(END), NONE, SOLE(A), NONE},
	/* 17: after the response */
	{ANSWER(1, A), EDGE(END), NONE, NONE, {A, SURE(LIKELY)}},
	{ANSWER(1, A), EDGE(END), NONE, SOLE(A), {A, SURE(LIKELY)}},
	{ANSWER(1, A), EDGE(END), NONE, TWO, NONE},
	{EDGE(START), ANSWER(1, A, .after_gap = true), NONE, SOLE(A), NONE},
};

#define CHECK(runtime, rows) check_rows(policy_of(runtime), rows, sizeof(rows) / sizeof(*(rows)))

static void callback(void **state)
{
	(void)state;
	CHECK(LG_RT_NATIVE, callback_rows);
	CHECK(LG_RT_NODE, callback_rows);
	CHECK(LG_RT_NGINX, callback_rows);
	CHECK(LG_RT_REDIS, callback_rows);
	CHECK(LG_RT_HAPROXY, callback_rows);
}

static void strict(void **state)
{
	(void)state;
	CHECK(LG_RT_NGINX, strict_rows);
}

static void queued(void **state)
{
	(void)state;
	CHECK(LG_RT_HAPROXY, queued_rows);
}

static void task(void **state)
{
	(void)state;
	CHECK(LG_RT_CPYTHON, task_rows);
}

/* No sequence of edges makes any other runtime claim a proof. */
static void exact_is_rare(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 9 * 9 * 256; i++) {
		struct edge from = {.kind = i % 9, .is_alone = i & 1, .who = i & 2 ? A : B, .conn = 1 + (i >> 2) % 2};
		struct edge to = {.kind = i / 9 % 9, .who = i & 4 ? A : B, .conn = 1 + (i >> 3) % 2, .is_http = true};
		struct scene scene = {.nr_in_flight = i % 3, .sole = i % 3 == 1 ? A : NULL};
		struct owner last = {A, i % 4 ? LG_SURE_LIKELY : LG_SURE_EXACT};

		for (int runtime = 0; runtime < LG_NR_RUNTIMES; runtime++) {
			struct owner o = owner_find(policy_of(runtime), &from, &to, &last, &scene);

			if (o.sure != LG_SURE_EXACT)
				continue;
			assert_int_equal(runtime, LG_RT_NGINX);
			assert_int_equal(from.kind, EDGE_READ);
			assert_ptr_equal(o.who, from.who);
			assert_true(from.is_alone);
			assert_true(to.kind == EDGE_ASK || (to.kind == EDGE_ANSWER && to.who == from.who));
		}
	}
	assert_ptr_equal(policy_of(99), policy_of(LG_RT_NATIVE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(callback), cmocka_unit_test(strict),        cmocka_unit_test(queued),
		cmocka_unit_test(task),     cmocka_unit_test(exact_is_rare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
