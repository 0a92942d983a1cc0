/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a run of `lgtrace` consists of, set up and taken down. The stream flows through it: ring buffer -> live
 * -> model -> render, and on its way into a recording where one is wanted.
 */
#ifndef LG_SESSION_H
#define LG_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/table.h"
#include "cmd/header.h"
#include "cmd/launch.h"
#include "cmd/meter.h"
#include "cmd/runtimes.h"
#include "cmd/targets.h"
#include "cmd/trace.h"
#include "cmd/view.h"
#include "probe/probe.h"
#include "source/file_writer.h"
#include "source/live.h"
#include "symbol/stacks.h"

#define BEAT_NS     100000000 /* how often the ring buffer is read when nothing urgent is in it */
#define BEATS_PER_S (NS_PER_S / BEAT_NS)

struct session {
	const struct trace_opts *opts;
	struct targets targets;
	struct launch launch;
	struct probe *probe;
	struct stacks *stacks; /* NULL: no stacks are told */
	struct live *live;
	struct table due; /* processes to attach to once the ring buffer is read: most of a storm are gone by then */
	struct runtimes_ahead ahead;
	struct table runtimes; /* processes whose runtime was looked for -> enum runtime_found */
	struct view view;
	struct meter meter;
	struct file_writer *recording; /* NULL: none */
	uint64_t start_ns;             /* of the recording, CLOCK_MONOTONIC; 0: it has not begun */
	int record_error;              /* -errno: why it ended early, which was told */
	int epoll_fd;
	int timer_fd;
	int watch_fd; /* timer: when a turn that goes on will be worth telling */
	int signal_fd;
	uint64_t beats; /* of the timer, so far */
	uint64_t nr_summaries;
	bool is_done;       /* there is a reason to stop */
	bool noted_no_loop; /* the user was told that no loop was found so far */
};

/* Everything up to the attached probes and the event loop's descriptors. `s` is zero but for opts and fds of -1. */
int session_open(struct session *s, struct err *err);
/* Detaches first; safe on a session that was opened only in part. */
void session_close(struct session *s);

/* Begins the recording, whose file is open; `header` says of what. */
int session_record_begin(struct session *s, const struct header *header, struct err *err);
/* A write that fails is told once, and ends the recording, or the run when it does nothing else. */
void session_record_add(struct session *s, const struct lg_head *rec);
/* Ends it, whole. */
void session_record_finish(struct session *s);
/* Says what was recorded. */
void session_record_tell(const struct session *s);

/* Reads what is in the ring buffer, and attaches to the processes that it told of. */
int session_consume(struct session *s);

/* Puts the totals of all loops, and the counters, into the stream. 0 or -errno. */
int session_totals(struct session *s);

/* At every beat: what tracing costs, and what is left out for it. */
void session_spend(struct session *s);

/* At every beat: turns that do not end. What will be due before the next one makes watch_fd readable, */
void session_watch_turns(struct session *s);
/* and then this is called. */
void session_on_due(struct session *s);

/* A sentence for the user, on standard error, unless it is to be quiet. */
void session_note(const struct session *s, const char *text);

/* Turns at least this long are told in any case: the threshold, or less for a recording. */
uint64_t session_turn_ns(const struct trace_opts *opts);
/* Watches one more descriptor in the event loop. 0 or -errno. */
int session_watch(struct session *s, int fd);

#endif
