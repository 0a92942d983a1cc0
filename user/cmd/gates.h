/* SPDX-License-Identifier: BSD-2-Clause */
/* --fail-if and --junit: checked at the end of a run, live or recorded. */
#ifndef LG_CMD_GATES_H
#define LG_CMD_GATES_H

#include "cmd/view.h"

/* Refuses conditions that cannot be read: before anything is begun. */
int gates_check_opts(const struct trace_opts *opts, struct err *err);

/*
 * Checks what was seen until `now_ns` and tells it after the summary. Returns EXIT_CODE_GATE when one tripped, else
 * EXIT_CODE_OK, also without any; EXIT_CODE_FAILED with a sentence when the report cannot be written.
 */
int gates_finish(const struct trace_opts *opts, struct view *view, uint64_t now_ns, struct err *err);

#endif
