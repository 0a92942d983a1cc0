/* SPDX-License-Identifier: BSD-2-Clause */
/* Line tables against what the interpreters that made them say, instruction by instruction; and any bytes at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "symbol/linetable.h"

struct line_run {
	int64_t from; /* offset in the code */
	uint32_t line;
};

static const struct code {
	uint16_t version;
	uint32_t first_line;
	const char *name;
	const uint8_t *table;
	size_t len;
	int64_t code_len;
	const struct line_run *runs;
	size_t nr_runs;
} corpus[] = {
#include "linetable_corpus.h"
};

#define NR_CODES (sizeof(corpus) / sizeof(corpus[0]))

static void agrees_with_the_interpreters(void **state)
{
	size_t nr_checked = 0;

	(void)state;
	for (size_t i = 0; i < NR_CODES; i++) {
		const struct code *c = &corpus[i];
		size_t run = 0;

		assert_true(c->nr_runs > 0);
		for (int64_t at = c->runs[0].from; at < c->code_len; at += 2) {
			uint32_t line = linetable_find(c->version, c->first_line, c->table, c->len, at);

			if (run + 1 < c->nr_runs && at >= c->runs[run + 1].from)
				run++;
			if (line != c->runs[run].line)
				fail_msg("%x %s at %d: line %u, not %u", c->version, c->name, (int)at, line,
					 c->runs[run].line);
			nr_checked++;
		}
	}
	assert_true(nr_checked > 3000);
}

static void knows_every_version(void **state)
{
	static const uint16_t versions[] = {0x0306, 0x0309, 0x030a, 0x030b, 0x030c, 0x030d};
	size_t nr_codes;

	(void)state;
	for (size_t v = 0; v < sizeof(versions) / sizeof(versions[0]); v++) {
		nr_codes = 0;
		for (size_t i = 0; i < NR_CODES; i++)
			nr_codes += corpus[i].version == versions[v];
		assert_true(nr_codes >= 8);
	}
	assert_int_equal(linetable_find(0x0207, 3, (const uint8_t *)"\2\1", 2, 4), 0);
}

static void before_the_first_instruction(void **state)
{
	static const uint8_t locations[] = {0x80 | 11 << 3, 0, 0};

	(void)state;
	assert_int_equal(linetable_find(0x030b, 7, locations, sizeof(locations), -2), 8);
	assert_int_equal(linetable_find(0x0309, 7, NULL, 0, -2), 7);
}

static void any_bytes_do(void **state)
{
	uint8_t table[64];

	(void)state;
	srandom(1);
	for (int round = 0; round < 20000; round++) {
		size_t len = random() % sizeof(table);

		for (size_t i = 0; i < len; i++)
			table[i] = random();
		for (uint16_t version = 0x0309; version <= 0x030b; version++) {
			/* Exactly as long as it says, so that a byte too far is found. */
			uint8_t *exact = malloc(len ? len : 1);

			memcpy(exact, table, len);
			linetable_find(version, random(), exact, len, random() % 4096);
			free(exact);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_interpreters),
		cmocka_unit_test(knows_every_version),
		cmocka_unit_test(before_the_first_instruction),
		cmocka_unit_test(any_bytes_do),
	};

	return cmocka_run_group_tests_name("linetable", tests, NULL, NULL);
}
