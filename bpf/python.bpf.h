/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Asking CPython whose code runs: the request is found from the running asyncio task, in the arguments of its
 * coroutines; for a task that holds none, in those of the task that awaits it.
 *
 * All memory read here may be garbage or change meanwhile: every loop is bounded, every type is compared, and
 * a read that fails makes "nobody" impossible.
 */
#ifndef LG_PYTHON_BPF_H
#define LG_PYTHON_BPF_H

#include "lg_path.h"
#include "owner.bpf.h"
#include "user.bpf.h"

#define WALK_TASKS 4 /* loops of one process that run Python at the same time; more are not looked at */

/* Attributes and keys that are looked for; the table of names is in python.bpf.c. */
enum walk_name {
	NAME_TYPE,
	NAME_SCOPE,
	NAME_CLIENT,
	NAME_CYCLE,
	NAME_ON_RESPONSE,
	NAME_RECEIVE,
	NAME_RESPONSE_STARTED,
	NAME_RESPONSE_COMPLETE,
	NAME_TASK, /* _host_task, _parent_task: of a group */
	NAME_CANCEL_SCOPE,
	NAME_FUTURE,         /* of an executor's work item, */
	NAME_DONE_CALLBACKS, /* and of that future */
	NAME_STATE,          /* hypercorn: of a stream, */
	NAME_VALUE,          /* of an enum's member */
	NAME_PEERNAME,       /* aiohttp: of a request, */
	NAME_PAYLOAD_WRITER, /* and what writes its response: */
	NAME_OUTPUT_SIZE,
	NAME_EOF,
	NAME_LOOP,
	NAME_PATH,     /* as it was sent: of a scope */
	NR_NAMES = 32, /* a power of two: indexes are masked */
};

/* The state of one question. It belongs to a thread, and a question does not nest. */
struct walk {
	struct lg_python py;
	__u32 is_busy;
	__u32 tid;       /* whose thread state `tstate` is */
	__u64 tstate;    /* 0: not found yet */
	__u64 nr_hits;   /* requests found so far: this server's ways are known */
	__u64 nr_cycles; /* of them, by the server's own object */
	__u32 is_failed; /* not 0: some read failed */
	__u32 nr_tasks;
	__u64 tasks[WALK_TASKS];  /* running tasks of all threads */
	__u64 frames[WALK_TASKS]; /* the outermost frames of their coroutines */
	__u64 task;               /* the one that runs on this thread, 0 none */
	__u64 root;               /* its frame */
	__u64 attrs[NR_NAMES];    /* what the last scan found */
	__u64 key_first;          /* of the table that is scanned: where its first key and its first value are */
	__u64 value_first;
	__u64 key_stride;
	__u64 value_stride;
	__u64 next;     /* who awaits the task or future, 0 nobody */
	__u32 nr_next;  /* how many different ones do */
	__u32 is_group; /* 1: it is the task that made the group */

	__u32 nr_looked; /* frames whose arguments were looked at: in memory, where it costs the verifier no states */
	__u32 is_found;
	__u32 is_cycle;   /* 1: what was found is the server's own object */
	__u32 is_handler; /* 1: the frame that is looked at is of aiohttp's connection, which serves one at a time */

	__u32 looks_for; /* enum walk_futures */
	__u64 future;    /* what was found of them, */
	__u64 callback;  /* or one's callback; 0 none */

	/* Who holds the interpreter lock. */
	__u64 holder;
	__u32 holder_tid; /* 0 unknown */
	char holder_comm[LG_COMM_LEN];

	/* The request that was found. */
	__u32 stage;     /* enum lg_stage */
	__u32 is_behind; /* 1: its connection has read another request */
	__u64 from;      /* who was asked for its awaiter before: not followed back */
	__u64 key;       /* address of its scope */
	__u64 port;      /* 0 unknown */
	__u32 path_sum;  /* see lg_path.h */
	__u64 path[LG_PATH_WORDS];
};

/* Futures in a frame's variables: who waits for them waits for the code that runs. */
enum walk_futures {
	FUTURES_NONE,
	FUTURES_INNER, /* of a callback of the loop: further out are the loop's own */
	FUTURES_OUTER, /* of a thread of a pool: what it was given to do */
};

