/* SPDX-License-Identifier: BSD-2-Clause */
/* The objects, as they are in V8 11 to 13: what differs comes from the program's own data. */
#include "symbol/js.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX      "v8dbg_"
#define MAX_OFFSET  256
#define MAX_CHARS   256       /* of a name */
#define MAX_DEPTH   4         /* strings made of strings */
#define MAX_SOURCE  (4 << 20) /* characters of a script that are read to count its lines */
#define MAX_LOCALS  75        /* names of more are kept elsewhere */
#define MAX_LINES   (1 << 20)
#define LINE_OFFSET 8 /* in a script, behind its name: lines before its first one */

/* Bits of a scope info's flags. */
#define SCOPE_SAVED_CLASS (1 << 10)
#define SCOPE_FUNCTION    (3 << 12) /* it has a name */
#define SCOPE_INFERRED    (1 << 14) /* it has one that was guessed from the source */
#define SCOPE_POSITIONS   5         /* words before the first local where the positions stand before them */

#define TYPE_NONE UINT16_MAX /* of what is no object */

/* Bits of a string's type. */
#define STRING_KIND     7
#define STRING_CONS     1
#define STRING_EXTERNAL 2
#define STRING_SLICED   3
#define STRING_THIN     5
#define STRING_ONE_BYTE 8
#define STRING_END      64 /* types of strings are below; 0 is one: wide characters, in V8's table of strings */
#define STRING_PARTS    16 /* where the parts of such a string are, two words */

static const struct {
	const char *name; /* without PREFIX; the names of versions go on differently */
	size_t at;        /* in struct js_layout */
} constants[] = {
	{"class_Map__instance_type__", offsetof(struct js_layout, map_type)},
	{"type_SharedFunctionInfo__", offsetof(struct js_layout, type_shared)},
	{"type_ScopeInfo__", offsetof(struct js_layout, type_scope_info)},
	{"type_Script__", offsetof(struct js_layout, type_script)},
	{"type_FixedArray__", offsetof(struct js_layout, type_fixed_array)},
	{"class_SharedFunctionInfo__name_or_scope_info__", offsetof(struct js_layout, shared_name)},
	{"class_SharedFunctionInfo__script", offsetof(struct js_layout, shared_script)},
	{"class_Script__source__", offsetof(struct js_layout, script_source)},
	{"class_Script__name__", offsetof(struct js_layout, script_name)},
	{"class_Script__line_ends__", offsetof(struct js_layout, script_line_ends)},
	{"class_String__length__", offsetof(struct js_layout, string_length)},
	{"class_SeqOneByteString__chars__", offsetof(struct js_layout, string_chars)},
	{"scopeinfo_idx_first_vars", offsetof(struct js_layout, scope_first_local)},
};

#define NR_CONSTANTS (sizeof(constants) / sizeof(constants[0]))

struct reading {
	const struct elf_file *elf;
	struct js_layout layout;
	uint32_t found; /* a bit for each constant */
};

static int on_symbol(void *arg, const struct elf_symbol *symbol)
{
	struct reading *r = arg;
	int32_t value;

	if (strncmp(symbol->name, PREFIX, sizeof(PREFIX) - 1))
		return 0;
	for (size_t i = 0; i < NR_CONSTANTS; i++) {
		if (r->found & 1u << i ||
		    strncmp(symbol->name + sizeof(PREFIX) - 1, constants[i].name, strlen(constants[i].name)))
			continue;
		if (elf_file_read(r->elf, symbol->addr, &value, sizeof(value)) || value <= 0 || value >= TYPE_NONE)
			continue;
		*(uint16_t *)((char *)&r->layout + constants[i].at) = value;
		r->found |= 1u << i;
	}
	return 0;
}

static bool is_sound(const struct js_layout *l)
{
	return l->map_type < MAX_OFFSET && l->shared_name < MAX_OFFSET && l->shared_script < MAX_OFFSET &&
	       l->script_source < MAX_OFFSET && l->script_name < MAX_OFFSET && l->script_line_ends < MAX_OFFSET &&
	       l->string_length < 24 && l->string_chars < 32 && l->scope_first_local < 16;
}

