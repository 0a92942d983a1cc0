/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes with what is known of their runtimes, and the merging of their frames. */
#include "symbol/stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/table.h"
#include "symbol/asleep.h"
#include "symbol/js.h"
#include "symbol/names.h"
#include "symbol/python.h"
#include "symbol/symbols.h"
#include "symbol/unwind.h"
#include "target/maps.h"
#include "target/memory.h"
#include "target/runtime.h"

#define NR_NAMES      8192 /* frames of code by place, some 150 bytes each */
#define MAX_PROCESSES 4096
#define LOOP_TRIES    4 /* of looking whether a thread is in a loop */
#define EVAL_LOOP     "_PyEval_EvalFrameDefault"
#define EVAL_PIECE    "_TAIL_CALL_"

struct process {
	int pid;
	struct lg_runtime_info info;
	struct python_reader python;
	struct js_reader js;
	bool has_js; /* js is filled in */
};

struct stacks {
	struct symbols *symbols;
	struct names *names;
	struct table processes; /* pid -> struct process */
	uint64_t last_number;
	unsigned max_frames;
	struct frame frames[STACKS_MAX_FRAMES];
	size_t nr;
	uint8_t heads[LG_STACK_MAX][PYTHON_HEAD_LEN]; /* of the code objects of a stack */
	bool has_heads;
	uint64_t ends[LG_STACK_MAX]; /* of a stack's native frames, see unwind() */
	bool has_ends;
	union {
		struct lg_rec_frames rec;
		char bytes[UINT16_MAX / 8 * 8];
	} out;
};

int stacks_new(struct stacks **out, unsigned max_frames)
{
	struct stacks *s = calloc(1, sizeof(*s));

	if (!s || symbols_new(&s->symbols) || names_new(&s->names, NR_NAMES)) {
		stacks_free(s);
		return -ENOMEM;
	}
	table_init(&s->processes, 0);
	s->max_frames = max_frames && max_frames < STACKS_MAX_FRAMES ? max_frames : STACKS_MAX_FRAMES;
	*out = s;
	return 0;
}

void stacks_free(struct stacks *s)
{
	size_t pos = 0;
	void *process;

	if (!s)
		return;
	while (table_next(&s->processes, &pos, NULL, &process))
		free(process);
	table_fini(&s->processes);
	names_free(s->names);
	symbols_free(s->symbols);
	free(s);
}

static bool js_read(struct process *p, const struct map_file *file)
{
	struct elf_file *elf;
	bool is_read;

	if (elf_file_open(&elf, file->path))
		return false;
	is_read = !js_layout_read(&p->js.layout, elf);
	elf_file_close(elf);
	return is_read;
}

/* V8 is a part of the program, or of the library that it runs. */
static void js_open(struct stacks *s, struct process *p)
{
	const struct map *library;
	struct map_file file;
	struct maps maps;

	p->js = (struct js_reader){
		.process = s->last_number,
		.memory = {.read = memory_read, .arg = &p->pid},
		.names = s->names,
	};
	p->has_js = !map_file_init_exe(&file, p->pid) && js_read(p, &file);
	if (p->has_js || maps_read(&maps, p->pid))
		return;
	library = maps_find(&maps, runtime_is_libnode);
	if (library && !map_file_init(&file, p->pid, library))
		p->has_js = js_read(p, &file);
	maps_fini(&maps);
}

int stacks_set_runtime(struct stacks *s, int pid, const struct lg_runtime_info *info)
{
	struct process *p = table_get(&s->processes, pid);

	if (!p && s->processes.count < MAX_PROCESSES)
		p = calloc(1, sizeof(*p));
	if (!p || table_put(&s->processes, pid, p)) {
		free(p);
		return -ENOMEM;
	}
	p->pid = pid;
	p->info = *info;
	p->python = (struct python_reader){
		.version = info->kind == LG_RT_CPYTHON ? info->python.version : 0,
		.process = ++s->last_number,
		.memory = {.read = memory_read, .arg = &p->pid},
		.names = s->names,
	};
	p->has_js = false;
	if (info->kind == LG_RT_NODE)
		js_open(s, p);
	return 0;
}

void stacks_prepare(struct stacks *s, int pid)
{
	symbols_prepare(s->symbols, pid);
}

void stacks_forget(struct stacks *s, int pid)
{
	free(table_del(&s->processes, pid));
	symbols_forget(s->symbols, pid);
}

