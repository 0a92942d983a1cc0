/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP on a client's connection: reads become requests, writes become the ends of their responses.
 *
 * A response ends when its length was written or its last chunk; with the connection, when it says neither. Where
 * its head is not understood (not captured, or longer than what was), or its chunks cannot be seen, its
 * end is open: the request counts as in flight in turns that write to it, and ends, as of its last write, when
 * the next request's head is read, the next response begins or the connection is closed.
 */
#ifndef LG_EXCHANGE_H
#define LG_EXCHANGE_H

#include "model/conn.h"

/* Bytes were read. Returns whom the code works for then: the newest request, complete or not; NULL: unknown. */
struct request *exchange_read(struct model *m, struct conn *c, struct loop *l, const struct lg_rec_io *io);

/* Bytes were written. */
void exchange_write(struct model *m, struct conn *c, const struct lg_rec_io *io);

/* What an IO record has of the bytes. */
struct http_span exchange_span(const struct lg_rec_io *io);

#endif
