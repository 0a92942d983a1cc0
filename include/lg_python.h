/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where things are in the memory of a CPython process: addresses that user space looked up once, and the offsets of
 * its version. 0 stands for what a version does not have, or what could not be found: BPF then goes without it.
 */
#ifndef LG_PYTHON_H
#define LG_PYTHON_H

#include "lg_types.h"

/* How a coroutine leads to its frame. */
enum lg_python_frames {
	LG_PY_FRAME_OBJECT = 0,   /* up to 3.10: it points to a frame object */
	LG_PY_FRAME_EMBEDDED = 1, /* from 3.11: the frame is a part of it */
};

/* Where an instance without __slots__ keeps its attributes. */
enum lg_python_attrs {
	LG_PY_ATTRS_DICT = 0,   /* up to 3.10: in a dict, found by tp_dictoffset */
	LG_PY_ATTRS_BEFORE = 1, /* 3.11: values 32 bytes before it, else a dict 24 bytes before it */
	LG_PY_ATTRS_TAGGED = 2, /* 3.12: 24 bytes before it, values when bit 0 is set, else a dict */
	LG_PY_ATTRS_INLINE = 3, /* from 3.13: a dict 24 bytes before it, else values behind its basic size */
};

struct lg_python {
	__u64 interp; /* the main interpreter's state */
	__u64 tasks;  /* the dict of running tasks by loop (asyncio.tasks._current_tasks); 0: see tstate_task */
	__u64 gil;    /* the state of the interpreter lock */

	/* Type objects. */
	__u64 type_dict;
	__u64 type_tuple;
	__u64 type_long;
	__u64 type_cfunction;
	__u64 type_function;
	__u64 type_method;
	__u64 type_cell;
	__u64 type_coro;
	__u64 type_gen;
	__u64 type_future;  /* _asyncio.Future */
	__u64 type_task;    /* _asyncio.Task */
	__u64 type_partial; /* functools.partial */
	__u64 true_object;  /* True */
	__u64 none_object;  /* None */

	__u16 version; /* major << 8 | minor */
	__u8 frames;   /* enum lg_python_frames */
	__u8 attrs;    /* enum lg_python_attrs */

	/* Offsets in bytes. */
	__u16 interp_threads; /* interpreter -> its first thread state */
	__u16 interp_gc;      /* -> whether it collects garbage (an int) */
	__u16 tstate_next;
	__u16 tstate_interp;
	__u16 tstate_thread; /* pthread_self() of the thread */
	__u16 tstate_native; /* its id in the innermost pid namespace */
	__u16 tstate_frame;  /* -> innermost frame, or the C frame */
	__u16 cframe_frame;  /* C frame -> innermost frame; 0xffff: the thread state points to the frame itself */
	__u16 tstate_task;   /* -> running task, from 3.14 */
	__u16 frame_code;
	__u16 frame_previous;
	__u16 frame_locals;
	__u16 frame_owner;        /* a byte, 1: of a coroutine or generator; 0 unknown */
	__u16 frame_stacktop;     /* an int: slots in use, the awaited object is the last one; 0: see below */
	__u16 frame_stackpointer; /* -> behind the last slot in use; 0: neither is known */
	__u16 code_argcount;      /* an int */
	__u16 code_nlocals;       /* an int: arguments and variables; from 3.11 with cells */
	__u16 coro_frame;
	__u16 future_callback0;
	__u16 future_callbacks;
	__u16 future_awaited_by; /* from 3.14: -> the task that waits for it; 0: this version does not have it */
	__u16 future_is_set;     /* a byte, not 0: a set of those */
	__u16 task_coro;
	__u16 function_closure;
	__u16 type_cached_keys;
	__u16 keys_nentries;
	__u16 keys_indices;
	__u16 keys_log2; /* a byte: log2 of the bytes of the indices; 0: from the size at 8 */
	__u16 keys_kind; /* a byte, 0: entries of 24 bytes, else of 16; 0: always 24 */
	__u16 values_first;
	__u16 str_data; /* first byte of an ASCII string; its length is at 16 */
	__u16 long_one; /* what stands at 16 in a positive int of one digit; the digit is at 24 */
	__u16 tuple_items;
	__u16 frame_instr; /* where a frame is: the address of an instruction, up to 3.10 its number */
	__u16 pad[2];
};
LG_SIZE(struct lg_python, 216);

#endif
