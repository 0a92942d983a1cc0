// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * The steps of a question to a CPython process: its frames, its asyncio tasks, and who waits for whom. Each step is a
 * global function, which the verifier checks once for any arguments; so each checks its pointer again.
 */
#include "python_server.bpf.h"

/* Limits: what real servers need, doubled. */
#define MAX_THREADS   128 /* thread states of a process until the loop's */
#define MAX_DEPTH     160 /* frames of a running task until its root */
#define MAX_SEEN      64  /* of them, that may be looked at */
#define MAX_LOOKED    48  /* frames whose arguments are looked at */
#define MAX_ARGS      6
#define MAX_LOCALS    16   /* variables of a frame, where futures are looked for */
#define MAX_SLOTS     4096 /* of a frame: more make no sense */
#define MAX_AWAITS    6    /* coroutines of a waiting task that are looked at */
#define MAX_CALLBACKS 8
#define MAX_CELLS     10
#define MAX_LOOPS     24 /* entries, used or not, of the dict of running tasks */

/* Whether a class is one whose instances are worth a look: by the start of its name, without a read per attribute. */
static __always_inline bool type_is_server(struct walk *w, __u64 type)
{
	__u64 c = peek(w, peek(w, type + TYPE_NAME));

	return c == CHARS('R', 'e', 'q', 'u', 'e', 's', 't', 0) || c == CHARS('R', 'e', 'q', 'u', 'e', 's', 't', 'R') ||
	       c == CHARS('W', 'e', 'b', 'S', 'o', 'c', 'k', 'e') ||
	       c == CHARS('H', '1', '1', 'P', 'r', 'o', 't', 'o') ||
	       c == CHARS('H', 't', 't', 'p', 'T', 'o', 'o', 'l') ||
	       c == CHARS('W', 'S', 'P', 'r', 'o', 't', 'o', 'c') ||
	       c == CHARS('H', 'T', 'T', 'P', 'S', 't', 'r', 'e') ||
	       c == CHARS('_', 'C', 'a', 'c', 'h', 'e', 'd', 'R') || c == CHARS('H', 'T', 'T', 'P', 'C', 'o', 'n', 'n');
}

static __always_inline bool type_is_future(struct walk *w, __u64 type)
{
	return type && (type == w->py.type_task || type == w->py.type_future);
}

/* A future or task of _asyncio, or of a class made from it. */
static __always_inline bool is_future(struct walk *w, __u64 obj)
{
	__u64 type;

	if (!obj || obj & 7)
		return false;
	type = peek(w, obj + OBJECT_TYPE);
	if (type_is_future(w, type))
		return true;
	if (!type || !(peek(w, type + TYPE_FLAGS) & FLAG_HEAPTYPE))
		return false;
	return type_is_future(w, peek(w, type + TYPE_BASE));
}

/* Notes a future, or the one that waits for an executor's work item: its first callback leads on. */
__noinline int python_future_note(struct walk *w, __u64 obj)
{
	__u64 list;

	if (!w)
		return 0;
	if (is_future(w, obj)) {
		if (w->looks_for == FUTURES_OUTER || !w->future)
			w->future = obj;
		return 1;
	}
	if (class_name(w, obj) != CHARS('_', 'W', 'o', 'r', 'k', 'I', 't', 'e'))
		return 0;
	python_instance_scan(w, obj);
	obj = w->attrs[NAME_FUTURE];
	if (!obj)
		return 1;
	python_instance_scan(w, obj);
	list = w->attrs[NAME_DONE_CALLBACKS];
	if (list && peek(w, list + VAR_SIZE))
		w->callback = peek(w, peek(w, list + LIST_ITEMS));
	return 1;
}

/*
 * The arguments of a frame, or all its variables where futures are looked for. is_any: objects of every class, not only
 * of the known ones.
 */
__noinline int python_frame_look(struct walk *w, __u64 frame, __u32 is_any)
{
	__u64 code, obj, type;
	__u32 n, is_found = 0;

	if (!w)
		return 0;
	w->is_handler = 0;
	code = peek(w, frame + w->py.frame_code) & ~7ULL;
	if (w->looks_for)
		n = peek_int(w, code + w->py.code_nlocals);
	else
		n = bounded(peek_int(w, code + w->py.code_argcount), MAX_ARGS);
	for (__u32 i = 0; i < MAX_LOCALS; i++) {
		if (i >= n)
			break;
		obj = peek(w, frame + w->py.frame_locals + 8 * i) & ~7ULL;
		if (!obj)
			continue;
		type = peek(w, obj + OBJECT_TYPE);
		if (type == w->py.type_cell) {
			obj = peek(w, obj + CELL_OBJECT);
			if (!obj)
				continue;
			type = peek(w, obj + OBJECT_TYPE);
		}
		if (type == w->py.type_method) {
			obj = peek(w, obj + METHOD_SELF);
			type = peek(w, obj + OBJECT_TYPE);
		}
		if (w->looks_for && python_future_note(w, obj))
			continue;
		if (type != w->py.type_dict && !is_any && !type_is_server(w, type))
			continue;
		is_found |= python_object_look(w, obj);
		if (w->is_cycle || (is_found && !is_any && !w->looks_for))
			break;
	}
	return is_found;
}

