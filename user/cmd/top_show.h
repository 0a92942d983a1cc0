/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `top` and `report --top` have in common: the options of the tables, and a board shown on a terminal or, in batch
 * mode, printed. Where the board's events come from, and which time it is for them, is the caller's.
 */
#ifndef LG_TOP_SHOW_H
#define LG_TOP_SHOW_H

#include <signal.h>

#include "cmd/view.h"
#include "render/top.h"

struct top_look {
	const char *filter; /* NULL: none */
	const char *sort;   /* title of a column; NULL: as the table has it */
	unsigned view;      /* enum top_view */
	bool batch;
	bool ascii;
};

extern const char *const top_view_words[];

/* clang-format off */
#define TOP_ROW_VIEW(opts) \
	{"view", 0, "VIEW", NULL, "Begin with this table", .preset = "loops", OPT_CHOICE(opts, look.view, top_view_words)}
#define TOP_ROW_SORT(opts, key) \
	{"sort", key, "COLUMN", NULL, "Sort it by the column of this title: P99, STALLS, WORST-ROUTE", \
	 OPT_STRING(opts, look.sort)}
#define TOP_ROW_FILTER(opts, key) \
	{"filter", key, "TEXT", NULL, "Show only rows that contain this text", OPT_STRING(opts, look.filter)}
#define TOP_ROW_BATCH(opts, help) \
	{"batch", 'b', NULL, NULL, help, OPT_FLAG(opts, look.batch)}
#define TOP_ROW_ASCII(opts) \
	{"ascii", 0, NULL, NULL, "Draw with ASCII characters, whatever the locale says", OPT_FLAG(opts, look.ascii)}
/* clang-format on */

/* All zero but signal_fd, which is -1, before top_show_init(). */
struct top_show {
	const struct top_look *look;
	struct top top;
	struct board *board;
	struct board *frozen; /* what is shown while paused; NULL: board */
	struct text_style style;
	bool has_terminal;
	int signal_fd; /* readable when a signal came that top_show_signal() is to see */
	uint64_t nr_draws;
};

/* Makes the board and what stands around it; `top` has the members that a caller sets. Refuses what makes no sense. */
int top_show_init(struct top_show *s, const struct top_look *look, const struct trace_opts *opts, struct err *err);
/* Takes the terminal, unless in batch mode; `signals` are those that end the view, SIGHUP and SIGQUIT aside. */
int top_show_open(struct top_show *s, const sigset_t *signals, struct err *err);
/* Gives everything back; harmless twice, and on what was opened only in part. */
void top_show_close(struct top_show *s);

/* What is on the screen: the board, or how it was when it was paused. */
const struct board *top_show_board(const struct top_show *s);
/* The requests in flight of the loop that is open. */
void top_show_look(struct top_show *s, const struct model *model, uint64_t now_ns);
/* 0 or -errno: of the output. */
int top_show_draw(struct top_show *s);
/* The screen stands still, or no longer does, as top.is_paused says. */
void top_show_freeze(struct top_show *s);
/* Takes the signal that came, and a new size of the window. 1: it ends the view; 0; -errno. */
int top_show_signal(struct top_show *s);

#endif
