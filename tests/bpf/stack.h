/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The deepest chain of calls within a loaded BPF program, in bytes of stack. Kernels before 6.13 allow 512 for all of
 * a chain, newer ones (on x86) 512 for each function: so a program that loads here may fail there.
 * It is read from the instructions as libbpf linked them, what the verifier then removes included: older ones count
 * that too.
 */
#ifndef TEST_STACK_H
#define TEST_STACK_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdlib.h>

#include <bpf/libbpf.h>

#define STACK_MAX   512
#define STACK_ALIGN 32 /* what interpreters need; some kernels count 16 */
#define STACK_FUNCS 256

struct stack_func {
	size_t begin;  /* its first instruction */
	size_t end;    /* behind its last one */
	unsigned size; /* of its frame */
	int chain;     /* of it and all that it calls; 0: not known yet, -1: being found out */
};

struct stack {
	const struct bpf_insn *insns;
	size_t nr_insns;
	struct stack_func funcs[STACK_FUNCS];
	size_t nr;
};

/* The function that begins at an instruction; NULL: none is known. */
static inline struct stack_func *stack_func(struct stack *s, size_t begin)
{
	for (size_t i = 0; i < s->nr; i++)
		if (s->funcs[i].begin == begin)
			return &s->funcs[i];
	return NULL;
}

static inline bool insn_is_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL;
}

static inline bool insn_touches_frame(const struct bpf_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LDX:
		return insn->src_reg == BPF_REG_10;
	case BPF_ST:
	case BPF_STX:
		return insn->dst_reg == BPF_REG_10;
	default:
		return false;
	}
}

static inline bool insn_writes_register(const struct bpf_insn *insn)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
	case BPF_LDX:
	case BPF_ALU:
	case BPF_ALU64:
		return true;
	default:
		return false;
	}
}

static inline int stack_func_order(const void *a, const void *b)
{
	const struct stack_func *x = a, *y = b;

	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* The lowest byte of its frame that a function touches, or takes the address of. */
static inline unsigned stack_frame(const struct stack *s, const struct stack_func *f)
{
	const struct bpf_insn *insn;
	bool is_frame[16] = {}; /* by register: it holds the frame's address */
	int lowest = 0;

	for (size_t i = f->begin; i < f->end; i++) {
		insn = &s->insns[i];
		if (insn_touches_frame(insn) && insn->off < lowest)
			lowest = insn->off;
		if (insn->code == (BPF_ALU64 | BPF_ADD | BPF_K) && is_frame[insn->dst_reg] && insn->imm < lowest)
			lowest = insn->imm;
		if (insn_writes_register(insn))
			is_frame[insn->dst_reg] =
				insn->code == (BPF_ALU64 | BPF_MOV | BPF_X) && insn->src_reg == BPF_REG_10;
	}
	return (lowest ? STACK_ALIGN - 1 - lowest : STACK_ALIGN) / STACK_ALIGN * STACK_ALIGN;
}

/* Finds the functions: the first instruction's and every one that is called. */
static inline int stack_split(struct stack *s)
{
	s->funcs[s->nr++].begin = 0;
	for (size_t i = 0; i < s->nr_insns; i++) {
		size_t to = i + s->insns[i].imm + 1;

		if (!insn_is_call(&s->insns[i]) || stack_func(s, to))
			continue;
		if (s->nr == STACK_FUNCS)
			return -1;
		s->funcs[s->nr++].begin = to;
	}
	qsort(s->funcs, s->nr, sizeof(s->funcs[0]), stack_func_order);
	for (size_t i = 0; i < s->nr; i++) {
		s->funcs[i].end = i + 1 < s->nr ? s->funcs[i + 1].begin : s->nr_insns;
		s->funcs[i].size = stack_frame(s, &s->funcs[i]);
	}
	return 0;
}

static inline int stack_chain(struct stack *s, struct stack_func *f)
{
	int deepest = 0;

	if (!f || f->chain)
		return f ? f->chain : -1;
	f->chain = -1;
	for (size_t i = f->begin; i < f->end; i++) {
		int chain = insn_is_call(&s->insns[i]) ? stack_chain(s, stack_func(s, i + s->insns[i].imm + 1)) : 0;

		if (chain < 0)
			return -1;
		if (chain > deepest)
			deepest = chain;
	}
	f->chain = f->size + deepest;
	return f->chain;
}

/* Bytes of the deepest chain of a loaded program; negative: it cannot be told. */
static inline int stack_deepest(const struct bpf_program *prog)
{
	struct stack s = {.insns = bpf_program__insns(prog), .nr_insns = bpf_program__insn_cnt(prog)};

	if (!s.insns || stack_split(&s))
		return -1;
	return stack_chain(&s, &s.funcs[0]);
}

#endif
