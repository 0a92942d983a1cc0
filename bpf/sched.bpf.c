// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * sched_switch: when a traced thread leaves the CPU, why, and when it is back. No hash map is changed here:
 * a contended bucket lock in this path can hang a CPU.
 */
#include "owner.bpf.h"
#include "path.bpf.h"
#include "stack.bpf.h"
#include "wait.bpf.h"

#define SET_WORDS 16 /* of a select's set: FD_SETSIZE descriptors */

/*
 * Of a word that is not zero. clang 14 crashes on __builtin_ctzll() for BPF. Without a branch: the verifier would
 * follow all 64 ways through branches.
 */
static __always_inline __u32 lowest_bit(__u64 word)
{
	__u32 bit = 0;

	for (__u32 half = 32; half; half /= 2) {
		__u64 low = word & ((1ULL << half) - 1);
		__u32 step;

		barrier_var(low);
		step = ((low - 1) >> 63) * half;
		word >>= step;
		bit += step;
	}
	return bit;
}

/* The lowest descriptor of a set that has room for `nr`; -1: there is none. */
__noinline __s32 set_fd(__u64 set, __u64 nr)
{
	__u64 word = 0;

	for (__u32 i = 0; set && i < SET_WORDS && 64 * i < nr; i++)
		if (!bpf_probe_read_user(&word, sizeof(word), (void *)(set + 8 * i)) && word)
			return 64 * i + lowest_bit(word);
	return -1;
}

/*
 * The descriptor that a nested poll or select waits for: the first one, of a select's what is read or else written.
 * Only valid while the thread is current.
 */
static __always_inline __s32 poll_fd(const struct call *c)
{
	__s32 fd = -1;

	if (nr_is_select(c->nr)) {
		fd = set_fd(c->args[1], c->args[0]);
		return fd < 0 ? set_fd(c->args[2], c->args[0]) : fd;
	}
	if (c->args[1])
		bpf_probe_read_user(&fd, sizeof(fd), (void *)c->args[0]);
	return fd;
}

/* Notes the call that now blocks; stretches of one call are added up. */
static __always_inline void call_note(struct thread *t, const struct call *c, __u8 sleep, __u64 now)
{
	struct lg_block *b = &t->call;

	if (c->nr == __NR_restart_syscall && b->start_ns >= t->turn_ns) {
		t->call_seq = t->seq; /* a signal or task work interrupted it: the same sleep goes on */
		return;
	}
	if (t->call_seq == t->seq && b->nr == c->nr && b->args[0] == c->args[0] && b->args[1] == c->args[1] &&
	    b->start_ns >= t->turn_ns)
		return;
	t->call_seq = t->seq;
	b->start_ns = now;
	b->sleep_ns = 0;
	b->nr = c->nr < 0 ? -1 : c->nr;
	b->fd = c->nr < 0 ? -1 : c->role == CALL_WAIT_LIST ? poll_fd(c) : call_fd(c);
	b->args[0] = c->args[0];
	b->args[1] = c->args[1];
	b->args[2] = c->args[2];
	b->sleep = sleep;
	t->path_told = false;
	b->target.kind = LG_TARGET_NONE;
	b->target.name_len = 0;
}

/* A voluntary switch-out: what it sleeps for. */
SUBPROG __u32 sleep_begin(struct thread *t, struct task_struct *task, unsigned int state, __u64 now)
{
	struct lg_slot *slot = slot_of(t);
	struct call c = {};
	__u32 class;

	call_from_regs(&c, (struct pt_regs *)bpf_task_pt_regs(task));
	class = sleep_class(t, task, state, &c);
	if (class == LG_SLEEP_STOPPED)
		c.nr = -1;
	/* io_uring counts as disk wait (in_iowait) whatever it waits for. */
	if ((class == LG_SLEEP_SYSCALL || class == LG_SLEEP_IO) && role_is_wait(c.role) && wait_is_own(t, task, &c)) {
		if (slot) {
			slot->nr_waits++;
			slot->idle_since_ns = now;
		}
		return OFF_WAIT;
	}
	t->nr_sleeps++;
	if (slot) {
		slot->nr_sleeps++;
		slot->sleep_nr = c.nr < 0 ? -1 : c.nr;
	}
	call_note(t, &c, class, now);
	stack_note_sleep(t, task);
	return class;
}

/*
 * The turn is over when the loop falls asleep in its wait. A wake-up without a return in between (nothing was
 * ready after all) is no turn, unless this thread's returns are not seen at all.
 */
static __always_inline void turn_leave(struct thread *t, struct task_struct *task, bool is_wait, __u64 now)
{
	if (!is_wait || !(t->flags & THREAD_EXITS))
		turn_open(t, task);
	if (!is_wait)
		return;
	t->in_wait = true;
	if (t->turn_ns)
		turn_end(t, now);
}

/*
 * So far ahead of its share a thread may ask: code may block a dozen times shortly before it does for long. A loop in
 * good health waits for locks and for the CPU, but makes no system call that blocks: for that there is room left.
 */
#define ASK_BURST_NS    100000000
#define ASK_RESERVED_NS 400000000

