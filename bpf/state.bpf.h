/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What BPF remembers: per traced thread (task storage), per connection of a traced process, and the maps.
 * None of it is seen by user space but the maps of include/: the ring buffer, the slots and the counters.
 *
 * A thread's state is written by that thread alone: at its own calls, and in sched_switch while it is
 * switched out or in, where it cannot run. So there are no locks.
 */
#ifndef LG_STATE_BPF_H
#define LG_STATE_BPF_H

#include "compat.h"
#include "lg_config.h"
#include "lg_record.h"
#include "lg_slot.h"

/* A function of its own in the program: keeps the stack small and the verifier's work down. */
#define SUBPROG static __noinline __attribute__((unused))

extern const volatile struct lg_config config SEC(".rodata");
extern struct lg_control control SEC(".bss");

/* Time off the CPU, by kind; the fields of lg_rec_off. */
struct off {
	__u64 sleep_ns[LG_NR_SLEEPS];
	__u64 runqueue_ns;
	__u64 throttled_ns;
	__u32 nr_sleeps;
	__u32 nr_preempts;
	struct lg_block longest;
	__u64 gc_ns;
};

/* Why the thread is, or was last, off the CPU. Values below LG_NR_SLEEPS are of enum lg_sleep. */
enum off_class {
	OFF_PREEMPTED = 64, /* it wanted to run */
	OFF_WAIT = 65,      /* it waits for events: idle */
};

/* One system call, as seen at its switch-out or its return. */
struct call {
	long nr;
	long ret; /* only at its return */
	__u64 args[4];
	__u64 sp;     /* user stack pointer */
	__u8 role;    /* enum call_role */
	bool blocked; /* it slept; only at its return */
};

enum wait_kind {
	WAIT_NONE = 0,
	WAIT_SET,  /* on a descriptor: epoll, io_uring */
	WAIT_LIST, /* poll, select */
};

/* The calls that count as the loop's own wait; any other waiting call is one of the code it runs. */
struct wait {
	__u32 kind; /* enum wait_kind */
	__s32 fd;   /* WAIT_SET: the descriptor */
	__u64 file; /* WAIT_SET: address of its struct file, to see when it was closed */
	__u64 sp;   /* user stack pointer: a nested wait is called from deeper */
};

/* An edge that was not told (yet), of a loop without HTTP. */
struct quiet_edge {
	__u64 time_ns; /* 0: none */
	__u64 bytes;
	__u64 ino;
	__u32 fd;
	__u8 op;       /* enum lg_io_op */
	__u8 flags;    /* enum lg_io_flag */
	__s32 last_nr; /* as thread.last_nr, -1 none */
	__u64 user_ns; /* task->utime and ->stime then */
	__u64 system_ns;
};

enum thread_flag {
	THREAD_LOOP = 1,   /* waits like an event loop */
	THREAD_HTTP = 2,   /* has read an HTTP request: every edge is told */
	THREAD_EXITS = 4,  /* the returns of its waits are seen (libc mode misses raw system calls) */
	THREAD_SITES = 8,  /* it is learnt from where it calls callbacks (site.bpf.h) */
	THREAD_SITED = 16, /* that was begun */
};

/* What a runtime told of whose code runs; the fields of lg_rec_owner. */
struct answer {
	__u64 ino;
	__u64 key;
	__u16 port;
	__u8 answer; /* enum lg_answer */
	__u8 sure;   /* enum lg_confidence */
	__u8 is_gc;
	__u8 is_gil;
	__u8 stage; /* enum lg_stage */
	__u8 is_behind;
	__u32 holder_tid;
	__u32 path_sum;
};

/*
 * Records of a thread on their way to the ring buffer, which takes them much cheaper together. Several requests' worth;
 * at most so much of a read or a write goes that way.
 */
#define BATCH_SIZE    2048
#define BATCH_CAPTURE 1024

