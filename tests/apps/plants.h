/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stalls that the test server can plant, one function each: it keeps the calling thread busy or
 * blocked for about `ms`, in a known way. How long it really took is for the caller's clock to say.
 *
 * Help from outside comes from tests/apps/peer.c (another process, so that it is not traced) and, where it
 * must share memory, from two threads that wait in a futex or in a read of the userfaultfd, never in a poll.
 */
#ifndef PLANTS_H
#define PLANTS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PLANTS_PAGE 4096u

struct plants {
	int peer_fd;             /* connection to the peer, -1 none */
	struct sockaddr_in full; /* listens, and its backlog is full */
	int fifo_fd;
	int uffd;
	volatile char *page; /* its next access faults, and fault_ms pass before it is resolved */
	uint32_t order;      /* futex: ms after which the gate is to be opened, 0 nothing to do */
	uint32_t gate;       /* futex: 1 open */
	unsigned fault_ms;
	char peer_name[32]; /* "127.0.0.1:port" */
	char full_name[32];
	char fifo_name[108];
};

static inline void plants_nap(unsigned ms)
{
	struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l};

	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

static inline void plants_futex(uint32_t *word, int op, uint32_t value)
{
	syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

static inline void *plants_opener(void *arg)
{
	struct plants *p = arg;
	uint32_t ms;

	for (;;) {
		while (!(ms = __atomic_exchange_n(&p->order, 0, __ATOMIC_ACQ_REL)))
			plants_futex(&p->order, FUTEX_WAIT, 0);
		plants_nap(ms);
		__atomic_store_n(&p->gate, 1, __ATOMIC_RELEASE);
		plants_futex(&p->gate, FUTEX_WAKE, 1);
	}
	return NULL;
}

static inline void *plants_pager(void *arg)
{
	static char zeros[PLANTS_PAGE] __attribute__((aligned(4096)));
	struct plants *p = arg;
	struct uffd_msg msg;

	while (read(p->uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		struct uffdio_copy copy = {
			.dst = msg.arg.pagefault.address & ~(uint64_t)(PLANTS_PAGE - 1),
			.src = (uintptr_t)zeros,
			.len = PLANTS_PAGE,
		};

		plants_nap(p->fault_ms);
		ioctl(p->uffd, UFFDIO_COPY, &copy);
	}
	return NULL;
}

/* Leaves uffd at -1 where this kernel or these rights do not allow it. */
static inline void plants_pager_start(struct plants *p)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register range = {.range.len = PLANTS_PAGE, .mode = UFFDIO_REGISTER_MODE_MISSING};
	pthread_t thread;

	p->uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	p->page = mmap(NULL, PLANTS_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	range.range.start = (uintptr_t)p->page;
	if (p->uffd >= 0 && !ioctl(p->uffd, UFFDIO_API, &api) && !ioctl(p->uffd, UFFDIO_REGISTER, &range) &&
	    !pthread_create(&thread, NULL, plants_pager, p))
		return;
	p->uffd = -1;
}

/* Ports 0: no peer. `fifo` NULL: none. 0 or -errno. */
static inline int plants_init(struct plants *p, int peer_port, int full_port, const char *fifo)
{
	struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	pthread_t thread;
	int one = 1;

	*p = (struct plants){.peer_fd = -1, .fifo_fd = -1, .full = peer};
	peer.sin_port = htons((uint16_t)peer_port);
	p->full.sin_port = htons((uint16_t)full_port);
	snprintf(p->peer_name, sizeof(p->peer_name), "127.0.0.1:%d", peer_port);
	snprintf(p->full_name, sizeof(p->full_name), "127.0.0.1:%d", full_port);
	if (peer_port) {
		p->peer_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(p->peer_fd, (struct sockaddr *)&peer, sizeof(peer)))
			return -errno;
		setsockopt(p->peer_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	if (fifo) {
		snprintf(p->fifo_name, sizeof(p->fifo_name), "%s", fifo);
		p->fifo_fd = open(fifo, O_RDWR | O_CLOEXEC);
		if (p->fifo_fd < 0)
			return -errno;
	}
	plants_pager_start(p);
	return -pthread_create(&thread, NULL, plants_opener, p);
}

/* Each block is a function that is seen in stacks. */
#define PLANTED __attribute__((noinline, unused))

static PLANTED int plants_cpu(struct plants *p, unsigned ms)
{
	struct timespec begin, now;
	long long ns;

	(void)p;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
	do {
		for (unsigned i = 0; i < 100000; i++)
			__asm__ volatile("" : "+r"(i));
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
		ns = (now.tv_sec - begin.tv_sec) * 1000000000ll + now.tv_nsec - begin.tv_nsec;
	} while (ns < ms * 1000000ll);
	return 0;
}

static PLANTED int plants_sleep(struct plants *p, unsigned ms)
{
	(void)p;
	plants_nap(ms);
	return 0;
}

static PLANTED int plants_lock(struct plants *p, unsigned ms)
{
	__atomic_store_n(&p->gate, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&p->order, ms, __ATOMIC_RELEASE);
	plants_futex(&p->order, FUTEX_WAKE, 1);
	while (!__atomic_load_n(&p->gate, __ATOMIC_ACQUIRE))
		plants_futex(&p->gate, FUTEX_WAIT, 0);
	return 0;
}

static PLANTED int plants_connect(struct plants *p, unsigned ms)
{
	struct timeval limit = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	connect(fd, (struct sockaddr *)&p->full, sizeof(p->full));
	close(fd);
	return 0;
}

/* Asks the peer for a byte after `ms`. */
static inline int plants_ask(struct plants *p, unsigned ms)
{
	char line[32];
	int len = snprintf(line, sizeof(line), "reply %u\n", ms);

	return send(p->peer_fd, line, (size_t)len, MSG_NOSIGNAL) == len ? 0 : -EPIPE;
}

static PLANTED int plants_read(struct plants *p, unsigned ms)
{
	char byte;

	return plants_ask(p, ms) || read(p->peer_fd, &byte, 1) != 1 ? -EPIPE : 0;
}

static PLANTED int plants_poll(struct plants *p, unsigned ms)
{
	struct pollfd one = {.fd = p->peer_fd, .events = POLLIN};
	char byte;

	if (plants_ask(p, ms) || poll(&one, 1, -1) != 1)
		return -EPIPE;
	return read(p->peer_fd, &byte, 1) == 1 ? 0 : -EPIPE;
}

static PLANTED int plants_fifo(struct plants *p, unsigned ms)
{
	char line[160], byte;
	int len = snprintf(line, sizeof(line), "fifo %u %s\n", ms, p->fifo_name);

	if (p->fifo_fd < 0 || send(p->peer_fd, line, (size_t)len, MSG_NOSIGNAL) != len)
		return -EPIPE;
	return read(p->fifo_fd, &byte, 1) == 1 ? 0 : -EPIPE;
}

static PLANTED int plants_fault(struct plants *p, unsigned ms)
{
	if (p->uffd < 0)
		return -ENOSYS;
	p->fault_ms = ms;
	(void)*p->page;
	madvise((void *)p->page, PLANTS_PAGE, MADV_DONTNEED);
	return 0;
}

#endif
