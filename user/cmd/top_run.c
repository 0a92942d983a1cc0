/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A run of `top`: a session whose stalls and requests go onto a board, a timer that refreshes it, and keys. Loops are
 * looked for at the start and every few seconds, unless the targets were named.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "cmd/session.h"
#include "cmd/terminal.h"
#include "cmd/top.h"
#include "probe/scan.h"
#include "target/cgroup.h"
#include "target/kernel.h"
#include "target/proc.h"

#define FIRST_SCAN_NS 500000000 /* a busy loop has slept by then, an idle one is seen at once */
#define SCAN_EVERY_S  5         /* the last one of these seconds is watched */

struct run {
	const struct top_opts *opts;
	struct session session;
	struct top_show show;
	struct scan *scan; /* NULL: the targets were named */
	struct kernel kernel;
	uint64_t nr_refreshes;
	bool is_new; /* totals were taken in this beat */
};

/* --- targets --- */

/* Adds processes that are not traced yet; once the probes are attached, to them as well. */
static int pids_add(struct run *r, const int *pids, size_t nr, struct err *err)
{
	struct session *s = &r->session;
	bool is_first = !s->probe, has_new = false;
	struct err unsaid;
	int error = 0;

	for (size_t i = 0; i < nr && !error; i++) {
		unsaid = (struct err){};
		if ((!is_first && probe_has_process(s->probe, pids[i])) || proc_check_target(pids[i], &unsaid))
			continue;
		if (is_first)
			error = targets_add(&s->targets, pids[i], err);
		else
			error = probe_add_process(s->probe, pids[i], err);
		has_new = true;
	}
	return error || is_first || !has_new ? error : probe_take_in(s->probe, err);
}

static int loops_add(struct run *r, struct err *err)
{
	struct lg_scan *threads;
	size_t nr, n = 0;
	int *pids, error = scan_read(r->scan, &threads, &nr, err);

	if (error)
		return error;
	pids = calloc(nr + 1, sizeof(*pids));
	for (size_t i = 0; pids && i < nr; i++)
		if (scan_is_loop(&threads[i], NULL))
			pids[n++] = (int)threads[i].pid;
	error = pids ? pids_add(r, pids, n, err) : -ENOMEM;
	free(pids);
	free(threads);
	return error;
}

static int group_add(struct run *r, struct err *err)
{
	int *pids, error;
	size_t nr;

	error = cgroup_processes(r->opts->cgroup, &pids, &nr, err);
	if (!error)
		error = pids_add(r, pids, nr, err);
	free(pids);
	return error;
}

static int targets_find(struct run *r, struct err *err)
{
	struct timespec pause = {0, FIRST_SCAN_NS};
	int error;

	if (r->opts->trace.pids.count)
		return 0;
	if (r->opts->cgroup)
		return group_add(r, err);
	error = scan_open(&r->scan, err);
	if (!error)
		error = scan_start(r->scan, err);
	if (error)
		return error;
	nanosleep(&pause, NULL);
	error = loops_add(r, err);
	scan_stop(r->scan);
	return error;
}

/* What cannot be found now is perhaps found next time. */
static void targets_look(struct run *r)
{
	uint64_t second = r->session.beats / BEATS_PER_S % SCAN_EVERY_S;
	struct err unsaid = {};

	if (r->opts->cgroup && !second)
		group_add(r, &unsaid);
	if (!r->scan)
		return;
	if (second == SCAN_EVERY_S - 1)
		scan_start(r->scan, &unsaid);
	if (!second) {
		loops_add(r, &unsaid);
		scan_stop(r->scan);
	}
}

/* --- what is shown --- */

static int totals_take(struct run *r)
{
	int error = session_totals(&r->session);

	r->is_new = true;
	return error;
}

/* The requests in flight of the loop that is open. */
static void loop_look(struct run *r)
{
	top_show_look(&r->show, r->session.view.model, clock_ns(CLOCK_MONOTONIC));
}

static int board_read(struct run *r)
{
	int error = r->is_new ? 0 : totals_take(r);

	r->show.top.realtime_offset_ns = clock_offset_ns();
	return error ? error : board_refresh(r->show.board, r->session.view.model, clock_ns(CLOCK_MONOTONIC));
}

static int refresh(struct run *r)
{
	int error = board_read(r);

	loop_look(r);
	if (!error && !r->show.frozen)
		error = top_show_draw(&r->show);
	r->nr_refreshes++;
	if (r->opts->iterations && r->nr_refreshes >= r->opts->iterations)
		r->session.is_done = true;
	return error;
}

/* --- events --- */

static int beat_second(struct run *r)
{
	struct session *s = &r->session;
	int error;

	live_reap(s->live);
	probe_refresh(s->probe);
	targets_look(r);
	error = totals_take(r);
	return error ? error : board_second(r->show.board, s->view.model, clock_ns(CLOCK_MONOTONIC));
}

