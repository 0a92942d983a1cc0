/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instruction report: loads every BPF program, attaches none, and prints a row for each: its id, its
 * instructions in the kernel, what the verifier had to process for them, how long that took, and the stack that its
 * deepest chain of calls takes. Once with an empty configuration, once with one that keeps every branch.
 * Fails when a program does not load, costs the verifier more than MAX_PROCESSED or takes more stack than any
 * kernel's verifier allows.
 * usage: load   (as root)
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "lg_config.h"
#include "lg_record.h"
#include "lgtrace.skel.h"
#include "stack.h"

/* Half of what kernels accept: room for another compiler. Linux 6.1 takes nearly twice the steps of later ones. */
#define MAX_PROCESSED 500000

#define MAX_PROGS 64
#define LOG_SIZE  (1024 * 1024)
#define LOG_STATS 4 /* the verifier's figures, without its steps */

static char *logs[MAX_PROGS];

static int log_print(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, args) : 0;
}

static int logs_set(struct bpf_object *obj)
{
	struct bpf_program *prog;
	int n = 0;

	bpf_object__for_each_program(prog, obj)
	{
		if (n == MAX_PROGS)
			return -E2BIG;
		if (!logs[n])
			logs[n] = malloc(LOG_SIZE);
		if (!logs[n])
			return -ENOMEM;
		logs[n][0] = 0;
		bpf_program__set_log_buf(prog, logs[n++], LOG_SIZE);
		bpf_program__set_log_level(prog, LOG_STATS);
	}
	return 0;
}

/* The number behind a word in the verifier's figures; 0: not told. */
static unsigned long log_figure(const char *log, const char *word)
{
	const char *at = strstr(log, word);

	return at ? strtoul(at + strlen(word), NULL, 10) : 0;
}

static int prog_report(const struct bpf_program *prog, const char *log)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int stack = stack_deepest(prog);
	unsigned long processed;

	if (bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size)) {
		fprintf(stderr, "load: %s: no information: %s\n", bpf_program__name(prog), strerror(errno));
		return -errno;
	}
	processed = info.verified_insns ? info.verified_insns : log_figure(log, "processed ");
	printf("%6u  %-20s %-26s %8u %10lu %8lu %6d\n", info.id, bpf_program__name(prog),
	       bpf_program__section_name(prog), info.xlated_prog_len / 8, processed,
	       log_figure(log, "verification time "), stack);
	if (!processed || processed > MAX_PROCESSED) {
		fprintf(stderr, "load: %s: the verifier processed %lu instructions, at most %d are meant to do\n",
			bpf_program__name(prog), processed, MAX_PROCESSED);
		return -EOVERFLOW;
	}
	if (stack <= 0 || stack > STACK_MAX) {
		fprintf(stderr, "load: %s: its deepest chain of calls takes %d bytes of stack, kernels allow %d\n",
			bpf_program__name(prog), stack, STACK_MAX);
		return -EOVERFLOW;
	}
	return 0;
}

static int progs_report(struct bpf_object *obj)
{
	struct bpf_program *prog;
	int error = 0, n = 0;

	printf("%6s  %-20s %-26s %8s %10s %8s %6s\n", "id", "program", "section", "insns", "processed", "usec",
	       "stack");
	bpf_object__for_each_program(prog, obj)
	{
		int failed = prog_report(prog, logs[n++]);

		error = error ? error : failed;
	}
	return error;
}

static int load_failed(const char *title, int error)
{
	const char *log = NULL;

	/* Programs are loaded one by one: the last log there is tells why. */
	for (int i = 0; i < MAX_PROGS && logs[i]; i++)
		if (logs[i][0])
			log = logs[i];
	fprintf(stderr, "%sload: %s: %s\n", log ? log : "", title, strerror(-error));
	return error;
}

static int config_load(const char *title, bool all)
{
	struct lgtrace_bpf *skel = lgtrace_bpf__open();
	int error = skel ? logs_set(skel->obj) : -errno;

	if (error)
		goto out;
	if (all) {
		skel->rodata->config.capture = LG_CAPTURE_MAX;
		skel->rodata->config.follow = 1;
		skel->rodata->config.stack = LG_STACK_USER | LG_STACK_KERNEL;
		skel->rodata->config.ask = LG_ASK_PYTHON | LG_ASK_NODE | LG_ASK_NATIVE;
	}
	error = lgtrace_bpf__load(skel);
out:
	if (error)
		load_failed(title, error);
	else
		printf("# %s\n", title);
	error = error ? error : progs_report(skel->obj);
	lgtrace_bpf__destroy(skel);
	return error;
}

int main(void)
{
	int error;

	libbpf_set_print(log_print);
	error = config_load("default", false);
	if (!error)
		error = config_load("every branch", true);
	for (int i = 0; i < MAX_PROGS; i++)
		free(logs[i]);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
