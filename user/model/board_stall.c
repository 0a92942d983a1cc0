/* SPDX-License-Identifier: BSD-2-Clause */
/* Copies of stalls. What a copy has no room for is cut: the frames of deep stacks, and long names. */
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
