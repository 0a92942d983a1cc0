/* SPDX-License-Identifier: BSD-2-Clause */
/* --fail-if: reading conditions, checking them on a summary, and how the outcome is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render/gates.h"
#include "render_sample.h"

static struct gate_result checked(const char *text, const struct model_summary *summary, struct gate *gate)
{
	struct gate_result result;
	struct err err = {};

	assert_int_equal(gate_parse(gate, text, &err), 0);
	gate_check(&result, gate, summary);
	return result;
}

static void test_words(void **state)
{
	static const char *const right[] = {"p99>50ms",        "p99 >= 50ms", "stalls<1",
					    "utilisation>80%", "max<=1.5s",   " lost > 0"};
	static const char *const wrong[] = {
		"",          "p99",      "p99>",      "p99>50", "p98>50ms",         "stalls>1.5",
		"stalls>-1", "p99=50ms", "p99>50msx", ">50ms",  "utilisation>101%", "utilisation>8"};
	struct gate gate;

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++)
		assert_int_equal(gate_parse(&gate, right[i], NULL), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct err err = {};

		assert_int_not_equal(gate_parse(&gate, wrong[i], &err), 0);
		assert_int_equal(err.code, EXIT_CODE_USAGE);
		assert_non_null(strstr(err.hint, "delay_p99"));
	}
}

/* The sample: 1404 turns and requests, p99 311 us, longest 104 ms, 37.2 % busy, one stall. */
static void test_conditions(void **state)
{
	static const struct {
		const char *text;
		bool has_tripped;
	} cases[] = {
		{"p99>400us", false},       {"p99>300us", true},       {"max>104ms", true},
		{"max>105ms", false},       {"stalls>0", true},        {"stalls>1", false},
		{"stalls>=1", true},        {"stalled>100ms", true},   {"requests<1", false},
		{"requests<=1404", true},   {"turns<2000", true},      {"utilisation>37%", true},
		{"utilisation>38%", false}, {"hold_max>100ms", true},  {"delay_p99>1ms", false},
		{"lost>0", false},          {"p50<100us", false},      {"p50<200us", true},
		{"cumulative>0", false},    {"duration_p99<1s", true},
	};
	struct model_route route;
	struct model_loop loop;
	struct model_summary summary = sample_summary(&loop, &route);
	struct gate gate;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct gate_result result = checked(cases[i].text, &summary, &gate);

		assert_true(result.has_value);
		assert_int_equal(result.has_tripped, cases[i].has_tripped);
	}
}

/* Of several the worst counts: the highest for an upper bound, the lowest for a lower one. */
static void test_worst(void **state)
{
	struct model_loop loops[2] = {{.pid = 1, .tid = 1}, {.pid = 2, .tid = 2}};
	struct model_summary summary = {.loops = loops, .nr_loops = 2};
	struct gate_result result;
	struct gate gate;

	(void)state;
	hist_add(&loops[0].hist, 10000000);
	hist_add(&loops[1].hist, 70000000);
	result = checked("p99>50ms", &summary, &gate);
	assert_true(result.has_tripped);
	assert_int_equal(result.loop->pid, 2);
	result = checked("p99<20ms", &summary, &gate);
	assert_true(result.has_tripped);
	assert_int_equal(result.loop->pid, 1);
}

/* It hangs since before its first turn ended. */
static void test_no_turn_ended(void **state)
{
	struct model_loop loop = {.pid = 1, .tid = 1, .max_turn_ns = 300000000, .stuck_ns = 300000000};
	struct model_summary summary = {.loops = &loop, .nr_loops = 1};
	struct gate_result result;
	struct gate gate;

	(void)state;
	result = checked("max>200ms", &summary, &gate);
	assert_true(result.has_value && result.has_tripped);
	assert_int_equal(result.value, 300000000);
	result = checked("max>400ms", &summary, &gate);
	assert_true(result.has_value && !result.has_tripped);
}

