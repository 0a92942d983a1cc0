/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file for parsers that open theirs by path, and a /proc in which this process (FUZZ_PID) runs it: as its
 * executable and as every library of its map.
 */
#ifndef LG_FUZZ_PATH_H
#define LG_FUZZ_PATH_H

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "target/proc.h"

#define FUZZ_PID getpid() /* memory that is read is this process's own */

struct fuzz_file {
	int fd;
	char path[32];
	char root[64]; /* of the tree that stands for /proc */
};

static inline void fuzz_file_link(const struct fuzz_file *f, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%d/%s", f->root, FUZZ_PID, name);
	if (symlink(f->path, path))
		abort();
}

/* `libraries` ends with NULL; each is "/name". */
static inline void fuzz_proc_make(struct fuzz_file *f, const char *const *libraries)
{
	char path[128];
	struct stat st;
	FILE *maps;

	strcpy(f->root, "/tmp/lgtrace-fuzz.XXXXXX");
	if (!mkdtemp(f->root) || fstat(f->fd, &st))
		abort();
	snprintf(path, sizeof(path), "%s/%d", f->root, FUZZ_PID);
	if (mkdir(path, 0755))
		abort();
	snprintf(path, sizeof(path), "%s/%d/root", f->root, FUZZ_PID);
	if (mkdir(path, 0755))
		abort();
	snprintf(path, sizeof(path), "%s/%d/maps", f->root, FUZZ_PID);
	maps = fopen(path, "we");
	if (!maps)
		abort();
	fuzz_file_link(f, "exe");
	for (; *libraries; libraries++) {
		fprintf(maps, "400000-500000 r-xp 00000000 00:00 %lu %s\n", (unsigned long)st.st_ino, *libraries);
		snprintf(path, sizeof(path), "root%s", *libraries);
		fuzz_file_link(f, path);
	}
	fclose(maps);
	proc_set_root(f->root);
}

/* Removes the tree; the process ends. */
static inline void fuzz_proc_remove(const struct fuzz_file *f)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", f->root);
	if (f->root[0] && system(command))
		fprintf(stderr, "%s is left behind\n", f->root);
}

static inline void fuzz_file_open(struct fuzz_file *f)
{
	f->fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (f->fd < 0)
		abort();
	snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
}

static inline void fuzz_file_write(const struct fuzz_file *f, const uint8_t *data, size_t size)
{
	if (ftruncate(f->fd, 0) || pwrite(f->fd, data, size, 0) != (ssize_t)size)
		abort();
}

#endif
