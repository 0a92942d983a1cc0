/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The board: what a live view shows of a model. Beside the totals since the last reset it has the rates since the last
 * refresh, the last minute of each loop, each loop's own routes and the newest stalls.
 *
 * It is pure, as the model is: time comes in with each call. It may be copied as a whole, to stand still while the
 * model goes on.
 */
#ifndef LG_BOARD_H
#define LG_BOARD_H

#include "base/table.h"
#include "model/route.h"

#define BOARD_HISTORY 60  /* seconds */
#define BOARD_ROUTES  32  /* of one loop; 6 KiB each */
#define BOARD_STALLS  128 /* the newest */
#define BOARD_FRAMES  12  /* of a stall, the innermost; more would fill a screen */
#define BOARD_FLIGHTS 64  /* the oldest, of the loop that is looked at */

/* Shares of the time between the last two refreshes, in 1/1000. */
struct board_rates {
	uint32_t busy;
	uint32_t on_cpu;
	uint32_t blocked;
	uint32_t runqueue;
	uint32_t throttled;
	uint32_t turns_per_s;
};

/* A copy of a stall, or of a turn that does not end: its pointers lead into this struct, or are NULL. */
struct board_stall {
	struct model_stall stall; /* of what goes on: as far as it is known; no parts, and no threshold */
	bool is_stuck;            /* it goes on, or */
	bool is_over;             /* it has ended since: its stall is told in a moment */
	char comm[LG_COMM_LEN + 1];
	struct lg_block block;
	char block_path[MODEL_PATH_LEN];
	struct model_request request;
	char victim_ids[MODEL_MAX_VICTIMS][MODEL_ID_LEN];
	const char *victims[MODEL_MAX_VICTIMS];
	struct model_frame frames[BOARD_FRAMES + 1]; /* the last one is the place */
	struct {
		char function[MODEL_FUNCTION_LEN];
		char file[MODEL_FILE_LEN];
	} names[BOARD_FRAMES + 1]; /* of the frames */
};

struct board_loop {
	struct model_loop total; /* since the last reset */
	struct board_rates rates;
	uint16_t history[BOARD_HISTORY]; /* utilisation of each second in 1/1000, the newest last */
	unsigned nr_history;
	uint64_t cause_ns[LG_NR_CAUSES];
	struct routes routes;           /* without the duration of their requests */
	struct board_stall *worst;      /* the longest stall since the last reset; NULL: none */
	struct board_stall *stuck;      /* the turn that does not end, its length as of the last refresh; NULL: none */
	struct model_loop last_refresh; /* what rates are counted from */
	uint64_t second_elapsed_ns;     /* what the next second of the history is counted from */
	uint64_t second_idle_ns;
	bool is_seen; /* by the refresh that goes on */
};

struct board_flight {
	struct model_request request;
	uint64_t age_ns;
	uint64_t hold_ns;
};

struct board {
	struct board_loop **loops; /* in no special order */
	size_t nr_loops;
	struct table by_tid;
	struct model_route *routes; /* of all loops, as of the last refresh */
	size_t nr_routes;
	struct model_place *places; /* the same of places */
	size_t nr_places;
	struct board_stall *stalls; /* a ring */
	uint64_t nr_stalls;         /* put into it so far */
	struct board_flight flights[BOARD_FLIGHTS];
	size_t nr_flights;
	uint64_t now_ns; /* of the last refresh */
	uint64_t start_ns;
	uint64_t nr_requests; /* since the last reset, */
	uint64_t last_requests;
	uint32_t requests_per_s; /* and since the last refresh */
	uint64_t nr_told_stalls; /* since the last reset */
	uint64_t lost;
	enum lg_level level; /* what is left out, to stay within the budget */
	bool keeps_ended;    /* loops that ended stay */
};

int board_new(struct board **out, struct err *err);
void board_free(struct board *b);
/* NULL: no memory. */
struct board *board_copy(const struct board *b);

/* Fills *s, which may hold anything. */
void board_stall_copy(struct board_stall *s, const struct model_stall *stall);
void board_stall_copy_stuck(struct board_stall *s, const struct model_stuck *stuck);
/* Makes the pointers of a copy lead into it, after its bytes were copied. */
void board_stall_tie(struct board_stall *s);

/* From the model's sink. */
void board_take_stall(struct board *b, const struct model_stall *stall);
void board_take_stuck(struct board *b, const struct model_stuck *stuck);
void board_take_request(struct board *b, const struct model_done *done);

/* The sink of a model that hands all of these on to *b, which may be made later than the model. */
struct model_sink board_sink(struct board **b);

/*
 * Reads the model as of `now_ns`: at each refresh of the view. Loops that ended are dropped, unless they are kept. 0 or
 * -ENOMEM: what could not be read stays as it was.
 */
int board_refresh(struct board *b, const struct model *m, uint64_t now_ns);

/* Reads the requests in flight of one loop, or none for the ids 0. */
void board_look(struct board *b, const struct model *m, uint64_t now_ns, uint32_t pid, uint32_t tid);

/* A second is over: before the refresh at that time, if there is one. */
int board_second(struct board *b, const struct model *m, uint64_t now_ns);

/* Counts from nothing again, and makes the model do so; the last minute and the newest stalls stay. 0 or -ENOMEM. */
int board_reset(struct board *b, struct model *m, uint64_t now_ns);

/* NULL: unknown. */
struct board_loop *board_find(const struct board *b, uint32_t pid, uint32_t tid);
/* The stalls that are kept, 0 the newest. NULL beyond them. */
const struct board_stall *board_stall(const struct board *b, size_t i);
/* The turns that do not end, one a loop, in no special order. NULL beyond them. */
const struct board_stall *board_stuck(const struct board *b, size_t i);
size_t board_nr_stuck(const struct board *b);
/* What one loop was in at a moment, if it is kept. NULL: it is not. */
const struct board_stall *board_stall_at(const struct board *b, uint32_t pid, uint32_t tid, uint64_t at_ns);
/* What took most of a loop's stalled time; false: it has not stalled. */
bool board_top_cause(const struct board_loop *l, enum lg_cause *cause);
/* A loop's routes by stalled time, then by hold: *out is freed with free(). Returns how many. */
size_t board_routes(const struct board_loop *l, struct model_route **out);
/* The first of these, NULL: none. */
const struct model_route *board_worst_route(const struct board_loop *l);

#endif
