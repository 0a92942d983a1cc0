/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The truth log of the test servers: what was planted, measured by the server's own clock.
 *
 * One JSON object a line. All times are CLOCK_MONOTONIC in ns:
 *   start_ns, end_ns        the planted block itself
 *   run_start_ns, run_end_ns  the code that served the request: the least that a stall must be
 *   edge_ns, write_ns       from the last edge before it (the return of a read or of the wait, the call of a write)
 *                           to the return of the response's write: the most
 * A line whose cause is "hiccup" was not planted: the server itself saw that time pass between two edges.
 * Lines are kept in memory and written only when the server is about to wait, outside of what is measured.
 */
#ifndef TRUTH_H
#define TRUTH_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRUTH_HICCUP_NS 5000000ull /* a quarter of the smallest threshold that the tests use */

struct truth {
	int fd; /* -1: no log wanted */
	size_t len;
	char buf[65536];
};

struct truth_line {
	const char *id;      /* NULL: nobody's */
	const char *path;    /* NULL: no request */
	const char *cause;   /* as in lgtrace --json, or "hiccup" */
	const char *syscall; /* NULL: none */
	const char *target;  /* NULL: none */
	uint64_t start_ns;
	uint64_t end_ns;
	uint64_t run_start_ns;
	uint64_t run_end_ns;
	uint64_t edge_ns;
	uint64_t write_ns;
};

static inline uint64_t truth_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* `path` NULL: no log. */
static inline int truth_open(struct truth *t, const char *path)
{
	t->len = 0;
	t->fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
	return path && t->fd < 0 ? -1 : 0;
}

static inline void truth_flush(struct truth *t)
{
	if (t->fd >= 0 && t->len && write(t->fd, t->buf, t->len) != (ssize_t)t->len)
		perror("truth log");
	t->len = 0;
}

static inline void truth_field(struct truth *t, const char *key, const char *value)
{
	size_t room = sizeof(t->buf) - t->len;

	if (value)
		t->len += (size_t)snprintf(t->buf + t->len, room, "\"%s\":\"%s\",", key, value);
	else
		t->len += (size_t)snprintf(t->buf + t->len, room, "\"%s\":null,", key);
}

static inline void truth_number(struct truth *t, const char *key, uint64_t value)
{
	t->len += (size_t)snprintf(t->buf + t->len, sizeof(t->buf) - t->len, "\"%s\":%llu,", key,
				   (unsigned long long)value);
}

/* Strings must need no escape: the server lets only such through. */
static inline void truth_add(struct truth *t, const struct truth_line *line)
{
	if (t->fd < 0)
		return;
	if (sizeof(t->buf) - t->len < 2048)
		truth_flush(t);
	t->buf[t->len++] = '{';
	truth_field(t, "id", line->id);
	truth_field(t, "path", line->path);
	truth_field(t, "cause", line->cause);
	truth_field(t, "syscall", line->syscall);
	truth_field(t, "target", line->target);
	truth_number(t, "start_ns", line->start_ns);
	truth_number(t, "end_ns", line->end_ns);
	truth_number(t, "run_start_ns", line->run_start_ns);
	truth_number(t, "run_end_ns", line->run_end_ns);
	truth_number(t, "edge_ns", line->edge_ns);
	truth_number(t, "write_ns", line->write_ns);
	truth_number(t, "pid", (uint64_t)getpid());
	t->len--; /* the last comma */
	t->len += (size_t)snprintf(t->buf + t->len, sizeof(t->buf) - t->len, "}\n");
}

#endif
