/* SPDX-License-Identifier: BSD-2-Clause */
/* One row a kind: its least size, and where a length of variable bytes stands. */
#include <errno.h>
#include <stdint.h>

#include "lg_slot.h"
#include "source/check.h"

static size_t io_size(const struct lg_head *head)
{
	const struct lg_rec_io *io = (const void *)head;

	return sizeof(*io) + io->captured;
}

static size_t target_size(const struct lg_head *head)
{
	const struct lg_rec_target *target = (const void *)head;

	return sizeof(*target) + target->exe_len;
}

static size_t path_size(const struct lg_head *head)
{
	const struct lg_rec_path *path = (const void *)head;

	return sizeof(*path) + path->path_len;
}

static const struct {
	size_t least;
	size_t (*needed)(const struct lg_head *head); /* bytes with the variable part; NULL: there is none */
} kinds[] = {
	[LG_REC_THREAD] = {sizeof(struct lg_rec_thread), NULL},
	[LG_REC_CONN] = {sizeof(struct lg_rec_conn), NULL},
	[LG_REC_IO] = {sizeof(struct lg_rec_io), io_size},
	[LG_REC_OFF] = {sizeof(struct lg_rec_off), NULL},
	[LG_REC_TURN] = {sizeof(struct lg_rec_turn), NULL},
	[LG_REC_NAMES] = {sizeof(struct lg_rec_names), NULL},
	[LG_REC_OWNER] = {sizeof(struct lg_rec_owner), NULL},
	[LG_REC_TARGET] = {sizeof(struct lg_rec_target), target_size},
	[LG_REC_PATH] = {sizeof(struct lg_rec_path), path_size},
	[LG_REC_LOOP] = {sizeof(struct lg_rec_loop), NULL},
	[LG_REC_LOST] = {sizeof(struct lg_rec_lost), NULL},
	[LG_REC_CLOCK] = {sizeof(struct lg_rec_clock), NULL},
	[LG_REC_TICK] = {sizeof(struct lg_rec_tick), NULL},
};

size_t record_size(unsigned kind)
{
	return kind < sizeof(kinds) / sizeof(*kinds) ? kinds[kind].least : 0;
}

int record_check(const void *data, size_t size, const struct lg_head **out)
{
	const struct lg_head *head = data;

	if (size < sizeof(*head) || (uintptr_t)data % 8)
		return -EBADMSG;
	if (head->len < sizeof(*head) || head->len > size || head->len % 8)
		return -EBADMSG;
	if (head->kind < sizeof(kinds) / sizeof(*kinds)) {
		if (head->len < kinds[head->kind].least)
			return -EBADMSG;
		if (kinds[head->kind].needed && kinds[head->kind].needed(head) > head->len)
			return -EBADMSG;
	}
	*out = head;
	return head->len;
}
