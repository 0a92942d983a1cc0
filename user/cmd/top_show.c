/* SPDX-License-Identifier: BSD-2-Clause */
/* A board on the terminal. */
#include "cmd/top_show.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cmd/terminal.h"

#define BATCH_COLS 200 /* room for every column and a route, where there is no terminal */

const char *const top_view_words[] = {"loops", "routes", "stalls", "places", NULL};

const struct board *top_show_board(const struct top_show *s)
{
	return s->frozen ? s->frozen : s->board;
}

void top_show_look(struct top_show *s, const struct model *model, uint64_t now_ns)
{
	bool is_open = s->top.view == TOP_LOOP;

	board_look(s->board, model, now_ns, is_open ? s->top.pid : 0, is_open ? s->top.tid : 0);
}

void top_show_freeze(struct top_show *s)
{
	board_free(s->frozen);
	s->frozen = s->top.is_paused ? board_copy(s->board) : NULL;
	s->top.is_paused = s->frozen != NULL;
}

static void batch_size(const struct top_show *s, unsigned *rows, unsigned *cols)
{
	struct winsize size = {};

	*rows = top_height(&s->top, s->board);
	*cols = BATCH_COLS;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		*cols = size.ws_col;
}

int top_show_draw(struct top_show *s)
{
	struct screen screen;
	unsigned rows, cols;

	if (s->has_terminal)
		terminal_size(&rows, &cols);
	else
		batch_size(s, &rows, &cols);
	if (screen_init(&screen, rows, cols, s->style.utf8))
		return -ENOMEM;
	top_draw(&s->top, top_show_board(s), &screen);
	if (s->has_terminal) {
		terminal_draw(&screen);
	} else {
		fputs(s->nr_draws ? "\n" : "", stdout);
		screen_print(&screen, &s->style, stdout);
	}
	s->nr_draws++;
	screen_fini(&screen);
	return fflush(stdout) ? -errno : 0;
}

int top_show_signal(struct top_show *s)
{
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (info.ssi_signo != SIGWINCH)
		return 1;
	terminal_resize();
	return top_show_draw(s);
}

/* --- set-up --- */

int top_show_init(struct top_show *s, const struct top_look *look, const struct trace_opts *opts, struct err *err)
{
	s->look = look;
	text_style_init(&s->style, opts->colour, STDOUT_FILENO);
	s->style.utf8 = s->style.utf8 && !look->ascii && terminal_is_utf8();
	s->top.threshold_ns = opts->threshold_ns;
	s->top.is_auto = opts->is_auto;
	s->top.is_batch = look->batch;
	s->top.no_hints = opts->no_hints;
	top_init(&s->top);
	s->top.view = look->view;
	if (look->filter)
		snprintf(s->top.filter, sizeof(s->top.filter), "%s", look->filter);
	if (look->sort && top_sort(&s->top, look->view, look->sort)) {
		err_hint(err, "the titles stand above the table; lgtrace top -b -n 1 prints it");
		return err_set(err, EXIT_CODE_USAGE, EINVAL, "no column is called '%s' here", look->sort);
	}
	if (!look->batch && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
		err_hint(err, "with -b it prints tables instead");
		return err_set(err, EXIT_CODE_USAGE, ENOTTY, "standard input and output are no terminal");
	}
	return board_new(&s->board, err);
}

int top_show_open(struct top_show *s, const sigset_t *signals, struct err *err)
{
	sigset_t all = *signals;
	int error;

	if (s->look->batch)
		return 0;
	sigaddset(&all, SIGWINCH);
	sigaddset(&all, SIGHUP);
	sigaddset(&all, SIGQUIT);
	sigprocmask(SIG_BLOCK, &all, NULL);
	s->signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return err_set(err, EXIT_CODE_FAILED, errno, "cannot watch for signals: %s", strerror(errno));
	error = terminal_open(&s->style, err);
	s->has_terminal = !error;
	return error;
}

void top_show_close(struct top_show *s)
{
	terminal_close();
	s->has_terminal = false;
	board_free(s->frozen);
	board_free(s->board);
	s->frozen = s->board = NULL;
	if (s->signal_fd >= 0)
		close(s->signal_fd);
	s->signal_fd = -1;
}
