/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small HTTP/1.1 server on one event loop, with stalls planted by the path: /ok answers at once,
 * /cpu/MS, /sleep/MS, /futex/MS, /connect/MS, /read/MS, /poll/MS, /disk/MS and /fault/MS keep the loop
 * for MS milliseconds first (plants.h). Keep-alive, pipelining and heads in pieces are served; bodies are
 * skipped. It is a test's subject, not a server to use: every request that comes is believed.
 *
 * --burn-every blocks the loop from a timer, where no request is at work. What was planted, and what the loop
 * itself saw go wrong, goes to the truth log (truth.h).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "family.h"
#include "plants.h"
#include "poller.h"
#include "truth.h"

#define HEAD_MAX 16384
#define ID_MAX   64

struct options {
	int port;
	const char *poller;
	const char *log;
	int threads;
	int workers;
	int burn_every_ms;
	int burn_ms;
	int peer_port;
	int full_port;
	const char *fifo;
	enum family io;
};

struct conn {
	size_t len;
	size_t skip; /* bytes of a body still to come */
	char buf[HEAD_MAX + 1];
};

struct server {
	struct options opts;
	struct poller poller;
	struct plants plants;
	struct truth truth;
	int listener;
	uint64_t edge_ns;  /* when the loop last read, wrote or came back from its wait */
	uint64_t early_ns; /* the same, but of a write its call, not its return */
	uint64_t burn_at_ns;
	struct conn *conns[POLLER_MAX];
};

struct request {
	char path[128];
	char id[ID_MAX];
	size_t body;
	bool close;
};

struct plant {
	const char *name;
	int (*run)(struct plants *p, unsigned ms);
	const char *cause;
	const char *syscall;
	size_t target; /* offset of the name in struct plants, 0 none */
};

static const struct plant plants[] = {
	{"cpu", plants_cpu, "cpu", NULL, 0},
	{"sleep", plants_sleep, "syscall", "clock_nanosleep", 0},
	{"futex", plants_lock, "lock", "futex", 0},
	{"connect", plants_connect, "syscall", "connect", offsetof(struct plants, full_name)},
	{"read", plants_read, "syscall", "read", offsetof(struct plants, peer_name)},
	{"poll", plants_poll, "syscall", "poll", 0},
	{"disk", plants_fifo, "syscall", "read", offsetof(struct plants, fifo_name)},
	{"fault", plants_fault, "fault", NULL, 0},
};

static const struct plant *plant_find(const char *path, unsigned *ms)
{
	char name[16];

	if (sscanf(path, "/%15[a-z]/%u", name, ms) != 2)
		return NULL;
	for (size_t i = 0; i < sizeof(plants) / sizeof(plants[0]); i++)
		if (!strcmp(plants[i].name, name))
			return &plants[i];
	return NULL;
}

/* The loop is at an edge: time that passed since the last one without a plant is a hiccup. */
static void server_edge(struct server *s, uint64_t now, bool planted)
{
	if (!planted && now - s->edge_ns >= TRUTH_HICCUP_NS)
		truth_add(&s->truth, &(struct truth_line){.cause = "hiccup",
							  .start_ns = s->edge_ns,
							  .end_ns = now,
							  .run_start_ns = s->edge_ns,
							  .run_end_ns = now,
							  .edge_ns = s->edge_ns,
							  .write_ns = now});
	s->edge_ns = s->early_ns = now;
}

/* Keeps only what needs no escape in the truth log. */
static void word_copy(char *dst, size_t size, const char *src, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && n + 1 < size; i++)
		if (src[i] > ' ' && src[i] < 127 && src[i] != '"' && src[i] != '\\')
			dst[n++] = src[i];
	dst[n] = '\0';
}

/* `head` is NUL-terminated at the blank line. */
static void request_parse(struct request *r, char *head)
{
	char *line = head, *next;

	memset(r, 0, sizeof(*r));
	if ((next = strchr(line, ' ')))
		word_copy(r->path, sizeof(r->path), next + 1, strcspn(next + 1, " \r"));
	r->close = strstr(line, " HTTP/1.0\r") != NULL;
	while ((next = strstr(line, "\r\n"))) {
		line = next + 2;
		if (!strncasecmp(line, "x-request-id:", 13))
			word_copy(r->id, sizeof(r->id), line + 13, strcspn(line + 13, "\r"));
		else if (!strncasecmp(line, "content-length:", 15))
			r->body = strtoul(line + 15, NULL, 10);
		else if (!strncasecmp(line, "connection: close", 17))
			r->close = true;
		else if (!strncasecmp(line, "connection: keep-alive", 22))
			r->close = false;
	}
}

