/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The memory of a walk over V8's heap (node.bpf.h): too large for BPF's stack. One a CPU; a walk that is interrupted
 * there by another one's beginning is seen by its nonce.
 */
#ifndef LG_NODE_WALK_BPF_H
#define LG_NODE_WALK_BPF_H

#include "lg_runtime.h"
#include "state.bpf.h"

#define NODE_QUEUE   256 /* objects visited for one frame */
#define NODE_WORDS   32  /* of an object that are looked at */
#define NODE_GOALS   8
#define NODE_FIELDS  64 /* described by a map */
#define NODE_CLASSES 16 /* constructors remembered during a walk */

/* What the requests that were found from one frame add up to. */
struct node_verdict {
	__u64 open;      /* that is answered now; 0 none */
	__u64 done;      /* whose turn is over, or has not come; 0 none */
	__u32 is_queued; /* 1: the connection answers another one than `done` now */
	__u64 ino;       /* of the connection of `open`, else of `done` */
	__u32 sides;
	__u32 is_many;
	__u32 pad;
};

/* Of one walk; one a CPU, and none is begun while another is going on there. */
struct node_walk {
	struct lg_v8 v8;
	__u64 nonce; /* of the walk that uses it; 0: none */
	__u32 head;
	__u32 tail;
	__u32 nr_goals;
	__u32 epoch;                 /* grows with every frame; its low half marks what of `seen` is current */
	__u64 queue[NODE_QUEUE];     /* tagged addresses | enum node_how */
	__u64 seen[NODE_QUEUE];      /* by hash of the same; the epoch in the upper 16 bits */
	__u64 goals[NODE_GOALS * 2]; /* tagged addresses | enum node_how; enum node_class */
	__u64 words[NODE_WORDS];
	__u64 fields[NODE_FIELDS * 3];
	__u64 map[6];
	__u64 classes[NODE_CLASSES]; /* constructors' addresses | enum node_class * 2 */
	struct node_verdict verdict;
	struct answer result;
	__u64 context;     /* of the frame that is walked from */
	__u32 has_stores;  /* 1: a promise was seen that has fields */
	__u32 is_by_store; /* 1: what promises have in fields leads on */
	__u32 nr_steps;
	__u32 is_cut;  /* 1: it ended for having taken too many */
	__u64 inner;   /* node_frames: the frame before, 0 none; what it keeps is here for the verifier's sake too */
	__u32 is_js;   /* 1: there was one of JavaScript */
	__u32 is_stub; /* 1: this one is of V8's own code */
	__u64 found;   /* node_field: the value */
	__u64 ino;     /* node_request: of its connection */
};

struct node_walks_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct node_walk);
};

extern struct node_walks_map node_walks SEC(".maps");

#endif
