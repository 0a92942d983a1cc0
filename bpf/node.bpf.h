/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Whose JavaScript runs: a walk over the heap of V8 from the frames on the stack to the request that they work for.
 *
 * Only strong edges are followed: from a frame to its arguments and its function; from a function to the variables it
 * closes over, up to its module's; from an async function to its parameters and to who awaits it. So what is reached
 * is what the code was called for, and not what happens to be stored near it. A module's own variables, `this`, other
 * locals, and what arrays and maps hold are not followed.
 *
 * The heap may change or lie at any time. Every read is checked for its type, the number of steps is bounded, and an
 * answer is exact only when the request found is the one that its connection answers now.
 */
#ifndef LG_NODE_BPF_H
#define LG_NODE_BPF_H

#include "v8.bpf.h"
#include "target.bpf.h"

#define NODE_FRAMES 48 /* of the stack: native ones count too */
#define NODE_ARGS   8
#define NODE_STACK  (1 << 20)
#define NODE_MARKS  256 /* kinds of frames, times two */

/* libuv's struct uv_tcp_t and uv_pipe_t, the same since 1.0. */
#define UV_TYPE 16
#define UV_FD   184
#define UV_PIPE 7
#define UV_TCP  12
#define UV_NEAR 1024 /* a wrapper holds its handle in itself */

/* Layouts that are the same since Node 18, in bytes: V8 does not tell them. */
#define AT_CONTEXT_LENGTH   8
#define AT_CONTEXT_SCOPE    16
#define AT_CONTEXT_PREVIOUS 24
#define AT_CONTEXT_SLOTS    32
#define AT_REQUEST_PROMISE  32 /* of a call to an async generator */
#define AT_GENERATOR        24 /* function */
#define AT_GENERATOR_CTX    32
#define AT_GENERATOR_PARAMS 72
#define AT_GENERATOR_DONE   80 /* promise of an async function, queue of an async generator */
#define AT_REACTIONS        24
#define AT_BOUND_TARGET     24
#define AT_BOUND_ARGS       40

/* Contexts' types are in alphabetical order. */
enum node_context {
	CONTEXT_FUNCTION = 5,
	CONTEXT_MODULE = 6,
	CONTEXT_NATIVE = 7,
	CONTEXT_SCRIPT = 8,
};

#define MODULE_PARAMS 5 /* exports, require, module, __filename, __dirname */

/* How an object was reached. */
enum node_how {
	HOW_STRONG = 0,
	HOW_FIELD = 4, /* through a field of an object: it is looked at, but leads nowhere */
};

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
#define NAME_MESSAGE WORD8('_', 'h', 't', 't', 'p', 'M', 'e', 's')

__noinline int node_push(__u64 object, __u32 how)
{
	struct node_walk *w = node_walk();
	__u64 entry = object | how;
	__u32 slot = ((__u32)(object >> 3) * 2654435761U >> 16) + how;

	if (!w || !is_tagged(object))
		return 0;
	slot %= NODE_QUEUE;
	if (w->seen[slot] == (entry | (__u64)w->epoch << 48))
		return 0;
	w->seen[slot] = entry | (__u64)w->epoch << 48;
	if (w->tail >= NODE_QUEUE)
		return 0;
	w->queue[w->tail % NODE_QUEUE] = entry;
	w->tail++;
	return 0;
}

/* Queues what `nr` words of memory refer to. */
__noinline int node_push_words(__u64 addr, __u32 nr, __u32 how)
{
	struct node_walk *w = node_walk();

	if (!w || !nr)
		return 0;
	nr = bounded(nr, NODE_WORDS);
	if (bpf_probe_read_user(w->words, bounded(nr * 8, sizeof(w->words)), (void *)addr))
		return -1;
	for (__u32 i = 0; i < NODE_WORDS; i++) {
		if (i >= nr)
			break;
		node_push(w->words[i], how);
	}
	return 0;
}

