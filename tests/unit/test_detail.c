/* SPDX-License-Identifier: BSD-2-Clause */
/* What a stall was about: by the call, by what it waited for, by the functions on the stack; and what must not count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "model/model.h"

#define PY(function, file) \
	{ \
		function, file, 1, LG_FRAME_PYTHON, false \
	}
#define JS(function, file) \
	{ \
		function, file, 1, LG_FRAME_JS, false \
	}
#define C(function) \
	{ \
		function, "/usr/lib/libx.so", 0, LG_FRAME_NATIVE, false \
	}
#define LOOP       PY("Handle._run", "/usr/lib/python3.11/asyncio/events.py")
#define IMPORTLIB  PY("_find_and_load", "<frozen importlib._bootstrap>")
#define LOADER     JS("Module._load", "node:internal/modules/cjs/loader")
#define MAX_FRAMES 8

struct stack {
	struct model_frame frames[MAX_FRAMES]; /* as far as they have a function */
};

static struct model_detail find(const struct detail_facts *base, const struct stack *stack)
{
	struct detail_facts facts = *base;
	struct model_detail d;

	facts.frames = stack ? stack->frames : NULL;
	while (stack && facts.nr_frames < MAX_FRAMES && stack->frames[facts.nr_frames].function)
		facts.nr_frames++;
	facts.command = facts.command ? facts.command : "";
	detail_find(&d, &facts);
	return d;
}

static void is(const struct model_detail *d, enum model_detail_kind kind, const char *name)
{
	assert_int_equal(d->kind, kind);
	assert_string_equal(d->name, name);
}

static struct lg_block block_in(int nr, uint8_t target, uint16_t port)
{
	return (struct lg_block){.sleep_ns = 50000000,
				 .nr = nr,
				 .fd = target == LG_TARGET_NONE ? -1 : 5,
				 .args = {5, 1, 2},
				 .target = {.kind = target, .port = port}};
}

/* `first` and `second`: the call's arguments. */
static void call_is(int nr, uint64_t first, uint64_t second, uint8_t target, uint16_t port, enum model_detail_kind kind)
{
	struct lg_block block = block_in(nr, target, port);
	struct detail_facts facts = {.cause = LG_CAUSE_SYSCALL, .block = &block};
	struct model_detail d;

	block.args[0] = first;
	block.args[1] = second;
	d = find(&facts, NULL);
	is(&d, kind, "");
}

static void calls_tell(void **state)
{
	(void)state;
	call_is(__NR_clock_nanosleep, 0, 0, LG_TARGET_NONE, 0, MODEL_DETAIL_SLEEP);
	call_is(__NR_pselect6, 0, 0, LG_TARGET_NONE, 0, MODEL_DETAIL_SLEEP);
	call_is(__NR_pselect6, 4, 0, LG_TARGET_NONE, 0, MODEL_DETAIL_NONE);
	call_is(__NR_ppoll, 0, 0, LG_TARGET_NONE, 0, MODEL_DETAIL_SLEEP);
	call_is(__NR_ppoll, 1, 1, LG_TARGET_INET, 5432, MODEL_DETAIL_PEER);
	call_is(__NR_ppoll, 1, 1, LG_TARGET_INET6, 53, MODEL_DETAIL_DNS);
	call_is(__NR_recvfrom, 3, 0, LG_TARGET_UNIX, 0, MODEL_DETAIL_PEER);
	call_is(__NR_wait4, 77, 0, LG_TARGET_NONE, 0, MODEL_DETAIL_COMMAND);
	call_is(__NR_fdatasync, 3, 0, LG_TARGET_FILE, 0, MODEL_DETAIL_SYNC);
	call_is(__NR_read, 3, 0, LG_TARGET_FILE, 0, MODEL_DETAIL_FILE);
	call_is(__NR_read, 3, 0, LG_TARGET_PIPE, 0, MODEL_DETAIL_PIPE);
	call_is(__NR_openat, 3, 0, LG_TARGET_NONE, 0, MODEL_DETAIL_FILE);
	call_is(__NR_openat2, 3, 0, LG_TARGET_NONE, 0, MODEL_DETAIL_FILE);
	call_is(__NR_truncate, 3, 0, LG_TARGET_NONE, 0, MODEL_DETAIL_FILE);
	call_is(__NR_epoll_pwait, 3, 0, LG_TARGET_OTHER, 0, MODEL_DETAIL_NONE);
	call_is(-1, 0, 0, LG_TARGET_NONE, 0, MODEL_DETAIL_NONE);
	call_is(100000, 0, 0, 99, 0, MODEL_DETAIL_NONE);
}

