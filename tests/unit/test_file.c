/* SPDX-License-Identifier: BSD-2-Clause */
/* Recordings: what was written is read again, as far as it is there, and what is not is told. */
#include "file_sample.h"

static void add_turn(struct file_writer *w, struct buf *all, uint64_t n)
{
	struct lg_rec_turn rec = {.pid = 40, .tid = 41, .start_ns = n, .end_ns = n + 1, .edges = n * n};

	add(w, all, &rec, LG_REC_TURN, sizeof(rec), n);
}

static void add_tick(struct file_writer *w, struct buf *all, uint64_t time_ns)
{
	struct lg_rec_tick rec;

	add(w, all, &rec, LG_REC_TICK, sizeof(rec), time_ns);
}

/* A recording of a few chunks and kinds, whole. */
static struct buf small_recording(void)
{
	struct file_writer *w = writer_open(BIG);
	struct buf all = {};

	for (uint64_t i = 0; i < 12; i++) {
		add_turn(w, &all, i * S);
		add_conn(w, &all, 100 + i);
		if (i % 4 == 3)
			add_tick(w, &all, (i + 1) * S);
	}
	assert_int_equal(file_writer_finish(w), 0);
	assert_int_equal(file_writer_records(w), 27);
	file_writer_close(w);
	return all;
}

/* Whether the records are the first ones of `all`. */
static bool is_prefix(const struct buf *part, const struct buf *all)
{
	return part->len <= all->len && (!part->len || memcmp(part->data, all->data, part->len) == 0);
}