/* A module's own variables say nothing about what its functions work for. */
static __always_inline bool context_is_outer(struct node_walk *w, __u64 context, __u32 type)
{
	__u64 outer = field_at(context, AT_CONTEXT_PREVIOUS);
	__u64 scope = field_at(context, AT_CONTEXT_SCOPE);
	__u32 kind = type - w->v8.type_context, outer_kind;

	if (kind == CONTEXT_MODULE || kind == CONTEXT_NATIVE || kind == CONTEXT_SCRIPT)
		return true;
	if (kind != CONTEXT_FUNCTION)
		return false;
	outer_kind = type_of(w, outer) - w->v8.type_context;
	if (outer_kind != CONTEXT_NATIVE && outer_kind != CONTEXT_SCRIPT)
		return false;
	return smi_of(field_at(scope, w->v8.scope_nr_params)) >= MODULE_PARAMS;
}

static __always_inline void context_visit(struct node_walk *w, __u64 context, __u32 type)
{
	__u32 nr = smi_of(field_at(context, AT_CONTEXT_LENGTH));

	if (context_is_outer(w, context, type) || nr < 2)
		return;
	node_push(field_at(context, AT_CONTEXT_PREVIOUS), HOW_STRONG);
	node_push_words(context - 1 + AT_CONTEXT_SLOTS, nr - 2, HOW_STRONG);
}

static __always_inline void generator_visit(struct node_walk *w, __u64 generator, __u32 type)
{
	__u64 params = field_at(generator, AT_GENERATOR_PARAMS);
	__u64 shared = field_at(field_at(generator, AT_GENERATOR), w->v8.function_shared);
	__u64 done = field_at(generator, AT_GENERATOR_DONE);
	__u32 nr = (__u16)field_at(shared, w->v8.shared_nr_params);

	if (nr > 1 && nr - 1 <= smi_of(field_at(params, 8)))
		node_push_words(params - 1 + AT_ELEMENTS, bounded(nr - 1, NODE_ARGS), HOW_STRONG);
	node_push(field_at(generator, AT_GENERATOR_CTX), HOW_STRONG);
	if (type == w->v8.type_async_generator)
		done = field_at(done, AT_REQUEST_PROMISE);
	node_push(done, HOW_STRONG);
}

/* One field away from what code was called with: a framework's own request and reply. */
static __always_inline void fields_visit(struct node_walk *w, __u64 object)
{
	__u32 size = map_byte(w, w->v8.map_size), first = map_byte(w, w->v8.map_fields);
	__u64 properties = field_at(object, w->v8.object_properties);

	if (size > first && first >= 3)
		node_push_words(object - 1 + first * 8, size - first, HOW_FIELD);
	if (is_tagged(properties) && map_nr_fields(w) > size - first)
		node_push_words(properties - 1 + AT_ELEMENTS, map_nr_fields(w) - (size - first), HOW_FIELD);
}

static __always_inline void object_visit(struct node_walk *w, __u64 object, __u32 how)
{
	int class = node_class();
	__u32 i = w->nr_goals;

	if (class != CLASS_REQUEST && class != CLASS_RESPONSE) {
		if (how == HOW_STRONG)
			fields_visit(w, object);
		return;
	}
	if (i >= NODE_GOALS)
		return;
	w->goals[i * 2] = object | how;
	w->goals[i * 2 + 1] = class;
	w->nr_goals = i + 1;
}

