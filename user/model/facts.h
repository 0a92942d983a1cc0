/* SPDX-License-Identifier: BSD-2-Clause */
/* What user space told about traced processes: their runtime, and full paths of files. Bounded: the oldest go. */
#ifndef LG_FACTS_H
#define LG_FACTS_H

#include "base/list.h"
#include "base/table.h"
#include "lg_record.h"

struct facts {
	struct table procs; /* pid -> struct proc */
	struct table paths; /* hash of pid and inode -> struct path */
	struct list procs_by_age;
	struct list paths_by_age;
};

struct proc {
	struct list by_age;
	uint32_t pid;
	enum lg_runtime runtime;
	uint16_t version;
	char comm[LG_COMM_LEN]; /* NUL-terminated */
};

void facts_init(struct facts *f);
void facts_fini(struct facts *f);

/* 0 or -ENOMEM: not remembered. */
int facts_add_target(struct facts *f, const struct lg_rec_target *rec);
int facts_add_path(struct facts *f, const struct lg_rec_path *rec);

/* NULL: unknown. Valid until the next facts_add_...(). */
const struct proc *facts_proc(const struct facts *f, uint32_t pid);
/* Of what a call of the process blocked on. */
const char *facts_block_path(const struct facts *f, uint32_t pid, const struct lg_block *block);

/* Copies a comm of a record, which need not be terminated. */
void comm_copy(char dst[LG_COMM_LEN], const char src[LG_COMM_LEN]);

#endif
