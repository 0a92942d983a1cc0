/* SPDX-License-Identifier: BSD-2-Clause */
/* net/tcp and net/tcp6 of the process; which listeners are its own, its descriptors tell. */
#include "target/waiting.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target/proc.h"

#define MAX_TABLE     (8u << 20) /* bytes: some 50,000 sockets */
#define MAX_LISTENERS 64         /* with connections in their queues */
#define MAX_FDS       65536
#define TCP_LISTEN    10 /* include/net/tcp_states.h */

/* "  12: 0100007F:1F90 0100007F:C350 01 00000000:00000010 00:00000000 00000000  1000        0 12345 1 .." */
int waiting_row_parse(struct waiting_row *out, const char *line)
{
	unsigned long long ino;
	unsigned state, unread;

	if (sscanf(line, " %*u: %*[0-9A-Fa-f:] %*[0-9A-Fa-f:] %2x %*8[0-9A-Fa-f]:%8x %*x:%*x %*x %*u %*u %llu", &state,
		   &unread, &ino) != 3)
		return -EINVAL;
	*out = (struct waiting_row){.ino = ino, .unread = unread, .is_listener = state == TCP_LISTEN};
	return 0;
}

struct listeners {
	struct waiting_row rows[MAX_LISTENERS];
	size_t nr;
};

static int table_read(struct waiting *w, struct listeners *listeners, int pid, const char *table)
{
	char *text = NULL, *line, *rest;
	struct waiting_row row;
	int error = proc_read(pid, table, MAX_TABLE, &text, NULL);

	if (error)
		return error;
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		if (waiting_row_parse(&row, line) || !row.unread || !row.ino)
			continue;
		if (!row.is_listener && w->nr < w->max)
			w->inodes[w->nr++] = row.ino;
		if (row.is_listener && listeners->nr < MAX_LISTENERS)
			listeners->rows[listeners->nr++] = row;
	}
	free(text);
	return 0;
}

/* Connections of the listener that a descriptor leads to; counted once, though several may lead there. */
static uint64_t listener_take(struct listeners *listeners, const char *link)
{
	unsigned long long ino;
	uint64_t nr;

	if (sscanf(link, "socket:[%llu]", &ino) != 1)
		return 0;
	for (size_t i = 0; i < listeners->nr; i++) {
		if (listeners->rows[i].ino != ino)
			continue;
		nr = listeners->rows[i].unread;
		listeners->rows[i].unread = 0;
		return nr;
	}
	return 0;
}

static uint64_t listeners_count(struct listeners *listeners, int pid)
{
	char path[64], link[64];
	struct dirent *entry;
	uint64_t nr = 0;
	DIR *dir;

	if (!listeners->nr || proc_path(path, sizeof(path), pid, "fd"))
		return 0;
	dir = opendir(path);
	for (int i = 0; dir && i < MAX_FDS && (entry = readdir(dir)); i++)
		if (!proc_fd_link(pid, atoi(entry->d_name), link, sizeof(link)))
			nr += listener_take(listeners, link);
	if (dir)
		closedir(dir);
	return nr;
}

int waiting_read(struct waiting *w, int pid)
{
	struct listeners listeners = {.nr = 0};
	int error;

	w->nr = 0;
	w->nr_queued = 0;
	error = table_read(w, &listeners, pid, "net/tcp");
	if (error)
		return error;
	error = table_read(w, &listeners, pid, "net/tcp6");
	w->nr_queued = listeners_count(&listeners, pid);
	return error == -ENOENT ? 0 : error; /* a kernel without it */
}
