/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of the host: the kernel, what it has and what it permits us. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/doctor.h"
#include "probe/feature.h"
#include "probe/probe.h"
#include "target/kernel.h"
#include "target/proc.h"
#include "target/rights.h"

#define HOST_PID_NS   "4026531836" /* PROC_PID_INIT_INO: the kernel's fixed number of the first pid namespace */
#define LOCKDOWN_FILE "/sys/kernel/security/lockdown"

static void check_kernel(struct findings *f)
{
	struct finding *row = findings_add(f, "kernel");
	struct kernel kernel = {};

	kernel_read(&kernel);
	row->code = EXIT_CODE_KERNEL;
	if (kernel.version >= KERNEL_OLDEST)
		doctor_say(row, FINDING_OK, "", "", "Linux %s", kernel.release);
	else
		doctor_say(row, FINDING_MISSING, "Its BPF lacks what lgtrace is made of.", "Run Linux 5.17 or later.",
			   "Linux %s", kernel.release);
}

static void check_types(struct findings *f)
{
	struct finding *row = findings_add(f, "types");
	struct err err = {};

	row->code = EXIT_CODE_KERNEL;
	if (!kernel_check_btf(NULL, &err))
		doctor_say(row, FINDING_OK, "", "", "the kernel describes them (BTF)");
	else
		doctor_say(row, FINDING_MISSING, "BPF programs cannot be fitted to this kernel.",
			   "Boot a kernel built with CONFIG_DEBUG_INFO_BTF=y; in a container mount /sys.", "%s",
			   err.what);
}

/* A row for something that the kernel has or has not. */
static void check_feature(struct findings *f, const char *name, bool is_there, enum finding_status without,
			  const char *consequence, const char *fix)
{
	struct finding *row = findings_add(f, name);

	row->code = EXIT_CODE_KERNEL;
	if (is_there)
		doctor_say(row, FINDING_OK, "", "", "there");
	else
		doctor_say(row, without, consequence, fix, "not in this kernel");
}

static void check_tracepoints(struct findings *f, const struct features *have)
{
	struct finding *row = findings_add(f, "tracepoints");

	row->code = EXIT_CODE_KERNEL;
	if (!have->no_tracepoint)
		doctor_say(row, FINDING_OK, "", "", "sched_switch, sys_exit, and births and ends of processes");
	else
		doctor_say(row, FINDING_MISSING, "Switches or system calls cannot be seen.",
			   "Boot a kernel built with CONFIG_FTRACE_SYSCALLS=y and CONFIG_BPF_EVENTS=y.",
			   "%s is missing", have->no_tracepoint);
}

static void check_features(struct findings *f)
{
	struct features have = {};

	if (features_read(&have))
		return; /* the row "types" has said so */
	check_tracepoints(f, &have);
	check_feature(f, "ring buffer", have.has_ringbuf, FINDING_MISSING, "Nothing can be told to user space.",
		      "Run Linux 5.17 or later.");
	check_feature(f, "task storage", have.has_task_storage && have.has_task_regs, FINDING_MISSING,
		      "Nothing can be remembered of a thread.", "Run Linux 5.17 or later.");
	check_feature(f, "uprobe_multi", have.has_uprobe_multi, FINDING_LIMITED,
		      "--probes libc and TLS still work, but their probes go in and out one by one, which takes "
		      "seconds.",
		      "Linux 6.10 or later has it.");
}

static void check_capabilities(struct findings *f)
{
	struct finding *row = findings_add(f, "capabilities");
	struct rights rights = {};
	struct err err = {};

	row->code = EXIT_CODE_NOT_PERMITTED;
	if (rights_read(&rights))
		doctor_say(row, FINDING_UNKNOWN, "", "", "/proc/self/status cannot be read");
	else if (!rights_check(&rights, &err))
		doctor_say(row, FINDING_OK, "", "", "CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE%s",
			   rights.sys_admin ? ", CAP_SYS_ADMIN" : "");
	else
		doctor_say(row, FINDING_MISSING, "Nothing can be traced.",
			   "Run it with sudo; in a container add these capabilities.", "%s", err.what);
}

