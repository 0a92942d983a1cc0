/* SPDX-License-Identifier: BSD-2-Clause */
/* A sorted array over the symbol tables of the file and of its debugging file. */
#include "symbol/module.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/debugfile.h"
#include "symbol/demangle.h"
#include "symbol/lines.h"
#include "target/elf.h"

#define MAX_FUNCTIONS (1u << 20) /* four times those of the largest programs */
#define MAX_NAME      2048
#define MAX_GAP       1024 /* a function of unknown size reaches to the next one, if that is not far away */

struct function {
	uint64_t addr;
	uint64_t name_at : 48;
	uint64_t in_debug : 1; /* the name is in the debugging file */
	uint64_t rank : 15;    /* of several at one address the lowest is shown */
	uint64_t size;
};

struct module {
	struct elf_file *elf;
	struct elf_file *debug; /* NULL: none */
	struct lines *lines;
	struct cfi *cfi;
	bool has_lines; /* they were looked for; so for cfi */
	bool has_cfi;
	struct function *v;
	size_t nr;
	size_t max;
	bool in_debug; /* while it is filled */
};

enum { RANK_TYPED, RANK_SIZED, RANK_BARE };

static int on_function(void *arg, const struct elf_function *function)
{
	struct module *m = arg;
	struct function *v;
	size_t max;

	if (m->nr == MAX_FUNCTIONS)
		return -EFBIG;
	if (m->nr == m->max) {
		max = m->max ? 2 * m->max : 256;
		v = realloc(m->v, max * sizeof(*v));
		if (!v)
			return -ENOMEM;
		m->v = v;
		m->max = max;
	}
	m->v[m->nr++] = (struct function){
		.addr = function->addr,
		.name_at = function->name_at,
		.in_debug = m->in_debug,
		.rank = function->is_typed ? RANK_TYPED
			: function->size   ? RANK_SIZED
					   : RANK_BARE,
		.size = function->size,
	};
	return 0;
}

#define DIGIT_BITS 11
#define DIGITS     (1u << DIGIT_BITS)

static uint32_t digit_of(const struct function *f, unsigned shift)
{
	return f->addr >> shift & (DIGITS - 1);
}

/* Puts `from` in the order of one digit of the addresses; what has the same one stays as it was. */
static void digit_sort(const struct function *v, size_t nr, const uint32_t *from, uint32_t *to, unsigned shift)
{
	uint32_t at[DIGITS + 1] = {0};

	for (size_t i = 0; i < nr; i++)
		at[digit_of(&v[i], shift) + 1]++;
	for (size_t d = 1; d < DIGITS; d++)
		at[d] += at[d - 1];
	for (size_t i = 0; i < nr; i++)
		to[at[digit_of(&v[from[i]], shift)]++] = from[i];
}

/*
 * Numbers of the functions by address, in one of two arrays of `nr`. Digit by digit: a comparison for each step takes
 * 30 ms of Node's 150,000 functions, while lgtrace attaches.
 */
static const uint32_t *functions_order(const struct function *v, size_t nr, uint32_t *order, uint32_t *other)
{
	uint64_t all = 0;
	uint32_t *done;

	for (size_t i = 0; i < nr; i++) {
		all |= v[i].addr;
		order[i] = i;
	}
	for (unsigned shift = 0; shift < 64 && all >> shift; shift += DIGIT_BITS) {
		digit_sort(v, nr, order, other, shift);
		done = other;
		other = order;
		order = done;
	}
	return order;
}

/* Is `a` to be shown of two at one address? */
static bool function_is_better(const struct function *a, const struct function *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->name_at < b->name_at;
}

static int functions_sort(struct module *m)
{
	uint32_t *numbers = malloc(2 * m->nr * sizeof(*numbers));
	struct function *v = malloc(m->nr * sizeof(*v)), *last = NULL, *cut;
	const uint32_t *order;

	if (m->nr && (!v || !numbers)) {
		free(numbers);
		free(v);
		return -ENOMEM;
	}
	order = functions_order(m->v, m->nr, numbers, numbers + m->nr);
	for (size_t i = 0, kept = 0; i < m->nr; i++) {
		const struct function *f = &m->v[order[i]];

		if (!last || last->addr != f->addr)
			v[kept++] = *f;
		else if (function_is_better(f, last))
			*last = *f;
		last = &v[kept - 1];
	}
	free(numbers);
	free(m->v);
	m->nr = last ? last + 1 - v : 0;
	cut = m->nr ? realloc(v, m->nr * sizeof(*v)) : NULL;
	m->v = cut ? cut : v;
	m->max = m->nr;
	return 0;
}

