/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Objects of CPython as they lie in memory: words, names, dicts, attributes of instances, ports. For python.bpf.c
 * alone; it knows nothing of frames and tasks.
 *
 * Nothing here trusts what it reads: a failed read gives 0 and is noted, loops end after a fixed number of rounds.
 */
#ifndef LG_PYTHON_READ_BPF_H
#define LG_PYTHON_READ_BPF_H

#include "python.bpf.h"

/* Objects of every version. */
#define OBJECT_TYPE   8
#define VAR_SIZE      16 /* tuple, list, str: number of items */
#define LIST_ITEMS    24
#define DICT_KEYS     32
#define DICT_VALUES   40
#define CELL_OBJECT   16
#define METHOD_SELF   24 /* of a bound method and of a builtin one */
#define PARTIAL_ARGS  24
#define WRAPPER_TASK  16 /* TaskStepMethWrapper, TaskWakeupMethWrapper */
#define LONG_TAG      16
#define LONG_DIGIT    24
#define TYPE_NAME     24
#define TYPE_SIZE     32
#define TYPE_FLAGS    168
#define TYPE_BASE     256
#define TYPE_DICT_AT  288
#define BYTES_DATA    32
#define FLAG_MANAGED  (1 << 4) /* Py_TPFLAGS_MANAGED_DICT */
#define FLAG_HEAPTYPE (1 << 9)

#define MAX_KEYS 64 /* attributes of a protocol object, keys of a scope: twice what servers have */

/* What a long loop goes by. Its body is a function of its own (bpf_loop): the verifier sees that once, not each round.
 */
struct step {
	struct walk *w;
	__u64 at; /* where it is */
	__u64 id; /* what it looks for, or how many there are */
};

/* A word; 0 when it cannot be read, which is noted. No branch: the verifier would follow both ways at each. */
static __always_inline __u64 peek(struct walk *w, __u64 addr)
{
	__u64 v = 0;

	w->is_failed |= bpf_probe_read_user(&v, sizeof(v), (void *)addr);
	return v;
}

static __always_inline __u32 peek_int(struct walk *w, __u64 addr)
{
	__u32 v = 0;

	w->is_failed |= bpf_probe_read_user(&v, sizeof(v), (void *)addr);
	return v;
}

static __always_inline __u8 peek_byte(struct walk *w, __u64 addr)
{
	__u8 v = 0;

	w->is_failed |= bpf_probe_read_user(&v, sizeof(v), (void *)addr);
	return v;
}

static __always_inline void attrs_clear(struct walk *w)
{
	for (int i = 0; i < NR_NAMES; i++)
		w->attrs[i] = 0;
}

/* Eight characters of a name as they are in memory. */
#define CHARS(a, b, c, d, e, f, g, h) \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | (__u64)(f) << 40 | \
	 (__u64)(g) << 48 | (__u64)(h) << 56)