static void a_resolver_by_its_socket(void **state)
{
	struct lg_block block = block_in(__NR_recvfrom, LG_TARGET_UNIX, 0);
	struct detail_facts facts = {.cause = LG_CAUSE_SYSCALL, .block = &block};
	static const char path[] = "/run/systemd/resolve/io.systemd.Resolve";
	struct model_detail d;

	(void)state;
	memcpy(block.target.name, path, sizeof(path));
	block.target.name_len = 255;
	d = find(&facts, NULL);
	is(&d, MODEL_DETAIL_DNS, "");
}

static void the_stack_tells(void **state)
{
	static const struct {
		struct stack stack;
		enum model_detail_kind kind;
		const char *name;
	} cases[] = {
		{{{C("poll"), C("__res_context_query"), C("getaddrinfo"), PY("getaddrinfo", "/usr/lib/socket.py"),
		   LOOP}},
		 MODEL_DETAIL_DNS,
		 "getaddrinfo"},
		{{{C("poll"), C("gethostbyname_r"), PY("f", "/srv/a.py")}}, MODEL_DETAIL_DNS, "gethostbyname_r"},
		{{{C("poll"), PY("SSLSocket.do_handshake", "/usr/lib/ssl.py")}}, MODEL_DETAIL_TLS, "handshake"},
		{{{C("read"), C("SSL_do_handshake")}}, MODEL_DETAIL_TLS, "handshake"},
		{{{C("poll"), PY("Popen._communicate", "/usr/lib/python3.11/subprocess.py"), LOOP}},
		 MODEL_DETAIL_COMMAND,
		 "ffmpeg"},
		{{{C("epoll_pwait"), JS("spawnSync", "node:internal/child_process")}}, MODEL_DETAIL_COMMAND, "ffmpeg"},
		{{{C("poll"), PY("run", "/usr/lib/python3.11/asyncio/subprocess.py"), LOOP}}, MODEL_DETAIL_PEER, ""},
		{{{C("poll"), PY("f", "/srv/a.py"), LOOP, PY("getaddrinfo", "/srv/start.py")}}, MODEL_DETAIL_PEER, ""},
		{{{JS("getaddrinfo", "/srv/a.js")}}, MODEL_DETAIL_PEER, ""},
	};
	struct lg_block block = block_in(__NR_recvfrom, LG_TARGET_INET, 5432);
	struct detail_facts facts = {.cause = LG_CAUSE_SYSCALL, .block = &block, .command = "ffmpeg"};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model_detail d = find(&facts, &cases[i].stack);

		is(&d, cases[i].kind, cases[i].name);
	}
}

static void imports_are_named(void **state)
{
	static const struct {
		struct stack stack;
		const char *name;
	} cases[] = {
		{{{PY("<module>", "/srv/shop/slow.py"), IMPORTLIB, PY("f", "/srv/a.py"), LOOP}}, "slow"},
		{{{PY("<module>", "/lib/pandas/core/api.py"), IMPORTLIB, PY("<module>", "/lib/pandas/__init__.py"),
		   IMPORTLIB, PY("f", "/srv/a.py"), LOOP}},
		 "pandas"},
		{{{C("read"), IMPORTLIB, PY("f", "/srv/a.py"), LOOP}}, ""},
		{{{C("PyInit_fast"), IMPORTLIB, PY("<module>", "m.py"), IMPORTLIB, LOOP}}, "m"},
		{{{JS("(anonymous)", "/srv/node_modules/a/node_modules/@x/left-pad/lib/b.js"), LOADER,
		   JS("f", "/srv/a.js")}},
		 "@x/left-pad"},
		{{{JS("(anonymous)", "/srv/lib/tables/index.js"), LOADER, JS("f", "/srv/a.js")}}, "tables"},
		{{{PY("<module>", ""), IMPORTLIB}}, ""},
		{{{PY("<module>", "/__init__.py"), IMPORTLIB}}, ""},
		{{{JS("(anonymous)", "/srv/node_modules/"), LOADER}}, ""},
	};
	struct detail_facts facts = {.cause = LG_CAUSE_CPU};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct model_detail d = find(&facts, &cases[i].stack);

		is(&d, MODEL_DETAIL_IMPORT, cases[i].name);
	}
}

