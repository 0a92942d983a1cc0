/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One interface over the ways in which a loop may wait: epoll, poll, select and io_uring.
 *
 * Only readability is watched, level-triggered. It is for the test server: simple, one thread, no more
 * than POLLER_MAX descriptors. Descriptors are added and removed outside of poller_wait().
 */
#ifndef POLLER_H
#define POLLER_H

#include <errno.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#define POLLER_MAX 1024 /* FD_SETSIZE: what select can watch */

enum poller_kind { POLLER_EPOLL, POLLER_POLL, POLLER_SELECT, POLLER_URING };

struct poller_ring {
	int fd;
	unsigned *sq_tail, *sq_mask, *cq_head, *cq_tail, *cq_mask;
	unsigned nr_queued;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

struct poller {
	enum poller_kind kind;
	int epoll_fd;
	struct poller_ring ring;
	bool watched[POLLER_MAX];
	bool armed[POLLER_MAX]; /* io_uring: a poll request for it is in the kernel */
	int max_fd;
};

static inline int poller_ring_open(struct poller_ring *r)
{
	struct io_uring_params p = {0};
	size_t len;
	char *map;

	r->fd = (int)syscall(SYS_io_uring_setup, POLLER_MAX, &p);
	if (r->fd < 0)
		return -errno;
	len = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	if (len < p.sq_off.array + p.sq_entries * sizeof(unsigned))
		len = p.sq_off.array + p.sq_entries * sizeof(unsigned);
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
	r->sqes = mmap(NULL, p.sq_entries * sizeof(*r->sqes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		       IORING_OFF_SQES);
	if (map == MAP_FAILED || r->sqes == MAP_FAILED || !(p.features & IORING_FEAT_SINGLE_MMAP))
		return -ENOSYS;
	r->sq_tail = (unsigned *)(map + p.sq_off.tail);
	r->sq_mask = (unsigned *)(map + p.sq_off.ring_mask);
	r->cq_head = (unsigned *)(map + p.cq_off.head);
	r->cq_tail = (unsigned *)(map + p.cq_off.tail);
	r->cq_mask = (unsigned *)(map + p.cq_off.ring_mask);
	r->cqes = (struct io_uring_cqe *)(map + p.cq_off.cqes);
	for (unsigned i = 0; i < p.sq_entries; i++)
		((unsigned *)(map + p.sq_off.array))[i] = i;
	return 0;
}

static inline void poller_ring_arm(struct poller_ring *r, int fd)
{
	unsigned tail = *r->sq_tail;
	struct io_uring_sqe *sqe = &r->sqes[tail & *r->sq_mask];

	*sqe = (struct io_uring_sqe){.opcode = IORING_OP_POLL_ADD, .fd = fd, .user_data = (uint64_t)fd};
	sqe->poll32_events = POLLIN;
	__atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_RELEASE);
	r->nr_queued++;
}

/* 0 or -errno. */
static inline int poller_init(struct poller *p, const char *name)
{
	static const char *const names[] = {"epoll", "poll", "select", "io_uring"};

	memset(p, 0, sizeof(*p));
	p->epoll_fd = -1;
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name))
			continue;
		p->kind = (enum poller_kind)i;
		if (p->kind == POLLER_EPOLL)
			p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
		return p->kind == POLLER_URING ? poller_ring_open(&p->ring) : 0;
	}
	return -EINVAL;
}

static inline int poller_add(struct poller *p, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (fd >= POLLER_MAX)
		return -EMFILE;
	p->watched[fd] = true;
	p->armed[fd] = false;
	if (fd > p->max_fd)
		p->max_fd = fd;
	return p->kind == POLLER_EPOLL && epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* Before the descriptor is closed. With io_uring it must have been reported by the last poller_wait(). */
static inline void poller_remove(struct poller *p, int fd)
{
	p->watched[fd] = false;
	if (p->kind == POLLER_EPOLL)
		epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

static inline int poller_wait_epoll(struct poller *p, int timeout_ms, int *fds, int max)
{
	struct epoll_event events[64];
	int n = epoll_wait(p->epoll_fd, events, max < 64 ? max : 64, timeout_ms);

	for (int i = 0; i < n; i++)
		fds[i] = events[i].data.fd;
	return n;
}

static inline int poller_wait_poll(struct poller *p, int timeout_ms, int *fds, int max)
{
	static struct pollfd set[POLLER_MAX];
	nfds_t nr = 0;
	int n = 0;

	for (int fd = 0; fd <= p->max_fd; fd++)
		if (p->watched[fd])
			set[nr++] = (struct pollfd){.fd = fd, .events = POLLIN};
	if (poll(set, nr, timeout_ms) < 0)
		return -1;
	for (nfds_t i = 0; i < nr && n < max; i++)
		if (set[i].revents)
			fds[n++] = set[i].fd;
	return n;
}

static inline int poller_wait_select(struct poller *p, int timeout_ms, int *fds, int max)
{
	struct timeval tv = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
	fd_set set;
	int n = 0;

	FD_ZERO(&set);
	for (int fd = 0; fd <= p->max_fd; fd++)
		if (p->watched[fd])
			FD_SET(fd, &set);
	if (select(p->max_fd + 1, &set, NULL, NULL, timeout_ms < 0 ? NULL : &tv) < 0)
		return -1;
	for (int fd = 0; fd <= p->max_fd && n < max; fd++)
		if (p->watched[fd] && FD_ISSET(fd, &set))
			fds[n++] = fd;
	return n;
}

static inline int poller_wait_uring(struct poller *p, int timeout_ms, int *fds, int max)
{
	struct __kernel_timespec ts = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000ll};
	struct io_uring_getevents_arg arg = {.ts = timeout_ms < 0 ? 0 : (uint64_t)(uintptr_t)&ts};
	struct poller_ring *r = &p->ring;
	unsigned head = *r->cq_head;
	int n = 0;

	for (int fd = 0; fd <= p->max_fd; fd++) {
		if (!p->watched[fd] || p->armed[fd])
			continue;
		p->armed[fd] = true;
		poller_ring_arm(r, fd);
	}
	syscall(SYS_io_uring_enter, r->fd, r->nr_queued, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
		sizeof(arg));
	r->nr_queued = 0;
	for (; head != __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE) && n < max; head++) {
		fds[n] = (int)r->cqes[head & *r->cq_mask].user_data;
		p->armed[fds[n]] = false;
		n++;
	}
	__atomic_store_n(r->cq_head, head, __ATOMIC_RELEASE);
	return n;
}

/* Descriptors that can be read, at most `max`; 0 after `timeout_ms` (-1: never). Negative: interrupted. */
static inline int poller_wait(struct poller *p, int timeout_ms, int *fds, int max)
{
	switch (p->kind) {
	case POLLER_EPOLL:
		return poller_wait_epoll(p, timeout_ms, fds, max);
	case POLLER_POLL:
		return poller_wait_poll(p, timeout_ms, fds, max);
	case POLLER_SELECT:
		return poller_wait_select(p, timeout_ms, fds, max);
	default:
		return poller_wait_uring(p, timeout_ms, fds, max);
	}
}

#endif
