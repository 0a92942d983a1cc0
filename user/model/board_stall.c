/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stalls and turns that do not end: copies of them, and where they are found. What a copy has no room for is cut: the
 * frames of deep stacks, and long names.
 */
#include <string.h>

#include "model/board.h"

static void bytes_copy(char *out, size_t size, const char *text)
{
	size_t len = strnlen(text, size - 1);

	memcpy(out, text, len);
	out[len] = '\0';
}

static void frame_copy(struct board_stall *s, unsigned i, const struct model_frame *frame)
{
	s->frames[i] = *frame;
	bytes_copy(s->names[i].function, sizeof(s->names[i].function), frame->function);
	bytes_copy(s->names[i].file, sizeof(s->names[i].file), frame->file);
}

void board_stall_tie(struct board_stall *s)
{
	s->stall.comm = s->comm;
	if (s->stall.block)
		s->stall.block = &s->block;
	if (s->stall.block_path)
		s->stall.block_path = s->block_path;
	if (s->stall.request)
		s->stall.request = &s->request;
	for (unsigned i = 0; i < s->stall.nr_victims_told; i++)
		s->victims[i] = s->victim_ids[i];
	s->stall.victims = s->victims;
	for (unsigned i = 0; i <= BOARD_FRAMES; i++) {
		s->frames[i].function = s->names[i].function;
		s->frames[i].file = s->names[i].file;
	}
	s->stall.frames = s->frames;
	if (s->stall.place)
		s->stall.place = &s->frames[BOARD_FRAMES];
}

void board_stall_copy(struct board_stall *s, const struct model_stall *stall)
{
	memset(s, 0, sizeof(*s));
	s->stall = *stall;
	if (stall->comm)
		bytes_copy(s->comm, sizeof(s->comm), stall->comm);
	if (stall->block)
		s->block = *stall->block;
	if (stall->block_path)
		bytes_copy(s->block_path, sizeof(s->block_path), stall->block_path);
	if (stall->request)
		s->request = *stall->request;
	for (unsigned i = 0; i < stall->nr_victims_told; i++)
		bytes_copy(s->victim_ids[i], sizeof(s->victim_ids[i]), stall->victims[i]);
	if (s->stall.nr_frames > BOARD_FRAMES)
		s->stall.nr_frames = BOARD_FRAMES;
	for (unsigned i = 0; i < s->stall.nr_frames; i++)
		frame_copy(s, i, &stall->frames[i]);
	if (stall->place)
		frame_copy(s, BOARD_FRAMES, stall->place);
	board_stall_tie(s);
}

void board_stall_copy_stuck(struct board_stall *s, const struct model_stuck *stuck)
{
	struct model_stall stall;
	struct lg_block block;

	model_stuck_stall(stuck, &stall, &block);
	board_stall_copy(s, &stall);
	s->is_stuck = true;
}

const struct board_stall *board_stall(const struct board *b, size_t i)
{
	if (i >= b->nr_stalls || i >= BOARD_STALLS)
		return NULL;
	return &b->stalls[(b->nr_stalls - 1 - i) % BOARD_STALLS];
}

const struct board_stall *board_stuck(const struct board *b, size_t i)
{
	for (size_t at = 0; at < b->nr_loops; at++)
		if (b->loops[at]->stuck && !i--)
			return b->loops[at]->stuck;
	return NULL;
}

size_t board_nr_stuck(const struct board *b)
{
	size_t nr = 0;

	for (size_t i = 0; i < b->nr_loops; i++)
		nr += b->loops[i]->stuck != NULL;
	return nr;
}

/* What a turn that goes on had before is told at its end. */
static uint64_t begin_of(const struct board_stall *s)
{
	return s->is_stuck ? s->stall.start_ns + s->stall.duration_ns - s->stall.turn_ns : s->stall.start_ns;
}

const struct board_stall *board_stall_at(const struct board *b, uint32_t pid, uint32_t tid, uint64_t at_ns)
{
	const struct board_loop *l = board_find(b, pid, tid);
	const struct board_stall *s;

	if (l && l->stuck && begin_of(l->stuck) <= at_ns)
		return l->stuck;
	for (size_t i = 0; (s = board_stall(b, i)); i++)
		if (s->stall.pid == pid && s->stall.tid == tid && s->stall.start_ns <= at_ns &&
		    at_ns < s->stall.start_ns + s->stall.duration_ns)
			return s;
	return NULL;
}
