/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of one process: whether it is there, can be looked into, and what can be known of it. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/doctor.h"
#include "render/syscall_names.h"
#include "render/target.h"
#include "target/cpython.h"
#include "target/elf.h"
#include "target/explain.h"
#include "target/maps.h"
#include "target/proc.h"
#include "target/runtime.h"
#include "target/sites.h"
#include "target/tls.h"
#include "target/v8.h"

#if defined(__x86_64__)
#define OUR_MACHINE EM_X86_64
#else
#define OUR_MACHINE EM_AARCH64
#endif

#define READ_FIX "Run it with sudo, or give it CAP_SYS_PTRACE."

static bool check_process(struct findings *f, int pid)
{
	struct finding *row = findings_add(f, "process");
	char exe[PROC_PATH_LEN];
	struct err err = {};
	struct proc_stat stat;
	bool is_deleted = false;

	row->code = EXIT_CODE_NO_TARGET;
	if (proc_check_target(pid, &err) || proc_stat(pid, 0, &stat)) {
		doctor_say(row, FINDING_MISSING, "There is nothing to trace.", err.hint, "%s",
			   err.what[0] ? err.what : "it has just ended");
		return false;
	}
	if (proc_exe(pid, exe, sizeof(exe), &is_deleted))
		doctor_say(row, FINDING_OK, "", "", "%.15s", stat.comm);
	else
		doctor_say(row, FINDING_OK, "", "", "%.15s, %.300s%s", stat.comm, exe,
			   is_deleted ? " (replaced on disk since it began)" : "");
	return true;
}

static bool check_memory(struct findings *f, int pid)
{
	struct finding *row = findings_add(f, "memory map");
	struct maps maps = {};
	int error = maps_read(&maps, pid);

	row->code = EXIT_CODE_NOT_PERMITTED;
	if (error)
		doctor_say(row, FINDING_MISSING, "Its libraries and its runtime cannot be found.", READ_FIX,
			   "cannot be read: %s", strerror(-error));
	else
		doctor_say(row, FINDING_OK, "", "", "readable, %zu mappings", maps.nr);
	maps_fini(&maps);
	return !error;
}

static void check_architecture(struct findings *f, int pid)
{
	struct finding *row = findings_add(f, "architecture");
	struct elf_file *elf = NULL;
	struct map_file exe;
	int machine;

	row->code = EXIT_CODE_NO_TARGET;
	if (map_file_init_exe(&exe, pid) || elf_file_open(&elf, exe.path)) {
		doctor_say(row, FINDING_LIMITED, "The system calls of a program of another kind are not understood.",
			   "", "its executable cannot be read as a program of this machine's kind");
		return;
	}
	machine = elf_file_machine(elf);
	elf_file_close(elf);
	if (machine == OUR_MACHINE)
		doctor_say(row, FINDING_OK, "", "", "this machine's own, 64 bits");
	else
		doctor_say(row, FINDING_LIMITED, "It runs in an emulator, whose loop would be traced instead.", "",
			   "ELF machine %d", machine);
}

/* Which of the exact ways there is to know whose code runs. */
static void check_owners(struct findings *f, int pid, const struct runtime *runtime)
{
	struct finding *row = findings_add(f, "owners");
	struct lg_python python;
	struct lg_v8 v8;
	int error;

	if (runtime->kind == LG_RT_CPYTHON)
		error = cpython_find(&python, pid, runtime->version);
	else if (runtime->kind == LG_RT_NODE)
		error = v8_find(&v8, pid);
	else
		error = 1;
	if (!error)
		doctor_say(row, FINDING_OK, "", "", "exact: the runtime's memory tells whose code runs");
	else if (error > 0)
		doctor_say(row, FINDING_OK, "", "",
			   "from the order of reads and writes, which is how such servers work");
	else
		doctor_say(row, FINDING_LIMITED,
			   "Whose request held the loop is judged by the order of reads and writes: mostly likely, "
			   "seldom exact.",
			   "", "the runtime cannot be asked (%s)",
			   error == -ENOENT    ? "it does not use asyncio so far"
			   : error == -ENOTSUP ? "a version or build that is not known"
					       : strerror(-error));
}

static void check_runtime(struct findings *f, int pid)
{
	struct finding *row = findings_add(f, "runtime");
	char words[TARGET_RUNTIME_LEN];
	struct runtime runtime = {};

	if (runtime_detect(&runtime, pid)) {
		doctor_say(row, FINDING_UNKNOWN, "Owners are judged by the order of reads and writes.", READ_FIX,
			   "it cannot be looked at");
		return;
	}
	doctor_say(row, FINDING_OK, "", "", "%s",
		   target_format_runtime(words, sizeof(words), runtime.kind, runtime.version));
	check_owners(f, pid, &runtime);
}

static bool is_wait(const char *name)
{
	return name && (strncmp(name, "epoll_", 6) == 0 || strstr(name, "poll") || strstr(name, "select") ||
			strcmp(name, "io_uring_enter") == 0);
}

#define LOOKS   8 /* a busy loop waits for moments only */
#define LOOK_NS 25000000

