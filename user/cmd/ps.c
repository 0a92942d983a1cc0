/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `lgtrace ps`: the event loops of the host, from a look at the scheduler. It traces nobody, so it may run where even
 * a tracepoint at system calls would be too much.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/commands.h"
#include "cmd/rows.h"
#include "probe/scan.h"
#include "render/found.h"
#include "target/rights.h"
#include "target/runtime.h"

struct ps_opts {
	uint64_t duration_s;
	uint64_t interval_s; /* 0: one table, after duration_s */
	uint64_t count;      /* tables, with an interval; 0: without end */
	unsigned colour;     /* enum text_when */
	bool json;
};

static const struct opt ps_rows[] = {
	{"duration", 'd', "SECONDS", NULL, "Watch for this time before the table is printed", .preset = "1",
	 OPT_U64(struct ps_opts, duration_s)},
	{"json", 'j', NULL, NULL, "Print JSON, one object a loop", OPT_FLAG(struct ps_opts, json)},
	{"color", 0, "WHEN", NULL, "Colour the output; NO_COLOR is respected", .preset = "auto",
	 OPT_CHOICE(struct ps_opts, colour, rows_colour_words)},
	{0},
};

static const char *const usage[] = {"lgtrace ps [OPTION]... [INTERVAL [COUNT]]", NULL};

static const char *const description[] = {
	"Lists the threads of this host that are event loops: those that wait in epoll or io_uring, or sleep mostly in "
	"poll or select. UTIL% is the share of the time in which a loop did anything else than wait for events, the "
	"busiest first; SWITCHES/s is how often it left the CPU; WAIT-CALL is the system call that it waits in.",
	"It watches switches of the scheduler and nothing else. With INTERVAL a table follows every so many seconds, "
	"each of that interval alone.",
	NULL,
};

static const struct opt_pair examples[] = {
	{"lgtrace ps", "which event loops run here, and how busy they are"},
	{"lgtrace ps 5", "every five seconds"},
	{0},
};

const struct opt_command ps_command = {
	.name = "ps",
	.summary = "list the event loops of this host and how busy they are",
	.usage = usage,
	.description = description,
	.opts = ps_rows,
	.examples = examples,
	.max_args = 2,
};

/* One look at the host: what the kernel told, sorted by thread. */
struct look {
	struct lg_scan *threads;
	size_t nr;
};

static int id_compare(const void *key, const void *entry)
{
	const struct lg_scan *x = key, *y = entry;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

/* What was told of the same thread before, NULL: nothing. Ids are used again, starting times are not. */
static const struct lg_scan *look_find(const struct look *look, const struct lg_scan *thread)
{
	const struct lg_scan *found =
		look->nr ? bsearch(thread, look->threads, look->nr, sizeof(*thread), id_compare) : NULL;

	return found && found->since_ns == thread->since_ns ? found : NULL;
}

static void loop_fill(struct found_loop *out, const struct lg_scan *now, const struct lg_scan *before)
{
	*out = (struct found_loop){
		.pid = now->pid,
		.tid = now->tid,
		.wait_nr = now->wait_nr,
		.elapsed_ns = now->now_ns - (before ? before->now_ns : now->since_ns),
		.idle_ns = now->idle_ns - (before ? before->idle_ns : 0),
		.nr_switches = now->nr_switches - (before ? before->nr_switches : 0),
	};
	memcpy(out->comm, now->comm, sizeof(out->comm));
}

static void runtimes_fill(struct found_loop *loops, size_t nr)
{
	struct runtime runtime = {};

	for (size_t i = 0; i < nr; i++) {
		if (!i || loops[i].pid != loops[i - 1].pid) {
			runtime = (struct runtime){};
			runtime_detect(&runtime, loops[i].pid);
		}
		loops[i].runtime = runtime.kind;
		loops[i].version = runtime.version;
	}
}

static int loops_print(const struct ps_opts *o, const struct look *now, const struct look *before, bool is_first,
		       struct err *err)
{
	struct found_loop *loops = calloc(now->nr + 1, sizeof(*loops));
	struct text_style style;
	size_t nr = 0;

	if (!loops)
		return err_set(err, EXIT_CODE_FAILED, ENOMEM, "no memory left");
	for (size_t i = 0; i < now->nr; i++) {
		const struct lg_scan *past = look_find(before, &now->threads[i]);

		if (scan_is_loop(&now->threads[i], past))
			loop_fill(&loops[nr++], &now->threads[i], past);
	}
	runtimes_fill(loops, nr);
	found_sort(loops, nr);
	text_style_init(&style, o->colour, STDOUT_FILENO);
	if (o->json) {
		found_print_json(stdout, clock_ns(CLOCK_REALTIME), loops, nr);
	} else {
		fputs(is_first ? "" : "\n", stdout);
		found_print(stdout, &style, loops, nr);
	}
	free(loops);
	return fflush(stdout) ? -errno : 0;
}

static int tables_print(struct scan *scan, const struct ps_opts *o, struct err *err)
{
	struct timespec pause = {.tv_sec = o->interval_s ? o->interval_s : o->duration_s};
	uint64_t count = o->interval_s ? o->count : 1;
	struct look before = {}, now = {};
	int error = scan_start(scan, err);

	for (uint64_t i = 0; !error && (!count || i < count); i++) {
		nanosleep(&pause, NULL);
		error = scan_read(scan, &now.threads, &now.nr, err);
		if (!error)
			error = loops_print(o, &now, &before, !i, err);
		free(before.threads);
		before = now;
		now = (struct look){};
	}
	free(before.threads);
	return error;
}

static int ps_run(const struct ps_opts *o, struct err *err)
{
	struct rights rights = {};
	struct scan *scan = NULL;
	int error = rights_read(&rights);

	if (!error)
		error = rights_check(&rights, err);
	if (!error)
		error = scan_open(&scan, err);
	if (!error)
		error = tables_print(scan, o, err);
	scan_close(scan);
	if (!error || error == -EPIPE)
		return EXIT_CODE_OK;
	err_set(err, EXIT_CODE_FAILED, -error, "cannot list the loops: %s", strerror(-error));
	return EXIT_CODE_FAILED;
}

int ps_main(int argc, char **argv, struct err *err)
{
	struct ps_opts opts = {.duration_s = 1};
	struct opt_rest rest;
	int parsed = opt_parse(&ps_command, argc, argv, &opts, &rest, err);

	if (parsed > 0) {
		opt_help(&ps_command, stdout);
		return EXIT_CODE_OK;
	}
	if (parsed < 0 || interval_parse(&rest, &opts.interval_s, &opts.count, err))
		return EXIT_CODE_USAGE;
	return ps_run(&opts, err);
}
