/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many uprobes by one call. The kernel has uprobe_multi links from 6.6 on, and from 6.10 on they see every
 * thread of the process that they are bound to. One link is put in and taken out as a whole; uprobes one by one
 * wait for the kernel each time (a third of a second to take one out, measured on 6.18). libbpf 1.1 does not know
 * these links yet, so the system call is made here.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe/private.h"
#include "target/kernel.h"

/* include/uapi/linux/bpf.h of Linux 6.6: enum bpf_attach_type, and a flag of link_create.uprobe_multi */
#define TRACE_UPROBE_MULTI    48
#define F_UPROBE_MULTI_RETURN 1

/* The part of union bpf_attr that BPF_LINK_CREATE reads for these links, in the same header's layout. */
struct link_create {
	__u32 prog_fd;
	__u32 target_fd;
	__u32 attach_type;
	__u32 flags;
	__aligned_u64 path;
	__aligned_u64 offsets;
	__aligned_u64 ref_ctr_offsets;
	__aligned_u64 cookies;
	__u32 cnt;
	__u32 multi_flags;
	__u32 pid;
	__u32 pad;
};

bool multi_is_supported(void)
{
	struct kernel kernel;

	return kernel_read(&kernel) == 0 && kernel.version >= 0x060a00;
}

void multi_prepare(struct bpf_program *program)
{
	bpf_program__set_expected_attach_type(program, TRACE_UPROBE_MULTI);
}

int multi_attach(const struct uprobes *u, int pid)
{
	struct link_create attr = {
		.prog_fd = bpf_program__fd(u->program),
		.attach_type = TRACE_UPROBE_MULTI,
		.path = (uintptr_t)u->path,
		.offsets = (uintptr_t)u->offsets,
		.cookies = (uintptr_t)u->cookies,
		.cnt = u->nr,
		.multi_flags = u->is_return ? F_UPROBE_MULTI_RETURN : 0,
		.pid = pid,
	};
	int fd = syscall(__NR_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	return fd < 0 ? -errno : fd;
}
