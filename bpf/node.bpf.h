/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Whose JavaScript runs: a walk over the heap of V8 from the frames on the stack to the request that they work for.
 *
 * Only strong edges are followed: from a frame to its arguments, its function and its receiver; from a function to the
 * variables it closes over, up to its module's; from an async function to its parameters and to who awaits it. So what
 * is reached is what the code was called for, and not what happens to be stored near it. A module's own variables,
 * other locals, and what arrays and maps hold are not followed.
 *
 * The heap may change or lie at any time. Every read is checked for its type, the number of steps is bounded, and an
 * answer is exact only when the request found is the one that its connection answers now.
 */
#ifndef LG_NODE_BPF_H
#define LG_NODE_BPF_H

#include "lg_path.h"
#include "node_visit.bpf.h"
#include "target.bpf.h"

#define NODE_FRAMES 48 /* of the stack: native ones count too */
#define NODE_STACK  (1 << 20)
#define NODE_MARKS  256 /* kinds of frames, times two */

/* libuv's struct uv_tcp_t and uv_pipe_t, the same since 1.0. */
#define UV_TYPE 16
#define UV_FD   184
#define UV_PIPE 7
#define UV_TCP  12
/* Of a Map, and how many words of its table: eight entries, and what is before them. */
#define AT_MAP_TABLE     24
#define NODE_STORES      32
#define NODE_STORE_STEPS 64 /* objects visited from there: the storages, what they hold, and its fields */

#define UV_NEAR 1024 /* a wrapper holds its handle in itself */

/* What of a request was found in fields, as enum node_class, or-ed: with both, the object is made for that request. */
#define SIDE_BOTH (CLASS_REQUEST | CLASS_RESPONSE)

enum node_request {
	REQUEST_NONE = 0, /* not a server's, or without a connection */
	REQUEST_DONE,     /* its response was written */
	REQUEST_QUEUED,   /* the connection answers another one now */
	REQUEST_OPEN,     /* the one that the connection answers */
};

#define NAME_REQ     WORD8('r', 'e', 'q', 0, 0, 0, 0, 0)
#define NAME_SOCKET  WORD8('s', 'o', 'c', 'k', 'e', 't', 0, 0)
#define NAME_HANDLE  WORD8('k', 'H', 'a', 'n', 'd', 'l', 'e', 0) /* a symbol */
#define NAME_PARENT  WORD8('_', 'p', 'a', 'r', 'e', 'n', 't', 0)
#define NAME_URL     WORD8('u', 'r', 'l', 0, 0, 0, 0, 0)
#define NAME_MESSAGE WORD8('_', 'h', 't', 't', 'p', 'M', 'e', 's')

/* Reaches for requests from the frame at fp. Returns how many were found, or -1 when it is none of JavaScript. */
__noinline int node_frame(__u64 fp)
{
	struct node_walk *w = node_walk();
	__u64 function, context, argc;

	if (!w)
		return -1;
	function = word_at(fp + w->v8.fp_function);
	context = word_at(fp + w->v8.fp_context);
	if (!type_is_context(&w->v8, type_of(w, context)) || !type_is_function(&w->v8, type_of(w, function)))
		return -1;
	w->head = 0;
	w->tail = 0;
	w->nr_goals = 0;
	w->epoch++;
	w->context = context;
	argc = word_at(fp + w->v8.fp_argc);
	if (argc > 1 && argc < 256)
		node_push_words(fp + w->v8.fp_args + 8, bounded(argc - 1, NODE_ARGS), HOW_STRONG);
	node_push(context, HOW_STRONG);
	node_push(function, HOW_STRONG);
	node_push(word_at(fp + w->v8.fp_args), HOW_THIS);
	for (__u32 i = 0; i < NODE_QUEUE; i++) {
		if (node_step())
			break;
	}
	return w->nr_goals;
}

/* The descriptor of a connection, by its handle object: libuv's handle points back to its wrapper. */
__noinline int node_handle_fd(__u64 handle)
{
	struct node_walk *w = node_walk();
	__u64 self, at;

	if (!w || bpf_probe_read_user(w->fields, 4 * 8, (void *)(handle - 1 + w->v8.object_internal)))
		return -1;
	for (__u32 i = 0; i < 4; i++) {
		self = w->fields[i];
		if (!self || self & 7 || bpf_probe_read_user(w->words, sizeof(w->words), (void *)self))
			continue;
		for (__u32 j = 4; j < NODE_WORDS; j++) {
			__u32 type;

			at = w->words[j];
			if (at - self - 1 >= UV_NEAR || at & 7 || word_at(at) != self)
				continue;
			type = word_at(at + UV_TYPE);
			if (type == UV_TCP || type == UV_PIPE)
				return (__u32)word_at(at + UV_FD) & 0x7fffffff;
		}
	}
	return -1;
}

