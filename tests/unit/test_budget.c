/* SPDX-License-Identifier: BSD-2-Clause */
/* The budget: when it leaves out more, when less, and that it does not flap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/budget.h"

#define S       1000000000ull
#define MS      1000000ull
#define PERCENT 10000ull /* in millionths */

/* A sample of a second of a server that has one CPU for itself: what tracing cost in percent of it. */
static bool take(struct budget *b, double percent)
{
	struct budget_sample s = {.window_ns = S,
				  .target_ns = S,
				  .bpf_ns = (uint64_t)(percent * 8 * MS),
				  .own_ns = (uint64_t)(percent * 2 * MS)};

	return budget_take(b, &s);
}

/* Seconds until the level changes; at most `max`. */
static unsigned take_until(struct budget *b, double percent, unsigned max)
{
	for (unsigned i = 1; i <= max; i++)
		if (take(b, percent))
			return i;
	return 0;
}

/* A load whose cost each level cuts to a half, from `full` percent at the first level. */
static double halved(const struct budget *b, double full)
{
	return full / (1u << b->level);
}

static void test_share(void **state)
{
	/* Of what the targets use; of one CPU where that is more. */
	struct budget_sample busy = {.window_ns = S, .target_ns = 4 * S, .bpf_ns = 30 * MS, .own_ns = 10 * MS};
	struct budget_sample idle = {.window_ns = S, .target_ns = 0, .bpf_ns = 0, .own_ns = 5 * MS};
	struct budget_sample none = {0};

	(void)state;
	assert_int_equal(budget_cost_ppm(&busy), 1 * PERCENT);
	assert_int_equal(budget_cost_ppm(&idle), PERCENT / 2);
	assert_int_equal(budget_cost_ppm(&none), 0);
}

static void test_one_dear_second(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, 10 * PERCENT);
	for (unsigned i = 0; i < 100; i++) {
		assert_false(take(&b, 50));
		assert_false(take(&b, 10));
	}
	assert_int_equal(b.level, LG_LEVEL_FULL);
	assert_false(take(&b, 10.1));
	assert_true(take(&b, 10.1));
	assert_int_equal(b.level, LG_LEVEL_STACKS);
}

static void test_no_limit(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, 0);
	assert_int_equal(take_until(&b, 100, 100), 0);
}

static void test_down_to_the_last(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, 1 * PERCENT);
	for (int level = LG_LEVEL_STACKS; level < LG_NR_LEVELS; level++) {
		assert_int_equal(take_until(&b, 40, 10), 2);
		assert_int_equal(b.level, level);
	}
	assert_int_equal(take_until(&b, 40, 1000), 0);
	assert_int_equal(b.level, LG_NR_LEVELS - 1);
}

/* Down as far as it must; the load goes on: there it stays, though there is room, for the level before had none. */
static void test_steady_load(void **state)
{
	struct budget b;
	unsigned nr_changes = 0;

	(void)state;
	budget_init(&b, 10 * PERCENT);
	for (unsigned i = 0; i < 3600; i++)
		nr_changes += take(&b, halved(&b, 30));
	assert_int_equal(b.level, LG_LEVEL_SAMPLES);
	/* Two steps down; then tried in vain, after 30 s, 60 s, 2 min, .. 8 min: at most a dozen times in an hour. */
	assert_in_range(nr_changes, 2 + 2 * 8, 2 + 2 * 13);
}

static void test_room_again(void **state)
{
	struct budget b;
	unsigned seconds = 0;

	(void)state;
	budget_init(&b, 10 * PERCENT);
	for (unsigned i = 0; i < 20; i++)
		take(&b, halved(&b, 120));
	assert_int_equal(b.level, LG_LEVEL_CALLS);
	while (b.level && seconds < 100) {
		take(&b, 0.1);
		seconds++;
	}
	assert_int_equal(b.level, LG_LEVEL_FULL);
	assert_int_equal(seconds, 4 * 3);
}

/* Room by the level's own cost is none where the level before would cost more than the budget. */
static void test_hysteresis(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, 10 * PERCENT);
	assert_int_equal(take_until(&b, 16, 10), 2);
	take(&b, 8);                                  /* a half: what it learns */
	assert_int_equal(take_until(&b, 3.6, 25), 0); /* 7.2 before: over 70 % of the budget */
	assert_int_equal(take_until(&b, 3.4, 25), 3); /* 6.8 */
	assert_int_equal(b.level, LG_LEVEL_FULL);
	assert_int_equal(take_until(&b, 9.9, 1000), 0);
}

/* A level that saved nothing: what it left out comes back as soon as the cost is low. */
static void test_level_without_effect(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, 10 * PERCENT);
	assert_int_equal(take_until(&b, 20, 10), 2);
	assert_int_equal(take_until(&b, 20, 10), 2);
	assert_false(take(&b, 20));
	assert_int_equal(b.level, LG_LEVEL_SAMPLES);
	assert_int_equal(take_until(&b, 6.9, 10), 3);
	assert_int_equal(take_until(&b, 6.9, 10), 3);
	assert_int_equal(b.level, LG_LEVEL_FULL);
}

/* The load ended in the very second in which the level was left: that tells nothing of what the level saves. */
static void test_load_ends_at_once(void **state)
{
	struct budget_sample idle = {.window_ns = S, .target_ns = 0, .own_ns = 1 * MS};
	struct budget b;

	(void)state;
	budget_init(&b, 1 * PERCENT);
	assert_int_equal(take_until(&b, 80, 10), 2);
	for (unsigned i = 1; i <= 3; i++)
		assert_int_equal(budget_take(&b, &idle), i == 3);
	assert_int_equal(b.level, LG_LEVEL_FULL);
}

/*
 * The load ended while the first sample of a level was taken: that seems to save all there is. When the targets do
 * little, what lgtrace costs by itself is no reason to leave out anything; when they do half of what they did, it
 * stays.
 */
static void test_load_ends_in_between(void **state)
{
	struct budget_sample ends = {.window_ns = S, .target_ns = S / 2, .own_ns = 1 * MS};
	struct budget_sample half = {.window_ns = S, .target_ns = S / 2, .bpf_ns = 2 * MS};
	struct budget_sample idle = {.window_ns = S, .target_ns = S / 1000, .own_ns = 3 * MS};
	struct budget b;

	(void)state;
	budget_init(&b, 1 * PERCENT);
	assert_int_equal(take_until(&b, 20, 10), 2);
	budget_take(&b, &ends);
	for (unsigned i = 1; i <= 10; i++)
		assert_false(budget_take(&b, &half));
	for (unsigned i = 1; i <= 3; i++)
		assert_int_equal(budget_take(&b, &idle), i == 3);
	assert_int_equal(b.level, LG_LEVEL_FULL);
}

/* Another load came in that second, so that the level seems to save all: it is left all the same after a while. */
static void test_tried_all_the_same(void **state)
{
	struct budget b;

	(void)state;
	budget_init(&b, 10 * PERCENT);
	assert_int_equal(take_until(&b, 80, 10), 2);
	take(&b, 0);
	assert_int_equal(take_until(&b, 5, 100), 29);
	assert_int_equal(b.level, LG_LEVEL_FULL);
	assert_int_equal(take_until(&b, 5, 1000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_one_dear_second),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_down_to_the_last),
		cmocka_unit_test(test_steady_load),
		cmocka_unit_test(test_room_again),
		cmocka_unit_test(test_hysteresis),
		cmocka_unit_test(test_level_without_effect),
		cmocka_unit_test(test_load_ends_at_once),
		cmocka_unit_test(test_load_ends_in_between),
		cmocka_unit_test(test_tried_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