struct walks_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LG_MAX_SLOTS);
	__type(key, __u32);
	__type(value, struct walk);
};

extern struct walks_map walks SEC(".maps");

/* The steps: functions that the verifier sees once (python.bpf.c). All return 1 when they found something. */
int python_tstate_find(struct walk *w, __u64 id);
int python_tasks_find(struct walk *w);
int python_root_find(struct walk *w);
int python_frame_look(struct walk *w, __u64 frame, __u32 is_any);
int python_stack_look(struct walk *w);
int python_awaiter_find(struct walk *w, __u64 future);
int python_task_look(struct walk *w, __u64 task);
int python_callback_follow(struct walk *w, __u64 callback);
int python_holder_find(struct walk *w);

/* In the lock's state: the thread state that took it last, and whether it has it still (an int). */
#define GIL_HOLDER 8
#define GIL_LOCKED 16

#define WALK_HOPS 8 /* tasks that wait for each other: wait_for, gather and groups take two each */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

#if defined(__TARGET_ARCH_x86)
struct thread_struct___tls {
	unsigned long fsbase;
};

struct task_struct___tls {
	struct thread_struct___tls thread;
};
#endif

struct upid___tls {
	int nr;
};

struct pid___tls {
	unsigned int level;
	struct upid___tls numbers[1];
};

struct task_struct___pid {
	struct pid___tls *thread_pid;
};

struct list_head___threads {
	struct list_head___threads *next;
};

struct task_struct___threads {
	struct list_head___threads thread_node;
};

#pragma clang attribute pop

/*
 * What names the thread in its own process: pthread_self(), which is the thread pointer itself on x86-64 (and
 * survives a fork, other than the id that CPython keeps); elsewhere its id in the innermost namespace.
 */
static __always_inline __u64 thread_self(struct task_struct *task)
{
#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ((struct task_struct___tls *)task, thread.fsbase);
#else
	struct pid___tls *pid = BPF_CORE_READ((struct task_struct___pid *)task, thread_pid);
	unsigned int level = BPF_CORE_READ(pid, level);
	struct upid___tls *at = (void *)pid + bpf_core_field_offset(pid->numbers);
	int nr = 0;

	if (level > 32)
		return 0;
	bpf_probe_read_kernel(&nr, sizeof(nr), (void *)at + level * bpf_core_type_size(struct upid___tls));
	return nr;
#endif
}

/*
 * From a task or future to those that wait for it, until one is the server's own. Returns -1 when several wait, which
 * leaves what was found so far.
 */
static __always_inline int chain_look(struct walk *w, __u64 at)
{
	for (int i = 0; i < WALK_HOPS; i++) {
		w->next = 0;
		w->nr_next = 0;
		w->is_group = 0;
		python_awaiter_find(w, at);
		if (!w->nr_next)
			return 0;
		if (w->nr_next > 1)
			return -1;
		w->from = at;
		at = w->next;
		w->is_found |= python_task_look(w, at);
		if (w->is_cycle)
			return 0;
	}
	w->is_failed = 1;
	return 0;
}

/*
 * Exact is what leads to the server's own object of the request: that knows the connection, whatever the application
 * made of the scope, and whether the request was answered.
 */
static __always_inline int walk_task(struct walk *w, struct answer *a)
{
	int several = 0;

	w->is_found = python_frame_look(w, w->root, 1);
	if (!w->is_found)
		python_stack_look(w);
	if (!w->is_cycle)
		several = chain_look(w, w->task);
	a->sure = w->is_cycle ? LG_SURE_EXACT : LG_SURE_LIKELY;
	if (w->is_found) {
		a->answer = LG_ANSWER_CONN;
		return 0;
	}
	if (w->is_failed)
		return -1;
	a->answer = several ? LG_ANSWER_SHARED : LG_ANSWER_NOBODY;
	return 0;
}