/* What has become of a server's request; its connection into walk->ino. Returns enum node_request. */
__noinline int node_request(__u64 request)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct node_walk *w = node_walk();
	__u64 socket, handle;
	struct inode *inode;
	struct file *file;
	int fd;

	if (!w || !node_field(request, NAME_REQ, 3) || node_field(request, NAME_SOCKET, 6))
		return REQUEST_NONE;
	socket = w->found;
	if (node_field(socket, NAME_HANDLE, 7))
		return REQUEST_NONE;
	handle = w->found;
	fd = node_handle_fd(handle);
	if (fd < 0 && !node_field(handle, NAME_PARENT, 7))
		fd = node_handle_fd(w->found);
	file = fd < 0 ? NULL : fd_file(task, fd);
	inode = file ? BPF_CORE_READ(file, f_inode) : NULL;
	if (!inode || (BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFSOCK)
		return REQUEST_NONE;
	w->ino = BPF_CORE_READ(inode, i_ino);
	if (node_field(socket, NAME_MESSAGE, 12) || type_of(w, w->found) != w->v8.type_object)
		return REQUEST_DONE;
	if (node_field(w->found, NAME_REQ, 3))
		return REQUEST_NONE;
	return w->found == request ? REQUEST_OPEN : REQUEST_QUEUED;
}

/* Adds what a goal says to walk->verdict. The verdict is in memory, where it costs the verifier no states. */
__noinline int node_goal(__u64 object, __u32 class)
{
	struct node_walk *w = node_walk();
	__u32 sides = object & HOW_FIELD ? class : SIDE_BOTH;
	__u64 request = object & ~(__u64)HOW_MASK;
	struct node_verdict *v;
	int state;

	if (!w)
		return 0;
	v = &w->verdict;
	if (class == CLASS_RESPONSE) {
		if (node_field(request, NAME_REQ, 3))
			return 0;
		request = w->found;
	}
	if (request == v->open)
		v->sides |= sides;
	if (request == v->open || request == v->done)
		return 0;
	state = node_request(request);
	if (state == REQUEST_NONE)
		return 0;
	v->is_queued |= state == REQUEST_QUEUED;
	if (state == REQUEST_OPEN) {
		v->is_many |= v->open != 0;
		v->open = request;
		v->ino = w->ino;
		v->sides = sides;
	} else {
		v->is_many |= v->done != 0;
		v->done = request;
		if (!v->open)
			v->ino = w->ino;
	}
	return 0;
}

/* 1 or 0 without a branch, of numbers of 32 bits: the verifier would follow both ways at each character. */
static __always_inline __u64 is_other(__u64 a, __u64 b)
{
	__u64 differs = a ^ b;

	barrier_var(differs);
	return -differs >> 63;
}

/* The sum of a request's path (lg_path.h), as it was sent; 0 where frameworks have changed it, or it is long. */
__noinline int node_path(__u64 request)
{
	struct node_walk *w = node_walk();
	__u64 len, n = 0, is_in = 1;
	__u8 *text;

	if (!w || node_field(request, NAME_URL, 3))
		return 0;
	len = (__u32)field_at(w->found, w->v8.string_length);
	text = (__u8 *)w->words;
	if (bpf_probe_read_user(text, LG_PATH_BYTES, (void *)(w->found - 1 + w->v8.string_chars)) || text[0] != '/')
		return 0;
	for (__u32 i = 0; i < LG_PATH_BYTES; i++) {
		is_in &= is_other(i, len) & is_other(text[i], '?');
		text[i] &= -is_in;
		n += is_in;
	}
	return n < LG_PATH_BYTES ? lg_path_sum(w->words, n) : 0;
}

/*
 * Makes the requests that a frame leads to into an answer: those found in the receiver's fields only where there are no
 * others, as what has methods may live for long. Returns 0 when there is one.
 */