static void what_is_written_is_read(void **state)
{
	struct buf all = small_recording();
	struct outcome out = read_all();
	struct stat st;

	(void)state;
	assert_true(out.opened && !out.is_damaged);
	assert_int_equal(out.records.len, all.len);
	assert_true(is_prefix(&out.records, &all));
	assert_int_equal(out.state.len, 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	outcome_fini(&out);
	buf_fini(&all);
}

static void the_head_is_kept(void **state)
{
	struct buf all = small_recording();
	const struct lg_rec_target *target;
	const struct file_info *back;
	struct file_reader *r;
	size_t pos = 0;

	(void)state;
	assert_int_equal(file_reader_open(&r, path, NULL), 0);
	back = file_reader_info(r);
	assert_string_equal(back->version, "1.2.3");
	assert_string_equal(back->host, "a \"host\"");
	assert_string_equal(back->machine, "x86_64");
	assert_string_equal(back->id_header, "X-Lab");
	assert_string_equal(back->route_patterns[1], "/b/*");
	assert_null(back->route_patterns[2]);
	assert_string_equal(back->exclude_paths[0], "");
	assert_null(back->exclude_paths[1]);
	assert_string_equal(back->routes[1], "/b");
	assert_null(back->methods[0]);
	assert_int_equal(back->causes, 1 << LG_CAUSE_LOCK | 1 << LG_CAUSE_STOPPED);
	assert_int_equal(back->details, 1 << (MODEL_NR_DETAILS - 1));
	assert_int_equal(back->realtime_offset_ns, -5);
	assert_int_equal(back->start_ns, 7);
	assert_int_equal(back->threshold_ns, 20000000);
	assert_true(back->is_auto);
	assert_int_equal(back->cumulative_ns, 8);
	assert_int_equal(back->cumulative_window_ns, 9);
	assert_int_equal(back->turn_ns, 10000000);
	assert_int_equal(back->nr_features, 2);
	assert_string_equal(back->features[0].name, "edges");
	assert_string_equal(back->features[0].word, "syscall");
	assert_int_equal(back->sizes[LG_REC_TURN], sizeof(struct lg_rec_turn));
	target = file_reader_target(r, &pos);
	assert_int_equal(target->pid, 40);
	assert_memory_equal(target->exe, "/exe", 4);
	assert_null(file_reader_target(r, &pos));
	file_reader_close(r);
	buf_fini(&all);
}

static void cut_at_every_byte(void **state)
{
	struct buf all = small_recording(), bytes = file_load();
	size_t most = 0;

	(void)state;
	for (size_t len = 0; len < bytes.len; len++) {
		struct outcome out;

		file_store(bytes.data, len);
		out = read_all();
		assert_true(!out.opened || out.is_damaged);
		assert_true(!out.opened || strstr(out.damage, "ends early"));
		assert_true(is_prefix(&out.records, &all));
		assert_true(out.records.len >= most); /* what was read stays readable when more is there */
		most = out.records.len;
		outcome_fini(&out);
	}
	assert_int_equal(most, all.len);
	buf_fini(&bytes);
	buf_fini(&all);
}

/* Where no byte counts: the padding behind the head and behind chunks. */
static bool is_padding(const struct buf *bytes, size_t at)
{
	const struct file_head *head = (const void *)bytes->data;
	size_t end = sizeof(*head) + head->json_len + head->targets_len;

	for (size_t next = file_align(end); next < bytes->len;) {
		const struct file_chunk *chunk = (const void *)(bytes->data + next);

		if (at >= end && at < next)
			return true;
		end = next + sizeof(*chunk) + chunk->stored_len;
		next += sizeof(*chunk) + file_align(chunk->stored_len);
	}
	return false;
}

static void flipped_at_every_byte(void **state)
{
	struct buf all = small_recording(), bytes = file_load();
	size_t unseen = 0;

	(void)state;
	for (size_t at = 0; at < bytes.len; at++) {
		for (int bit = 0; bit < 8; bit += 7) {
			struct outcome out;

			bytes.data[at] ^= 1 << bit;
			file_store(bytes.data, bytes.len);
			out = read_all();
			assert_true(is_prefix(&out.records, &all));
			if (out.opened && !out.is_damaged) {
				assert_true(is_padding(&bytes, at));
				assert_int_equal(out.records.len, all.len);
				unseen++;
			}
			outcome_fini(&out);
			bytes.data[at] ^= 1 << bit;
		}
	}
	assert_true(unseen <= 2 * 7 * 5);
	buf_fini(&bytes);
	buf_fini(&all);
}

/* Says of the kind TURN that its struct had another size when it was recorded. */
static void head_patch(const char *was, const char *now)
{
	struct buf bytes = file_load();
	struct file_head *head = (void *)bytes.data;
	char *json = bytes.data + sizeof(*head);
	char *at = memmem(json, head->json_len, was, strlen(was));

	assert_non_null(at);
	assert_int_equal(strlen(was), strlen(now));
	memcpy(at, now, strlen(now));
	head->crc = file_crc(0, head, offsetof(struct file_head, crc));
	head->crc = file_crc(head->crc, json, head->json_len + head->targets_len);
	file_store(bytes.data, bytes.len);
	buf_fini(&bytes);
}

static void records_of_other_versions_fit(void **state)
{
	struct {
		struct lg_rec_turn turn;
		uint64_t more;
	} longer = {.turn = {.pid = 40, .edges = 77}, .more = 99};
	const struct lg_rec_turn *turn;
	struct file_writer *w;
	struct outcome out;

	(void)state;
	for (int newer = 0; newer < 2; newer++) {
		w = writer_open(BIG);
		add(w, NULL, &longer, LG_REC_TURN, sizeof(longer), 5);
		assert_int_equal(file_writer_finish(w), 0);
		file_writer_close(w);
		/* A newer one's struct has a field more; an older one's lacks `edges`, and 16 bytes follow it. */
		head_patch("\"turn\":[5,56]", newer ? "\"turn\":[5,64]" : "\"turn\":[5,48]");
		out = read_all();
		assert_false(out.is_damaged);
		turn = (const void *)out.records.data;
		assert_int_equal(turn->head.len, newer ? 56 : 72);
		assert_int_equal(out.records.len, turn->head.len);
		assert_int_equal(turn->edges, newer ? 77 : 0);
		assert_int_equal(turn->pid, 40);
		outcome_fini(&out);
	}
}

static void what_is_no_recording_is_refused(void **state)
{
	struct buf all = small_recording(), bytes = file_load();
	struct file_head *head = (void *)bytes.data;
	struct file_reader *r;
	struct err err = {};

	(void)state;
	head->order = __builtin_bswap32(head->order);
	file_store(bytes.data, bytes.len);
	assert_int_equal(file_reader_open(&r, path, &err), -ENOTSUP);
	assert_non_null(strstr(err.what, "byte order"));
	file_reader_close(r);
	head->order = __builtin_bswap32(head->order);
	head->version++;
	err = (struct err){};
	file_store(bytes.data, bytes.len);
	assert_int_equal(file_reader_open(&r, path, &err), -ENOTSUP);
	assert_non_null(strstr(err.what, "format 2"));
	file_reader_close(r);
	err = (struct err){};
	file_store("#!/bin/sh\n", 10);
	assert_int_equal(file_reader_open(&r, path, &err), -EBADMSG);
	assert_non_null(strstr(err.what, "no recording"));
	file_reader_close(r);
	assert_int_equal(file_reader_open(&r, "/", &err), -EINVAL);
	file_reader_close(r);
	assert_int_equal(file_reader_open(&r, "/nonexistent", &err), -ENOENT);
	file_reader_close(r);
	buf_fini(&bytes);
	buf_fini(&all);
}

static void only_files_are_written(void **state)
{
	struct file_writer *w;
	struct err err = {};

	(void)state;
	assert_int_equal(file_writer_open(&w, "/dev/null", &err), -EINVAL);
	assert_int_equal(err.code, EXIT_CODE_USAGE);
	file_writer_close(w);
	assert_int_equal(file_writer_open(&w, "/nonexistent/file", NULL), -ENOENT);
	file_writer_close(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(the_head_is_kept),
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(flipped_at_every_byte),
		cmocka_unit_test(records_of_other_versions_fit),
		cmocka_unit_test(what_is_no_recording_is_refused),
		cmocka_unit_test(only_files_are_written),
	};

	return cmocka_run_group_tests(tests, path_make, path_remove);
}