/* The next place for a frame, which counts once it is kept; NULL: no more are told. */
static struct frame *frame_next(struct stacks *s)
{
	return s->nr < s->max_frames ? &s->frames[s->nr] : NULL;
}

/* The way into the scheduler, or from an interrupt to the sample: it is lgtrace's own view, not the program's doing. */
static bool is_way_in(const char *function)
{
	static const char *const starts[] = {"asm_sysvec_",   "asm_common_interrupt", "el0t_64_irq", "el1h_64_irq",
					     "bpf_trace_run", "__traceiter_",         "__schedule",  "schedule",
					     "io_schedule"};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (!strncmp(function, starts[i], strlen(starts[i])))
			return true;
	return false;
}

static void kernel_add(struct stacks *s, const struct lg_rec_stack *rec)
{
	unsigned first = 0;
	struct frame *frame = &s->frames[0];

	for (unsigned i = 0; i < rec->nr_kernel && i < LG_STACK_KERNEL_MAX; i++) {
		symbols_find_kernel(s->symbols, rec->kernel[i], frame);
		if (is_way_in(frame->function))
			first = i + 1;
	}
	for (unsigned i = first; i < rec->nr_kernel && i < LG_STACK_KERNEL_MAX && (frame = frame_next(s)); i++) {
		symbols_find_kernel(s->symbols, rec->kernel[i], frame);
		s->nr++;
	}
}

/* Whether a native frame has a name of its own. */
static bool has_name(const struct frame *frame)
{
	return !strstr(frame->function, "+0x") && strncmp(frame->function, "0x", 2) != 0;
}

/* Not in any mapping of code: there the walk went astray, by code that keeps no frame pointers. */
static bool is_astray(const struct frame *frame)
{
	return !frame->file[0] && !has_name(frame);
}

static void native_add(struct stacks *s, const struct lg_rec_stack *rec)
{
	struct frame *frame;

	for (unsigned i = 0; i < rec->nr_native && i < LG_STACK_MAX && (frame = frame_next(s)); i++) {
		symbols_find(s->symbols, rec->pid, rec->native[i].ip, i > 0, frame);
		if (i && is_astray(frame))
			break;
		s->nr++;
	}
}

/* Python. */

static unsigned nr_code(const struct lg_rec_stack *rec)
{
	return rec->nr_code < LG_STACK_MAX ? rec->nr_code : LG_STACK_MAX;
}

/* The heads of all code objects by one call; should one of them be gone, each is read by itself. */
static void heads_read(struct stacks *s, const struct process *p, const struct lg_rec_stack *rec)
{
	struct iovec local = {.iov_base = s->heads, .iov_len = nr_code(rec) * sizeof(s->heads[0])};
	struct iovec remote[LG_STACK_MAX];

	for (unsigned i = 0; i < nr_code(rec); i++)
		remote[i] = (struct iovec){.iov_base = (void *)(uintptr_t)(rec->code[i].code & ~(uint64_t)7),
					   .iov_len = sizeof(s->heads[0])};
	s->has_heads = process_vm_readv(p->pid, &local, 1, remote, nr_code(rec), 0) == (ssize_t)local.iov_len;
}

/*
 * Frames of code that one run of the interpreter's loop stands for: up to the one that native code called, or all that
 * are left. Returns the number of the next one.
 */
static unsigned code_add(struct stacks *s, struct process *p, const struct lg_rec_stack *rec, unsigned at, bool all)
{
	bool is_entry = false;
	struct frame *frame;

	for (; at < nr_code(rec) && (all || !is_entry) && (frame = frame_next(s)); at++) {
		if (!python_find(&p->python, rec->code[at].code, s->has_heads ? s->heads[at] : NULL,
				 rec->code[at].position, frame))
			s->nr++;
		is_entry = rec->code[at].code & 1 || p->python.version <= 0x030a;
	}
	return at;
}

/*
 * How many runs of code end in a native frame, the innermost `run` of them being placed. From 3.12 on by where they
 * lie, as builds leave no function of the loop's name; before, and where only frame pointers are known, by the name.
 */
static unsigned nr_runs(const struct stacks *s, const struct lg_rec_stack *rec, unsigned i, unsigned run,
			const struct frame *frame)
{
	unsigned end = run;

	if (!s->has_ends || !rec->nr_runs)
		return !strncmp(frame->function, EVAL_LOOP, sizeof(EVAL_LOOP) - 1);
	while (end < rec->nr_runs && end < LG_STACK_RUNS_MAX && rec->runs[end] < s->ends[i])
		end++;
	return end - run;
}