static void start_up_is_no_import(void **state)
{
	static const struct stack python = {
		{C("sum"), PY("main", "/srv/a.py"), LOOP, PY("<module>", "/srv/a.py"), IMPORTLIB}};
	static const struct stack node = {{JS("(anonymous)", "/srv/a.js"), LOADER,
					   JS("executeUserEntryPoint", "node:internal/modules/run_main")}};
	struct detail_facts facts = {.cause = LG_CAUSE_CPU};
	struct model_detail d = find(&facts, &python);

	(void)state;
	is(&d, MODEL_DETAIL_NONE, "");
	d = find(&facts, &node);
	is(&d, MODEL_DETAIL_NONE, "");
}

static void a_sleep_is_a_sleep_wherever(void **state)
{
	static const struct stack stack = {{C("clock_nanosleep"), C("getaddrinfo")}};
	struct lg_block block = block_in(__NR_clock_nanosleep, LG_TARGET_NONE, 0);
	struct detail_facts facts = {.cause = LG_CAUSE_SYSCALL, .block = &block};
	struct model_detail d = find(&facts, &stack);

	(void)state;
	is(&d, MODEL_DETAIL_SLEEP, "");
}

static void locks_have_their_address(void **state)
{
	struct lg_block block = block_in(__NR_futex, LG_TARGET_NONE, 0);
	struct detail_facts facts = {.cause = LG_CAUSE_LOCK, .block = &block};
	struct model_detail d;

	(void)state;
	block.sleep = LG_SLEEP_LOCK;
	block.args[0] = 0x7f0012345678;
	d = find(&facts, NULL);
	is(&d, MODEL_DETAIL_FUTEX, "0x7f0012345678");
	block.sleep = LG_SLEEP_SYSCALL;
	d = find(&facts, NULL);
	is(&d, MODEL_DETAIL_FUTEX, "");
}

/* A block that was not the cause, and causes that come from around the code, say nothing. */
static void what_was_not_the_cause(void **state)
{
	static const enum lg_cause outside[] = {LG_CAUSE_GIL, LG_CAUSE_GC, LG_CAUSE_RUNQUEUE, LG_CAUSE_THROTTLED,
						LG_CAUSE_STOPPED};
	static const struct stack stack = {{C("getaddrinfo")}};
	struct lg_block block = block_in(__NR_clock_nanosleep, LG_TARGET_NONE, 0);
	struct detail_facts facts = {.cause = LG_CAUSE_CPU, .block = &block};
	struct model_detail d = find(&facts, NULL);

	(void)state;
	is(&d, MODEL_DETAIL_NONE, "");
	facts.cause = LG_CAUSE_IO;
	d = find(&facts, NULL);
	is(&d, MODEL_DETAIL_NONE, "");
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		facts.cause = outside[i];
		d = find(&facts, &stack);
		is(&d, MODEL_DETAIL_NONE, "");
	}
}

/* A text in memory of exactly its length, so that a read beyond it is an error. */
static void any_path_is_survived(void **state)
{
	static const char letters[] = "/._a@node_modules/__init__.py";
	struct detail_facts facts = {.cause = LG_CAUSE_CPU};

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = round % 90;
		char *path = malloc(len + 1);
		struct stack stack = {{PY("<module>", path), IMPORTLIB}};
		struct model_detail d;

		for (size_t i = 0; i < len; i++)
			path[i] = letters[(unsigned)rand() % (sizeof(letters) - 1)];
		path[len] = '\0';
		if (len > 14 && round % 3 == 0)
			memcpy(path + (unsigned)rand() % (len - 13), "/node_modules/", 14);
		d = find(&facts, &stack);
		assert_int_equal(d.kind, MODEL_DETAIL_IMPORT);
		assert_non_null(memchr(d.name, 0, sizeof(d.name)));
		free(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_tell),
		cmocka_unit_test(a_resolver_by_its_socket),
		cmocka_unit_test(the_stack_tells),
		cmocka_unit_test(imports_are_named),
		cmocka_unit_test(start_up_is_no_import),
		cmocka_unit_test(a_sleep_is_a_sleep_wherever),
		cmocka_unit_test(locks_have_their_address),
		cmocka_unit_test(what_was_not_the_cause),
		cmocka_unit_test(any_path_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
