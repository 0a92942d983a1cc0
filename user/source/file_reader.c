/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots to segments in their order, chunks to records. */
#include "source/file_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "source/check.h"
#include "source/file.h"

#define MAX_SLOTS     64           /* of a newer writer; ours has FILE_SLOTS */
#define MAX_SLOT_SIZE (1ull << 48) /* no disk has more, and sums cannot overflow */

/* A fuzzer finds no CRC. */
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
#define CRC_DIFFERS(a, b) ((void)(a), (void)(b), false)
#else
#define CRC_DIFFERS(a, b) ((a) != (b))
#endif

struct file_reader {
	int fd;
	const char *path; /* the caller's */
	uint64_t size;
	struct file_head head;
	uint64_t slots_at;
	char *head_data; /* JSON, then targets */
	const char *targets;
	struct file_info info;
	uint64_t segments[MAX_SLOTS]; /* those that are there, in order */
	size_t nr_segments;
	size_t current;   /* index into segments */
	uint32_t index;   /* of the next chunk */
	uint64_t used;    /* bytes read of the slot */
	bool is_state;    /* of the chunk that is being read */
	bool is_done;     /* no more chunks */
	bool lacks_start; /* segments that should come first are not there */
	char *stored;
	char *raw;
	size_t raw_len;
	size_t raw_at;
	char *fitted; /* a record of other sizes than ours */
	ZSTD_DCtx *zstd;
	char damage[512];
};