/* Visits the next object of the queue. */
__noinline int node_step(void)
{
	struct node_walk *w = node_walk();
	__u64 entry, object;
	__u32 type, how;

	if (!w || w->head >= w->tail)
		return 1;
	entry = w->queue[w->head % NODE_QUEUE];
	w->head++;
	how = entry & HOW_FIELD;
	object = entry & ~(__u64)HOW_FIELD;
	type = map_load(w, object);
	if (type == w->v8.type_object)
		object_visit(w, object, how);
	if (how == HOW_FIELD)
		return 0;
	if (type_is_function(&w->v8, type)) {
		node_push(field_at(object, w->v8.function_context), HOW_STRONG);
	} else if (type_is_context(&w->v8, type)) {
		context_visit(w, object, type);
	} else if (type == w->v8.type_async_function || type == w->v8.type_async_generator) {
		generator_visit(w, object, type);
	} else if (type == w->v8.type_promise) {
		__u64 reactions = field_at(object, AT_REACTIONS);

		if (type_of(w, reactions) == w->v8.type_reaction)
			node_push(reactions, HOW_STRONG);
	} else if (type == w->v8.type_reaction) {
		/* Some versions have a fifth field before these; else the word behind is the next object's map. */
		node_push_words(object - 1 + 8, 5, HOW_STRONG);
	} else if (type == w->v8.type_job) {
		node_push_words(object - 1 + 8, 5, HOW_STRONG);
	} else if (type == w->v8.type_capability) {
		node_push(field_at(object, 8), HOW_STRONG);
	} else if (type == w->v8.type_bound) {
		__u64 args = field_at(object, AT_BOUND_ARGS);

		node_push(field_at(object, AT_BOUND_TARGET), HOW_STRONG);
		node_push_words(args - 1 + AT_ELEMENTS, bounded(smi_of(field_at(args, 8)), NODE_ARGS), HOW_STRONG);
	}
	return 0;
}

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
	argc = word_at(fp + w->v8.fp_argc);
	if (argc > 1 && argc < 256)
		node_push_words(fp + w->v8.fp_args + 8, bounded(argc - 1, NODE_ARGS), HOW_STRONG);
	node_push(context, HOW_STRONG);
	node_push(function, HOW_STRONG);
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
			if (at <= self || at > self + UV_NEAR || at & 7 || word_at(at) != self)
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
	if (!inode)
		return REQUEST_NONE;
	w->ino = BPF_CORE_READ(inode, i_ino);
	if (node_field(socket, NAME_MESSAGE, 12) || type_of(w, w->found) != w->v8.type_object)
		return REQUEST_DONE;
	if (node_field(w->found, NAME_REQ, 3))
		return REQUEST_NONE;
	return w->found == request ? REQUEST_OPEN : REQUEST_QUEUED;
}

/* Makes the requests that a frame leads to into an answer. Returns 0 when there is one. */
__noinline int node_judge(void)
{
	struct node_walk *w = node_walk();
	__u64 open = 0, done = 0, ino = 0;
	bool is_many = false, is_weak = true;

	if (!w)
		return -1;
	w->result.answer = LG_ANSWER_NOBODY;
	for (__u32 i = 0; i < NODE_GOALS; i++) {
		__u64 request = w->goals[i * 2] & ~(__u64)HOW_FIELD;
		int state;

		if (i >= w->nr_goals)
			break;
		if (w->goals[i * 2 + 1] == CLASS_RESPONSE) {
			if (node_field(request, NAME_REQ, 3))
				continue;
			request = w->found;
		}
		if (request == open || request == done) {
			is_weak &= w->goals[i * 2] & HOW_FIELD;
			continue;
		}
		state = node_request(request);
		if (state == REQUEST_NONE)
			continue;
		is_many |= state == REQUEST_QUEUED;
		if (state == REQUEST_OPEN) {
			is_many |= open != 0;
			open = request;
			ino = w->ino;
			is_weak = w->goals[i * 2] & HOW_FIELD;
		} else {
			is_many |= done != 0;
			done = request;
			if (!open) {
				ino = w->ino;
				is_weak = true;
			}
		}
	}
	if (!open && !done)
		return -1;
	w->result.answer = is_many ? LG_ANSWER_SHARED : LG_ANSWER_CONN;
	w->result.ino = ino;
	w->result.sure = !open || done || is_weak ? LG_SURE_LIKELY : LG_SURE_EXACT;
	return 0;
}

/* Is it a frame of V8's own code? Those have a small number where frames of functions have a context. */
static __always_inline bool frame_is_stub(struct node_walk *w, __u64 fp)
{
	__u64 mark = word_at(fp + w->v8.fp_context);

	return mark && mark < NODE_MARKS && !(mark & 1);
}