/* Which of the wanted names a str is, or -1. Lengths are compared first: most keys cost one read. */
static __always_inline int name_of(struct walk *w, __u64 str)
{
	__u64 c[3] = {};
	__u64 len = peek(w, str + VAR_SIZE);

	if (len < 4 || len > 19 || len == 9 || len == 13 || len == 14 || len == 18)
		return -1;
	if (bpf_probe_read_user(c, len & 31, (void *)(str + w->py.str_data)))
		return -1;
	if (len == 4 && c[0] == CHARS('t', 'y', 'p', 'e', 0, 0, 0, 0))
		return NAME_TYPE;
	if (len == 4 && c[0] == CHARS('_', 'e', 'o', 'f', 0, 0, 0, 0))
		return NAME_EOF;
	if (len == 4 && c[0] == CHARS('l', 'o', 'o', 'p', 0, 0, 0, 0))
		return NAME_LOOP;
	if (len == 5 && c[0] == CHARS('s', 'c', 'o', 'p', 'e', 0, 0, 0))
		return NAME_SCOPE;
	if (len == 5 && c[0] == CHARS('c', 'y', 'c', 'l', 'e', 0, 0, 0))
		return NAME_CYCLE;
	if (len == 5 && c[0] == CHARS('s', 't', 'a', 't', 'e', 0, 0, 0))
		return NAME_STATE;
	if (len == 6 && c[0] == CHARS('c', 'l', 'i', 'e', 'n', 't', 0, 0))
		return NAME_CLIENT;
	if (len == 6 && c[0] == CHARS('f', 'u', 't', 'u', 'r', 'e', 0, 0))
		return NAME_FUTURE;
	if (len == 7 && c[0] == CHARS('_', 'v', 'a', 'l', 'u', 'e', '_', 0))
		return NAME_VALUE;
	if (len == 8 && c[0] == CHARS('_', 'r', 'e', 'c', 'e', 'i', 'v', 'e'))
		return NAME_RECEIVE;
	if (len == 8 && c[0] == CHARS('r', 'a', 'w', '_', 'p', 'a', 't', 'h'))
		return NAME_PATH;
	if (len == 10 && c[0] == CHARS('_', 'h', 'o', 's', 't', '_', 't', 'a') &&
	    c[1] == CHARS('s', 'k', 0, 0, 0, 0, 0, 0))
		return NAME_TASK;
	if (len == 11 && c[0] == CHARS('o', 'n', '_', 'r', 'e', 's', 'p', 'o') &&
	    c[1] == CHARS('n', 's', 'e', 0, 0, 0, 0, 0))
		return NAME_ON_RESPONSE;
	if (len == 11 && c[0] == CHARS('o', 'u', 't', 'p', 'u', 't', '_', 's') &&
	    c[1] == CHARS('i', 'z', 'e', 0, 0, 0, 0, 0))
		return NAME_OUTPUT_SIZE;
	if (len == 12 && c[0] == CHARS('_', 'p', 'a', 'r', 'e', 'n', 't', '_') &&
	    c[1] == CHARS('t', 'a', 's', 'k', 0, 0, 0, 0))
		return NAME_TASK;
	if (len == 12 && c[0] == CHARS('c', 'a', 'n', 'c', 'e', 'l', '_', 's') &&
	    c[1] == CHARS('c', 'o', 'p', 'e', 0, 0, 0, 0))
		return NAME_CANCEL_SCOPE;
	if (len == 15 && c[0] == CHARS('_', 'd', 'o', 'n', 'e', '_', 'c', 'a') &&
	    c[1] == CHARS('l', 'l', 'b', 'a', 'c', 'k', 's', 0))
		return NAME_DONE_CALLBACKS;
	if (len == 15 && c[0] == CHARS('_', 'p', 'a', 'y', 'l', 'o', 'a', 'd') &&
	    c[1] == CHARS('_', 'w', 'r', 'i', 't', 'e', 'r', 0))
		return NAME_PAYLOAD_WRITER;
	if (len == 16 && c[0] == CHARS('r', 'e', 's', 'p', 'o', 'n', 's', 'e') &&
	    c[1] == CHARS('_', 's', 't', 'a', 'r', 't', 'e', 'd'))
		return NAME_RESPONSE_STARTED;
	if (len == 17 && c[0] == CHARS('r', 'e', 's', 'p', 'o', 'n', 's', 'e') &&
	    c[1] == CHARS('_', 'c', 'o', 'm', 'p', 'l', 'e', 't') && c[2] == CHARS('e', 0, 0, 0, 0, 0, 0, 0))
		return NAME_RESPONSE_COMPLETE;
	if (len == 19 && c[0] == CHARS('_', 't', 'r', 'a', 'n', 's', 'p', 'o') &&
	    c[1] == CHARS('r', 't', '_', 'p', 'e', 'e', 'r', 'n') && c[2] == CHARS('a', 'm', 'e', 0, 0, 0, 0, 0))
		return NAME_PEERNAME;
	return -1;
}

