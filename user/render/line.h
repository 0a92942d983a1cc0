/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Live lines for people: one a stall, in aligned columns, and with --requests one a request in the same columns.
 *
 *     TIME           LENGTH  CAUSE                           REQUEST                      SURE    VICTIMS
 *     14:03:22.104   104 ms  syscall connect 127.0.0.1:5432  GET /report/42  id=abc       exact         3
 *                            in load_report (srv/shop/orders.py:41)
 *                            hint: what to do about it, the first time
 *
 * On a terminal a line never wraps: cells are cut, the request's id goes first. Into a file nothing is
 * cut: a long cell moves the rest of its line. The loop is named behind it once there is more than one.
 */
#ifndef LG_RENDER_LINE_H
#define LG_RENDER_LINE_H

#include "render/render.h"
#include "render/target.h"

#define LINE_LOOP_LEN 128 /* longest text of line_format_loop() with its NUL */

/* What is traced, and the heading of the columns. */
void line_begin(struct render *r, const struct render_header *header);
void line_stuck(struct render *r, const struct model_stuck *stuck);
void line_stall(struct render *r, const struct model_stall *stall);
void line_request(struct render *r, const struct model_done *done);
/* Small holds that added up, in the columns of a stall: the sum, how many, and the routes that made it. */
void line_cumulative(struct render *r, const struct model_cumulative *sum);

/* Whether a time has its ms, for which narrow terminals have no room; and the columns before those of the cause. */
bool line_has_ms(const struct render *r);
int line_indent(const struct render *r);

#define LINE_DETAIL_LEN  (TARGET_LEN + 160)     /* longest text of line_format_detail() with its NUL, */
#define LINE_CAUSE_LEN   (LINE_DETAIL_LEN + 16) /* and of line_format_cause() */
#define LINE_REQUEST_LEN (TARGET_LEN + 16)      /* longest text of line_format_request() with its NUL */

/* "syscall connect 127.0.0.1:5432 (postgresql)", "cpu", "import yaml": raw bytes, to be escaped. */
void line_format_cause(char *buf, size_t size, const struct model_stall *stall);
/* "GET /report/42", or "client 10.0.0.2:51234" for another protocol than HTTP: raw bytes, to be escaped. */
void line_format_request(char *buf, size_t size, const struct model_request *request);

/* "4242 uvicorn" for a process's first thread, "4242/4250 worker" for others; comm may be NULL. Printable. */
void line_format_loop(char *buf, size_t size, uint32_t pid, uint32_t tid, const char *comm, bool utf8);

/*
 * Raw "connect 127.0.0.1:5432 (postgresql)", "fsync /var/db", "getrandom (on cpu)", "import yaml", or an empty text:
 * what the cause was about.
 */
void line_format_detail(char *buf, size_t size, const struct model_stall *stall);

#endif
