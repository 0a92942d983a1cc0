/* SPDX-License-Identifier: BSD-2-Clause */
/* One row a kind: its least size, and where a length of variable bytes stands. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

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

/* Counts of a stack's frames are indexes for its readers. */
static size_t stack_size(const struct lg_head *head)
{
	const struct lg_rec_stack *stack = (const void *)head;
	bool is_sound = stack->nr_native <= LG_STACK_MAX && stack->nr_code <= LG_STACK_MAX &&
			stack->nr_runs <= LG_STACK_RUNS_MAX && stack->nr_kernel <= LG_STACK_KERNEL_MAX &&
			stack->copied <= LG_STACK_COPY;

	return is_sound ? offsetof(struct lg_rec_stack, copy) + stack->copied : SIZE_MAX;
}

static size_t frames_size(const struct lg_head *head)
{
	const struct lg_rec_frames *frames = (const void *)head;
	size_t at = 0;

	if (frames->frames_len > head->len - sizeof(*frames))
		return SIZE_MAX;
	for (unsigned i = 0; i < frames->nr; i++) {
		struct lg_frame frame;

		if (frames->frames_len - at < sizeof(frame))
			return SIZE_MAX;
		memcpy(&frame, frames->frames + at, sizeof(frame));
		at += sizeof(frame);
		if ((size_t)frame.function_len + frame.file_len > frames->frames_len - at)
			return SIZE_MAX;
		at += frame.function_len + frame.file_len;
	}
	return sizeof(*frames) + frames->frames_len;
}

static size_t waiting_size(const struct lg_head *head)
{
	const struct lg_rec_waiting *waiting = (const void *)head;

	return sizeof(*waiting) + (size_t)waiting->nr * sizeof(waiting->inodes[0]);
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
	[LG_REC_STACK] = {offsetof(struct lg_rec_stack, copy), stack_size},
	[LG_REC_FRAMES] = {sizeof(struct lg_rec_frames), frames_size},
	[LG_REC_BUDGET] = {sizeof(struct lg_rec_budget), NULL},
	[LG_REC_ASLEEP] = {sizeof(struct lg_rec_asleep), NULL},
	[LG_REC_WAITING] = {sizeof(struct lg_rec_waiting), waiting_size},
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
