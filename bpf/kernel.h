/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The kernel's types as far as lgtrace reads them. Offsets are found at load time (CO-RE), so a struct
 * names only the fields in use, in any order, and no kernel header or BTF is needed to build.
 * A field that some kernels lack or name otherwise stands in compat.h.
 */
#ifndef LG_KERNEL_H
#define LG_KERNEL_H

/* Tells libbpf's register macros that struct pt_regs is the kernel's. */
#define __VMLINUX_H__

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx;
	unsigned long r11, r10, r9, r8;
	unsigned long ax, cx, dx, si, di;
	unsigned long orig_ax;
	unsigned long ip, cs, flags, sp, ss;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
	__u64 sp, pc, pstate;
};
struct pt_regs {
	union {
		struct user_pt_regs user_regs;
		struct {
			__u64 regs[31];
			__u64 sp, pc, pstate;
		};
	};
	__u64 orig_x0;
	__s32 syscallno;
};
#else
#error "lgtrace knows x86-64 and arm64"
#endif

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct super_block {
	__u32 s_dev;
};

struct inode {
	__u16 i_mode;
	unsigned long i_ino;
	struct super_block *i_sb;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct in6_addr {
	__u8 bytes[16]; /* the kernel's is a union of the same size; read whole, by address */
};

struct sock_common {
	__u32 skc_daddr;
	__u16 skc_dport;
	__u16 skc_family;
	struct in6_addr skc_v6_daddr;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
};

struct inet_connection_sock {
	struct {
		__u32 lrcvtime; /* when data came last, in jiffies */
	} icsk_ack;
};

struct socket {
	struct sock *sk;
};

struct sockaddr_un {
	__u16 sun_family;
	char sun_path[108];
};

struct unix_address {
	int len; /* of the whole sockaddr_un in use */
	struct sockaddr_un name[0];
};

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

struct sched_info {
	unsigned long long run_delay;
	unsigned long long last_arrival;
};

struct cfs_rq {
	int throttle_count;
	__u64 throttled_clock_pelt_time;
};

struct sched_entity {
	__u64 sum_exec_runtime;
	struct cfs_rq *cfs_rq;
};

#if defined(__TARGET_ARCH_x86)
struct thread_struct {
	unsigned long fsbase;
};
#else
struct thread_struct {
	struct {
		unsigned long tp_value;
	} uw;
};
#endif

struct task_struct {
	int pid;
	int tgid;
	unsigned int __state;
	unsigned int flags;
	unsigned in_iowait : 1;
	struct sched_entity se;
	struct sched_info sched_info;
	__u64 utime;
	__u64 stime;
	struct files_struct *files;
	struct task_struct *group_leader;
	void *bpf_storage;
	struct thread_struct thread;
	char comm[16];
};

struct seq_file {
	unsigned long size;
};

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

/* include/linux/sched.h; the same numbers since 4.14 */
#define TASK_STOPPED_OR_TRACED (0x0004 | 0x0008)

/* include/uapi/linux/stat.h */
#define S_IFMT   0170000
#define S_IFIFO  0010000
#define S_IFREG  0100000
#define S_IFDIR  0040000
#define S_IFSOCK 0140000

/* include/linux/socket.h */
#define AF_UNIX  1
#define AF_INET  2
#define AF_INET6 10

/* include/uapi/linux/in.h */
#define IPPROTO_TCP 6

#endif
