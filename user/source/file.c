/* SPDX-License-Identifier: BSD-2-Clause */
/* What both sides of a recording compute: its checksums, and how one is known. */
#include "source/file.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

bool file_is_recording(const char *path)
{
	char magic[sizeof(FILE_MAGIC)] = "";
	FILE *file = fopen(path, "re");
	bool is_one;

	if (!file)
		return false;
	is_one = fread(magic, 1, sizeof(magic), file) == sizeof(magic) && !memcmp(magic, FILE_MAGIC, sizeof(magic));
	fclose(file);
	return is_one;
}

uint32_t file_crc(uint32_t crc, const void *data, size_t len)
{
	return len ? (uint32_t)crc32_z(crc, data, len) : crc;
}

uint32_t file_chunk_crc(const struct file_chunk *chunk)
{
	size_t from = offsetof(struct file_chunk, segment);

	return file_crc(0, (const char *)chunk + from, sizeof(*chunk) - from);
}
