/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offsets in CPython's memory: see cpython_layout.h.
 *
 * The tables hold for x86-64 and arm64; they were read from the debugging data, or from the headers, of builds of each
 * version.
 */
#include "target/cpython_layout.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const struct cpython_layout layouts[] = {
	{
		.main = 40,
		.modules = 856,
		.gil = 352,
		.py = {.version = 0x0309,
		       .frames = LG_PY_FRAME_OBJECT,
		       .attrs = LG_PY_ATTRS_DICT,
		       .interp_threads = 8,
		       .interp_gc = 816,
		       .tstate_next = 8,
		       .tstate_interp = 16,
		       .tstate_thread = 176,
		       .tstate_frame = 24,
		       .cframe_frame = 0xffff,
		       .frame_code = 32,
		       .frame_previous = 24,
		       .frame_instr = 104,
		       .frame_locals = 360,
		       .frame_stackpointer = 72,
		       .code_argcount = 16,
		       .code_nlocals = 28,
		       .coro_frame = 16,
		       .future_callback0 = 24,
		       .future_callbacks = 40,
		       .task_coro = 152,
		       .function_closure = 48,
		       .type_cached_keys = 864,
		       .keys_nentries = 32,
		       .keys_indices = 40,
		       .tuple_items = 24,
		       .str_data = 48,
		       .long_one = 1},
	},
	{
		.main = 40,
		.modules = 856,
		.gil = 352,
		.py = {.version = 0x030a,
		       .frames = LG_PY_FRAME_OBJECT,
		       .attrs = LG_PY_ATTRS_DICT,
		       .interp_threads = 8,
		       .interp_gc = 816,
		       .tstate_next = 8,
		       .tstate_interp = 16,
		       .tstate_thread = 176,
		       .tstate_frame = 24,
		       .cframe_frame = 0xffff,
		       .frame_code = 32,
		       .frame_previous = 24,
		       .frame_instr = 96,
		       .frame_locals = 352,
		       .code_argcount = 16,
		       .code_nlocals = 28,
		       .coro_frame = 16,
		       .future_callback0 = 24,
		       .future_callbacks = 40,
		       .task_coro = 160,
		       .function_closure = 72,
		       .type_cached_keys = 872,
		       .keys_nentries = 32,
		       .keys_indices = 40,
		       .tuple_items = 24,
		       .str_data = 48,
		       .long_one = 1},
	},
	{
		.main = 48,
		.modules = 888,
		.gil = 360,
		.py = {.version = 0x030b,
		       .frames = LG_PY_FRAME_EMBEDDED,
		       .attrs = LG_PY_ATTRS_BEFORE,
		       .interp_threads = 16,
		       .interp_gc = 848,
		       .tstate_next = 8,
		       .tstate_interp = 16,
		       .tstate_thread = 152,
		       .tstate_native = 160,
		       .tstate_frame = 56,
		       .cframe_frame = 8,
		       .frame_code = 32,
		       .frame_previous = 48,
		       .frame_instr = 56,
		       .frame_locals = 72,
		       .frame_owner = 69,
		       .frame_stacktop = 64,
		       .code_argcount = 56,
		       .code_nlocals = 76,
		       .coro_frame = 80,
		       .future_callback0 = 24,
		       .future_callbacks = 40,
		       .task_coro = 136,
		       .function_closure = 72,
		       .type_cached_keys = 872,
		       .keys_nentries = 24,
		       .keys_indices = 32,
		       .keys_log2 = 9,
		       .keys_kind = 10,
		       .tuple_items = 24,
		       .str_data = 48,
		       .long_one = 1},
	},
	{
		.main = 48,
		.modules = 944,
		.gil = 384,
		.gil_at_interpreter = true,
		.py = {.version = 0x030c,
		       .frames = LG_PY_FRAME_EMBEDDED,
		       .attrs = LG_PY_ATTRS_TAGGED,
		       .interp_threads = 72,
		       .interp_gc = 312,
		       .tstate_next = 8,
		       .tstate_interp = 16,
		       .tstate_thread = 136,
		       .tstate_native = 144,
		       .tstate_frame = 56,
		       .cframe_frame = 0,
		       .frame_code = 0,
		       .frame_previous = 8,
		       .frame_instr = 56,
		       .frame_locals = 72,
		       .frame_owner = 70,
		       .frame_stacktop = 64,
		       .code_argcount = 52,
		       .code_nlocals = 72,
		       .coro_frame = 72,
		       .future_callback0 = 24,
		       .future_callbacks = 40,
		       .task_coro = 136,
		       .function_closure = 72,
		       .type_cached_keys = 880,
		       .keys_nentries = 24,
		       .keys_indices = 32,
		       .keys_log2 = 9,
		       .keys_kind = 10,
		       .tuple_items = 24,
		       .str_data = 40,
		       .long_one = 8},
	},
	{
		.main = 640,
		.modules = 7656,
		.gil = 16,
		.gil_at_interpreter = true,
		.py = {.version = 0x030d,
		       .frames = LG_PY_FRAME_EMBEDDED,
		       .attrs = LG_PY_ATTRS_INLINE,
		       .interp_threads = 7344,
		       .interp_gc = 7600,
		       .tstate_next = 8,
		       .tstate_interp = 16,
		       .tstate_thread = 152,
		       .tstate_native = 160,
		       .tstate_frame = 72,
		       .cframe_frame = 0xffff,
		       .frame_code = 0,
		       .frame_previous = 8,
		       .frame_instr = 56,
		       .frame_locals = 72,
		       .frame_owner = 70,
		       .frame_stacktop = 64,
		       .code_argcount = 52,
		       .code_nlocals = 72,
		       .coro_frame = 72,
		       .future_callback0 = 24,
		       .future_callbacks = 40,
		       .task_coro = 120,
		       .function_closure = 72,
		       .type_cached_keys = 880,
		       .keys_nentries = 24,
		       .keys_indices = 32,
		       .keys_log2 = 9,
		       .keys_kind = 10,
		       .values_first = 8,
		       .tuple_items = 24,
		       .str_data = 40,
		       .long_one = 8},
	},
	{
		.main = 816,
		.modules = 7688,
		.gil = 16,
		.gil_at_interpreter = true,
		.py = {.version = 0x030e,
		       .frames = LG_PY_FRAME_EMBEDDED,
		       .attrs = LG_PY_ATTRS_INLINE,
		       .interp_threads = 7344,
		       .interp_gc = 7600,
		       .tstate_next = 8,
		       .tstate_interp = 16,
		       .tstate_thread = 152,
		       .tstate_native = 160,
		       .tstate_frame = 72,
		       .cframe_frame = 0xffff,
		       .tstate_task = 872,
		       .frame_code = 0,
		       .frame_previous = 8,
		       .frame_instr = 56,
		       .frame_locals = 80,
		       .frame_owner = 74,
		       .frame_stackpointer = 64,
		       .code_argcount = 52,
		       .code_nlocals = 72,
		       .coro_frame = 72,
		       .future_callback0 = 24,
		       .future_callbacks = 40,
		       .task_coro = 128,
		       .function_closure = 72,
		       .type_cached_keys = 880,
		       .keys_nentries = 24,
		       .keys_indices = 32,
		       .keys_log2 = 9,
		       .keys_kind = 10,
		       .values_first = 8,
		       .tuple_items = 32,
		       .str_data = 40,
		       .long_one = 8},
	},
};

