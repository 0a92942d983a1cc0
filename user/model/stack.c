/* SPDX-License-Identifier: BSD-2-Clause */
/* Copying records, and the choice among them. */
#include "model/stack.h"

#include <stdlib.h>
#include <string.h>

#include "model/state.h"

/* Strings are copied behind the frames, each with a NUL. */
static struct stack *stack_new(const struct lg_rec_frames *rec)
{
	size_t bytes = sizeof(struct stack) + rec->nr * (sizeof(struct model_frame) + 2) + rec->frames_len;
	struct stack *stack = calloc(1, bytes);
	const char *from = rec->frames;
	struct lg_frame head;
	char *text;

	if (!stack)
		return NULL;
	stack->refs = 1;
	stack->moment = rec->moment;
	stack->time_ns = rec->head.time_ns;
	stack->block_ns = rec->block_ns;
	stack->nr = rec->nr;
	text = (char *)&stack->frames[rec->nr];
	for (size_t i = 0; i < stack->nr; i++) {
		memcpy(&head, from, sizeof(head));
		from += sizeof(head);
		stack->frames[i].line = head.line;
		stack->frames[i].kind = head.kind <= LG_FRAME_KERNEL ? head.kind : LG_FRAME_NATIVE;
		stack->frames[i].is_own = head.is_own;
		stack->frames[i].function = memcpy(text, from, head.function_len);
		text += head.function_len + 1;
		from += head.function_len;
		stack->frames[i].file = memcpy(text, from, head.file_len);
		text += head.file_len + 1;
		from += head.file_len;
	}
	return stack;
}

void stack_put(struct stack *stack)
{
	if (stack && !--stack->refs)
		free(stack);
}

/* Every second one goes: what remains is still spread over the whole turn. */
static void stacks_thin(struct stacks *s)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < s->nr; i++) {
		if (i % 2)
			stack_put(s->v[i]);
		else
			s->v[kept++] = s->v[i];
	}
	s->nr = kept;
}

static bool stacks_grow(struct stacks *s)
{
	unsigned max = s->max ? 2 * s->max : 4;
	struct stack **v;

	if (s->nr == STACKS_MAX)
		stacks_thin(s);
	if (s->nr < s->max)
		return true;
	v = realloc(s->v, max * sizeof(struct stack *));
	if (!v)
		return false;
	s->v = v;
	s->max = max;
	return true;
}

void loop_feed_frames(struct model *m, const struct lg_rec_frames *rec)
{
	struct loop *l = loop_get(m, rec->pid, rec->tid, rec->head.time_ns);
	struct stack *stack = l && rec->nr ? stack_new(rec) : NULL;

	if (!l || !rec->nr)
		return;
	if (!stack || !stacks_grow(&l->stacks)) {
		m->lacks_memory = true;
		stack_put(stack);
		return;
	}
	l->stacks.v[l->stacks.nr++] = stack;
}

void stacks_clear(struct stacks *s)
{
	while (s->nr)
		stack_put(s->v[--s->nr]);
}

void stacks_fini(struct stacks *s)
{
	stacks_clear(s);
	free(s->v);
	*s = (struct stacks){0};
}

/*
 * How well a stack tells of a run: of its longest block, when it was blocked; else the code at the crossing of the
 * threshold, or what came last before.
 */
static int stack_rank(const struct loop *l, const struct stack *stack, const struct span *span, bool wants_block)
{
	bool is_past = stack->time_ns >= span->start_ns + l->turn.threshold_ns;

	if (wants_block && stack->block_ns && stack->block_ns == span->block.start_ns)
		return 5;
	if (wants_block == (stack->moment != LG_STACK_SAMPLE))
		return is_past ? 4 : 3;
	return is_past ? 2 : 1;
}

struct stack *stacks_choose(const struct loop *l, const struct run *run)
{
	const struct span *span = &run->span;
	const struct stacks *s = &l->stacks;
	bool wants_block = span->parts.blocked_ns > span->parts.on_cpu_ns;
	struct stack *best = NULL;
	int best_rank = 0;

	for (unsigned i = 0; i < s->nr; i++) {
		struct stack *stack = s->v[i];
		int rank = stack_rank(l, stack, span, wants_block);

		if (stack->time_ns < span->start_ns || stack->time_ns > span->start_ns + span->length_ns)
			continue;
		/* Past the threshold, and of the block, the first one of a rank; before it the last. */
		if (rank > best_rank || (rank == best_rank && (rank == 1 || rank == 3))) {
			best = stack;
			best_rank = rank;
		}
	}
	if (best)
		best->refs++;
	return best;
}

const struct model_frame *stack_place(const struct stack *stack)
{
	const struct model_frame *named = NULL;

	for (size_t i = 0; stack && i < stack->nr; i++) {
		const struct model_frame *f = &stack->frames[i];

		if (f->is_own)
			return f;
		if (!named || (named->kind != LG_FRAME_PYTHON && named->kind != LG_FRAME_JS &&
			       (f->kind == LG_FRAME_PYTHON || f->kind == LG_FRAME_JS)))
			named = f;
	}
	return named;
}
