/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes a recording (file.h): packed, bounded in size, readable up to what was written whatever happens to us or to
 * the disk.
 *
 * Records are gathered in memory and written at a TICK once the oldest of them waits for a second, or when there are
 * enough. A write that fails ends the recording: what was written stays, every later call returns the same error.
 */
#ifndef LG_FILE_WRITER_H
#define LG_FILE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lg_record.h"
#include "source/file_info.h"

#define FILE_SIZE_MIN (2 << 20) /* bytes of the smallest --max-size: slots of 256 KiB, so chunks of up to 64 KiB */

struct file_writer;

/* Makes the file, or opens one that is there and leaves it as it is so far. *out is to be closed in any case. */
int file_writer_open(struct file_writer **out, const char *path, struct err *err);

/*
 * Empties the file, makes it readable by its owner only and writes its head; records may follow. `max_size` is
 * FILE_SIZE_MIN at least; `targets` are the TARGET records of the processes named at the start, one behind the other. 0
 * or -errno.
 */
int file_writer_begin(struct file_writer *w, uint64_t max_size, const struct file_info *info, const void *targets,
		      size_t targets_len);

/* Takes one checked record. 0 or -errno. */
int file_writer_add(struct file_writer *w, const struct lg_head *rec);

/* Writes what is left and says that the recording is whole. 0 or -errno, as from every call before. */
int file_writer_finish(struct file_writer *w);

/* Bytes in the file, and records that were given. */
uint64_t file_writer_size(const struct file_writer *w);
uint64_t file_writer_records(const struct file_writer *w);
/* Whether older records were overwritten. */
bool file_writer_has_wrapped(const struct file_writer *w);

/* NULL is ignored. Without file_writer_finish() the recording reads as one that was cut short. */
void file_writer_close(struct file_writer *w);

#endif
