/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Edges: the bytes, accepts, connects and closes of a loop, told with as much of the bytes as user space
 * needs to read request and response heads. User memory is only ever read.
 */
#ifndef LG_IO_BPF_H
#define LG_IO_BPF_H

#include "wait.bpf.h"

/* One of the places that a descriptor's connection may have. Processes begin at different ones. */
static __always_inline struct conn *conn_at(const struct conn_key *key, __u32 way)
{
	__u32 index = (key->fd + (key->pid * 0x9e3779b1U >> 16) + way * (MAX_CONNS / CONN_WAYS)) & (MAX_CONNS - 1);

	return bpf_map_lookup_elem(&conns, &index);
}

static __always_inline bool conn_is(const struct conn *conn, const struct conn_key *key)
{
	return conn && conn->key.fd == key->fd && conn->key.pid == key->pid;
}

static __always_inline struct conn *conn_find(const struct conn_key *key)
{
	struct conn *conn;

	for (__u32 way = 0; way < CONN_WAYS; way++) {
		conn = conn_at(key, way);
		if (conn_is(conn, key))
			return conn;
	}
	return NULL;
}

/* Where a new connection goes: a free place, else any, for processes end without closing theirs. */
static __always_inline struct conn *conn_place(const struct conn_key *key)
{
	struct conn *conn = conn_find(key);

	for (__u32 way = 0; !conn && way < CONN_WAYS; way++) {
		conn = conn_at(key, way);
		if (conn && conn->key.pid)
			conn = NULL;
	}
	if (conn)
		return conn;
	conn = conn_at(key, bpf_get_prandom_u32() & (CONN_WAYS - 1));
	if (conn && conn->key.pid == key->pid)
		count(LG_CNT_LOST_CONNS);
	return conn;
}

/* Learns what a descriptor is, at its first use. NULL: it is not open. */
SUBPROG struct conn *conn_new(struct task_struct *task, struct conn_key *key, __u8 origin)
{
	struct conn *conn;
	struct inode *inode;
	struct file *file;
	__u32 type;

	if (!key)
		return NULL;
	file = fd_file(task, key->fd);
	inode = file ? BPF_CORE_READ(file, f_inode) : NULL;
	conn = inode ? conn_place(key) : NULL;
	if (!conn)
		return NULL;
	conn->key = *key;
	conn->ino = BPF_CORE_READ(inode, i_ino);
	conn->budget = CONN_BUDGET;
	conn->origin = origin;
	conn->flags = 0;
	type = BPF_CORE_READ(inode, i_mode) & S_IFMT;
	if (type == S_IFSOCK)
		conn->flags = CONN_SOCK;
	else if (type == S_IFREG || type == S_IFDIR)
		conn->flags = CONN_FILE;
	return conn;
}

static __always_inline struct conn *conn_get(struct thread *t, struct task_struct *task, __u32 fd)
{
	struct conn_key key = {.pid = t->pid, .fd = fd};
	struct conn *conn = conn_find(&key);

	return conn ? conn : conn_new(task, &key, LG_CONN_SEEN);
}

/*
 * The edge passes, or is kept back until its interval proves to be long. The thread is settled, and the current one. A
 * global function (io.bpf.c), which the verifier sees once in a program.
 */
int io_edge(struct thread *t, struct conn *conn, struct io *io);

/*
 * Do eight bytes begin an HTTP/1 request? The method must be followed by what begins a target ('/', '*' or
 * "http"): Redis has a GET too.
 */
static __always_inline bool bytes_are_request(__u64 bytes)
{
	__u32 word = bytes;
	__u8 next;

	switch (word) {
	case WORD4('G', 'E', 'T', ' '):
	case WORD4('P', 'U', 'T', ' '):
		next = bytes >> 32;
		return next == '/' || next == 'h';
	case WORD4('P', 'O', 'S', 'T'):
	case WORD4('H', 'E', 'A', 'D'):
		next = bytes >> 40;
		return (__u8)(bytes >> 32) == ' ' && (next == '/' || next == 'h');
	case WORD4('P', 'A', 'T', 'C'):
		return (__u16)(bytes >> 32) == ('H' | ' ' << 8);
	case WORD4('D', 'E', 'L', 'E'):
		return bytes >> 32 == WORD4('T', 'E', ' ', '/');
	case WORD4('O', 'P', 'T', 'I'):
		return bytes >> 32 == WORD4('O', 'N', 'S', ' ');
	case WORD4('C', 'O', 'N', 'N'):
		return bytes >> 32 == WORD4('E', 'C', 'T', ' ');
	case WORD4('T', 'R', 'A', 'C'):
		return (__u16)(bytes >> 32) == ('E' | ' ' << 8);
	default:
		return false;
	}
}

/* A head that is read so long after a long turn has not waited for it. */
#define WAITED_MAX_NS 50000000

static __always_inline bool was_busy(struct thread *t)
{
	if (t->long_ns && bpf_ktime_get_ns() - t->long_ns > WAITED_MAX_NS)
		t->long_ns = 0;
	return t->long_ns;
}

/*
 * How long the bytes just read had waited for the loop. Only worth a look when it was busy; less than two ticks
 * says nothing.
 */
