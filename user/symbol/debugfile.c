/* SPDX-License-Identifier: BSD-2-Clause */
/* The places are those that debuggers agree on, below /usr/lib/debug and beside the program. */
#include "symbol/debugfile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "target/proc.h"

#define DEBUG_DIR "/usr/lib/debug"
#define MAX_LINK  4096       /* bytes of .gnu_debuglink: a file name and a checksum */
#define MAX_CRC   (1u << 30) /* bytes of a file that are read to check it */

struct search {
	const char *const *roots;
	uint8_t id[ELF_BUILD_ID_MAX];
	int id_len; /* negative: it has none */
	struct elf_file *found;
};

static bool has_same_id(const struct search *s, const struct elf_file *elf)
{
	uint8_t id[ELF_BUILD_ID_MAX];

	return s->id_len > 0 && elf_file_build_id(elf, id) == s->id_len && !memcmp(id, s->id, s->id_len);
}

static bool has_crc(const struct elf_file *elf, uint32_t wanted)
{
	uint32_t crc = crc32(0, NULL, 0);
	unsigned char buf[65536];
	off_t at = 0;
	ssize_t n;

	if (elf_file_size(elf) > MAX_CRC)
		return false;
	while ((n = pread(elf_file_fd(elf), buf, sizeof(buf), at)) > 0) {
		crc = crc32(crc, buf, n);
		at += n;
	}
	return !n && crc == wanted;
}

/* Takes the file when it proves to be the one: by its build id, or by its checksum where there is one to compare. */
static bool file_try(struct search *s, const char *path, const uint32_t *crc)
{
	struct elf_file *elf;

	if (elf_file_open(&elf, path))
		return false;
	if (has_same_id(s, elf) || (crc && has_crc(elf, *crc))) {
		s->found = elf;
		return true;
	}
	elf_file_close(elf);
	return false;
}

static bool id_search(struct search *s)
{
	char path[PROC_PATH_LEN], hex[2 * ELF_BUILD_ID_MAX + 1];

	if (s->id_len < 2)
		return false;
	for (int i = 0; i < s->id_len; i++)
		snprintf(hex + 2 * i, 3, "%02x", s->id[i]);
	for (size_t i = 0; s->roots[i]; i++) {
		snprintf(path, sizeof(path), "%s" DEBUG_DIR "/.build-id/%.2s/%s.debug", s->roots[i], hex, hex + 2);
		if (file_try(s, path, NULL))
			return true;
	}
	return false;
}

static bool link_search(struct search *s, const char *dir, const char *name, uint32_t crc)
{
	static const char *const places[] = {"%s%s/%s", "%s%s/.debug/%s", "%s" DEBUG_DIR "%s/%s"};
	char path[PROC_PATH_LEN];

	for (size_t i = 0; s->roots[i]; i++) {
		for (size_t place = 0; place < sizeof(places) / sizeof(places[0]); place++) {
			int len = snprintf(path, sizeof(path), places[place], s->roots[i], dir, name);

			if (len < (int)sizeof(path) && file_try(s, path, &crc))
				return true;
		}
	}
	return false;
}

int debugfile_open(struct elf_file **out, const struct elf_file *program, const char *dir, const char *const *roots)
{
	struct search s = {.roots = roots};
	char *link = NULL;
	uint32_t crc;
	size_t len;

	s.id_len = elf_file_build_id(program, s.id);
	if (!id_search(&s) && dir && !elf_file_section_load(program, ".gnu_debuglink", MAX_LINK, &link, &len)) {
		size_t name = strnlen(link, len), at = (name + 4) & ~(size_t)3;

		if (name && name < len && at + sizeof(crc) <= len && !strchr(link, '/')) {
			memcpy(&crc, link + at, sizeof(crc));
			link_search(&s, dir, link, crc);
		}
		free(link);
	}
	if (!s.found)
		return -ENOENT;
	*out = s.found;
	return 0;
}
