// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* In place of bpf/owner.bpf.c, bpf/stack.bpf.c and bpf/site.bpf.c: the logic cases have no runtime to ask, no stack. */
#include "stack.bpf.h"

__noinline int owner_ask(__u32 when, __u64 known_ns, __u64 now)
{
	return when + known_ns + now == 0;
}

__noinline int stack_note(__u64 now)
{
	return now == 0;
}

__noinline int stack_note_tell(struct thread *t, __u64 now)
{
	return t && now == 0;
}

__noinline int stack_take(__u64 now, __u32 moment, __u64 block_ns)
{
	return now == block_ns + moment;
}

__noinline int site_wait(void)
{
	return bpf_ktime_get_ns() == 0;
}

__noinline int site_read(void)
{
	return bpf_ktime_get_ns() == 0;
}
