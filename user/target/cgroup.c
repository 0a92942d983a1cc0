/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup.procs of a directory and all below it: see cgroup.h. */
#include "target/cgroup.h"

#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_PATH 4096

/* Version 2, and what is most useful of version 1: processes are in the same groups of both mostly. */
static const char *const mounts[] = {
	"", "/sys/fs/cgroup/", "/sys/fs/cgroup/unified/", "/sys/fs/cgroup/systemd/", "/sys/fs/cgroup/cpu/",
};

static bool is_group(const char *path)
{
	char file[MAX_PATH + 16];
	struct stat st;

	snprintf(file, sizeof(file), "%s/cgroup.procs", path);
	return stat(file, &st) == 0;
}

static int group_find(char *out, size_t size, const char *path, struct err *err)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		if ((size_t)snprintf(out, size, "%s%s", mounts[i], path) < size && is_group(out))
			return 0;
		if (*path == '/' && (size_t)snprintf(out, size, "%s%s", mounts[i], path + 1) < size && is_group(out))
			return 0;
	}
	err_hint(err, "cat /proc/PID/cgroup names the group of a process; systemd-cgls shows all");
	return err_set(err, EXIT_CODE_NO_TARGET, ENOENT, "there is no control group '%s'", path);
}

static int pids_add(int **pids, size_t *nr, FILE *file)
{
	int pid;

	while (fscanf(file, "%d", &pid) == 1) {
		int *more = realloc(*pids, (*nr + 1) * sizeof(*more));

		if (!more)
			return -ENOMEM;
		more[(*nr)++] = pid;
		*pids = more;
	}
	return 0;
}

/* A group that vanishes meanwhile has no processes. */
static int group_read(int **pids, size_t *nr, const char *path)
{
	char name[MAX_PATH + 16];
	FILE *file;
	int error;

	snprintf(name, sizeof(name), "%s/cgroup.procs", path);
	file = fopen(name, "re");
	if (!file)
		return 0;
	error = pids_add(pids, nr, file);
	fclose(file);
	return error;
}

int cgroup_processes(const char *path, int **out, size_t *nr, struct err *err)
{
	char group[MAX_PATH], *paths[] = {group, NULL};
	int error = group_find(group, sizeof(group), path, err);
	FTS *walk;

	*out = NULL;
	*nr = 0;
	if (error)
		return error;
	walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
	if (!walk)
		return err_set(err, EXIT_CODE_FAILED, errno, "cannot read the control group: %s", strerror(errno));
	for (FTSENT *entry; !error && (entry = fts_read(walk));)
		if (entry->fts_info == FTS_D)
			error = group_read(out, nr, entry->fts_path);
	fts_close(walk);
	if (!error)
		return 0;
	free(*out);
	*out = NULL;
	return err_set(err, EXIT_CODE_FAILED, -error, "no memory left");
}
