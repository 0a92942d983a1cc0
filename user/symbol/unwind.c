/* SPDX-License-Identifier: BSD-2-Clause */
/* The walk by tables is x86-64's: elsewhere records have no copy, and programs keep frame pointers. */
#include "symbol/unwind.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define MAX_STACK (8u << 20) /* bytes from one frame to the next at most */

struct stack {
	const struct lg_rec_stack *rec;
	const struct cpython_memory *memory; /* NULL: the copy */
};

static int word_read(void *arg, uint64_t addr, uint64_t *word)
{
	const struct stack *stack = arg;
	uint64_t at = addr - stack->rec->regs[LG_REG_SP];

	if (stack->memory)
		return stack->memory->read(stack->memory->arg, addr, word, sizeof(*word));
	if (at > stack->rec->copied || stack->rec->copied - at < sizeof(*word))
		return -EFAULT;
	memcpy(word, stack->rec->copy + at, sizeof(*word));
	return 0;
}

/* By the frame pointer, which must lead further up the stack. */
static int pointer_step(uint64_t regs[CFI_NR_REGS], const struct cfi_memory *memory)
{
	uint64_t fp = regs[CFI_FP], ip, next;

	if (fp & 7 || fp <= regs[CFI_SP] || fp - regs[CFI_SP] > MAX_STACK || memory->read(memory->arg, fp, &next) ||
	    memory->read(memory->arg, fp + 8, &ip))
		return -ENOENT;
	regs[CFI_SP] = fp + 16;
	regs[CFI_FP] = next;
	regs[CFI_IP] = ip;
	return 0;
}

void unwind_link(struct lg_rec_stack *rec, struct symbols *symbols)
{
	struct lg_native_frame *native = rec->native;

	if (!rec->nr_native || rec->nr_native >= LG_STACK_MAX || !rec->regs[LG_REG_LINK] ||
	    !symbols_is_frameless(symbols, rec->pid, native[0].ip))
		return;
	memmove(native + 2, native + 1, (rec->nr_native - 1) * sizeof(*native));
	native[1] = (struct lg_native_frame){.ip = rec->regs[LG_REG_LINK]};
	rec->nr_native++;
}

bool unwind(struct lg_rec_stack *rec, struct symbols *symbols, const struct cpython_memory *memory,
	    uint64_t ends[LG_STACK_MAX])
{
	static const uint8_t numbers[LG_NR_STACK_REGS] = {
		[LG_REG_IP] = CFI_IP, [LG_REG_SP] = CFI_SP, [LG_REG_FP] = CFI_FP, [LG_REG_BX] = 3,
		[LG_REG_R12] = 12,    [LG_REG_R13] = 13,    [LG_REG_R14] = 14,    [LG_REG_R15] = 15,
	};
	struct stack stack = {.rec = rec, .memory = memory};
	const struct cfi_memory words = {.read = word_read, .arg = &stack};
	uint64_t regs[CFI_NR_REGS] = {0}, ips[LG_STACK_MAX];
	unsigned nr = 0;

	for (int i = 0; i < LG_NR_STACK_REGS; i++)
		regs[numbers[i]] = rec->regs[i];
	while (nr < LG_STACK_MAX && regs[CFI_IP]) {
		ends[nr] = 0;
		ips[nr++] = regs[CFI_IP];
		if (symbols_step(symbols, rec->pid, regs, nr > 1, &words) && pointer_step(regs, &words))
			break;
		ends[nr - 1] = regs[CFI_SP];
	}
	if (nr < 2)
		return false;
	for (unsigned i = 0; i < nr; i++)
		rec->native[i] = (struct lg_native_frame){.ip = ips[i]};
	rec->nr_native = nr;
	return true;
}
