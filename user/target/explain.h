/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the threads of a process wait in right now: one look, to explain why no event loop was found in it.
 * Numbers only; names of system calls belong to render.
 */
#ifndef LG_EXPLAIN_H
#define LG_EXPLAIN_H

#include <stddef.h>

#define EXPLAIN_MAX_WAITS 8 /* different calls told; a sentence holds no more */

struct explain_wait {
	int nr;         /* system call; -1: blocked outside of one (page fault, stopped) */
	unsigned count; /* threads in it */
};

struct explain {
	unsigned nr_threads;
	unsigned nr_running;                          /* on a CPU or ready for one */
	unsigned nr_unknown;                          /* the kernel would not tell, or beyond the calls that are told */
	struct explain_wait waits[EXPLAIN_MAX_WAITS]; /* most threads first */
	size_t nr_waits;
};

/* Negative error when the process is gone. */
int proc_explain_waits(int pid, struct explain *out);

/* What a thread waits in: *nr, and its first argument (mostly a descriptor). 0; 1 when it runs; or a negative error. */
int proc_thread_wait(int pid, int tid, int *nr, unsigned long long *first_arg);

#endif
