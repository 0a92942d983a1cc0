/* SPDX-License-Identifier: BSD-2-Clause */
/* The text is kept as it is, with an array over it; of overlapping entries the later one is the one that is valid. */
#include "symbol/perfmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target/proc.h"

/* Of a longer file only the end is read: what was compiled last is what runs. */
#define MAX_TEXT (16u << 20)
#define MAX_BACK 64 /* entries before an address that are looked at: no function is compiled anew that often */

struct entry {
	uint64_t start;
	uint32_t size;
	uint32_t name; /* in the text; also grows with the line, so a larger one is newer */
};

struct perfmap {
	char *text;
	struct entry *v;
	size_t nr;
	size_t bytes; /* of the text */
	struct stat stat;
};

static int entry_compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name);
}

static bool line_parse(struct entry *e, char *text, char *line)
{
	unsigned long long start, size;
	char *end;

	errno = 0;
	start = strtoull(line, &end, 16);
	if (end == line || *end != ' ')
		return false;
	line = end + 1;
	size = strtoull(line, &end, 16);
	if (end == line || *end != ' ' || !end[1] || errno || !size || size > UINT32_MAX)
		return false;
	*e = (struct entry){.start = start, .size = size, .name = end + 1 - text};
	return true;
}

int perfmap_parse(struct perfmap **out, char *text)
{
	struct perfmap *map = calloc(1, sizeof(*map));
	char *line, *rest;
	size_t lines = 1;

	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	if (map)
		map->v = malloc(lines * sizeof(*map->v));
	if (!map || !map->v) {
		free(map);
		free(text);
		return -ENOMEM;
	}
	map->text = text;
	map->bytes = strlen(text);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		map->nr += line_parse(&map->v[map->nr], text, line);
	qsort(map->v, map->nr, sizeof(*map->v), entry_compare);
	*out = map;
	return 0;
}

/* Where it is: the id in the name is the one that the process knows itself by. */
static int path_find(char *path, size_t size, int pid)
{
	int inner = proc_ns_pid(pid);

	return inner < 0 ? inner : proc_path(path, size, pid, "root/tmp/perf-%d.map", inner);
}

static bool is_trusted(int pid, const struct stat *file)
{
	char path[PROC_PATH_LEN];
	struct stat process;

	if (!S_ISREG(file->st_mode) || proc_path(path, sizeof(path), pid, "root"))
		return false;
	*strrchr(path, '/') = 0;
	return !stat(path, &process) && (!file->st_uid || file->st_uid == process.st_uid);
}

static char *text_read(int fd, off_t size)
{
	off_t at = size > MAX_TEXT ? size - MAX_TEXT : 0;
	size_t len = size - at, got = 0;
	char *text = malloc(len + 1);
	ssize_t n = 1;

	while (text && got < len && n > 0) {
		n = pread(fd, text + got, len - got, at + got);
		got += n > 0 ? n : 0;
	}
	if (text)
		text[got] = 0;
	return text;
}

int perfmap_open(struct perfmap **out, int pid)
{
	char path[PROC_PATH_LEN], *text = NULL;
	struct stat st;
	int fd, ret = path_find(path, sizeof(path), pid);

	if (ret)
		return ret;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	ret = fstat(fd, &st) ? -errno : is_trusted(pid, &st) ? 0 : -ENOENT;
	if (!ret)
		text = text_read(fd, st.st_size);
	close(fd);
	if (ret)
		return ret;
	ret = text ? perfmap_parse(out, text) : -ENOMEM;
	if (!ret)
		(*out)->stat = st;
	return ret;
}

void perfmap_free(struct perfmap *map)
{
	if (!map)
		return;
	free(map->v);
	free(map->text);
	free(map);
}

const char *perfmap_find(const struct perfmap *map, uint64_t addr)
{
	const struct entry *best = NULL;
	size_t low = 0, high = map->nr;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map->v[middle].start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i-- > 0 && low - i <= MAX_BACK;) {
		const struct entry *e = &map->v[i];

		if (addr - e->start < e->size && (!best || e->name > best->name))
			best = e;
	}
	return best ? map->text + best->name : NULL;
}

bool perfmap_is_stale(const struct perfmap *map, int pid)
{
	char path[PROC_PATH_LEN];
	struct stat st;

	if (path_find(path, sizeof(path), pid) || lstat(path, &st))
		return false;
	return st.st_ino != map->stat.st_ino || st.st_size != map->stat.st_size;
}

size_t perfmap_bytes(const struct perfmap *map)
{
	return sizeof(*map) + map->bytes + map->nr * sizeof(*map->v);
}
