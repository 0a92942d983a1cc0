/* SPDX-License-Identifier: BSD-2-Clause */
/* A thin layer over libdw, which finds the unit of an address by its table of ranges, else one by one. */
#include "symbol/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>
#include <elfutils/libdw.h>

#define MAX_DATA  (48u << 20) /* of all debugging sections; libdw keeps what it has read of them */
#define MAX_UNITS 4096        /* looked through when the file has no table of ranges */
#define MAX_DEPTH 32          /* of scopes in scopes */
#define MAX_DIES  (1u << 20)  /* looked at for one address: links between them may lead round in circles */
#define PADDING   16          /* bytes behind a section that holds strings; 0 */

/* libdw measures the strings in these with strlen(): in a damaged file the last one may have no end. */
static const char *const padded[] = {".debug_info", ".debug_types", ".debug_line", ".debug_str", ".debug_line_str"};
#define NR_PADDED (sizeof(padded) / sizeof(padded[0]))

/* What is looked for, and how much may still be looked at. */
struct search {
	uint64_t addr;
	unsigned left;
};

struct lines {
	Elf *elf;
	Dwarf *dwarf;
	void *copies[NR_PADDED]; /* what the sections' data were replaced with */
	size_t bytes;
};

/* Compressed ones say how long they will be. */
static uint64_t section_bytes(Elf_Scn *scn, const GElf_Shdr *head)
{
	GElf_Chdr compressed;

	return head->sh_flags & SHF_COMPRESSED && gelf_getchdr(scn, &compressed) ? compressed.ch_size : head->sh_size;
}

/* The name of the next section that has one, and bytes in the file; scn NULL: of the first. NULL at the end. */
static const char *section_next(Elf *elf, Elf_Scn **scn, GElf_Shdr *head)
{
	const char *name;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((*scn = elf_nextscn(elf, *scn))) {
		if (!gelf_getshdr(*scn, head) || head->sh_type == SHT_NOBITS)
			continue;
		name = elf_strptr(elf, names, head->sh_name);
		if (name)
			return name;
	}
	return NULL;
}

static uint64_t debug_bytes(Elf *elf)
{
	Elf_Scn *scn = NULL;
	uint64_t sum = 0;
	bool has_lines = false;
	GElf_Shdr head;
	const char *name;

	while ((name = section_next(elf, &scn, &head))) {
		/* Data that were moved to yet another file, by a name that libdw would open whatever it is. */
		if (!strcmp(name, ".gnu_debugaltlink"))
			return 0;
		/* Compressed as nobody does any more: how long they will be is not told. */
		if (!strncmp(name, ".zdebug_", 8))
			return 0;
		if (strncmp(name, ".debug_", 7))
			continue;
		has_lines |= !strcmp(name, ".debug_line");
		if (section_bytes(scn, &head) > MAX_DATA)
			return UINT64_MAX;
		sum += section_bytes(scn, &head);
	}
	return has_lines ? sum : 0;
}

static int section_pad(Elf_Scn *scn, const GElf_Shdr *head, void **copy, size_t *bytes)
{
	Elf_Data *data;

	if (head->sh_flags & SHF_COMPRESSED && elf_compress(scn, 0, 0) < 0)
		return -ENOENT;
	data = elf_getdata(scn, NULL);
	if (!data || !data->d_buf)
		return 0;
	if (*copy || data->d_size > MAX_DATA) /* a second one of that name, or longer than it said */
		return -ENOENT;
	*copy = calloc(1, data->d_size + PADDING);
	if (!*copy)
		return -ENOMEM;
	memcpy(*copy, data->d_buf, data->d_size);
	data->d_buf = *copy; /* libelf frees its own all the same */
	*bytes += data->d_size + PADDING;
	return 0;
}

static int sections_pad(struct lines *l)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr head;
	const char *name;
	int error = 0;

	while (!error && (name = section_next(l->elf, &scn, &head)))
		for (size_t i = 0; i < NR_PADDED && !error; i++)
			if (!strcmp(name, padded[i]))
				error = section_pad(scn, &head, &l->copies[i], &l->bytes);
	return error;
}

struct lines *lines_open(int fd)
{
	struct lines *l;
	uint64_t bytes;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return NULL;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->elf = elf_begin(fd, ELF_C_READ, NULL);
	bytes = l->elf ? debug_bytes(l->elf) : 0;
	l->bytes = bytes;
	if (bytes && bytes <= MAX_DATA && !sections_pad(l))
		l->dwarf = dwarf_begin_elf(l->elf, DWARF_C_READ, NULL);
	if (!l->dwarf) {
		lines_close(l);
		return NULL;
	}
	return l;
}

