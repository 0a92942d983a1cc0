// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Logic cases: histogram buckets, roles of system calls, and what is read of the bytes that pass. */
#include "logic.bpf.h"

struct logic_input input SEC(".bss") = {};
struct logic_result result SEC(".bss") = {};
struct logic_want wants[LOGIC_WANTS] SEC(".bss") = {};

CASE(hist_buckets_as_in_user_space)
{
	EQUAL(input.nr_values > 3 * LG_NR_EDGES, true);
	for (__u32 i = 0; i < LOGIC_VALUES; i++) {
		if (i >= input.nr_values)
			break;
		EQUAL(lg_hist_bucket(input.values[i]), input.buckets[i]);
	}
}

/* Not folded by the compiler: it is the kernel that is to compute it. */
static __noinline bool is_request(__u64 bytes)
{
	return bytes_are_request(bytes);
}

/* Of the first eight bytes of a string. */
#define IS_REQUEST(text) \
	({ \
		__u64 bytes__; \
		__builtin_memcpy(&bytes__, text, sizeof(bytes__)); \
		barrier_var(bytes__); \
		is_request(bytes__); \
	})

CASE(request_methods)
{
	EQUAL(IS_REQUEST("GET /a H"), true);
	EQUAL(IS_REQUEST("PUT /a H"), true);
	EQUAL(IS_REQUEST("POST /a "), true);
	EQUAL(IS_REQUEST("HEAD /a "), true);
	EQUAL(IS_REQUEST("PATCH /a"), true);
	EQUAL(IS_REQUEST("DELETE /"), true);
	EQUAL(IS_REQUEST("OPTIONS "), true);
	EQUAL(IS_REQUEST("CONNECT "), true);
	EQUAL(IS_REQUEST("TRACE /a"), true);
}

CASE(request_absolute_form)
{
	EQUAL(IS_REQUEST("GET http"), true);
	EQUAL(IS_REQUEST("PUT http"), true);
	EQUAL(IS_REQUEST("POST htt"), true);
	EQUAL(IS_REQUEST("HEAD htt"), true);
	EQUAL(IS_REQUEST("PATCH ht"), true);
}

CASE(request_not_redis)
{
	EQUAL(IS_REQUEST("GET key\r"), false);
	EQUAL(IS_REQUEST("GET 1234"), false);
	EQUAL(IS_REQUEST("*2\r\n$3\r\n"), false);
	EQUAL(IS_REQUEST("PING\r\n\r\n"), false);
	EQUAL(IS_REQUEST("+PONG\r\n\0"), false);
}

CASE(request_not_longer_words)
{
	EQUAL(IS_REQUEST("POSTX /a"), false);
	EQUAL(IS_REQUEST("POSTX/ab"), false);
	EQUAL(IS_REQUEST("HEADX/ab"), false);
	EQUAL(IS_REQUEST("POST key"), false);
	EQUAL(IS_REQUEST("HEADER /"), false);
	EQUAL(IS_REQUEST("GETS /ab"), false);
	EQUAL(IS_REQUEST("PATCHES "), false);
	EQUAL(IS_REQUEST("DELETED "), false);
	EQUAL(IS_REQUEST("DELETE k"), false);
	EQUAL(IS_REQUEST("OPTIONAL"), false);
	EQUAL(IS_REQUEST("CONNECTS"), false);
	EQUAL(IS_REQUEST("TRACERS "), false);
}

CASE(request_not_other_bytes)
{
	EQUAL(IS_REQUEST("get /a h"), false);
	EQUAL(IS_REQUEST(" GET /a "), false);
	EQUAL(IS_REQUEST("HTTP/1.1"), false);
	EQUAL(IS_REQUEST("PRI * HT"), false);
	EQUAL(IS_REQUEST("\x16\x03\x01\x02\0\x01\0\x01"), false);
	EQUAL(IS_REQUEST("\0\0\0\0\0\0\0\0"), false);
}

static __noinline __u32 role_of(long nr)
{
	return call_role(nr);
}

