/* SPDX-License-Identifier: BSD-2-Clause */
/* Set-up in the order in which things can fail for the user: words, targets, rights, kernel, probes. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "cmd/session.h"
#include "model/baseline.h"
#include "render/budget.h"
#include "target/hanging.h"
#include "target/kernel.h"
#include "target/rights.h"
#include "target/runtime.h"

void session_note(const struct session *s, const char *text)
{
	if (!s->opts->quiet)
		fprintf(stderr, "lgtrace: %s\n", text);
}

/* From the stream to the views. */

static void on_record(void *arg, const struct lg_head *rec)
{
	struct session *s = arg;

	session_record_add(s, rec);
	view_feed(&s->view, rec);
}

static void on_process_begin(void *arg, int pid, bool is_exec)
{
	struct session *s = arg;

	if (!is_exec && probe_has_process(s->probe, pid))
		return;
	table_del(&s->runtimes, pid);
	if (is_exec)
		probe_detach_process(s->probe, pid);
	table_put(&s->due, pid, s);
}

static void on_process_end(void *arg, int pid)
{
	struct session *s = arg;

	table_del(&s->due, pid);
	table_del(&s->runtimes, pid);
	probe_detach_process(s->probe, pid);
}

static void process_attach_due(struct session *s, int pid)
{
	struct err err = {};

	if (table_del(&s->due, pid) && probe_attach_process(s->probe, pid, &err) && s->opts->verbose)
		session_note(s, err.what);
}

int session_consume(struct session *s)
{
	int error = probe_consume(s->probe);
	size_t pos = 0;
	uint64_t pid;
	void *due;

	while (table_next(&s->due, &pos, &pid, &due))
		process_attach_due(s, pid);
	return error;
}

/* Where no line of the output tells it. */
static void spend_note(const struct session *s, const struct lg_rec_budget *rec)
{
	const struct model_budget told = {.level = rec->level, .before = rec->before, .limit_ppm = rec->limit_ppm};
	bool is_quiet = s->opts->quiet && !s->opts->ops;
	char text[BUDGET_LEN];

	if (!is_quiet && !s->view.has_stalls && !s->view.sink)
		fprintf(stderr, "lgtrace: %s\n", budget_format(text, sizeof(text), &told));
}

int session_totals(struct session *s)
{
	uint64_t counters[16];
	int error = probe_counters(s->probe, counters);

	if (!error)
		live_totals(s->live, counters);
	return error;
}

/* What was made before the change goes before the record that tells of it. */
void session_spend(struct session *s)
{
	struct lg_rec_budget rec;

	if (!meter_beat(&s->meter, s->probe, s->live, &rec))
		return;
	session_consume(s);
	live_budget(s->live, &rec);
	spend_note(s, &rec);
}