/* What every call reads and writes comes first: few lines of the cache, which the code in between may have emptied. */
struct thread {
	__u32 pid;
	__u32 tid;
	__u32 slot;
	__u32 flags;          /* enum thread_flag */
	__u64 seq;            /* system calls (or probes) that returned so far */
	__u64 call_seq;       /* value of seq when `call` began; another value: `call` is over */
	__u64 out_ns;         /* the stretch off the CPU that is going on or not yet booked; 0: none */
	__u64 seen_system_ns; /* task->stime at the last call's return */
	bool in_wait;         /* it slept in its wait, and that has not returned yet */
	bool in_return; /* the return of a call, or the like, is being looked at: a sample must not change anything */
	bool has_before;
	bool has_since;
	bool has_gap;    /* edges before `quiet` were not told */
	bool is_marked;  /* the last told edge is an answer: the model takes it for what follows too */
	bool has_answer; /* it was given when the thread left the CPU: told if the stretch off it is long */
	bool has_note;   /* its stack was noted at a switch-out, for the stretch that goes on */

	/* The current turn; turn_ns 0: none, or it began and no edge has shown it yet. */
	__u64 turn_ns;
	__u64 wake_ns; /* woken from its wait at this time, with no edge since; 0: not so */
	__u64 turn_edges;
	__u64 edge_ns;        /* the last edge, told or not; the turn's start counts as one */
	__u64 long_ns;        /* end of the last turn that was long enough to keep bytes waiting, 0 none */
	__u64 nested_sp;      /* where a loop within this turn waited; 0: there was none */
	__u64 unasked_ns;     /* blocked since the last told edge */
	__u64 last_system_ns; /* system time of last_nr since the last told edge */

	__u64 user_ns; /* task->utime and ->stime at the last told edge */
	__u64 system_ns;
	__s32 last_nr;
	__u32 last_read_fd; /* where bytes were read last: an SSL object's connection */
	__u32 batch_nr;     /* records in the batch */
	__u32 batch_len;    /* bytes of them */
	struct wait wait;

	struct quiet_edge quiet;
	struct call returned; /* the call that is just returning: here, for there is little stack for what follows */

	__u32 nr_waits;  /* sleeps in waiting calls that look like a loop's, while it is no loop yet */
	__u32 nr_sleeps; /* other voluntary sleeps meanwhile */

	/* The rest of the stretch off the CPU at out_ns. */
	__u64 in_ns;               /* 0: still off, or the switch-in was not reported */
	__u64 out_run_delay;       /* task->sched_info.run_delay at out_ns */
	__u64 out_throttled_clock; /* task_throttled_clock() at out_ns */
	__u64 out_exec;            /* sum_exec_runtime at out_ns */
	__u64 arrival_lead_ns; /* a reported in_ns - sched_info.last_arrival: between the two clocks; 0: not known */
	__u32 out_class;       /* enum off_class or enum lg_sleep */
	__u32 out_throttled;   /* 1: the quota took the CPU away */
	__u64 wake_runqueue_ns;
	__u64 wake_throttled_ns;
	__u64 turn_late_ns;

	/* The system call that blocks, over all its stretches; call.nr is only meaningful with call_seq. */
	struct lg_block call;
	bool path_told; /* the path of call.target */

	__u64 nested_file; /* the struct file of the nested loop's set, to see when that was closed */
	__u32 nested_fd;

	struct off before; /* from the last told edge to `quiet` */
	struct off since;  /* from `quiet`, else from the last told edge */

	__u64 gil; /* address of the interpreter lock's state, once the runtime was asked; 0: none is known */
	struct answer answer; /* the last one, */
	__u64 answer_ns;      /* as of this time */
	__u64 known_ns;       /* of the time off the CPU before it, what is known to be of the same code */
	__u64 aside_after_ns; /* as ask_after_ns, of answers that are only for who looks at a thread that hangs */
	__u64 ask_after_ns;  /* until when the questions at switch-outs that were for nothing use up their share of time
			      */
	__u64 stack_ns;      /* when its stack was taken last */
	__u64 note_ns;       /* when it was noted last, at a switch-out */
	__u64 note_after_ns; /* until when the notes so far use up their share of time */
	__u64 tick_ns;       /* when it was sampled last, by the tick */
	__u64 python_state;  /* where the interpreter keeps this thread's, 0 not known yet */

	__u64 pair_args[4]; /* libc mode: arguments of the call whose return another probe shows */
	__u64 pair_sp;
	__s32 pair_nr; /* its number; PAIR_NONE: no such call is going on */

	__u64 ssl; /* TLS: SSL object of the call that is going on, 0 none */
	__u64 ssl_buf;
	__u64 ssl_count_at; /* SSL_read_ex: where it puts the number of bytes; 0: SSL_read */