int js_layout_read(struct js_layout *out, const struct elf_file *elf)
{
	static const enum elf_table tables[] = {ELF_TABLE_FULL, ELF_TABLE_DYNAMIC};

	for (size_t i = 0; i < 2; i++) {
		struct reading r = {.elf = elf};

		if (elf_file_symbols(elf, tables[i], on_symbol, &r) || r.found != (1u << NR_CONSTANTS) - 1 ||
		    !is_sound(&r.layout))
			continue;
		*out = r.layout;
		return 0;
	}
	return -ENOTSUP;
}

/* The heap. Addresses of objects have bit 0 set, small integers are in the upper half of a word. */

static bool is_object(uint64_t value)
{
	return (value & 7) == 1;
}

static bool is_integer(uint64_t value)
{
	return !(value & 0xffffffff);
}

static int bytes_read(const struct js_reader *r, uint64_t addr, void *buf, size_t len)
{
	return r->memory.read(r->memory.arg, addr, buf, len);
}

static uint64_t field(const struct js_reader *r, uint64_t object, unsigned offset)
{
	uint64_t v;

	return bytes_read(r, object - 1 + offset, &v, sizeof(v)) ? 0 : v;
}

/* The type of an object; TYPE_NONE for nonsense. One that was just moved leaves its new address in its first word. */
static uint16_t type_of(const struct js_reader *r, uint64_t *object)
{
	uint64_t map = is_object(*object) ? field(r, *object, 0) : 0;
	uint16_t type;

	if (map && !(map & 7)) {
		*object = map + 1;
		map = field(r, *object, 0);
	}
	if (!is_object(map) || bytes_read(r, map - 1 + r->layout.map_type, &type, sizeof(type)))
		return TYPE_NONE;
	return type;
}

struct text {
	char *out;
	size_t size;
	size_t len;
};

static void char_put(struct text *t, uint16_t c)
{
	char utf8[3];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : 3;

	if (!c || t->len + n >= t->size)
		return;
	utf8[0] = (char)(n == 1 ? c : n == 2 ? 0xc0 | c >> 6 : 0xe0 | c >> 12);
	utf8[1] = (char)(0x80 | (n == 2 ? c & 0x3f : c >> 6 & 0x3f));
	utf8[2] = (char)(0x80 | (c & 0x3f));
	memcpy(t->out + t->len, utf8, n);
	t->len += n;
	t->out[t->len] = 0;
}

/* Where the characters of a flat string are, and how many; 0: it is none. */
static uint64_t chars_at(const struct js_reader *r, uint64_t string, uint16_t type, uint32_t *nr)
{
	if (bytes_read(r, string - 1 + r->layout.string_length, nr, sizeof(*nr)))
		return 0;
	if ((type & STRING_KIND) == STRING_EXTERNAL)
		return field(r, string, STRING_PARTS + 8);
	return (type & STRING_KIND) ? 0 : string - 1 + r->layout.string_chars;
}

static void string_add(const struct js_reader *r, uint64_t string, struct text *t, int depth)
{
	uint16_t type = type_of(r, &string), kind = type & STRING_KIND;
	uint8_t chars[2 * MAX_CHARS];
	uint32_t nr = 0;
	uint64_t at;

	if (type >= STRING_END || depth > MAX_DEPTH)
		return;
	if (kind == STRING_CONS || kind == STRING_THIN) {
		string_add(r, field(r, string, STRING_PARTS), t, depth + 1);
		if (kind == STRING_CONS)
			string_add(r, field(r, string, STRING_PARTS + 8), t, depth + 1);
		return;
	}
	at = chars_at(r, string, type, &nr);
	if (kind == STRING_SLICED) {
		uint64_t parent = field(r, string, STRING_PARTS), skip = field(r, string, STRING_PARTS + 8) >> 32;
		uint32_t all;

		type = type_of(r, &parent);
		at = type < STRING_END ? chars_at(r, parent, type, &all) : 0;
		at += at ? skip * (type & STRING_ONE_BYTE ? 1 : 2) : 0;
	}
	if (nr > MAX_CHARS)
		nr = MAX_CHARS;
	if (!at || bytes_read(r, at, chars, nr * (type & STRING_ONE_BYTE ? 1 : 2)))
		return;
	for (uint32_t i = 0; i < nr; i++)
		char_put(t, type & STRING_ONE_BYTE ? chars[i] : chars[2 * i] | chars[2 * i + 1] << 8);
}

