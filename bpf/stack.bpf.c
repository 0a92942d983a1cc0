// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Walking stacks: native frames by their frame pointers, with what JavaScript leaves in its own; Python's by the
 * interpreter's list; the kernel's by a helper. Whatever memory holds, each walk ends after a fixed number of frames.
 *
 * One step is one global function, which the verifier checks once, with its state in a map: as loops the walks would
 * cost it a million steps.
 */
#include "stack.bpf.h"

#include "path.bpf.h"
#include "python.bpf.h"
#include "target.bpf.h"
#include "tell.bpf.h"
#include "user.bpf.h"

#define MAX_STACK   (8u << 20) /* bytes from one frame to the next at most: a whole stack of the usual size */
#define MAX_THREADS 128        /* thread states of a process until the loop's */
#define MAX_SHIMS   64         /* frames of CPython's own between those of code */

/* CPython: who owns a frame; from here on it is a frame of its own making. */
#define OWNER_C_STACK 3

static __always_inline struct stack_walk *stack_walk(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&stack_walks, &zero);
}

/* What the frame at w->fp keeps its function in, if it is one of JavaScript: see lg_native_frame. */
static __always_inline __u64 js_shared(struct stack_walk *w)
{
	__u64 function = word_at(w->fp + w->v8.fp_function), map;
	__u16 type = 0;

	if ((function & 7) != 1)
		return 0;
	map = field_at(function, 0);
	if (map && !(map & 7)) { /* it has moved, and left its new address */
		function = map + 1;
		map = word_at(map);
	}
	if ((map & 7) != 1)
		return 0;
	bpf_probe_read_user(&type, sizeof(type), (void *)(map - 1 + w->v8.map_type));
	if (type < w->v8.type_function || type >= w->v8.type_function_end)
		return 0;
	return field_at(function, w->v8.function_shared);
}

/* One native frame, and on to its caller's. Returns 0 at the end. */
__noinline int stack_native_step(void)
{
	struct stack_walk *w = stack_walk();
	__u64 next;
	__u32 n;

	if (!w || !w->ip)
		return 0;
	n = w->rec.nr_native;
	if (n >= LG_STACK_MAX)
		return 0;
	w->rec.native[n].ip = w->ip;
	w->rec.native[n].function = w->is_js && w->fp ? js_shared(w) : 0;
	w->rec.nr_native = n + 1;
	if (!w->fp || w->fp & 7)
		return 0;
	if (w->fp == w->exit)
		w->exit = 0;
	w->ip = word_at(w->fp + 8);
	next = word_at(w->fp);
	w->fp = next > w->fp && next - w->fp <= MAX_STACK ? next : 0;
	return 1;
}

__noinline int stack_native_walk(__u64 ip, __u64 fp)
{
	struct stack_walk *w = stack_walk();

	if (!w)
		return 0;
	w->ip = ip;
	w->fp = fp;
	for (int i = 0; i < LG_STACK_MAX; i++)
		if (!stack_native_step())
			break;
	return 0;
}

/* The frame through which JavaScript called native code, whose own frames may not lead there. */
static __always_inline __u64 js_exit(struct task_struct *task, const struct lg_v8 *v8)
{
	__u64 isolate = v8->exit_frame ? word_at(task_thread_pointer(task) + v8->isolate) : 0;

	return isolate ? word_at(isolate + v8->exit_frame) : 0;
}

static __always_inline void regs_take(struct lg_rec_stack *rec, struct pt_regs *regs)
{
	rec->regs[LG_REG_IP] = PT_REGS_IP(regs);
	rec->regs[LG_REG_SP] = PT_REGS_SP(regs);
	rec->regs[LG_REG_FP] = PT_REGS_FP(regs);
#if defined(__TARGET_ARCH_x86)
	rec->regs[LG_REG_BX] = regs->bx;
	rec->regs[LG_REG_R12] = regs->r12;
	rec->regs[LG_REG_R13] = regs->r13;
	rec->regs[LG_REG_R14] = regs->r14;
	rec->regs[LG_REG_R15] = regs->r15;
#else
	rec->regs[LG_REG_LINK] = PT_REGS_RET(regs);
#endif
}