void lines_close(struct lines *l)
{
	if (!l)
		return;
	if (l->dwarf)
		dwarf_end(l->dwarf);
	if (l->elf)
		elf_end(l->elf);
	for (size_t i = 0; i < NR_PADDED; i++)
		free(l->copies[i]);
	free(l);
}

static bool unit_find(struct lines *l, uint64_t addr, Dwarf_Die *unit)
{
	Dwarf_Off at = 0, next;
	size_t head;

	if (dwarf_addrdie(l->dwarf, addr, unit))
		return true;
	for (int i = 0; i < MAX_UNITS && !dwarf_nextcu(l->dwarf, at, &next, &head, NULL, NULL, NULL); i++) {
		if (dwarf_offdie(l->dwarf, at + head, unit) && dwarf_haspc(unit, addr) > 0)
			return true;
		at = next;
	}
	return false;
}

static bool has_functions(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_structure_type ||
	       tag == DW_TAG_class_type || tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type;
}

/*
 * The function at an address. libdw's own search leaves out what lies in a namespace, where Rust's functions are. Types
 * may be nested ever so deep, by whoever wrote the file.
 */
static bool function_find(struct search *s, Dwarf_Die *scope, int depth, Dwarf_Die *function)
{
	Dwarf_Die die;
	int tag;

	if (depth > MAX_DEPTH || dwarf_child(scope, &die))
		return false;
	do {
		tag = dwarf_tag(&die);
		if (tag == DW_TAG_subprogram && dwarf_haspc(&die, s->addr) > 0) {
			*function = die;
			return true;
		}
		if (has_functions(tag) && function_find(s, &die, depth + 1, function))
			return true;
	} while (s->left && s->left-- && !dwarf_siblingof(&die, &die));
	return false;
}

/* The outermost call in a function that was inlined there. */
static bool call_within(struct search *s, Dwarf_Die *scope, int depth, Dwarf_Die *call)
{
	Dwarf_Die die;

	if (depth > MAX_DEPTH || dwarf_child(scope, &die))
		return false;
	do {
		if (dwarf_haspc(&die, s->addr) <= 0)
			continue;
		*call = die;
		if (dwarf_tag(&die) == DW_TAG_inlined_subroutine || call_within(s, &die, depth + 1, call))
			return true;
	} while (s->left && s->left-- && !dwarf_siblingof(&die, &die));
	return false;
}

/*
 * Where code that was inlined is called, in the function that it became a part of: the symbols name that function, and
 * the line is to be one of its own. -ENOENT: nothing was inlined there.
 */
static int call_find(Dwarf_Die *unit, uint64_t addr, char *file, size_t size, uint32_t *line)
{
	struct search s = {.addr = addr, .left = MAX_DIES};
	Dwarf_Die function, call;
	Dwarf_Attribute attr;
	Dwarf_Word row, number;
	Dwarf_Files *files;
	const char *name;

	if (!function_find(&s, unit, 0, &function) || !call_within(&s, &function, 0, &call))
		return -ENOENT;
	if (!dwarf_attr(&call, DW_AT_call_line, &attr) || dwarf_formudata(&attr, &row) ||
	    !dwarf_attr(&call, DW_AT_call_file, &attr) || dwarf_formudata(&attr, &number) ||
	    dwarf_getsrcfiles(unit, &files, NULL) || !row || row > INT32_MAX)
		return -ENOENT;
	name = dwarf_filesrc(files, number, NULL, NULL);
	if (!name)
		return -ENOENT;
	snprintf(file, size, "%s", name);
	*line = row;
	return 0;
}

int lines_find(struct lines *l, uint64_t addr, char *file, size_t size, uint32_t *line)
{
	const char *name;
	Dwarf_Line *row;
	Dwarf_Die unit;
	int number;

	if (!unit_find(l, addr, &unit))
		return -ENOENT;
	if (!call_find(&unit, addr, file, size, line))
		return 0;
	row = dwarf_getsrc_die(&unit, addr);
	if (!row || dwarf_lineno(row, &number) || number <= 0)
		return -ENOENT;
	name = dwarf_linesrc(row, NULL, NULL);
	if (!name)
		return -ENOENT;
	snprintf(file, size, "%s", name);
	*line = number;
	return 0;
}

size_t lines_bytes(const struct lines *l)
{
	return l ? l->bytes : 0;
}
