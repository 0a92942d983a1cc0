/* SPDX-License-Identifier: BSD-2-Clause */
/* One read of the object's head tells whether it is still what the cache remembers; the rest is read once. */
#include "symbol/python.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/linetable.h"

#define MAX_TABLE 65536 /* bytes of a line table: some 10,000 lines of code in one function */
#define MAX_CHARS 256   /* of a name or path */

#define OBJECT_TYPE 8
#define TYPE_NAME   24 /* of a type object: its name, a C string */
#define VAR_SIZE    16
#define BYTES_DATA  32
#define STR_STATE   32 /* bits: whether it is interned (2), the width of its characters (3), is compact, is ASCII */

/* Offsets in bytes; from the debugging data of builds of each version. */
struct layout {
	uint16_t version;
	uint16_t first_line;
	uint16_t filename;
	uint16_t name; /* the qualified one, where there is one */
	uint16_t table;
	uint16_t first_instruction; /* 0: a frame counts its instructions */
	uint16_t count_scale;       /* bytes of what it counts */
	uint16_t str_ascii;         /* where the characters are, of ASCII strings */
	uint16_t str_other;         /* and of others */
};

static const struct layout layouts[] = {
	{0x0309, 40, 104, 112, 120, 0, 1, 48, 72},   {0x030a, 40, 104, 112, 120, 0, 2, 48, 72},
	{0x030b, 72, 112, 128, 136, 184, 0, 48, 72}, {0x030c, 68, 112, 128, 136, 192, 0, 40, 56},
	{0x030d, 68, 112, 128, 136, 200, 0, 40, 56}, {0x030e, 68, 112, 128, 136, 208, 0, 40, 56},
};

static const struct layout *layout_of(uint16_t version)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].version == version)
			return &layouts[i];
	return NULL;
}

static int bytes_read(const struct python_reader *r, uint64_t addr, void *buf, size_t len)
{
	return r->memory.read(r->memory.arg, addr, buf, len);
}

static uint64_t word_at(const uint8_t *head, unsigned offset)
{
	uint64_t v;

	memcpy(&v, head + offset, sizeof(v));
	return v;
}

static size_t utf8_put(char *out, size_t room, uint32_t c)
{
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};

	if (c > 0x10ffff || !c || len > room)
		return 0;
	for (size_t i = len; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(marks[len] | c);
	return len;
}

/* A str, whose characters take 1, 2 or 4 bytes; cut to `size` bytes of UTF-8. */
static int str_read(const struct python_reader *r, const struct layout *l, uint64_t str, char *out, size_t size)
{
	uint8_t head[STR_STATE + 8], chars[4 * MAX_CHARS];
	size_t width, nr, at = 0, put = 1;
	uint32_t c, state;

	if (bytes_read(r, str, head, sizeof(head)))
		return -ENOENT;
	nr = word_at(head, VAR_SIZE);
	state = word_at(head, STR_STATE) >> 2;
	width = state & 7;
	/* Compact ones only: all that the compiler makes. */
	if (!(state & 8) || (width != 1 && width != 2 && width != 4))
		return -ENOENT;
	if (nr > MAX_CHARS)
		nr = MAX_CHARS;
	if (bytes_read(r, str + (state & 16 ? l->str_ascii : l->str_other), chars, nr * width))
		return -ENOENT;
	for (size_t i = 0; i < nr && put; i++) {
		c = 0;
		memcpy(&c, chars + i * width, width);
		put = utf8_put(out + at, size - 1 - at, c);
		at += put;
	}
	out[at] = 0;
	return 0;
}

/* The type of a code object is known by its name, then by its address. */
static bool is_code(struct python_reader *r, const uint8_t *head)
{
	uint64_t type = word_at(head, OBJECT_TYPE), name;
	char text[5];

	if (r->type_code)
		return type == r->type_code;
	if (bytes_read(r, type + TYPE_NAME, &name, sizeof(name)) || bytes_read(r, name, text, sizeof(text)) ||
	    memcmp(text, "code", sizeof(text)))
		return false;
	r->type_code = type;
	return true;
}

static uint32_t line_find(const struct python_reader *r, const struct layout *l, const uint8_t *head, int64_t offset)
{
	uint64_t table = word_at(head, l->table), len = 0;
	uint32_t first, line;
	uint8_t *bytes;

	memcpy(&first, head + l->first_line, sizeof(first));
	first = first <= INT32_MAX ? first : 0;
	if (bytes_read(r, table + VAR_SIZE, &len, sizeof(len)) || len > MAX_TABLE)
		return first;
	bytes = malloc(len ? len : 1);
	if (!bytes || bytes_read(r, table + BYTES_DATA, bytes, len)) {
		free(bytes);
		return first;
	}
	line = linetable_find(r->version, first, bytes, len, offset);
	free(bytes);
	return line;
}

/* What a different object at the same address would differ in. */
static uint64_t head_mark(const struct layout *l, const uint8_t *head)
{
	return word_at(head, l->filename) * 3 ^ word_at(head, l->name) * 5 ^ word_at(head, l->table) * 7 ^
	       (word_at(head, l->first_line) & UINT32_MAX) << 40;
}

int python_find(struct python_reader *r, uint64_t code, const uint8_t *head, uint64_t position, struct frame *out)
{
	const struct layout *l = layout_of(r->version);
	struct names_key key;
	uint8_t own[PYTHON_HEAD_LEN];
	int64_t offset;

	code &= ~(uint64_t)7;
	if (!l || (!head && bytes_read(r, code, own, sizeof(own))))
		return -ENOENT;
	head = head ? head : own;
	if (!is_code(r, head))
		return -ENOENT;
	offset = l->first_instruction ? (int64_t)(position - code - l->first_instruction)
				      : (int64_t)(int32_t)position * l->count_scale;
	key = (struct names_key){r->process, code, head_mark(l, head) ^ (uint64_t)offset << 20};
	if (names_get(r->names, &key, out))
		return 0;
	*out = (struct frame){.kind = LG_FRAME_PYTHON};
	if (str_read(r, l, word_at(head, l->name), out->function, sizeof(out->function)) ||
	    str_read(r, l, word_at(head, l->filename), out->file, sizeof(out->file)))
		return -ENOENT;
	out->is_own = frame_file_is_own(out->file);
	out->line = line_find(r, l, head, offset);
	names_put(r->names, &key, out);
	return 0;
}
