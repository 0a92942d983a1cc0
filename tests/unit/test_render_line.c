/* SPDX-License-Identifier: BSD-2-Clause */
/* Live lines for people: literal lines for files and terminals, and what hostile bytes and full disks do to them. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hist.h"
#include "render_sample.h"

static int set_zone(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

static void line_is(unsigned width, const struct model_stall *stall, const char *want)
{
	struct sample s;
	char *text;

	sample_open(&s, &render_text);
	s.render.style = (struct text_style){.width = width, .utf8 = true};
	render_stall(&s.render, stall);
	text = sample_close(&s);
	assert_string_equal(text, want);
	if (width)
		assert_true(text_columns(text) <= width + 1);
	free(text);
}

static void test_cpu(void **state)
{
	struct model_request request = sample_request();
	struct model_stall stall = sample_stall();

	(void)state;
	stall.request = &request;
	line_is(0, &stall,
		"13:37:00.123   104 ms  cpu                                      GET /report/42  id=abc                "
		"   "
		"exact         3\n");
	line_is(100, &stall,
		"13:37:00.123   104 ms  cpu                            GET /report/42  id=abc         exact         "
		"3\n");
	line_is(80, &stall, "13:37:00   104 ms  cpu                    GET /report/42         exact         3\n");
}

static void test_syscall(void **state)
{
	struct model_stall stall = sample_stall();
	struct lg_block block = sample_block();

	(void)state;
	block.nr = __NR_connect;
	stall.block = &block;
	stall.cause = LG_CAUSE_SYSCALL;
	stall.detail.kind = MODEL_DETAIL_PEER;
	stall.confidence = LG_SURE_NONE;
	line_is(120, &stall,
		"13:37:00.123   104 ms  connect 127.0.0.1:5432 (postgresql)      -                                     "
		"   "
		"none          3\n");
	line_is(80, &stall, "13:37:00   104 ms  connect 12\u20260.0.1:5432  -                      none          3\n");
	stall.block = NULL;
	stall.on_cpu_nr = __NR_getrandom;
	line_is(100, &stall,
		"13:37:00.123   104 ms  syscall getrandom (on cpu)     -                              none          "
		"3\n");
}

/* Only a block of the kind that made the cause may explain it. */
static void test_other_block(void **state)
{
	struct model_stall stall = sample_stall();
	struct lg_block block = sample_block();

	(void)state;
	stall.block = &block;
	line_is(80, &stall, "13:37:00   104 ms  cpu                    -                      exact         3\n");
	block.sleep = LG_SLEEP_LOCK;
	stall.cause = LG_CAUSE_LOCK;
	line_is(80, &stall, "13:37:00   104 ms  lock                   -                      exact         3\n");
}

static void test_file(void **state)
{
	struct model_stall stall = sample_stall();
	struct lg_block block = sample_block();

	(void)state;
	block.nr = __NR_fsync;
	block.sleep = LG_SLEEP_IO;
	block.target = (struct lg_target){.kind = LG_TARGET_FILE, .name = "x.db", .name_len = 4};
	stall.block = &block;
	stall.cause = LG_CAUSE_IO;
	line_is(80, &stall, "13:37:00   104 ms  io fsync x.db          -                      exact         3\n");
	stall.block_path = "/var/lib/data/x.db";
	line_is(80, &stall, "13:37:00   104 ms  io fsync /\u2026/data/x.db  -                      exact         3\n");
	block.nr = -1;
	block.sleep = LG_SLEEP_FAULT;
	stall.cause = LG_CAUSE_FAULT;
	line_is(100, &stall,
		"13:37:00.123   104 ms  fault /var/lib/data/x.db       -                              exact         "
		"3\n");
}

/* Who held the interpreter lock says more than the system call that waited for it. */
static void test_holder(void **state)
{
	struct model_stall stall = sample_stall();
	struct lg_block block = sample_block();

	(void)state;
	block.nr = __NR_futex;
	block.sleep = LG_SLEEP_GIL;
	block.target = (struct lg_target){.kind = LG_TARGET_HOLDER, .ino = 4711, .name = "work"};
	stall.block = &block;
	stall.cause = LG_CAUSE_GIL;
	line_is(80, &stall, "13:37:00   104 ms  gil thread 4711 work   -                      exact         3\n");
}

static void test_connection(void **state)
{
	struct model_request request = sample_request();
	struct model_stall stall = sample_stall();

	(void)state;
	request.method[0] = request.path[0] = '\0';
	strcpy(request.id, "c7-1");
	stall.request = &request;
	line_is(100, &stall,
		"13:37:00.123   104 ms  cpu                            client 10.0.0.2:51234          exact         "
		"3\n");
	line_is(120, &stall,
		"13:37:00.123   104 ms  cpu                                      client 10.0.0.2:51234  id=c7-1        "
		"   "
		"exact         3\n");
}

static void test_hostile(void **state)
{
	struct model_request request = sample_request();
	struct model_stall stall = sample_stall();

	(void)state;
	strcpy(request.path, "/\033[2J\n\xff\u202e");
	strcpy(request.id, "i\033d");
	stall.request = &request;
	line_is(0, &stall,
		"13:37:00.123   104 ms  cpu                                      "
		"GET /\\x1b[2J\\x0a\\xff\\u{202e}  id=i\\x1bd  exact         3\n");
}

static void test_loops(void **state)
{
	struct model_stall stall = sample_stall();
	struct sample s;
	char *text;

	(void)state;
	sample_open(&s, &render_text);
	s.render.style = (struct text_style){.width = 100};
	render_stall(&s.render, &stall);
	stall.tid = 4250;
	stall.comm = "wor\nker";
	render_stall(&s.render, &stall);
	s.render.style.width = 80;
	render_stall(&s.render, &stall);
	text = sample_close(&s);
	assert_string_equal(
		text,
		"13:37:00.123   104 ms  cpu                            -                              exact         3\n"
		"13:37:00.123   104 ms  cpu                -                  exact         3  4242/4250 wor\\x0aker\n"
		"13:37:00   104 ms  cpu               -                  exact         3  4250\n");
	free(text);
}

