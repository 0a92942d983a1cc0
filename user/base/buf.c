/* SPDX-License-Identifier: BSD-2-Clause */
/* The growable byte buffer: grows by doubling, always keeps a NUL behind its bytes. */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for `more` bytes and the NUL. */
static int buf_grow(struct buf *b, size_t more)
{
	size_t size = b->size ? b->size : 64;
	char *data;

	if (b->failed)
		return -ENOMEM;
	if (more > SIZE_MAX / 4 || b->len > SIZE_MAX / 4)
		goto fail;
	while (size < b->len + more + 1)
		size *= 2;
	if (size == b->size)
		return 0;
	data = realloc(b->data, size);
	if (!data)
		goto fail;
	b->data = data;
	b->size = size;
	return 0;
fail:
	b->failed = true;
	return -ENOMEM;
}

int buf_add(struct buf *b, const void *bytes, size_t len)
{
	int ret = buf_grow(b, len);

	if (ret)
		return ret;
	if (len)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	int len, ret;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0) {
		b->failed = true;
		return -ENOMEM;
	}
	ret = buf_grow(b, (size_t)len);
	if (ret)
		return ret;
	va_start(args, fmt);
	vsnprintf(b->data + b->len, (size_t)len + 1, fmt, args);
	va_end(args);
	b->len += (size_t)len;
	return 0;
}

void buf_fini(struct buf *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}