static void check_lockdown(struct findings *f)
{
	struct finding *row = findings_add(f, "lockdown");
	char line[128] = "";
	FILE *file = fopen(LOCKDOWN_FILE, "re");

	row->code = EXIT_CODE_KERNEL;
	if (file && !fgets(line, sizeof(line), file))
		line[0] = '\0';
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = '\0';
	if (strstr(line, "[confidentiality]"))
		doctor_say(row, FINDING_MISSING, "The kernel lets nobody read its memory, not even BPF.",
			   "Boot with lockdown=integrity, or without Secure Boot's confidentiality mode.",
			   "confidentiality");
	else
		doctor_say(row, FINDING_OK, "", "", "%s",
			   strstr(line, "[integrity]") ? "integrity, which BPF may read under" : "none");
}

static void check_samples(struct findings *f)
{
	struct finding *row = findings_add(f, "samples");
	struct rights rights = {};
	char *text = NULL;
	int level = 2; /* the kernel's own preset */

	if (!proc_read(0, "sys/kernel/perf_event_paranoid", 64, &text, NULL))
		level = (int)strtol(text, NULL, 10);
	free(text);
	rights_read(&rights);
	if (rights.perfmon || level < 0)
		doctor_say(row, FINDING_OK, "", "", "kernel.perf_event_paranoid = %d%s", level,
			   rights.perfmon ? ", which CAP_PERFMON overrides" : "");
	else
		doctor_say(row, FINDING_LIMITED, "Runtimes cannot be asked whose code runs: fewer owners are exact.",
			   "Run it with sudo, or give it CAP_PERFMON.", "kernel.perf_event_paranoid = %d", level);
}

static void check_namespace(struct findings *f)
{
	struct finding *row = findings_add(f, "pid namespace");
	char path[64], name[64] = "";
	ssize_t len = -1;

	row->code = EXIT_CODE_NO_TARGET;
	if (!proc_path(path, sizeof(path), 0, "self/ns/pid"))
		len = readlink(path, name, sizeof(name) - 1);
	if (len < 0)
		doctor_say(row, FINDING_UNKNOWN, "", "", "/proc/self/ns/pid cannot be read");
	else if (strstr(name, HOST_PID_NS))
		doctor_say(row, FINDING_OK, "", "", "the host's");
	else
		doctor_say(
			row, FINDING_LIMITED,
			"The kernel tells ids of the host's namespace, which are not the ones seen here.",
			"Run it on the host, or in a container with the host's namespace (--pid=host, hostPID: true).",
			"a container's");
}

/* The only sure answer: do it. Nothing is attached. */
static void check_programs(struct findings *f)
{
	struct finding *row = findings_add(f, "BPF programs");
	struct probe_opts opts = {.turn_ns = 1, .ask = LG_ASK_PYTHON | LG_ASK_NODE | LG_ASK_NATIVE, .follow = true};
	uint64_t start_ns = clock_ns(CLOCK_MONOTONIC);
	struct probe *probe = NULL;
	struct err err = {};
	int error = probe_open(&probe, &opts, &err);

	row->code = err.code;
	if (!error)
		doctor_say(row, FINDING_OK, "", "", "the kernel takes all of them, in %u ms",
			   (unsigned)((clock_ns(CLOCK_MONOTONIC) - start_ns) / 1000000));
	else
		doctor_say(row, FINDING_MISSING, "Nothing can be traced.", err.hint, "%s", err.what);
	probe_close(probe);
}

void doctor_check_host(struct findings *f)
{
	check_kernel(f);
	check_types(f);
	check_features(f);
	check_capabilities(f);
	check_lockdown(f);
	check_samples(f);
	check_namespace(f);
	check_programs(f);
}
