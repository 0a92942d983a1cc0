// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Which threads of the host are event loops, and how busy: from scheduler switches alone. Independent of what is
 * traced; loaded only for `ps`, and for `top` to find loops.
 *
 * State is made in the iterator, which user space runs, and never in sched_switch: memory must not be asked for
 * there. So a thread that was born since the last walk is not seen before the next one.
 */
#include "lg_scan.h"
#include "scan.bpf.h"
#include "wait.bpf.h"

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

static __always_inline struct scan *scan_of(struct task_struct *task)
{
	return task->bpf_storage ? bpf_task_storage_get(&scans, task, 0, 0) : NULL;
}

/* A wait as a loop does it: on a set, or on a list of more than the one descriptor that a blocking client polls. */
static __always_inline bool call_is_loops(const struct call *c)
{
	if (c->nr == __NR_io_uring_enter)
		return c->args[2] && c->args[3] & IORING_ENTER_GETEVENTS;
	if (c->role == CALL_WAIT_SET)
		return true;
	if (c->role != CALL_WAIT_LIST)
		return false;
	return nr_is_select(c->nr) ? c->args[0] : c->args[1] > 1;
}

static __always_inline void scan_sleep(struct scan *s, struct task_struct *task, __u64 now)
{
	struct call c = {};

	call_from_regs(&c, (struct pt_regs *)bpf_task_pt_regs(task));
	if (!call_is_loops(&c)) {
		s->nr_sleeps++;
		return;
	}
	s->nr_waits++;
	s->wait_nr = c.nr;
	if (c.role == CALL_WAIT_SET)
		s->is_set = 1;
	s->out_exec = task->se.sum_exec_runtime;
	s->out_ns = now;
}

/* It ran again, for this long already where its switch-in was not reported. */
static __always_inline void scan_wake(struct scan *s, __u64 ran_ns, __u64 now)
{
	if (s->out_ns && now - s->out_ns > ran_ns)
		s->idle_ns += now - s->out_ns - ran_ns;
	s->out_ns = 0;
}

SEC("tp_btf/sched_switch")
int on_scan_switch(__u64 *ctx)
{
	struct task_struct *prev = (struct task_struct *)ctx[1];
	struct task_struct *next = (struct task_struct *)ctx[2];
	struct scan *s = scan_of(prev);

	if (s) {
		__u64 now = bpf_ktime_get_ns();

		scan_wake(s, prev->se.sum_exec_runtime - s->out_exec, now);
		s->nr_switches++;
		if (!ctx[0] && task_state(prev))
			scan_sleep(s, prev, now);
	}
	s = scan_of(next);
	if (s)
		scan_wake(s, 0, bpf_ktime_get_ns());
	return 0;
}

/* The first sight of a thread: where it sleeps now counts, for an idle loop gives no other sign of life. */
static __always_inline void scan_begin(struct task_struct *task, __u64 now)
{
	struct scan *s = bpf_task_storage_get(&scans, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!s || s->since_ns)
		return;
	s->since_ns = now;
	s->wait_nr = -1;
	if (task_state(task) && !(task_state(task) & TASK_STOPPED_OR_TRACED))
		scan_sleep(s, task, now);
}

static __always_inline void scan_tell(struct seq_file *seq, struct task_struct *task, const struct scan *s, __u64 now)
{
	__u64 out = s->out_ns;
	struct lg_scan rec = {
		.pid = task->tgid,
		.tid = task->pid,
		.wait_nr = s->wait_nr,
		.flags = (out ? LG_SCAN_WAITING : 0) | (s->is_set ? LG_SCAN_SET : 0),
		.since_ns = s->since_ns,
		.now_ns = now,
		.idle_ns = s->idle_ns + (out && out < now ? now - out : 0),
		.nr_switches = s->nr_switches,
		.nr_waits = s->nr_waits,
		.nr_sleeps = s->nr_sleeps,
	};

	bpf_probe_read_kernel(rec.comm, sizeof(rec.comm), task->comm);
	bpf_seq_write(seq, &rec, sizeof(rec));
}

SEC("iter/task")
int on_scan_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct scan *s;

	if (!task || task->flags & PF_KTHREAD)
		return 0;
	s = scan_of(task);
	if (!s)
		scan_begin(task, bpf_ktime_get_ns());
	else if (s->nr_waits)
		scan_tell(ctx->meta->seq, task, s, bpf_ktime_get_ns());
	return 0;
}