/*
 * Frame pointers are seldom kept, so user space goes on with a piece of the stack itself. Near its end less is there,
 * and what is there leads to main().
 */
static __always_inline void copy_take(struct lg_rec_stack *rec)
{
#if defined(__TARGET_ARCH_x86)
	const void *sp = (void *)rec->regs[LG_REG_SP];

#pragma unroll
	for (__u32 part = 8; part > 0; part--) {
		if (bpf_probe_read_user(rec->copy, LG_STACK_COPY / 8 * part, sp))
			continue;
		rec->copied = LG_STACK_COPY / 8 * part;
		break;
	}
#endif
}

static __always_inline void native_take(struct stack_walk *w, struct task_struct *task,
					const struct lg_runtime_info *info)
{
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);

	w->is_js = info && info->kind == LG_RT_NODE;
	w->exit = 0;
	if (info && info->kind == LG_RT_NODE) {
		w->v8 = info->v8;
		w->exit = js_exit(task, &info->v8);
	}
	regs_take(&w->rec, regs);
	if (!w->is_js)
		copy_take(&w->rec);
	stack_native_walk(PT_REGS_IP(regs), PT_REGS_FP(regs));
	if (w->exit)
		stack_native_walk(word_at(w->exit + 8), word_at(w->exit));
}

/* Whether w->state is the interpreter's state of the thread; else on to the next one. Returns 0 at the end. */
__noinline int stack_state_step(void)
{
	struct stack_walk *w = stack_walk();

	if (!w || !w->state || word_at(w->state + w->state_id_at) == w->thread_id)
		return 0;
	w->state = word_at(w->state + w->py.tstate_next);
	return 1;
}

/* It is remembered from stack to stack, and checked each time. */
static __always_inline void state_find(struct stack_walk *w, struct thread *t, struct task_struct *task)
{
#if defined(__TARGET_ARCH_x86)
	w->state_id_at = w->py.tstate_thread;
#else
	w->state_id_at = w->py.tstate_native;
#endif
	w->thread_id = thread_self(task);
	w->state = t->python_state;
	if (!w->state_id_at || !w->thread_id) {
		w->state = 0;
		return;
	}
	if (w->state && word_at(w->state + w->state_id_at) == w->thread_id &&
	    word_at(w->state + w->py.tstate_interp) == w->py.interp)
		return;
	w->state = word_at(w->py.interp + w->py.interp_threads);
	for (int i = 0; i < MAX_THREADS; i++)
		if (!stack_state_step())
			break;
	if (w->state && word_at(w->state + w->state_id_at) != w->thread_id)
		w->state = 0;
	t->python_state = w->state;
}

/* The frame behind a run of code lies in that of the native function that runs it. */
static __always_inline void run_add(struct stack_walk *w)
{
	__u64 n = w->rec.nr_runs;

	if (n >= LG_STACK_RUNS_MAX)
		return;
	w->rec.runs[n] = w->frame;
	w->rec.nr_runs = n + 1;
}

/*
 * One frame of Python, and on to its caller's. Native code called it: 3.11 says so in the frame, later versions put a
 * frame of another kind behind it. Returns 0 at the end.
 */
__noinline int stack_python_step(void)
{
	struct stack_walk *w = stack_walk();
	__u64 n, last, entry = 0;

	if (!w || !w->frame)
		return 0;
	n = w->rec.nr_code;
	if (n >= LG_STACK_MAX)
		return 0;
	if (w->py.version >= 0x030c && byte_at(w->frame + w->py.frame_owner) >= OWNER_C_STACK) {
		last = n - 1;
		barrier_var(last); /* 6.1's verifier learns nothing from n > 0 */
		if (last < LG_STACK_MAX && !(w->rec.code[last].code & 1)) {
			w->rec.code[last].code |= 1;
			run_add(w);
		}
	} else {
		if (w->py.version == 0x030b)
			entry = !!byte_at(w->frame + w->py.frame_owner - 1);
		w->rec.code[n].code = (word_at(w->frame + w->py.frame_code) & ~7ULL) | entry;
		w->rec.code[n].position = word_at(w->frame + w->py.frame_instr);
		w->rec.nr_code = n + 1;
	}
	w->frame = word_at(w->frame + w->py.frame_previous);
	return 1;
}

