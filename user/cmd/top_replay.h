/* SPDX-License-Identifier: BSD-2-Clause */
/* `lgtrace report --top`: a recording on the screen of top. */
#ifndef LG_TOP_REPLAY_H
#define LG_TOP_REPLAY_H

#include "cmd/top_show.h"

/*
 * Shows the recording at `path`, `speed` times as fast as it was recorded; in batch mode, what there is at its end.
 * What `opts` leaves open is taken from the recording. Returns the exit code; says what went wrong in *err.
 */
int top_replay(const char *path, struct trace_opts *opts, const struct top_look *look, double speed, struct err *err);

#endif
