// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Which threads are traced: those of the targets at attach (an iterator walks all tasks once), and those
 * born of traced ones. Threads take a slot at birth; user space gives it back, zeroed, after their end.
 */
#include "wait.bpf.h"

static __always_inline struct thread *thread_trace(struct task_struct *task, __u32 parent)
{
	struct lg_slot *slot;
	struct thread *t;
	__u32 index;

	if (bpf_map_pop_elem(&free_slots, &index)) {
		count(LG_CNT_LOST_THREADS);
		return NULL;
	}
	t = bpf_task_storage_get(&threads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	slot = bpf_map_lookup_elem(&slots, &index);
	if (!t || !slot || t->tid) {
		bpf_map_push_elem(&free_slots, &index, 0);
		if (!t)
			count(LG_CNT_LOST_THREADS);
		return NULL;
	}
	t->pid = task->tgid;
	t->tid = task->pid;
	t->slot = index;
	t->user_ns = task->utime;
	t->system_ns = task->stime;
	slot->pid = t->pid;
	slot->tid = t->tid;
	slot->wait_nr = -1;
	slot->sleep_nr = -1;
	slot->first_ns = bpf_ktime_get_ns();
	slot->flags = LG_SLOT_USED;
	t->pair_nr = PAIR_NONE;
	t->seq = 1; /* of no call that blocked */
	thread_tell(task, t, LG_THREAD_NEW, parent);
	return t;
}

/*
 * An idle loop gives no sign of life: a thread that sleeps at the attach is looked at where it sleeps, as
 * if it were switched out now.
 */
static __always_inline void thread_present(struct thread *t, struct task_struct *task)
{
	struct lg_slot *slot = slot_of(t);
	struct call c = {};

	if (!task_state(task) || !slot)
		return;
	call_from_regs(&c, (struct pt_regs *)bpf_task_pt_regs(task));
	slot->sleep_nr = c.nr < 0 ? -1 : c.nr;
	if (!role_is_wait(c.role) || !wait_is_own(t, task, &c))
		return;
	slot->idle_since_ns = bpf_ktime_get_ns();
	t->in_wait = true;
	t->out_class = OFF_WAIT;
	out_begin(t, task, slot->idle_since_ns);
}

/* It sleeps since before it was traced, and not in its wait. */
static __always_inline void sleep_present(struct thread *t, struct task_struct *task, struct lg_slot *slot, __u64 now)
{
	struct lg_block *b = &t->call;
	struct call c = {};
	__u32 class;

	call_from_regs(&c, (struct pt_regs *)bpf_task_pt_regs(task));
	class = sleep_class(t, task, task_state(task), &c);
	b->start_ns = now;
	b->nr = class == LG_SLEEP_STOPPED || c.nr < 0 ? -1 : c.nr;
	b->fd = b->nr < 0 ? -1 : call_fd(&c);
	b->args[0] = c.args[0];
	b->args[1] = c.args[1];
	b->args[2] = c.args[2];
	b->sleep = class;
	t->call_seq = t->seq;
	slot->off_ns = now;
	slot->off_class = class;
	t->out_class = class;
	out_begin(t, task, now);
}

/*
 * A loop that hangs at the attach may never wait again: its turn begins with our look. Should the thread fall asleep in
 * its wait at this very moment, there is none.
 */
static __always_inline void loop_presume(struct thread *t, struct task_struct *task)
{
	struct lg_slot *slot = slot_of(t);
	__u64 now = bpf_ktime_get_ns();

	if (!slot || t->flags & THREAD_LOOP || t->in_wait || regs_are_32bit((struct pt_regs *)bpf_task_pt_regs(task)))
		return;
	if (!t->out_ns && task_state(task))
		sleep_present(t, task, slot, now);
	t->flags |= THREAD_LOOP;
	slot->flags |= LG_SLOT_LOOP;
	t->edge_ns = now;
	t->turn_ns = now;
	__sync_lock_test_and_set(&slot->turn_ns, now); /* seen before what follows is read */
	if (t->in_wait) {
		t->turn_ns = 0;
		slot->turn_ns = 0;
	}
	thread_tell(task, t, LG_THREAD_LOOP, 0);
}

SEC("iter/task")
int trace_present(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	__u32 pid, tid;
	struct thread *t;
	__u32 *flags;

	if (!task)
		return 0;
	pid = task->tgid;
	tid = task->pid;
	flags = bpf_map_lookup_elem(&targets, &pid);
	if (!flags || !(*flags & LG_TARGET_PROCESS)) {
		flags = bpf_map_lookup_elem(&targets, &tid);
		if (!flags || !(*flags & LG_TARGET_THREAD))
			return 0;
	}
	t = thread_trace(task, 0);
	if (t) {
		thread_present(t, task);
		return 0;
	}
	t = *flags & LG_TARGET_LOOP && pid == tid ? thread_get(task) : NULL;
	if (t)
		loop_presume(t, task);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int on_fork(__u64 *ctx)
{
	struct task_struct *parent = (struct task_struct *)ctx[0];
	struct task_struct *child = (struct task_struct *)ctx[1];
	struct thread *t = thread_get(parent);

	if (!t || !config.follow)
		return 0;
	thread_trace(child, t->tid);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int on_exec(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	struct thread *t = thread_get(task);
	struct lg_slot *slot;

	if (!t)
		return 0;
	t->in_return = true;
	t->tid = task->pid; /* a thread that calls exec becomes the leader */
	t->flags = 0;
	__builtin_memset(&t->wait, 0, sizeof(t->wait));
	t->nr_waits = 0;
	t->nr_sleeps = 0;
	t->turn_ns = 0;
	t->wake_ns = 0;
	t->gil = 0;
	slot = slot_of(t);
	if (slot) {
		slot->tid = t->tid;
		slot->flags &= ~LG_SLOT_LOOP;
		slot->turn_ns = 0;
	}
	thread_tell(task, t, LG_THREAD_EXEC, 0);
	t->in_return = false;
	return 0;
}

SEC("tp_btf/sched_process_exit")
int on_exit(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	struct thread *t = thread_get(task);
	__u64 now;

	if (!t)
		return 0;
	t->in_return = true;
	now = bpf_ktime_get_ns();
	if (t->out_ns)
		thread_settle(t, now);
	turn_open(t, task);
	if (t->turn_ns)
		turn_end(t, now);
	thread_tell(task, t, LG_THREAD_EXIT, 0);
	t->slot = LG_MAX_SLOTS; /* it may be another's soon, and this thread still has its last switch-out to do */
	bpf_task_storage_delete(&threads, task);
	return 0;
}
