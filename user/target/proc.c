/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading /proc: see proc.h.
 *
 * Every file is read as bytes of unknown length and sense. Numbers are parsed by hand of the C library and checked;
 * nothing is assumed to be there because it was there a moment ago.
 */
#include "target/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STAT_MAX       4096       /* a stat line has 52 numbers and a name: below 1 KiB */
#define STATUS_MAX     (64 << 10) /* Groups: may list thousands */
#define KTHREAD_FLAG   0x00200000 /* PF_KTHREAD, the same on every kernel */
#define DELETED_SUFFIX " (deleted)"

static const char *root = "/proc";

void proc_set_root(const char *path)
{
	root = path ? path : "/proc";
}

static int path_format(char *buf, size_t size, int pid, const char *what, va_list args)
{
	int head, len;

	head = pid ? snprintf(buf, size, "%s/%d/", root, pid) : snprintf(buf, size, "%s/", root);
	if (head < 0 || (size_t)head >= size)
		return -ENAMETOOLONG;
	len = vsnprintf(buf + head, size - head, what, args);
	return len < 0 || (size_t)len >= size - head ? -ENAMETOOLONG : 0;
}

int proc_path(char *buf, size_t size, int pid, const char *what, ...)
{
	va_list args;
	int ret;

	va_start(args, what);
	ret = path_format(buf, size, pid, what, args);
	va_end(args);
	return ret;
}

static int fd_read_all(int fd, size_t max, char **text, size_t *len)
{
	size_t size = 4096, used = 0;
	char *buf = NULL, *more;
	ssize_t got;

	do {
		if (!buf || size - used < 2048) {
			size *= 2;
			more = realloc(buf, size);
			if (!more)
				goto no_memory;
			buf = more;
		}
		got = read(fd, buf + used, size - used - 1);
		if (got < 0) {
			got = -errno;
			free(buf);
			return got;
		}
		used += got;
	} while (got && used <= max);
	if (used > max) {
		free(buf);
		return -EFBIG;
	}
	buf[used] = 0;
	*text = buf;
	if (len)
		*len = used;
	return 0;
no_memory:
	free(buf);
	return -ENOMEM;
}

int proc_read(int pid, const char *what, size_t max, char **text, size_t *len)
{
	char path[PROC_PATH_LEN];
	int fd, ret;

	ret = proc_path(path, sizeof(path), pid, "%s", what);
	if (ret)
		return ret;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = fd_read_all(fd, max, text, len);
	close(fd);
	return ret;
}

int proc_stat_parse(const char *line, struct proc_stat *out)
{
	const char *open = strchr(line, '('), *close = strrchr(line, ')');
	unsigned long long flags;
	size_t len;

	memset(out, 0, sizeof(*out));
	if (!open || !close || close < open || close[1] != ' ')
		return -EINVAL;
	out->id = atoi(line);
	len = close - open - 1;
	if (len >= sizeof(out->comm))
		len = sizeof(out->comm) - 1;
	memcpy(out->comm, open + 1, len);
	/* Fields 3 state, 4 parent, 5-8, 9 flags. */
	if (sscanf(close + 2, "%c %d %*d %*d %*d %*d %llu", &out->state, &out->parent, &flags) != 3)
		return -EINVAL;
	out->is_kthread = flags & KTHREAD_FLAG;
	return out->id > 0 ? 0 : -EINVAL;
}

int proc_stat(int pid, int tid, struct proc_stat *out)
{
	char what[64], *line;
	int ret;

	if (tid)
		snprintf(what, sizeof(what), "task/%d/stat", tid);
	else
		snprintf(what, sizeof(what), "stat");
	ret = proc_read(pid, what, STAT_MAX, &line, NULL);
	if (ret)
		return ret;
	ret = proc_stat_parse(line, out);
	free(line);
	return ret;
}

bool proc_has_ended(int pid)
{
	struct proc_stat stat;

	return proc_stat(pid, 0, &stat) || stat.state == 'Z' || stat.state == 'X';
}

/* The last number of a line of the status file. The name comes first there, with newlines escaped by the kernel. */
static int status_last(int pid, const char *key)
{
	char *text, *line, *number;
	int ret, value = -ENODATA;

	ret = proc_read(pid, "status", STATUS_MAX, &text, NULL);
	if (ret)
		return ret;
	line = strstr(text, key);
	if (line) {
		line += strlen(key);
		line[strcspn(line, "\n")] = 0;
		number = strrchr(line, '\t');
		value = number ? atoi(number + 1) : -EINVAL;
	}
	free(text);
	return value ? value : -EINVAL;
}

int proc_tgid(int tid)
{
	return status_last(tid, "\nTgid:");
}

int proc_ns_pid(int pid)
{
	return status_last(pid, "\nNSpid:");
}

int proc_nr_threads(int pid)
{
	return status_last(pid, "\nThreads:");
}

static int link_read(int pid, const char *what, char *buf, size_t size)
{
	char path[PROC_PATH_LEN];
	ssize_t len;
	int ret;

	ret = proc_path(path, sizeof(path), pid, "%s", what);
	if (ret)
		return ret;
	len = readlink(path, buf, size);
	if (len < 0)
		return -errno;
	if ((size_t)len >= size)
		return -ENAMETOOLONG;
	buf[len] = 0;
	return 0;
}

int proc_exe(int pid, char *buf, size_t size, bool *is_deleted)
{
	const size_t suffix = strlen(DELETED_SUFFIX);
	bool deleted;
	size_t len;
	int ret;

	ret = link_read(pid, "exe", buf, size);
	if (ret)
		return ret;
	len = strlen(buf);
	deleted = len > suffix && !strcmp(buf + len - suffix, DELETED_SUFFIX);
	if (deleted)
		buf[len - suffix] = 0;
	if (is_deleted)
		*is_deleted = deleted;
	return 0;
}

bool proc_is_32bit(int pid)
{
	unsigned char ident[EI_CLASS + 1];
	char path[PROC_PATH_LEN];
	ssize_t len;
	int fd;

	if (proc_path(path, sizeof(path), pid, "exe"))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, ident, sizeof(ident));
	close(fd);
	return len == sizeof(ident) && !memcmp(ident, ELFMAG, SELFMAG) && ident[EI_CLASS] == ELFCLASS32;
}

int proc_fd_link(int pid, int fd, char *buf, size_t size)
{
	char what[32];

	snprintf(what, sizeof(what), "fd/%d", fd);
	return link_read(pid, what, buf, size);
}

const char *proc_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
