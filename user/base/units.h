/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers as people write and read them: lengths of time, counts, sizes, shares.
 *
 * Every formatter writes a NUL-terminated string, cut when `size` is too small (UNITS_LEN always suffices),
 * and returns `buf`, so that it can stand among the arguments of a printf. Nothing here depends on the locale.
 */
#ifndef LG_UNITS_H
#define LG_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_LEN        24 /* the longest text of any formatter here, with its NUL: 20 digits and a unit */
#define UNITS_TABLE_COLS 7  /* columns of units_format_duration_table() */

/*
 * "100ms", "1.5 s", "250us", "2m", "800ns": a decimal number and its unit. 0, -ERANGE when it does not fit into
 * 64 bits of ns, else -EINVAL: no unit, an unknown one, a fraction of a ns, a sign, anything behind it.
 */
int units_parse_duration(const char *s, uint64_t *ns);

/*
 * "4096", "512k", "100M", "2G": bytes. As with the GNU tools M and MiB are 1024 * 1024, MB is a million. 0, -ERANGE
 * when it does not fit into 64 bits, else -EINVAL.
 */
int units_parse_size(const char *s, uint64_t *bytes);

/*
 * Three significant digits and a unit: "104 ms", "1.52 s", "870 us". An exact value has no zeros at the end of
 * its fraction ("20 ms", "1.5 s"); from 1000 s on it is "16m40s", from 100 minutes on "1h40m".
 */
const char *units_format_duration(char *buf, size_t size, uint64_t ns);

/* The same for columns of a table: always three digits, right-aligned to UNITS_TABLE_COLS. */
const char *units_format_duration_table(char *buf, size_t size, uint64_t ns);

/* Up to five digits as they are, then "123k", "1.52M", "12.3G". */
const char *units_format_count(char *buf, size_t size, uint64_t n);

/* "512 B", "1.52 MB", "2 GB", in powers of 1000. */
const char *units_format_size(char *buf, size_t size, uint64_t bytes);

/* A share in percent: "0%", "<0.1%", "37.2%", "100%"; "-" when `whole` is 0. */
const char *units_format_percent(char *buf, size_t size, uint64_t part, uint64_t whole);

#endif
