/* SPDX-License-Identifier: BSD-2-Clause */
/* libdw finds the rules for an address; the few operations that rules are made of are done here. */
#include "symbol/cfi.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <dwarf.h>
#include <elfutils/libdw.h>

#define MAX_TABLES (16u << 20) /* bytes: those of the largest programs are some MB */
#define MAX_OPS    32
#define MAX_DEPTH  16

#define NR_RULES 512 /* remembered; a place in a table, of a power of two */

/* Registers that a frame's rules bring back: those that calls keep, and where it returns to. */
static const uint8_t kept[] = {3, CFI_FP, 12, 13, 14, 15, CFI_IP};
#define NR_KEPT (sizeof(kept) / sizeof(kept[0]))

#define KEPT_SAME INT32_MIN /* in place of an offset: the register was not saved */

/* What nearly all rules say: the frame's base from a register, and the kept ones from there. */
struct rule {
	uint64_t addr; /* 0: unused */
	int32_t base_offset;
	int32_t offsets[NR_KEPT];
	uint8_t base_reg;
};

struct cfi {
	Elf *elf;
	Dwarf_CFI *tables;
	size_t bytes;
	struct rule rules[NR_RULES];
};

/* Bytes of the file's tables, 0: it has none. */
static size_t tables_bytes(Elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr head;
	const char *name;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return 0;
	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &head))
			return 0;
		name = elf_strptr(elf, names, head.sh_name);
		if (name && !strcmp(name, ".eh_frame"))
			return head.sh_size;
	}
	return 0;
}

struct cfi *cfi_open(int fd)
{
	struct cfi *c;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->elf = elf_begin(fd, ELF_C_READ, NULL);
	c->bytes = c->elf ? tables_bytes(c->elf) : 0;
	if (c->bytes && c->bytes <= MAX_TABLES)
		c->tables = dwarf_getcfi_elf(c->elf);
	if (c->tables)
		return c;
	cfi_close(c);
	return NULL;
}

void cfi_close(struct cfi *c)
{
	if (!c)
		return;
	if (c->tables)
		dwarf_cfi_end(c->tables);
	if (c->elf)
		elf_end(c->elf);
	free(c);
}

/* The machine that rules are written for. */
struct machine {
	const uint64_t *regs;
	const struct cfi_memory *memory;
	uint64_t cfa;
	uint64_t stack[MAX_DEPTH];
	unsigned depth;
	bool is_value; /* the result is the value itself, not where it is */
};

static int push(struct machine *m, uint64_t value)
{
	if (m->depth == MAX_DEPTH)
		return -ENOENT;
	m->stack[m->depth++] = value;
	return 0;
}

static int push_reg(struct machine *m, uint64_t number, uint64_t offset)
{
	return number < CFI_NR_REGS ? push(m, m->regs[number] + offset) : -ENOENT;
}

static int binary_do(struct machine *m, uint8_t atom)
{
	uint64_t a, b;

	if (m->depth < 2)
		return -ENOENT;
	b = m->stack[--m->depth];
	a = m->stack[--m->depth];
	switch (atom) {
	case DW_OP_plus:
		return push(m, a + b);
	case DW_OP_minus:
		return push(m, a - b);
	case DW_OP_and:
		return push(m, a & b);
	case DW_OP_shl:
		return push(m, b < 64 ? a << b : 0);
	case DW_OP_ge:
		return push(m, (int64_t)a >= (int64_t)b);
	default:
		return -ENOENT;
	}
}

static int op_do(struct machine *m, const Dwarf_Op *op)
{
	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31)
		return push_reg(m, op->atom - DW_OP_breg0, op->number);
	if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31)
		return push(m, op->atom - DW_OP_lit0);
	if (op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31) {
		m->is_value = true;
		return push_reg(m, op->atom - DW_OP_reg0, 0);
	}
	switch (op->atom) {
	case DW_OP_bregx:
		return push_reg(m, op->number, op->number2);
	case DW_OP_call_frame_cfa:
		return push(m, m->cfa);
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4s:
		return push(m, op->number);
	case DW_OP_plus_uconst:
		if (!m->depth)
			return -ENOENT;
		m->stack[m->depth - 1] += op->number;
		return 0;
	case DW_OP_deref:
		return m->depth ? m->memory->read(m->memory->arg, m->stack[m->depth - 1], &m->stack[m->depth - 1])
				: -ENOENT;
	case DW_OP_stack_value:
		m->is_value = true;
		return 0;
	default:
		return binary_do(m, op->atom);
	}
}

static int ops_do(struct machine *m, const Dwarf_Op *ops, size_t nr, uint64_t *result)
{
	int error = nr > MAX_OPS ? -ENOENT : 0;

	m->depth = 0;
	m->is_value = false;
	for (size_t i = 0; i < nr && !error; i++)
		error = op_do(m, &ops[i]);
	if (error || !m->depth)
		return -ENOENT;
	*result = m->stack[m->depth - 1];
	return 0;
}

