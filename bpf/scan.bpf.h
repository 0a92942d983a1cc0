/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What the scan of the host remembers of each thread; apart from the state of traced ones. */
#ifndef LG_SCAN_BPF_H
#define LG_SCAN_BPF_H

#include "state.bpf.h"

struct scan {
	__u64 since_ns;
	__u64 out_ns;   /* asleep in a wait for events since; 0: not so */
	__u64 out_exec; /* sum_exec_runtime then */
	__u64 idle_ns;
	__u64 nr_switches;
	__u64 nr_waits;
	__u64 nr_sleeps;
	__s32 wait_nr; /* -1: none yet */
	__u32 is_set;  /* 1: it has waited on a set */
};

struct scans_map {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct scan);
};

extern struct scans_map scans SEC(".maps");

#endif