/* Serves one request; false when the connection is to be closed. */
static bool request_serve(struct server *s, int fd, const struct request *r)
{
	char reply[128];
	struct truth_line line = {.id = r->id[0] ? r->id : NULL, .path = r->path, .run_start_ns = s->edge_ns};
	unsigned ms = 0;
	const struct plant *plant = plant_find(r->path, &ms);
	const char *status = plant || !strcmp(r->path, "/ok") ? "200 OK" : "404 Not Found";
	ssize_t len, sent;

	line.start_ns = truth_now();
	if (plant && plant->run(&s->plants, ms))
		status = "503 Service Unavailable";
	line.end_ns = truth_now();
	len = snprintf(reply, sizeof(reply), "HTTP/1.1 %s\r\nContent-Length: 3\r\nConnection: %s\r\n\r\nok\n", status,
		       r->close ? "close" : "keep-alive");
	line.run_end_ns = truth_now();
	sent = family_write(s->opts.io, fd, reply, (size_t)len);
	line.write_ns = truth_now();
	line.edge_ns = s->early_ns;
	if (plant) {
		line.cause = plant->cause;
		line.syscall = plant->syscall;
		line.target = plant->target ? (const char *)&s->plants + plant->target : NULL;
		truth_add(&s->truth, &line);
	}
	server_edge(s, line.write_ns, plant != NULL);
	s->early_ns = line.run_end_ns;
	return sent == len && !r->close;
}

/* Serves every whole head in the buffer; false when the connection is to be closed. */
static bool conn_serve(struct server *s, int fd, struct conn *c)
{
	struct request request;
	size_t used = 0;
	char *end;

	while (true) {
		size_t skip = c->skip < c->len - used ? c->skip : c->len - used;

		c->skip -= skip;
		used += skip;
		c->buf[c->len] = '\0';
		end = strstr(c->buf + used, "\r\n\r\n");
		if (!end)
			break;
		end[2] = '\0';
		request_parse(&request, c->buf + used);
		used = (size_t)(end - c->buf) + 4;
		c->skip = request.body;
		if (!request_serve(s, fd, &request))
			return false;
	}
	c->len -= used;
	memmove(c->buf, c->buf + used, c->len);
	return c->len < HEAD_MAX;
}

static void conn_read(struct server *s, int fd)
{
	struct conn *c = s->conns[fd];
	ssize_t n = family_read(s->opts.io, fd, c->buf + c->len, HEAD_MAX - c->len);

	server_edge(s, truth_now(), false);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		c->len += (size_t)n;
		if (conn_serve(s, fd, c))
			return;
	}
	poller_remove(&s->poller, fd);
	close(fd);
	free(c);
	s->conns[fd] = NULL;
}

