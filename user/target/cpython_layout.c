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
		       .frame_locals = 72,
		       .frame_owner = 69,
		       .frame_stacktop = 64,
		       .code_argcount = 56,
		       .code_nlocals = 80,
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
		       .frame_locals = 72,
		       .frame_owner = 70,
		       .frame_stacktop = 64,
		       .code_argcount = 52,
		       .code_nlocals = 80,
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
		       .frame_locals = 72,
		       .frame_owner = 70,
		       .frame_stacktop = 64,
		       .code_argcount = 52,
		       .code_nlocals = 80,
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
		       .frame_locals = 80,
		       .frame_owner = 74,
		       .frame_stackpointer = 64,
		       .code_argcount = 52,
		       .code_nlocals = 80,
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

/* What is published, as words. The lists of two versions differ: words_313 and words_314 are indexes, 0: not there. */
enum { WORD_COOKIE, WORD_VERSION, WORD_FREE_THREADED };

static const struct {
	uint8_t word_313;
	uint8_t word_314;
	uint16_t at; /* the field, in struct cpython_layout */
} published[] = {
	{11, 12, offsetof(struct cpython_layout, modules)},
	{14, 15, offsetof(struct cpython_layout, gil)},
	{9, 9, offsetof(struct cpython_layout, py.interp_threads)},
	{21, 24, offsetof(struct cpython_layout, py.tstate_next)},
	{22, 25, offsetof(struct cpython_layout, py.tstate_interp)},
	{23, 26, offsetof(struct cpython_layout, py.tstate_frame)},
	{24, 27, offsetof(struct cpython_layout, py.tstate_thread)},
	{25, 28, offsetof(struct cpython_layout, py.tstate_native)},
	{29, 32, offsetof(struct cpython_layout, py.frame_previous)},
	{30, 33, offsetof(struct cpython_layout, py.frame_code)},
	{32, 35, offsetof(struct cpython_layout, py.frame_locals)},
	{33, 36, offsetof(struct cpython_layout, py.frame_owner)},
	{0, 37, offsetof(struct cpython_layout, py.frame_stackpointer)},
	{40, 45, offsetof(struct cpython_layout, py.code_argcount)},
	{0, 85, offsetof(struct cpython_layout, py.coro_frame)},
	{51, 57, offsetof(struct cpython_layout, py.tuple_items)},
};

static void offset_set(struct cpython_layout *layout, uint16_t at, uint16_t value)
{
	memcpy((char *)layout + at, &value, sizeof(value));
}

int cpython_layout_publish(struct cpython_layout *layout, const uint64_t words[CPYTHON_WORDS])
{
	bool is_313 = layout->py.version == CPYTHON_PUBLISHES;
	uint64_t gc = is_313 ? words[10] + words[72] : words[11] + words[82];

	if (memcmp(&words[WORD_COOKIE], "xdebugpy", 8) || words[WORD_VERSION] >> 16 != layout->py.version)
		return -ENOTSUP;
	if (words[WORD_FREE_THREADED])
		return -ENOTSUP;
	for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
		uint8_t word = is_313 ? published[i].word_313 : published[i].word_314;

		if (!word)
			continue;
		if (words[word] >= CPYTHON_OFFSET_MAX)
			return -ENOTSUP;
		offset_set(layout, published[i].at, words[word]);
	}
	if (gc >= CPYTHON_OFFSET_MAX || words[5] >= CPYTHON_OFFSET_MAX)
		return -ENOTSUP;
	layout->py.interp_gc = gc;
	layout->main = words[5] + sizeof(uint64_t);
	return 0;
}

int cpython_layout_publish_asyncio(struct cpython_layout *layout, const uint64_t words[CPYTHON_ASYNCIO_WORDS])
{
	if (words[5] >= CPYTHON_OFFSET_MAX || words[11] >= CPYTHON_OFFSET_MAX || !words[5] || !words[11])
		return -ENOTSUP;
	layout->py.task_coro = words[5];
	layout->py.tstate_task = words[11];
	return 0;
}
