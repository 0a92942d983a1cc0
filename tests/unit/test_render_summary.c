/* SPDX-License-Identifier: BSD-2-Clause */
/* The summary for people as literal text: full, empty, bounded, narrow, with losses; and the ASCII histogram. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hist.h"
#include "render/bars.h"
#include "render_sample.h"

static char *summary_text(const struct model_summary *summary, struct text_style style)
{
	struct sample s;

	sample_open(&s, &render_text);
	s.render.style = style;
	render_summary(&s.render, summary);
	return sample_close(&s);
}

static void summary_is(const struct model_summary *summary, unsigned width, const char *want)
{
	char *text = summary_text(summary, (struct text_style){.utf8 = true, .width = width});

	assert_string_equal(text, want);
	free(text);
}

#define SAMPLE_BARS \
	"    time             : count        distribution\n" \
	"  100 us -> 250 us   : 1000         |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n" \
	"  250 us -> 500 us   : 400          |@@@@@@@@@@@@@@@@                        |\n" \
	"  500 us -> 1 ms     : 0            |                                        |\n" \
	"    1 ms -> 2.5 ms   : 3            |@                                       |\n" \
	"  2.5 ms -> 5 ms     : 0            |                                        |\n" \
	"    5 ms -> 10 ms    : 0            |                                        |\n" \
	"   10 ms -> 25 ms    : 0            |                                        |\n" \
	"   25 ms -> 50 ms    : 0            |                                        |\n" \
	"   50 ms -> 100 ms   : 0            |                                        |\n" \
	"  100 ms -> 250 ms   : 1            |@                                       |\n"

static void test_full(void **state)
{
	struct model_route route;
	struct model_loop loop;
	struct model_summary summary = sample_summary(&loop, &route);

	(void)state;
	summary_is(&summary, 0,
		   "\nTraced for 31.4 s: 1 loop, 1404 requests and 2 still in flight, 1 stall over 100 ms (104 ms in "
		   "all).\n"
		   "\nLOOPS, and their turns by length\n"
		   "   BUSY   TURNS  STALLS  STALLED      P50      P90      P99      MAX  LOOP\n"
		   "  37.2%    1404       1   104 ms   117 us   303 us   311 us   104 ms  4242 uvicorn (cpython 3.11)\n"
		   "\n  turns of 4242 uvicorn (cpython 3.11)\n" SAMPLE_BARS
		   "\nROUTES, by how long their requests held the loop\n"
		   "   COUNT  STALLS  STALLED  HOLD P50  HOLD P99  HOLD MAX  LONGEST  DELAY P99  ROUTE           WORST "
		   "REQUEST\n"
		   "    1404       1   104 ms    117 us    311 us    104 ms   104 ms     311 us  GET /report/:n  abc\n"
		   "\nCAUSES of stalls\n"
		   "  STALLS  STALLED   SHARE  CAUSE\n"
		   "       1   104 ms    100%  cpu        the code computed\n"
		   "\nlost 0\n");
}

static void test_narrow(void **state)
{
	struct model_route route;
	struct model_loop loop;
	struct model_summary summary = sample_summary(&loop, &route);
	char *text;

	(void)state;
	strcpy(route.route, "/a/very/long/route/:n/with/many/:uuid/parts");
	text = summary_text(&summary, (struct text_style){.utf8 = true, .width = 80});
	assert_non_null(strstr(text, "   BUSY   TURNS  STALLS  STALLED      P50      P99      MAX  LOOP\n"
				     "  37.2%    1404       1   104 ms   117 us   311 us   104 ms  4242 uvicorn "
				     "(cpyt\u2026\n"));
	assert_non_null(strstr(text, "   COUNT  STALLS  HOLD P99  LONGEST  DELAY P99  ROUTE\n"
				     "    1404       1    311 us   104 ms     311 us  GET "
				     "/a/very/long\u2026any/:uuid/parts\n"));
	free(text);
}

static void test_empty(void **state)
{
	struct model_summary summary = {.start_ns = 5, .end_ns = 2000000005};

	(void)state;
	summary_is(&summary, 80,
		   "\nTraced for 2 s: 0 loops, 0 requests.\n"
		   "No event loop was seen: no traced thread slept mostly in waits for events.\n"
		   "\nNo request was seen.\n"
		   "\nlost 0\n");
}

/* A loop that was found, but did nothing yet: no length is made up. */
static void test_idle_loop(void **state)
{
	struct model_loop loop = {.pid = 7, .tid = 9, .comm = "r\033s", .runtime = LG_RT_REDIS, .ended = true};
	struct model_summary summary = {.end_ns = 1000000, .loops = &loop, .nr_loops = 1};

	(void)state;
	summary_is(&summary, 80,
		   "\nTraced for 1 ms: 1 loop, 0 requests.\n"
		   "No loop stalled for longer than 100 ms.\n"
		   "\nLOOPS, and their turns by length\n"
		   "   BUSY   TURNS  STALLS  STALLED      P50      P99      MAX  LOOP\n"
		   "      -       0       0        -        -        -        -  7/9 r\\x1bs, ended \u2026\n"
		   "\nNo request was seen.\n"
		   "\nlost 0\n");
}

