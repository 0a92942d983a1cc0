// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The question to the runtime, and the sampling that asks it in long stretches on the CPU. */
#include "node.bpf.h"
#include "owner.bpf.h"
#include "python.bpf.h"
#include "site.bpf.h"
#include "stack.bpf.h"

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
	if (config.ask & LG_ASK_NATIVE && (info->kind == LG_RT_NGINX || info->kind == LG_RT_REDIS))
		return site_ask(t, task, a);
	return -1;
}

/* Questions at switch-outs whose stretch turns out to be short were for nothing: they may take 1/ASK_SHARE of time. */
#define ASK_SHARE 200

static __always_inline void ask_charge(__u64 *after_ns, __u64 now, __u64 took_ns)
{
	if (*after_ns < now)
		*after_ns = now;
	*after_ns += ASK_SHARE * took_ns;
}

static __always_inline void ask_count(__u64 took_ns)
{
	__u32 step = took_ns / ASK_STEP_NS;
	__u64 *n;

	if (step >= ASK_STEPS)
		step = ASK_STEPS - 1;
	n = bpf_map_lookup_elem(&ask_times, &step);
	if (n)
		(*n)++;
}

__noinline int owner_ask(__u32 when, __u64 known_ns, __u64 now)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = thread_get(task);
	__u64 took_ns, begin_ns = bpf_ktime_get_ns();
	struct answer a = {};
	int error;

	if (!t || !t->turn_ns)
		return 0;
	error = runtime_ask(t, task, &a, now);
	took_ns = bpf_ktime_get_ns() - begin_ns;
	ask_count(took_ns);
	if (when == ASK_AHEAD)
		ask_charge(&t->ask_after_ns, now, took_ns);
	if (when == ASK_ASIDE)
		ask_charge(&t->aside_after_ns, now, took_ns);
	if (error)
		return 0;
	t->answer = a;
	t->answer_ns = now;
	if (when == ASK_NOW)
		return answer_tell(t, known_ns, now);
	if (when == ASK_ASIDE)
		return 0;
	t->has_answer = true;
	t->known_ns = known_ns;
	return 0;
}

/*
 * A busy loop has many short turns, in which nobody need be asked. What is asked first in a turn that goes on speaks
 * for the stretch up to there, so this share of what is told as a stall may be another's.
 */
#define ASK_TURN_SHARE 32

static __always_inline bool sample_is_asked(const struct thread *t, __u64 now)
{
	if (!config.ask || now - t->edge_ns < ASK_AFTER_NS || now - t->turn_ns < config.turn_ns / ASK_TURN_SHARE)
		return false;
	return !level_skips(LG_LEVEL_SAMPLES, LG_CNT_SKIPPED_SAMPLES);
}

static __always_inline void turn_look(struct task_struct *task, struct thread *t, __u64 now)
{
	if (stack_is_due(t, now, 0))
		stack_take(now, LG_STACK_SAMPLE, 0);
	if (sample_is_asked(t, now))
		owner_ask(ASK_NOW, call_known_ns(t, task), now);
}

static __always_inline void sample(struct task_struct *task, struct thread *t, __u64 now)
{
	if (t->out_ns)
		thread_settle(t, now);
	turn_open(t, task);
	if (t->turn_ns)
		turn_look(task, t, now);
	batch_flush(t, false);
}

static __always_inline bool is_sampled(const struct thread *t)
{
	return t && t->flags & THREAD_LOOP && !t->in_return;
}

/* The thread's own clock. */
SEC("perf_event")
int on_sample(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = thread_get(task);
	__u64 begin_ns = cost_begin();

	if (!is_sampled(t))
		return 0;
	sample(task, t, bpf_ktime_get_ns());
	cost_end(LG_COST_SAMPLE, begin_ns);
	return 0;
}

/*
 * The kernel's tick, which comes anyway: a clock of one's own costs an interrupt for each sample, a tick what this
 * program takes. It is a timer among others, which may expire at any time. After it has run: it does the accounting of
 * CPU time.
 */
SEC("tp_btf/hrtimer_expire_exit")
int on_tick(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = thread_of(task);
	__u64 begin_ns, now;

	if (!is_sampled(t))
		return 0;
	begin_ns = cost_begin();
	now = bpf_ktime_get_ns();
	if (now - t->tick_ns >= config.sample_ns - config.tick_ns / 2) {
		t->tick_ns = now;
		sample(task, t, now);
	}
	cost_end(LG_COST_TICK, begin_ns);
	return 0;
}
