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
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cmd/session.h"
#include "cmd/terminal.h"
#include "cmd/top.h"
#include "probe/scan.h"
#include "render/top.h"
#include "target/cgroup.h"
#include "target/kernel.h"
#include "target/proc.h"

#define BEATS_PER_S   (NS_PER_S / BEAT_NS)
#define FIRST_SCAN_NS 500000000 /* a busy loop has slept by then, an idle one is seen at once */
#define SCAN_EVERY_S  5         /* the last one of these seconds is watched */
#define BATCH_COLS    200       /* room for every column and a route, where there is no terminal */

struct run {
	const struct top_opts *opts;
	struct session session;
	struct top top;
	struct board *board;
	struct board *frozen; /* what is shown while paused; NULL: board */
	struct scan *scan;    /* NULL: the targets were named */
	struct text_style style;
	struct kernel kernel;
	int signal_fd; /* those that the session does not take */
	uint64_t nr_draws;
	bool has_terminal;
	bool is_new; /* totals were taken in this beat */
};

static void on_stall(void *arg, const struct model_stall *stall)
{
	struct run *r = arg;

	board_take_stall(r->board, stall);
}

static void on_request(void *arg, const struct model_done *done)
{
	struct run *r = arg;

	board_take_request(r->board, done);
}

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
	uint64_t counters[16];
	int error = probe_counters(r->session.probe, counters);

	if (!error)
		live_totals(r->session.live, counters);
	r->is_new = true;
	return error;
}

static const struct board *board_shown(const struct run *r)
{
	return r->frozen ? r->frozen : r->board;
}

static void batch_size(const struct run *r, unsigned *rows, unsigned *cols)
{
	struct winsize size = {};

	*rows = top_rows(&r->top, r->board);
	*cols = BATCH_COLS;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		*cols = size.ws_col;
}

static int draw(struct run *r)
{
	struct screen screen;
	unsigned rows, cols;

	if (r->has_terminal)
		terminal_size(&rows, &cols);
	else
		batch_size(r, &rows, &cols);
	if (screen_init(&screen, rows, cols, r->style.utf8))
		return -ENOMEM;
	top_draw(&r->top, board_shown(r), &screen);
	if (r->has_terminal) {
		terminal_draw(&screen);
	} else {
		fputs(r->nr_draws ? "\n" : "", stdout);
		screen_print(&screen, &r->style, stdout);
	}
	screen_fini(&screen);
	return fflush(stdout) ? -errno : 0;
}

/* The requests in flight of the loop that is open. */
static void loop_look(struct run *r)
{
	bool is_open = r->top.view == TOP_LOOP;

	board_look(r->board, r->session.view.model, clock_ns(CLOCK_MONOTONIC), is_open ? r->top.pid : 0,
		   is_open ? r->top.tid : 0);
}

static int board_read(struct run *r)
{
	int error = r->is_new ? 0 : totals_take(r);

	r->top.realtime_offset_ns = clock_offset_ns();
	return error ? error : board_refresh(r->board, r->session.view.model, clock_ns(CLOCK_MONOTONIC));
}

static int refresh(struct run *r)
{
	int error = board_read(r);

	loop_look(r);
	if (!error && !r->frozen)
		error = draw(r);
	r->nr_draws++;
	if (r->opts->iterations && r->nr_draws >= r->opts->iterations)
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
	return error ? error : board_second(r->board, s->view.model, clock_ns(CLOCK_MONOTONIC));
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
	r->is_new = false;
	for (; missed && !s->is_done && !error; missed--) {
		if (++s->beats % BEATS_PER_S == 0)
			error = beat_second(r);
		if (!error && s->beats % delay == 0)
			error = refresh(r);
	}
	if (r->opts->batch && r->opts->trace.pids.count && !live_threads(s->live) && s->beats > 1)
		s->is_done = true;
	return error;
}

static void pause_toggle(struct run *r)
{
	board_free(r->frozen);
	r->frozen = r->top.is_paused ? board_copy(r->board) : NULL;
	r->top.is_paused = r->frozen != NULL;
}