/* What the interpreter consists of: of interest only below the innermost frame of code, as the builtin it called. */
static bool is_interpreter(const struct frame *frame, const struct frame *eval_loop)
{
	return frame->module == eval_loop->module;
}

/* The way from one to the other, for each call: of a loop in pieces, one for each instruction, too. */
static bool is_call_glue(const struct frame *frame)
{
	return strcasestr(frame->function, "vectorcall") || !strcmp(frame->function, "_PyObject_MakeTpCall") ||
	       !strncmp(frame->function, EVAL_PIECE, sizeof(EVAL_PIECE) - 1);
}

/* Which native frame runs the innermost Python, -1: none that is seen. */
static int eval_find(struct stacks *s, const struct lg_rec_stack *rec, struct frame *frame)
{
	for (unsigned i = 0; i < rec->nr_native && i < LG_STACK_MAX; i++) {
		symbols_find(s->symbols, rec->pid, rec->native[i].ip, i > 0, frame);
		if (nr_runs(s, rec, i, 0, frame))
			return i;
	}
	return -1;
}

/*
 * Interpreters are mostly built without frame pointers: what the walk then makes of the native stack beyond the
 * innermost frame is not to be trusted, and Python's own list follows.
 */
static void python_add_unseen(struct stacks *s, struct process *p, const struct lg_rec_stack *rec)
{
	struct frame *frame = frame_next(s);

	if (frame && rec->nr_native) {
		symbols_find(s->symbols, rec->pid, rec->native[0].ip, false, frame);
		frame->is_own = false;
		s->nr += has_name(frame);
	}
	code_add(s, p, rec, 0, true);
}

static void python_add(struct stacks *s, struct process *p, const struct lg_rec_stack *rec)
{
	struct frame eval, *frame;
	int first = eval_find(s, rec, &eval);
	unsigned at = 0, run = 0, nr;

	heads_read(s, p, rec);
	if (first < 0) {
		python_add_unseen(s, p, rec);
		return;
	}
	for (int i = 0; i < rec->nr_native && i < LG_STACK_MAX && (frame = frame_next(s)); i++) {
		symbols_find(s->symbols, rec->pid, rec->native[i].ip, i > 0, frame);
		frame->is_own = false;
		nr = nr_runs(s, rec, i, run, frame);
		if (!nr && has_name(frame) && !is_call_glue(frame) && (i < first || !is_interpreter(frame, &eval)))
			s->nr++;
		for (unsigned end = run + nr; run < end; run++)
			at = code_add(s, p, rec, at, false);
	}
	code_add(s, p, rec, at, true);
}

/* JavaScript. */

/* Of V8's own making, or compiled by it: what runs JavaScript, and is none of the program's functions. */
static bool is_engine(const struct frame *frame)
{
	return !frame->file[0] || !strncmp(frame->function, "Builtins_", 9) ||
	       !strncmp(frame->function, "v8::internal::", 14);
}

/*
 * Whether the frame of this code is one of JavaScript: compiled code, the interpreter's, and one of its instructions.
 * In frames of others the same place holds what they please.
 */
static bool is_js_code(const struct frame *frame)
{
	static const char suffix[] = "Handler";
	size_t len = strlen(frame->function);

	if (!frame->file[0] || !strcmp(frame->function, "Builtins_InterpreterEntryTrampoline"))
		return true;
	return !strncmp(frame->function, "Builtins_", 9) && len >= sizeof(suffix) &&
	       !strcmp(frame->function + len - sizeof(suffix) + 1, suffix);
}

static void js_frame_add(struct stacks *s, struct process *p, const struct lg_native_frame *native, bool is_return)
{
	struct frame *frame = frame_next(s);
	bool is_engine_code, is_js;

	symbols_find(s->symbols, p->pid, native->ip, is_return, frame);
	is_engine_code = is_engine(frame);
	/* The innermost function may have made no frame of its own: the one that is found is its caller's. */
	is_js = native->function && (!is_return || is_js_code(frame));
	frame->is_own = false;
	if (!is_engine_code && has_name(frame)) {
		s->nr++;
		frame = frame_next(s);
	}
	if (!frame)
		return;
	if (is_js && !js_find(&p->js, native->function, frame))
		s->nr++;
	else if (is_engine_code &&
		 symbols_find_compiled(s->symbols, p->pid, native->ip, frame->function, sizeof(frame->function)))
		s->nr += js_parse_compiled(frame->function, frame);
}

