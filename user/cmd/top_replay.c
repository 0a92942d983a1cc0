/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock of a replay is the recording's: it goes on with a timer, times the speed, and records are fed once it has
 * reached their time. The board is refreshed where the recorder took totals, once a second, as `top` was then.
 */
#include "cmd/top_replay.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "cmd/replay.h"
#include "cmd/session.h"
#include "cmd/terminal.h"

#define DRAW_BEATS 10        /* at high speed: not every second of the recording */
#define LATE_NS    250000000 /* who cannot read that fast, or was stopped, does not hurry after it */
#define CHECK_EACH 1024      /* records after which the time is looked at */

struct play {
	struct replay replay;
	struct top_show show;
	double speed;
	const struct lg_head *next; /* the record that is due next; NULL: there is none */
	uint64_t due_ns;            /* the recording's clock */
	uint64_t beat_ns;           /* CLOCK_MONOTONIC: when it was set last */
	uint64_t drawn_ns;          /* CLOCK_MONOTONIC: last time after a refresh */
	int timer_fd;
	bool is_new; /* refreshed since it was drawn */
	bool is_done;
	char note[48];
};

/* --- the recording --- */

static int next_take(struct play *p)
{
	int more = replay_next(&p->replay, &p->next);

	if (more <= 0)
		p->next = NULL;
	return more < 0 ? more : 0;
}

/* The recorder has just told the totals of every loop. */
static int on_totals(struct play *p)
{
	const struct model *m = p->replay.view.model;
	int error = board_second(p->show.board, m, p->replay.end_ns);

	if (error || p->show.look->batch)
		return error;
	p->is_new = true;
	return board_refresh(p->show.board, m, p->replay.end_ns);
}

static int on_end(struct play *p)
{
	view_flush_model(&p->replay.view);
	snprintf(p->note, sizeof(p->note), "the recording ends here");
	p->is_new = true;
	return board_refresh(p->show.board, p->replay.view.model, p->replay.end_ns);
}

static int next_feed(struct play *p)
{
	bool is_total = p->next->kind == LG_REC_LOST && !p->replay.is_state;
	int error = replay_feed(&p->replay, p->next);

	if (!error && is_total)
		error = on_totals(p);
	if (!error)
		error = next_take(p);
	if (!error && !p->next)
		error = on_end(p);
	return error;
}

/* Feeds what is due, or as much of it as can be in the time. */
static int due_feed(struct play *p)
{
	uint64_t nr = 0;
	int error = 0;

	while (p->next && !error && (p->replay.is_state || p->next->time_ns <= p->due_ns)) {
		error = next_feed(p);
		if (++nr % CHECK_EACH == 0 && p->next && clock_ns(CLOCK_MONOTONIC) - p->beat_ns > LATE_NS) {
			p->due_ns = p->next->time_ns;
			break;
		}
	}
	return error;
}

static int begin(struct play *p)
{
	int error = next_take(p);

	while (!error && p->next && p->replay.is_state)
		error = next_feed(p);
	if (!error && p->next)
		p->due_ns = p->next->time_ns;
	p->beat_ns = clock_ns(CLOCK_MONOTONIC);
	return error;
}

/* --- the screen --- */

static int show_draw(struct play *p)
{
	int64_t offset_ns = p->replay.view.render.realtime_offset_ns;

	p->show.top.realtime_offset_ns = offset_ns;
	top_show_look(&p->show, p->replay.view.model, p->replay.end_ns);
	p->is_new = false;
	return top_show_draw(&p->show);
}

static int beat(struct play *p)
{
	uint64_t missed, now = clock_ns(CLOCK_MONOTONIC), passed = now - p->beat_ns;
	int error = 0;

	if (read(p->timer_fd, &missed, sizeof(missed)) != sizeof(missed))
		return 0;
	p->beat_ns = now;
	if (!p->show.top.is_paused) {
		p->due_ns += (uint64_t)((passed < LATE_NS ? passed : LATE_NS) * p->speed);
		error = due_feed(p);
	}
	if (error || !p->is_new || (p->next && now - p->drawn_ns < (DRAW_BEATS - 1) * BEAT_NS))
		return error;
	p->drawn_ns = now;
	return show_draw(p);
}

static int on_keys(struct play *p)
{
	struct board *board = p->show.board;
	int key, error = 0;

	while (!error && !p->is_done && (key = terminal_key()) >= 0)
		switch (top_key(&p->show.top, board, key)) {
		case TOP_QUIT:
			p->is_done = true;
			break;
		case TOP_RESET:
			error = board_reset(board, p->replay.view.model, p->replay.end_ns);
			if (!error)
				error = board_refresh(board, p->replay.view.model, p->replay.end_ns);
			break;
		default:
			break;
		}
	return error ? error : show_draw(p);
}

static int loop(struct play *p)
{
	struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {p->show.signal_fd, POLLIN, 0}, {p->timer_fd, POLLIN, 0}};
	int error = show_draw(p);

	while (!p->is_done && !error) {
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			return -errno;
		/* The terminal went away. */
		p->is_done |= fds[0].revents & (POLLHUP | POLLERR);
		if (fds[1].revents)
			error = top_show_signal(&p->show);
		p->is_done |= error > 0;
		if (error >= 0 && fds[2].revents)
			error = beat(p);
		if (!error && !p->is_done && fds[0].revents)
			error = on_keys(p);
	}
	return error < 0 ? error : 0;
}

static int play_screen(struct play *p, struct err *err)
{
	struct itimerspec every = {{0, BEAT_NS}, {0, BEAT_NS}};
	sigset_t signals;
	int error;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	error = top_show_open(&p->show, &signals, err);
	if (error)
		return error;
	p->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (p->timer_fd < 0 || timerfd_settime(p->timer_fd, 0, &every, NULL))
		return -errno;
	snprintf(p->note, sizeof(p->note), "replay, %gx", p->speed);
	error = begin(p);
	return error ? error : loop(p);
}

static int play_batch(struct play *p)
{
	int error = begin(p);

	while (p->next && !error)
		error = next_feed(p);
	return error ? error : show_draw(p);
}

static int play_open(struct play *p, const char *path, struct trace_opts *opts, const struct top_look *look,
		     const struct model_sink *sink, struct err *err)
{
	const struct file_info *info;
	int error;

	p->replay.view.sink = sink;
	error = replay_open(&p->replay, path, opts, err);
	if (error)
		return error;
	info = file_reader_info(p->replay.file);
	p->replay.view.render.realtime_offset_ns = info->realtime_offset_ns;
	p->show.top.host = info->host;
	p->show.top.is_replay = true;
	p->show.top.note = look->batch ? NULL : p->note;
	error = top_show_init(&p->show, look, opts, err);
	if (!error)
		p->show.board->keeps_ended = true;
	return error;
}

int top_replay(const char *path, struct trace_opts *opts, const struct top_look *look, double speed, struct err *err)
{
	struct play p = {.speed = speed, .timer_fd = -1, .show.signal_fd = -1};
	struct model_sink sink = board_sink(&p.show.board);
	int error = play_open(&p, path, opts, look, &sink, err);

	if (!error)
		error = look->batch ? play_batch(&p) : play_screen(&p, err);
	top_show_close(&p.show);
	if (error && error != -EPIPE)
		err_set(err, EXIT_CODE_FAILED, -error, "showing the recording failed: %s", strerror(-error));
	else if (p.replay.file)
		replay_notes(&p.replay, opts);
	replay_close(&p.replay, err);
	if (p.timer_fd >= 0)
		close(p.timer_fd);
	return err->code;
}