/*
 * A frame of V8's own code between those of JavaScript: it runs the reactions to promises, and what it holds is the
 * promise that waits for the reaction. `inner` is the frame that it called.
 */
__noinline int node_stub(__u64 fp, __u64 inner)
{
	struct node_walk *w = node_walk();
	__u64 first, nr;
	__u32 type;

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
		if (!is_tagged(w->fields[i]))
			continue;
		type = type_of(w, w->fields[i]);
		if (type && (type == w->v8.type_promise || type == w->v8.type_capability || type == w->v8.type_job))
			node_push(w->fields[i], HOW_STRONG);
	}
	for (__u32 i = 0; i < NODE_QUEUE; i++) {
		if (node_step())
			break;
	}
	return w->nr_goals;
}

/* Frames from fp outwards until one leads to a request. Returns 0 with an answer, 1 without, -1 with no JavaScript. */
__noinline int node_frames(__u64 fp)
{
	struct node_walk *w = node_walk();
	int found, result = -1;
	__u64 next, inner = 0;
	bool is_stub;

	for (__u32 i = 0; i < NODE_FRAMES; i++) {
		if (!w || !fp || fp & 7)
			break;
		is_stub = false;
		found = node_frame(fp);
		if (found >= 0)
			result = 1;
		else if (inner && result > 0)
			found = node_stub(fp, inner), is_stub = true;
		if (found > 0 && !node_judge()) {
			if (is_stub)
				w->result.sure = LG_SURE_LIKELY;
			return 0;
		}
		next = word_at(fp);
		if (next <= fp || next - fp > NODE_STACK)
			break;
		inner = fp;
		fp = next;
	}
	return result;
}

/*
 * The frame through which JavaScript called native code, or 0. Native code need not keep frame pointers, and what it
 * left of the stack as it was may look like frames that are long gone.
 */
static __always_inline __u64 exit_frame(struct node_walk *w, struct task_struct *task)
{
	__u64 isolate;

	if (!w->v8.exit_frame)
		return 0;
	isolate = word_at(task_thread_pointer(task) + w->v8.isolate);
	return isolate ? word_at(isolate + w->v8.exit_frame) : 0;
}

static __always_inline int node_begin(struct thread *t, const struct lg_v8 *v8, __u64 nonce)
{
	struct node_walk *w = node_walk();

	if (!w || w->nonce)
		return -1;
	w->nonce = nonce;
	w->v8 = *v8;
	__builtin_memset(w->classes, 0, sizeof(w->classes));
	__builtin_memset(&w->result, 0, sizeof(w->result));
	return 0;
}

/*
 * A walk that leads nowhere is an answer too, also when there is no JavaScript on the stack or memory could not be
 * read: without it the next answer would be taken for this stretch as well.
 */
SUBPROG int node_ask(struct thread *t, struct task_struct *task, struct lg_v8 *v8, struct answer *a)
{
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);
	__u64 nonce = bpf_ktime_get_ns() << 16 | (__u16)t->tid;
	struct node_walk *w = node_walk();
	__u64 sp = PT_REGS_SP(regs), fp = PT_REGS_FP(regs);
	int result = -1;
	__u64 exit;

	if (!w || node_begin(t, v8, nonce))
		return -1;
	exit = exit_frame(w, task);
	if (exit)
		fp = exit;
	if (fp >= sp && fp - sp < NODE_STACK)
		result = node_frames(fp);
	if (w->nonce != nonce)
		return -1;
	a->answer = result ? LG_ANSWER_NOBODY : w->result.answer;
	a->ino = result ? 0 : w->result.ino;
	a->sure = result ? LG_SURE_NONE : w->result.sure;
	/* Exact is only told of a request whose response is not written yet. */
	a->stage = a->sure == LG_SURE_EXACT ? LG_STAGE_WAITING : LG_STAGE_UNKNOWN;
	w->nonce = 0;
	return 0;
}

#endif