/* The innermost frame of the thread. */
static __always_inline __u64 tstate_frame(struct walk *w)
{
	__u64 at = peek(w, w->tstate + w->py.tstate_frame);

	return w->py.cframe_frame == 0xffff || !at ? at : peek(w, at + w->py.cframe_frame);
}

#define OWNER_GENERATOR 1
#define OWNER_C         3 /* and above: no function's, but where C code called into Python */

/* In a task only coroutines are looked at. */
static __always_inline bool frame_is_worth(struct walk *w, __u64 frame)
{
	__u8 owner;

	if (!w->py.frame_owner)
		return true;
	owner = peek_byte(w, frame + w->py.frame_owner);
	return w->task ? owner == OWNER_GENERATOR : owner < OWNER_C;
}

/*
 * The frames from the innermost to the task's root, or all in a callback, where any function counts, not only
 * coroutines. The outermost hit wins: an application called in-process has a scope of its own.
 */
__noinline int python_stack_look(struct walk *w)
{
	__u64 frame;

	if (!w)
		return 0;
	w->nr_looked = 0;
	w->is_found = 0;
	frame = tstate_frame(w);
	for (int i = 0; i < MAX_SEEN; i++) {
		if (!frame || w->nr_looked >= MAX_LOOKED)
			break;
		if (frame_is_worth(w, frame)) {
			w->nr_looked++;
			w->is_found |= python_frame_look(w, frame, 0);
		}
		if (frame == w->root)
			break;
		frame = peek(w, frame + w->py.frame_previous);
	}
	return w->is_found != 0;
}

/* Where a thread state has what thread_self() tells; 0: this version does not have it. */
static __always_inline __u16 tstate_self(struct walk *w)
{
#if defined(__TARGET_ARCH_x86)
	return w->py.tstate_thread;
#else
	return w->py.tstate_native;
#endif
}

static long tstate_step(__u32 i, struct step *s)
{
	if (!s->at || peek(s->w, s->at + tstate_self(s->w)) == s->id)
		return 1;
	s->at = peek(s->w, s->at + s->w->py.tstate_next);
	return 0;
}

/* `id`: see thread_self(). The thread state is looked up once, then only checked. */
__noinline int python_tstate_find(struct walk *w, __u64 id)
{
	struct step s = {.w = w, .id = id};
	__u16 self;

	if (!w || !id)
		return 0;
	self = tstate_self(w);
	if (!self)
		return 0;
	if (w->tstate && peek(w, w->tstate + self) == id && peek(w, w->tstate + w->py.tstate_interp) == w->py.interp)
		return 1;
	w->is_failed = 0;
	s.at = peek(w, w->py.interp + w->py.interp_threads);
	bpf_loop(MAX_THREADS, tstate_step, &s, 0);
	w->tstate = s.at && peek(w, s.at + self) == id ? s.at : 0;
	return w->tstate != 0;
}

static __always_inline bool is_task(struct walk *w, __u64 obj)
{
	__u64 type = peek(w, obj + OBJECT_TYPE);

	return type == w->py.type_task || peek(w, type + TYPE_BASE) == w->py.type_task;
}

/* The frame of a coroutine, 0 when it is none. */
static __always_inline __u64 coro_frame(struct walk *w, __u64 coro)
{
	__u64 type;

	if (!coro)
		return 0;
	type = peek(w, coro + OBJECT_TYPE);
	if (type != w->py.type_coro && type != w->py.type_gen)
		return 0;
	if (w->py.frames == LG_PY_FRAME_EMBEDDED)
		return coro + w->py.coro_frame;
	return peek(w, coro + w->py.coro_frame);
}

__noinline int python_task_add(struct walk *w, __u64 task)
{
	__u32 n;

	if (!w || !task)
		return 0;
	n = w->nr_tasks;
	if (n >= WALK_TASKS || !is_task(w, task))
		return 0;
	w->tasks[n & (WALK_TASKS - 1)] = task;
	w->frames[n & (WALK_TASKS - 1)] = coro_frame(w, peek(w, task + w->py.task_coro));
	w->nr_tasks = n + 1;
	return 1;
}

