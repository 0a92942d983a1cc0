/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of addresses: of this very program, of programs that were deleted or stripped, and of compiled code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbol/demangle.h"
#include "symbol/perfmap.h"
#include "symbol/symbols.h"

static struct symbols *symbols;

static int open_symbols(void **state)
{
	(void)state;
	return symbols_new(&symbols);
}

static int close_symbols(void **state)
{
	(void)state;
	symbols_free(symbols);
	return 0;
}

/* Not inlined, and found by its name below. */
enum { PLANTED_LINE = __LINE__ + 1 };
static __attribute__((noinline)) int planted_function(int n)
{
	return n + (int)getpid();
}

static void own_function_with_line(void **state)
{
	uint64_t addr = (uintptr_t)planted_function;
	struct frame frame;

	(void)state;
	symbols_find(symbols, getpid(), addr + 1, false, &frame);
	assert_int_equal(frame.kind, LG_FRAME_NATIVE);
	assert_string_equal(frame.function, "planted_function");
	assert_non_null(strstr(frame.file, "tests/unit/test_symbols.c"));
	assert_in_range(frame.line, PLANTED_LINE, PLANTED_LINE + 3);
	assert_true(frame.is_own);
	/* A call as the last thing of a function returns behind it. */
	symbols_find(symbols, getpid(), addr + 1, true, &frame);
	assert_string_equal(frame.function, "planted_function");
	assert_int_equal(planted_function(1), 1 + getpid());
}

static void library_and_vdso(void **state)
{
	struct frame frame;

	(void)state;
	symbols_find(symbols, getpid(), (uintptr_t)&qsort, false, &frame);
	assert_non_null(strstr(frame.function, "qsort"));
	assert_false(frame.is_own);
	symbols_find(symbols, getpid(), 0x1000, false, &frame);
	assert_string_equal(frame.function, "0x1000");
	assert_string_equal(frame.file, "");
	assert_false(frame.is_own);
	/* A process that does not exist. */
	symbols_find(symbols, 0x3fffffff, 0x2000, true, &frame);
	assert_string_equal(frame.function, "0x1fff");
}

static void vdso_has_names(void **state)
{
	char line[512];
	uint64_t start = 0;
	struct frame frame;
	FILE *maps = fopen("/proc/self/maps", "re");
	int nr_named = 0;

	(void)state;
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "[vdso]"))
			start = strtoull(line, NULL, 16);
	fclose(maps);
	assert_int_not_equal(start, 0);
	for (uint64_t at = start; at < start + 4096; at += 16) {
		symbols_find(symbols, getpid(), at, false, &frame);
		nr_named += strstr(frame.function, "gettime") != NULL;
	}
	assert_true(nr_named > 0);
}

/* Runs a copy of /bin/sleep from which `how` was done away with, and returns its process. */
static pid_t sleeper_start(const char *path, const char *prepare)
{
	char command[1024];
	struct stat st;
	pid_t pid;

	snprintf(command, sizeof(command), "cp /bin/sleep %s && %s", path, prepare);
	assert_int_equal(system(command), 0);
	assert_int_equal(stat(path, &st), 0);
	pid = fork();
	if (!pid) {
		execl(path, path, "30", NULL);
		_exit(1);
	}
	for (int i = 0; i < 100; i++) {
		char link[64], exe[512];
		ssize_t n;

		snprintf(link, sizeof(link), "/proc/%d/exe", pid);
		n = readlink(link, exe, sizeof(exe) - 1);
		exe[n > 0 ? n : 0] = 0;
		if (!strcmp(exe, path))
			break;
		usleep(10000);
	}
	return pid;
}

/* The first address of a mapping of code of the process whose path holds `name`. */
static uint64_t code_of(pid_t pid, const char *name)
{
	char path[64], line[1024];
	uint64_t start = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	assert_non_null(maps);
	while (!start && fgets(line, sizeof(line), maps))
		if (strstr(line, " r-xp ") && strstr(line, name))
			start = strtoull(line, NULL, 16);
	fclose(maps);
	return start;
}

static void deleted_program(void **state)
{
	char path[64];
	struct frame frame;
	uint64_t start;
	pid_t pid;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/lgtrace-test-%d", getpid());
	pid = sleeper_start(path, "true");
	unlink(path);
	start = code_of(pid, path);
	assert_int_not_equal(start, 0);
	symbols_find(symbols, pid, start + 0x400, false, &frame);
	/* It is stripped: the file and the place in it are all there is, which shows that it was recognised. */
	assert_string_equal(frame.file, path);
	assert_non_null(strstr(frame.function, "lgtrace-test-"));
	assert_true(frame.is_own);
	kill(pid, 9);
	waitpid(pid, NULL, 0);
	symbols_forget(symbols, pid);
}