static void server_accept(struct server *s)
{
	int one = 1, fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (poller_add(&s->poller, fd) || !(s->conns[fd] = calloc(1, sizeof(struct conn)))) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* The timer: ms until it is due, -1 never. Burns when it is due. */
static int server_burn(struct server *s)
{
	uint64_t now = truth_now();
	struct truth_line line = {.cause = "cpu", .run_start_ns = s->edge_ns, .edge_ns = s->edge_ns, .start_ns = now};

	if (!s->opts.burn_every_ms)
		return -1;
	if (now < s->burn_at_ns)
		return (int)((s->burn_at_ns - now) / 1000000 + 1);
	plants_cpu(&s->plants, (unsigned)s->opts.burn_ms);
	line.end_ns = truth_now();
	line.run_end_ns = line.write_ns = line.end_ns;
	truth_add(&s->truth, &line);
	server_edge(s, line.end_ns, true);
	s->burn_at_ns = line.end_ns + (uint64_t)s->opts.burn_every_ms * 1000000u;
	return s->opts.burn_every_ms;
}

static void server_loop(struct server *s)
{
	int fds[64], n, timeout;

	s->edge_ns = truth_now();
	s->burn_at_ns = s->edge_ns + (uint64_t)s->opts.burn_every_ms * 1000000u;
	timeout = s->opts.burn_every_ms ? s->opts.burn_every_ms : -1;
	while (true) {
		server_edge(s, truth_now(), false);
		truth_flush(&s->truth);
		n = poller_wait(&s->poller, timeout, fds, 64);
		s->edge_ns = s->early_ns = truth_now();
		timeout = server_burn(s);
		for (int i = 0; i < n; i++) {
			if (fds[i] == s->listener)
				server_accept(s);
			else
				conn_read(s, fds[i]);
		}
	}
}

static void *thread_idle(void *arg)
{
	(void)arg;
	while (true)
		pause();
	return NULL;
}

static int server_run(struct server *s)
{
	pthread_t thread;
	pthread_attr_t attr;
	int rc = poller_init(&s->poller, s->opts.poller);

	if (rc || (rc = poller_add(&s->poller, s->listener)) ||
	    (rc = plants_init(&s->plants, s->opts.peer_port, s->opts.full_port, s->opts.fifo)) ||
	    truth_open(&s->truth, s->opts.log)) {
		fprintf(stderr, "epoll_server: cannot start: %s\n", strerror(rc ? -rc : errno));
		return 1;
	}
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 0; i < s->opts.threads; i++)
		pthread_create(&thread, &attr, thread_idle, NULL);
	server_loop(s);
	return 0;
}

/* Forks the workers and starts again each that ends. */
static int workers_run(struct server *s)
{
	for (int i = 0; i < s->opts.workers || wait(NULL) > 0; i++) {
		pid_t pid = fork();

		if (pid)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(server_run(s));
	}
	return 0;
}

static int listener_open(int port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	addr.sin_port = htons((uint16_t)port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 511)) {
		fprintf(stderr, "epoll_server: port %d: %s\n", port, strerror(errno));
		exit(1);
	}
	return fd;
}

static int usage(void)
{
	fprintf(stderr, "usage: epoll_server --port N [--poller epoll|poll|select|io_uring] [--log FILE]\n"
			"  [--peer PORT --full PORT --fifo PATH] [--io read|recv|msg|vec] [--threads N] [--workers N]\n"
			"  [--burn-every MS --burn MS]\n");
	return 2;
}

static const struct option option_table[] = {
	{"port", 1, NULL, 'p'},    {"poller", 1, NULL, 'm'},     {"log", 1, NULL, 'l'},  {"threads", 1, NULL, 't'},
	{"workers", 1, NULL, 'w'}, {"burn-every", 1, NULL, 'e'}, {"burn", 1, NULL, 'b'}, {"peer", 1, NULL, 'P'},
	{"full", 1, NULL, 'F'},    {"fifo", 1, NULL, 'f'},       {"io", 1, NULL, 'i'},   {0},
};

static int option_set(struct options *o, int c)
{
	static const char *const families[] = {"read", "recv", "msg", "vec"};
	int *const numbers[128] = {
		['p'] = &o->port,    ['t'] = &o->threads,   ['w'] = &o->workers,  ['e'] = &o->burn_every_ms,
		['b'] = &o->burn_ms, ['P'] = &o->peer_port, ['F'] = &o->full_port};
	const char **const words[128] = {['m'] = &o->poller, ['l'] = &o->log, ['f'] = &o->fifo};

	if (numbers[c & 127])
		*numbers[c & 127] = atoi(optarg);
	else if (words[c & 127])
		*words[c & 127] = optarg;
	else if (c != 'i')
		return -1;
	for (int i = FAMILY_READ; c == 'i' && i <= FAMILY_VEC; i++)
		if (!strcmp(families[i], optarg))
			o->io = (enum family)i;
	return 0;
}

int main(int argc, char **argv)
{
	static struct server server = {.opts = {.poller = "epoll", .burn_ms = 30}};
	int c;

	while ((c = getopt_long(argc, argv, "", option_table, NULL)) != -1)
		if (option_set(&server.opts, c))
			return usage();
	if (!server.opts.port)
		return usage();
	signal(SIGPIPE, SIG_IGN);
	server.listener = listener_open(server.opts.port);
	return server.opts.workers ? workers_run(&server) : server_run(&server);
}
