/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes, threads, maps, rights and waits as /proc tells them: on a tree of our own and on this process. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf_image.h"
#include "target/explain.h"
#include "target/kernel.h"
#include "target/maps.h"
#include "target/proc.h"
#include "target/rights.h"

static char tree[64];

static int tree_setup(void **state)
{
	(void)state;
	strcpy(tree, "/tmp/lgtrace-test-XXXXXX");
	if (!mkdtemp(tree))
		return -1;
	proc_set_root(tree);
	return 0;
}

static int tree_teardown(void **state)
{
	(void)state;
	proc_set_root(NULL);
	tree_remove(tree);
	return 0;
}

static void stat_of_hostile_name(void **state)
{
	struct proc_stat stat;

	(void)state;
	assert_int_equal(proc_stat_parse("12 (a) R 1 (\nb)) S 7 1 1 0 -1 64 0 0 0 0 0 0 0 0 20 0 1 0 99 0", &stat), 0);
	assert_string_equal(stat.comm, "a) R 1 (\nb)");
	assert_int_equal(stat.id, 12);
	assert_int_equal(stat.state, 'S');
	assert_int_equal(stat.parent, 7);
	assert_false(stat.is_kthread);
	assert_int_equal(
		proc_stat_parse("12 (longer than a comm can be) S 7 1 1 0 -1 2097216 0 0 0 0 0 0 0 0 20 0 1 0 9",
				&stat),
		0);
	assert_string_equal(stat.comm, "longer than a c");
	assert_true(stat.is_kthread);
	assert_int_equal(proc_stat_parse("", &stat), -EINVAL);
	assert_int_equal(proc_stat_parse("12 (a)", &stat), -EINVAL);
	assert_int_equal(proc_stat_parse("12 )a( S 1", &stat), -EINVAL);
	assert_int_equal(proc_stat_parse("12 (a) S 1 1 1", &stat), -EINVAL);
}

static void check_says(int pid, int errno_nr, const char *what, const char *hint)
{
	struct err err = {0};

	assert_int_equal(proc_check_target(pid, &err), -errno_nr);
	assert_int_equal(err.code, EXIT_CODE_NO_TARGET);
	assert_string_equal(err.what, what);
	assert_non_null(strstr(err.hint, hint));
}

static void tells_what_cannot_be_traced(void **state)
{
	char own[64], what[64];
	struct err err = {0};

	(void)state;
	tree_stat(tree, "10/stat", 10, "server", 'S', 1, 0);
	tree_text(tree, "10/status", "Name:\tserver\nTgid:\t10\nNSpid:\t10\t3\n");
	tree_stat(tree, "11/stat", 11, "worker", 'S', 1, 0);
	tree_text(tree, "11/status", "Name:\tworker\\nTgid:\t99\nTgid:\t10\n");
	tree_stat(tree, "12/stat", 12, "gone", 'Z', 10, 0);
	tree_stat(tree, "13/stat", 13, "kworker/0:1", 'I', 2, 0x00200000);
	assert_int_equal(proc_check_target(10, &err), 0);
	assert_string_equal(err.what, "");
	assert_int_equal(proc_ns_pid(10), 3);
	assert_int_equal(proc_ns_pid(11), -ENODATA);
	check_says(123, ESRCH, "no process with PID 123", "pgrep");
	check_says(-1, ESRCH, "no process with PID -1", "pgrep");
	check_says(11, EINVAL, "11 is a thread of process 10", "-t 11");
	check_says(12, ESRCH, "PID 12 (gone) has ended: it is a zombie", "PID 10");
	check_says(13, EINVAL, "PID 13 (kworker/0:1) is a kernel thread: it runs no event loop", "");
	tree_stat(tree, "14/stat", 14, "small", 'S', 1, 0);
	tree_text(tree, "14/exe", ELFMAG "%c", ELFCLASS64);
	assert_int_equal(proc_check_target(14, &err), 0);
	tree_text(tree, "14/exe", ELFMAG "%c", ELFCLASS32);
	check_says(14, ENOTSUP, "PID 14 (small) is a 32-bit program, whose system calls lgtrace does not know", "");
	snprintf(own, sizeof(own), "%d/stat", getpid());
	tree_stat(tree, own, getpid(), "self", 'R', 1, 0);
	snprintf(what, sizeof(what), "PID %d is lgtrace itself", getpid());
	check_says(getpid(), EINVAL, what, "");
}

