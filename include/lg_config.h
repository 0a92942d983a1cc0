/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What user space sets before the programs are loaded. It is read-only to BPF, so the
 * verifier removes every branch that a setting disables.
 */
#ifndef LG_CONFIG_H
#define LG_CONFIG_H

#include "lg_types.h"

enum lg_edges {
	LG_EDGES_SYSCALL = 0, /* from the sys_exit tracepoint */
	LG_EDGES_LIBC = 1,    /* from uprobes behind the system calls of the target's libc */
};

/* Values of the map `targets`, or-ed; its keys are ids of processes and threads. */
enum lg_target_flag {
	LG_TARGET_PROCESS = 1, /* a process: all its threads */
	LG_TARGET_THREAD = 2,  /* one thread */
	LG_TARGET_LOOP = 4,    /* a process, whose first thread is taken for a loop though it does not wait now */
};

/* Cookies of the probes at OpenSSL's functions. */
enum lg_tls_function {
	LG_TLS_READ = 0,    /* SSL_read: the result is the number of bytes */
	LG_TLS_READ_EX = 1, /* SSL_read_ex: the fourth argument points to it */
	LG_TLS_WRITE = 2,   /* SSL_write and SSL_write_ex: the third argument is it */
};

/* Runtimes that may be asked whose code runs; the walks of the others are not even verified. */
enum lg_ask {
	LG_ASK_PYTHON = 1,
	LG_ASK_NODE = 2,
	LG_ASK_NATIVE = 4, /* nginx and Redis: whether a callback runs that was called for what a descriptor had */
};

/* What stacks are told of; 0: none are taken. */
enum lg_stack_part {
	LG_STACK_USER = 1,
	LG_STACK_KERNEL = 2,
};

struct lg_config {
	__u64 turn_ns;   /* turns at least this long are told even when they had no edge */
	__u64 quiet_ns;  /* edges of a loop that speaks no HTTP are told when an interval is at least this long */
	__u64 sample_ns; /* from one sample of a thread that runs to the next */
	__u32 follow;    /* 1: threads and processes born of traced ones are traced too */
	__u32 capture;   /* most bytes of a request head to copy: up to LG_CAPTURE_MAX */
	__u32 ask;       /* enum lg_ask, or-ed */
	__u32 tick_ns;   /* one of the kernel's jiffies */
	__u32 stack;     /* enum lg_stack_part, or-ed */
	__u32 batch;     /* 1: loops are sampled, so that their records may wait for one another */
};
LG_SIZE(struct lg_config, 48);

/* Numbers that user space may change while the programs run (in .bss). */
struct lg_control {
	__u32 edges;       /* enum lg_edges that is in force */
	__u32 look_tid;    /* the thread that trace_asleep is to look at */
	__u32 level;       /* enum lg_level: what is left out for now, to stay within the budget */
	__u32 is_measured; /* 1: programs measure their own time */
};
LG_SIZE(struct lg_control, 16);

#endif