static void test_nothing_measured(void **state)
{
	static const char *const texts[] = {"p99>50ms", "delay_p99>1s", NULL}, *const own[] = {"requests<0", NULL};
	struct model_summary summary = {.nr_loops = 0};
	struct gate_result result;
	struct gates gates;

	(void)state;
	assert_int_equal(gates_parse(&gates, texts, NULL), 0);
	assert_int_equal(gates.nr, 4);
	assert_string_equal(gates.v[2].text, "turns<1");
	assert_string_equal(gates.v[3].text, "requests<1");
	for (unsigned i = 0; i < gates.nr; i++) {
		gate_check(&result, &gates.v[i], &summary);
		assert_true(result.has_tripped);
	}
	/* A server without HTTP: one who names requests decides about them. */
	assert_int_equal(gates_parse(&gates, own, NULL), 0);
	assert_int_equal(gates.nr, 2);
	gate_check(&result, &gates.v[0], &summary);
	assert_false(result.has_tripped);
	/* Without any there is none. */
	assert_int_equal(gates_parse(&gates, NULL, NULL), 0);
	assert_int_equal(gates.nr, 0);
}

static void test_outcome(void **state)
{
	struct model_route route;
	struct model_loop loop;
	struct model_summary summary = sample_summary(&loop, &route);
	struct text_style style = {};
	struct gate gates[3];
	struct gate_result results[3];
	char *text = NULL;
	size_t len;
	FILE *out;

	(void)state;
	strcpy(loop.comm, "<\"&\x1b>");
	results[0] = checked("p99>300us", &summary, &gates[0]);
	results[1] = checked("stalls>3", &summary, &gates[1]);
	summary.nr_routes = 0;
	results[2] = checked("hold_p99>1s", &summary, &gates[2]);
	out = open_memstream(&text, &len);
	gates_print(out, &style, results, 3);
	gates_print_json(out, results, 3);
	gates_print_junit(out, results, 3, 1500000000);
	fclose(out);
	assert_string_equal(
		text,
		"\nGATES\n"
		"  FAILED  fail if p99>300us                 311 us on 4242 <\"&\\x1b>\n"
		"  ok      fail if stalls>3                  1\n"
		"  FAILED  fail if hold_p99>1s               nothing measured\n"
		"{\"type\":\"gate\",\"fail_if\":\"p99>300us\",\"metric\":\"p99\",\"unit\":\"ns\",\"limit\":300000,"
		"\"value\":311095,\"failed\":true,\"pid\":4242,\"tid\":4242}\n"
		"{\"type\":\"gate\",\"fail_if\":\"stalls>3\",\"metric\":\"stalls\",\"unit\":\"count\",\"limit\":3,"
		"\"value\":1,\"failed\":false}\n"
		"{\"type\":\"gate\",\"fail_if\":\"hold_p99>1s\",\"metric\":\"hold_p99\",\"unit\":\"ns\","
		"\"limit\":1000000000,\"value\":null,\"failed\":true}\n"
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<testsuites>\n"
		"  <testsuite name=\"lgtrace\" tests=\"3\" failures=\"2\" errors=\"0\" skipped=\"0\" time=\"1.500\">\n"
		"    <testcase classname=\"lgtrace\" name=\"fail if p99&gt;300us\" time=\"1.500\">\n"
		"      <failure message=\"p99: 311 us on 4242 &lt;&quot;&amp;\\x1b&gt;\"/>\n"
		"    </testcase>\n"
		"    <testcase classname=\"lgtrace\" name=\"fail if stalls&gt;3\" time=\"1.500\"/>\n"
		"    <testcase classname=\"lgtrace\" name=\"fail if hold_p99&gt;1s\" time=\"1.500\">\n"
		"      <failure message=\"hold_p99: nothing measured\"/>\n"
		"    </testcase>\n"
		"  </testsuite>\n"
		"</testsuites>\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_worst),
		cmocka_unit_test(test_no_turn_ended),
		cmocka_unit_test(test_nothing_measured),
		cmocka_unit_test(test_outcome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