/* The value that a register has in the caller's frame. One that a rule leaves open keeps its own. */
static int register_find(struct machine *m, Dwarf_Frame *frame, int number, uint64_t *value)
{
	Dwarf_Op memory[3], *ops;
	uint64_t result;
	size_t nr;

	if (dwarf_frame_register(frame, number, memory, &ops, &nr))
		return -ENOENT;
	if (!nr)
		return ops && number == CFI_IP ? -ENOENT : 0; /* the outermost frame has none */
	if (ops_do(m, ops, nr, &result))
		return -ENOENT;
	if (m->is_value)
		*value = result;
	return m->is_value ? 0 : m->memory->read(m->memory->arg, result, value);
}

static int frame_step(Dwarf_Frame *frame, uint64_t regs[CFI_NR_REGS], const struct cfi_memory *memory)
{
	struct machine m = {.regs = regs, .memory = memory};
	uint64_t next[CFI_NR_REGS];
	Dwarf_Op *ops;
	size_t nr;

	memcpy(next, regs, sizeof(next));
	if (dwarf_frame_cfa(frame, &ops, &nr) || ops_do(&m, ops, nr, &m.cfa) || m.cfa <= regs[CFI_SP])
		return -ENOENT;
	for (size_t i = 0; i < NR_KEPT; i++)
		if (register_find(&m, frame, kept[i], &next[kept[i]]))
			return -ENOENT;
	next[CFI_SP] = m.cfa;
	memcpy(regs, next, sizeof(next));
	return 0;
}

static bool offset_of(Dwarf_Word number, int32_t *offset)
{
	*offset = (int32_t)number;
	return (int64_t)number == *offset && *offset != KEPT_SAME;
}

static bool base_read(Dwarf_Frame *frame, struct rule *rule)
{
	Dwarf_Op *ops;
	size_t nr;

	if (dwarf_frame_cfa(frame, &ops, &nr) || nr != 1)
		return false;
	if (ops->atom == DW_OP_bregx && ops->number < CFI_NR_REGS) {
		rule->base_reg = ops->number;
		return offset_of(ops->number2, &rule->base_offset);
	}
	rule->base_reg = ops->atom - DW_OP_breg0;
	return ops->atom >= DW_OP_breg0 && ops->atom < DW_OP_breg0 + CFI_NR_REGS &&
	       offset_of(ops->number, &rule->base_offset);
}

static bool kept_read(Dwarf_Frame *frame, int number, int32_t *offset)
{
	Dwarf_Op memory[3], *ops;
	size_t nr;

	*offset = KEPT_SAME;
	if (dwarf_frame_register(frame, number, memory, &ops, &nr))
		return false;
	if (!nr)
		return number != CFI_IP;
	if (ops[0].atom != DW_OP_call_frame_cfa || nr > 2 || (nr == 2 && ops[1].atom != DW_OP_plus_uconst))
		return false;
	return offset_of(nr == 2 ? ops[1].number : 0, offset);
}

/* False when the rules are of another kind. */
static bool rule_read(Dwarf_Frame *frame, struct rule *rule)
{
	if (!base_read(frame, rule))
		return false;
	for (size_t i = 0; i < NR_KEPT; i++)
		if (!kept_read(frame, kept[i], &rule->offsets[i]))
			return false;
	return true;
}

static int rule_step(const struct rule *rule, uint64_t regs[CFI_NR_REGS], const struct cfi_memory *memory)
{
	uint64_t base = regs[rule->base_reg] + (int64_t)rule->base_offset, values[NR_KEPT];

	if (base <= regs[CFI_SP])
		return -ENOENT;
	for (size_t i = 0; i < NR_KEPT; i++) {
		values[i] = regs[kept[i]];
		if (rule->offsets[i] != KEPT_SAME &&
		    memory->read(memory->arg, base + (int64_t)rule->offsets[i], &values[i]))
			return -ENOENT;
	}
	for (size_t i = 0; i < NR_KEPT; i++)
		regs[kept[i]] = values[i];
	regs[CFI_SP] = base;
	return 0;
}

int cfi_step(struct cfi *c, uint64_t addr, uint64_t regs[CFI_NR_REGS], const struct cfi_memory *memory)
{
	struct rule *rule = &c->rules[(addr ^ addr >> 9) % NR_RULES];
	Dwarf_Frame *frame;
	int error;

	if (rule->addr == addr && addr)
		return rule_step(rule, regs, memory);
	if (dwarf_cfi_addrframe(c->tables, addr, &frame))
		return -ENOENT;
	rule->addr = rule_read(frame, rule) ? addr : 0;
	error = frame_step(frame, regs, memory);
	free(frame);
	return error;
}

bool cfi_is_frameless(struct cfi *c, uint64_t addr)
{
	Dwarf_Op memory[3], *ops;
	Dwarf_Frame *frame;
	bool is_same;
	size_t nr;
	int reg;

	if (dwarf_cfi_addrframe(c->tables, addr, &frame))
		return false;
	reg = dwarf_frame_info(frame, NULL, NULL, NULL);
	is_same = reg >= 0 && !dwarf_frame_register(frame, reg, memory, &ops, &nr) && !nr && !ops;
	free(frame);
	return is_same;
}

size_t cfi_bytes(const struct cfi *c)
{
	return c ? sizeof(*c) + c->bytes : 0;
}
