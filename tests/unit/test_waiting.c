/* SPDX-License-Identifier: BSD-2-Clause */
/* Unread bytes and queues of sockets: the kernel's tables in a tree of our own, and sockets of this process. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "target/waiting.h"

static void rows(void **state)
{
	struct waiting_row row;

	(void)state;
	assert_int_equal(waiting_row_parse(&row, "  12: 0100007F:1F90 0100007F:C350 01 00000001:00000010 00:00000000 "
						 "00000000  1000        0 12345 1 0000000000000000 20 4 30 10 -1"),
			 0);
	assert_int_equal(row.unread, 16);
	assert_int_equal(row.ino, 12345);
	assert_false(row.is_listener);
	assert_int_equal(waiting_row_parse(&row, "   0: 00000000000000000000000001000000:1F90 "
						 "00000000000000000000000000000000:0000 0A 00000000:00000003 "
						 "00:00000000 00000000     0        0 99 1 0"),
			 0);
	assert_int_equal(row.unread, 3);
	assert_true(row.is_listener);
	assert_int_equal(waiting_row_parse(&row, "  sl  local_address rem_address   st tx_queue rx_queue tr"), -EINVAL);
	assert_int_equal(waiting_row_parse(&row, ""), -EINVAL);
	assert_int_equal(waiting_row_parse(&row, "  12: 0100007F:1F90"), -EINVAL);
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static bool has_inode(const struct waiting *w, uint64_t ino)
{
	for (size_t i = 0; i < w->nr; i++)
		if (w->inodes[i] == ino)
			return true;
	return false;
}

static void own_sockets(void **state)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM, 0), clients[3], served;
	struct waiting w = {.max = 4096};
	socklen_t len = sizeof(addr);

	(void)state;
	w.inodes = calloc(w.max, sizeof(*w.inodes));
	assert_non_null(w.inodes);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
	for (int i = 0; i < 3; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(clients[i], (struct sockaddr *)&addr, len), 0);
	}
	served = accept(listener, NULL, NULL);
	assert_int_equal(waiting_read(&w, getpid()), 0);
	assert_int_equal(w.nr_queued, 2);
	assert_false(has_inode(&w, inode_of(served)));
	assert_int_equal(write(clients[0], "x", 1), 1);
	usleep(1000);
	assert_int_equal(waiting_read(&w, getpid()), 0);
	assert_true(has_inode(&w, inode_of(served)));
	/* No more than there is room for, and none of a process that is gone. */
	w.max = 0;
	assert_int_equal(waiting_read(&w, getpid()), 0);
	assert_int_equal(w.nr, 0);
	assert_true(waiting_read(&w, 1 << 30) < 0);
	for (int i = 0; i < 3; i++)
		close(clients[i]);
	close(served);
	close(listener);
	free(w.inodes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(own_sockets),
	};

	return cmocka_run_group_tests_name("waiting", tests, NULL, NULL);
}
