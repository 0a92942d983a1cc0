/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the live view share: the description of a table, and the drawing of its parts. */
#ifndef LG_RENDER_TOP_PRIVATE_H
#define LG_RENDER_TOP_PRIVATE_H

#include "render/top.h"

#define TOP_CELL_LEN 512          /* bytes of a cell's text, NUL included; longer texts are cut */
#define TOP_COLS_ALL TOP_CELL_LEN /* room for all of a cell's text */

struct top_column {
	const char *title;
	char key;      /* sorts by it */
	int cols;      /* negative: text, left-aligned */
	unsigned rank; /* columns of high rank are left off first on a narrow screen */
	const char *help;
	bool is_rest; /* the last one: takes what is left, at least `cols` */
};

struct top_cell {
	char text[TOP_CELL_LEN]; /* printable */
	enum text_tone tone;
	enum text_cut cut; /* of texts */
};

/* A table. Rows are pointers into the board. */
struct top_table_ops {
	const char *title;
	const struct top_column *columns;
	unsigned nr_columns;
	unsigned sort; /* at first */
	size_t (*count)(const struct board *b);
	const void *(*row)(const struct board *b, size_t i);
	/* Where all of it does not fit into `cols`, what matters less is left off; what is still too long is cut. */
	void (*cell)(const struct top *t, const void *row, unsigned column, unsigned cols, bool utf8,
		     struct top_cell *out);
	/* Negative when `a` comes first: the largest of numbers, the lowest of ids and names. */
	int (*compare)(const void *a, const void *b, unsigned column);
	uint64_t (*id)(const void *row); /* not 0 */
	/* Names what a row is about, for the view that this returns; NULL: rows lead nowhere. */
	enum top_view (*open)(struct top *t, const void *row);
};

extern const struct top_table_ops top_loops_ops;
extern const struct top_table_ops top_routes_ops;
extern const struct top_table_ops top_stalls_ops;
extern const struct top_table_ops top_places_ops;

/* By enum top_view. */
const struct top_table_ops *top_table_ops(enum top_view view);

/* Filtered and sorted; *out is freed with free(). */
size_t top_table_rows(const struct top *t, const struct board *b, bool utf8, const void ***out);
/* The place of the cursor among the rows, 0 when its row is gone. */
size_t top_table_cursor(const struct top *t, const void *const *rows, size_t nr);
/* The heading at row `at` and `height` rows below it. */
void top_table_draw(struct top *t, const struct board *b, struct screen *s, int at, unsigned height);

/* A page that is written from its top down, and may be longer than the screen. */
struct top_page {
	struct screen screen; /* as wide as the one that it is shown on */
	int row;              /* the next one */
	uint64_t threshold_ns;
};

/* 0 or -ENOMEM. */
int top_page_init(struct top_page *p, const struct screen *s);
/* A title with something in small print behind it, and a blank line before. */
void top_page_title(struct top_page *p, const char *title, const char *more);
/* Printable text from a column on, in this line; a page shows that it is cut. Returns the column behind it. */
int top_page_put(struct top_page *p, int col, unsigned attr, const char *text, enum text_cut cut);
/* Printable text from a column on, in as many lines as it takes. */
void top_page_wrap(struct top_page *p, int col, unsigned attr, const char *text);
/* Shows the part of the page that the scroll names, or its end, on `height` rows from `at` on; the page is gone then.
 */
void top_page_show(struct top_page *p, struct screen *s, size_t *scroll, int at, unsigned height);

/* A turn that does not end, as a part of its loop's page. */
void top_stuck_put(struct top_page *p, const struct top *t, const struct board_stall *stuck);
/* The newest stalls of the loop that is open. */
void top_stalls_put(struct top_page *p, const struct top *t, const struct board *b);
/* The stack of its worst stall. */
void top_worst_put(struct top_page *p, const struct top *t, const struct board_loop *l);

/* It goes on, or was ten times as long as its loop's threshold. */
bool top_is_severe(const struct board_stall *kept);

/* "GET /report/42  id=abc", printable. */
void top_format_request(char *buf, size_t size, const struct model_request *request, bool utf8);

/* One loop, one stall and the help, on `height` rows from `at` on, scrolled. */
void top_loop_draw(struct top *t, const struct board *b, struct screen *s, int at, unsigned height);
void top_stall_draw(struct top *t, const struct board *b, struct screen *s, int at, unsigned height);
void top_help_draw(struct top *t, struct screen *s, int at, unsigned height);

/* "GET /report/{n}", printable. */
void top_format_route(char *buf, size_t size, const struct model_route *route, bool utf8);
void top_format_escaped(char *buf, size_t size, const char *raw, bool utf8);

/* The id of a row that is known by two names: its array is another one after each refresh. */
uint64_t top_names_id(const char *a, const char *b);
/* A length, "-" where nothing was counted. */
void top_put_length(struct top_cell *out, uint64_t ns, uint64_t count);
/* The largest first. */
int top_descending(uint64_t a, uint64_t b);

#endif
