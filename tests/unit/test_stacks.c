/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stacks of real processes: of this one by its unwinding tables, also as if it ran Python; of a CPython that sleeps;
 * and what is no stack.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbol/js.h"
#include "symbol/python.h"
#include "symbol/stacks.h"
#include "target/runtime.h"

static struct stacks *stacks;
static struct lg_rec_stack rec;

static int open_stacks(void **state)
{
	(void)state;
	return stacks_new(&stacks, 0);
}

static int close_stacks(void **state)
{
	(void)state;
	stacks_free(stacks);
	return 0;
}

static void rec_init(int pid, uint8_t moment)
{
	memset(&rec, 0, sizeof(rec));
	rec.head = (struct lg_head){.kind = LG_REC_STACK, .len = sizeof(rec), .time_ns = 7};
	rec.pid = rec.tid = pid;
	rec.moment = moment;
	rec.nr_native = 1;
}

static int memory_read(int pid, uint64_t addr, void *buf, size_t len)
{
	struct iovec local = {buf, len}, remote = {(void *)(uintptr_t)addr, len};

	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)len ? 0 : -1;
}

#if defined(__x86_64__)
/* What the kernel side would make of this very place. */
static __attribute__((noinline)) int inner(int n)
{
	ucontext_t here;
	const greg_t *g = here.uc_mcontext.gregs;

	getcontext(&here);
	rec_init(getpid(), LG_STACK_SAMPLE);
	rec.regs[LG_REG_IP] = rec.native[0].ip = g[REG_RIP];
	rec.regs[LG_REG_SP] = g[REG_RSP];
	rec.regs[LG_REG_FP] = g[REG_RBP];
	rec.regs[LG_REG_BX] = g[REG_RBX];
	rec.regs[LG_REG_R12] = g[REG_R12];
	rec.regs[LG_REG_R13] = g[REG_R13];
	rec.regs[LG_REG_R14] = g[REG_R14];
	rec.regs[LG_REG_R15] = g[REG_R15];
	rec.copied = sizeof(rec.copy);
	while (rec.copied && memory_read(getpid(), rec.regs[LG_REG_SP], rec.copy, rec.copied))
		rec.copied -= 64; /* the stack may end before */
	return n + rec.pid;
}

static __attribute__((noinline)) int middle(int n)
{
	return inner(n) + 1;
}

static __attribute__((noinline)) int outer(int n)
{
	return middle(n) + 2;
}

static void own_stack_is_unwound(void **state)
{
	static const char *const names[] = {"inner", "middle", "outer", "own_stack_is_unwound"};
	const struct frame *frames;
	size_t nr, found = 0;

	(void)state;
	assert_int_equal(outer(1), getpid() + 4);
	for (int round = 0; round < 2; round++) { /* the second time from memory */
		frames = stacks_resolve(stacks, &rec, &nr);
		assert_true(nr >= 5);
		found = 0;
		for (size_t i = 0; i < nr && found < 4; i++) {
			if (strcmp(frames[i].function, names[found]))
				continue;
			assert_true(frames[i].is_own);
			assert_true(frames[i].line > 0);
			assert_non_null(strstr(frames[i].file, "test_stacks.c"));
			found++;
		}
		assert_int_equal(found, 4);
	}
	/* Without enough of the stack it ends early; with a wild one it ends too. */
	rec.copied = 64;
	stacks_resolve(stacks, &rec, &nr);
	assert_true(nr >= 1);
	for (size_t i = 0; i < sizeof(rec.copy); i++)
		rec.copy[i] = (uint8_t)random();
	rec.copied = sizeof(rec.copy);
	stacks_resolve(stacks, &rec, &nr);
	assert_true(nr >= 1);
}

/* What an interpreter whose loop has no name keeps in its frames, and code objects as those of 3.14. */
struct fake_str {
	uint64_t head[4]; /* the third: its length */
	uint64_t state;
	char text[16];
};

static uint64_t code_type[4], compare_run, run_run;
static struct fake_str strings[] = {
	{{0, 0, 5}, 25 << 2, "first"}, {{0, 0, 6}, 25 << 2, "second"}, {{0, 0, 5}, 25 << 2, "third"}};
static uint64_t codes[3][32], empty[4];

static __attribute__((noinline)) int compare(const void *one, const void *other)
{
	compare_run = (uintptr_t)__builtin_frame_address(0);
	return inner(one < other) + 1;
}

static __attribute__((noinline)) int run(void)
{
	int values[] = {2, 1};

	run_run = (uintptr_t)__builtin_frame_address(0);
	qsort(values, 2, sizeof(values[0]), compare);
	return values[0];
}

