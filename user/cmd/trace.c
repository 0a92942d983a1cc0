/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `lgtrace`: run until there is a reason to stop, sum up. One thread, one epoll loop over the ring buffer, a
 * timer and the signals.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cmd/gates.h"
#include "cmd/header.h"
#include "cmd/session.h"

#define NO_LOOP_BEATS (3 * BEATS_PER_S) /* an idle or a slow loop has shown itself by then */

/* Its time is a tick of the stream's, so that a recording ends when this run did. */
static int summarize(struct session *s)
{
	uint64_t now_ns = live_tick(s->live);
	int error = view_summary(&s->view, now_ns);

	s->nr_summaries++;
	return !error && s->opts->interval_s ? view_restart(&s->view, now_ns) : error;
}

static void beat_second(struct session *s)
{
	const struct trace_opts *o = s->opts;
	uint64_t seconds = s->beats / BEATS_PER_S;

	live_clock(s->live, clock_offset_ns());
	live_reap(s->live);
	probe_refresh(s->probe);
	session_totals(s);
	if (o->interval_s && seconds % o->interval_s == 0) {
		summarize(s);
		if (o->count && s->nr_summaries >= o->count)
			s->is_done = true;
	}
	if (o->duration_s && seconds >= o->duration_s)
		s->is_done = true;
}

/* Once: says what the threads of the targets do instead. */
static void no_loop_note(struct session *s)
{
	char why[1024];

	if (s->noted_no_loop || live_loops_ever(s->live))
		return;
	s->noted_no_loop = true;
	session_note(s, targets_explain(&s->targets, why, sizeof(why)));
}

static void beat(struct session *s)
{
	uint64_t missed;

	if (read(s->timer_fd, &missed, sizeof(missed)) != sizeof(missed))
		return;
	live_tick(s->live);
	session_spend(s);
	session_watch_turns(s);
	/* Late beats are made up for one by one, so that no second is skipped. */
	for (; missed && !s->is_done; missed--)
		if (++s->beats % BEATS_PER_S == 0)
			beat_second(s);
	if (s->beats >= NO_LOOP_BEATS)
		no_loop_note(s);
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
		int n = epoll_wait(s->epoll_fd, events, 4, probe_is_behind(s->probe) ? 0 : -1);

		if (n < 0 && errno != EINTR)
			return -errno;
		error = session_consume(s);
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == s->timer_fd)
				beat(s);
			else if (events[i].data.fd == s->watch_fd)
				session_on_due(s);
			else if (events[i].data.fd == s->signal_fd)
				on_signal(s);
		}
		if (!error)
			error = view_flush(&s->view);
	}
	return error;
}

static int finish(struct session *s)
{
	int error = session_consume(s);

	if (!error)
		error = session_totals(s);
	view_flush_model(&s->view);
	if (!error && (!s->opts->interval_s || !s->nr_summaries))
		error = summarize(s);
	session_record_finish(s);
	return error ? error : view_flush(&s->view);
}

/* A reader that went away is how `lgtrace | head` ends, not a failure. */
static int outcome(struct session *s, int error, struct err *err)
{
	int code;

	if (error && error != -EPIPE)
		err_set(err, EXIT_CODE_FAILED, -error, "%s: %s",
			s->view.render.error ? "cannot write the output" : "tracing failed", strerror(-error));
	session_record_tell(s);
	if (s->record_error)
		return EXIT_CODE_FAILED;
	code = error ? EXIT_CODE_OK : gates_finish(s->opts, &s->view, clock_ns(CLOCK_MONOTONIC), err);
	if (code || error || live_loops_ever(s->live))
		return code;
	no_loop_note(s);
	return EXIT_CODE_NO_TARGET;
}

/* From now on nothing is missed: says so, and begins the recording. */
static int begin(struct session *s, struct err *err)
{
	struct header *header = header_new_live(&s->targets, s->probe, s->opts);
	int error = 0;

	if (!header)
		return err_set(err, EXIT_CODE_FAILED, ENOMEM, "no memory left");
	if (s->opts->record)
		error = session_record_begin(s, header, err);
	if (!error && !s->opts->no_views) {
		s->view.render.threshold_ns = s->opts->threshold_ns;
		s->view.render.is_auto = s->opts->is_auto;
		if (!s->opts->quiet || s->opts->json)
			render_begin(&s->view.render, &header->told);
	}
	header_free(header);
	return error;
}

int trace_run(const struct trace_opts *opts, struct err *err)
{
	struct session s = {.opts = opts, .epoll_fd = -1, .timer_fd = -1, .watch_fd = -1, .signal_fd = -1};
	int code = EXIT_CODE_FAILED;
	int error = session_open(&s, err);

	if (error)
		goto out;
	/* After its exec, so that the header names the command and not its launcher. */
	if (s.launch.pid && launch_go(&s.launch, opts->command[0], err))
		goto out;
	if (begin(&s, err))
		goto out;
	error = view_flush(&s.view);
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
	struct trace_opts opts = TRACE_OPTS_DEFAULT;
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
	trace_opts_fini(&opts);
	return code;
}
