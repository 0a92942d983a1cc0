/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where things are in the memory of one build of V8: instance types, offsets from an object's first byte, and bit
 * fields, as the program's own v8dbg_* data tells them. Filled once by user space; BPF and the tests' walker read it.
 */
#ifndef LG_V8_H
#define LG_V8_H

#include "lg_types.h"

#define LG_V8_GC 1 /* of enum StateTag, in every V8 */

struct lg_v8 {
	/* Instance types. */
	__u16 type_object;   /* a plain object with fields */
	__u16 type_function; /* the first of the functions' types */
	__u16 type_function_end;
	__u16 type_bound;
	__u16 type_promise;
	__u16 type_async_function;
	__u16 type_async_generator;
	__u16 type_reaction;
	__u16 type_capability;
	__u16 type_job;     /* of the microtask that runs a fulfilled promise's reaction */
	__u16 type_resolve; /* of the microtask that resolves a promise with another one */
	__u16 type_map;
	__u16 type_scope_info;
	__u16 type_context; /* the first of the contexts' types, in alphabetical order */
	__u16 type_context_end;
	__u16 type_js_map; /* of a Map of JavaScript's; 0: not known */

	/* Offsets in bytes. */
	__u16 map_size; /* one byte each: size of the objects and start of their fields, in words */
	__u16 map_fields;
	__u16 map_type;
	__u16 map_bits;
	__u16 map_constructor;
	__u16 map_descriptors;
	__u16 function_shared;
	__u16 function_context;
	__u16 shared_name;
	__u16 shared_nr_params;
	__u16 object_properties;
	__u16 object_internal;
	__u16 string_length;
	__u16 string_chars;
	__u16 symbol_name;
	__u16 descriptors_first;
	__u16 scope_nr_params;

	__u16 dictionary_shift; /* in map_bits: set when the fields are not described by the map */
	__u16 nr_fields_shift;
	__u16 index_shift; /* in a descriptor's details */
	__u32 nr_fields_mask;
	__u32 index_mask;
	__u32 descriptor_mask; /* in details: set when the value is not in the object */

	/*
	 * Where V8 keeps the frame through which JavaScript called native code: a word at *(thread pointer + isolate) +
	 * exit_frame, 0 while JavaScript runs. exit_frame 0: not known.
	 */
	__s64 isolate;
	__u64 exit_frame;
	__u64 vm_state; /* in the isolate: 16 bits, LG_V8_GC while it collects; 0: not known where */
	__u64 stores;   /* in the isolate, from Node 24 on: the Map of what AsyncLocalStorages hold now; 0: not known */

	/* In a JavaScript frame, from its frame pointer. */
	__s16 fp_function;
	__s16 fp_context;
	__s16 fp_argc;
	__s16 fp_args; /* the receiver; the first argument is behind it */
};

#endif
