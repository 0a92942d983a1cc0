// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The question to the runtime, and the sampling that asks it in long stretches on the CPU. */
#include "node.bpf.h"
#include "owner.bpf.h"
#include "python.bpf.h"

/*
 * The owner now is taken for all of the stretch since the last edge. Where the thread was off the CPU for long
 * meanwhile another one may have run before: the answer is not sure then.
 */
#define OFF_SURE_NS 2000000

static __always_inline bool owner_may_differ(const struct thread *t)
{
	return t->has_since && t->since.runqueue_ns + t->since.throttled_ns >= OFF_SURE_NS;
}

static __always_inline void owner_tell(struct thread *t, struct task_struct *task, const struct answer *a, __u64 now)
{
	bool may_differ = owner_may_differ(t);
	struct lg_rec_owner *rec;

	if (a->is_gc) {
		t->has_since = true;
		t->since.gc_ns += now - t->edge_ns;
	}
	edge_pass(t, task, now, true);
	rec = record_reserve(LG_REC_OWNER, sizeof(*rec), now);
	if (!rec)
		return;
	t->turn_edges++;
	rec->pid = t->pid;
	rec->tid = t->tid;
	rec->ino = a->ino;
	rec->key = a->key;
	rec->port = a->port;
	rec->answer = a->answer;
	rec->sure = may_differ && a->sure > LG_SURE_LIKELY ? LG_SURE_LIKELY : a->sure;
	rec->is_gc = a->is_gc;
	rec->is_gil = a->is_gil;
	rec->stage = a->stage;
	rec->is_behind = a->is_behind;
	rec->holder_tid = a->holder_tid;
	rec->pad2 = 0;
	record_submit(rec, false);
}

/* 0 when there is an answer; negative when the memory could not be read or made no sense. */
static __always_inline int runtime_ask(struct thread *t, struct task_struct *task, struct answer *a, __u64 now)
{
	struct lg_runtime_info *info = bpf_map_lookup_elem(&runtimes, &t->pid);

	if (!info)
		return -1;
	if (config.ask & LG_ASK_PYTHON && info->kind == LG_RT_CPYTHON)
		return python_ask(t, task, &info->python, a, now);
	if (config.ask & LG_ASK_NODE && info->kind == LG_RT_NODE)
		return node_ask(t, task, &info->v8, a);
	return -1;
}

__noinline int owner_ask(__u64 now)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = thread_of(task);
	struct answer a = {};

	if (!t || !t->turn_ns)
		return 0;
	if (!runtime_ask(t, task, &a, now))
		owner_tell(t, task, &a, now);
	return 0;
}

SEC("perf_event")
int on_sample(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = thread_of(task);
	__u64 now;

	if (!t || !(t->flags & THREAD_LOOP))
		return 0;
	now = bpf_ktime_get_ns();
	if (t->out_ns)
		thread_settle(t, task, now);
	turn_open(t, task);
	if (!t->turn_ns || now - t->edge_ns < ASK_AFTER_NS)
		return 0;
	owner_ask(now);
	return 0;
}
