/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `lgtrace`: set up, run until there is a reason to stop, sum up. One thread, one epoll loop over the ring
 * buffer, a timer and the signals.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "cmd/header.h"
#include "cmd/launch.h"
#include "cmd/targets.h"
#include "cmd/trace.h"
#include "model/model.h"
#include "probe/probe.h"
#include "render/render.h"
#include "source/live.h"
#include "target/kernel.h"
#include "target/rights.h"

#define NS_PER_S      1000000000ull
#define BEAT_NS       100000000 /* how often the ring buffer is read when nothing urgent is in it */
#define BEATS_PER_S   (NS_PER_S / BEAT_NS)
#define NO_LOOP_BEATS (3 * BEATS_PER_S) /* an idle or a slow loop has shown itself by then */

struct session {
	const struct trace_opts *opts;
	struct targets targets;
	struct launch launch;
	struct probe *probe;
	struct live *live;
	struct model *model;
	struct render render;
	int epoll_fd;
	int timer_fd;
	int signal_fd;
	uint64_t beats;
	uint64_t nr_summaries;
	bool is_done;
	bool noted_no_loop;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void note(const struct session *s, const char *text)
{
	if (!s->opts->quiet)
		fprintf(stderr, "lgtrace: %s\n", text);
}

/* --- from the stream to the views --- */

static void on_record(void *arg, const struct lg_head *rec)
{
	struct session *s = arg;

	model_feed(s->model, rec);
}

static void on_process_begin(void *arg, int pid, bool is_exec)
{
	struct session *s = arg;
	struct err err = {};

	if (is_exec)
		probe_detach_process(s->probe, pid);
	else if (probe_has_process(s->probe, pid))
		return;
	if (probe_attach_process(s->probe, pid, &err) && s->opts->verbose)
		note(s, err.what);
}

static void on_process_end(void *arg, int pid)
{
	struct session *s = arg;

	probe_detach_process(s->probe, pid);
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

static void on_stall(void *arg, const struct model_stall *stall)
{
	struct session *s = arg;

	if (!s->opts->quiet)
		render_stall(&s->render, stall);
}

static void on_request(void *arg, const struct model_done *done)
{
	struct session *s = arg;

	if (s->opts->requests)
		render_request(&s->render, done);
}

static int summarize(struct session *s)
{
	struct model_summary summary;
	int error = model_summary(s->model, clock_ns(CLOCK_MONOTONIC), &summary);

	if (error)
		return error;
	render_summary(&s->render, &summary);
	model_summary_fini(&summary);
	s->nr_summaries++;
	return 0;
}

/* --- set-up --- */

static int output_open(struct session *s, struct err *err)
{
	const char *path = s->opts->output;
	FILE *out = path ? fopen(path, "we") : stdout;

	if (!out)
		return err_set(err, EXIT_CODE_FAILED, errno, "cannot write to %s: %s", path, strerror(errno));
	s->render.ops = s->opts->json ? &render_json : &render_text;
	s->render.out = out;
	s->render.realtime_offset_ns = (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));
	text_style_init(&s->render.style, s->opts->colour, fileno(out));
	return 0;
}

static int host_check(struct err *err)
{
	struct rights rights;
	int error = rights_read(&rights);

	if (error)
		return err_set(err, EXIT_CODE_FAILED, -error, "cannot read the rights of this process: %s",
			       strerror(-error));
	error = rights_check(&rights, err);
	return error ? error : kernel_check_btf(NULL, err);
}

static int model_open(struct session *s, struct err *err)
{
	struct model_opts opts = {
		.threshold_ns = s->opts->threshold_ns,
		.id_header = s->opts->id_header,
		.route_patterns = (const char *const *)s->opts->route_patterns.items,
	};
	struct model_sink sink = {.arg = s, .stall = on_stall, .request = on_request};

	return model_new(&s->model, &opts, &sink, err);
}

static int targets_attach(struct session *s, struct err *err)
{
	int error = 0;

	for (size_t i = 0; i < s->targets.nr_pids && !error; i++)
		error = probe_add_process(s->probe, s->targets.pids[i], err);
	for (size_t i = 0; i < s->targets.nr_tids && !error; i++)
		error = probe_add_thread(s->probe, s->targets.tids[i], err);
	return error ? error : probe_attach(s->probe, s->targets.all, s->targets.nr_all, err);
}

static int probe_start(struct session *s, struct err *err)
{
	struct probe_opts opts = {
		.turn_ns = s->opts->threshold_ns,
		.edges = s->opts->probes,
		.follow = !s->opts->no_follow,
	};
	struct live_sink sink = {
		.arg = s,
		.record = on_record,
		.process_begin = on_process_begin,
		.process_end = on_process_end,
		.slot_free = on_slot_free,
	};
	int error = probe_open(&s->probe, &opts, err);

	if (!error)
		error = live_new(&s->live, probe_slots(s->probe), &sink, err);
	if (error)
		return error;
	probe_on_record(s->probe, on_raw, s);
	return targets_attach(s, err);
}

static int watch(struct session *s, int fd)
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
	s->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->epoll_fd < 0 || s->timer_fd < 0 || s->signal_fd < 0 || timerfd_settime(s->timer_fd, 0, &beat, NULL))
		error = -errno;
	if (!error)
		error = watch(s, s->timer_fd);
	if (!error)
		error = watch(s, s->signal_fd);
	if (!error)
		error = watch(s, probe_fd(s->probe));
	return error ? err_set(err, EXIT_CODE_FAILED, -error, "cannot set up the event loop: %s", strerror(-error)) : 0;
}