static __always_inline void python_take(struct stack_walk *w, struct thread *t, struct task_struct *task)
{
	__u64 at;

	state_find(w, t, task);
	if (!w->state || !w->py.frame_instr)
		return;
	at = word_at(w->state + w->py.tstate_frame);
	w->frame = w->py.cframe_frame == 0xffff || !at ? at : word_at(at + w->py.cframe_frame);
	for (int i = 0; i < LG_STACK_MAX + MAX_SHIMS; i++)
		if (!stack_python_step())
			break;
}

static __always_inline void kernel_walk(struct lg_rec_stack *rec, struct task_struct *task)
{
	long len = bpf_get_task_stack(task, rec->kernel, sizeof(rec->kernel), 0);

	rec->nr_kernel = len > 0 ? len / sizeof(rec->kernel[0]) : 0;
}

static __always_inline void kernel_take(struct lg_rec_stack *rec, struct thread *t, struct task_struct *task)
{
	struct kernel_stack *asleep;

	if (rec->moment == LG_STACK_BLOCKED && !t->has_note) {
		asleep = bpf_map_lookup_elem(&kernel_stacks, &t->slot);
		if (!asleep || asleep->block_ns != rec->block_ns)
			return;
		__builtin_memcpy(rec->kernel, asleep->frames, sizeof(rec->kernel));
		rec->nr_kernel = asleep->nr;
		return;
	}
	kernel_walk(rec, task);
}

/* An empty record. */
static __always_inline void stack_begin(struct stack_walk *w, struct thread *t, __u64 now, __u32 moment, __u64 block_ns)
{
	head_fill(&w->rec.head, LG_REC_STACK, 0, now);
	w->rec.pid = t->pid;
	w->rec.tid = t->tid;
	w->rec.moment = moment;
	w->rec.block_ns = block_ns;
	w->rec.nr_native = 0;
	w->rec.nr_code = 0;
	w->rec.nr_kernel = 0;
	w->rec.nr_runs = 0;
	w->rec.copied = 0;
	w->rec.thread = 0;
}

/* Names are read from the process's memory, which goes on changing: at once. */
static __always_inline void stack_send(struct lg_rec_stack *rec)
{
	__u64 len = offsetof(struct lg_rec_stack, copy) + bounded(rec->copied, LG_STACK_COPY);

	rec->head.len = len;
	if (bpf_ringbuf_output(&events, rec, len, BPF_RB_FORCE_WAKEUP))
		count(LG_CNT_LOST_RECORDS);
	else
		count(LG_CNT_RECORDS);
}

static __always_inline void stack_fill(struct stack_walk *w, struct thread *t, struct task_struct *task)
{
	struct lg_runtime_info *info = bpf_map_lookup_elem(&stack_runtimes, &t->pid);

	if (config.stack & LG_STACK_USER)
		native_take(w, task, info);
	if (config.stack & LG_STACK_USER && info && info->kind == LG_RT_CPYTHON) {
		w->py = info->python;
		python_take(w, t, task);
	}
	if (config.stack & LG_STACK_KERNEL)
		kernel_take(&w->rec, t, task);
}

__noinline int stack_take(__u64 now, __u32 moment, __u64 block_ns)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = thread_get(task);
	struct stack_walk *w = stack_walk();

	/* A sample may come in the middle of another program's walk. */
	if (!t || !w || w->is_busy || !config.stack)
		return 0;
	t->stack_ns = now;
	if (level_skips(LG_LEVEL_STACKS, LG_CNT_SKIPPED_STACKS))
		return 0;
	w->is_busy = 1;
	barrier();
	batch_flush(t, false);
	stack_begin(w, t, now, moment, block_ns);
	stack_fill(w, t, task);
	stack_send(&w->rec);
	barrier();
	w->is_busy = 0;
	return 0;
}