__noinline int node_judge(__u32 of_this)
{
	struct node_walk *w = node_walk();
	struct node_verdict *v;
	bool is_sure;

	if (!w)
		return -1;
	v = &w->verdict;
	__builtin_memset(v, 0, sizeof(*v));
	for (__u32 i = 0; i < NODE_GOALS; i++) {
		if (i >= w->nr_goals)
			break;
		if (((w->goals[i * 2] & HOW_MASK) == HOW_THIS_FIELD) == !!of_this)
			node_goal(w->goals[i * 2], w->goals[i * 2 + 1]);
	}
	is_sure = v->open && v->sides == SIDE_BOTH;
	if ((!v->open && !v->done) || (of_this && !is_sure))
		return -1;
	if (!v->open && !v->is_many)
		w->result.path_sum = node_path(v->done);
	w->result.is_behind = v->is_queued;
	v->is_many |= v->is_queued && !w->result.path_sum;
	w->result.answer = v->is_many ? LG_ANSWER_SHARED : LG_ANSWER_CONN;
	w->result.ino = v->ino;
	w->result.sure = v->done || of_this || !is_sure ? LG_SURE_LIKELY : LG_SURE_EXACT;
	return 0;
}

/* Is it a frame of V8's own code? Those have a small number where frames of functions have a context. */
static __always_inline bool frame_is_stub(struct node_walk *w, __u64 fp)
{
	__u64 mark = word_at(fp + w->v8.fp_context);

	return mark && mark < NODE_MARKS && !(mark & 1);
}

/* Queues an object that says who waits for what runs; others that a frame holds may be anything. */
__noinline int node_push_waiter(__u64 object)
{
	struct node_walk *w = node_walk();
	__u32 type;

	if (!w || !is_tagged(object))
		return 0;
	type = type_of(w, object);
	if (type && (type == w->v8.type_promise || type == w->v8.type_capability || type == w->v8.type_job ||
		     type == w->v8.type_resolve))
		node_push(object, HOW_STRONG);
	return 0;
}

/*
 * A frame of V8's own code between those of JavaScript: it runs the reactions to promises, and what it holds is the
 * promise that waits for the reaction. `inner` is the frame that it called.
 */
__noinline int node_stub(__u64 fp, __u64 inner)
{
	struct node_walk *w = node_walk();
	__u64 first, nr;

	if (!w || !frame_is_stub(w, fp))
		return 0;
	nr = bounded((fp + w->v8.fp_context - inner - 16) / 8, NODE_WORDS);
	first = fp + w->v8.fp_context - nr * 8;
	w->head = 0;
	w->tail = 0;
	w->nr_goals = 0;
	w->epoch++;
	if (!nr || bpf_probe_read_user(w->fields, bounded(nr * 8, NODE_WORDS * 8), (void *)first))
		return 0;
	for (__u32 i = 0; i < NODE_WORDS; i++) {
		if (i >= nr)
			break;
		node_push_waiter(w->fields[i]);
	}
	for (__u32 i = 0; i < NODE_QUEUE; i++) {
		if (node_step())
			break;
	}
	return w->nr_goals;
}

/* Reaches for requests from the frame at fp, of either kind. Returns how many were found. */
static __always_inline int frame_reach(struct node_walk *w, __u64 fp)
{
	int found = node_frame(fp);

	w->is_stub = found < 0 && w->inner && w->is_js;
	if (w->is_stub)
		return node_stub(fp, w->inner);
	if (found >= 0)
		w->is_js = 1;
	return found;
}

/* Frames from fp outwards until one leads to a request. Returns 0 with an answer, 1 without, -1 with no JavaScript. */
__noinline int node_frames(__u64 fp)
{
	struct node_walk *w = node_walk();
	__u64 next;

	if (!w)
		return -1;
	w->inner = 0;
	w->is_js = 0;
	for (__u32 i = 0; i < NODE_FRAMES; i++) {
		if (!fp || fp & 7)
			break;
		if (frame_reach(w, fp) > 0 && (!node_judge(0) || !node_judge(1))) {
			if (w->is_stub)
				w->result.sure = LG_SURE_LIKELY;
			return 0;
		}
		next = word_at(fp);
		if (next <= fp || next - fp > NODE_STACK)
			break;
		w->inner = fp;
		fp = next;
	}
	return w->is_js ? 1 : -1;
}

/* What AsyncLocalStorages hold for the code that runs: the values of a Map, whose table has few of them. */
__noinline int node_stores(__u64 map)
{
	struct node_walk *w = node_walk();

	if (!w || !w->v8.type_js_map || type_of(w, map) != w->v8.type_js_map)
		return 0;
	w->head = 0;
	w->tail = 0;
	w->nr_goals = 0;
	w->epoch++;
	node_push_words(field_at(map, AT_MAP_TABLE) - 1 + AT_ELEMENTS, NODE_STORES, HOW_STRONG);
	for (__u32 i = 0; i < NODE_STORE_STEPS; i++) {
		if (node_step())
			break;
	}
	return w->nr_goals;
}

