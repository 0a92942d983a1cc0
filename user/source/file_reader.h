/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a recording (file.h), which may have been made elsewhere, cut short, damaged or forged: what is handed out has
 * passed the CRC of its chunk and record_check().
 *
 * Reading ends at the first damage, and file_reader_damage() says so: what stands behind may not belong to what was
 * read before.
 */
#ifndef LG_FILE_READER_H
#define LG_FILE_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "lg_record.h"
#include "source/file_info.h"

struct file_reader;

/* Fails when nothing can be read at all. *out is to be closed in any case. */
int file_reader_open(struct file_reader **out, const char *path, struct err *err);
/* NULL is ignored. */
void file_reader_close(struct file_reader *r);

/* Valid while the reader is open. */
const struct file_info *file_reader_info(const struct file_reader *r);

/* The processes named at the start, from *pos = 0 on: NULL behind the last one. Valid until the next call. */
const struct lg_rec_target *file_reader_target(struct file_reader *r, size_t *pos);

/*
 * The next record: 1; 0 at the end; -errno when the file cannot be read. *is_state: it was told before what is left of
 * the recording, and is restated; such records come first. *rec is valid until the next call.
 */
int file_reader_next(struct file_reader *r, const struct lg_head **rec, bool *is_state);

/* One sentence without a full stop on what could not be read; NULL: all was. Complete once the end was reached. */
const char *file_reader_damage(const struct file_reader *r);

#endif
