/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The live view: what stands on the screen for a board, and what a key does. It is a function of the board, its own
 * small state and the size of the screen; terminal, clock and tracer are elsewhere, so a recording can be looked at
 * the same way and tests compare whole screens.
 *
 * Four tables (loops, routes, stalls, places), one loop and one stall in detail, and the help. A table is described by
 * its columns and a few functions (top_private.h); sorting, filtering, scrolling and fitting into narrow screens are
 * the same for all.
 */
#ifndef LG_RENDER_TOP_H
#define LG_RENDER_TOP_H

#include "model/board.h"
#include "render/screen.h"

#define TOP_FILTER_LEN 64

enum top_view {
	TOP_LOOPS,
	TOP_ROUTES,
	TOP_STALLS,
	TOP_PLACES,
	TOP_NR_TABLES,
	TOP_LOOP = TOP_NR_TABLES,
	TOP_STALL,
	TOP_HELP
};

/* Keys that are no characters; characters stand for themselves. */
enum top_key {
	TOP_KEY_ENTER = '\n',
	TOP_KEY_TAB = '\t',
	TOP_KEY_ESC = 0x1b,
	TOP_KEY_UP = 0x100,
	TOP_KEY_DOWN,
	TOP_KEY_LEFT,
	TOP_KEY_RIGHT,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_BACK_TAB,
	TOP_KEY_BACKSPACE,
	TOP_KEY_HELP, /* these four are function keys, as htop has them */
	TOP_KEY_FILTER,
	TOP_KEY_SORT,
	TOP_KEY_QUIT,
};

/* What the caller has to do for a key; the view has done the rest. */
enum top_action {
	TOP_NOTHING,
	TOP_QUIT,
	TOP_PAUSE, /* is_paused has changed */
	TOP_RESET, /* board_reset() */
};

struct top_table {
	unsigned sort; /* index of a column */
	bool is_reverse;
	uint64_t selected; /* id of the row that the cursor stays on; 0: the first one, whichever it is */
	size_t first;      /* row at the top of the screen */
};

/* All zero but what comes before `view`, and top_init() is the start. */
struct top {
	const char *host; /* untrusted, may be NULL */
	uint64_t threshold_ns;
	bool is_auto; /* each loop has a threshold of its own */
	int64_t realtime_offset_ns;
	bool is_batch;    /* no cursor and no keys on the screen */
	bool is_replay;   /* of a recording: it stands still while paused */
	bool no_hints;    /* no advice beside stalls */
	const char *note; /* what else the head says: how fast a recording is replayed; NULL: nothing */

	enum top_view view;
	enum top_view back; /* LOOP, STALL and HELP: where Esc leads to */
	struct top_table tables[TOP_NR_TABLES];
	uint32_t pid; /* LOOP: which; STALL: of which */
	uint32_t tid;
	uint64_t stall_ns; /* STALL: a moment in it */
	size_t scroll;     /* LOOP, STALL and HELP: first line shown */
	unsigned page;     /* rows of the table when it was last drawn, */
	uint32_t shown;    /* and its columns that fitted: 1 << index, or-ed; 0: not drawn yet */
	char filter[TOP_FILTER_LEN];
	bool is_typing; /* the filter */
	bool is_paused;
};

void top_init(struct top *t);

/* Sorts a table by the column of this title, as it stands above it. -EINVAL: there is none. */
int top_sort(struct top *t, enum top_view table, const char *title);

enum top_action top_key(struct top *t, const struct board *b, int key);

/* Draws on a blank screen. Mends what of the state no longer fits the board or the screen. */
void top_draw(struct top *t, const struct board *b, struct screen *s);

/* Rows that the screen of a table would need to show all of it. */
unsigned top_height(const struct top *t, const struct board *b);

#endif