static __always_inline __u64 socket_waited(struct thread *t, struct task_struct *task, __u32 fd)
{
	struct inet_connection_sock *sk;
	struct socket *socket;
	struct file *file;
	__u32 ticks;

	if (!was_busy(t))
		return 0;
	file = fd_file(task, fd);
	socket = file ? BPF_CORE_READ(file, private_data) : NULL;
	sk = socket ? (void *)BPF_CORE_READ(socket, sk) : NULL;
	if (!sk || BPF_CORE_READ((struct sock *)sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	ticks = (__u32)bpf_jiffies64() - BPF_CORE_READ(sk, icsk_ack.lrcvtime);
	return ticks >= 2 && ticks < 1U << 31 ? (__u64)ticks * config.tick_ns : 0;
}

/*
 * What of a read's bytes user space needs: a request's head, and what follows it up to the budget. Where HTTP is spoken
 * already and all of them are wanted, whatever they are, they need not be looked at.
 */
static __always_inline void read_capture(struct thread *t, struct task_struct *task, struct conn *conn, struct io *io)
{
	__u64 first = 0, n = io->bytes < io->buf_len ? io->bytes : io->buf_len;

	if (!io->buf || level_reaches(LG_LEVEL_REQUESTS))
		return;
	if (conn->flags & CONN_HTTP && n <= conn->budget && n <= BATCH_CAPTURE && !was_busy(t)) {
		t->flags |= THREAD_HTTP;
		io->captured = n;
		conn->budget -= n;
		return;
	}
	if (bpf_probe_read_user(&first, sizeof(first), io->buf))
		return;
	if (n >= sizeof(first) && bytes_are_request(first)) {
		conn->flags |= CONN_HTTP;
		conn->budget = CONN_BUDGET;
		t->flags |= THREAD_HTTP;
		io->waited_ns = socket_waited(t, task, io->fd);
	}
	if (!(conn->flags & CONN_HTTP) || !conn->budget)
		return;
	if (n > config.capture)
		n = config.capture;
	io->captured = n;
	conn->budget -= n < conn->budget ? n : conn->budget;
}

/* Enough for a status line and the headers that tell where the response ends. */
#define RESPONSE_CAPTURE 512

/* Whether they are a response's shows when they are copied: io_add(). */
static __always_inline void write_capture(struct conn *conn, struct io *io)
{
	conn->budget = CONN_BUDGET;
	if (!(conn->flags & CONN_HTTP) || level_reaches(LG_LEVEL_REQUESTS)) {
		io->last = NULL;
		return;
	}
	io->captured = io->bytes < io->buf_len ? io->bytes : io->buf_len;
	if (io->captured > RESPONSE_CAPTURE)
		io->captured = RESPONSE_CAPTURE;
}

/*
 * A loop reads an eventfd or a pipe when its wait said that there is something: that begins a callback. A read that
 * blocked, or found the end, is one that code makes for itself (the result of an exec, say).
 */
static __always_inline void io_read(struct thread *t, struct task_struct *task, struct io *io, bool blocked)
{
	struct conn *conn = conn_get(t, task, io->fd);

	if (!conn || conn->flags & CONN_FILE)
		return;
	io->op = LG_IO_READ;
	io->flags = blocked ? LG_IO_BLOCKED : 0;
	t->last_read_fd = io->fd;
	if (!(conn->flags & CONN_SOCK)) {
		if (blocked || !io->bytes)
			return;
		io->flags |= LG_IO_NOT_SOCK;
	} else if (conn->flags & CONN_TLS) {
		io->flags |= LG_IO_CIPHER;
	} else {
		read_capture(t, task, conn, io);
	}
	if (config.ask & LG_ASK_NATIVE && t->flags & THREAD_SITES && !blocked)
		site_read();
	io_edge(t, conn, io);
}

static __always_inline void io_write(struct thread *t, struct task_struct *task, struct io *io)
{
	struct conn *conn = conn_get(t, task, io->fd);

	if (!conn || !(conn->flags & CONN_SOCK))
		return;
	io->op = LG_IO_WRITE;
	if (conn->flags & CONN_TLS) {
		io->flags = LG_IO_CIPHER;
		io->last = NULL;
	} else {
		write_capture(conn, io);
	}
	io_edge(t, conn, io);
}

static __always_inline void io_accept(struct thread *t, struct task_struct *task, __u32 fd)
{
	struct conn_key key = {.pid = t->pid, .fd = fd};
	struct io io = {.fd = fd, .op = LG_IO_ACCEPT};

	io_edge(t, conn_new(task, &key, LG_CONN_ACCEPTED), &io);
}

static __always_inline void io_connect(struct thread *t, struct task_struct *task, __u32 fd)
{
	struct conn_key key = {.pid = t->pid, .fd = fd};
	struct io io = {.fd = fd, .op = LG_IO_CONNECT};

	io_edge(t, conn_new(task, &key, LG_CONN_CONNECTED), &io);
}

/* A close matters for what its descriptor was; any thread of the process may call it. */
SUBPROG void io_close(struct thread *t, struct task_struct *task, __u32 fd)
{
	struct conn_key key = {.pid = t->pid, .fd = fd};
	struct conn *conn = conn_find(&key);
	struct io io = {.fd = fd, .op = LG_IO_CLOSE};

	if (!conn)
		return;
	io.ino = conn->ino;
	if (conn->flags & CONN_TOLD)
		io_tell(t, &io, bpf_ktime_get_ns());
	conn->key.pid = 0;
}

#endif
