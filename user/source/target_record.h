/* SPDX-License-Identifier: BSD-2-Clause */
/* A TARGET record of a running process, from /proc. */
#ifndef LG_TARGET_RECORD_H
#define LG_TARGET_RECORD_H

#include "lg_record.h"
#include "target/proc.h"

struct target_record {
	union {
		struct lg_rec_target rec;
		char bytes[sizeof(struct lg_rec_target) + PROC_PATH_LEN + 8];
	} u;
};

/* A process that is gone already is told with what is known: its comm. The record's time is 0. */
void target_record_make(struct target_record *target, int pid, const char comm[LG_COMM_LEN]);

#endif
