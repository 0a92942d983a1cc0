/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Single objects of V8's heap: their type, their class by its constructor's name, their fields by name. It follows
 * nothing further (node.bpf.h does); whatever the memory holds, each function reads a bounded part of it.
 */
#ifndef LG_V8_BPF_H
#define LG_V8_BPF_H

#include "node_walk.bpf.h"
#include "user.bpf.h"

#define NODE_CHAIN      64 /* maps from an object's to the first one of its constructor */
#define NODE_SCOPE      24 /* words of a scope info in which a function's name is looked for */
#define NODE_MIN_FIELDS 8  /* requests and responses have many more */
#define AT_ELEMENTS     16 /* of a fixed array; its length is at 8 */

enum node_class {
	CLASS_OTHER = 0,
	CLASS_REQUEST,
	CLASS_RESPONSE,
};

/* The first eight characters of a name as a little-endian word. */
#define WORD8(a, b, c, d, e, f, g, h) \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | (__u64)(f) << 40 | \
	 (__u64)(g) << 48 | (__u64)(h) << 56)

static __always_inline struct node_walk *node_walk(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&node_walks, &zero);
}

static __always_inline bool is_tagged(__u64 value)
{
	return (value & 7) == 1;
}

static __always_inline __u32 smi_of(__u64 value)
{
	return value >> 32;
}

/* An object's map. While garbage is collected, an object that has moved holds the address of its copy there. */
static __always_inline __u64 map_of(__u64 object)
{
	__u64 map = is_tagged(object) ? field_at(object, 0) : 0;

	if (map && !(map & 7))
		map = word_at(map);
	return is_tagged(map) ? map : 0;
}

static __always_inline __u32 type_of(struct node_walk *w, __u64 object)
{
	__u64 map = map_of(object);
	__u16 type = 0;

	if (map)
		bpf_probe_read_user(&type, sizeof(type), (void *)(map - 1 + w->v8.map_type));
	return type;
}

/* Reads an object's map into walk->map and returns its instance type, or 0. */
static __always_inline __u32 map_load(struct node_walk *w, __u64 object)
{
	__u64 map = map_of(object);
	__u16 type = 0;

	if (!map || bpf_probe_read_user(w->map, sizeof(w->map), (void *)(map - 1)))
		return 0;
	__builtin_memcpy(&type, (char *)w->map + (w->v8.map_type & 30), sizeof(type));
	return type;
}

static __always_inline __u64 map_word(struct node_walk *w, __u32 offset)
{
	__u32 i = offset / 8;

	return i < sizeof(w->map) / 8 ? w->map[i] : 0;
}

static __always_inline __u8 map_byte(struct node_walk *w, __u32 offset)
{
	return ((__u8 *)w->map)[offset & 31];
}

/* How many fields the loaded map describes; 0 for an object that is a dictionary. */
static __always_inline __u32 map_nr_fields(struct node_walk *w)
{
	__u32 bits = 0;

	__builtin_memcpy(&bits, (char *)w->map + (w->v8.map_bits & 28), sizeof(bits));
	if (bits >> (w->v8.dictionary_shift & 31) & 1)
		return 0;
	return (bits & w->v8.nr_fields_mask) >> (w->v8.nr_fields_shift & 31);
}

static __always_inline bool type_is_function(const struct lg_v8 *v8, __u32 type)
{
	return type >= v8->type_function && type < v8->type_function_end;
}

static __always_inline bool type_is_context(const struct lg_v8 *v8, __u32 type)
{
	return type >= v8->type_context && type < v8->type_context_end;
}

/* Is a field's key this name, or a symbol described by it? */
static __always_inline bool name_is(struct node_walk *w, __u64 key, __u64 name, __u32 len)
{
	__u64 mask = len < 8 ? (1ULL << len * 8) - 1 : ~0ULL;
	__u64 chars = field_at(key, w->v8.string_chars);

	if (is_tagged(chars) && !(chars >> 48)) {
		key = field_at(key, w->v8.symbol_name);
		chars = field_at(key, w->v8.string_chars);
	}
	return (chars & mask) == name && (__u32)field_at(key, w->v8.string_length) == len;
}

/* Whether a described field has that name; where it is goes into walk->found. */
__noinline int node_field_is(__u64 i, __u64 name, __u32 len)
{
	struct node_walk *w = node_walk();

	if (!w || i >= NODE_FIELDS || !is_tagged(w->fields[i * 3]) || !name_is(w, w->fields[i * 3], name, len))
		return 0;
	w->found = w->fields[i * 3 + 1];
	return 1;
}

