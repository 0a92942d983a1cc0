/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A recording as it lies on disk: what writer and reader agree on.
 *
 *     head    struct file_head, its JSON text, the TARGET records of the processes named at the start; padded to 8
 *     slots   nr_slots of slot_size bytes each; segment n lies in slot n % nr_slots, so the newest segments remain
 *
 * A segment is chunks, one behind the other from the beginning of its slot. A chunk is struct file_chunk and
 * stored_len bytes, padded to 8; decompressed they are whole records, as in lg_record.h. A segment can be read without
 * those before it: its first chunks restate what still holds then (FILE_STATE), and count only for who begins to read
 * there. Its last one is empty and says that it is whole (FILE_END), or that all of the recording is (FILE_LAST).
 *
 * Every byte that counts is under a CRC-32. Integers are in the byte order of who recorded; `order` tells it.
 */
#ifndef LG_FILE_H
#define LG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lg_types.h"

#define FILE_MAGIC       "lgtrace" /* with its NUL: 8 bytes */
#define FILE_ORDER       0x01020304
#define FILE_VERSION     1
#define FILE_CHUNK_MAGIC 0x4b4e4843 /* "CHNK" */

#define FILE_SLOTS     8         /* so much of a full recording, an eighth, is given up at a time */
#define FILE_CHUNK_MAX (1 << 20) /* raw bytes of a chunk: more would not pack better */
#define FILE_JSON_MAX  (64 << 10)
#define FILE_HEAD_MAX  (1 << 20) /* everything before the slots */

struct file_head {
	char magic[8];
	uint32_t order;   /* FILE_ORDER */
	uint32_t version; /* FILE_VERSION: grows when older readers would go wrong; new kinds of records do not */
	uint64_t slot_size;
	uint32_t nr_slots;
	uint32_t json_len;
	uint32_t targets_len;
	uint32_t crc; /* of all the bytes above, the JSON and the targets */
};
LG_SIZE(struct file_head, 40);

enum file_kind {
	FILE_RECORDS = 1,
	FILE_STATE = 2, /* records that restate */
	FILE_END = 3,   /* of the segment; empty */
	FILE_LAST = 4,  /* of the recording; empty */
};

enum file_codec {
	FILE_RAW = 0,
	FILE_ZSTD = 1,
};

struct file_chunk {
	uint32_t magic;
	uint32_t crc;      /* of the rest of this struct */
	uint64_t segment;  /* from 0 */
	uint32_t index;    /* in its segment, from 0 */
	uint32_t data_crc; /* of the bytes as they are stored */
	uint32_t stored_len;
	uint32_t raw_len;
	uint8_t kind;  /* enum file_kind */
	uint8_t codec; /* enum file_codec */
	uint8_t pad[6];
};
LG_SIZE(struct file_chunk, 40);

static inline uint64_t file_align(uint64_t n)
{
	return (n + 7) & ~(uint64_t)7;
}

/* Whether a recording is what lies there, as far as its first bytes tell. */
bool file_is_recording(const char *path);

/* CRC-32 of `len` bytes, going on from `crc` (0 at the start). */
uint32_t file_crc(uint32_t crc, const void *data, size_t len);
/* What stands in chunk.crc. */
uint32_t file_chunk_crc(const struct file_chunk *chunk);

#endif