/* What has just been reset is shown as it is now, not at the next refresh. */
static int reset(struct run *r)
{
	int error = board_reset(r->board, r->session.view.model, clock_ns(CLOCK_MONOTONIC));

	r->is_new = false;
	return error ? error : board_read(r);
}

static int on_keys(struct run *r)
{
	int key, error = 0;

	while (!error && !r->session.is_done && (key = terminal_key()) >= 0)
		switch (top_key(&r->top, board_shown(r), key)) {
		case TOP_QUIT:
			r->session.is_done = true;
			break;
		case TOP_PAUSE:
			pause_toggle(r);
			break;
		case TOP_RESET:
			error = reset(r);
			break;
		default:
			break;
		}
	loop_look(r);
	return error ? error : draw(r);
}

static int on_signal(struct run *r, int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (info.ssi_signo != SIGWINCH) {
		r->session.is_done = true;
		return 0;
	}
	terminal_resize();
	return draw(r);
}

static int on_event(struct run *r, const struct epoll_event *event)
{
	int fd = event->data.fd;

	if (fd == r->session.timer_fd)
		return beat(r);
	if (fd == r->session.signal_fd || fd == r->signal_fd)
		return on_signal(r, fd);
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
	sigset_t signals;
	int error;

	if (r->opts->batch)
		return 0;
	sigemptyset(&signals);
	sigaddset(&signals, SIGWINCH);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGQUIT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	r->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	error = r->signal_fd < 0 ? -errno : session_watch(&r->session, r->signal_fd);
	if (!error)
		error = session_watch(&r->session, STDIN_FILENO);
	if (error)
		return err_set(err, EXIT_CODE_FAILED, -error, "cannot watch the terminal: %s", strerror(-error));
	error = terminal_open(&r->style, err);
	r->has_terminal = !error;
	return error;
}

static int view_init(struct run *r, struct err *err)
{
	const struct top_opts *o = r->opts;

	text_style_init(&r->style, o->trace.colour, STDOUT_FILENO);
	r->style.utf8 = r->style.utf8 && !o->ascii && terminal_is_utf8();
	kernel_read(&r->kernel);
	r->top = (struct top){.host = r->kernel.host,
			      .threshold_ns = o->trace.threshold_ns,
			      .is_auto = o->trace.is_auto,
			      .is_batch = o->batch};
	r->top.realtime_offset_ns = clock_offset_ns();
	top_init(&r->top);
	r->top.view = o->view;
	if (o->filter)
		snprintf(r->top.filter, sizeof(r->top.filter), "%s", o->filter);
	if (o->sort && top_sort(&r->top, o->view, o->sort)) {
		err_hint(err, "the titles stand above the table; lgtrace top -b -n 1 prints it");
		return err_set(err, EXIT_CODE_USAGE, EINVAL, "no column is called '%s' here", o->sort);
	}
	if (!o->batch && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
		err_hint(err, "lgtrace top -b prints tables instead");
		return err_set(err, EXIT_CODE_USAGE, ENOTTY, "standard input and output are no terminal");
	}
	return 0;
}

int top_run(const struct top_opts *opts, struct err *err)
{
	struct run r = {.opts = opts, .signal_fd = -1};
	struct model_sink sink = {.arg = &r, .stall = on_stall, .request = on_request};
	int error;

	r.session = (struct session){
		.opts = &opts->trace, .view.sink = &sink, .epoll_fd = -1, .timer_fd = -1, .signal_fd = -1};
	error = view_init(&r, err);
	if (!error)
		error = board_new(&r.board, err);
	if (!error)
		error = targets_find(&r, err);
	if (!error)
		error = session_open(&r.session, err);
	if (!error)
		error = terminal_start(&r, err);
	if (!error)
		error = loop(&r);
	terminal_close();
	session_close(&r.session);
	scan_close(r.scan);
	board_free(r.frozen);
	board_free(r.board);
	if (r.signal_fd >= 0)
		close(r.signal_fd);
	if (!error || error == -EPIPE)
		return EXIT_CODE_OK;
	err_set(err, EXIT_CODE_FAILED, -error, "watching failed: %s", strerror(-error));
	return EXIT_CODE_FAILED;
}
