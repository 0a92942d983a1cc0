/* SPDX-License-Identifier: BSD-2-Clause */
/* The first sentence wins, codes are passed on, nothing harmful reaches the terminal. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"

/* Runs err_print() and reads back what it wrote to standard error. */
static int print_capture(const struct err *err, char *out, size_t size)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO), code;
	size_t len;

	assert_non_null(file);
	fflush(stderr);
	dup2(fileno(file), STDERR_FILENO);
	code = err_print(err);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	len = fread(out, 1, size - 1, file);
	out[len] = '\0';
	fclose(file);
	return code;
}

static void first_to_know_wins(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(err_set(&err, EXIT_CODE_NO_TARGET, ESRCH, "no process %d", 7), -ESRCH);
	assert_int_equal(err_set(&err, EXIT_CODE_FAILED, EIO, "later"), -EIO);
	err_hint(&err, "see %s", "ps");
	err_hint(&err, "later");
	assert_string_equal(err.what, "no process 7");
	assert_string_equal(err.hint, "see ps");
	assert_int_equal(err.code, EXIT_CODE_NO_TARGET);
}

static void null_is_fine(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, EXIT_CODE_FAILED, EINVAL, "x"), -EINVAL);
	err_hint(NULL, "x");
}

static void prints_sentence_and_hint(void **state)
{
	struct err err = {0};
	char out[2048];

	(void)state;
	err_set(&err, EXIT_CODE_NOT_PERMITTED, EPERM, "may not load BPF programs");
	assert_int_equal(print_capture(&err, out, sizeof(out)), EXIT_CODE_NOT_PERMITTED);
	assert_string_equal(out, "lgtrace: may not load BPF programs\n");
	err_hint(&err, "run it with sudo");
	print_capture(&err, out, sizeof(out));
	assert_string_equal(out, "lgtrace: may not load BPF programs\n  run it with sudo\n");
}

static void a_failure_is_never_success(void **state)
{
	struct err err = {0};
	char out[2048];

	(void)state;
	assert_int_equal(print_capture(&err, out, sizeof(out)), EXIT_CODE_OK);
	assert_string_equal(out, "");
	err_set(&err, EXIT_CODE_OK, EIO, "broke");
	assert_int_equal(print_capture(&err, out, sizeof(out)), EXIT_CODE_FAILED);
}

static void control_bytes_stay_out(void **state)
{
	struct err err = {0};
	char out[2048];

	(void)state;
	err_set(&err, EXIT_CODE_USAGE, EINVAL, "no option '\x1b]0;x\a\n\xc2\x9b\xff\x7fz'");
	print_capture(&err, out, sizeof(out));
	for (const char *c = out; c[1]; c++)
		assert_in_range(*c, 0x20, 0x7e);
	assert_memory_equal(out, "lgtrace: no option '", 20);
	assert_non_null(strstr(out, "]0;x"));
	assert_string_equal(strstr(out, "z'"), "z'\n");
}

static void long_text_is_cut(void **state)
{
	struct err err = {0};
	char text[2000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&err, EXIT_CODE_FAILED, EIO, "%s", text);
	err_hint(&err, "%s", text);
	assert_int_equal(strlen(err.what), sizeof(err.what) - 1);
	assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_to_know_wins),       cmocka_unit_test(null_is_fine),
		cmocka_unit_test(prints_sentence_and_hint), cmocka_unit_test(a_failure_is_never_success),
		cmocka_unit_test(control_bytes_stay_out),   cmocka_unit_test(long_text_is_cut),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
