/* SPDX-License-Identifier: BSD-2-Clause */
/* The options of `lgtrace`: one table, from which parsing, --help, man page and completion come. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cmd/commands.h"
#include "cmd/gates.h"
#include "cmd/rows.h"
#include "model/baseline.h"
#include "render/words.h"
#include "source/file_writer.h"

#define MAX_HZ 10000 /* more would cost a noticeable part of what it measures */

const char *const rows_probe_words[] = {"auto", "syscall", "libc", NULL};
const char *const rows_colour_words[] = {"auto", "always", "never", NULL};
const char *const rows_stack_words[] = {"user", "kernel", "user,kernel", "none", NULL};

const char *const rows_cause_words[] = {
#define X(sym, nr, word, help) word,
	LG_CAUSES(X)
#undef X
#define X(sym, word, names_itself, name) word,
		MODEL_DETAILS_NAMED(X)
#undef X
			NULL,
};

static const struct opt trace_rows[] = {
	ROW_PID("What to trace"),
	ROW_TID,
	ROW_NO_FOLLOW,
	ROW_PROBES,
	ROW_THRESHOLD("What to tell", "100ms"),
	ROW_CUMULATIVE,
	ROW_EXCLUDE_PATH,
	ROW_ROUTE,
	ROW_METHOD,
	ROW_CAUSE,
	ROW_REQUESTS,
	ROW_STACK,
	ROW_MAX_FRAMES,
	ROW_FREQUENCY,
	ROW_BUDGET,
	ROW_DURATION,
	ROW_ID_HEADER("X-Request-ID"),
	ROW_ROUTE_PATTERN,
	ROW_FAIL_IF,
	ROW_JUNIT,
	ROW_JSON("How to tell it"),
	ROW_OUTPUT,
	ROW_COLOR,
	ROW_NO_HINTS,
	{"quiet", 'q', NULL, NULL, "No stall lines and no notes, only the summary", OPT_FLAG(struct trace_opts, quiet)},
	{"record", 0, "FILE", NULL, "Record to this file too, for lgtrace report",
	 OPT_STRING(struct trace_opts, record)},
	ROW_MAX_SIZE,
	ROW_VERBOSE,
	{"version", 'V', NULL, NULL, "Print the version and leave", OPT_FLAG(struct trace_opts, version)},
	{0},
};

static const char *const usage[] = {
	"lgtrace -p PID[,PID...] [OPTION]... [INTERVAL [COUNT]]",
	"lgtrace -t TID[,TID...] [OPTION]... [INTERVAL [COUNT]]",
	"lgtrace [OPTION]... -- COMMAND [ARGUMENT]...",
	NULL,
};

static const char *const description[] = {
	"Tells, from outside a running server, what keeps its event loop from looking at its events: how long, why, "
	"whose request did it and who had to wait. Nothing is injected into the server, and it is not stopped.",
	"Each stall is printed as it ends. A summary follows at the end (Ctrl-C), or every INTERVAL seconds: each "
	"loop with its utilisation and the lengths of its turns, each route with the time it held the loop and the "
	"time it waited for others, and the causes.",
	NULL,
};

static const struct opt_pair examples[] = {
	{"lgtrace -p 4711", "watch a server until Ctrl-C"},
	{"lgtrace -p 4711 --threshold 20ms -d 60", "stalls from 20 ms on, for a minute"},
	{"lgtrace -p 4711 --json -o stalls.jsonl", "for programs"},
	{"lgtrace -p 4711 -q 5", "a summary every 5 seconds"},
	{"lgtrace -p 4711 -d 30 --fail-if 'p99>50ms'", "a gate for a load test: exit status 3 if it holds"},
	{"lgtrace -- node server.js", "start a server and trace it from its first moment"},
	{0},
};

static const struct opt_pair exit_codes[] = {
	{"0", "all went well, also when the target ended"},
	{"1", "something failed; standard error says what"},
	{"2", "the command line is wrong"},
	{"3", "a --fail-if condition holds, or there was nothing to measure"},
	{"4", "not permitted: it takes root, or CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE"},
	{"5", "this kernel cannot"},
	{"6", "no such process, or no event loop in it"},
	{0},
};

static const struct opt_command *const subcommands[] = {
#define X(name) &name##_command,
	COMMANDS(X)
#undef X
		NULL,
};

const struct opt_command trace_command = {
	.name = "lgtrace",
	.summary = "tell what blocks an event loop, and whose request did it",
	.usage = usage,
	.description = description,
	.opts = trace_rows,
	.examples = examples,
	.exit_codes = exit_codes,
	.subcommands = subcommands,
	.date = "November 21, 2026",
	.max_args = 2,
	.takes_command = true,
};

/* `must`: what the word must be, in words. */
static int number_parse(const char *word, const char *must, uint64_t *out, struct err *err)
{
	char *end;

	errno = 0;
	*out = strtoull(word, &end, 10);
	if (!errno && *out && !*end && word[0] != '-')
		return 0;
	err_hint(err, "as in vmstat: lgtrace -p PID 5 10 prints ten summaries, five seconds apart");
	return err_set(err, EXIT_CODE_USAGE, EINVAL, "%s, not \"%s\"", must, word);
}

