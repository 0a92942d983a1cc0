/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a reader must be told who begins in the middle of a recording: the records that still hold, the newest of each
 * thing. Processes, threads, loops with their totals, connections, paths.
 *
 * It is bounded: of each sort the oldest are forgotten. What is going on within a connection is not kept; a reader
 * finds into it as lgtrace does that is started while a server is under load.
 */
#ifndef LG_FILE_STATE_H
#define LG_FILE_STATE_H

#include <stddef.h>

#include "lg_record.h"

struct file_state;

/* At most `size` bytes of records are kept. NULL: no memory. */
struct file_state *file_state_new(size_t size);
void file_state_free(struct file_state *state);

/* Takes a checked record into account. What there is no memory for is forgotten. */
void file_state_add(struct file_state *state, const struct lg_head *rec);

/* Hands out every record that is kept, in an order that the model can use; stops at the first error and returns it. */
int file_state_each(const struct file_state *state, int (*each)(void *arg, const struct lg_head *rec), void *arg);

#endif