__noinline int stack_note(__u64 now)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = thread_get(task);
	struct stack_walk *w = stack_walk();
	struct lg_rec_stack *note;
	__u32 place;

	if (!t || !w || w->is_busy)
		return 0;
	place = t->slot % MAX_NOTES;
	note = bpf_map_lookup_elem(&stack_notes, &place);
	if (!note)
		return 0;
	w->is_busy = 1;
	barrier();
	t->note_ns = now;
	t->note_after_ns = (t->note_after_ns > now ? t->note_after_ns : now) + NOTE_SHARE_NS;
	t->has_note = true;
	stack_begin(w, t, now, LG_STACK_BLOCKED, t->call.start_ns);
	stack_fill(w, t, task);
	bpf_probe_read_kernel(note, sizeof(*note), &w->rec);
	barrier();
	w->is_busy = 0;
	return 0;
}

__noinline int stack_note_tell(struct thread *t, __u64 now)
{
	struct lg_rec_stack *note;
	__u32 place;

	if (!t)
		return 0;
	t->has_note = false;
	place = t->slot % MAX_NOTES;
	note = bpf_map_lookup_elem(&stack_notes, &place);
	if (!note || note->tid != t->tid || !stack_is_due(t, now, now - t->note_ns))
		return 0;
	t->stack_ns = now;
	batch_flush(t, false);
	note->head.time_ns = now;
	stack_send(note);
	return 0;
}

static __always_inline void asleep_take(struct stack_walk *w, struct thread *t, struct task_struct *task)
{
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);

	if (config.stack & LG_STACK_USER) {
		w->rec.native[0].ip = PT_REGS_IP(regs);
		w->rec.native[0].function = 0;
		w->rec.nr_native = 1;
		regs_take(&w->rec, regs);
		w->rec.thread = thread_self(task);
	}
	if (config.stack & LG_STACK_KERNEL)
		kernel_walk(&w->rec, task);
}

/* The answer that was given when it fell asleep. */
static __always_inline void asleep_owner(struct lg_rec_owner *rec, const struct thread *t)
{
	rec->answer = LG_ANSWER_UNKNOWN;
	if (t->answer_ns == t->out_ns)
		answer_put(rec, &t->answer);
}

/* What it waits on is looked up at its wake-up else. The thread's own state is only read. */
static __always_inline void asleep_tell(struct thread *t, struct task_struct *task, __u64 now)
{
	struct lg_rec_asleep *rec = record_reserve(LG_REC_ASLEEP, sizeof(*rec), now);
	struct file *file = NULL;

	if (!rec)
		return;
	__builtin_memset((void *)rec + sizeof(rec->head), 0, sizeof(*rec) - sizeof(rec->head));
	rec->pid = t->pid;
	rec->tid = t->tid;
	rec->owner.pid = t->pid;
	rec->owner.tid = t->tid;
	if (t->out_class < LG_NR_SLEEPS) {
		rec->call = t->call;
		rec->call.sleep_ns += now - t->out_ns;
		file = rec->call.fd >= 0 ? fd_file(task, rec->call.fd) : NULL;
	}
	if (file)
		target_read(&rec->call.target, file);
	if (target_has_path(&rec->call.target))
		path_tell(t, file, rec->call.target.ino, now);
	asleep_owner(&rec->owner, t);
	record_submit(rec, false);
}

/*
 * Of a thread that sleeps in a turn: its registers, from which user space walks its stack. Nothing is done to the
 * thread; should it wake up meanwhile, what is found is refused or a moment old.
 */
SEC("iter/task")
int trace_asleep(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct stack_walk *w = stack_walk();
	struct thread *t;

	if (!task || !w || (__u32)task->pid != control.look_tid)
		return 0;
	t = thread_get(task);
	if (!t || !t->turn_ns || !t->out_ns || t->in_ns)
		return 0;
	asleep_tell(t, task, bpf_ktime_get_ns());
	if (!config.stack || w->is_busy)
		return 0;
	w->is_busy = 1;
	barrier();
	stack_begin(w, t, bpf_ktime_get_ns(), LG_STACK_ASLEEP, t->call_seq == t->seq ? t->call.start_ns : 0);
	asleep_take(w, t, task);
	stack_send(&w->rec);
	barrier();
	w->is_busy = 0;
	return 0;
}