/* The value of the field with a name of `len` characters, into walk->found. */
__noinline int node_field(__u64 object, __u64 name, __u32 len)
{
	struct node_walk *w = node_walk();
	__u32 nr, size, first, index, i;
	__u64 descriptors;

	if (!w || !map_load(w, object))
		return -1;
	nr = bounded(map_nr_fields(w), NODE_FIELDS);
	descriptors = map_word(w, w->v8.map_descriptors);
	if (!nr || !is_tagged(descriptors) ||
	    bpf_probe_read_user(w->fields, bounded(nr * 24, sizeof(w->fields)),
				(void *)(descriptors - 1 + w->v8.descriptors_first)))
		return -1;
	for (i = 0; i < NODE_FIELDS; i++)
		if (i >= nr || node_field_is(i, name, len))
			break;
	if (i >= nr)
		return -1;
	index = smi_of(w->found);
	if (index & w->v8.descriptor_mask)
		return -1;
	index = (index & w->v8.index_mask) >> (w->v8.index_shift & 31);
	size = map_byte(w, w->v8.map_size);
	first = map_byte(w, w->v8.map_fields);
	if (first + index < size)
		w->found = field_at(object, (first + index) * 8);
	else
		w->found =
			field_at(field_at(object, w->v8.object_properties), AT_ELEMENTS + (first + index - size) * 8);
	return is_tagged(w->found) ? 0 : -1;
}

/* The class that a name stands for. */
static __always_inline __u32 class_of_name(struct node_walk *w, __u64 string)
{
	__u64 chars[2] = {};
	__u32 len;

	if (!is_tagged(string))
		return CLASS_OTHER;
	len = field_at(string, w->v8.string_length);
	if (len != 14 && len != 15)
		return CLASS_OTHER;
	bpf_probe_read_user(chars, sizeof(chars), (void *)(string - 1 + w->v8.string_chars));
	chars[1] &= (1ULL << (len - 8) * 8) - 1;
	if (chars[0] == WORD8('I', 'n', 'c', 'o', 'm', 'i', 'n', 'g') &&
	    chars[1] == WORD8('M', 'e', 's', 's', 'a', 'g', 'e', 0))
		return CLASS_REQUEST;
	if (chars[0] == WORD8('S', 'e', 'r', 'v', 'e', 'r', 'R', 'e') &&
	    chars[1] == WORD8('s', 'p', 'o', 'n', 's', 'e', 0, 0))
		return CLASS_RESPONSE;
	return CLASS_OTHER;
}

/* By the name of a constructor, which V8 keeps in the function's scope info once it was compiled. */
static __always_inline __u32 class_of_constructor(struct node_walk *w, __u64 function)
{
	__u64 name = field_at(field_at(function, w->v8.function_shared), w->v8.shared_name);
	__u32 class;

	if (type_of(w, name) != w->v8.type_scope_info)
		return class_of_name(w, name);
	if (bpf_probe_read_user(w->words, NODE_SCOPE * 8, (void *)(name - 1)))
		return CLASS_OTHER;
	for (__u32 i = 1; i < NODE_SCOPE; i++) {
		class = class_of_name(w, w->words[i]);
		if (class)
			return class;
	}
	return CLASS_OTHER;
}

/* Of the object whose map is loaded. Frameworks change prototypes, so the map's constructor tells. */
__noinline int node_class(void)
{
	struct node_walk *w = node_walk();
	__u64 object, meta;
	__u32 slot;

	if (!w || map_nr_fields(w) < NODE_MIN_FIELDS)
		return CLASS_OTHER;
	meta = w->map[0];
	object = map_word(w, w->v8.map_constructor);
	for (__u32 i = 0; i < NODE_CHAIN; i++) {
		if (!is_tagged(object))
			return CLASS_OTHER;
		if (field_at(object, 0) != meta)
			break;
		object = field_at(object, w->v8.map_constructor);
		w->nr_steps += i & 1;
	}
	slot = (object >> 3) % NODE_CLASSES;
	if ((w->classes[slot] & ~6ULL) == object)
		return (w->classes[slot] & 6) >> 1;
	if (!type_is_function(&w->v8, type_of(w, object)))
		return CLASS_OTHER;
	slot = (object >> 3) % NODE_CLASSES;
	w->classes[slot] = object | class_of_constructor(w, object) << 1;
	return (w->classes[slot] & 6) >> 1;
}

#endif