/* Where the entries of a dict's keys begin. */
static __always_inline __u64 keys_entries(struct walk *w, __u64 keys)
{
	__u64 bytes;

	if (w->py.keys_log2) {
		bytes = 1ULL << (peek_byte(w, keys + w->py.keys_log2) & 31);
	} else {
		bytes = peek(w, keys + 8);
		bytes *= bytes <= 0xff ? 1 : bytes <= 0xffff ? 2 : 4;
	}
	return keys + w->py.keys_indices + bytes;
}

static __always_inline __u32 keys_stride(struct walk *w, __u64 keys)
{
	return w->py.keys_kind && peek_byte(w, keys + w->py.keys_kind) ? 16 : 24;
}

static long keys_step(__u32 i, struct step *s)
{
	struct walk *w = s->w;
	__u64 entry;
	int name;

	if (i >= s->id)
		return 1;
	entry = peek(w, w->key_first + i * w->key_stride);
	if (!entry)
		return 0;
	name = name_of(w, entry);
	if (name >= 0)
		w->attrs[name & (NR_NAMES - 1)] = peek(w, w->value_first + i * w->value_stride);
	return 0;
}

/* Puts the values of the wanted names into attrs. `values`: those of a table that shares its keys, else 0. */
__noinline int python_keys_scan(struct walk *w, __u64 keys, __u64 values)
{
	struct step s = {.w = w};

	if (!w || !keys)
		return 0;
	s.id = peek(w, keys + w->py.keys_nentries);
	w->key_stride = keys_stride(w, keys);
	w->key_first = keys_entries(w, keys) + w->key_stride - 16;
	w->value_stride = values ? 8 : w->key_stride;
	w->value_first = values ? values : w->key_first + 8;
	bpf_loop(MAX_KEYS, keys_step, &s, 0);
	return 1;
}

static __always_inline void dict_scan(struct walk *w, __u64 dict)
{
	__u64 keys = peek(w, dict + DICT_KEYS);
	__u64 values = peek(w, dict + DICT_VALUES);

	python_keys_scan(w, keys, values ? values + w->py.values_first : 0);
}

/* The attributes of an instance of a class without __slots__. */
__noinline int python_instance_scan(struct walk *w, __u64 obj)
{
	__u64 type, flags, dict = 0, values = 0;
	__s64 at;

	if (!w)
		return 0;
	attrs_clear(w);
	type = peek(w, obj + OBJECT_TYPE);
	flags = peek(w, type + TYPE_FLAGS);
	if (!(flags & FLAG_HEAPTYPE))
		return 0;
	if (w->py.attrs == LG_PY_ATTRS_DICT || !(flags & FLAG_MANAGED)) {
		at = peek(w, type + TYPE_DICT_AT);
		if (at < 16 || at > 4096)
			return 0;
		dict = peek(w, obj + at);
	} else if (w->py.attrs == LG_PY_ATTRS_BEFORE) {
		values = peek(w, obj - 32);
		dict = peek(w, obj - 24);
	} else if (w->py.attrs == LG_PY_ATTRS_TAGGED) {
		dict = peek(w, obj - 24);
		if (dict & 1) {
			values = dict + 1;
			dict = 0;
		}
	} else {
		dict = peek(w, obj - 24);
		if (!dict)
			values = obj + peek(w, type + TYPE_SIZE);
	}
	if (values)
		python_keys_scan(w, peek(w, type + w->py.type_cached_keys), values + w->py.values_first);
	else if (dict)
		dict_scan(w, dict);
	return 1;
}

/* The second item of a tuple (host, port), or 0. */
static __always_inline __u32 tuple_port(struct walk *w, __u64 tuple)
{
	__u64 port;
	__u32 digit;

	if (!tuple || peek(w, tuple + OBJECT_TYPE) != w->py.type_tuple || peek(w, tuple + VAR_SIZE) != 2)
		return 0;
	port = peek(w, tuple + w->py.tuple_items + 8);
	if (!port || peek(w, port + OBJECT_TYPE) != w->py.type_long || peek(w, port + LONG_TAG) != w->py.long_one)
		return 0;
	digit = peek_int(w, port + LONG_DIGIT);
	return digit < 65536 ? digit : 0;
}

#endif
