/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In place of libbpf's header where BPF code is built for the host (walk_host.h): a target's memory is an image, the
 * kernel's is this program's own. Of the helpers there are those that the walks call.
 */
#ifndef LG_HOST_BPF_HELPERS_H
#define LG_HOST_BPF_HELPERS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SEC(name)
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name
#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#define __noinline __attribute__((noinline))

#define barrier()      __asm__ volatile("" ::: "memory")
#define barrier_var(v) __asm__ volatile("" : "+r"(v))

struct task_struct;

/* By walk_host.h. Reads of the image are counted; one that fails leaves zeros, as the kernel's does. */
long bpf_probe_read_user(void *to, uint32_t size, const void *from);
void *bpf_map_lookup_elem(void *map, const void *key);
struct task_struct *bpf_get_current_task_btf(void);
long bpf_task_pt_regs(struct task_struct *task);
uint64_t bpf_ktime_get_ns(void);

static inline long bpf_probe_read_kernel(void *to, uint32_t size, const void *from)
{
	memcpy(to, from, size);
	return 0;
}

static inline long bpf_probe_read_kernel_str(void *to, uint32_t size, const void *from)
{
	size_t len = strnlen(from, size - 1);

	memcpy(to, from, len);
	((char *)to)[len] = 0;
	return len + 1;
}

static inline long bpf_loop(uint32_t nr, void *step, void *arg, uint64_t flags)
{
	long (*call)(uint32_t i, void *arg) = step;

	for (uint32_t i = 0; i < nr; i++)
		if (call(i, arg))
			return i + 1;
	return flags ? 0 : nr;
}

/* What only an edge needs: a walk must not get here. */
static inline void *bpf_task_storage_get(void *map, struct task_struct *task, void *value, uint64_t flags)
{
	return map && task && !value && !flags ? NULL : NULL;
}

static inline void *bpf_ringbuf_reserve(void *map, uint64_t size, uint64_t flags)
{
	return map && size && !flags ? NULL : NULL;
}

static inline void bpf_ringbuf_submit(void *record, uint64_t flags)
{
	memset(record, 0, flags ? 1 : 0);
}

static inline uint64_t bpf_ringbuf_query(void *map, uint64_t flags)
{
	return map ? flags : 0;
}

static inline uint64_t bpf_get_current_pid_tgid(void)
{
	return 0;
}

static inline uint32_t bpf_get_smp_processor_id(void)
{
	return 0;
}

#endif