/* The tasks that run now, in all threads. */
__noinline int python_tasks_find(struct walk *w)
{
	__u64 keys, entries, n;
	__u32 stride;

	if (!w)
		return 0;
	w->nr_tasks = 0;
	for (int i = 0; i < WALK_TASKS; i++)
		w->frames[i] = 0;
	if (w->py.tstate_task) {
		python_task_add(w, peek(w, w->tstate + w->py.tstate_task));
		return 1;
	}
	keys = peek(w, w->py.tasks + DICT_KEYS);
	n = peek(w, keys + w->py.keys_nentries);
	stride = keys_stride(w, keys);
	entries = keys_entries(w, keys);
	for (__u32 i = 0; i < MAX_LOOPS; i++) {
		if (i >= n)
			break;
		python_task_add(w, peek(w, entries + i * stride + stride - 8));
	}
	return 1;
}

/* Whether a frame is the outermost of a running task, which it then notes. */
__noinline int python_root_match(struct walk *w, __u64 frame)
{
	if (!w)
		return 0;
	for (int i = 0; i < WALK_TASKS; i++) {
		if (frame != w->frames[i])
			continue;
		w->task = w->tasks[i];
		w->root = frame;
		return 1;
	}
	return 0;
}

static long root_step(__u32 i, struct step *s)
{
	if (!s->at || python_root_match(s->w, s->at))
		return 1;
	s->at = peek(s->w, s->at + s->w->py.frame_previous);
	return 0;
}

/* Which of the running tasks is this thread's: the one whose coroutine is on its stack, the innermost if nested. */
__noinline int python_root_find(struct walk *w)
{
	struct step s = {.w = w};

	if (!w)
		return 0;
	w->task = 0;
	w->root = 0;
	if (!w->nr_tasks)
		return 0;
	s.at = tstate_frame(w);
	bpf_loop(MAX_DEPTH, root_step, &s, 0);
	w->is_failed |= s.at && !w->root;
	return w->root != 0;
}

static __always_inline void next_add(struct walk *w, __u64 obj)
{
	if (w->is_group || obj == w->next || obj == w->from)
		return;
	if (!w->nr_next)
		w->next = obj;
	w->nr_next++;
}

/*
 * The task that made the group a task is in (asyncio's or anyio's), whether it waits or not: the group is the first to
 * get a callback, and what else waits is then the group's own doing.
 */
__noinline int python_group_follow(struct walk *w, __u64 group)
{
	if (!w)
		return 0;
	python_instance_scan(w, group);
	if (w->attrs[NAME_CANCEL_SCOPE])
		python_instance_scan(w, w->attrs[NAME_CANCEL_SCOPE]);
	if (w->is_group || !is_future(w, w->attrs[NAME_TASK]))
		return 0;
	w->next = w->attrs[NAME_TASK];
	w->nr_next = 1;
	w->is_group = 1;
	return 1;
}

static __always_inline bool is_group(struct walk *w, __u64 obj)
{
	return class_name(w, obj) == CHARS('T', 'a', 's', 'k', 'G', 'r', 'o', 'u');
}

/* The futures that a closure holds: gather's and shield's outer one, wait's waiter; or an anyio group. */
static __always_inline void closure_follow(struct walk *w, __u64 function)
{
	__u64 closure = peek(w, function + w->py.function_closure);
	__u64 n, obj;

	if (!closure || peek(w, closure + OBJECT_TYPE) != w->py.type_tuple)
		return;
	n = peek(w, closure + VAR_SIZE);
	for (__u32 i = 0; i < MAX_CELLS; i++) {
		if (i >= n)
			break;
		obj = peek(w, closure + w->py.tuple_items + 8 * i);
		if (!obj || peek(w, obj + OBJECT_TYPE) != w->py.type_cell)
			break;
		obj = peek(w, obj + CELL_OBJECT);
		if (!obj)
			continue;
		if (is_future(w, obj))
			next_add(w, obj);
		else if (is_group(w, obj))
			python_group_follow(w, obj);
	}
}

