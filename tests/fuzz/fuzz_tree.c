/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole /proc: any bytes as every file that is read of it, for a process and the host, by all that read them. What a
 * line of a map or of a process's state may be is fuzz_proc.c's.
 */
#include "fuzz_path.h"
#include "symbol/kernel.h"
#include "target/explain.h"
#include "target/maps.h"
#include "target/rights.h"
#include "target/waiting.h"

#define PID        7
#define MAX_INODES 16

static struct fuzz_file file;

static void end(void)
{
	fuzz_proc_remove(&file);
}

static void begin(void)
{
	static const char *const folders[] = {"self", "7", "7/net", "7/fd", "7/task", "7/task/7", "7/task/8"};
	static const char *const files[] = {
		"kallsyms",  "self/status", "7/stat",        "7/status",         "7/maps",        "7/exe",
		"7/net/tcp", "7/net/tcp6",  "7/task/7/stat", "7/task/7/syscall", "7/task/8/stat", "7/task/8/syscall",
	};
	char path[128];

	fuzz_file_open(&file);
	strcpy(file.root, "/tmp/lgtrace-fuzz.XXXXXX");
	if (!mkdtemp(file.root))
		abort();
	atexit(end);
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", file.root, folders[i]);
		if (mkdir(path, 0755))
			abort();
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "%s/%s", file.root, files[i]);
		if (symlink(file.path, path))
			abort();
	}
	snprintf(path, sizeof(path), "%s/7/fd/3", file.root);
	if (symlink("socket:[123]", path))
		abort();
	proc_set_root(file.root);
}

static void process_check(void)
{
	struct proc_thread *threads;
	struct explain explain;
	struct proc_stat stat;
	struct err err = {};
	int *children;
	size_t nr;

	FUZZ_CHECK(!proc_check_target(PID, &err) == !err.what[0]);
	if (!proc_stat(PID, 0, &stat))
		FUZZ_CHECK(stat.id > 0 && memchr(stat.comm, 0, sizeof(stat.comm)));
	FUZZ_CHECK(proc_tgid(PID) != 0 && proc_ns_pid(PID) != 0);
	if (!proc_threads(PID, &threads, &nr)) {
		FUZZ_CHECK(nr > 0 && nr <= 2);
		free(threads);
	}
	if (!proc_descendants(PID, &children, &nr)) {
		FUZZ_CHECK(nr == 0);
		free(children);
	}
	if (!proc_explain_waits(PID, &explain))
		FUZZ_CHECK(explain.nr_threads <= 2 && explain.nr_waits <= explain.nr_threads);
}

static void maps_check(void)
{
	struct maps maps = {};

	if (maps_read(&maps, PID))
		return;
	for (size_t i = 0; i < maps.nr; i++)
		FUZZ_CHECK(maps.v[i].start < maps.v[i].end && strlen(maps.v[i].path) < PROC_PATH_LEN);
	maps_fini(&maps);
}

static void host_check(void)
{
	__u64 inodes[MAX_INODES];
	struct waiting waiting = {.inodes = inodes, .max = MAX_INODES};
	struct kernel_symbols *symbols;
	struct rights rights;
	const char *name;

	if (!waiting_read(&waiting, PID))
		FUZZ_CHECK(waiting.nr <= MAX_INODES);
	rights_read(&rights);
	if (kernel_symbols_open(&symbols))
		return;
	FUZZ_CHECK(!kernel_symbols_find(symbols, 0));
	name = kernel_symbols_find(symbols, UINT64_MAX);
	FUZZ_CHECK(name && !strpbrk(name, "\t \n"));
	kernel_symbols_free(symbols);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!file.root[0])
		begin();
	fuzz_file_write(&file, data, size);
	process_check();
	maps_check();
	host_check();
	return 0;
}