static void readable_names(void **state)
{
	static const struct {
		const char *symbol;
		const char *text;
	} rows[] = {
		{"main", "main"},
		{"memcpy@@GLIBC_2.14", "memcpy"},
		{"_ZN6Server6handleEi", "Server::handle"},
		{"_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector<int, std::allocator<int> >::push_back"},
		{"_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt"},
		{"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
		{"_RNvCs4fqI2P2r_0A43foo3bar", "_RNvCs4fqI2P2r_0A43foo3bar"}, /* a name of no length */
		{"_Z", "_Z"},
		{"_ZN", "_ZN"},
		{"", ""},
	};
	char out[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		demangle(out, sizeof(out), rows[i].symbol);
		assert_string_equal(out, rows[i].text);
	}
	demangle(out, 8, "_ZN6Server6handleEi");
	assert_string_equal(out, "Server:");
}

/* Each part names the one before it twice: with forty of them it would print for years. */
static void a_short_name_for_an_endless_text(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char symbol[2000] = "_Z1fI1AIiiE1BIS1_S1_E", out[256];
	time_t begin = time(NULL);

	(void)state;
	for (int i = 3; i < 43; i++) {
		char part[32], ref[4];

		snprintf(ref, sizeof(ref), i < 36 ? "%c" : "1%c", digits[i % 36]);
		snprintf(part, sizeof(part), "S2_IS%s_S%s_E", ref, ref);
		strcat(symbol, part);
	}
	strcat(symbol, "EvT_");
	demangle(out, sizeof(out), symbol);
	assert_int_equal(strlen(out), sizeof(out) - 1);
	assert_memory_equal(out, "f<A<int, int>, B<A<int, int>", 28);
	assert_true(time(NULL) - begin < 5);
}

static struct perfmap *map_of(const char *text)
{
	struct perfmap *map = NULL;

	assert_int_equal(perfmap_parse(&map, strdup(text)), 0);
	return map;
}

static void compiled_code(void **state)
{
	struct perfmap *map = map_of("1000 100 LazyCompile:~handler /srv/app.js:10\n"
				     "3000 10 later\n"
				     "nonsense\n"
				     "2000 zz no size\n"
				     "2000 0 empty\n"
				     "ffffffffffffffffffff 10 too large\n"
				     "1080 10 py::inner:/srv/a.py\n"
				     "1000 20 newer\n"
				     "5000 10 \n");

	(void)state;
	assert_string_equal(perfmap_find(map, 0x1040), "LazyCompile:~handler /srv/app.js:10");
	assert_string_equal(perfmap_find(map, 0x1010), "newer");
	assert_string_equal(perfmap_find(map, 0x1085), "py::inner:/srv/a.py");
	assert_string_equal(perfmap_find(map, 0x1090), "LazyCompile:~handler /srv/app.js:10");
	assert_string_equal(perfmap_find(map, 0x300f), "later");
	assert_null(perfmap_find(map, 0x3010));
	assert_null(perfmap_find(map, 0xfff));
	assert_null(perfmap_find(map, 0x2000));
	perfmap_free(map);
	map = map_of("");
	assert_null(perfmap_find(map, 0));
	perfmap_free(map);
}

/* As it is found for a process, and only when it is that user's own. */
static void compiled_code_of_a_process(void **state)
{
	char path[64], name[64];
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	file = fopen(path, "we");
	assert_non_null(file);
	fputs("1234000 100 JS:~planted /srv/app.js:3:1\n", file);
	fclose(file);
	symbols_forget(symbols, getpid());
	assert_true(symbols_find_compiled(symbols, getpid(), 0x1234010, name, sizeof(name)));
	assert_string_equal(name, "JS:~planted /srv/app.js:3:1");
	symbols_forget(symbols, getpid());
	if (!getuid()) {
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_false(symbols_find_compiled(symbols, getpid(), 0x1234010, name, sizeof(name)));
	}
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	symbols_forget(symbols, getpid());
	assert_false(symbols_find_compiled(symbols, getpid(), 0x1234010, name, sizeof(name)));
	unlink(path);
}

static void kernel_functions(void **state)
{
	char line[256], name[128], type;
	unsigned long long addr = 0;
	struct frame frame;
	FILE *file = fopen("/proc/kallsyms", "re");

	(void)state;
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%llx %c %127s", &addr, &type, name) == 3 && !strcmp(name, "do_exit"))
			break;
	if (file)
		fclose(file);
	symbols_find_kernel(symbols, addr + 1, &frame);
	assert_int_equal(frame.kind, LG_FRAME_KERNEL);
	assert_string_equal(frame.function, addr ? "do_exit" : "0x1");
}

static void many_addresses_take_little(void **state)
{
	uint64_t start = (uintptr_t)planted_function & ~0xfffUL;
	struct frame frame;

	(void)state;
	for (int i = 0; i < 100000; i++)
		symbols_find(symbols, getpid(), start + i % 20000, i & 1, &frame);
	assert_true(symbols_bytes(symbols) < (64u << 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_function_with_line), cmocka_unit_test(library_and_vdso),
		cmocka_unit_test(vdso_has_names),         cmocka_unit_test(deleted_program),
		cmocka_unit_test(readable_names),         cmocka_unit_test(a_short_name_for_an_endless_text),
		cmocka_unit_test(compiled_code),          cmocka_unit_test(compiled_code_of_a_process),
		cmocka_unit_test(kernel_functions),       cmocka_unit_test(many_addresses_take_little),
	};

	return cmocka_run_group_tests_name("symbols", tests, open_symbols, close_symbols);
}