/* Code outside of tasks: by what its frames hold, and by who waits for a future that they hold. */
static __always_inline void walk_futures(struct walk *w, __u32 looks_for)
{
	w->looks_for = looks_for;
	w->future = 0;
	w->callback = 0;
	python_stack_look(w);
	w->looks_for = FUTURES_NONE;
	if (w->callback) {
		w->next = 0;
		w->nr_next = 0;
		w->is_group = 0;
		python_callback_follow(w, w->callback);
		w->future = w->nr_next == 1 ? w->next : 0;
	}
	if (w->future && !w->is_cycle)
		chain_look(w, w->future);
}

/* A callback of the loop: a protocol's, or a timer's. Its connection may be between two requests. */
static __always_inline int walk_callback(struct walk *w, struct answer *a)
{
	if (w->nr_tasks)
		return -1;
	walk_futures(w, FUTURES_INNER);
	a->sure = w->is_cycle && w->future ? LG_SURE_CAUSAL : LG_SURE_LIKELY;
	if (w->is_found)
		a->answer = LG_ANSWER_CONN;
	return w->is_failed && a->answer != LG_ANSWER_CONN ? -1 : 0;
}

/*
 * The thread that held the interpreter lock runs a loop of its own, or is one of a pool. It may run on while it is
 * looked at, so nothing is proved.
 */
static __always_inline void walk_holder(struct walk *w, struct answer *a)
{
	a->answer = LG_ANSWER_NOBODY;
	if (!w->holder)
		return;
	a->holder_tid = w->holder_tid;
	python_tasks_find(w);
	python_root_find(w);
	if (w->task)
		walk_task(w, a);
	else
		walk_futures(w, FUTURES_OUTER);
	if (!w->is_found || !w->port) {
		a->answer = LG_ANSWER_NOBODY;
		return;
	}
	a->answer = LG_ANSWER_CONN;
	a->sure = w->is_cycle ? LG_SURE_CAUSAL : LG_SURE_LIKELY;
}

static __always_inline void walk_begin(struct walk *w)
{
	w->is_failed = 0;
	w->is_found = 0;
	w->is_cycle = 0;
	w->stage = LG_STAGE_UNKNOWN;
	w->is_behind = 0;
	w->from = 0;
	w->key = 0;
	w->port = 0;
	w->path_sum = 0;
}

static __always_inline int walk_run(struct walk *w, struct task_struct *task, struct answer *a)
{
	__u32 is_gc = 0;
	int error;

	walk_begin(w);
	if (!python_tstate_find(w, thread_self(task)))
		return -1;
	if (w->py.interp_gc && !bpf_probe_read_user(&is_gc, sizeof(is_gc), (void *)(w->py.interp + w->py.interp_gc)))
		a->is_gc = is_gc == 1;
	python_tasks_find(w);
	python_root_find(w);
	if (w->is_failed)
		return -1;
	error = w->task ? walk_task(w, a) : walk_callback(w, a);
	if (error || a->answer != LG_ANSWER_CONN)
		return error;
	if (!w->port) {
		a->answer = LG_ANSWER_NOBODY;
		return -1;
	}
	w->nr_hits++;
	return 0;
}

/* Most of the time since the last edge went by in waiting for the interpreter lock; or it is about to wait for it. */
static __always_inline bool thread_waited_gil(const struct thread *t, __u64 now)
{
	if (t->out_ns)
		return t->out_class == LG_SLEEP_GIL;
	return t->has_since && t->since.sleep_ns[LG_SLEEP_GIL] > (now - t->edge_ns) / 2;
}

/*
 * Another thread has the lock still, and this one waits for it: it did for most of the time that it did not wait for a
 * CPU, or was told to a moment ago. Its waits end after 5 ms each, and between two of them it may lose the CPU.
 */
static __always_inline bool thread_waits_gil(struct walk *w, const struct thread *t, __u64 now)
{
	__u64 holder = w->tstate ? word_at(w->py.gil + GIL_HOLDER) : 0;

	if (!holder || holder == w->tstate)
		return false;
	if (t->is_marked && t->answer.is_gil)
		return true;
	return t->has_since &&
	       t->since.sleep_ns[LG_SLEEP_GIL] > (now - t->edge_ns - t->since.runqueue_ns - t->since.throttled_ns) / 2;
}