static void string_read(const struct js_reader *r, uint64_t string, char *out, size_t size)
{
	struct text t = {.out = out, .size = size};

	*out = 0;
	string_add(r, string, &t, 0);
}

/* Lines. */

/* Counts what ends a line before `position`, chunk by chunk; 0: it cannot be read. */
static uint32_t source_count(const struct js_reader *r, uint64_t source, uint32_t position)
{
	uint16_t type = type_of(r, &source);
	unsigned width = type & STRING_ONE_BYTE ? 1 : 2;
	uint32_t line = 1, nr;
	uint8_t chunk[4096];
	uint64_t at;

	if ((type & STRING_KIND) == STRING_THIN) {
		source = field(r, source, STRING_PARTS);
		type = type_of(r, &source);
	}
	at = type < STRING_END ? chars_at(r, source, type, &nr) : 0;
	if (!at || position > nr || position > MAX_SOURCE)
		return 0;
	for (uint32_t done = 0; done < position;) {
		uint32_t n = position - done < sizeof(chunk) / width ? position - done : sizeof(chunk) / width;

		if (bytes_read(r, at + (uint64_t)done * width, chunk, n * width))
			return 0;
		for (uint32_t i = 0; i < n; i++)
			line += chunk[i * width] == '\n' && (width == 1 || !chunk[i * width + 1]);
		done += n;
	}
	return line;
}

/* By V8's own table of the ends of lines, where it was made; else by counting. */
static uint32_t line_find(const struct js_reader *r, uint64_t script, uint32_t position)
{
	uint64_t ends = field(r, script, r->layout.script_line_ends);
	uint64_t before = field(r, script, r->layout.script_name + LINE_OFFSET);
	uint32_t skip = is_integer(before) && before >> 32 < MAX_LINES ? before >> 32 : 0, low = 0, high, line;

	if (type_of(r, &ends) != r->layout.type_fixed_array) {
		line = source_count(r, field(r, script, r->layout.script_source), position);
		return line ? line + skip : 0;
	}
	high = field(r, ends, 8) >> 32;
	if (!high || high > MAX_LINES)
		return 0;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (field(r, ends, 16 + 8 * middle) >> 32 < position)
			low = middle + 1;
		else
			high = middle;
	}
	return low + 1 + skip;
}

/* Functions. */

struct scope {
	uint64_t name; /* a string, or 0 */
	uint64_t inferred;
	uint64_t start; /* position in the script, as a small integer */
};

static uint64_t scope_word(const struct js_reader *r, uint64_t scope, unsigned index)
{
	return field(r, scope, 8 + 8 * index);
}

/*
 * Flags, numbers of parameters and of locals, here from V8 13 on the positions, names and attributes of the locals,
 * and then what the flags announce.
 */
static int scope_read(const struct js_reader *r, uint64_t info, struct scope *out)
{
	uint64_t flags = scope_word(r, info, 0), nr = scope_word(r, info, 2) >> 32;
	unsigned first = r->layout.scope_first_local, at;

	memset(out, 0, sizeof(*out));
	flags = is_integer(flags) ? flags >> 32 : flags & UINT32_MAX;
	if (nr > 4096)
		return -ENOENT;
	at = first + (nr < MAX_LOCALS ? 2 * nr : 1 + nr) + !!(flags & SCOPE_SAVED_CLASS);
	if (flags & SCOPE_FUNCTION) {
		out->name = scope_word(r, info, at);
		at += 2;
	}
	if (flags & SCOPE_INFERRED)
		out->inferred = scope_word(r, info, at++);
	out->start = scope_word(r, info, first >= SCOPE_POSITIONS ? 3 : at);
	return is_integer(out->start) ? 0 : -ENOENT;
}

