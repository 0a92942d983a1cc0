// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Logic cases: the return of a system call, from where its bytes lie to the records of a request and its response. */
#include "call.bpf.h"
#include "logic.bpf.h"

#define NOT_OPEN (1 << 20)

static __always_inline void locate(struct io *io, __u8 role, __u64 at, __u64 nr)
{
	struct call c = {.role = role, .args = {0, at, nr}};

	io_locate(io, &c);
}

CASE(bytes_of_buffer)
{
	struct io io = {.bytes = 100};

	locate(&io, CALL_WRITE, input.page, 5000);
	EQUAL((__u64)io.buf, input.page);
	EQUAL(io.buf_len, 100);
	EQUAL((__u64)io.last, input.page + 92);
	io.bytes = 7;
	locate(&io, CALL_WRITE, input.page, 5000);
	EQUAL((__u64)io.last, input.page);
}

CASE(bytes_of_vector)
{
	struct io io = {.bytes = LOGIC_REQUEST_LEN + LOGIC_RESPONSE_LEN};

	locate(&io, CALL_WRITE_VEC, input.iov, 2);
	EQUAL((__u64)io.buf, input.text);
	EQUAL(io.buf_len, LOGIC_REQUEST_LEN);
	EQUAL((__u64)io.last, input.text + LOGIC_RESPONSE + LOGIC_RESPONSE_LEN - 8);
}

CASE(bytes_of_vector_of_one)
{
	struct io io = {.bytes = LOGIC_REQUEST_LEN};

	locate(&io, CALL_READ_VEC, input.iov, 1);
	EQUAL((__u64)io.buf, input.text);
	EQUAL((__u64)io.last, input.text + LOGIC_REQUEST_LEN - 8);
}

CASE(bytes_of_vector_with_short_end)
{
	struct io io = {.bytes = LOGIC_REQUEST_LEN + 3};

	locate(&io, CALL_WRITE_VEC, input.short_iov, 2);
	EQUAL((__u64)io.buf, input.text);
	EQUAL((__u64)io.last, 0); /* the last eight bytes lie in two places */
	io.bytes = 3;
	locate(&io, CALL_WRITE_VEC, input.short_iov + sizeof(struct user_iovec), 1);
	EQUAL((__u64)io.last, input.text);
}

CASE(bytes_of_partial_vector)
{
	struct io io = {.bytes = LOGIC_REQUEST_LEN - 5};

	locate(&io, CALL_WRITE_VEC, input.iov, 1);
	EQUAL(io.buf_len, LOGIC_REQUEST_LEN - 5);
	EQUAL((__u64)io.last, input.text + LOGIC_REQUEST_LEN - 5 - 8);
	io.bytes = LOGIC_REQUEST_LEN + 1; /* the second part passed only in part */
	locate(&io, CALL_WRITE_VEC, input.iov, 2);
	EQUAL((__u64)io.last, 0);
	EQUAL(io.buf_len, LOGIC_REQUEST_LEN);
}

CASE(bytes_of_no_vector)
{
	struct io io = {.bytes = 10};

	locate(&io, CALL_WRITE_VEC, input.iov, 0);
	locate(&io, CALL_WRITE_VEC, 8, 1);
	locate(&io, CALL_WRITE_MSG, 8, 0);
	locate(&io, CALL_SENDFILE, input.page, 0);
	EQUAL((__u64)io.buf, 0);
	EQUAL((__u64)io.last, 0);
}

CASE(bytes_of_message)
{
	struct io io = {.bytes = LOGIC_REQUEST_LEN + LOGIC_RESPONSE_LEN};

	locate(&io, CALL_READ_MSG, input.msg, 0);
	EQUAL((__u64)io.buf, input.text);
	EQUAL(io.buf_len, LOGIC_REQUEST_LEN);
	EQUAL((__u64)io.last, input.text + LOGIC_RESPONSE + LOGIC_RESPONSE_LEN - 8);
}

CASE(system_time_of_the_longest_call)
{
	t.seen_system_ns = task->stime - 100;
	system_time_note(&t, task, 5);
	EQUAL(t.last_system_ns, 100);
	EQUAL(t.last_nr, 5);
	EQUAL(t.seen_system_ns, task->stime);
	system_time_note(&t, task, 6); /* no time passed */
	EQUAL(t.last_nr, 5);
	t.seen_system_ns = task->stime - 50;
	system_time_note(&t, task, 7);
	EQUAL(t.last_nr, 5);
	t.seen_system_ns = task->stime - 200;
	system_time_note(&t, task, 8);
	EQUAL(t.last_nr, 8);
}

