/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The turn of a loop as it goes on: intervals between edges become runs of one owner, long runs become stalls.
 * Nothing is kept of a run that ended short, so a turn may have any number of edges.
 *
 * A turn's beginning is told with its end. The first interval (the lead) therefore stays open until then,
 * with the run that it is part of.
 */
#ifndef LG_TURN_H
#define LG_TURN_H

#include "model/owner.h"
#include "model/parts.h"

struct loop;
struct model;

/* Neighbouring intervals of one owner. It holds a reference to owner.who. */
struct run {
	struct owner owner; /* as sure as its longest interval */
	uint64_t sure_ns;   /* length of that one */
	struct span span;
};

struct turn {
	uint64_t threshold_ns; /* of the loop: a run at least this long is a stall */
	bool has_begun;        /* something was told of it; all below is only set then */
	bool has_edges;
	bool in_lead;       /* the run of the first interval still goes on */
	bool has_off;       /* lead_off is set */
	unsigned nr_doubts; /* looks since the newest edge that named nobody */
	bool reads_mixed;   /* what was read belongs to several, or to nobody known */
	uint64_t number;    /* unique in the model */
	uint64_t edge_ns;   /* the newest edge, */
	struct edge edge;   /* with a reference to who */
	struct owner last;  /* of the interval before that edge; the open run refers to it */
	struct scene scene; /* after that edge; with a reference to sole */
	struct {
		uint64_t ns; /* when the code since the newest edge was last known to be a callback's; 0 not since */
		bool has_off;
		struct lg_rec_off off; /* up to then */
	} stay;
	uint64_t read_serial; /* the request that alone was read for, 0 none yet */
	uint64_t lead_ns;     /* the first edge */
	enum lg_confidence lead_sure;
	struct lg_rec_off lead_off; /* of the first interval */
	struct run lead;
	struct run run;      /* when !in_lead */
	struct span whole;   /* without the first interval */
	struct request *top; /* who held the turn longest, with a reference; NULL: nobody did */
	struct run *stalls;  /* runs over the threshold that ended; kept from turn to turn */
	unsigned nr_stalls;
	unsigned max_stalls; /* allocated */
};

/* Something of a turn is told, if it is the first that is: notes what is in flight before that. */
void turn_begin(struct model *m, struct loop *l);

/*
 * An edge: returns whose the interval was that it ends, valid until the next call. Times never go back: they
 * are mended.
 */
struct owner turn_edge(struct model *m, struct loop *l, const struct edge *e, uint64_t now_ns);

/* A callback runs: no edge, but the code up to here is of one piece with what the newest edge began. */
void turn_stay(struct model *m, struct loop *l, uint64_t now_ns);

/* Nothing that runs was called for what was read or written: what the newest edge began ended where it last was. */
void turn_left(struct model *m, struct loop *l);

/* Notes what is in flight after an edge, when all is done that follows from it. */
void turn_look(struct model *m, struct loop *l);

/* The turn ended: accounts what is open, notes its stalls (stall.h) and tells what ended in it. */
void turn_end(struct model *m, struct loop *l, uint64_t start_ns, uint64_t end_ns, uint64_t late_ns);

/* The thread or its program ended in the middle of a turn, whose beginning is then not known. */
void turn_abort(struct model *m, struct loop *l, uint64_t end_ns);

void turn_fini(struct turn *t);

#endif
