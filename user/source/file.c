/* SPDX-License-Identifier: BSD-2-Clause */
/* What both sides of a recording compute: its checksums. */
#include "source/file.h"

#include <zlib.h>

uint32_t file_crc(uint32_t crc, const void *data, size_t len)
{
	return len ? (uint32_t)crc32_z(crc, data, len) : crc;
}

uint32_t file_chunk_crc(const struct file_chunk *chunk)
{
	size_t from = offsetof(struct file_chunk, segment);

	return file_crc(0, (const char *)chunk + from, sizeof(*chunk) - from);
}