static __noinline int returns(struct task_struct *task, __u8 role, __s32 fd, __u64 at, __s64 ret)
{
	t.returned = (struct call){.nr = 1, .role = role, .args = {fd, at}, .ret = ret};
	call_return(&t, task, &t.returned);
	return 0;
}

static __always_inline void loop_runs(void)
{
	t.flags = THREAD_LOOP;
	t.seq = 10; /* of no call that blocked */
	t.turn_ns = t.edge_ns = bpf_ktime_get_ns();
}

static __always_inline struct lg_rec_io *want_socket(__u8 op, __u64 bytes, __u32 room)
{
	struct lg_rec_io *rec = want_io(0, op, input.socket_fd, room);

	rec->ino = input.socket_ino;
	rec->bytes = bytes;
	return rec;
}

static __always_inline void want_conn(void)
{
	struct lg_rec_conn *rec = want_record(LG_REC_CONN, sizeof(*rec), 0);

	rec->pid = TEST_PID;
	rec->tid = TEST_TID;
	rec->fd = input.socket_fd;
	rec->origin = LG_CONN_SEEN;
	rec->peer.kind = LG_TARGET_UNIX;
	rec->peer.ino = input.socket_ino;
}

CASE(call_of_a_request)
{
	struct lg_rec_io *rec;

	want_conn();
	rec = want_socket(LG_IO_READ, LOGIC_REQUEST_LEN, 24);
	rec->captured = LOGIC_REQUEST_LEN;
	bpf_probe_read_user(rec->data, LOGIC_REQUEST_LEN, (void *)input.text);
	rec = want_socket(LG_IO_WRITE, LOGIC_REQUEST_LEN, 0); /* a body's end */
	bpf_probe_read_user(rec->tail, sizeof(rec->tail), (void *)input.text + LOGIC_REQUEST_LEN - 8);
	want_socket(LG_IO_CLOSE, 0, 0);

	loop_runs();
	returns(task, CALL_READ, input.socket_fd, input.text, LOGIC_REQUEST_LEN);
	EQUAL(t.flags, THREAD_LOOP | THREAD_HTTP);
	EQUAL(t.last_read_fd, input.socket_fd);
	returns(task, CALL_WRITE, input.socket_fd, input.text, LOGIC_REQUEST_LEN);
	returns(task, CALL_CLOSE, input.socket_fd, 0, 0);
	returns(task, CALL_CLOSE, input.socket_fd, 0, 0); /* known no more */
	EQUAL(t.seq, 14);
}

static __always_inline void path_look(__u8 role, bool blocked, __u64 sleep_ns)
{
	struct call c = {.role = role, .args = {8, input.text}, .blocked = blocked};

	t.call.target.kind = LG_TARGET_NONE;
	t.call.sleep_ns = sleep_ns;
	call_path_look(&t, &c);
}

CASE(path_that_a_call_was_given)
{
	struct lg_rec_path *rec = want_record(LG_REC_PATH, sizeof(*rec) + PATH_GIVEN_LEN, 0);

	rec->pid = TEST_PID;
	rec->path_len = LOGIC_REQUEST_LEN + LOGIC_RESPONSE_LEN;
	rec->ino = 1000 | PATH_GIVEN_INO;
	bpf_probe_read_user(rec->path, LOGIC_REQUEST_LEN + LOGIC_RESPONSE_LEN, (void *)input.text);

	t.call.start_ns = 1000;
	path_look(CALL_PATH_AT, true, PATH_MIN_NS - 1); /* too short, */
	path_look(CALL_PATH_AT, false, PATH_MIN_NS);    /* another call's, */
	path_look(CALL_READ, true, PATH_MIN_NS);        /* given none, */
	path_look(CALL_PATH, true, PATH_MIN_NS);        /* not to be read */
	EQUAL(t.call.target.kind, LG_TARGET_NONE);
	path_look(CALL_PATH_AT, true, PATH_MIN_NS);
	EQUAL(t.call.target.kind, LG_TARGET_FILE);
	EQUAL(t.call.target.ino, 1000 | PATH_GIVEN_INO);
	EQUAL(t.call.target.name_len, LOGIC_REQUEST_LEN + LOGIC_RESPONSE_LEN);
	t.out_ns = 5000; /* the last stretch is not booked yet */
	t.in_ns = 5000 + PATH_MIN_NS;
	EQUAL(call_slept_ns(&t, 0), 2 * PATH_MIN_NS);
	t.in_ns = 0;
	EQUAL(call_slept_ns(&t, 5000 + 3 * PATH_MIN_NS), 4 * PATH_MIN_NS);
}