/* Threads that wait for events at this moment, and the call of most of them. */
static unsigned waits_count(const struct explain *e, const char **call)
{
	unsigned waiting = 0;

	for (size_t i = 0; i < e->nr_waits; i++) {
		const char *name = e->waits[i].nr < 0 ? NULL : syscall_name(e->waits[i].nr);

		if (!is_wait(name))
			continue;
		*call = waiting ? *call : name;
		waiting += e->waits[i].count;
	}
	return waiting;
}

static void check_loop(struct findings *f, int pid)
{
	struct finding *row = findings_add(f, "event loop");
	struct timespec pause = {0, LOOK_NS};
	const char *call = NULL;
	struct explain e = {};
	unsigned waiting = 0;

	for (int i = 0; i < LOOKS && !waiting; i++) {
		if (i)
			nanosleep(&pause, NULL);
		if (proc_explain_waits(pid, &e)) {
			doctor_say(row, FINDING_UNKNOWN, "", READ_FIX, "its threads cannot be looked at");
			return;
		}
		if (e.nr_unknown == e.nr_threads)
			break;
		waiting = waits_count(&e, &call);
	}
	if (waiting)
		doctor_say(row, FINDING_OK, "", "", "%u of %u thread%s wait%s for events now, in %s", waiting,
			   e.nr_threads, e.nr_threads == 1 ? "" : "s", waiting == 1 ? "s" : "", call);
	else if (e.nr_unknown == e.nr_threads)
		doctor_say(row, FINDING_UNKNOWN, "", READ_FIX, "what its threads wait in cannot be read");
	else
		doctor_say(row, FINDING_UNKNOWN, "If none ever does, there is no loop to trace.",
			   "lgtrace ps watches for a second.", "none of %u threads was seen to wait for events",
			   e.nr_threads);
}

static void check_libc(struct findings *f, int pid)
{
	struct finding *row = findings_add(f, "libc mode");
	struct sites sites = {};
	struct err err = {};
	size_t nr = 0, missing = 0;

	if (sites_add(&sites, pid, &err)) {
		doctor_say(row, FINDING_LIMITED, "--probes libc cannot be used; system calls (the default) can.", "",
			   "%s", err.what[0] ? err.what : "its C library cannot be read");
		return;
	}
	for (size_t i = 0; i < sites.nr_files; i++) {
		nr += sites.files[i].nr;
		missing += sites.files[i].nr_missing;
	}
	if (missing)
		doctor_say(row, FINDING_LIMITED, "With --probes libc these calls are not seen.", "",
			   "%zu places to probe, %zu functions without one (%s)", nr, missing,
			   sites.files[0].nr_missing ? sites.files[0].missing[0] : "...");
	else
		doctor_say(row, FINDING_OK, "", "", "%zu places to probe", nr);
	sites_fini(&sites);
}

static void check_tls(struct findings *f, int pid)
{
	struct finding *row = findings_add(f, "TLS");
	struct tls_files files = {};

	if (tls_files_add(&files, pid))
		doctor_say(row, FINDING_UNKNOWN, "Requests in TLS would be seen as ciphertext.", READ_FIX,
			   "its libraries cannot be read");
	else if (files.nr)
		doctor_say(row, FINDING_OK, "", "", "OpenSSL, in %.300s", proc_basename(files.v[0].file.path));
	else
		doctor_say(row, FINDING_OK, "", "", "no OpenSSL mapped, as of now; other libraries are not read");
	tls_files_fini(&files);
}

/* 1, 0, or a negative error when it cannot be told. */
static int ns_is_ours(int pid, const char *which)
{
	char path[64], ours[64] = "", theirs[64] = "";

	if (proc_path(path, sizeof(path), 0, "self/ns/%s", which) || readlink(path, ours, sizeof(ours) - 1) < 0)
		return -errno;
	if (proc_path(path, sizeof(path), pid, "ns/%s", which) || readlink(path, theirs, sizeof(theirs) - 1) < 0)
		return -errno;
	return strcmp(ours, theirs) == 0;
}

static void check_container(struct findings *f, int pid)
{
	struct finding *row = findings_add(f, "container");
	int pids = ns_is_ours(pid, "pid"), mounts = ns_is_ours(pid, "mnt");

	if (pids < 0 || mounts < 0)
		doctor_say(row, FINDING_UNKNOWN, "", READ_FIX, "its namespaces cannot be read");
	else if (pids && mounts)
		doctor_say(row, FINDING_OK, "", "", "none: it has our namespaces");
	else if (pids)
		doctor_say(row, FINDING_OK, "", "", "files of its own; they are read through /proc/%d/root", pid);
	else
		doctor_say(row, FINDING_OK, "", "", "one of its own, where its id is %d", proc_ns_pid(pid));
}

void doctor_check_target(struct findings *f, int pid)
{
	f->pid = pid;
	if (!check_process(f, pid))
		return;
	check_loop(f, pid);
	check_container(f, pid);
	if (!check_memory(f, pid))
		return;
	check_architecture(f, pid);
	check_runtime(f, pid);
	check_libc(f, pid);
	check_tls(f, pid);
}