static void test_lost(void **state)
{
	struct model_summary summary = {.end_ns = 1000000, .lost = 15};
	char *text;

	(void)state;
	summary.counters[LG_CNT_RECORDS] = 1000;
	summary.counters[LG_CNT_LOST_RECORDS] = 12;
	summary.counters[LG_CNT_LOST_CONNS] = 3;
	text = summary_text(&summary, (struct text_style){0});
	assert_string_equal(strstr(text, "\nlost"),
			    "\nlost 15: stalls and requests may be missing above, or told too short\n"
			    "  12 records dropped because the ring buffer was full\n"
			    "  3 connections not followed because the table was full\n");
	free(text);
}

static unsigned occurrences(const char *text, const char *of)
{
	unsigned n = 0;

	for (; (text = strstr(text, of)); text++)
		n++;
	return n;
}

static void test_bounded(void **state)
{
	static struct model_route routes[50];
	static struct model_loop loops[50];
	struct model_summary summary = sample_summary(&loops[0], &routes[0]);
	char *text;

	(void)state;
	for (int i = 1; i < 50; i++) {
		loops[i] = loops[0];
		routes[i] = routes[0];
	}
	summary.nr_loops = 21;
	summary.nr_routes = 50;
	text = summary_text(&summary, (struct text_style){0});
	assert_int_equal(occurrences(text, "/report/:n"), 20);
	assert_int_equal(occurrences(text, "distribution"), 4);
	assert_non_null(strstr(text, "\n  and 1 more loop (--json tells all)\n"));
	assert_non_null(strstr(text, "\n  and 30 more routes (--json tells all)\n"));
	free(text);
}

static void test_hostile(void **state)
{
	struct model_route route;
	struct model_loop loop;
	struct model_summary summary = sample_summary(&loop, &route);
	char *text;

	(void)state;
	memset(loop.comm, '\n', sizeof(loop.comm));
	memset(route.route, '\033', sizeof(route.route) - 1);
	memset(route.method, '\xff', sizeof(route.method) - 1);
	memset(route.worst_id, '\r', sizeof(route.worst_id) - 1);
	text = summary_text(&summary, (struct text_style){0});
	for (const char *c = text; *c; c++)
		assert_true(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
	assert_int_equal(occurrences(text, "\n"), 29);
	assert_non_null(strstr(text, "4242 \\x0a"));
	free(text);
}

static void bars_are(const struct hist *hist, struct text_style style, uint64_t mark_ns, const char *want)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	bars_print(f, &style, hist, mark_ns);
	fclose(f);
	assert_string_equal(text, want);
	free(text);
}

/* Every edge of the decimal steps counts into the step it ends. */
static void test_bars_edges(void **state)
{
	struct hist hist = {0};

	(void)state;
	hist_add(&hist, 0);
	hist_add(&hist, 1000);
	hist_add(&hist, 1001);
	hist_add(&hist, 2500);
	hist_add(&hist, 5000);
	hist_add(&hist, 5001);
	bars_are(&hist, (struct text_style){.width = 48}, 1000000,
		 "    time             : count        distribution\n"
		 "       0 -> 1 us     : 2            |@@@@@@@@@@|\n"
		 "    1 us -> 2.5 us   : 2            |@@@@@@@@@@|\n"
		 "  2.5 us -> 5 us     : 1            |@@@@@     |\n"
		 "    5 us -> 10 us    : 1            |@@@@@     |\n");
}

static void test_bars_longest(void **state)
{
	struct hist hist = {0};

	(void)state;
	bars_are(&hist, (struct text_style){0}, 0, "");
	hist_add(&hist, 100000000000ull);
	hist_add(&hist, 100000000001ull);
	hist_add(&hist, 200000000000ull);
	bars_are(&hist, (struct text_style){.width = 40}, UINT64_MAX,
		 "    time             : count        distribution\n"
		 "    50 s -> 100 s    : 1            |@@@@@     |\n"
		 "   100 s -> longer   : 2            |@@@@@@@@@@|\n");
}

static void test_bars_mark(void **state)
{
	struct hist hist = {0};

	(void)state;
	hist_add(&hist, 90000000);
	hist_add(&hist, 200000000);
	bars_are(&hist, (struct text_style){.width = 40, .colour = true}, 100000000,
		 "    time             : count        distribution\n"
		 "   50 ms -> 100 ms   : 1            |@@@@@@@@@@|\n"
		 "\033[31m  100 ms -> 250 ms   : 1            |@@@@@@@@@@|\033[0m\n");
}

/* No count gets lost on the way from fine buckets to steps. */
static void test_bars_total(void **state)
{
	struct hist hist = {0};
	unsigned long long sum = 0, count;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	for (unsigned i = 0; i < LG_NR_BUCKETS; i++)
		hist.buckets[i] = i + 1;
	bars_print(f, &(struct text_style){0}, &hist, 0);
	fclose(f);
	for (const char *c = strchr(text, '\n'); (c = strstr(c, " : ")); c++) {
		assert_int_equal(sscanf(c, " : %llu", &count), 1);
		sum += count;
	}
	assert_int_equal(sum, LG_NR_BUCKETS * (LG_NR_BUCKETS + 1) / 2);
	assert_int_equal(occurrences(text, "\n"), 27);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),         cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_empty),        cmocka_unit_test(test_idle_loop),
		cmocka_unit_test(test_lost),         cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_hostile),      cmocka_unit_test(test_bars_edges),
		cmocka_unit_test(test_bars_longest), cmocka_unit_test(test_bars_mark),
		cmocka_unit_test(test_bars_total),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
