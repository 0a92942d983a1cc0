/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loops: what is kept for each thread that records speak of, while it lives and afterwards for the summary. Threads
 * that never turned out to be loops are forgotten when they end.
 */
#ifndef LG_LOOP_H
#define LG_LOOP_H

#include "base/list.h"
#include "base/table.h"
#include "lg_slot.h"
#include "model/model.h"
#include "model/cumulative.h"
#include "model/stack.h"
#include "model/turn.h"

struct baseline;

struct loop {
	struct list in_all;
	uint64_t number; /* the oldest has the lowest */
	uint32_t pid;
	uint32_t tid;
	char comm[LG_COMM_LEN];
	enum lg_runtime runtime;
	uint16_t version;
	uint32_t parent_tid;       /* the thread that made it; 0: none that is known */
	char command[LG_COMM_LEN]; /* what a child of it began to run last, */
	uint64_t command_ns;       /* and when; 0: none did */
	bool is_loop;              /* told so, or had a turn */
	bool has_ended;
	bool has_paths;    /* paths that its runtime told were those of heads that it read */
	bool has_slot;     /* the figures down to hist come from a snapshot */
	uint64_t first_ns; /* traced since */
	uint64_t last_ns;  /* newest record; the end, once it ended */
	uint64_t idle_ns;
	uint64_t idle_since_ns; /* 0: not idle */
	uint64_t turns;
	uint64_t max_turn_ns;
	struct hist hist;
	uint64_t sleep_ns[LG_NR_SLEEPS]; /* in turns; of a snapshot only, as the next two */
	uint64_t runqueue_ns;
	uint64_t throttled_ns;
	uint64_t busy_ns;     /* in turns that were told, without the current one */
	uint64_t turn_end_ns; /* of the last one */
	uint64_t turn_ns;     /* its length */
	uint64_t nr_requests;
	uint64_t nr_stalls;
	uint64_t stall_ns;
	struct list in_flight; /* struct request.in_flight */
	struct list parked;    /* struct request.in_flight, of those with an open end that were not written to lately */
	struct list settling;  /* struct request.settling */
	unsigned nr_in_flight;
	bool has_off;
	struct lg_rec_off off; /* of the interval that the next edge ends */
	struct turn turn;
	struct held_stall *held; /* stalls of the last turn, not told yet; see stall.h */
	struct list in_held;     /* while there are any */
	unsigned nr_held;
	unsigned max_held;         /* allocated */
	struct baseline *baseline; /* its own threshold; NULL: the common one */
	struct cumulative cumulative;
	struct stacks stacks; /* of the current turn */
	struct {
		uint64_t turn_ns; /* the turn that was told as one that does not end; 0: there is none now */
		uint64_t next_ns; /* the length at which it is told again */
		uint64_t cut_ns;  /* the turn that was told as a stall though it goes on, 0 none */
		uint64_t seen_ns; /* when its slot was seen last, */
		uint64_t off_ns;  /* and what that said; as the next two in struct lg_slot */
		uint32_t off_class;
		int sleep_nr;
		struct lg_rec_asleep asleep; /* the newest look at it while it slept; head.time_ns 0: none */
		uint64_t waiting_ns;         /* when the following was found, 0: never */
		unsigned nr_waiting; /* clients whose next request it has not read, or that it has not accepted */
	} stuck;
	struct model_loop *base; /* totals when the current interval began; NULL: it is the whole time */
};

struct loops {
	struct table by_tid; /* those that live */
	struct loop *last;   /* that a record was of, as the next one mostly is; NULL: none that lives */
	struct list all;     /* struct loop.in_all, oldest first */
	uint64_t nr_made;
	unsigned nr_ended;
};

void loops_init(struct loops *ls);
void loops_fini(struct model *m);

/* The living thread, NULL: unknown. */
struct loop *loop_find(const struct model *m, uint32_t pid, uint32_t tid);
/* As loop_find(), made when it is unknown; NULL: no memory, or too many. */
struct loop *loop_get(struct model *m, uint32_t pid, uint32_t tid, uint64_t now_ns);

void loop_feed_thread(struct model *m, const struct lg_rec_thread *rec);
void loop_feed_off(struct model *m, const struct lg_rec_off *rec);
void loop_feed_turn(struct model *m, const struct lg_rec_turn *rec);
void loop_feed_slot(struct model *m, const struct lg_rec_loop *rec);
/* A process's runtime was told. */
void loop_feed_target(struct model *m, const struct lg_rec_target *rec);

/* Begins a new interval for every loop, and forgets those that ended. 0 or -ENOMEM. */
int loops_restart(struct loops *ls, uint64_t now_ns);
void loop_free(struct loop *l);

/* The loop's figures as of `now_ns`, since its interval began. */
void loop_describe(const struct loop *l, uint64_t now_ns, struct model_loop *out);

#endif