static void codes_make(void)
{
	code_type[3] = (uintptr_t) "code";
	for (unsigned i = 0; i < 3; i++) {
		codes[i][1] = (uintptr_t)code_type;
		codes[i][14] = codes[i][16] = (uintptr_t)&strings[i]; /* file and name */
		codes[i][17] = (uintptr_t)empty;                      /* lines */
		rec.code[i].code = (uintptr_t)codes[i];
	}
	rec.nr_code = 3;
}

/* Which of them are told, innermost first. */
static void assert_order(const char *wanted)
{
	static const char *const names[] = {"inner", "compare", "first", "second", "qsort_r", "run", "third"};
	const struct frame *frames;
	char told[256] = "";
	size_t nr;

	frames = stacks_resolve(stacks, &rec, &nr);
	for (size_t i = 0; i < nr; i++)
		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
			if (!strcmp(frames[i].function, names[n]))
				snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s ", names[n]);
	assert_string_equal(told, wanted);
}

static void runs_of_code_by_their_place(void **state)
{
	struct lg_runtime_info info = {.kind = LG_RT_CPYTHON, .python.version = 0x030e};

	(void)state;
	assert_int_equal(stacks_set_runtime(stacks, getpid(), &info), 0);
	assert_true(run() > 0);
	codes_make();
	rec.code[1].code |= 1;
	rec.code[2].code |= 1;
	rec.nr_runs = 2;
	rec.runs[0] = compare_run;
	rec.runs[1] = run_run;
	assert_order("inner first second qsort_r third ");
	/* Beyond what was seen of the stack, and where nothing can lie. */
	rec.runs[1] = UINT64_MAX;
	assert_order("inner first second qsort_r third ");
	rec.runs[0] = rec.runs[1] = 0;
	assert_order("first second third qsort_r ");
	rec.runs[0] = UINT64_MAX;
	assert_order("inner first second third ");
	/* All in one of the frames, and only code that was called from nowhere. */
	rec.runs[0] = rec.runs[1] = run_run;
	assert_order("inner compare qsort_r first second third ");
	rec.code[1].code &= ~(uint64_t)1;
	rec.code[2].code &= ~(uint64_t)1;
	assert_order("inner compare qsort_r first second third ");
	stacks_forget(stacks, getpid());
}
#endif

static const char script[] = "import asyncio, sys, time\n"
			     "def nap(s):\n"
			     "    time.sleep(\n"
			     "        s)\n"
			     "class Job:\n"
			     "    async def run(self):\n"
			     "        return [nap(x)\n"
			     "                for x in [30]]\n"
			     "async def m\xc3\xa4in():\n"
			     "    print('ready', flush=True)\n"
			     "    await Job().run()\n"
			     "asyncio.run(m\xc3\xa4in())\n";

