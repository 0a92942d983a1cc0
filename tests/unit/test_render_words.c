/* SPDX-License-Identifier: BSD-2-Clause */
/* The small vocabulary of the views: targets, runtimes, system calls, causes, moments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include <cmocka.h>

#include "render/clock.h"
#include "render/syscall_names.h"
#include "render/target.h"
#include "render/words.h"

static const char *target_is(struct lg_target t, const char *path)
{
	static char buf[TARGET_LEN];

	return target_format(buf, sizeof(buf), &t, path);
}

static struct lg_target named(enum lg_target_kind kind, const char *name, size_t len)
{
	struct lg_target t = {.kind = kind, .name_len = (uint8_t)len, .ino = 123};

	memcpy(t.name, name, len);
	return t;
}

static void test_target_inet(void **state)
{
	struct lg_target t = {.kind = LG_TARGET_INET, .port = 5432, .addr = {127, 0, 0, 1}};

	(void)state;
	assert_string_equal(target_is(t, NULL), "127.0.0.1:5432");
	assert_string_equal(target_is((struct lg_target){.kind = LG_TARGET_INET, .port = 80}, NULL), "0.0.0.0:80");
	assert_null(target_is((struct lg_target){.kind = LG_TARGET_INET}, NULL));
	t = (struct lg_target){.kind = LG_TARGET_INET6, .port = 80, .addr = {[15] = 1}};
	assert_string_equal(target_is(t, NULL), "[::1]:80");
	t.addr[10] = t.addr[11] = 0xff;
	assert_string_equal(target_is(t, NULL), "0.0.0.1:80");
	assert_null(target_is((struct lg_target){.kind = LG_TARGET_INET6}, NULL));
}

static void test_target_names(void **state)
{
	char full[64];

	(void)state;
	memset(full, 'x', sizeof(full));
	assert_string_equal(target_is(named(LG_TARGET_UNIX, "/run/x", 6), NULL), "unix:/run/x");
	assert_string_equal(target_is(named(LG_TARGET_UNIX, "@a\0b", 4), NULL), "unix:@a@b");
	assert_string_equal(target_is(named(LG_TARGET_UNIX, "", 0), NULL), "unix:");
	assert_string_equal(target_is(named(LG_TARGET_FILE, "x.db", 4), "/var/x.db"), "/var/x.db");
	assert_string_equal(target_is(named(LG_TARGET_FILE, "x.db", 4), NULL), "x.db");
	assert_string_equal(target_is(named(LG_TARGET_FILE, "x.db", 4), ""), "x.db");
	assert_null(target_is(named(LG_TARGET_FILE, "", 0), NULL));
	assert_string_equal(target_is(named(LG_TARGET_PIPE, "", 0), NULL), "pipe:[123]");
	assert_string_equal(target_is(named(LG_TARGET_PIPE, "fifo", 4), NULL), "fifo");
	assert_string_equal(target_is(named(LG_TARGET_SOCKET, "", 0), NULL), "socket:[123]");
	assert_string_equal(target_is(named(LG_TARGET_OTHER, "[eventfd]", 9), NULL), "[eventfd]");
	assert_int_equal(strlen(target_is(named(LG_TARGET_FILE, full, sizeof(full)), NULL)), sizeof(full));
	assert_null(target_is((struct lg_target){.kind = LG_TARGET_NONE}, "/path"));
	assert_null(target_is((struct lg_target){.kind = 200}, NULL));
}

/* A length that a recording claims may be more than there is. */
static void test_target_overlong(void **state)
{
	struct lg_target t = named(LG_TARGET_FILE, "abc", 3);

	(void)state;
	t.name_len = 255;
	assert_int_equal(strlen(target_is(t, NULL)), sizeof(t.name));
}

static void runtime_is(enum lg_runtime runtime, uint16_t version, const char *want)
{
	char buf[TARGET_RUNTIME_LEN];

	assert_string_equal(target_format_runtime(buf, sizeof(buf), runtime, version), want);
}

static void test_runtime(void **state)
{
	(void)state;
	runtime_is(LG_RT_CPYTHON, 0x030b, "cpython 3.11");
	runtime_is(LG_RT_CPYTHON, 0, "cpython");
	runtime_is(LG_RT_NODE, 0x1400, "node 20");
	runtime_is(LG_RT_NGINX, 0x0116, "nginx");
	runtime_is(LG_RT_NATIVE, 0, "native");
	runtime_is((enum lg_runtime)99, 0, "native");
}

static void test_syscall_names(void **state)
{
	char buf[WORDS_SYSCALL_LEN];

	(void)state;
	assert_string_equal(syscall_name(__NR_connect), "connect");
	assert_string_equal(syscall_name(__NR_clock_nanosleep), "clock_nanosleep");
	assert_string_equal(syscall_name(__NR_read), "read");
	assert_string_equal(syscall_name(__NR_fcntl), "fcntl");
	assert_string_equal(syscall_name(__NR_io_uring_enter), "io_uring_enter");
	assert_null(syscall_name(-1));
	assert_null(syscall_name(100000));
	assert_string_equal(words_syscall(buf, sizeof(buf), __NR_futex), "futex");
	assert_string_equal(words_syscall(buf, sizeof(buf), 100000), "syscall_100000");
}

static void test_words(void **state)
{
	(void)state;
	assert_string_equal(words_cause(LG_CAUSE_THROTTLED), "throttled");
	assert_string_equal(words_cause_help(LG_CAUSE_CPU), "the code computed");
	assert_string_equal(words_cause((enum lg_cause)99), "unknown");
	assert_string_equal(words_confidence(LG_SURE_CAUSAL), "causal");
	assert_string_equal(words_confidence((enum lg_confidence)99), "unknown");
	assert_string_equal(words_sleep(LG_SLEEP_LOCK), "lock");
	assert_string_equal(words_sleep((enum lg_sleep)99), "unknown");
	assert_int_equal(words_sleep_cause(LG_SLEEP_STOPPED), LG_CAUSE_STOPPED);
}

static void test_clock(void **state)
{
	const int64_t offset = 1714570620123456789ll - 10500000000ll;
	char buf[CLOCK_LEN];

	(void)state;
	setenv("TZ", "XXX-5:30", 1);
	tzset();
	assert_string_equal(clock_format_utc(buf, sizeof(buf), 10500000000, offset), "2024-05-01T13:37:00.123456789Z");
	assert_string_equal(clock_format_utc(buf, sizeof(buf), 500000000, -400000000),
			    "1970-01-01T00:00:00.100000000Z");
	assert_string_equal(clock_format_local(buf, sizeof(buf), 10500000000, offset, 1), "19:07:00.123");
	assert_string_equal(clock_format_local(buf, sizeof(buf), 10500000000, offset, 0), "19:07:00");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_target_inet),     cmocka_unit_test(test_target_names),
		cmocka_unit_test(test_target_overlong), cmocka_unit_test(test_runtime),
		cmocka_unit_test(test_syscall_names),   cmocka_unit_test(test_words),
		cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
