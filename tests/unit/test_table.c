/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash map, against a plain array over many puts and deletes; the hash of names, against what FNV-1a is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/table.h"

#define NR_KEYS 512

static char values[NR_KEYS];

static void empty(void **state)
{
	struct table t;
	size_t pos = 0;
	void *value;

	(void)state;
	table_init(&t, 1);
	assert_null(table_get(&t, 0));
	assert_null(table_del(&t, 0));
	assert_false(table_next(&t, &pos, NULL, &value));
	table_fini(&t);
	table_fini(&t);
}

static void put_get_replace_delete(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, 1);
	assert_int_equal(table_put(&t, 0, &values[0]), 0);
	assert_int_equal(table_put(&t, UINT64_MAX, &values[1]), 0);
	assert_ptr_equal(table_get(&t, 0), &values[0]);
	assert_ptr_equal(table_get(&t, UINT64_MAX), &values[1]);
	assert_int_equal(table_put(&t, 0, &values[2]), 0);
	assert_int_equal(t.count, 2);
	assert_ptr_equal(table_del(&t, 0), &values[2]);
	assert_null(table_del(&t, 0));
	assert_null(table_get(&t, 0));
	assert_ptr_equal(table_get(&t, UINT64_MAX), &values[1]);
	assert_int_equal(t.count, 1);
	table_fini(&t);
}

static void agrees_with_an_array(void **state)
{
	void *expected[NR_KEYS] = {0};
	size_t count = 0;
	struct table t;

	(void)state;
	srand(7);
	table_init(&t, 0x5eed);
	for (int i = 0; i < 200000; i++) {
		unsigned key = (unsigned)rand() % NR_KEYS;
		void *value = &values[rand() % NR_KEYS];

		/* Multiples of a page: keys that a poor hash would put on top of each other. */
		if (rand() % 2) {
			assert_int_equal(table_put(&t, key * 4096ull, value), 0);
			count += !expected[key];
			expected[key] = value;
		} else {
			assert_ptr_equal(table_del(&t, key * 4096ull), expected[key]);
			count -= !!expected[key];
			expected[key] = NULL;
		}
		key = (unsigned)rand() % NR_KEYS;
		assert_ptr_equal(table_get(&t, key * 4096ull), expected[key]);
		assert_int_equal(t.count, count);
	}
	table_fini(&t);
}

static void does_not_grow_when_keys_come_and_go(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, 3);
	for (uint64_t i = 0; i < 100000; i++) {
		assert_int_equal(table_put(&t, i, values), 0);
		if (i >= 10)
			assert_non_null(table_del(&t, i - 10));
	}
	assert_int_equal(t.count, 10);
	assert_true(t.size <= 64);
	table_fini(&t);
}

static void walk_sees_each_once_and_may_delete(void **state)
{
	unsigned seen[NR_KEYS] = {0};
	struct table t;
	size_t pos = 0;
	uint64_t key;
	void *value;

	(void)state;
	table_init(&t, 11);
	for (unsigned i = 0; i < NR_KEYS; i++)
		assert_int_equal(table_put(&t, i, &values[i]), 0);
	while (table_next(&t, &pos, &key, &value)) {
		assert_in_range(key, 0, NR_KEYS - 1);
		assert_ptr_equal(value, &values[key]);
		seen[key]++;
		if (key % 2)
			assert_ptr_equal(table_del(&t, key), value);
	}
	for (unsigned i = 0; i < NR_KEYS; i++) {
		assert_int_equal(seen[i], 1);
		assert_ptr_equal(table_get(&t, i), i % 2 ? NULL : &values[i]);
	}
	assert_int_equal(t.count, NR_KEYS / 2);
	table_fini(&t);
}

/* The longest stretch of used entries: what the worst search steps over. */
static size_t longest_stretch(const struct table *t)
{
	size_t longest = 0, now = 0;

	for (size_t i = 0; i < t->size; i++) {
		now = t->entries[i].value ? now + 1 : 0;
		longest = now > longest ? now : longest;
	}
	return longest;
}

static void order_hangs_on_the_seed(void **state)
{
	struct table a, b;

	(void)state;
	table_init(&a, 1);
	table_init(&b, 2);
	for (uint64_t i = 0; i < NR_KEYS; i++) {
		assert_int_equal(table_put(&a, i << 40, values), 0);
		assert_int_equal(table_put(&b, i << 40, values), 0);
	}
	assert_int_equal(a.size, b.size);
	assert_memory_not_equal(a.entries, b.entries, a.size * sizeof(*a.entries));
	assert_true(longest_stretch(&a) < 64);
	assert_true(longest_stretch(&b) < 64);
	table_fini(&a);
	table_fini(&b);
}

static void hash_of_names(void **state)
{
	(void)state;
	assert_true(hash_add(HASH_NONE, "foobar", 6) == 0x85944171f73967e8ull);
	assert_true(hash_add(hash_add(HASH_NONE, "foo", 3), "bar", 3) == 0x85944171f73967e8ull);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(put_get_replace_delete),
		cmocka_unit_test(agrees_with_an_array),
		cmocka_unit_test(does_not_grow_when_keys_come_and_go),
		cmocka_unit_test(walk_sees_each_once_and_may_delete),
		cmocka_unit_test(order_hangs_on_the_seed),
		cmocka_unit_test(hash_of_names),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
