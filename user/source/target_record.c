/* SPDX-License-Identifier: BSD-2-Clause */
/* Executable and runtime of a process, as a record. */
#include "source/target_record.h"

#include <string.h>

#include "target/runtime.h"

void target_record_make(struct target_record *target, int pid, const char comm[LG_COMM_LEN])
{
	struct lg_rec_target *rec = &target->u.rec;
	struct runtime runtime = {};
	char exe[PROC_PATH_LEN] = "";
	size_t len;

	memset(target, 0, sizeof(*target));
	runtime_detect(&runtime, pid);
	proc_exe(pid, exe, sizeof(exe), NULL);
	len = strnlen(exe, sizeof(exe));
	rec->head.kind = LG_REC_TARGET;
	rec->head.len = (sizeof(*rec) + len + 7) / 8 * 8;
	rec->pid = pid;
	rec->runtime = runtime.kind;
	rec->version = runtime.version;
	memcpy(rec->comm, comm, LG_COMM_LEN);
	rec->exe_len = len;
	memcpy(rec->exe, exe, len);
}