static void test_request(void **state)
{
	struct model_request request = sample_request();
	struct model_done done = sample_done(&request);
	struct sample s;
	char *text;

	(void)state;
	sample_open(&s, &render_text);
	render_request(&s.render, &done);
	done.status = 0;
	render_request(&s.render, &done);
	text = sample_close(&s);
	assert_string_equal(text, "13:37:00.123  2.50 ms  200, held 1.2 ms, delayed 3.02 us        "
				  "GET /report/42  id=abc                   likely        -\n"
				  "13:37:00.123  2.50 ms  no answer, held 1.2 ms, delayed 3.02 us  "
				  "GET /report/42  id=abc                   likely        -\n");
	free(text);
}

static void test_begin(void **state)
{
	const struct render_target targets[] = {{4242, "uvi\033corn", "/x", "cpython 3.11"}, {5, "redis", NULL, NULL}};
	struct render_header header = {.threshold_ns = 20000000, .targets = targets, .nr_targets = 1};
	struct sample s;
	char *text;

	(void)state;
	sample_open(&s, &render_text);
	s.render.style.width = 80;
	render_begin(&s.render, &header);
	header.nr_targets = 2;
	render_begin(&s.render, &header);
	text = sample_close(&s);
	assert_string_equal(
		text, "Tracing 4242 uvi\\x1bcorn (cpython 3.11) for stalls over 20 ms; Ctrl-C prints the summary.\n"
		      "TIME       LENGTH  CAUSE                  REQUEST                SURE    VICTIMS\n"
		      "Tracing 2 processes for stalls over 20 ms; Ctrl-C prints the summary.\n"
		      "  4242 uvi\\x1bcorn (cpython 3.11)\n"
		      "  5 redis\n"
		      "TIME       LENGTH  CAUSE             REQUEST            SURE    VICTIMS  LOOP\n");
	free(text);
}

static void test_colour(void **state)
{
	struct model_stall stall = sample_stall();

	(void)state;
	for (int severe = 0; severe < 2; severe++) {
		struct sample s;
		char *text;

		sample_open(&s, &render_text);
		s.render.style = (struct text_style){.width = 80, .colour = true};
		stall.duration_ns = severe ? 1000000000 : 999999999;
		render_stall(&s.render, &stall);
		text = sample_close(&s);
		assert_string_equal(text, severe ? "\033[2m13:37:00\033[0m  \033[31m 1.00 s\033[0m  \033[36mcpu\033[0m"
						   "                    -                      \033[32mexact\033[0m "
						   "        3\n"
						 : "\033[2m13:37:00\033[0m  \033[33m 1.00 s\033[0m  \033[36mcpu\033[0m"
						   "                    -                      \033[32mexact\033[0m "
						   "        3\n");
		free(text);
	}
}

static void test_widths(void **state)
{
	struct model_request request = sample_request();
	struct model_stall stall = sample_stall();
	struct lg_block block = sample_block();

	(void)state;
	memset(request.path, 'p', sizeof(request.path) - 1);
	memset(request.id, 'i', sizeof(request.id) - 1);
	stall.request = &request;
	stall.block = &block;
	stall.cause = LG_CAUSE_SYSCALL;
	stall.comm = "fifteen-letters";
	stall.pid = 4194304;
	for (unsigned width = 72; width < 300; width++) {
		struct sample s;
		char *text;

		sample_open(&s, &render_text);
		s.render.style = (struct text_style){.width = width};
		s.render.many_loops = width % 2;
		render_stall(&s.render, &stall);
		text = sample_close(&s);
		assert_true(strlen(text) <= width + 1);
		free(text);
	}
}

/* A reader that went away, and a full disk: told once, by their own codes, and nothing is written after. */
static void test_write_errors(void **state)
{
	struct model_stall stall = sample_stall();
	struct render r = {.ops = &render_text, .out = fopen("/dev/full", "w")};
	int fds[2];

	(void)state;
	render_stall(&r, &stall);
	assert_int_equal(render_flush(&r), -ENOSPC);
	assert_int_equal(render_flush(&r), -ENOSPC);
	fclose(r.out);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	r = (struct render){.ops = &render_json, .out = fdopen(fds[1], "w")};
	for (int i = 0; i < 100; i++) /* more than stdio's buffer: the write fails within a line */
		render_stall(&r, &stall);
	errno = 0;
	assert_int_equal(r.error, -EPIPE);
	assert_int_equal(render_flush(&r), -EPIPE);
	fclose(r.out);
}

static void test_flush_ok(void **state)
{
	struct render r = {.ops = &render_text, .out = fopen("/dev/null", "w")};
	struct model_stall stall = sample_stall();

	(void)state;
	render_stall(&r, &stall);
	assert_int_equal(render_flush(&r), 0);
	fclose(r.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cpu),          cmocka_unit_test(test_syscall),
		cmocka_unit_test(test_other_block),  cmocka_unit_test(test_file),
		cmocka_unit_test(test_holder),       cmocka_unit_test(test_connection),
		cmocka_unit_test(test_hostile),      cmocka_unit_test(test_loops),
		cmocka_unit_test(test_request),      cmocka_unit_test(test_begin),
		cmocka_unit_test(test_colour),       cmocka_unit_test(test_widths),
		cmocka_unit_test(test_write_errors), cmocka_unit_test(test_flush_ok),
	};

	return cmocka_run_group_tests(tests, set_zone, NULL);
}
