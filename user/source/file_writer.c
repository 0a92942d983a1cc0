/* SPDX-License-Identifier: BSD-2-Clause */
/* Records to chunks, chunks to segments, segments to slots. */
#include "source/file_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/clock.h"
#include "source/file.h"
#include "source/file_state.h"

#define GATHER_MAX (FILE_CHUNK_MAX / 2) /* raw bytes; more do not pack better, and a crash loses less */
#define ZSTD_LEVEL 1                    /* a third of level 3's time for a tenth more bytes */
#define END_SIZE   sizeof(struct file_chunk)

struct gather {
	char *data;
	size_t len;
};

struct file_writer {
	int fd;
	int error; /* of the first write that failed */
	uint64_t slots_at;
	uint64_t slot_size;
	uint32_t nr_slots;
	uint64_t segment; /* that is being written */
	uint32_t index;   /* of its next chunk */
	uint64_t used;    /* bytes of its slot */
	uint64_t size;    /* of the file */
	uint64_t nr_records;
	uint64_t oldest_ns; /* of what is gathered */
	size_t max_raw;     /* bytes gathered at most */
	struct gather records;
	struct gather state;
	char *packed;
	size_t packed_size;
	ZSTD_CCtx *zstd;
	struct file_state *kept; /* as of the last chunk written */
};