/* "file:///srv/app.mjs" is /srv/app.mjs. */
static void script_name(const struct js_reader *r, uint64_t script, struct frame *out)
{
	char name[FRAME_FILE_LEN];

	string_read(r, field(r, script, r->layout.script_name), name, sizeof(name));
	snprintf(out->file, sizeof(out->file), "%s", strncmp(name, "file://", 7) ? name : name + 7);
}

static int function_read(const struct js_reader *r, uint64_t name_or_scope, uint64_t script, struct frame *out)
{
	struct scope scope;

	*out = (struct frame){.kind = LG_FRAME_JS};
	if (type_of(r, &script) != r->layout.type_script)
		return -ENOENT;
	script_name(r, script, out);
	if (type_of(r, &name_or_scope) == r->layout.type_scope_info) {
		if (scope_read(r, name_or_scope, &scope))
			return -ENOENT;
		string_read(r, scope.name, out->function, sizeof(out->function));
		if (!out->function[0])
			string_read(r, scope.inferred, out->function, sizeof(out->function));
		out->line = line_find(r, script, scope.start >> 32);
	} else {
		string_read(r, name_or_scope, out->function, sizeof(out->function));
	}
	if (!out->function[0])
		snprintf(out->function, sizeof(out->function), "%s", "<anonymous>");
	out->is_own = frame_file_is_own(out->file);
	return 0;
}

int js_find(struct js_reader *r, uint64_t shared, struct frame *out)
{
	uint64_t name, script;
	struct names_key key;

	if (type_of(r, &shared) != r->layout.type_shared)
		return -ENOENT;
	name = field(r, shared, r->layout.shared_name);
	script = field(r, shared, r->layout.shared_script);
	key = (struct names_key){r->process, shared, name * 3 ^ script * 5};
	if (names_get(r->names, &key, out))
		return 0;
	if (function_read(r, name, script, out))
		return -ENOENT;
	names_put(r->names, &key, out);
	return 0;
}

/* The space before the script: names of functions may hold some ("get x"). */
static const char *script_find(const char *name)
{
	static const char *const starts[] = {" /", " file:", " node:"};
	const char *found;

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		found = strstr(name, starts[i]);
		if (found)
			return found;
	}
	return strchr(name, ' ');
}

/* "JS:*handler /srv/app.js:10:3", "LazyCompile:~handler /srv/app.js:10": the sign tells how it was compiled. */
bool js_parse_compiled(const char *name, struct frame *out)
{
	const char *colon = strchr(name, ':'), *space, *end;
	unsigned long line = 0;

	if (!colon || (strncmp(name, "JS", 2) && strncmp(name, "LazyCompile", 11) && strncmp(name, "Function", 8)))
		return false;
	name = colon + 1 + strspn(colon + 1, "~*^+'");
	space = script_find(name);
	if (!space)
		return false;
	end = strchr(space + (strncmp(space, " file:", 6) && strncmp(space, " node:", 6) ? 1 : 6), ':');
	while (end && !(line = strtoul(end + 1, NULL, 10)))
		end = strchr(end + 1, ':');
	*out = (struct frame){.kind = LG_FRAME_JS, .line = end && line <= INT32_MAX ? line : 0};
	snprintf(out->function, sizeof(out->function), "%.*s", space > name ? (int)(space - name) : 11,
		 space > name ? name : "<anonymous>");
	snprintf(out->file, sizeof(out->file), "%.*s", end ? (int)(end - space - 1) : (int)strlen(space + 1),
		 space + 1);
	if (!strncmp(out->file, "file://", 7))
		memmove(out->file, out->file + 7, strlen(out->file + 7) + 1);
	out->is_own = frame_file_is_own(out->file);
	return true;
}
