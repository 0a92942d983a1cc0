/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Code in the memory of a process: what Python and V8 tell of a function's name, file and line, and the frames of a
 * thread that sleeps. The first byte chooses what is looked for, the second the place in the code; the rest is all the
 * memory there is.
 */
#include "fuzz_memory.h"
#include "symbol/asleep.h"
#include "symbol/js.h"
#include "symbol/linetable.h"
#include "symbol/python.h"
#include "target/cpython_layout.h"

#define MAX_READS   20000 /* counting the lines of a long script takes 2,048 of 4 KiB; a stack some 500 */
#define NR_VERSIONS 6     /* of Python: 3.9 to 3.14 */

enum look { LOOK_JS = NR_VERSIONS, LOOK_JS_NEW, LOOK_JS_STACK, LOOK_PYTHON_STACK, NR_LOOKS };

/* Those of Node 20; the newer one has the positions of a scope before its locals. */
static const struct js_layout js_layouts[] = {
	{12, 259, 261, 167, 175, 16, 24, 8, 16, 48, 12, 16, 3},
	{12, 259, 261, 167, 175, 16, 24, 8, 16, 48, 12, 16, 5},
};

static void frame_check(const struct frame *f)
{
	FUZZ_CHECK(memchr(f->function, 0, sizeof(f->function)) && memchr(f->file, 0, sizeof(f->file)));
	FUZZ_CHECK(f->line <= INT32_MAX);
}

static void python_check(uint16_t version, int64_t place, struct names *names, const struct cpython_memory *memory)
{
	struct python_reader r = {.version = version, .process = 1, .memory = *memory, .names = names};
	struct frame f;

	for (int again = 0; again < 2; again++)
		if (!python_find(&r, FUZZ_BASE, NULL, version < 0x030b ? (uint64_t)place : FUZZ_BASE + place, &f))
			frame_check(&f);
}

static void js_check(const struct js_layout *layout, struct names *names, const struct cpython_memory *memory)
{
	struct js_reader r = {.layout = *layout, .process = 1, .memory = *memory, .names = names};
	struct frame f;

	for (int again = 0; again < 2; again++)
		if (!js_find(&r, FUZZ_BASE + 1, &f))
			frame_check(&f);
}

/* Those of Node 20, and of Python 3.12. */
static void info_init(struct lg_runtime_info *info, bool is_python)
{
	struct cpython_layout layout;

	*info = (struct lg_runtime_info){
		.kind = LG_RT_NODE,
		.v8 = {.type_function = 2066,
		       .type_function_end = 2080,
		       .map_type = 12,
		       .function_shared = 24,
		       .isolate = 64,
		       .exit_frame = 128,
		       .fp_function = -16},
	};
	if (!is_python)
		return;
	if (!cpython_layout_init(&layout, 0x030c))
		abort();
	info->kind = LG_RT_CPYTHON;
	info->python = layout.py;
	info->python.interp = FUZZ_BASE;
}

static void stack_check(bool is_python, const struct cpython_memory *memory)
{
	struct lg_rec_stack *rec = calloc(1, sizeof(*rec));
	struct lg_runtime_info info;

	if (!rec)
		abort();
	info_init(&info, is_python);
	rec->thread = FUZZ_BASE;
	rec->nr_native = 1;
	rec->native[0].ip = FUZZ_BASE;
	rec->regs[LG_REG_FP] = FUZZ_BASE + 256;
	asleep_walk(rec, &info, memory);
	FUZZ_CHECK(rec->nr_native <= LG_STACK_MAX && rec->nr_code <= LG_STACK_MAX && rec->nr_runs <= LG_STACK_RUNS_MAX);
	free(rec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_memory m = {.data = data + 2, .size = size - 2};
	struct cpython_memory memory = {fuzz_memory_read, &m};
	struct names *names;
	enum look look;
	int64_t place;

	if (size < 2)
		return 0;
	if (names_new(&names, 4))
		abort();
	look = data[0] % NR_LOOKS;
	place = data[0] & 0x80 ? -(int64_t)data[1] : 2 * data[1];
	if (look < NR_VERSIONS) {
		python_check(0x0309 + look, place, names, &memory);
		linetable_find(0x0306 + data[0] % 9, 1, m.data, m.size, place);
	} else if (look <= LOOK_JS_NEW) {
		js_check(&js_layouts[look - LOOK_JS], names, &memory);
	} else {
		stack_check(look == LOOK_PYTHON_STACK, &memory);
	}
	FUZZ_CHECK(m.nr_reads < MAX_READS);
	names_free(names);
	return 0;
}
