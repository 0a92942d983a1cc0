/* SPDX-License-Identifier: BSD-2-Clause */
/* A recording run through the model and into a view: what report and diff do with their files. */
#ifndef LG_REPLAY_H
#define LG_REPLAY_H

#include "cmd/header.h"
#include "cmd/view.h"
#include "source/file_reader.h"

struct replay {
	struct file_reader *file;
	struct header *header;
	struct view view;
	uint64_t end_ns;  /* of the newest record */
	bool is_state;    /* the record of replay_next() restates what was before the recording, */
	bool was_state;   /* and the one before it did */
	bool is_filtered; /* as it was recorded */
};

/* Opens the file and a model; what `opts` leaves open is taken from the recording. */
int replay_open(struct replay *replay, const char *path, struct trace_opts *opts, struct err *err);
/* The next record, which is valid until the next call: 1, 0 at the end or at the first damage, or -errno. */
int replay_next(struct replay *replay, const struct lg_head **rec);
/* Feeds the model with it. 0 or -ENOMEM. */
int replay_feed(struct replay *replay, const struct lg_head *rec);
/* Reads it to its end or to its first damage. */
int replay_run(struct replay *replay, struct err *err);
/* Tells the summary. */
int replay_sum_up(struct replay *replay, struct err *err);
/* Says on standard error what the file does not hold: what is damaged, and what was not recorded. */
void replay_notes(const struct replay *replay, const struct trace_opts *opts);
/* Of that, only what is damaged. */
void replay_note_damage(const struct replay *replay);
/* Safe on a replay that was opened only in part. */
void replay_close(struct replay *replay, struct err *err);

#endif