	__u8 batch[BATCH_SIZE] __attribute__((aligned(8)));
};

#define PAIR_NONE (-1)

/* Bytes of CPython's struct _gil_runtime_state: whoever waits for the lock sleeps on a futex in it. */
#define GIL_SIZE 208

static __always_inline bool thread_is_gil(const struct thread *t, __u64 futex)
{
	return t->gil && futex - t->gil < GIL_SIZE;
}

enum conn_flag {
	CONN_SOCK = 1,
	CONN_HTTP = 2,  /* a request was read on it: writes are looked into */
	CONN_TLS = 4,   /* its plaintext comes from SSL_read and SSL_write */
	CONN_FILE = 8,  /* a regular file or directory: not an edge */
	CONN_TOLD = 16, /* its CONN record was sent */
};

struct conn_key {
	__u32 pid;
	__u32 fd;
};

struct conn {
	struct conn_key key; /* pid 0: a free entry */
	__u64 ino;
	__u32 budget; /* bytes of reads that may still be captured before the next write */
	__u8 origin;  /* enum lg_conn_origin */
	__u8 flags;   /* enum conn_flag */
	__u16 pad;
};

/* The connection of an SSL object. */
struct ssl_conn {
	__u64 ino;
	__u32 fd;
	__u32 pad;
};

struct ssl_key {
	__u64 ssl;
	__u32 pid;
	__u32 pad;
};

/* Bytes of one connection's reads that are captured between two writes: heads and small bodies. */
#define CONN_BUDGET 16384

#define MAX_SSLS    16384
#define MAX_TARGETS 8192

struct threads_map {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread);
};

struct slots_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LG_MAX_SLOTS);
	__type(key, __u32);
	__type(value, struct lg_slot);
};

struct free_slots_map {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, LG_MAX_SLOTS);
	__uint(key_size, 0);
	__uint(value_size, sizeof(__u32));
};

/*
 * A table of connections that costs less than a line of the cache a look: a process's descriptors are dense, and lie
 * side by side in it, unless a place is another process's. Which places are in use, all threads of a process see; where
 * two of them add at once, one entry may be lost, and is learnt anew.
 */
#define MAX_CONNS 65536 /* a power of two; more connections than most hosts have */
#define CONN_WAYS 4     /* places that one may have, a quarter of the table apart */

struct conns_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_CONNS);
	__type(key, __u32);
	__type(value, struct conn);
};

struct ssls_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, MAX_SSLS);
	__type(key, struct ssl_key);
	__type(value, struct ssl_conn);
};

struct targets_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_TARGETS);
	__type(key, __u32);
	__type(value, __u32);
};

struct counters_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
};

struct events_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 * 1024 * 1024);
};

extern struct threads_map threads SEC(".maps");
extern struct slots_map slots SEC(".maps");
extern struct free_slots_map free_slots SEC(".maps");
extern struct conns_map conns SEC(".maps");
extern struct ssls_map ssls SEC(".maps");
extern struct targets_map targets SEC(".maps");
extern struct counters_map counters SEC(".maps");
extern struct events_map events SEC(".maps");

/* n, at most max: in a form whose bound the verifier keeps (clang 14 would test a 32-bit copy). */
static __always_inline __u64 bounded(__u64 n, __u64 max)
{
	barrier_var(n);
	return n > max ? max : n;
}

static __always_inline void count_add(__u32 counter, __u64 nr)
{
	__u64 *n = bpf_map_lookup_elem(&counters, &counter);

	if (n)
		*n += nr;
}

static __always_inline void count(__u32 counter)
{
	count_add(counter, 1);
}

/* The state of a traced thread, else NULL. */
static __always_inline struct thread *thread_get(struct task_struct *task)
{
	return bpf_task_storage_get(&threads, task, 0, 0);
}

/*
 * The same where every thread of the host comes by: untraced ones pay one load. To check that load the verifier goes
 * over the names of all the kernel's types, which takes it a millisecond; so not elsewhere.
 */
static __always_inline struct thread *thread_of(struct task_struct *task)
{
	return task->bpf_storage ? thread_get(task) : NULL;
}

static __always_inline struct lg_slot *slot_of(struct thread *t)
{
	__u32 slot = t->slot; /* verifiers before 6.2 take no key from a global function's argument */

	return bpf_map_lookup_elem(&slots, &slot);
}

#endif
