/* SPDX-License-Identifier: BSD-2-Clause */
/* libiberty does it; what it prints through a callback is cut where it becomes too long. */
#include "symbol/demangle.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <libiberty/demangle.h>

#define MAX_SYMBOL 2048 /* real ones of this length exist, longer ones are only shown as they are */

struct text {
	char *out;
	size_t size;
	size_t len;
	jmp_buf full;
};

/* A text that is cut is done: printing the rest may take forever. The printers keep all they have on the stack. */
static void on_part(const char *part, size_t len, void *arg)
{
	struct text *t = arg;
	size_t room = t->size - 1 - t->len;

	if (!len) /* without a part, perhaps */
		return;
	memcpy(t->out + t->len, part, len < room ? len : room);
	t->len += len < room ? len : room;
	if (len > room)
		longjmp(t->full, 1);
}

static int name_print(struct text *t, const char *symbol)
{
	if (setjmp(t->full))
		return 1;
	if (rust_demangle_callback(symbol, DMGL_RUST, on_part, t))
		return 1;
	t->len = 0;
	return cplus_demangle_v3_callback(symbol, DMGL_ANSI, on_part, t);
}

void demangle(char *out, size_t size, const char *symbol)
{
	struct text t = {.out = out, .size = size};
	char bare[MAX_SYMBOL];
	size_t len = strcspn(symbol, "@");

	snprintf(out, size, "%.*s", (int)(len < size ? len : size), symbol);
	if (strncmp(symbol, "_Z", 2) && strncmp(symbol, "_R", 2))
		return;
	if (len >= sizeof(bare))
		return;
	memcpy(bare, symbol, len);
	bare[len] = 0;
	if (name_print(&t, bare) && t.len)
		out[t.len] = 0;
	else
		snprintf(out, size, "%s", bare);
}
