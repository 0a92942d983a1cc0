/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors, threads and parents, all from /proc. */
#include "target/hanging.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "target/proc.h"

#define MAX_FDS 1024 /* a loop's set is among its first descriptors */

static bool has_events(int pid)
{
	char path[PROC_PATH_LEN], link[64];
	const struct dirent *entry;
	bool is_found = false;
	DIR *dir;

	if (proc_path(path, sizeof(path), pid, "fd") || !(dir = opendir(path)))
		return false;
	for (int i = 0; i < MAX_FDS && !is_found && (entry = readdir(dir)); i++)
		is_found = !proc_fd_link(pid, atoi(entry->d_name), link, sizeof(link)) &&
			   (!strcmp(link, "anon_inode:[eventpoll]") || !strcmp(link, "anon_inode:[io_uring]"));
	closedir(dir);
	return is_found;
}

/* A child that has not begun a program of its own has what its parent had open. */
static bool is_copy(int pid)
{
	char exe[PROC_PATH_LEN], parents[PROC_PATH_LEN];
	struct proc_stat stat;

	return !proc_stat(pid, 0, &stat) && !proc_exe(pid, exe, sizeof(exe), NULL) &&
	       !proc_exe(stat.parent, parents, sizeof(parents), NULL) && !strcmp(exe, parents) &&
	       has_events(stat.parent);
}

bool hanging_is_likely(int pid, enum lg_runtime kind, bool is_in_loop)
{
	if (!has_events(pid))
		return false;
	if (kind == LG_RT_NODE) /* it begins its own, and its other threads wait for work */
		return true;
	return (is_in_loop || kind == LG_RT_REDIS || proc_nr_threads(pid) == 1) && !is_copy(pid);
}
