/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What a file descriptor of a traced process leads to. Reads kernel memory only. */
#ifndef LG_TARGET_BPF_H
#define LG_TARGET_BPF_H

#include "state.bpf.h"

/* The open file behind a descriptor, or NULL. The address is only good for CO-RE reads. */
static __always_inline struct file *fd_file(struct task_struct *task, __u32 fd)
{
	struct fdtable *fdt = BPF_CORE_READ(task, files, fdt);
	struct file *file = NULL;
	struct file **array;

	if (!fdt || fd >= BPF_CORE_READ(fdt, max_fds))
		return NULL;
	array = BPF_CORE_READ(fdt, fd);
	bpf_probe_read_kernel(&file, sizeof(file), array + fd);
	return file;
}

/* The peer of a Unix socket is seldom named: then the name is the socket's own. */
static __always_inline void target_unix(struct lg_target *out, struct sock *sk)
{
	struct unix_sock *unix_sk = (void *)sk;
	struct unix_address *addr = BPF_CORE_READ(unix_sk, addr);
	__u64 len;

	out->kind = LG_TARGET_UNIX;
	if (!addr) {
		unix_sk = (void *)BPF_CORE_READ(unix_sk, peer);
		addr = unix_sk ? BPF_CORE_READ(unix_sk, addr) : NULL;
	}
	if (!addr)
		return;
	len = bounded((__u32)BPF_CORE_READ(addr, len) - sizeof(__u16), sizeof(out->name));
	if (bpf_probe_read_kernel(out->name, len, &addr->name[0].sun_path))
		return;
	if (!out->name[0])
		out->name[0] = '@';
	else if (len && !out->name[(len - 1) & (sizeof(out->name) - 1)])
		len--;
	out->name_len = len;
}

static __always_inline void target_socket(struct lg_target *out, struct file *file)
{
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);

	out->kind = LG_TARGET_SOCKET;
	if (!sk)
		return;
	switch (BPF_CORE_READ(sk, __sk_common.skc_family)) {
	case AF_INET:
		out->kind = LG_TARGET_INET;
		bpf_core_read(out->addr, 4, &sk->__sk_common.skc_daddr);
		break;
	case AF_INET6:
		out->kind = LG_TARGET_INET6;
		bpf_core_read(out->addr, 16, &sk->__sk_common.skc_v6_daddr);
		break;
	case AF_UNIX:
		target_unix(out, sk);
		return;
	default:
		return;
	}
	out->port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
}

static __always_inline void target_name(struct lg_target *out, struct file *file)
{
	long len = bpf_probe_read_kernel_str(out->name, sizeof(out->name),
					     BPF_CORE_READ(file, f_path.dentry, d_name.name));

	out->name_len = len > 0 ? len - 1 : 0;
}

/* Fills *out, which may be of any content before. */
SUBPROG int target_read(struct lg_target *out, struct file *file)
{
	struct inode *inode;

	if (!out)
		return 0;
	__builtin_memset(out, 0, sizeof(*out));
	inode = file ? BPF_CORE_READ(file, f_inode) : NULL;
	if (!inode)
		return 0;
	out->ino = BPF_CORE_READ(inode, i_ino);
	switch (BPF_CORE_READ(inode, i_mode) & S_IFMT) {
	case S_IFSOCK:
		target_socket(out, file);
		return 0;
	case S_IFREG:
	case S_IFDIR:
		out->kind = LG_TARGET_FILE;
		out->dev = BPF_CORE_READ(inode, i_sb, s_dev);
		break;
	case S_IFIFO:
		out->kind = LG_TARGET_PIPE;
		out->dev = BPF_CORE_READ(inode, i_sb, s_dev);
		break;
	default:
		out->kind = LG_TARGET_OTHER;
	}
	target_name(out, file);
	return 0;
}

/* Looks up, once, what the call that blocked waits on. */
static __always_inline void call_target_read(struct thread *t, struct task_struct *task)
{
	if (t->call.fd >= 0 && t->call.target.kind == LG_TARGET_NONE)
		target_read(&t->call.target, fd_file(task, t->call.fd));
}

#endif