/* Starts it and waits until it sleeps. */
static pid_t python_start(const char *path)
{
	FILE *file = fopen(path, "we");
	int ends[2];
	char byte;
	pid_t pid;

	assert_non_null(file);
	fputs(script, file);
	fclose(file);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (!pid) {
		dup2(ends[1], 1);
		execl("/usr/bin/python3", "python3", path, NULL);
		_exit(1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	usleep(200000);
	close(ends[0]);
	return pid;
}

/* Its registers, as far as /proc tells them, and the name of its only thread. */
static void rec_of_sleeper(pid_t pid, const struct lg_python *py)
{
	unsigned long long sp = 0, ip = 0;
	char path[64], line[512], *last;
	uint64_t state;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	last = strrchr(line, ' ');
	ip = strtoull(last, NULL, 16);
	*last = 0;
	sp = strtoull(strrchr(line, ' '), NULL, 16);
	rec_init(pid, LG_STACK_ASLEEP);
	rec.regs[LG_REG_IP] = rec.native[0].ip = ip;
	rec.regs[LG_REG_SP] = sp;
	assert_int_equal(memory_read(pid, py->interp + py->interp_threads, &state, sizeof(state)), 0);
#if defined(__x86_64__)
	assert_int_equal(memory_read(pid, state + py->tstate_thread, &rec.thread, sizeof(rec.thread)), 0);
#else
	assert_int_equal(memory_read(pid, state + py->tstate_native, &rec.thread, sizeof(rec.thread)), 0);
#endif
}

static void python_asleep(void **state)
{
	static const struct {
		const char *function;
		uint32_t line;
	} wanted[] = {
		{"nap", 3}, {"Job.run.<locals>.<listcomp>", 7}, {"Job.run", 7}, {"m\xc3\xa4in", 11}, {"<module>", 12}};
	struct lg_runtime_info info = {.kind = LG_RT_CPYTHON};
	const struct lg_rec_frames *told;
	const struct frame *frames;
	struct runtime runtime;
	size_t nr, found = 0;
	char path[64];
	pid_t pid;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/lgtrace-test-%d.py", getpid());
	pid = python_start(path);
	assert_int_equal(runtime_detect(&runtime, pid), 0);
	assert_int_equal(cpython_find(&info.python, pid, runtime.version), 0);
	assert_int_equal(stacks_set_runtime(stacks, pid, &info), 0);
	rec_of_sleeper(pid, &info.python);
	frames = stacks_resolve(stacks, &rec, &nr);
	for (size_t i = 0; i < nr && found < 5; i++) {
		if (frames[i].kind != LG_FRAME_PYTHON || strcmp(frames[i].function, wanted[found].function))
			continue;
		assert_string_equal(frames[i].file, path);
		assert_int_equal(frames[i].line, wanted[found].line);
		assert_true(frames[i].is_own);
		found++;
	}
	assert_int_equal(found, 5);
	assert_true(stacks_is_in_loop(stacks, pid));
	assert_false(stacks_is_in_loop(stacks, getpid()));
	frames = stacks_resolve(stacks, &rec, &nr);
	/* The same as a record. */
	told = stacks_record(stacks, &rec);
	assert_non_null(told);
	assert_int_equal(told->nr, nr);
	assert_int_equal(told->head.time_ns, 7);
	assert_true(told->head.len >= sizeof(*told) + told->frames_len);
	/* Any address may be said to be code. */
	rec.moment = LG_STACK_SAMPLE;
	rec.nr_code = LG_STACK_MAX;
	for (int i = 0; i < LG_STACK_MAX; i++)
		rec.code[i].code = info.python.interp + 8 * i;
	stacks_resolve(stacks, &rec, &nr);
	for (size_t i = 0; i < nr; i++)
		assert_int_not_equal(frames[i].kind, LG_FRAME_PYTHON);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(path);
	rec.moment = LG_STACK_ASLEEP;
	stacks_resolve(stacks, &rec, &nr);
	stacks_forget(stacks, pid);
	assert_true(stacks_bytes(stacks) < (64u << 20));
}

static void frames_are_limited(void **state)
{
	struct stacks *few = NULL;
	size_t nr;

	(void)state;
	assert_int_equal(stacks_new(&few, 3), 0);
	rec_init(getpid(), LG_STACK_SAMPLE);
	rec.nr_native = 8;
	for (int i = 0; i < 8; i++)
		rec.native[i].ip = (uintptr_t)qsort + 1;
	stacks_resolve(few, &rec, &nr);
	assert_int_equal(nr, 3);
	stacks_free(few);
}

static void names_of_perf_maps(void **state)
{
	static const struct {
		const char *name;
		const char *function; /* NULL: none of JavaScript */
		const char *file;
		uint32_t line;
	} rows[] = {
		{"JS:*handler /srv/app.js:10:3", "handler", "/srv/app.js", 10},
		{"LazyCompile:~handler /srv/app.js:10", "handler", "/srv/app.js", 10},
		{"Function:^get x file:///srv/m.mjs:7:1", "get x", "/srv/m.mjs", 7},
		{"JS:~ /srv/app.js:3:9", "<anonymous>", "/srv/app.js", 3},
		{"JS:~spin file:///srv/lib/spin.mjs:1:21", "spin", "/srv/lib/spin.mjs", 1},
		{"JS:*f node:internal/url:5:1", "f", "node:internal/url", 5},
		{"JS:noplace", NULL, NULL, 0},
		{"Builtin:ArrayMap", NULL, NULL, 0},
		{"py::handler:/srv/app.py", NULL, NULL, 0},
		{"", NULL, NULL, 0},
	};
	struct frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(js_parse_compiled(rows[i].name, &frame), rows[i].function != NULL);
		if (!rows[i].function)
			continue;
		assert_string_equal(frame.function, rows[i].function);
		assert_string_equal(frame.file, rows[i].file);
		assert_int_equal(frame.line, rows[i].line);
	}
}

static void whose_file_it_is(void **state)
{
	static const char *const own[] = {"/srv/app.py", "/home/u/lib/x.js", "src/main.c", "/opt/app/server"};
	static const char *const others[] = {
		"/usr/lib/python3.11/asyncio/runners.py",
		"/srv/venv/lib/python3.12/site-packages/x.py",
		"<frozen runpy>",
		"/usr/lib/python3/dist-packages/x.py",
		"/srv/node_modules/express/index.js",
		"node:events",
		"/usr/lib/x86_64-linux-gnu/libc.so.6",
		"[vdso]",
		"",
		"/root/.cargo/registry/src/tokio/x.rs",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		assert_true(frame_file_is_own(own[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(frame_file_is_own(others[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#if defined(__x86_64__)
		cmocka_unit_test(own_stack_is_unwound),
		cmocka_unit_test(runs_of_code_by_their_place),
#endif
		cmocka_unit_test(python_asleep),
		cmocka_unit_test(frames_are_limited),
		cmocka_unit_test(names_of_perf_maps),
		cmocka_unit_test(whose_file_it_is),
	};

	return cmocka_run_group_tests_name("stacks", tests, open_stacks, close_stacks);
}
