/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file for the tests of recordings: written record by record with lgtrace's writer, read as a whole, and its bytes
 * in between for who wants to damage them.
 */
#ifndef FILE_SAMPLE_H
#define FILE_SAMPLE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "lg_slot.h"
#include "model/detail.h"
#include "source/file.h"
#include "source/file_reader.h"
#include "source/file_writer.h"

#define S   1000000000ull
#define BIG (64 << 20)

static char path[64]; /* of the file under test */

static const struct file_info info = {
	.version = "1.2.3",
	.kernel = "6.1.0",
	.host = "a \"host\"",
	.machine = "x86_64",
	.realtime_offset_ns = -5,
	.start_ns = 7,
	.threshold_ns = 20000000,
	.is_auto = true,
	.cumulative_ns = 8,
	.cumulative_window_ns = 9,
	.turn_ns = 10000000,
	.id_header = "X-Lab",
	.route_patterns = {"/a/{n}", "/b/*"},
	.exclude_paths = {""},
	.routes = {"/a/*", "/b"},
	.causes = 1 << LG_CAUSE_LOCK | 1 << LG_CAUSE_STOPPED,
	.details = 1 << (MODEL_NR_DETAILS - 1),
	.features = {{"edges", "syscall"}, {"tls", "no"}},
	.nr_features = 2,
};

/* What came out of a file. */
struct outcome {
	struct buf records; /* those that are not state, one behind the other */
	struct buf state;
	bool opened;
	bool is_damaged;
	char damage[512];
};

static inline void outcome_fini(struct outcome *out)
{
	buf_fini(&out->records);
	buf_fini(&out->state);
}

static inline struct outcome read_all(void)
{
	struct file_reader *r = NULL;
	struct outcome out = {};
	const struct lg_head *rec;
	struct err err = {};
	bool is_state;
	int more;

	out.opened = file_reader_open(&r, path, &err) == 0;
	assert_true(out.opened == !err.what[0]);
	while (out.opened && (more = file_reader_next(r, &rec, &is_state)) != 0) {
		assert_int_equal(more, 1);
		buf_add(is_state ? &out.state : &out.records, rec, rec->len);
	}
	if (out.opened && file_reader_damage(r)) {
		out.is_damaged = true;
		snprintf(out.damage, sizeof(out.damage), "%s", file_reader_damage(r));
		assert_int_equal(file_reader_next(r, &rec, &is_state), 0);
	}
	file_reader_close(r);
	return out;
}

static inline struct file_writer *writer_open(uint64_t max_size)
{
	struct lg_rec_target target = {.head = {LG_REC_TARGET, sizeof(target) + 8, 0, 0}, .pid = 40, .exe_len = 4};
	struct file_writer *w = NULL;
	struct buf targets = {};

	buf_add(&targets, &target, sizeof(target));
	buf_add(&targets, "/exe\0\0\0", 8);
	assert_int_equal(file_writer_open(&w, path, NULL), 0);
	assert_int_equal(file_writer_begin(w, max_size, &info, targets.data, targets.len), 0);
	buf_fini(&targets);
	return w;
}

static inline void add(struct file_writer *w, struct buf *all, void *rec, uint16_t kind, size_t len, uint64_t time_ns)
{
	struct lg_head *head = rec;

	*head = (struct lg_head){kind, (uint16_t)len, 1, time_ns};
	assert_int_equal(file_writer_add(w, head), 0);
	if (all)
		buf_add(all, rec, len);
}

static inline void add_conn(struct file_writer *w, struct buf *all, uint64_t ino)
{
	struct lg_rec_conn rec = {.pid = 40, .tid = 41, .peer.ino = ino};

	add(w, all, &rec, LG_REC_CONN, sizeof(rec), ino);
}

static inline struct buf file_load(void)
{
	struct buf bytes = {};
	char chunk[65536];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(&bytes, chunk, (size_t)n);
	close(fd);
	return bytes;
}

static inline void file_store(const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	close(fd);
}

static inline int path_make(void **state)
{
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/lgtrace-test-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static inline int path_remove(void **state)
{
	(void)state;
	return unlink(path);
}

#endif