static void lists_threads(void **state)
{
	struct proc_thread *threads;
	size_t nr;

	(void)state;
	tree_stat(tree, "10/task/10/stat", 10, "main", 'S', 1, 0);
	tree_stat(tree, "10/task/9/stat", 9, "nine", 'R', 1, 0);
	tree_text(tree, "10/task/8/comm", "a thread without a stat file has just ended\n");
	assert_int_equal(proc_threads(10, &threads, &nr), 0);
	assert_int_equal(nr, 2);
	assert_int_equal(threads[0].tid, 9);
	assert_string_equal(threads[0].comm, "nine");
	assert_int_equal(threads[0].state, 'R');
	assert_int_equal(threads[1].tid, 10);
	free(threads);
	assert_int_equal(proc_threads(77, &threads, &nr), -ENOENT);
}

static void descendants_are(const int *expected, size_t nr_expected)
{
	size_t nr;
	int *ids;

	assert_int_equal(proc_descendants(10, &ids, &nr), 0);
	assert_int_equal(nr, nr_expected);
	assert_memory_equal(ids, expected, nr * sizeof(*ids));
	free(ids);
}

static void lists_descendants(void **state)
{
	(void)state;
	/* 13 and 15 are each other's parents: a ring must end. */
	tree_stat(tree, "10/stat", 10, "master", 'S', 14, 0);
	tree_stat(tree, "11/stat", 11, "worker", 'S', 10, 0);
	tree_stat(tree, "12/stat", 12, "ended", 'Z', 10, 0);
	tree_stat(tree, "13/stat", 13, "stranger", 'S', 15, 0);
	tree_stat(tree, "14/stat", 14, "grandchild", 'S', 11, 0);
	tree_stat(tree, "15/stat", 15, "stranger", 'S', 13, 0);
	descendants_are((int[]){11, 14}, 2);
	tree_text(tree, "10/task/10/children", "11 ");
	tree_text(tree, "10/task/20/children", "16 17 ");
	tree_text(tree, "11/task/11/children", "14 ");
	descendants_are((int[]){11, 16, 17, 14}, 4);
}