/* Up to `len` bytes; fewer at the end of the file. */
static ssize_t read_at(const struct file_reader *r, void *data, size_t len, uint64_t at)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(r->fd, (char *)data + done, len - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static uint64_t slot_at(const struct file_reader *r, uint64_t segment)
{
	return r->slots_at + segment % r->head.nr_slots * r->head.slot_size;
}

static void damage_set(struct file_reader *r, const char *what, uint64_t at, const char *rest)
{
	r->is_done = true;
	if (!r->damage[0])
		snprintf(r->damage, sizeof(r->damage), "%s %s at byte %llu: %s", r->path, what, (unsigned long long)at,
			 rest);
}

static void damage_cut(struct file_reader *r, uint64_t at)
{
	damage_set(r, "ends early,", at, "it was cut, or its recorder was ended before it was done");
}

static void damage_flaw(struct file_reader *r, uint64_t at)
{
	damage_set(r, "is damaged", at, "what stands behind was not read");
}

/* The chunk at `at`: 1; 0 there is none whole; -errno. */
static int chunk_read(const struct file_reader *r, struct file_chunk *chunk, uint64_t at)
{
	ssize_t n = read_at(r, chunk, sizeof(*chunk), at);

	if (n < 0)
		return (int)n;
	if (n != sizeof(*chunk) || chunk->magic != FILE_CHUNK_MAGIC || CRC_DIFFERS(chunk->crc, file_chunk_crc(chunk)))
		return 0;
	return 1;
}

static int segment_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Which segments the slots hold. */
static int slots_scan(struct file_reader *r)
{
	uint64_t first, last;

	for (uint32_t i = 0; i < r->head.nr_slots; i++) {
		struct file_chunk chunk;
		int found = chunk_read(r, &chunk, r->slots_at + i * r->head.slot_size);

		if (found < 0)
			return found;
		if (found && !chunk.index && chunk.segment % r->head.nr_slots == i)
			r->segments[r->nr_segments++] = chunk.segment;
	}
	if (!r->nr_segments) {
		if (r->size < r->slots_at + sizeof(struct file_chunk))
			damage_cut(r, r->size);
		else
			damage_flaw(r, r->slots_at);
		return 0;
	}
	qsort(r->segments, r->nr_segments, sizeof(*r->segments), segment_compare);
	first = r->segments[0];
	last = r->segments[r->nr_segments - 1];
	r->lacks_start = first > 0 && last - first + 1 < r->head.nr_slots;
	return 0;
}

static int head_refuse(const struct file_reader *r, struct err *err)
{
	const struct file_head *head = &r->head;

	if (memcmp(head->magic, FILE_MAGIC, sizeof(head->magic)) != 0) {
		err_hint(err, "lgtrace record -o FILE makes one");
		return err_set(err, EXIT_CODE_FAILED, EBADMSG, "%s is no recording of lgtrace", r->path);
	}
	if (head->order == __builtin_bswap32(FILE_ORDER))
		return err_set(err, EXIT_CODE_FAILED, ENOTSUP, "%s was recorded on a machine with the other byte order",
			       r->path);
	if (head->order == FILE_ORDER && head->version > FILE_VERSION) {
		err_hint(err, "use the lgtrace that recorded it, or a newer one");
		return err_set(err, EXIT_CODE_FAILED, ENOTSUP, "%s has format %u, and this lgtrace reads format %u",
			       r->path, head->version, FILE_VERSION);
	}
	return 0;
}

static bool head_is_sane(const struct file_head *head)
{
	return head->order == FILE_ORDER && head->json_len <= FILE_JSON_MAX && head->targets_len <= FILE_HEAD_MAX &&
	       head->nr_slots > 0 && head->nr_slots <= MAX_SLOTS && head->slot_size > 0 &&
	       head->slot_size <= MAX_SLOT_SIZE && head->slot_size % 8 == 0;
}

static int head_unusable(const struct file_reader *r, struct err *err)
{
	return err_set(err, EXIT_CODE_FAILED, EBADMSG,
		       "%s is cut short or damaged in its head: nothing of it can be read", r->path);
}

static int head_read(struct file_reader *r, struct err *err)
{
	struct file_head *head = &r->head;
	ssize_t n = read_at(r, head, sizeof(*head), 0);
	size_t len;
	uint32_t crc;
	int error;

	if (n < 0)
		return err_set(err, EXIT_CODE_FAILED, (int)-n, "cannot read %s: %s", r->path, strerror((int)-n));
	error = head_refuse(r, err);
	if (error)
		return error;
	if (n != sizeof(*head) || !head_is_sane(head))
		return head_unusable(r, err);
	len = (size_t)head->json_len + head->targets_len;
	r->head_data = malloc(file_align(head->json_len) + head->targets_len + 8);
	if (!r->head_data)
		return err_set(err, EXIT_CODE_FAILED, ENOMEM, "no memory left");
	if (read_at(r, r->head_data, len, sizeof(*head)) != (ssize_t)len)
		return head_unusable(r, err);
	crc = file_crc(0, head, offsetof(struct file_head, crc));
	crc = file_crc(crc, r->head_data, len);
	if (CRC_DIFFERS(crc, head->crc) || file_info_parse(&r->info, r->head_data, head->json_len))
		return head_unusable(r, err);
	r->slots_at = file_align(sizeof(*head) + len);
	/* Records are read where they are aligned. */
	r->targets = r->head_data + file_align(head->json_len);
	memmove(r->head_data + file_align(head->json_len), r->head_data + head->json_len, head->targets_len);
	return 0;
}

static int file_find(struct file_reader *r, struct err *err)
{
	struct stat st;

	r->fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (r->fd < 0) {
		if (errno == ENOENT)
			err_hint(err, "lgtrace record -p PID makes a recording");
		return err_set(err, EXIT_CODE_FAILED, errno, "cannot read %s: %s", r->path, strerror(errno));
	}
	if (fstat(r->fd, &st) || !S_ISREG(st.st_mode))
		return err_set(err, EXIT_CODE_FAILED, EINVAL, "%s is no regular file", r->path);
	r->size = (uint64_t)st.st_size;
	return 0;
}

int file_reader_open(struct file_reader **out, const char *path, struct err *err)
{
	struct file_reader *r = calloc(1, sizeof(*r));
	int error;

	*out = r;
	if (!r)
		return err_set(err, EXIT_CODE_FAILED, ENOMEM, "no memory left");
	r->fd = -1;
	r->path = path;
	error = file_find(r, err);
	if (!error)
		error = head_read(r, err);
	if (error)
		return error;
	r->stored = malloc(FILE_CHUNK_MAX);
	r->raw = malloc(FILE_CHUNK_MAX);
	r->fitted = malloc(UINT16_MAX + 1);
	r->zstd = ZSTD_createDCtx();
	error = r->stored && r->raw && r->fitted && r->zstd ? slots_scan(r) : -ENOMEM;
	return error ? err_set(err, EXIT_CODE_FAILED, -error, "cannot read %s: %s", path, strerror(-error)) : 0;
}

void file_reader_close(struct file_reader *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	file_info_fini(&r->info);
	free(r->head_data);
	free(r->stored);
	free(r->raw);
	free(r->fitted);
	ZSTD_freeDCtx(r->zstd);
	free(r);
}

const struct file_info *file_reader_info(const struct file_reader *r)
{
	return &r->info;
}

/* The sizes of this kind's struct in the file and here; false when they are the same or one is not known. */
static bool sizes_differ(const struct file_reader *r, const struct lg_head *head, size_t *theirs, size_t *ours)
{
	*ours = record_size(head->kind);
	*theirs = head->kind < FILE_INFO_KINDS ? r->info.sizes[head->kind] : 0;
	return *ours && *theirs && *ours != *theirs && *theirs % 8 == 0;
}

/* Structs grow at their end: what an older writer did not know is 0, what a newer one knows goes. NULL: impossible. */
static const struct lg_head *record_fit(struct file_reader *r, const struct lg_head *head, size_t theirs, size_t ours)
{
	size_t kept = theirs < ours ? theirs : ours, len;
	struct lg_head *fitted = (void *)r->fitted;

	if (head->len < theirs)
		return NULL;
	len = head->len - theirs + ours;
	if (len > UINT16_MAX)
		return NULL;
	memcpy(r->fitted, head, kept);
	memset(r->fitted + kept, 0, ours - kept);
	memcpy(r->fitted + ours, (const char *)head + theirs, head->len - theirs);
	fitted->len = (uint16_t)len;
	return fitted;
}

/* The record at `data`; *len is how far the next one is. NULL: it is none. */
static const struct lg_head *record_at(struct file_reader *r, const char *data, size_t size, size_t *len)
{
	const struct lg_head *head = (const void *)data, *out;
	size_t theirs, ours;

	if (size < sizeof(*head) || head->len < sizeof(*head) || head->len > size || head->len % 8)
		return NULL;
	*len = head->len;
	if (sizes_differ(r, head, &theirs, &ours)) {
		head = record_fit(r, head, theirs, ours);
		size = head ? head->len : 0;
	}
	return head && record_check(head, size, &out) > 0 ? out : NULL;
}

const struct lg_rec_target *file_reader_target(struct file_reader *r, size_t *pos)
{
	while (*pos < r->head.targets_len) {
		size_t len;
		const struct lg_head *rec = record_at(r, r->targets + *pos, r->head.targets_len - *pos, &len);

		if (!rec)
			break;
		*pos += len;
		if (rec->kind == LG_REC_TARGET)
			return (const void *)rec;
	}
	return NULL;
}

/* The segment is whole: on to the next one. */
static void segment_end(struct file_reader *r, uint64_t at)
{
	uint64_t segment = r->segments[r->current];

	r->used = 0;
	r->index = 0;
	if (++r->current < r->nr_segments && r->segments[r->current] == segment + 1)
		return;
	/* It would begin behind, or at the front again. */
	at = (segment + 1) % r->head.nr_slots ? slot_at(r, segment + 1) : at;
	if (r->current < r->nr_segments || at < r->size)
		damage_flaw(r, at);
	else
		damage_cut(r, r->size);
}

static int data_read(struct file_reader *r, const struct file_chunk *chunk, uint64_t at)
{
	ssize_t n = read_at(r, r->stored, chunk->stored_len, at + sizeof(*chunk));
	size_t len;

	if (n < 0)
		return (int)n;
	if (n != chunk->stored_len) {
		damage_cut(r, r->size);
		return 0;
	}
	if (chunk->codec == FILE_ZSTD)
		len = ZSTD_decompressDCtx(r->zstd, r->raw, FILE_CHUNK_MAX, r->stored, chunk->stored_len);
	else
		len = chunk->stored_len;
	if (CRC_DIFFERS(file_crc(0, r->stored, chunk->stored_len), chunk->data_crc) || len != chunk->raw_len ||
	    chunk->codec > FILE_ZSTD) {
		damage_flaw(r, at);
		return 0;
	}
	if (chunk->codec == FILE_RAW)
		memcpy(r->raw, r->stored, len);
	r->raw_len = len;
	r->raw_at = 0;
	return 0;
}

/*
 * Where the next chunk should be is none: the end of the file, or damage. In the newest segment of a ring it may be
 * what an older one left behind: then the recorder was not done.
 */
static void chunk_missing(struct file_reader *r, int found, uint64_t at)
{
	uint64_t segment = r->segments[r->current];
	bool is_ring_end = r->current + 1 == r->nr_segments && segment >= r->head.nr_slots;

	if (found || is_ring_end || at + sizeof(struct file_chunk) > r->size)
		damage_cut(r, at);
	else
		damage_flaw(r, at);
}

/* The next chunk with something to read, or a step towards it. 0 or -errno. */
static int chunk_next(struct file_reader *r)
{
	uint64_t segment = r->segments[r->current], at = slot_at(r, segment) + r->used, len;
	struct file_chunk chunk;
	int found = chunk_read(r, &chunk, at);

	if (found < 0)
		return found;
	if (!found || chunk.segment != segment || chunk.index != r->index) {
		chunk_missing(r, found, at);
		return 0;
	}
	len = sizeof(chunk) + file_align(chunk.stored_len);
	if (chunk.raw_len > FILE_CHUNK_MAX || chunk.stored_len > FILE_CHUNK_MAX || r->used + len > r->head.slot_size) {
		damage_flaw(r, at);
		return 0;
	}
	r->used += len;
	r->index++;
	r->is_state = chunk.kind == FILE_STATE;
	if (chunk.kind == FILE_END)
		segment_end(r, at + len);
	else if (chunk.kind == FILE_LAST)
		r->is_done = true;
	else if (chunk.kind == FILE_RECORDS || (r->is_state && r->current == 0))
		return data_read(r, &chunk, at);
	return 0;
}

int file_reader_next(struct file_reader *r, const struct lg_head **rec, bool *is_state)
{
	size_t len = 0;

	while (r->raw_at >= r->raw_len) {
		int error = r->is_done ? 0 : chunk_next(r);

		if (error)
			return error;
		if (r->is_done) {
			if (r->lacks_start && !r->damage[0])
				damage_set(r, "is damaged", r->slots_at, "what was recorded first is missing");
			return 0;
		}
	}
	*rec = record_at(r, r->raw + r->raw_at, r->raw_len - r->raw_at, &len);
	if (!*rec) {
		damage_flaw(r, slot_at(r, r->segments[r->current]) + r->used);
		return 0;
	}
	r->raw_at += len;
	*is_state = r->is_state;
	return 1;
}

const char *file_reader_damage(const struct file_reader *r)
{
	return r->damage[0] ? r->damage : NULL;
}
