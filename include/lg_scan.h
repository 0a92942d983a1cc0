/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a scan of the host's threads tells of each one that waits for events. It watches scheduler switches alone: no
 * system call is probed, so what it tells of a loop is how busy it is, not how long its turns are.
 */
#ifndef LG_SCAN_H
#define LG_SCAN_H

#include "lg_record.h"

enum lg_scan_flag {
	LG_SCAN_WAITING = 1, /* asleep in its wait */
	LG_SCAN_SET = 2,     /* it waits on a set: epoll or io_uring */
};

/* Totals of one thread since it is watched. */
struct lg_scan {
	__u32 pid;
	__u32 tid;
	char comm[LG_COMM_LEN];
	__s32 wait_nr;     /* the system call of its last wait for events */
	__u32 flags;       /* enum lg_scan_flag */
	__u64 since_ns;    /* watched since, CLOCK_MONOTONIC */
	__u64 now_ns;      /* when this was read */
	__u64 idle_ns;     /* asleep in waits for events, up to now_ns */
	__u64 nr_switches; /* it left the CPU so often, */
	__u64 nr_waits;    /* of these to wait for events, */
	__u64 nr_sleeps;   /* and these for anything else by its own will */
};
LG_SIZE(struct lg_scan, 80);

#endif
