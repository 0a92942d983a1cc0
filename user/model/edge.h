/* SPDX-License-Identifier: BSD-2-Clause */
/* IO records: what each does to its connection, and what kind of edge it is for the turn of its loop. */
#ifndef LG_EDGE_H
#define LG_EDGE_H

#include "lg_record.h"
#include "model/owner.h"

struct loop;
struct model;

void edge_feed(struct model *m, const struct lg_rec_io *io);

/* The runtime's answer: an edge too. */
void edge_feed_owner(struct model *m, const struct lg_rec_owner *rec);

/* The same answer without its being an edge: whose the code is that it speaks of, valid until the next record. */
struct owner edge_owner(const struct model *m, const struct loop *l, const struct lg_rec_owner *rec);

#endif
