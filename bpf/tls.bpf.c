// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Plaintext of TLS connections, from OpenSSL's SSL_read and SSL_write. An SSL object's connection is the one
 * whose ciphertext the thread read last when the object's first plaintext came out: that holds for BIOs on
 * sockets, which read inside SSL_read, and in memory, which are filled right before.
 */
#include "io.bpf.h"

/* The connection of an SSL object, learnt at its first plaintext; *fd is its descriptor. */
static __always_inline struct conn *ssl_conn(struct thread *t, struct task_struct *task, __u64 ssl, __u32 *fd)
{
	struct ssl_key key = {.ssl = ssl, .pid = t->pid};
	struct ssl_conn *known = bpf_map_lookup_elem(&ssls, &key);
	struct conn *conn = known ? conn_get(t, task, known->fd) : NULL;

	if (conn && conn->ino == known->ino) {
		*fd = known->fd;
		return conn;
	}
	conn = conn_get(t, task, t->last_read_fd);
	if (!conn || !(conn->flags & CONN_SOCK))
		return NULL;
	struct ssl_conn fresh = {.ino = conn->ino, .fd = t->last_read_fd};

	bpf_map_update_elem(&ssls, &key, &fresh, BPF_ANY);
	conn->flags |= CONN_TLS;
	*fd = t->last_read_fd;
	return conn;
}

static __always_inline __u64 ssl_count(struct pt_regs *ctx, struct thread *t)
{
	int ret = PT_REGS_RC(ctx);
	__u64 n = 0;

	if (ret <= 0)
		return 0;
	if (!t->ssl_count_at)
		return ret;
	bpf_probe_read_user(&n, sizeof(n), (void *)t->ssl_count_at);
	return n;
}

SEC("uretprobe")
int on_ssl_return(struct pt_regs *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = thread_get(task);
	struct io io = {.op = LG_IO_READ, .flags = LG_IO_TLS};
	__u64 begin_ns = cost_begin();
	struct conn *conn;

	if (!t || !t->ssl || level_reaches(LG_LEVEL_REQUESTS))
		return 0;
	io.bytes = ssl_count(ctx, t);
	io.buf = (void *)t->ssl_buf;
	io.buf_len = io.bytes;
	conn = io.bytes && t->flags & THREAD_LOOP ? ssl_conn(t, task, t->ssl, &io.fd) : NULL;
	t->ssl = 0;
	if (!conn)
		return 0;
	t->in_return = true;
	barrier();
	if (t->out_ns)
		thread_settle(t, bpf_ktime_get_ns());
	read_capture(t, task, conn, &io);
	io_edge(t, conn, &io);
	barrier();
	t->in_return = false;
	cost_end(LG_COST_UPROBE, begin_ns);
	return 0;
}

/* Told at its entry, as if all bytes were taken: what OpenSSL keeps back it was given all the same. */
static __always_inline void ssl_write(struct pt_regs *ctx, struct task_struct *task, struct thread *t)
{
	struct io io = {.op = LG_IO_WRITE, .flags = LG_IO_TLS};
	struct conn *conn;

	io.bytes = (__u32)PT_REGS_PARM3(ctx);
	io.buf = (void *)PT_REGS_PARM2(ctx);
	io.buf_len = io.bytes;
	io.last = io.bytes >= 8 ? io.buf + io.bytes - 8 : io.buf;
	if (!io.bytes)
		return;
	conn = ssl_conn(t, task, PT_REGS_PARM1(ctx), &io.fd);
	if (!conn)
		return;
	t->in_return = true;
	barrier();
	if (t->out_ns)
		thread_settle(t, bpf_ktime_get_ns());
	write_capture(conn, &io);
	io_edge(t, conn, &io);
	barrier();
	t->in_return = false;
}

/* The entry of each function; the cookie says which. What a read was called with is kept until it returns. */
SEC("uprobe")
int on_ssl_enter(struct pt_regs *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread *t = thread_get(task);
	__u64 function = bpf_get_attach_cookie(ctx);
	__u64 begin_ns = cost_begin();

	if (!t || !(t->flags & THREAD_LOOP) || level_reaches(LG_LEVEL_REQUESTS))
		return 0;
	if (function == LG_TLS_WRITE) {
		ssl_write(ctx, task, t);
		cost_end(LG_COST_UPROBE, begin_ns);
		return 0;
	}
	t->ssl = PT_REGS_PARM1(ctx);
	t->ssl_buf = PT_REGS_PARM2(ctx);
	t->ssl_count_at = function == LG_TLS_READ_EX ? PT_REGS_PARM4(ctx) : 0;
	cost_end(LG_COST_UPROBE, begin_ns);
	return 0;
}