bool cpython_layout_init(struct cpython_layout *out, uint16_t version)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		if (layouts[i].py.version != version)
			continue;
		*out = layouts[i];
		return true;
	}
	return false;
}

/* What the interpreter publishes, as words. */
enum { WORD_COOKIE = 0, WORD_VERSION = 1, WORD_FREE_THREADED = 2, WORD_INTERPRETERS = 5 };

/* A word that is an offset. */
struct published {
	uint8_t word; /* its index, */
	uint16_t at;  /* and its field in struct cpython_layout */
};

#define FIELD(name) offsetof(struct cpython_layout, name)

static const struct published words_313[] = {
	{9, FIELD(py.interp_threads)}, {11, FIELD(modules)},          {14, FIELD(gil)},
	{21, FIELD(py.tstate_next)},   {22, FIELD(py.tstate_interp)}, {23, FIELD(py.tstate_frame)},
	{24, FIELD(py.tstate_thread)}, {25, FIELD(py.tstate_native)}, {29, FIELD(py.frame_previous)},
	{30, FIELD(py.frame_code)},    {32, FIELD(py.frame_locals)},  {33, FIELD(py.frame_owner)},
	{40, FIELD(py.code_argcount)}, {51, FIELD(py.tuple_items)},
};

static const struct published words_314[] = {
	{9, FIELD(py.interp_threads)},      {12, FIELD(modules)},          {15, FIELD(gil)},
	{24, FIELD(py.tstate_next)},        {25, FIELD(py.tstate_interp)}, {26, FIELD(py.tstate_frame)},
	{27, FIELD(py.tstate_thread)},      {28, FIELD(py.tstate_native)}, {32, FIELD(py.frame_previous)},
	{33, FIELD(py.frame_code)},         {35, FIELD(py.frame_locals)},  {36, FIELD(py.frame_owner)},
	{37, FIELD(py.frame_stackpointer)}, {45, FIELD(py.code_argcount)}, {57, FIELD(py.tuple_items)},
	{85, FIELD(py.coro_frame)},
};

static const struct published words_asyncio[] = {
	{2, FIELD(py.future_awaited_by)},
	{4, FIELD(py.future_is_set)},
	{5, FIELD(py.task_coro)},
	{11, FIELD(py.tstate_task)},
};

static int words_take(struct cpython_layout *layout, const struct published *list, size_t nr, const uint64_t *words)
{
	for (size_t i = 0; i < nr; i++) {
		uint16_t offset = words[list[i].word];

		if (words[list[i].word] >= CPYTHON_OFFSET_MAX)
			return -ENOTSUP;
		memcpy((char *)layout + list[i].at, &offset, sizeof(offset));
	}
	return 0;
}

#define TAKE(layout, list, words) words_take(layout, list, sizeof(list) / sizeof((list)[0]), words)

int cpython_layout_publish(struct cpython_layout *layout, const uint64_t words[CPYTHON_WORDS])
{
	bool is_313 = layout->py.version == CPYTHON_PUBLISHES;
	uint64_t gc = is_313 ? words[10] + words[72] : words[11] + words[82];

	if (memcmp(&words[WORD_COOKIE], "xdebugpy", 8) || words[WORD_VERSION] >> 16 != layout->py.version ||
	    words[WORD_FREE_THREADED])
		return -ENOTSUP;
	if (gc >= CPYTHON_OFFSET_MAX || words[WORD_INTERPRETERS] >= CPYTHON_OFFSET_MAX)
		return -ENOTSUP;
	layout->py.interp_gc = gc;
	/* The main interpreter is told right behind the newest one. */
	layout->main = words[WORD_INTERPRETERS] + sizeof(uint64_t);
	return is_313 ? TAKE(layout, words_313, words) : TAKE(layout, words_314, words);
}

int cpython_layout_publish_asyncio(struct cpython_layout *layout, const uint64_t words[CPYTHON_ASYNCIO_WORDS])
{
	return TAKE(layout, words_asyncio, words);
}
