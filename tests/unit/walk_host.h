/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A walk over a target's memory (bpf/node.bpf.h, bpf/python.bpf.c) on the host: the memory is an image that a test
 * builds, then damages. Its reads are counted, so that a test can say that a walk ends.
 *
 * Included once by a test, before the walk's headers.
 */
#ifndef LG_TEST_WALK_HOST_H
#define LG_TEST_WALK_HOST_H

#pragma GCC diagnostic ignored "-Wunknown-pragmas"  /* clang's, in kernel.h */
#pragma GCC diagnostic ignored "-Wunused-parameter" /* as where it is built for the kernel */
#define __TARGET_ARCH_x86 1

#include "state.bpf.h"

#define HOST_BASE 0x7f5500000000ull
#define HOST_SIZE (96 * 1024)
#define HOST_PAGE 4096
#define HOST_FDS  8

/* The target's memory. */
static struct {
	uint8_t bytes[HOST_SIZE];
	bool is_cut[HOST_SIZE / HOST_PAGE]; /* pages that cannot be read */
	uint64_t used;
	uint64_t nr_reads;
} host;

/* The target's thread, and its open files: their inodes are HOST_INO and on. */
#define HOST_INO 9000

static struct {
	struct task_struct task;
	struct pt_regs regs;
	struct files_struct files;
	struct fdtable table;
	struct file file[HOST_FDS];
	struct inode inode[HOST_FDS];
	struct file *fds[HOST_FDS];
} host_task;

const volatile struct lg_config config = {.ask = LG_ASK_PYTHON | LG_ASK_NODE};
struct lg_control control;

long bpf_probe_read_user(void *to, uint32_t size, const void *from)
{
	uint64_t at = (uint64_t)from - HOST_BASE;

	host.nr_reads++;
	memset(to, 0, size);
	if (at >= HOST_SIZE || size > HOST_SIZE - at)
		return -14;
	for (uint64_t page = at / HOST_PAGE; page <= (at + size - !!size) / HOST_PAGE; page++)
		if (host.is_cut[page])
			return -14;
	memcpy(to, host.bytes + at, size);
	return 0;
}

struct task_struct *bpf_get_current_task_btf(void)
{
	return &host_task.task;
}

long bpf_task_pt_regs(struct task_struct *task)
{
	return task == &host_task.task ? (long)&host_task.regs : 0;
}

uint64_t bpf_ktime_get_ns(void)
{
	static uint64_t now = 1000000000;

	return now += 1000;
}

/* Descriptors are sockets, but for the first two, which are files. */
static inline void host_init(void)
{
	memset(&host, 0, sizeof(host));
	memset(&host_task, 0, sizeof(host_task));
	host.used = 64;
	host_task.regs.orig_ax = -1; /* in no system call */
	host_task.task.files = &host_task.files;
	host_task.files.fdt = &host_task.table;
	host_task.table = (struct fdtable){.max_fds = HOST_FDS, .fd = host_task.fds};
	for (int i = 0; i < HOST_FDS; i++) {
		host_task.inode[i] = (struct inode){.i_ino = HOST_INO + i, .i_mode = i < 2 ? S_IFREG : S_IFSOCK};
		host_task.file[i].f_inode = &host_task.inode[i];
		host_task.fds[i] = &host_task.file[i];
	}
}

static inline void host_put(uint64_t addr, const void *from, size_t size)
{
	assert(addr >= HOST_BASE && addr - HOST_BASE + size <= HOST_SIZE);
	memcpy(host.bytes + (addr - HOST_BASE), from, size);
}

static inline void host_put64(uint64_t addr, uint64_t value)
{
	host_put(addr, &value, sizeof(value));
}

/* Room of `size` bytes that are zero; its address. */
static inline uint64_t host_new(size_t size)
{
	uint64_t addr = HOST_BASE + host.used;

	host.used += (size + 15) / 16 * 16;
	assert(host.used <= HOST_SIZE);
	return addr;
}

/* Damage. */

static inline uint32_t host_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return *seed >> 33;
}

/* What a word may turn into: another object's address, near or exact; a small number; anything. */
static inline uint64_t host_garbage(uint64_t *seed, uint64_t tag)
{
	switch (host_random(seed) % 5) {
	case 0:
		return HOST_BASE + host_random(seed) % host.used / 8 * 8 + tag;
	case 1:
		return HOST_BASE + host_random(seed) % HOST_SIZE;
	case 2:
		return (uint64_t)(host_random(seed) % 64) << (host_random(seed) % 2 * 32);
	case 3:
		return 0;
	default:
		return (uint64_t)host_random(seed) << 33 ^ host_random(seed);
	}
}

/* One kind of damage to the image; `tag` is what the target adds to the addresses of its objects. */
static inline void host_damage(uint64_t *seed, uint64_t tag)
{
	uint64_t at = host_random(seed) % host.used, nr;
	uint64_t word;

	switch (host_random(seed) % 6) {
	case 0:
	case 1:
		host.bytes[at] ^= 1 << host_random(seed) % 8;
		return;
	case 2: /* a copy from elsewhere: cycles, objects of another type */
		nr = host_random(seed) % 64 / 8 * 8 + 8;
		word = host_random(seed) % host.used / 8 * 8;
		at = at / 8 * 8;
		if (at + nr <= HOST_SIZE && word + nr <= HOST_SIZE)
			memmove(host.bytes + at, host.bytes + word, nr);
		return;
	case 3:
		host.is_cut[at / HOST_PAGE] = host_random(seed) % 4 == 0;
		return;
	default:
		word = host_garbage(seed, tag);
		memcpy(host.bytes + at / 8 * 8, &word, sizeof(word));
	}
}

#endif
