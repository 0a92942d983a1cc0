/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this kernel has of what lgtrace is made of. It is read from the kernel's own description of its types, so
 * it takes no rights; whether it may be used is another question, which only probe_open() answers.
 */
#ifndef LG_PROBE_FEATURE_H
#define LG_PROBE_FEATURE_H

#include <stdbool.h>

struct features {
	const char *no_tracepoint; /* the first that is missing of those that are needed; NULL: none is */
	bool has_ringbuf;
	bool has_task_storage;
	bool has_task_regs;    /* the system call that a thread sleeps in can be read */
	bool has_uprobe_multi; /* in a form that works for every thread of a process */
};

/* A negative error when the kernel's types cannot be read. */
int features_read(struct features *f);

#endif