CASE(role_waits)
{
	EQUAL(role_of(__NR_epoll_pwait), CALL_WAIT_SET);
	EQUAL(role_of(__NR_epoll_pwait2), CALL_WAIT_SET);
	EQUAL(role_of(__NR_io_uring_enter), CALL_WAIT_SET);
	EQUAL(role_of(__NR_ppoll), CALL_WAIT_LIST);
	EQUAL(role_of(__NR_pselect6), CALL_WAIT_LIST);
#ifdef __NR_epoll_wait
	EQUAL(role_of(__NR_epoll_wait), CALL_WAIT_SET);
	EQUAL(role_of(__NR_poll), CALL_WAIT_LIST);
	EQUAL(role_of(__NR_select), CALL_WAIT_LIST);
#endif
	EQUAL(role_is_wait(CALL_WAIT_SET) && role_is_wait(CALL_WAIT_LIST), true);
	EQUAL(role_is_wait(CALL_READ) || role_is_wait(CALL_OTHER), false);
}

CASE(role_bytes)
{
	EQUAL(role_of(__NR_read), CALL_READ);
	EQUAL(role_of(__NR_recvfrom), CALL_READ);
	EQUAL(role_of(__NR_readv), CALL_READ_VEC);
	EQUAL(role_of(__NR_recvmsg), CALL_READ_MSG);
	EQUAL(role_of(__NR_write), CALL_WRITE);
	EQUAL(role_of(__NR_sendto), CALL_WRITE);
	EQUAL(role_of(__NR_writev), CALL_WRITE_VEC);
	EQUAL(role_of(__NR_sendmsg), CALL_WRITE_MSG);
	EQUAL(role_of(__NR_sendfile), CALL_SENDFILE);
}

CASE(role_descriptors)
{
	EQUAL(role_of(__NR_accept), CALL_ACCEPT);
	EQUAL(role_of(__NR_accept4), CALL_ACCEPT);
	EQUAL(role_of(__NR_connect), CALL_CONNECT);
	EQUAL(role_of(__NR_close), CALL_CLOSE);
	EQUAL(role_of(__NR_futex), CALL_LOCK);
	EQUAL(role_of(__NR_fsync), CALL_FD);
	EQUAL(role_of(__NR_fcntl), CALL_FD);
	EQUAL(role_of(__NR_openat2), CALL_PATH_AT);
	EQUAL(role_of(__NR_renameat2), CALL_PATH_AT);
	EQUAL(role_of(__NR_truncate), CALL_PATH);
}

CASE(role_others)
{
	EQUAL(role_of(__NR_getpid), CALL_OTHER);
	EQUAL(role_of(__NR_nanosleep), CALL_OTHER);
	EQUAL(role_of(-1), CALL_OTHER);
	EQUAL(role_of(NR_CALLS - 1), CALL_OTHER);
	EQUAL(role_of(NR_CALLS + __NR_read), CALL_OTHER);
	EQUAL(role_of(NR_CALLS * 2 + __NR_close), CALL_OTHER);
}

static __always_inline __u64 last_of(__u64 bytes, __u64 text)
{
	struct io io = {.bytes = bytes, .last = (void *)text};

	return bytes_last(&io);
}

#define TAIL(a, b, c, d) ((__u64)WORD4(a, b, c, d) << 32)

CASE(last_bytes)
{
	EQUAL(last_of(8, input.text), WORD4('G', 'E', 'T', ' ') | TAIL('/', 'a', ' ', 'H'));
	EQUAL(last_of(100000, input.text), WORD4('G', 'E', 'T', ' ') | TAIL('/', 'a', ' ', 'H'));
	EQUAL(last_of(4, input.text), TAIL('G', 'E', 'T', ' '));
	EQUAL(last_of(3, input.text), TAIL(0, 'G', 'E', 'T'));
	EQUAL(last_of(1, input.text), TAIL(0, 0, 0, 'G'));
	EQUAL(last_of(0, input.text), 0);
	EQUAL(last_of(8, 0), 0);
}