/* The full table holds what the dynamic one does, and more. */
static int functions_load(struct module *m)
{
	int ret = elf_file_functions(m->elf, ELF_TABLE_FULL, on_function, m);

	if (ret == -ENOENT && m->debug) {
		m->in_debug = true;
		ret = elf_file_functions(m->debug, ELF_TABLE_FULL, on_function, m);
		m->in_debug = false;
	}
	if (ret != -ENOMEM)
		ret = elf_file_functions(m->elf, ELF_TABLE_DYNAMIC, on_function, m);
	return ret == -ENOMEM ? ret : functions_sort(m);
}

int module_open(struct module **out, const char *path, const char *dir, const char *const *roots)
{
	struct module *m = calloc(1, sizeof(*m));
	int ret;

	if (!m)
		return -ENOMEM;
	ret = elf_file_open(&m->elf, path);
	if (!ret) {
		debugfile_open(&m->debug, m->elf, dir, roots);
		ret = functions_load(m);
	}
	if (ret) {
		module_free(m);
		return ret;
	}
	*out = m;
	return 0;
}

void module_free(struct module *m)
{
	if (!m)
		return;
	lines_close(m->lines);
	cfi_close(m->cfi);
	elf_file_close(m->debug);
	elf_file_close(m->elf);
	free(m->v);
	free(m);
}

static const struct function *function_find(const struct module *m, uint64_t addr)
{
	size_t low = 0, high = m->nr;
	const struct function *f;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->v[middle].addr <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	f = &m->v[low - 1];
	if (addr - f->addr >= (f->size ? f->size : MAX_GAP))
		return NULL;
	return f;
}

int module_function(const struct module *m, uint64_t offset, char *name, size_t size)
{
	const struct function *f;
	char raw[MAX_NAME];
	uint64_t addr;

	if (elf_file_addr(m->elf, offset, &addr))
		return -ENOENT;
	f = function_find(m, addr);
	if (!f || elf_file_string(f->in_debug ? m->debug : m->elf, f->name_at, raw, sizeof(raw)) || !raw[0])
		return -ENOENT;
	demangle(name, size, raw);
	return 0;
}

int module_line(struct module *m, uint64_t offset, char *file, size_t size, uint32_t *line)
{
	uint64_t addr;

	if (!m->has_lines) {
		m->has_lines = true;
		m->lines = lines_open(elf_file_fd(m->debug ? m->debug : m->elf));
	}
	if (!m->lines || elf_file_addr(m->elf, offset, &addr))
		return -ENOENT;
	return lines_find(m->lines, addr, file, size, line);
}

/* Opens the unwinding tables at the first call. */
static int cfi_place(struct module *m, uint64_t offset, uint64_t *addr)
{
	if (!m->has_cfi) {
		m->has_cfi = true;
		m->cfi = cfi_open(elf_file_fd(m->elf));
	}
	return m->cfi && !elf_file_addr(m->elf, offset, addr) ? 0 : -ENOENT;
}

int module_step(struct module *m, uint64_t offset, uint64_t regs[CFI_NR_REGS], const struct cfi_memory *memory)
{
	uint64_t addr;

	return cfi_place(m, offset, &addr) ? -ENOENT : cfi_step(m->cfi, addr, regs, memory);
}

bool module_is_frameless(struct module *m, uint64_t offset)
{
	uint64_t addr;

	return !cfi_place(m, offset, &addr) && cfi_is_frameless(m->cfi, addr);
}

size_t module_bytes(const struct module *m)
{
	return sizeof(*m) + m->max * sizeof(*m->v) + lines_bytes(m->lines) + cfi_bytes(m->cfi);
}
