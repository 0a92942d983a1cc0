/* SPDX-License-Identifier: BSD-2-Clause */
/* Each step is bounded; a word that cannot be read is 0, which ends a walk. */
#include "symbol/asleep.h"

#include <stdbool.h>

#define MAX_STACK     (8u << 20) /* bytes from one frame to the next at most */
#define MAX_THREADS   1024       /* thread states of a process */
#define MAX_SHIMS     64
#define OWNER_C_STACK 3

static uint64_t word(const struct cpython_memory *memory, uint64_t addr)
{
	uint64_t v;

	return memory->read(memory->arg, addr, &v, sizeof(v)) ? 0 : v;
}

static uint8_t byte(const struct cpython_memory *memory, uint64_t addr)
{
	uint8_t v;

	return memory->read(memory->arg, addr, &v, sizeof(v)) ? 0 : v;
}

/* What V8 shares between the closures of a frame's function; 0: it is no frame of JavaScript. */
static uint64_t js_shared(const struct cpython_memory *memory, const struct lg_v8 *v8, uint64_t fp)
{
	uint64_t function = word(memory, fp + v8->fp_function), map;
	uint16_t type;

	if ((function & 7) != 1)
		return 0;
	map = word(memory, function - 1);
	if ((map & 7) != 1 || memory->read(memory->arg, map - 1 + v8->map_type, &type, sizeof(type)) ||
	    type < v8->type_function || type >= v8->type_function_end)
		return 0;
	return word(memory, function - 1 + v8->function_shared);
}

/* Returns whether it came by the frame `exit`. */
static bool native_walk(struct lg_rec_stack *rec, const struct lg_v8 *v8, const struct cpython_memory *memory,
			uint64_t ip, uint64_t fp, uint64_t exit)
{
	bool came_by = false;

	while (ip && rec->nr_native < LG_STACK_MAX) {
		struct lg_native_frame *frame = &rec->native[rec->nr_native++];
		uint64_t next;

		frame->ip = ip;
		frame->function = v8 && fp ? js_shared(memory, v8, fp) : 0;
		if (!fp || fp & 7)
			break;
		came_by |= fp == exit;
		ip = word(memory, fp + 8);
		next = word(memory, fp);
		fp = next > fp && next - fp <= MAX_STACK ? next : 0;
	}
	return came_by;
}

static void native_take(struct lg_rec_stack *rec, const struct lg_v8 *v8, const struct cpython_memory *memory)
{
	uint64_t isolate = v8 && v8->exit_frame ? word(memory, rec->thread + v8->isolate) : 0;
	uint64_t exit = isolate ? word(memory, isolate + v8->exit_frame) : 0;

	rec->nr_native = 0;
	if (!native_walk(rec, v8, memory, rec->native[0].ip, rec->regs[LG_REG_FP], exit) && exit)
		native_walk(rec, v8, memory, word(memory, exit + 8), word(memory, exit), 0);
}

/* Offset of what names its thread in an interpreter's state; 0: there is nothing. */
static uint16_t thread_offset(const struct lg_python *py)
{
#if defined(__x86_64__)
	return py->tstate_thread;
#else
	return py->tstate_native;
#endif
}

/* States are put in front of those that were there before. */
uint64_t asleep_first_thread(const struct lg_runtime_info *info, const struct cpython_memory *memory)
{
	const struct lg_python *py = &info->python;
	uint64_t state, next;

	if (info->kind != LG_RT_CPYTHON || !thread_offset(py))
		return 0;
	state = word(memory, py->interp + py->interp_threads);
	for (int i = 0; state && i < MAX_THREADS && (next = word(memory, state + py->tstate_next)); i++)
		state = next;
	return state ? word(memory, state + thread_offset(py)) : 0;
}

static uint64_t python_state(const struct lg_rec_stack *rec, const struct lg_python *py,
			     const struct cpython_memory *memory)
{
	uint64_t state = word(memory, py->interp + py->interp_threads);
	uint16_t at = thread_offset(py);

	for (int i = 0; at && state && i < MAX_THREADS; i++) {
		if (word(memory, state + at) == rec->thread)
			return state;
		state = word(memory, state + py->tstate_next);
	}
	return 0;
}

/* `frame` is the one behind the code that was taken last. */
static void run_end(struct lg_rec_stack *rec, uint64_t frame)
{
	struct lg_code_frame *last = rec->nr_code ? &rec->code[rec->nr_code - 1] : NULL;

	if (!last || last->code & 1)
		return;
	last->code |= 1;
	if (rec->nr_runs < LG_STACK_RUNS_MAX)
		rec->runs[rec->nr_runs++] = frame;
}

static void python_take(struct lg_rec_stack *rec, const struct lg_python *py, const struct cpython_memory *memory)
{
	uint64_t state = python_state(rec, py, memory), frame, entry;

	frame = state ? word(memory, state + py->tstate_frame) : 0;
	if (frame && py->cframe_frame != 0xffff)
		frame = word(memory, frame + py->cframe_frame);
	for (int i = 0; frame && i < LG_STACK_MAX + MAX_SHIMS && rec->nr_code < LG_STACK_MAX; i++) {
		if (py->version >= 0x030c && byte(memory, frame + py->frame_owner) >= OWNER_C_STACK) {
			run_end(rec, frame);
		} else {
			entry = py->version == 0x030b && byte(memory, frame + py->frame_owner - 1);
			rec->code[rec->nr_code].code = (word(memory, frame + py->frame_code) & ~(uint64_t)7) | entry;
			rec->code[rec->nr_code++].position = word(memory, frame + py->frame_instr);
		}
		frame = word(memory, frame + py->frame_previous);
	}
}

void asleep_walk(struct lg_rec_stack *rec, const struct lg_runtime_info *info, const struct cpython_memory *memory)
{
	if (!rec->nr_native)
		return;
	native_take(rec, info && info->kind == LG_RT_NODE ? &info->v8 : NULL, memory);
	if (info && info->kind == LG_RT_CPYTHON && info->python.frame_instr)
		python_take(rec, &info->python, memory);
}