/* --- running --- */

static int totals_take(struct session *s)
{
	uint64_t counters[16];
	int error = probe_counters(s->probe, counters);

	if (!error)
		live_totals(s->live, counters);
	return error;
}

static void beat_second(struct session *s)
{
	const struct trace_opts *o = s->opts;
	uint64_t seconds = s->beats / BEATS_PER_S;

	live_reap(s->live);
	probe_refresh(s->probe);
	totals_take(s);
	if (o->interval_s && seconds % o->interval_s == 0) {
		summarize(s);
		if (o->count && s->nr_summaries >= o->count)
			s->is_done = true;
	}
	if (o->duration_s && seconds >= o->duration_s)
		s->is_done = true;
}

static void beat(struct session *s)
{
	uint64_t missed;

	if (read(s->timer_fd, &missed, sizeof(missed)) != sizeof(missed))
		return;
	/* Late beats are made up for one by one, so that no second is skipped. */
	for (; missed && !s->is_done; missed--)
		if (++s->beats % BEATS_PER_S == 0)
			beat_second(s);
	if (s->beats >= NO_LOOP_BEATS && !s->noted_no_loop && !live_loops_ever(s->live)) {
		char why[1024];

		s->noted_no_loop = true;
		note(s, targets_explain(&s->targets, why, sizeof(why)));
	}
	if (!live_threads(s->live) && s->beats > 1)
		s->is_done = true;
}

/* The first signal ends the run; from then on the default holds, so that a second one ends at once. */
static void on_signal(struct session *s)
{
	struct signalfd_siginfo info;
	sigset_t signals;

	if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	s->is_done = true;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &signals, NULL);
}

static int run(struct session *s)
{
	struct epoll_event events[4];
	int error = 0;

	while (!s->is_done && !error) {
		int n = epoll_wait(s->epoll_fd, events, 4, -1);

		if (n < 0 && errno != EINTR)
			return -errno;
		error = probe_consume(s->probe);
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == s->timer_fd)
				beat(s);
			else if (events[i].data.fd == s->signal_fd)
				on_signal(s);
		}
		if (!error)
			error = render_flush(&s->render);
	}
	return error;
}

static int finish(struct session *s)
{
	int error = probe_consume(s->probe);

	if (!error)
		error = totals_take(s);
	if (!error && (!s->opts->interval_s || !s->nr_summaries))
		error = summarize(s);
	return error ? error : render_flush(&s->render);
}

static int session_open(struct session *s, struct err *err)
{
	int error = targets_init(&s->targets, s->opts, err);

	if (!error)
		error = host_check(err);
	if (!error)
		error = output_open(s, err);
	if (!error && s->opts->command)
		error = launch_start(&s->launch, s->opts->command, !s->opts->output, err);
	if (!error && s->launch.pid)
		error = targets_add(&s->targets, s->launch.pid, err);
	if (!error)
		error = model_open(s, err);
	if (!error)
		error = probe_start(s, err);
	if (!error)
		error = loop_open(s, err);
	return error;
}

static void session_close(struct session *s)
{
	probe_close(s->probe);
	live_free(s->live);
	launch_end(&s->launch);
	model_free(s->model);
	targets_fini(&s->targets);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	if (s->timer_fd >= 0)
		close(s->timer_fd);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
	if (s->render.out && s->render.out != stdout)
		fclose(s->render.out);
}

/* A reader that went away is how `lgtrace | head` ends, not a failure. */
static int outcome(struct session *s, int error, struct err *err)
{
	if (error && error != -EPIPE)
		err_set(err, EXIT_CODE_FAILED, -error, "%s: %s",
			s->render.error ? "cannot write the output" : "tracing failed", strerror(-error));
	if (!error && !live_loops_ever(s->live) && s->noted_no_loop)
		return EXIT_CODE_NO_TARGET;
	return EXIT_CODE_OK;
}

static int trace_run(const struct trace_opts *opts, struct err *err)
{
	struct session s = {.opts = opts, .epoll_fd = -1, .timer_fd = -1, .signal_fd = -1};
	int code = EXIT_CODE_FAILED;
	int error = session_open(&s, err);

	if (error)
		goto out;
	/* After its exec, so that the header names the command and not its launcher. */
	if (s.launch.pid && launch_go(&s.launch, opts->command[0], err))
		goto out;
	header_print(&s.render, &s.targets, s.probe, opts->threshold_ns);
	error = render_flush(&s.render);
	if (!error)
		error = run(&s);
	if (!error)
		error = finish(&s);
	code = outcome(&s, error, err);
out:
	session_close(&s);
	return code;
}

int trace_main(int argc, char **argv, struct err *err)
{
	struct trace_opts opts = {.threshold_ns = 100000000};
	struct opt_rest rest = {};
	int code = EXIT_CODE_OK;
	int parsed = opt_parse(&trace_command, argc, argv, &opts, &rest, err);

	if (parsed > 0)
		opt_help(&trace_command, stdout);
	else if (!parsed && opts.version)
		printf("lgtrace %s\n", LG_VERSION);
	else if (parsed < 0 || trace_opts_check(&opts, &rest, err))
		code = EXIT_CODE_USAGE;
	else
		code = trace_run(&opts, err);
	opt_list_fini(&opts.pids);
	opt_list_fini(&opts.tids);
	opt_list_fini(&opts.route_patterns);
	return code;
}
