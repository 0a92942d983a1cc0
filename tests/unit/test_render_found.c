/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of `ps` and its JSON: order, shares, names that a process chose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/syscall.h>

#include "render/found.h"

#define S 1000000000ull

static void sample(struct found_loop loops[3])
{
	loops[0] = (struct found_loop){.pid = 7, .tid = 9, .comm = "idle", .wait_nr = SYS_epoll_pwait};
	loops[0].elapsed_ns = loops[0].idle_ns = 2 * S;
	loops[1] = (struct found_loop){.pid = 42, .tid = 42, .comm = "uv\x1b[2J", .wait_nr = SYS_pselect6};
	loops[1].runtime = LG_RT_CPYTHON;
	loops[1].version = 0x030b;
	loops[1].elapsed_ns = 2 * S;
	loops[1].idle_ns = S / 2;
	loops[1].nr_switches = 400;
	/* Sixteen bytes without an end, and more idle time than there was. */
	loops[2] = (struct found_loop){.pid = 8, .tid = 8, .wait_nr = 100000, .elapsed_ns = S, .idle_ns = S + 1};
	memcpy(loops[2].comm, "0123456789abcdef", LG_COMM_LEN);
}

static void test_text(void **state)
{
	struct text_style style = {};
	struct found_loop loops[3];
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	sample(loops);
	found_sort(loops, 3);
	found_print(out, &style, loops, 3);
	fclose(out);
	assert_string_equal(text,
			    "    PID      TID  COMM              RUNTIME       SWITCHES/s   UTIL%  WAIT-CALL\n"
			    "     42       42  uv\\x1b[2J         cpython 3.11         200   75.0%  pselect6\n"
			    "      8        8  0123456789abcdef  native                 0      0%  syscall_100000\n"
			    "      7        9  idle              native                 0      0%  epoll_pwait\n");
	free(text);
}

static void test_json(void **state)
{
	struct found_loop loops[3];
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	sample(loops);
	found_print_json(out, 1714570620123456789ull, &loops[1], 1);
	fclose(out);
	assert_string_equal(text,
			    "{\"type\":\"loop\",\"time\":\"2024-05-01T13:37:00.123456789Z\",\"pid\":42,\"tid\":42,"
			    "\"comm\":\"uv\\u001b[2J\",\"runtime\":\"cpython 3.11\",\"elapsed_ns\":2000000000,"
			    "\"idle_ns\":500000000,\"utilisation\":0.750000,\"switches_per_s\":200,"
			    "\"wait_call\":\"pselect6\"}\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