static __always_inline bool has_ask_room(const struct thread *t, __u64 now)
{
	bool is_call = t->out_class == LG_SLEEP_SYSCALL || t->out_class == LG_SLEEP_IO;

	return now + ASK_BURST_NS + (is_call ? ASK_RESERVED_NS : 0) >= t->ask_after_ns;
}

/*
 * Is the code that leaves the CPU inside a turn to be asked whom it works for? Memory is as it will be at its return.
 * Where a system call's return is seen, it is asked then, when it is known that it blocked for long.
 */
static __always_inline bool out_is_asked(const struct thread *t, __u64 now)
{
	if (!config.ask || !(t->flags & THREAD_LOOP) || !t->turn_ns || t->out_class == OFF_WAIT)
		return false;
	if (level_reaches(LG_LEVEL_CALLS) || !has_ask_room(t, now))
		return false;
	return t->out_class == OFF_PREEMPTED || control.edges == LG_EDGES_LIBC || t->call.nr < 0;
}

/*
 * A call may never return: then whoever looks at the thread wants to know. Asked as seldom as ahead, since nearly all
 * of it is for nothing.
 */
static __always_inline bool out_is_asked_aside(const struct thread *t, __u64 now)
{
	if (!config.ask || !(t->flags & THREAD_LOOP) || !t->turn_ns || t->out_class >= LG_NR_SLEEPS)
		return false;
	return !level_reaches(LG_LEVEL_CALLS) && now + ASK_BURST_NS >= t->aside_after_ns;
}

/* A look is taken at every sample of a run that goes on; this is the clock's slack. */
#define ANSWER_SLACK_NS 500000

/*
 * Code that was asked a moment ago, and has read and written nothing since, is taken to be what is preempted now: where
 * there is no room for a question, a long wait for a CPU would else be the next one's.
 */
static __always_inline void answer_reuse(struct thread *t, __u64 now)
{
	if (!t->is_marked || !t->turn_ns || t->out_class != OFF_PREEMPTED || t->answer.is_gil ||
	    now - t->edge_ns > config.sample_ns + ANSWER_SLACK_NS)
		return;
	if (t->answer.sure > LG_SURE_LIKELY)
		t->answer.sure = LG_SURE_LIKELY;
	t->has_answer = true;
	t->known_ns = 0;
}

static __always_inline void switch_out(struct thread *t, struct task_struct *task, bool preempt, __u64 now)
{
	unsigned int state = task_state(task);
	struct lg_slot *slot;

	if (t->out_ns)
		thread_settle(t, now);
	t->out_throttled = 0;
	if (preempt || !state) {
		t->out_class = OFF_PREEMPTED;
		t->out_throttled = task_is_throttled(task);
	} else {
		t->out_class = sleep_begin(t, task, state, now);
	}
	turn_leave(t, task, t->out_class == OFF_WAIT, now);
	slot = slot_of(t);
	if (slot) {
		slot->off_ns = now;
		slot->off_class = t->out_class < LG_NR_SLEEPS ? t->out_class : LG_SLOT_READY;
	}
	t->in_ns = 0;
	out_begin(t, task, now);
	if (out_is_asked(t, now))
		owner_ask(ASK_AHEAD, call_known_ns(t, task), now);
	else if (out_is_asked_aside(t, now))
		owner_ask(ASK_ASIDE, 0, now);
	else if (config.ask)
		answer_reuse(t, now);
	if (stack_is_noted(t, now))
		stack_note(now);
	if (!t->in_return) /* some kernels preempt probes: then a record may be half in */
		batch_flush(t, false);
}

/* A target is only looked up for a stretch that may matter, its whole path for one that does. */
#define TARGET_MIN_NS 100000

static __always_inline void switch_in(struct thread *t, struct task_struct *task, __u64 now)
{
	struct lg_slot *slot = slot_of(t);
	struct file *file;

	t->in_ns = now;
	if (t->has_note)
		stack_note_tell(t, now);
	if (slot)
		slot->off_ns = 0;
	if (!t->out_ns || t->out_class >= LG_NR_SLEEPS || now - t->out_ns < TARGET_MIN_NS)
		return;
	if (t->call.fd < 0)
		return;
	file = fd_file(task, t->call.fd);
	call_target_read(t, task);
	if (!t->path_told && t->call.sleep_ns + now - t->out_ns >= PATH_MIN_NS && target_has_path(&t->call.target)) {
		t->path_told = true;
		path_tell(t, file, t->call.target.ino, now);
	}
}

SEC("tp_btf/sched_switch")
int on_sched_switch(__u64 *ctx)
{
	struct task_struct *prev = (struct task_struct *)ctx[1];
	struct task_struct *next = (struct task_struct *)ctx[2];
	void *storage = next->bpf_storage;
	struct thread *t;
	__u64 begin_ns;

	/* As in thread_of(), but before the ways part: the verifier comes by once. */
	barrier_var(storage);
	t = thread_of(prev);
	if (t) {
		begin_ns = cost_begin();
		switch_out(t, prev, ctx[0], bpf_ktime_get_ns());
		cost_end(LG_COST_SWITCH, begin_ns);
	}
	t = storage ? thread_get(next) : NULL;
	if (t) {
		begin_ns = cost_begin();
		switch_in(t, next, bpf_ktime_get_ns());
		cost_end(LG_COST_SWITCH, begin_ns);
	}
	return 0;
}
