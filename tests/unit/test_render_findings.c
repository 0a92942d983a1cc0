/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows of `doctor`: wrapped text, JSON, a target's bytes escaped, and the exit code that they make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render/findings.h"

static void sample(struct findings *f)
{
	struct finding *row = findings_add(f, "process");

	strcpy(row->found, "evil\x1b[2J");
	row = findings_add(f, "libc mode");
	row->status = FINDING_LIMITED;
	strcpy(row->found, "none");
	strcpy(row->consequence, "System calls are seen at the tracepoint, for which others pay.");
	row = findings_add(f, "types");
	row->status = FINDING_MISSING;
	row->code = EXIT_CODE_KERNEL;
	strcpy(row->found, "no BTF");
	strcpy(row->consequence, "Nothing.");
	strcpy(row->fix, "Boot another kernel.");
	row = findings_add(f, "capabilities");
	row->status = FINDING_MISSING;
	row->code = EXIT_CODE_NOT_PERMITTED;
	strcpy(row->found, "no");
}

static void test_text(void **state)
{
	struct text_style style = {.width = 70};
	struct findings f = {.pid = 42};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	sample(&f);
	findings_print(out, &style, &f);
	fclose(out);
	assert_string_equal(text, "PROCESS 42\n"
				  "  ok       process         evil\\x1b[2J\n"
				  "  limited  libc mode       none\n"
				  "                           System calls are seen at the tracepoint,\n"
				  "                           for which others pay.\n"
				  "  missing  types           no BTF\n"
				  "                           Nothing.\n"
				  "                           fix: Boot another kernel.\n"
				  "  missing  capabilities    no\n");
	free(text);
}

static void test_json(void **state)
{
	struct findings f = {};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	sample(&f);
	f.nr = 2;
	findings_print_json(out, &f);
	fclose(out);
	assert_string_equal(text,
			    "{\"type\":\"check\",\"pid\":null,\"name\":\"process\",\"status\":\"ok\",\"found\":"
			    "\"evil\\u001b[2J\",\"consequence\":null,\"fix\":null}\n"
			    "{\"type\":\"check\",\"pid\":null,\"name\":\"libc mode\",\"status\":\"limited\","
			    "\"found\":\"none\",\"consequence\":\"System calls are seen at the tracepoint, for which "
			    "others pay.\",\"fix\":null}\n");
	free(text);
}

static void test_code(void **state)
{
	struct findings f = {};

	(void)state;
	sample(&f);
	assert_int_equal(findings_code(&f), EXIT_CODE_KERNEL);
	f.nr = 2;
	assert_int_equal(findings_code(&f), EXIT_CODE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
