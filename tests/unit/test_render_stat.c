/* SPDX-License-Identifier: BSD-2-Clause */
/* Columns and histograms of `stat` and `hist`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render/stat.h"
#include "render_sample.h"

/* What `ops` makes of the sample, with `nr` summaries after each other. */
static char *told(const struct render_ops *ops, unsigned nr)
{
	struct model_route route;
	struct model_loop loop;
	struct model_summary summary = sample_summary(&loop, &route);
	struct sample s;

	loop.nr_requests = 628;
	sample_open(&s, ops);
	for (unsigned i = 0; i < nr; i++)
		render_summary(&s.render, &summary);
	return sample_close(&s);
}

static void told_is(const struct render_ops *ops, const char *wanted)
{
	char *text = told(ops, 1);

	assert_string_equal(text, wanted);
	free(text);
}

static void test_stat(void **state)
{
	char *text, *second;

	(void)state;
	setenv("TZ", "UTC", 1);
	told_is(&render_stat,
		"TIME       UTIL%  TURNS/s    REQ/s      P50      P99      MAX  STALLS  STALLED  LOOP\n"
		"13:37:31   37.2%       45       20   117 us   311 us   104 ms       1   104 ms  4242 uvicorn\n");
	/* The heading comes again, as vmstat's does. */
	text = told(&render_stat, 21);
	second = strstr(text + 1, "TIME");
	assert_non_null(second);
	assert_null(strstr(second + 1, "TIME"));
	free(text);
}

static void test_stat_json(void **state)
{
	(void)state;
	told_is(&render_stat_json,
		"{\"type\":\"stat\",\"time\":\"2024-05-01T13:37:31.523456789Z\",\"pid\":4242,\"tid\":4242,\"comm\":"
		"\"uvicorn\",\"elapsed_ns\":31400000000,\"utilisation\":0.372000,\"turns\":1404,\"requests\":628,"
		"\"p50_ns\":117221,\"p99_ns\":311095,\"max_ns\":104123456,\"stalls\":1,\"stall_ns\":104123456}\n");
}

static void test_hist(void **state)
{
	char *text;

	(void)state;
	for (int of = STAT_TURNS; of <= STAT_DURATION; of++) {
		text = told(&render_hist[of], 1);
		assert_non_null(strstr(text, of == STAT_TURNS   ? "13:37:31  turns of 4242 uvicorn\n"
					     : of == STAT_HOLD  ? "13:37:31  hold of GET /report/:n\n"
					     : of == STAT_DELAY ? "13:37:31  delay of GET /report/:n\n"
								: "13:37:31  duration of GET /report/:n\n"));
		assert_non_null(strstr(text, "  100 us -> 250 us   : 1000 "));
		free(text);
	}
}

static void test_hist_json(void **state)
{
	(void)state;
	told_is(&render_hist_json[STAT_TURNS],
		"{\"type\":\"hist\",\"time\":\"2024-05-01T13:37:31.523456789Z\",\"of\":\"turns\",\"pid\":4242,\"tid\":"
		"4242,\"comm\":\"uvicorn\",\"count\":1404,\"histogram\":[[120194,1000],[311744,400],[2097152,3],"
		"[112863206,1]]}\n");
	told_is(&render_hist_json[STAT_HOLD],
		"{\"type\":\"hist\",\"time\":\"2024-05-01T13:37:31.523456789Z\",\"of\":\"hold\",\"method\":\"GET\","
		"\"route\":\"/report/:n\",\"count\":1404,\"histogram\":[[120194,1000],[311744,400],[2097152,3],"
		"[112863206,1]]}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_stat_json),
		cmocka_unit_test(test_hist),
		cmocka_unit_test(test_hist_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
