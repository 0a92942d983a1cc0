/* SPDX-License-Identifier: BSD-2-Clause */
/* Copying records, and the choice among them. */
#include "model/stack.h"

#include <stdlib.h>
#include <string.h>

#include "model/state.h"

/* "file+0x12ab" and "0x7f.." stand for code without symbols. */
static bool has_name(const struct model_frame *f)
{
	return !strstr(f->function, "+0x") && strncmp(f->function, "0x", 2) != 0;
}

static bool is_code(const struct model_frame *f)
{
	return f->kind == LG_FRAME_PYTHON || f->kind == LG_FRAME_JS;
}

static const struct model_frame *place_find(const struct stack *stack)
{
	const struct model_frame *unnamed = NULL, *others = NULL;

	for (size_t i = 0; i < stack->nr; i++) {
		const struct model_frame *f = &stack->frames[i];

		if (f->is_own && has_name(f))
			return f;
		if (f->is_own && !unnamed)
			unnamed = f;
		if (!others || (!is_code(others) && is_code(f)))
			others = f;
	}
	return unnamed ? unnamed : others;
}

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
	stack->place = place_find(stack);
	return stack;
}

const struct model_frame *stack_place(const struct stack *stack)
{
	return stack ? stack->place : NULL;
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

/* Those taken in the run: samples of it, or where it was blocked. Returns how many. */
static unsigned stacks_within(const struct stacks *s, const struct span *span, bool is_sample, struct stack **v)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < s->nr; i++)
		if ((s->v[i]->moment == LG_STACK_SAMPLE) == is_sample && s->v[i]->time_ns >= span->start_ns &&
		    s->v[i]->time_ns <= span->start_ns + span->length_ns)
			v[nr++] = s->v[i];
	return nr;
}

/* The part of the run that one of them speaks for: its block, or what is nearer to this sample than to another. */
static uint64_t stack_weight(struct stack *const *v, unsigned nr, unsigned i, const struct span *span)
{
	uint64_t from_ns = span->start_ns, to_ns = span->start_ns + span->length_ns, time_ns = v[i]->time_ns;

	if (v[i]->moment != LG_STACK_SAMPLE)
		return time_ns - (v[i]->block_ns > from_ns && v[i]->block_ns < time_ns ? v[i]->block_ns : from_ns);
	if (i)
		from_ns = v[i - 1]->time_ns + (time_ns - v[i - 1]->time_ns) / 2;
	if (i + 1 < nr)
		to_ns = time_ns + (v[i + 1]->time_ns - time_ns) / 2;
	return to_ns - from_ns;
}

static bool is_same_place(const struct stack *a, const struct stack *b)
{
	const struct model_frame *x = a->place, *y = b->place;

	return !strcmp(x->function, y->function) && !strcmp(x->file, y->file);
}

/*
 * A long run may end in code that has no part in its being long, just when a stack is due. So it is where most of it
 * was: of that place the longest block, or the sample at the crossing of the threshold.
 */
static struct stack *stacks_most(struct stack *const *v, unsigned nr, const struct span *span, uint64_t crossing_ns)
{
	struct stack *best = NULL;
	uint64_t best_sum = 0, best_rank = 0;

	for (unsigned i = 0; i < nr; i++) {
		uint64_t sum = 0, rank = v[i]->time_ns >= crossing_ns;

		if (v[i]->moment != LG_STACK_SAMPLE)
			rank = stack_weight(v, nr, i, span);
		for (unsigned j = 0; j < nr; j++)
			if (is_same_place(v[i], v[j]))
				sum += stack_weight(v, nr, j, span);
		if (!best || sum > best_sum || (sum == best_sum && rank > best_rank)) {
			best = v[i];
			best_sum = sum;
			best_rank = rank;
		}
	}
	return best;
}

static struct stack *stacks_block(const struct stacks *s, uint64_t block_ns)
{
	for (unsigned i = 0; i < s->nr; i++)
		if (block_ns && s->v[i]->block_ns == block_ns)
			return s->v[i];
	return NULL;
}

struct stack *stacks_choose(const struct loop *l, const struct run *run)
{
	const struct span *span = &run->span;
	bool is_blocked = span->parts.blocked_ns > span->parts.on_cpu_ns;
	struct stack *v[STACKS_MAX], *best = NULL;
	unsigned nr = 0;

	if (is_blocked)
		best = stacks_block(&l->stacks, span->block.start_ns);
	if (!best)
		nr = stacks_within(&l->stacks, span, !is_blocked, v);
	if (!best && !nr)
		nr = stacks_within(&l->stacks, span, is_blocked, v);
	if (nr)
		best = stacks_most(v, nr, span, span->start_ns + l->turn.threshold_ns);
	if (best)
		best->refs++;
	return best;
}