static void reads_links(void **state)
{
	char full[256], buf[PROC_PATH_LEN];
	bool is_deleted;

	(void)state;
	tree_text(tree, "10/fd/none", "\n");
	snprintf(full, sizeof(full), "%s/10/exe", tree);
	assert_int_equal(symlink("/usr/sbin/a b (deleted) (deleted)", full), 0);
	snprintf(full, sizeof(full), "%s/10/fd/3", tree);
	assert_int_equal(symlink("socket:[4711]", full), 0);
	assert_int_equal(proc_exe(10, buf, sizeof(buf), &is_deleted), 0);
	assert_true(is_deleted);
	assert_string_equal(buf, "/usr/sbin/a b (deleted)");
	assert_int_equal(proc_exe(10, buf, 8, NULL), -ENAMETOOLONG);
	assert_int_equal(proc_fd_link(10, 3, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "socket:[4711]");
	assert_int_equal(proc_fd_link(10, 4, buf, sizeof(buf)), -ENOENT);
	assert_string_equal(proc_basename("/a/b"), "b");
	assert_string_equal(proc_basename("b"), "b");
	assert_string_equal(proc_basename("/a/"), "");
}

static void parses_maps(void **state)
{
	char file[] = "7f00-7fff r-xp 00002000 fe:01 247134    /a \\012b (deleted)", none[] = "7f00-7fff rw-p 0 0:0 0";
	char bad[] = "7f00-7e00 r-xp 0 0:0 0", empty[] = "";
	struct map map;

	(void)state;
	assert_int_equal(map_parse(&map, file), 0);
	assert_int_equal(map.start, 0x7f00);
	assert_int_equal(map.end, 0x7fff);
	assert_int_equal(map.offset, 0x2000);
	assert_int_equal(map.ino, 247134);
	assert_true(map.is_exec);
	assert_string_equal(map.path, "/a \nb");
	assert_int_equal(map_parse(&map, none), 0);
	assert_string_equal(map.path, "");
	assert_false(map.is_exec);
	assert_int_equal(map_parse(&map, bad), -EINVAL);
	assert_int_equal(map_parse(&map, empty), -EINVAL);
}

static bool is_lib(const char *name)
{
	return !strcmp(name, "lib.so");
}

/* A file that was replaced: its path leads to another inode, so the kernel's own link is taken. */
static void finds_mapped_inode(void **state)
{
	struct map_file file;
	struct maps maps;

	(void)state;
	tree_text(tree, "10/root/lib/lib.so", "new");
	tree_text(tree, "10/map_files/1000-2000", "old");
	tree_text(tree, "10/maps", "1000-2000 r-xp 0 fe:01 %llu /lib/lib.so (deleted)\n",
		  tree_ino(tree, "10/map_files/1000-2000"));
	assert_int_equal(maps_read(&maps, 10), 0);
	assert_int_equal(maps.nr, 1);
	assert_ptr_equal(maps_find(&maps, is_lib), &maps.v[0]);
	assert_int_equal(map_file_init(&file, 10, &maps.v[0]), 0);
	assert_non_null(strstr(file.path, "/10/map_files/1000-2000"));
	maps.v[0].ino = tree_ino(tree, "10/root/lib/lib.so");
	assert_int_equal(map_file_init(&file, 10, &maps.v[0]), 0);
	assert_non_null(strstr(file.path, "/10/root/lib/lib.so"));
	assert_int_equal(file.ino, maps.v[0].ino);
	maps_fini(&maps);
	maps_fini(&maps);
}

static void explains_waits(void **state)
{
	static const char *const waits[] = {"202 0x1 0x2",   "running", "202 0x5", "288 0x4",
					    "-1 0x7ff 0x55", "",        "202 0x1"};
	unsigned long long arg;
	struct explain explain;
	char path[64];
	int nr;

	(void)state;
	for (int i = 0; i < 7; i++) {
		snprintf(path, sizeof(path), "10/task/%d/stat", 10 + i);
		tree_stat(tree, path, 10 + i, "t", 'S', 1, 0);
		snprintf(path, sizeof(path), "10/task/%d/syscall", 10 + i);
		tree_text(tree, path, "%s\n", waits[i]);
	}
	assert_int_equal(proc_explain_waits(10, &explain), 0);
	assert_int_equal(explain.nr_threads, 7);
	assert_int_equal(explain.nr_running, 1);
	assert_int_equal(explain.nr_unknown, 1);
	assert_int_equal(explain.nr_waits, 3);
	assert_int_equal(explain.waits[0].nr, 202);
	assert_int_equal(explain.waits[0].count, 3);
	assert_int_equal(explain.waits[1].nr, -1);
	assert_int_equal(explain.waits[2].nr, 288);
	assert_int_equal(proc_thread_wait(10, 13, &nr, &arg), 0);
	assert_int_equal(nr, 288);
	assert_int_equal(arg, 4);
	assert_int_equal(proc_thread_wait(10, 14, &nr, &arg), 0);
	assert_int_equal(arg, 0);
	assert_int_equal(proc_explain_waits(99, &explain), -ENOENT);
}

static void names_missing_rights(void **state)
{
	struct rights rights;
	struct err err = {0};

	(void)state;
	tree_text(tree, "self/status", "Name:\tx\nCapPrm:\tffff\nCapEff:\t0000004000080000\n");
	assert_int_equal(rights_read(&rights), 0);
	assert_true(rights.perfmon && rights.ptrace && !rights.bpf && !rights.sys_admin);
	assert_int_equal(rights_check(&rights, &err), -EPERM);
	assert_int_equal(err.code, EXIT_CODE_NOT_PERMITTED);
	assert_string_equal(err.what, "not permitted: missing CAP_BPF");
	rights_init(&rights, 1ull << 21 | 1ull << 19);
	assert_int_equal(rights_check(&rights, NULL), 0);
	rights_init(&rights, 1ull << 38 | 1ull << 39 | 1ull << 19);
	assert_int_equal(rights_check(&rights, NULL), 0);
	memset(&err, 0, sizeof(err));
	rights_init(&rights, 0);
	assert_int_equal(rights_check(&rights, &err), -EPERM);
	assert_string_equal(err.what, "not permitted: missing CAP_BPF CAP_PERFMON CAP_SYS_PTRACE");
	tree_text(tree, "self/status", "Name:\tx\n");
	assert_int_equal(rights_read(&rights), -EINVAL);
}

static void knows_the_kernel(void **state)
{
	struct kernel kernel;
	struct err err = {0};

	(void)state;
	assert_int_equal(kernel_version("6.1.0-18-amd64"), 0x060100);
	assert_int_equal(kernel_version("5.10.260+"), 0x050aff);
	assert_int_equal(kernel_version("7.2-rc1"), 0x070200);
	assert_int_equal(kernel_version("vendor"), 0);
	assert_int_equal(kernel_read(&kernel), 0);
	assert_true(kernel.version >= 0x030000);
	assert_true(kernel.host[0]);
	assert_int_equal(kernel_check_btf("/nonexistent", &err), -ENOTSUP);
	assert_int_equal(err.code, EXIT_CODE_KERNEL);
	assert_non_null(strstr(err.hint, "CONFIG_DEBUG_INFO_BTF"));
	assert_int_equal(kernel_check_btf("/dev/null", NULL), 0);
	err = (struct err){0};
	assert_int_equal(kernel_check_pids("/dev/null", &err), -EPERM);
	assert_int_equal(err.code, EXIT_CODE_NOT_PERMITTED);
	assert_non_null(strstr(err.hint, "--pid=host"));
	assert_int_equal(kernel_check_pids("/nonexistent", NULL), 0);
}

static void *thread_wait(void *arg)
{
	char byte;

	return read(*(int *)arg, &byte, 1) ? NULL : arg;
}

/* The real /proc: a thread that blocks in read, and a child that has ended. */
static void looks_at_this_process(void **state)
{
	struct proc_thread *threads;
	struct err err = {0};
	struct explain explain;
	struct proc_stat stat;
	pthread_t thread;
	int fds[2], child, *ids;
	size_t nr;

	(void)state;
	proc_set_root(NULL);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pthread_create(&thread, NULL, thread_wait, &fds[0]), 0);
	child = fork();
	if (!child)
		_exit(0);
	assert_true(child > 0);
	do {
		usleep(1000);
		assert_int_equal(proc_stat(child, 0, &stat), 0);
	} while (stat.state != 'Z');
	assert_int_equal(stat.parent, getpid());
	assert_int_equal(proc_check_target(child, &err), -ESRCH);
	assert_non_null(strstr(err.what, "zombie"));
	waitpid(child, NULL, 0);
	assert_int_equal(proc_stat(child, 0, &stat), -ENOENT);
	assert_int_equal(proc_threads(getpid(), &threads, &nr), 0);
	assert_int_equal(nr, 2);
	assert_int_equal(proc_tgid(threads[1].tid), getpid());
	assert_int_equal(proc_check_target(threads[1].tid, NULL), -EINVAL);
	free(threads);
	assert_int_equal(proc_explain_waits(getpid(), &explain), 0);
	assert_int_equal(explain.nr_threads, 2);
	close(fds[1]);
	pthread_join(thread, NULL);
	close(fds[0]);
	assert_int_equal(proc_descendants(1, &ids, &nr), 0);
	free(ids);
}

int main(void)
{
#define ON_TREE(fn) cmocka_unit_test_setup_teardown(fn, tree_setup, tree_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat_of_hostile_name),
		ON_TREE(tells_what_cannot_be_traced),
		ON_TREE(lists_threads),
		ON_TREE(lists_descendants),
		ON_TREE(reads_links),
		cmocka_unit_test(parses_maps),
		ON_TREE(finds_mapped_inode),
		ON_TREE(explains_waits),
		ON_TREE(names_missing_rights),
		cmocka_unit_test(knows_the_kernel),
		cmocka_unit_test(looks_at_this_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