static __always_inline struct conn *socket_place(__u32 fd)
{
	struct conn_key key = {.pid = TEST_PID, .fd = fd};
	struct conn *conn = conn_place(&key);

	if (conn)
		conn->key = key;
	return conn;
}

static __always_inline bool is_known(__u32 fd)
{
	struct conn_key key = {.pid = TEST_PID, .fd = fd};

	return conn_find(&key) != NULL;
}

static __always_inline void sockets_forget(__u32 fd)
{
	struct conn_key key = {.pid = TEST_PID, .fd = fd};
	struct conn *conn;

	for (int i = 0; i < CONN_WAYS; i++) {
		conn = conn_at(&key, i);
		if (conn)
			conn->key.pid = 0;
	}
}

/* Descriptors that share their places: each has its entry, and one that is known keeps it. */
CASE(conns_that_share_places)
{
	struct conn *conns[CONN_WAYS];

	sockets_forget(5);
	for (int i = 0; i < CONN_WAYS; i++)
		conns[i] = socket_place(5 + i * MAX_CONNS);
	for (int i = 0; i < CONN_WAYS; i++)
		EQUAL(is_known(5 + i * MAX_CONNS), true);
	EQUAL(is_known(5 + CONN_WAYS * MAX_CONNS), false);
	EQUAL(is_known(6), false);
	EQUAL(socket_place(5 + MAX_CONNS) == conns[1], true);
	if (conns[2])
		conns[2]->key.pid = 0;
	EQUAL(is_known(5 + 2 * MAX_CONNS), false);
	EQUAL(socket_place(5 + CONN_WAYS * MAX_CONNS) == conns[2], true);
	EQUAL(socket_place(6 + CONN_WAYS * MAX_CONNS) == conns[2], false);
	socket_place(5 + 2 * MAX_CONNS); /* takes another one's */
	EQUAL(is_known(5 + 2 * MAX_CONNS), true);
}

static __always_inline bool is_nested(struct task_struct *task, __u64 sp)
{
	struct call c = {.role = CALL_READ, .sp = sp};

	return call_is_nested(&t, task, &c);
}

CASE(call_of_a_nested_loop)
{
	struct call wait = {.role = CALL_WAIT_SET, .args = {input.inner_fd}, .sp = 4096};

	EQUAL(is_nested(task, 4000), false);
	nested_note(&t, task, &wait);
	wait.args[0] = input.outer_fd;
	wait.sp = 2048; /* one in the nested one: the outer of them counts */
	nested_note(&t, task, &wait);
	EQUAL(t.nested_fd, input.inner_fd);
	EQUAL(is_nested(task, 4000), true);
	EQUAL(is_nested(task, 4096), false);
	t.nested_file = 8; /* as if the set were closed, and its descriptor another file's */
	EQUAL(is_nested(task, 4000), false);
	EQUAL(t.nested_sp, 0);
}

/* What is opened after the close may have the same descriptor and the same struct file. */
CASE(call_after_a_nested_loop)
{
	struct call wait = {.role = CALL_WAIT_SET, .args = {input.inner_fd}, .sp = 4096};

	loop_runs();
	nested_note(&t, task, &wait);
	returns(task, CALL_CLOSE, input.outer_fd, 0, 0);
	EQUAL(is_nested(task, 4000), true);
	returns(task, CALL_CLOSE, input.inner_fd, 0, 0);
	EQUAL(is_nested(task, 4000), false);
}

CASE(call_that_failed)
{
	loop_runs();
	returns(task, CALL_READ, input.socket_fd, input.text, -11);
	returns(task, CALL_WRITE, input.socket_fd, input.text, -11);
	returns(task, CALL_WRITE, input.socket_fd, input.text, 0);
	returns(task, CALL_ACCEPT, input.socket_fd, 0, -11);
	returns(task, CALL_READ, NOT_OPEN, input.text, LOGIC_REQUEST_LEN);
	EQUAL(t.flags, THREAD_LOOP);
	EQUAL(t.quiet.time_ns, 0);
}

CASE(call_of_a_thread_that_is_no_loop)
{
	loop_runs();
	t.flags = 0;
	returns(task, CALL_READ, input.socket_fd, input.text, LOGIC_REQUEST_LEN);
	EQUAL(t.flags, 0);
	EQUAL(t.seq, 11);
}