/*
 * It is preempted, and does not have the lock: who takes it meanwhile has this thread wait longer than for the CPU
 * alone.
 */
static __always_inline bool thread_lost_gil(struct walk *w, const struct thread *t)
{
	return t->out_ns && t->out_class == OFF_PREEMPTED &&
	       (word_at(w->py.gil + GIL_HOLDER) != w->tstate || !(__u32)word_at(w->py.gil + GIL_LOCKED));
}

/*
 * What was taken for a lock before it was known which one is the interpreter's: the call that it sleeps in, to which
 * its next waits for the same lock are added, and what was booked.
 */
static __always_inline void gil_learn(struct thread *t, __u64 gil)
{
	struct lg_block *b = &t->since.longest;
	__u64 ns = b->sleep_ns;

	if (t->gil == gil)
		return;
	t->gil = gil;
	if (t->call.sleep == LG_SLEEP_LOCK && thread_is_gil(t, t->call.args[0])) {
		t->call.sleep = LG_SLEEP_GIL;
		if (t->out_ns && t->out_class == LG_SLEEP_LOCK)
			t->out_class = LG_SLEEP_GIL;
	}
	if (!t->has_since || b->sleep != LG_SLEEP_LOCK || !thread_is_gil(t, b->args[0]))
		return;
	if (ns > t->since.sleep_ns[LG_SLEEP_LOCK])
		ns = t->since.sleep_ns[LG_SLEEP_LOCK];
	t->since.sleep_ns[LG_SLEEP_LOCK] -= ns;
	t->since.sleep_ns[LG_SLEEP_GIL] += ns;
	b->sleep = LG_SLEEP_GIL;
}

/* Asks for the thread that made this one wait. */
static __always_inline void gil_ask(struct walk *w, struct thread *t, struct task_struct *task, struct answer *a)
{
	struct lg_block *b = t->out_ns ? &t->call : &t->since.longest;
	__u64 own;

	if (!w->tstate)
		python_tstate_find(w, thread_self(task));
	own = w->tstate;
	walk_begin(w);
	python_holder_find(w);
	w->tstate = w->holder;
	walk_holder(w, a);
	w->tstate = own;
	a->is_gil = 1;
	if (b->sleep != LG_SLEEP_GIL || !w->holder_tid)
		return;
	b->target.kind = LG_TARGET_HOLDER;
	b->target.ino = w->holder_tid;
	b->target.name_len = LG_COMM_LEN;
	__builtin_memcpy(b->target.name, w->holder_comm, LG_COMM_LEN);
}

static __always_inline int python_ask(struct thread *t, struct task_struct *task, struct lg_python *python,
				      struct answer *a, __u64 now)
{
	struct walk *w = bpf_map_lookup_elem(&walks, &t->slot);
	int error;

	if (!w || w->is_busy)
		return -1;
	w->is_busy = 1;
	barrier();
	if (w->tid != t->tid || w->py.interp != python->interp) {
		w->tid = t->tid;
		w->tstate = 0;
		w->nr_hits = 0;
		w->nr_cycles = 0;
	}
	w->py = *python;
	gil_learn(t, python->gil);
	if (thread_waited_gil(t, now) || thread_waits_gil(w, t, now)) {
		gil_ask(w, t, task, a);
		error = 0;
	} else {
		error = walk_run(w, task, a);
		if (!w->nr_hits) {
			error = -1;
		} else if (error) {
			a->answer = LG_ANSWER_UNKNOWN;
			error = 0;
		}
		if (a->sure == LG_SURE_EXACT && thread_lost_gil(w, t))
			a->sure = LG_SURE_LIKELY;
	}
	if (a->answer == LG_ANSWER_CONN) {
		w->nr_cycles += w->is_cycle;
		a->stage = w->stage == LG_STAGE_UNKNOWN && w->nr_cycles ? LG_STAGE_DETACHED : w->stage;
		a->is_behind = w->is_behind;
		a->port = w->port;
		a->key = w->key;
		a->path_sum = w->path_sum;
	}
	barrier();
	w->is_busy = 0;
	return error;
}

#endif
