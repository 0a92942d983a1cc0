/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other end of planted stalls: a process of its own, so that it is not traced with the server.
 *
 * It prints "PORT FULL_PORT" and serves until its standard input ends. On PORT it takes lines:
 * "reply MS" sends one byte back after MS, "fifo MS PATH" writes one byte to PATH after MS. On FULL_PORT
 * it listens but never accepts, and has filled the backlog itself: further connects hang.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void nap(unsigned ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l};

	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

static int port_listen(int backlog, struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (struct sockaddr *)addr, len) || listen(fd, backlog) ||
	    getsockname(fd, (struct sockaddr *)addr, &len)) {
		perror("peer");
		exit(1);
	}
	return fd;
}

/* One connection more than the backlog lets in: the kernel drops what comes after. */
static void backlog_fill(const struct sockaddr_in *addr)
{
	for (int i = 0; i < 2; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		connect(fd, (const struct sockaddr *)addr, sizeof(*addr));
	}
}

static void fifo_feed(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "x", 1) != 1)
		perror(path);
	close(fd);
}

static void *conn_serve(void *arg)
{
	FILE *in = fdopen((int)(intptr_t)arg, "r");
	char line[256], path[200];
	unsigned ms;

	while (in && fgets(line, sizeof(line), in)) {
		if (sscanf(line, "reply %u", &ms) == 1) {
			nap(ms);
			send(fileno(in), "x", 1, MSG_NOSIGNAL);
		} else if (sscanf(line, "fifo %u %199s", &ms, path) == 2) {
			nap(ms);
			fifo_feed(path);
		}
	}
	if (in)
		fclose(in);
	return NULL;
}

static void *port_serve(void *arg)
{
	int listener = (int)(intptr_t)arg, fd;
	pthread_t thread;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		if (!pthread_create(&thread, NULL, conn_serve, (void *)(intptr_t)fd))
			pthread_detach(thread);
	return NULL;
}

int main(void)
{
	struct sockaddr_in addr, full;
	int listener = port_listen(64, &addr);
	pthread_t thread;

	signal(SIGPIPE, SIG_IGN);
	port_listen(0, &full);
	backlog_fill(&full);
	if (pthread_create(&thread, NULL, port_serve, (void *)(intptr_t)listener))
		return 1;
	printf("%d %d\n", ntohs(addr.sin_port), ntohs(full.sin_port));
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