static int beat(struct run *r)
{
	struct session *s = &r->session;
	uint64_t missed, delay = (r->opts->delay_ns + BEAT_NS / 2) / BEAT_NS;
	int error = 0;

	if (read(s->timer_fd, &missed, sizeof(missed)) != sizeof(missed))
		return 0;
	live_tick(s->live);
	session_spend(s);
	session_watch_turns(s);
	r->is_new = false;
	for (; missed && !s->is_done && !error; missed--) {
		if (++s->beats % BEATS_PER_S == 0)
			error = beat_second(r);
		if (!error && s->beats % delay == 0)
			error = refresh(r);
	}
	if (r->opts->look.batch && r->opts->trace.pids.count && !live_threads(s->live) && s->beats > 1)
		s->is_done = true;
	return error;
}

/* What has just been reset is shown as it is now, not at the next refresh. */
static int reset(struct run *r)
{
	int error = board_reset(r->show.board, r->session.view.model, clock_ns(CLOCK_MONOTONIC));

	r->is_new = false;
	return error ? error : board_read(r);
}

static int on_keys(struct run *r)
{
	int key, error = 0;

	while (!error && !r->session.is_done && (key = terminal_key()) >= 0)
		switch (top_key(&r->show.top, top_show_board(&r->show), key)) {
		case TOP_QUIT:
			r->session.is_done = true;
			break;
		case TOP_PAUSE:
			top_show_freeze(&r->show);
			break;
		case TOP_RESET:
			error = reset(r);
			break;
		default:
			break;
		}
	loop_look(r);
	return error ? error : top_show_draw(&r->show);
}

static int on_signal(struct run *r)
{
	int ends = top_show_signal(&r->show);

	r->session.is_done |= ends > 0;
	return ends < 0 ? ends : 0;
}

static int on_event(struct run *r, const struct epoll_event *event)
{
	int fd = event->data.fd;

	if (fd == r->session.timer_fd)
		return beat(r);
	if (fd == r->show.signal_fd)
		return on_signal(r);
	if (fd == r->session.watch_fd)
		session_on_due(&r->session);
	if (fd == r->session.signal_fd)
		r->session.is_done = true;
	if (fd != STDIN_FILENO)
		return 0;
	/* The terminal went away. */
	if (event->events & (EPOLLHUP | EPOLLERR))
		r->session.is_done = true;
	return on_keys(r);
}

static int loop(struct run *r)
{
	struct epoll_event events[8];
	int error = 0;

	while (!r->session.is_done && !error) {
		int n = epoll_wait(r->session.epoll_fd, events, 8, probe_is_behind(r->session.probe) ? 0 : -1);

		if (n < 0 && errno != EINTR)
			return -errno;
		error = session_consume(&r->session);
		for (int i = 0; i < n && !error && !r->session.is_done; i++)
			error = on_event(r, &events[i]);
	}
	return error;
}

/* --- set-up --- */

static int terminal_start(struct run *r, struct err *err)
{
	sigset_t none;
	int error;

	sigemptyset(&none);
	error = top_show_open(&r->show, &none, err);
	if (error || !r->show.has_terminal)
		return error;
	error = session_watch(&r->session, r->show.signal_fd);
	if (!error)
		error = session_watch(&r->session, STDIN_FILENO);
	return error ? err_set(err, EXIT_CODE_FAILED, -error, "cannot watch the terminal: %s", strerror(-error)) : 0;
}

static int show_init(struct run *r, struct err *err)
{
	kernel_read(&r->kernel);
	r->show.top.host = r->kernel.host;
	r->show.top.realtime_offset_ns = clock_offset_ns();
	return top_show_init(&r->show, &r->opts->look, &r->opts->trace, err);
}

int top_run(const struct top_opts *opts, struct err *err)
{
	struct run r = {.opts = opts, .show.signal_fd = -1};
	struct model_sink sink = board_sink(&r.show.board);
	int error;

	r.session = (struct session){.opts = &opts->trace,
				     .view.sink = &sink,
				     .epoll_fd = -1,
				     .timer_fd = -1,
				     .watch_fd = -1,
				     .signal_fd = -1};
	error = show_init(&r, err);
	if (!error)
		error = targets_find(&r, err);
	if (!error)
		error = session_open(&r.session, err);
	if (!error)
		error = terminal_start(&r, err);
	if (!error)
		error = loop(&r);
	top_show_close(&r.show);
	session_close(&r.session);
	scan_close(r.scan);
	if (!error || error == -EPIPE)
		return EXIT_CODE_OK;
	err_set(err, EXIT_CODE_FAILED, -error, "watching failed: %s", strerror(-error));
	return EXIT_CODE_FAILED;
}