/*
 * No code leads to a request, but the program may keep it in an AsyncLocalStorage. That outlives requests, in what was
 * first made for one of them: only those that are not answered yet are believed. Returns 0 with an answer.
 */
static __always_inline int node_by_store(struct node_walk *w, __u64 fp, __u64 isolate)
{
	__u64 map = isolate && w->v8.stores ? word_at(isolate + w->v8.stores) : 0;
	int result = 1;

	w->is_by_store = 1;
	if (map && node_stores(map) > 0)
		result = node_judge(0);
	else if (w->has_stores)
		result = node_frames(fp);
	w->result.sure = LG_SURE_LIKELY;
	return !result && w->verdict.open && !w->verdict.done && !w->verdict.is_many ? 0 : 1;
}

/*
 * The frame through which JavaScript called native code, or 0. Native code need not keep frame pointers, and what it
 * left of the stack as it was may look like frames that are long gone.
 */
static __always_inline __u64 exit_frame(struct node_walk *w, __u64 isolate)
{
	return isolate ? word_at(isolate + w->v8.exit_frame) : 0;
}

static __always_inline bool is_collecting(struct node_walk *w, __u64 isolate)
{
	return isolate && w->v8.vm_state && (__u16)word_at(isolate + w->v8.vm_state) == LG_V8_GC;
}

/* The collector waits for its helpers on a lock, which is no lock of the program's. */
static __always_inline void gc_learn(struct thread *t)
{
	if (t->out_ns && t->out_class == LG_SLEEP_LOCK) {
		t->out_class = LG_SLEEP_GC;
		t->call.sleep = LG_SLEEP_GC;
	}
	if (!t->has_since)
		return;
	t->since.sleep_ns[LG_SLEEP_GC] += t->since.sleep_ns[LG_SLEEP_LOCK];
	t->since.sleep_ns[LG_SLEEP_LOCK] = 0;
	if (t->since.longest.sleep == LG_SLEEP_LOCK)
		t->since.longest.sleep = LG_SLEEP_GC;
}

static __always_inline int node_begin(const struct lg_v8 *v8, __u64 nonce)
{
	struct node_walk *w = node_walk();

	if (!w || w->nonce)
		return -1;
	w->nonce = nonce;
	w->v8 = *v8;
	w->nr_steps = 0;
	w->is_cut = 0;
	w->has_stores = 0;
	w->is_by_store = 0;
	__builtin_memset(w->classes, 0, sizeof(w->classes));
	__builtin_memset(&w->result, 0, sizeof(w->result));
	return 0;
}

/*
 * A walk that leads nowhere is an answer too, also when there is no JavaScript on the stack or memory could not be
 * read: without it the next answer would be taken for this stretch as well.
 */
static __always_inline int node_ask(struct thread *t, struct task_struct *task, struct lg_v8 *v8, struct answer *a)
{
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);
	__u64 nonce = bpf_ktime_get_ns() << 16 | (__u16)t->tid;
	struct node_walk *w = node_walk();
	__u64 sp = PT_REGS_SP(regs), fp = PT_REGS_FP(regs);
	__u64 exit, isolate;
	int result = -1;

	if (!w || node_begin(v8, nonce))
		return -1;
	isolate = w->v8.exit_frame ? word_at(task_thread_pointer(task) + w->v8.isolate) : 0;
	exit = exit_frame(w, isolate);
	a->is_gc = is_collecting(w, isolate);
	if (a->is_gc)
		gc_learn(t);
	if (exit)
		fp = exit;
	if (fp >= sp && fp - sp < NODE_STACK)
		result = node_frames(fp);
	if (result > 0 && !w->is_cut)
		result = node_by_store(w, fp, isolate);
	if (w->nonce != nonce)
		return -1;
	a->answer = !result ? w->result.answer : w->is_cut ? LG_ANSWER_UNKNOWN : LG_ANSWER_NOBODY;
	a->ino = result ? 0 : w->result.ino;
	a->sure = result ? LG_SURE_NONE : w->result.sure;
	a->path_sum = result ? 0 : w->result.path_sum;
	a->is_behind = !result && w->result.is_behind;
	/* Inside of a call, and without V8's word for it, the frame pointer may be any register. */
	if (a->sure == LG_SURE_EXACT && !v8->exit_frame && regs_nr(regs) >= 0)
		a->sure = LG_SURE_LIKELY;
	/* Exact is only told of a request whose response is not written yet. */
	a->stage = a->sure == LG_SURE_EXACT ? LG_STAGE_WAITING : LG_STAGE_UNKNOWN;
	w->nonce = 0;
	return 0;
}

#endif