CASE(read_of_request)
{
	struct conn conn = {.flags = CONN_SOCK, .budget = 5};
	struct io io = {.bytes = LOGIC_REQUEST_LEN, .buf_len = LOGIC_REQUEST_LEN, .buf = (void *)input.text};

	read_capture(&t, bpf_get_current_task_btf(), &conn, &io);
	EQUAL(io.captured, LOGIC_REQUEST_LEN);
	EQUAL(conn.flags, CONN_SOCK | CONN_HTTP);
	EQUAL(conn.budget, CONN_BUDGET - LOGIC_REQUEST_LEN);
	EQUAL(t.flags, THREAD_HTTP);
}

CASE(read_of_less_than_a_word)
{
	struct conn conn = {.flags = CONN_SOCK, .budget = CONN_BUDGET};
	struct io io = {.bytes = 7, .buf_len = 100, .buf = (void *)input.text};

	read_capture(&t, bpf_get_current_task_btf(), &conn, &io);
	EQUAL(io.captured, 0);
	EQUAL(conn.flags, CONN_SOCK);
	EQUAL(t.flags, 0);
	io.bytes = 100;
	io.buf_len = 7; /* of a vector, the first part */
	read_capture(&t, bpf_get_current_task_btf(), &conn, &io);
	EQUAL(conn.flags, CONN_SOCK);
}

CASE(read_of_body_to_the_budget)
{
	struct conn conn = {.flags = CONN_SOCK | CONN_HTTP, .budget = LG_CAPTURE_MAX + 10};
	struct io io = {.bytes = 100000, .buf_len = 100000, .buf = (void *)input.page};

	read_capture(&t, bpf_get_current_task_btf(), &conn, &io);
	EQUAL(io.captured, LG_CAPTURE_MAX);
	EQUAL(conn.budget, 10);
	read_capture(&t, bpf_get_current_task_btf(), &conn, &io);
	EQUAL(conn.budget, 0);
	io.captured = 0;
	read_capture(&t, bpf_get_current_task_btf(), &conn, &io);
	EQUAL(io.captured, 0);
}

CASE(read_of_other_protocol)
{
	struct conn conn = {.flags = CONN_SOCK, .budget = CONN_BUDGET};
	struct io io = {.bytes = 100, .buf_len = 100, .buf = (void *)input.page};

	read_capture(&t, bpf_get_current_task_btf(), &conn, &io);
	EQUAL(io.captured, 0);
	EQUAL(t.flags, 0);
	io.buf = NULL;
	read_capture(&t, bpf_get_current_task_btf(), &conn, &io);
	EQUAL(io.captured, 0);
}

CASE(write_of_response)
{
	const void *response = (void *)input.text + LOGIC_RESPONSE;
	struct conn conn = {.flags = CONN_SOCK | CONN_HTTP};
	struct io io = {.bytes = 19, .buf_len = 19, .buf = response, .last = response};

	write_capture(&conn, &io);
	EQUAL(io.captured, LOGIC_RESPONSE_LEN);
	EQUAL(conn.budget, CONN_BUDGET);
	EQUAL(io.last == response, true);
	io.bytes = io.buf_len = 100000;
	write_capture(&conn, &io);
	EQUAL(io.captured, RESPONSE_CAPTURE);
	io.buf_len = 17; /* of a vector, the first part */
	write_capture(&conn, &io);
	EQUAL(io.captured, 17);
}

CASE(write_of_other_bytes)
{
	const void *page = (void *)input.page;
	struct conn conn = {.flags = CONN_SOCK | CONN_HTTP};
	struct io io = {.bytes = 100, .buf_len = 100, .buf = page, .last = page};

	write_capture(&conn, &io); /* more of a body: its end may matter */
	EQUAL(io.last == page, true);
	conn.flags = CONN_SOCK;
	io.captured = 0;
	write_capture(&conn, &io);
	EQUAL(io.captured, 0);
	EQUAL(io.last == NULL, true);
}