void session_watch_turns(struct session *s)
{
	uint64_t due_ns = live_watch(s->live, s->opts->threshold_ns + MODEL_STUCK_AFTER_NS);
	struct itimerspec at = {.it_value = {.tv_sec = due_ns / NS_PER_S, .tv_nsec = due_ns % NS_PER_S}};

	if (due_ns != UINT64_MAX)
		timerfd_settime(s->watch_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

void session_on_due(struct session *s)
{
	uint64_t missed;

	if (read(s->watch_fd, &missed, sizeof(missed)) == sizeof(missed))
		session_watch_turns(s);
}

/* A version that is not known, another build (free-threaded, say), or one that runs no asyncio. */
static void runtime_note(const struct session *s, int pid)
{
	char text[160];

	snprintf(text, sizeof(text),
		 "the runtime of PID %d cannot be asked whose code runs: the order of reads and writes has to do", pid);
	session_note(s, text);
}

/* What is in session.runtimes; nothing where another look may find more, as while a program still begins. */
enum runtime_found {
	RUNTIME_ASKED = 1,
	RUNTIME_NONE,
};

/* What was read of its files and memory goes to the programs. Returns whether its runtime can be asked. */
static bool runtime_take(struct session *s, int pid, const struct lg_runtime_info *info, int error)
{
	if (s->stacks && runtime_has_frames(info, error))
		probe_set_stack_runtime(s->probe, pid, info);
	if (!error) {
		process_attach_due(s, pid);
		probe_set_runtime(s->probe, pid, info);
		table_put(&s->runtimes, pid, (void *)RUNTIME_ASKED);
	} else if (error == -ENOTSUP) {
		table_put(&s->runtimes, pid, (void *)RUNTIME_NONE);
	}
	return !error;
}

static bool runtime_look(struct session *s, int pid)
{
	struct lg_runtime_info info = {};
	int error = runtime_find(&info, pid);

	if (s->stacks && runtime_has_frames(&info, error) && stacks_set_runtime(s->stacks, pid, &info))
		return false;
	if (error && s->opts->verbose && (info.kind == LG_RT_CPYTHON || info.kind == LG_RT_NODE))
		runtime_note(s, pid);
	return runtime_take(s, pid, &info, error);
}

/* A runtime that cannot be asked leaves the rules of reads and writes. */
static void on_loop_found(void *arg, int pid, int tid)
{
	struct session *s = arg;
	uintptr_t found = (uintptr_t)table_get(&s->runtimes, pid);
	bool is_asked = found ? found == RUNTIME_ASKED : runtime_look(s, pid);

	if (is_asked || s->stacks)
		probe_sample_thread(s->probe, pid, tid);
	if (s->stacks)
		stacks_prepare(s->stacks, pid);
}

static void on_look(void *arg, int tid)
{
	struct session *s = arg;

	if (!probe_look(s->probe, tid))
		probe_consume(s->probe);
}

static void on_slot_free(void *arg, uint32_t slot)
{
	struct session *s = arg;

	probe_slot_free(s->probe, slot);
}

static int on_raw(void *arg, const void *data, size_t size)
{
	struct session *s = arg;

	return live_take(s->live, data, size);
}

/* Set-up. */

static int host_check(struct err *err)
{
	struct rights rights;
	int error = rights_read(&rights);

	if (error)
		return err_set(err, EXIT_CODE_FAILED, -error, "cannot read the rights of this process: %s",
			       strerror(-error));
	error = rights_check(&rights, err);
	if (!error)
		error = kernel_check_pids(NULL, err);
	return error ? error : kernel_check_btf(NULL, err);
}

static int view_open(struct session *s, struct err *err)
{
	int error;

	if (s->opts->no_views)
		return 0;
	if (s->view.sink)
		return view_open_model(&s->view, s->opts, err);
	error = view_open_output(&s->view, s->opts, clock_offset_ns(), err);
	return error ? error : view_open_model(&s->view, s->opts, err);
}

/* Where another look may find more, its loop is waited for. */
static void ahead_take(struct session *s)
{
	for (size_t i = 0; i < s->ahead.nr; i++) {
		const struct runtime_ahead *r = &s->ahead.v[i];

		if (!r->error || runtime_has_frames(&r->info, r->error))
			runtime_take(s, r->pid, &r->info, r->error);
	}
}

/* What hangs already. Edges are seen by now, so a turn that is only busy ends where it does. */
static int loops_presume(struct session *s, struct err *err)
{
	int error = 0;

	for (size_t i = 0; i < s->targets.nr_pids && !error; i++) {
		int pid = s->targets.pids[i];

		if (!live_is_loop(s->live, pid) && hanging_is_likely(pid, runtimes_kind(&s->ahead, pid),
								     s->stacks && stacks_is_in_loop(s->stacks, pid)))
			error = probe_presume_loop(s->probe, pid, err);
	}
	return error;
}

static int targets_attach(struct session *s, struct err *err)
{
	int error = 0;

	ahead_take(s);
	for (size_t i = 0; i < s->targets.nr_pids && !error; i++)
		error = probe_add_process(s->probe, s->targets.pids[i], err);
	for (size_t i = 0; i < s->targets.nr_tids && !error; i++)
		error = probe_add_thread(s->probe, s->targets.tids[i], err);
	if (!error)
		error = probe_attach(s->probe, s->targets.all, s->targets.nr_all, err);
	return error ? error : loops_presume(s, err);
}

/*
 * The runtimes among the targets that can be asked. Of a command that is only going to run nothing is known yet, so
 * it is prepared for all of them.
 */
static uint32_t runtimes_to_ask(const struct session *s)
{
	struct runtime runtime;
	uint32_t ask = 0;

	if (s->launch.pid)
		return LG_ASK_PYTHON | LG_ASK_NODE | LG_ASK_NATIVE;
	for (size_t i = 0; i < s->targets.nr_all; i++) {
		if (runtime_detect(&runtime, s->targets.all[i]))
			continue;
		if (runtime.kind == LG_RT_CPYTHON)
			ask |= LG_ASK_PYTHON;
		if (runtime.kind == LG_RT_NODE)
			ask |= LG_ASK_NODE;
		if (runtime.kind == LG_RT_NGINX || runtime.kind == LG_RT_REDIS)
			ask |= LG_ASK_NATIVE;
	}
	return ask;
}

/* A recording may be looked at with a lower threshold than the one of today. */
#define RECORD_TURN_NS 10000000

/* Stacks are taken from half of it on: of the holds that are worth telling among those that add up. */
#define CUMULATIVE_TURN_NS 4000000

uint64_t session_turn_ns(const struct trace_opts *opts)
{
	uint64_t lowest_ns = opts->is_auto ? BASELINE_FLOOR_NS : opts->threshold_ns;

	if (opts->cumulative_ns && lowest_ns > CUMULATIVE_TURN_NS)
		lowest_ns = CUMULATIVE_TURN_NS;
	return opts->record && lowest_ns > RECORD_TURN_NS ? RECORD_TURN_NS : lowest_ns;
}

static uint32_t stack_parts(const struct trace_opts *o)
{
	static const uint32_t parts[] = {
		[TRACE_STACK_USER] = LG_STACK_USER,
		[TRACE_STACK_KERNEL] = LG_STACK_KERNEL,
		[TRACE_STACK_BOTH] = LG_STACK_USER | LG_STACK_KERNEL,
		[TRACE_STACK_NONE] = 0,
	};

	return parts[o->stack];
}

static int probe_start(struct session *s, struct err *err)
{
	struct probe_opts opts = {
		.turn_ns = session_turn_ns(s->opts),
		.edges = s->opts->probes,
		.ask = runtimes_to_ask(s),
		.stack = stack_parts(s->opts),
		.sample_hz = s->opts->sample_hz == TRACE_HZ_AUTO ? 0 : s->opts->sample_hz,
		.follow = !s->opts->no_follow,
	};
	struct live_sink sink = {
		.arg = s,
		.record = on_record,
		.process_begin = on_process_begin,
		.process_end = on_process_end,
		.loop_found = on_loop_found,
		.look = on_look,
		.slot_free = on_slot_free,
	};
	int error;

	/* Where every call's return is seen, whoever blocked is asked once it is known that it was for long. */
	if (opts.ask && opts.edges == PROBE_EDGES_AUTO)
		opts.edges = PROBE_EDGES_SYSCALL;
	if (opts.stack && stacks_new(&s->stacks, s->opts->max_frames))
		return err_set(err, EXIT_CODE_FAILED, ENOMEM, "no memory left");
	if (!s->launch.pid)
		runtimes_begin(&s->ahead, s->stacks, s->targets.all, s->targets.nr_all);
	error = probe_open(&s->probe, &opts, err);
	runtimes_end(&s->ahead);
	if (!error)
		error = live_new(&s->live, probe_slots(s->probe), &sink, err);
	if (error)
		return error;
	live_set_stacks(s->live, s->stacks);
	probe_on_record(s->probe, on_raw, s);
	return targets_attach(s, err);
}

int session_watch(struct session *s, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int loop_open(struct session *s, struct err *err)
{
	struct itimerspec beat = {{0, BEAT_NS}, {0, BEAT_NS}};
	sigset_t signals;
	int error = 0;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	s->watch_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	s->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->epoll_fd < 0 || s->timer_fd < 0 || s->watch_fd < 0 || s->signal_fd < 0 ||
	    timerfd_settime(s->timer_fd, 0, &beat, NULL))
		error = -errno;
	if (!error)
		error = session_watch(s, s->timer_fd);
	if (!error)
		error = session_watch(s, s->watch_fd);
	if (!error)
		error = session_watch(s, s->signal_fd);
	if (!error)
		error = session_watch(s, probe_fd(s->probe));
	return error ? err_set(err, EXIT_CODE_FAILED, -error, "cannot set up the event loop: %s", strerror(-error)) : 0;
}

int session_open(struct session *s, struct err *err)
{
	int error = targets_init(&s->targets, s->opts, err);

	if (!error)
		error = host_check(err);
	if (!error)
		error = view_open(s, err);
	if (!error && s->opts->record)
		error = file_writer_open(&s->recording, s->opts->record, err);
	if (!error && s->opts->command)
		error = launch_start(&s->launch, s->opts->command, !s->opts->output && !s->opts->no_views, err);
	if (!error && s->launch.pid)
		error = targets_add(&s->targets, s->launch.pid, err);
	if (!error)
		error = probe_start(s, err);
	if (!error)
		error = loop_open(s, err);
	if (!error)
		meter_init(&s->meter, s->opts->budget_ppm, s->live);
	return error;
}

void session_close(struct session *s)
{
	probe_close(s->probe);
	live_free(s->live);
	table_fini(&s->due);
	table_fini(&s->runtimes);
	meter_fini(&s->meter);
	stacks_free(s->stacks);
	launch_end(&s->launch);
	view_close(&s->view, NULL);
	file_writer_close(s->recording);
	targets_fini(&s->targets);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	if (s->timer_fd >= 0)
		close(s->timer_fd);
	if (s->watch_fd >= 0)
		close(s->watch_fd);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
}