static int write_at(struct file_writer *w, const void *data, size_t len, uint64_t at)
{
	const char *from = data;

	while (len) {
		ssize_t n = pwrite(w->fd, from, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		from += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	if (at > w->size)
		w->size = at;
	return 0;
}

static uint64_t segment_at(const struct file_writer *w)
{
	return w->slots_at + w->segment % w->nr_slots * w->slot_size;
}

/* Data first: a head without its data would be taken for damage. */
static int chunk_put(struct file_writer *w, struct file_chunk *chunk, const void *data)
{
	static const char zeros[8];
	uint64_t at = segment_at(w) + w->used, end = sizeof(*chunk) + chunk->stored_len;
	int error = 0;

	chunk->magic = FILE_CHUNK_MAGIC;
	chunk->segment = w->segment;
	chunk->index = w->index;
	chunk->data_crc = file_crc(0, data, chunk->stored_len);
	chunk->crc = file_chunk_crc(chunk);
	if (chunk->stored_len)
		error = write_at(w, data, chunk->stored_len, at + sizeof(*chunk));
	if (!error && file_align(end) != end)
		error = write_at(w, zeros, file_align(end) - end, at + end);
	if (!error)
		error = write_at(w, chunk, sizeof(*chunk), at);
	if (error)
		return error;
	w->used += file_align(end);
	w->index++;
	return 0;
}

static int end_put(struct file_writer *w, enum file_kind kind)
{
	return chunk_put(w, &(struct file_chunk){.kind = kind}, NULL);
}

/* Whether a chunk of `len` bytes fits into the segment, and its end behind it. */
static bool has_room(const struct file_writer *w, size_t len)
{
	return w->used + sizeof(struct file_chunk) + file_align(len) + END_SIZE <= w->slot_size;
}

/* Packs into w->packed; as they are when that is shorter. -ENOBUFS: the segment has no room for it. */
static int chunk_write(struct file_writer *w, enum file_kind kind, const struct gather *from)
{
	struct file_chunk chunk = {.kind = kind, .codec = FILE_ZSTD, .raw_len = (uint32_t)from->len};
	size_t len = ZSTD_compressCCtx(w->zstd, w->packed, w->packed_size, from->data, from->len, ZSTD_LEVEL);
	const char *data = w->packed;

	if (ZSTD_isError(len) || len >= from->len) {
		chunk.codec = FILE_RAW;
		data = from->data;
		len = from->len;
	}
	if (!has_room(w, len))
		return -ENOBUFS;
	chunk.stored_len = (uint32_t)len;
	return chunk_put(w, &chunk, data);
}

/* What the slot has no room for is left off. */
static int state_flush(struct file_writer *w)
{
	int error = w->state.len ? chunk_write(w, FILE_STATE, &w->state) : 0;

	w->state.len = 0;
	return error == -ENOBUFS ? 0 : error;
}

static int state_gather(void *arg, const struct lg_head *rec)
{
	struct file_writer *w = arg;
	int error = 0;

	if (w->state.len + rec->len > w->max_raw)
		error = state_flush(w);
	memcpy(w->state.data + w->state.len, rec, rec->len);
	w->state.len += rec->len;
	return error;
}

/* The oldest segment gives way; first its head, so that nobody begins to read in what is left of it. */
static int slot_clear(struct file_writer *w)
{
	static const struct file_chunk nothing;

	return file_writer_has_wrapped(w) ? write_at(w, &nothing, sizeof(nothing), segment_at(w)) : 0;
}

static int segment_next(struct file_writer *w)
{
	int error = end_put(w, FILE_END);

	if (error)
		return error;
	w->segment++;
	w->index = 0;
	w->used = 0;
	error = slot_clear(w);
	if (!error)
		error = file_state_each(w->kept, state_gather, w);
	return error ? error : state_flush(w);
}

/* The records that are in the file now count for the next segment's state. */
static void state_advance(struct file_writer *w)
{
	for (size_t at = 0; at < w->records.len;) {
		const struct lg_head *rec = (const void *)(w->records.data + at);

		file_state_add(w->kept, rec);
		at += rec->len;
	}
}

static int records_flush(struct file_writer *w)
{
	int error;

	if (!w->records.len)
		return 0;
	error = chunk_write(w, FILE_RECORDS, &w->records);
	if (error == -ENOBUFS) {
		error = segment_next(w);
		if (!error)
			error = chunk_write(w, FILE_RECORDS, &w->records);
	}
	if (error)
		return error;
	state_advance(w);
	w->records.len = 0;
	return 0;
}

static int record_gather(struct file_writer *w, const struct lg_head *rec)
{
	int error = 0;

	if (w->records.len + rec->len > w->max_raw)
		error = records_flush(w);
	if (error)
		return error;
	if (!w->records.len)
		w->oldest_ns = rec->time_ns;
	memcpy(w->records.data + w->records.len, rec, rec->len);
	w->records.len += rec->len;
	w->nr_records++;
	return 0;
}

/* Segments end where totals were just told, if they can: who begins to read there then has them. */
static int record_add(struct file_writer *w, const struct lg_head *rec)
{
	int error = record_gather(w, rec);

	if (error)
		return error;
	if (rec->kind == LG_REC_LOST && w->used + w->records.len > w->slot_size / 4 * 3) {
		error = records_flush(w);
		if (!error && w->used > w->slot_size / 4 * 3)
			error = segment_next(w);
	} else if (rec->kind == LG_REC_TICK && rec->time_ns >= w->oldest_ns + NS_PER_S) {
		error = records_flush(w);
	}
	return error;
}

/* A chunk that is there in part only would read as damage. */
static void tail_cut(struct file_writer *w)
{
	uint64_t end = segment_at(w) + w->used;

	if (w->segment < w->nr_slots && ftruncate(w->fd, (off_t)end) == 0)
		w->size = end;
}

static int failed(struct file_writer *w, int error)
{
	if (error && !w->error) {
		w->error = error;
		tail_cut(w);
	}
	return w->error;
}

int file_writer_add(struct file_writer *w, const struct lg_head *rec)
{
	return w->error ? w->error : failed(w, record_add(w, rec));
}

static int last_put(struct file_writer *w)
{
	int error = records_flush(w);

	return error ? error : end_put(w, FILE_LAST);
}

int file_writer_finish(struct file_writer *w)
{
	return w->error ? w->error : failed(w, last_put(w));
}

uint64_t file_writer_size(const struct file_writer *w)
{
	return w->size;
}

uint64_t file_writer_records(const struct file_writer *w)
{
	return w->nr_records;
}

bool file_writer_has_wrapped(const struct file_writer *w)
{
	return w->segment >= w->nr_slots;
}

static int head_write(struct file_writer *w, uint64_t max_size, const char *json, const void *targets, size_t len)
{
	struct file_head head = {.magic = FILE_MAGIC, .order = FILE_ORDER, .version = FILE_VERSION};
	uint64_t end;
	int error;

	head.json_len = (uint32_t)strlen(json);
	head.targets_len = (uint32_t)len;
	end = sizeof(head) + head.json_len + len;
	if (head.json_len > FILE_JSON_MAX || file_align(end) > FILE_HEAD_MAX)
		return -E2BIG;
	w->slots_at = file_align(end);
	w->nr_slots = FILE_SLOTS;
	w->slot_size = (max_size - w->slots_at) / FILE_SLOTS & ~(uint64_t)7;
	head.nr_slots = w->nr_slots;
	head.slot_size = w->slot_size;
	head.crc = file_crc(0, &head, offsetof(struct file_head, crc));
	head.crc = file_crc(head.crc, json, head.json_len);
	head.crc = file_crc(head.crc, targets, len);
	error = write_at(w, &head, sizeof(head), 0);
	if (!error)
		error = write_at(w, json, head.json_len, sizeof(head));
	if (!error)
		error = write_at(w, targets, len, sizeof(head) + head.json_len);
	if (!error && w->slots_at != end)
		error = write_at(w, "\0\0\0\0\0\0\0", w->slots_at - end, end);
	return error;
}

static int buffers_new(struct file_writer *w)
{
	/* A chunk that does not shrink must fit into a slot, beside its state; the longest record has 64 KB. */
	w->max_raw = w->slot_size / 4 < GATHER_MAX ? w->slot_size / 4 : GATHER_MAX;
	if (w->max_raw <= UINT16_MAX)
		w->max_raw = UINT16_MAX + 1;
	w->records.data = malloc(w->max_raw);
	w->state.data = malloc(w->max_raw);
	w->packed_size = ZSTD_compressBound(w->max_raw);
	w->packed = malloc(w->packed_size);
	w->zstd = ZSTD_createCCtx();
	w->kept = file_state_new(w->slot_size / 2);
	return w->records.data && w->state.data && w->packed && w->zstd && w->kept ? 0 : -ENOMEM;
}

static int file_make(struct file_writer *w, const char *path, struct err *err)
{
	struct stat st;

	w->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
	if (w->fd < 0)
		return err_set(err, EXIT_CODE_FAILED, errno, "cannot write to %s: %s", path, strerror(errno));
	if (fstat(w->fd, &st) || !S_ISREG(st.st_mode)) {
		err_hint(err, "a recording is written as a ring, which a pipe or a device cannot hold");
		return err_set(err, EXIT_CODE_USAGE, EINVAL, "%s is no regular file", path);
	}
	return 0;
}

int file_writer_open(struct file_writer **out, const char *path, struct err *err)
{
	struct file_writer *w = calloc(1, sizeof(*w));

	*out = w;
	if (!w)
		return err_set(err, EXIT_CODE_FAILED, ENOMEM, "no memory left");
	w->fd = -1;
	return file_make(w, path, err);
}

int file_writer_begin(struct file_writer *w, uint64_t max_size, const struct file_info *info, const void *targets,
		      size_t targets_len)
{
	char *json = NULL;
	int error = 0;

	/* It may hold what requests carry: cookies, tokens. */
	if (fchmod(w->fd, 0600) || ftruncate(w->fd, 0))
		error = -errno;
	if (!error)
		error = file_info_format(info, &json);
	if (!error)
		error = head_write(w, max_size, json, targets, targets_len);
	if (!error)
		error = buffers_new(w);
	free(json);
	w->error = error;
	return error;
}

void file_writer_close(struct file_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	free(w->records.data);
	free(w->state.data);
	free(w->packed);
	ZSTD_freeCCtx(w->zstd);
	file_state_free(w->kept);
	free(w);
}