/* What the callback of a future wakes. */
__noinline int python_callback_follow(struct walk *w, __u64 callback)
{
	__u64 type, obj;

	if (!w || !callback)
		return 0;
	type = peek(w, callback + OBJECT_TYPE);
	if (type == w->py.type_function) {
		closure_follow(w, callback);
		return 0;
	}
	if (type == w->py.type_partial) {
		obj = peek(w, callback + PARTIAL_ARGS);
		if (!obj || peek(w, obj + OBJECT_TYPE) != w->py.type_tuple || !peek(w, obj + VAR_SIZE))
			return 0;
		obj = peek(w, obj + w->py.tuple_items);
	} else if (type == w->py.type_cfunction) {
		obj = peek(w, callback + METHOD_SELF);
	} else if (type == w->py.type_method) {
		obj = peek(w, callback + METHOD_SELF);
		if (obj && !is_future(w, obj))
			return is_group(w, obj) ? python_group_follow(w, obj) : 0;
	} else {
		obj = peek(w, callback + WRAPPER_TASK);
	}
	if (is_future(w, obj))
		next_add(w, obj);
	return 0;
}

/* 3.14 keeps who waits for a future beside its callbacks. Several are looked for among those. */
static __always_inline __u64 future_awaiter(struct walk *w, __u64 future)
{
	__u64 obj;

	if (!w->py.future_awaited_by || peek_byte(w, future + w->py.future_is_set))
		return 0;
	obj = peek(w, future + w->py.future_awaited_by);
	return is_future(w, obj) ? obj : 0;
}

/* Who waits for a task or future: in w->next. */
__noinline int python_awaiter_find(struct walk *w, __u64 future)
{
	__u64 list, n, items, obj;

	if (!w)
		return 0;
	obj = future_awaiter(w, future);
	if (obj) {
		w->next = obj;
		w->nr_next = 1;
		return 1;
	}
	python_callback_follow(w, peek(w, future + w->py.future_callback0));
	list = peek(w, future + w->py.future_callbacks);
	if (!list || list == w->py.none_object)
		return 1;
	n = peek(w, list + VAR_SIZE);
	items = peek(w, list + LIST_ITEMS);
	for (__u32 i = 0; i < MAX_CALLBACKS; i++) {
		if (i >= n)
			break;
		obj = peek(w, items + 8 * i);
		if (obj && peek(w, obj + OBJECT_TYPE) == w->py.type_tuple)
			python_callback_follow(w, peek(w, obj + w->py.tuple_items));
	}
	return 1;
}

/* The last object on a frame's stack, that is what a coroutine awaits; 0 unknown. */
static __always_inline __u64 frame_top(struct walk *w, __u64 frame)
{
	__u64 behind = 0;
	__u32 top;

	if (w->py.frame_stackpointer) {
		behind = peek(w, frame + w->py.frame_stackpointer);
	} else if (w->py.frame_stacktop) {
		top = peek_int(w, frame + w->py.frame_stacktop);
		if (top <= MAX_SLOTS)
			behind = frame + w->py.frame_locals + 8 * top;
	}
	if (behind <= frame + w->py.frame_locals || behind - frame > 8 * MAX_SLOTS)
		return 0;
	return peek(w, behind - 8) & ~7ULL;
}

/* A task that waits: its coroutine, then what that awaits. */
__noinline int python_task_look(struct walk *w, __u64 task)
{
	__u64 frame, coro;

	if (!w || !is_task(w, task))
		return 0;
	coro = peek(w, task + w->py.task_coro);
	for (int i = 0; i < MAX_AWAITS; i++) {
		frame = coro_frame(w, coro);
		if (!frame)
			return 0;
		if (python_frame_look(w, frame, i == 0))
			return 1;
		coro = frame_top(w, frame);
	}
	return 0;
}

static long thread_step(__u32 i, struct step *s)
{
	struct list_head___threads *at = (void *)s->at;
	struct task_struct *task = (void *)at - bpf_core_field_offset(struct task_struct___threads, thread_node);

	if (thread_self(task) == s->id) {
		s->w->holder_tid = BPF_CORE_READ(task, pid);
		BPF_CORE_READ_INTO(&s->w->holder_comm, task, comm);
		return 1;
	}
	s->at = (__u64)BPF_CORE_READ(at, next);
	return 0;
}

/* The thread that took the interpreter lock last, if it is another one: its state, its id and its name. */
__noinline int python_holder_find(struct walk *w)
{
	struct task_struct___threads *own = (void *)bpf_get_current_task_btf();
	struct step s = {.w = w};
	__u64 holder;

	if (!w)
		return 0;
	w->holder = 0;
	w->holder_tid = 0;
	holder = peek(w, w->py.gil + GIL_HOLDER);
	if (!holder || holder == w->tstate || peek(w, holder + w->py.tstate_interp) != w->py.interp)
		return 0;
	w->holder = holder;
	s.id = peek(w, holder + tstate_self(w));
	s.at = (__u64)BPF_CORE_READ(own, thread_node.next);
	bpf_loop(MAX_THREADS, thread_step, &s, 0);
	return 1;
}