static void js_add(struct stacks *s, struct process *p, const struct lg_rec_stack *rec)
{
	for (unsigned i = 0; i < rec->nr_native && i < LG_STACK_MAX && frame_next(s); i++)
		js_frame_add(s, p, &rec->native[i], i > 0);
}

const struct frame *stacks_resolve(struct stacks *s, const struct lg_rec_stack *rec, size_t *nr)
{
	struct process *p = table_get(&s->processes, rec->pid);
	struct lg_rec_stack walked;
	int pid = rec->pid;
	const struct cpython_memory memory = {.read = memory_read, .arg = &pid};

	/* The record may end where its copy does. */
	memcpy(&walked, rec, offsetof(struct lg_rec_stack, copy) + rec->copied);
	if (rec->moment == LG_STACK_ASLEEP)
		asleep_walk(&walked, p ? &p->info : NULL, &memory);
	s->has_ends = false;
#if defined(__x86_64__)
	if (!(p && p->has_js) && rec->nr_native)
		s->has_ends = unwind(&walked, s->symbols, rec->moment == LG_STACK_ASLEEP ? &memory : NULL, s->ends);
#else
	unwind_link(&walked, s->symbols);
#endif
	rec = &walked;
	s->nr = 0;
	kernel_add(s, rec);
	if (p && p->info.kind == LG_RT_CPYTHON && rec->nr_code)
		python_add(s, p, rec);
	else if (p && p->has_js)
		js_add(s, p, rec);
	else
		native_add(s, rec);
	*nr = s->nr;
	return s->frames;
}

static bool is_loop_file(const char *file)
{
	static const char *const files[] = {"/asyncio/base_events.py", "/asyncio/runners.py", "/trio/_core/_run.py",
					    "/twisted/internet/base.py"};
	size_t len = strlen(file);

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (len > strlen(files[i]) && !strcmp(file + len - strlen(files[i]), files[i]))
			return true;
	return false;
}

bool stacks_is_in_loop(struct stacks *s, int pid)
{
	const struct process *p = table_get(&s->processes, pid);
	const struct cpython_memory memory = {.read = memory_read, .arg = &pid};
	struct lg_rec_stack rec = {.pid = pid, .tid = pid, .moment = LG_STACK_ASLEEP, .nr_native = 1};
	const struct frame *frames;
	size_t nr;

	rec.thread = p ? asleep_first_thread(&p->info, &memory) : 0;
	for (int try = 0; rec.thread && try < LOOP_TRIES; try++) {
		frames = stacks_resolve(s, &rec, &nr);
		for (size_t i = 0; i < nr; i++)
			if (is_loop_file(frames[i].file))
				return true;
	}
	return false;
}

/* The record's length is 16 bits wide. Returns false when there is no room left. */
static bool frame_put(struct stacks *s, size_t *len, const struct frame *frame)
{
	struct lg_frame head = {
		.line = frame->line,
		.kind = frame->kind,
		.is_own = frame->is_own,
		.function_len = strlen(frame->function),
		.file_len = strlen(frame->file),
	};
	char *to = s->out.rec.frames + *len;

	if (sizeof(s->out.rec) + *len + sizeof(head) + head.function_len + head.file_len > sizeof(s->out))
		return false;
	memcpy(to, &head, sizeof(head));
	memcpy(to + sizeof(head), frame->function, head.function_len);
	memcpy(to + sizeof(head) + head.function_len, frame->file, head.file_len);
	*len += sizeof(head) + head.function_len + head.file_len;
	return true;
}

const struct lg_rec_frames *stacks_record(struct stacks *s, const struct lg_rec_stack *rec)
{
	size_t nr, len = 0, put = 0;

	stacks_resolve(s, rec, &nr);
	while (put < nr && frame_put(s, &len, &s->frames[put]))
		put++;
	if (!put)
		return NULL;
	s->out.rec.head = (struct lg_head){
		.kind = LG_REC_FRAMES,
		.len = (sizeof(s->out.rec) + len + 7) / 8 * 8,
		.cpu = rec->head.cpu,
		.time_ns = rec->head.time_ns,
	};
	s->out.rec.pid = rec->pid;
	s->out.rec.tid = rec->tid;
	s->out.rec.block_ns = rec->block_ns;
	s->out.rec.moment = rec->moment;
	s->out.rec.pad = 0;
	s->out.rec.nr = put;
	s->out.rec.frames_len = len;
	return &s->out.rec;
}

size_t stacks_bytes(const struct stacks *s)
{
	return sizeof(*s) + symbols_bytes(s->symbols) + names_bytes(s->names);
}