int trace_opts_check_targets(const struct trace_opts *o, const char *usage, struct err *err)
{
	if (!o->threshold_ns) {
		err_hint(err, "try --threshold 1ms");
		return err_set(err, EXIT_CODE_USAGE, EINVAL, "the threshold must be longer than nothing");
	}
	if (o->sample_hz != TRACE_HZ_AUTO && (!o->sample_hz || o->sample_hz > MAX_HZ)) {
		err_hint(err, "500 is one look in 2 ms");
		return err_set(err, EXIT_CODE_USAGE, EINVAL, "the frequency must be from 1 to %d", MAX_HZ);
	}
	if (o->record && o->max_size < FILE_SIZE_MIN) {
		err_hint(err, "try --max-size 100M");
		return err_set(err, EXIT_CODE_USAGE, EINVAL, "a recording needs at least 2M");
	}
	if (!o->pids.count && !o->tids.count && !o->command) {
		err_hint(err, "%s -p PID, or %s -- COMMAND; %s --help tells more", usage, usage, usage);
		return err_set(err, EXIT_CODE_USAGE, EINVAL, "nothing to trace was named");
	}
	return 0;
}

int interval_parse(const struct opt_rest *rest, uint64_t *interval_s, uint64_t *count, struct err *err)
{
	int error = 0;

	if (rest->nr_args > 0)
		error = number_parse(rest->args[0], "the interval must be seconds, a whole number from 1 on",
				     interval_s, err);
	if (!error && rest->nr_args > 1)
		error = number_parse(rest->args[1], "the count must be a whole number from 1 on", count, err);
	return error;
}

int trace_opts_check(struct trace_opts *o, const struct opt_rest *rest, struct err *err)
{
	int error = interval_parse(rest, &o->interval_s, &o->count, err);

	o->command = rest->command;
	if (!error)
		error = gates_check_opts(o, err);
	return error ? error : trace_opts_check_targets(o, "lgtrace", err);
}

int trace_take_threshold(const char *value, void *result, struct err *err)
{
	struct trace_opts *o = result;

	o->is_auto = strcmp(value, "auto") == 0;
	if (o->is_auto)
		o->threshold_ns = BASELINE_START_NS;
	else if (units_parse_duration(value, &o->threshold_ns)) {
		err_hint(err, "write a number and its unit, such as 250us, 100ms, 1.5s, or auto");
		return -EINVAL;
	}
	return 0;
}

/* "200ms/1s" */
static int cumulative_parse(const char *value, uint64_t *sum_ns, uint64_t *window_ns)
{
	const char *slash = strchr(value, '/');
	char sum[32];

	if (!slash || (size_t)(slash - value) >= sizeof(sum))
		return -EINVAL;
	snprintf(sum, sizeof(sum), "%.*s", (int)(slash - value), value);
	if (units_parse_duration(sum, sum_ns) || units_parse_duration(slash + 1, window_ns))
		return -EINVAL;
	return *sum_ns && *window_ns >= *sum_ns ? 0 : -EINVAL;
}

int trace_take_cumulative(const char *value, void *result, struct err *err)
{
	struct trace_opts *o = result;
	int error = cumulative_parse(value, &o->cumulative_ns, &o->cumulative_window_ns);

	if (error)
		err_hint(err, "write a sum and the time in which it must come together, such as 200ms/1s");
	return error;
}

/* "1%", "0.5%", "none" */
int trace_take_budget(const char *value, void *result, struct err *err)
{
	struct trace_opts *o = result;
	char *end;
	double percent = strtod(value, &end);
	bool is_number = end != value && value[0] >= '0' && value[0] <= '9';

	o->budget_ppm = 0;
	if (!strcmp(value, "none"))
		return 0;
	if (is_number && percent >= 0.001 && percent <= 100 && (!strcmp(end, "%") || !*end)) {
		o->budget_ppm = (uint64_t)(percent * 10000 + 0.5);
		return 0;
	}
	err_hint(err, "write a share of CPU time, such as 10%% or 0.5%%, or none");
	return -EINVAL;
}

static bool is_word(const char *word, const char *text, size_t len)
{
	return word && strlen(word) == len && strncmp(word, text, len) == 0;
}

static bool cause_take(struct trace_opts *o, const char *text, size_t len)
{
	uint32_t causes = 0, details = 0;

	for (int i = 0; i < LG_NR_CAUSES; i++)
		causes |= is_word(words_cause(i), text, len) ? 1u << i : 0;
	for (int i = 0; i < MODEL_NR_DETAILS; i++)
		details |= is_word(words_detail(i), text, len) ? 1u << i : 0;
	o->causes |= causes;
	o->details |= details;
	return causes || details;
}

int trace_take_cause(const char *value, void *result, struct err *err)
{
	struct trace_opts *o = result;

	for (;; value++) {
		size_t len = strcspn(value, ",");

		if (!cause_take(o, value, len)) {
			err_hint(err,
				 "cpu, syscall, lock, gil, gc, fault, io, runqueue, throttled or stopped; or what it "
				 "was about: import, sleep, dns, tls, command, sync, file, peer, pipe or futex");
			return -EINVAL;
		}
		value += len;
		if (!*value)
			return 0;
	}
}

void trace_opts_fini(struct trace_opts *o)
{
	opt_list_fini(&o->exclude_paths);
	opt_list_fini(&o->fail_if);
	opt_list_fini(&o->routes);
	opt_list_fini(&o->methods);
	opt_list_fini(&o->pids);
	opt_list_fini(&o->tids);
	opt_list_fini(&o->route_patterns);
}
