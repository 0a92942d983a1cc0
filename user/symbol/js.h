/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of JavaScript code in a Node process: from what V8 shares between the closures of a function, to name, script
 * and the line where the function begins, read from the process's heap while it runs on. No flag of Node is needed.
 *
 * What it reads moves and dies at the collector's will: every object's type is checked, every length bounded, and
 * what makes no sense is refused. Where constants come from: target/v8.h.
 */
#ifndef LG_SYMBOL_JS_H
#define LG_SYMBOL_JS_H

#include "symbol/frame.h"
#include "symbol/names.h"
#include "target/cpython.h"
#include "target/elf.h"

/* Offsets of an object are from its first byte. */
struct js_layout {
	uint16_t map_type;
	uint16_t type_shared;
	uint16_t type_scope_info;
	uint16_t type_script;
	uint16_t type_fixed_array;
	uint16_t shared_name; /* its name, or its scope info */
	uint16_t shared_script;
	uint16_t script_source;
	uint16_t script_name;
	uint16_t script_line_ends;
	uint16_t string_length;
	uint16_t string_chars;
	uint16_t scope_first_local; /* in words */
};

struct js_reader {
	struct js_layout layout;
	uint64_t process;             /* a number of this run of the process: what names are remembered under */
	struct cpython_memory memory; /* of the process */
	struct names *names;          /* the cache */
};

/* From a program file. -ENOTSUP when it does not tell, or is of another kind. */
int js_layout_read(struct js_layout *out, const struct elf_file *elf);

/* `shared` is that of struct lg_native_frame. -ENOENT when there is no function. */
int js_find(struct js_reader *r, uint64_t shared, struct frame *out);

/* Takes apart a name of a perf map: "JS:*handler /srv/app.js:10:3". False when it is none of JavaScript. */
bool js_parse_compiled(const char *name, struct frame *out);

#endif
