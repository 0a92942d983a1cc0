/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions only, in one array over one block of names. */
#include "symbol/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "target/proc.h"

#define MAX_FILE (128u << 20) /* ten times a large kernel's */

struct entry {
	uint64_t addr;
	uint32_t name; /* in names */
};

struct kernel_symbols {
	struct buf names;
	struct buf entries; /* struct entry, by address */
	size_t nr;
};

static int entry_compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->addr > y->addr) - (x->addr < y->addr);
}

/* "ffffffff81000000 T _stext[\t[module]]" */
static void line_take(struct kernel_symbols *k, char *line)
{
	char *end;
	struct entry e = {.addr = strtoull(line, &end, 16), .name = k->names.len};
	size_t len;

	if (!e.addr || end[0] != ' ' || !strchr("tTwW", end[1]) || !end[1] || end[2] != ' ')
		return;
	len = strcspn(end + 3, "\t ");
	end[3 + len] = 0;
	if (!buf_add(&k->names, end + 3, len + 1) && !buf_add(&k->entries, &e, sizeof(e)))
		k->nr++;
}

int kernel_symbols_open(struct kernel_symbols **out)
{
	struct kernel_symbols *k;
	char *text, *line, *rest;
	int ret = proc_read(0, "kallsyms", MAX_FILE, &text, NULL);

	if (ret)
		return ret;
	k = calloc(1, sizeof(*k));
	for (line = k ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest))
		line_take(k, line);
	free(text);
	if (!k || k->names.failed || k->entries.failed) {
		kernel_symbols_free(k);
		return -ENOMEM;
	}
	if (!k->nr) {
		kernel_symbols_free(k);
		return -EPERM;
	}
	qsort(k->entries.data, k->nr, sizeof(struct entry), entry_compare);
	*out = k;
	return 0;
}

void kernel_symbols_free(struct kernel_symbols *k)
{
	if (!k)
		return;
	buf_fini(&k->names);
	buf_fini(&k->entries);
	free(k);
}

const char *kernel_symbols_find(const struct kernel_symbols *k, uint64_t addr)
{
	const struct entry *v = (const void *)k->entries.data;
	size_t low = 0, high = k->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (v[middle].addr <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? k->names.data + v[low - 1].name : NULL;
}

size_t kernel_symbols_bytes(const struct kernel_symbols *k)
{
	return k ? k->names.size + k->entries.size : 0;
}
