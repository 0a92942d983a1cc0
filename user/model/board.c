/* SPDX-License-Identifier: BSD-2-Clause */
/* What a live view shows: kept from refresh to refresh. */
#include "model/board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int board_new(struct board **out, struct err *err)
{
	struct board *b = calloc(1, sizeof(*b));

	*out = b;
	if (b)
		b->stalls = calloc(BOARD_STALLS, sizeof(*b->stalls));
	if (b && b->stalls) {
		table_init(&b->by_tid, 0);
		return 0;
	}
	free(b);
	*out = NULL;
	return err_set(err, EXIT_CODE_FAILED, ENOMEM, "no memory left");
}

static void loop_free(struct board_loop *l)
{
	routes_fini(&l->routes);
	free(l->worst);
	free(l->stuck);
	free(l);
}

void board_free(struct board *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->nr_loops; i++)
		loop_free(b->loops[i]);
	table_fini(&b->by_tid);
	free(b->loops);
	free(b->routes);
	free(b->places);
	free(b->stalls);
	free(b);
}

static struct board_loop *loop_add(struct board *b, uint32_t pid, uint32_t tid)
{
	struct board_loop **loops = realloc(b->loops, (b->nr_loops + 1) * sizeof(struct board_loop *));
	struct board_loop *l = loops ? calloc(1, sizeof(*l)) : NULL;

	if (loops)
		b->loops = loops;
	if (!l || table_put(&b->by_tid, tid, l)) {
		free(l);
		return NULL;
	}
	l->total.pid = pid;
	l->total.tid = tid;
	routes_init(&l->routes, NULL, BOARD_ROUTES);
	b->loops[b->nr_loops++] = l;
	return l;
}

static void loop_drop(struct board *b, size_t i)
{
	struct board_loop *l = b->loops[i];

	if (table_get(&b->by_tid, l->total.tid) == l)
		table_del(&b->by_tid, l->total.tid);
	b->loops[i] = b->loops[--b->nr_loops];
	loop_free(l);
}

struct board_loop *board_find(const struct board *b, uint32_t pid, uint32_t tid)
{
	struct board_loop *l = table_get(&b->by_tid, tid);

	return l && l->total.pid == pid ? l : NULL;
}

/* A thread's id may have been another process's before. */
static struct board_loop *loop_get(struct board *b, uint32_t pid, uint32_t tid)
{
	struct board_loop *l = table_get(&b->by_tid, tid);

	if (l && l->total.pid == pid)
		return l;
	for (size_t i = 0; l && i < b->nr_loops; i++)
		if (b->loops[i] == l) {
			loop_drop(b, i);
			break;
		}
	return loop_add(b, pid, tid);
}

/* The first of the longest ones stays. */
static void worst_keep(struct board_loop *l, const struct model_stall *stall)
{
	if (l->worst && l->worst->stall.duration_ns >= stall->duration_ns)
		return;
	if (!l->worst)
		l->worst = malloc(sizeof(*l->worst));
	if (l->worst)
		board_stall_copy(l->worst, stall);
}

/* The stall that was told last has the last word on the turn that it was in. */
static void stuck_end(struct board_loop *l, const struct model_stall *stall)
{
	if (!l->stuck || stall->start_ns + stall->duration_ns <= l->stuck->stall.start_ns)
		return;
	free(l->stuck);
	l->stuck = NULL;
}

/* As of now; what has ended stays for one refresh, in which its stall is told. */
static void stuck_refresh(struct board_loop *l, uint64_t now_ns)
{
	struct board_stall *s = l->stuck;

	if (!s)
		return;
	if (l->total.stuck_ns && now_ns > s->stall.start_ns) {
		s->stall.duration_ns = now_ns - s->stall.start_ns;
		s->stall.turn_ns = l->total.stuck_ns;
	} else if (s->is_over || l->total.ended) {
		free(s);
		l->stuck = NULL;
	} else {
		s->is_over = true;
	}
}

void board_take_stuck(struct board *b, const struct model_stuck *stuck)
{
	struct board_loop *l = loop_get(b, stuck->pid, stuck->tid);

	if (l && !l->stuck)
		l->stuck = malloc(sizeof(*l->stuck));
	if (l && l->stuck)
		board_stall_copy_stuck(l->stuck, stuck);
}

void board_take_stall(struct board *b, const struct model_stall *stall)
{
	struct board_loop *l = loop_get(b, stall->pid, stall->tid);
	struct route *route = NULL;

	if (stall->goes_on) /* it stands there as what is stuck */
		return;
	board_stall_copy(&b->stalls[b->nr_stalls++ % BOARD_STALLS], stall);
	if (!l)
		return;
	stuck_end(l, stall);
	worst_keep(l, stall);
	l->cause_ns[stall->cause] += stall->duration_ns;
	if (stall->request && *stall->request->method)
		route = routes_get(&l->routes, stall->request->method, stall->request->route);
	if (!route)
		return;
	route->stats.nr_stalls++;
	route->stats.stall_ns += stall->duration_ns;
}

void board_take_request(struct board *b, const struct model_done *done)
{
	struct board_loop *l = loop_get(b, done->pid, done->tid);
	struct route *route = l ? routes_get(&l->routes, done->request->method, done->request->route) : NULL;

	if (!route)
		return;
	route->stats.count++;
	hist_add(&route->stats.hold, done->hold_ns);
	hist_add(&route->stats.delay, done->delay_ns);
	if (done->longest_run_ns < route->stats.max_run_ns)
		return;
	route->stats.max_run_ns = done->longest_run_ns;
	memcpy(route->stats.worst_id, done->request->id, sizeof(route->stats.worst_id));
}

static void on_stall(void *arg, const struct model_stall *stall)
{
	struct board **b = arg;

	board_take_stall(*b, stall);
}

static void on_stuck(void *arg, const struct model_stuck *stuck)
{
	struct board **b = arg;

	board_take_stuck(*b, stuck);
}

static void on_request(void *arg, const struct model_done *done)
{
	struct board **b = arg;

	board_take_request(*b, done);
}

struct model_sink board_sink(struct board **b)
{
	return (struct model_sink){.arg = b, .stall = on_stall, .stuck = on_stuck, .request = on_request};
}

static uint32_t thousandths(uint64_t part, uint64_t whole)
{
	uint64_t n = whole ? (part * 1000 + whole / 2) / whole : 0;

	return n < 1000 ? (uint32_t)n : 1000;
}

static uint64_t since(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

/* A recording may say anything: more than can be held is the most. */
static uint32_t per_second(uint64_t nr, uint64_t elapsed_ns)
{
	double rate = elapsed_ns ? (double)nr * 1e9 / (double)elapsed_ns + 0.5 : 0;

	return rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;
}

/* The rates of a stretch that began with the totals of `then`. */
static void rates_set(struct board_rates *r, const struct model_loop *now, const struct model_loop *then)
{
	uint64_t elapsed_ns = since(now->elapsed_ns, then->elapsed_ns);
	uint64_t idle_ns = since(now->idle_ns, then->idle_ns);

	/* What runs but did not come on is as it was a moment ago. */
	if (!elapsed_ns && !now->ended)
		return;
	r->busy = thousandths(since(elapsed_ns, idle_ns), elapsed_ns);
	r->on_cpu = thousandths(since(now->parts.on_cpu_ns, then->parts.on_cpu_ns), elapsed_ns);
	r->blocked = thousandths(since(now->parts.blocked_ns, then->parts.blocked_ns), elapsed_ns);
	r->runqueue = thousandths(since(now->parts.runqueue_ns, then->parts.runqueue_ns), elapsed_ns);
	r->throttled = thousandths(since(now->parts.throttled_ns, then->parts.throttled_ns), elapsed_ns);
	r->turns_per_s = per_second(since(now->turns, then->turns), elapsed_ns);
}

static void loops_take(struct board *b, const struct model_summary *s)
{
	for (size_t i = 0; i < b->nr_loops; i++)
		b->loops[i]->is_seen = false;
	for (size_t i = 0; i < s->nr_loops; i++) {
		const struct model_loop *now = &s->loops[i];
		struct board_loop *l = now->ended && !b->keeps_ended ? NULL : loop_get(b, now->pid, now->tid);

		if (!l)
			continue;
		l->total = s->loops[i];
		rates_set(&l->rates, &l->total, &l->last_refresh);
		l->last_refresh = l->total;
		l->is_seen = true;
		stuck_refresh(l, s->end_ns);
	}
	for (size_t i = b->nr_loops; i-- > 0;)
		if (!b->loops[i]->is_seen)
			loop_drop(b, i);
}

void board_look(struct board *b, const struct model *m, uint64_t now_ns, uint32_t pid, uint32_t tid)
{
	struct model_flight flights[BOARD_FLIGHTS];

	b->nr_flights = tid ? model_in_flight(m, pid, tid, flights, BOARD_FLIGHTS) : 0;
	for (size_t i = 0; i < b->nr_flights; i++) {
		b->flights[i].request = *flights[i].request;
		b->flights[i].age_ns = since(now_ns, flights[i].start_ns);
		b->flights[i].hold_ns = flights[i].hold_ns;
	}
}

int board_refresh(struct board *b, const struct model *m, uint64_t now_ns)
{
	struct model_summary s;
	int error = model_summary(m, now_ns, &s);
	uint64_t elapsed_ns;

	if (error)
		return error;
	elapsed_ns = since(now_ns, b->now_ns > s.start_ns ? b->now_ns : s.start_ns);
	if (elapsed_ns)
		b->requests_per_s = per_second(since(s.nr_requests, b->last_requests), elapsed_ns);
	b->now_ns = now_ns;
	b->start_ns = s.start_ns;
	b->nr_requests = b->last_requests = s.nr_requests;
	b->nr_told_stalls = s.nr_stalls;
	b->lost = s.lost;
	b->level = s.level;
	loops_take(b, &s);
	free(b->routes);
	b->routes = s.routes;
	b->nr_routes = s.nr_routes;
	s.routes = NULL;
	free(b->places);
	b->places = s.places;
	b->nr_places = s.nr_places;
	s.places = NULL;
	model_summary_fini(&s);
	return 0;
}

int board_second(struct board *b, const struct model *m, uint64_t now_ns)
{
	struct model_summary s;
	int error = model_summary_loops(m, now_ns, &s);

	if (error)
		return error;
	for (size_t i = 0; i < s.nr_loops; i++) {
		const struct model_loop *now = &s.loops[i];
		struct board_loop *l = now->ended ? NULL : loop_get(b, now->pid, now->tid);
		uint64_t elapsed_ns, idle_ns;

		if (!l)
			continue;
		elapsed_ns = since(now->elapsed_ns, l->second_elapsed_ns);
		idle_ns = since(now->idle_ns, l->second_idle_ns);
		memmove(l->history, l->history + 1, sizeof(l->history) - sizeof(l->history[0]));
		l->history[BOARD_HISTORY - 1] = thousandths(since(elapsed_ns, idle_ns), elapsed_ns);
		l->nr_history += l->nr_history < BOARD_HISTORY;
		l->second_elapsed_ns = now->elapsed_ns;
		l->second_idle_ns = now->idle_ns;
	}
	model_summary_fini(&s);
	return 0;
}

int board_reset(struct board *b, struct model *m, uint64_t now_ns)
{
	int error = model_restart(m, now_ns);

	for (size_t i = 0; i < b->nr_loops; i++) {
		struct board_loop *l = b->loops[i];

		memset(l->cause_ns, 0, sizeof(l->cause_ns));
		memset(&l->last_refresh, 0, sizeof(l->last_refresh));
		memset(&l->rates, 0, sizeof(l->rates));
		l->second_elapsed_ns = 0;
		l->second_idle_ns = 0;
		free(l->worst);
		l->worst = NULL;
		routes_restart(&l->routes);
	}
	b->last_requests = 0;
	b->requests_per_s = 0;
	return error;
}

bool board_top_cause(const struct board_loop *l, enum lg_cause *cause)
{
	uint64_t most_ns = 0;

	for (int i = 0; i < LG_NR_CAUSES; i++)
		if (l->cause_ns[i] > most_ns) {
			most_ns = l->cause_ns[i];
			*cause = i;
		}
	return most_ns;
}

static bool is_worse(const struct model_route *a, const struct model_route *b)
{
	return a->stall_ns != b->stall_ns ? a->stall_ns > b->stall_ns : a->hold.sum_ns > b->hold.sum_ns;
}

static int route_compare(const void *a, const void *b)
{
	return is_worse(b, a) - is_worse(a, b);
}

size_t board_routes(const struct board_loop *l, struct model_route **out)
{
	size_t n = 0;

	*out = calloc((size_t)l->routes.count + 1, sizeof(**out));
	if (*out)
		n = routes_copy(&l->routes, *out);
	if (n)
		qsort(*out, n, sizeof(**out), route_compare);
	return n;
}

const struct model_route *board_worst_route(const struct board_loop *l)
{
	const struct model_route *worst = l->routes.other ? &l->routes.other->stats : NULL;
	size_t pos = 0;
	void *value;

	while (table_next(&l->routes.by_hash, &pos, NULL, &value))
		for (const struct route *route = value; route; route = route->next)
			if ((route->stats.count || route->stats.nr_stalls) &&
			    (!worst || is_worse(&route->stats, worst)))
				worst = &route->stats;
	return worst;
}

/* Loops and their routes; false: no memory. */
static bool loops_copy(struct board *to, const struct board *from)
{
	for (size_t i = 0; i < from->nr_loops; i++) {
		const struct board_loop *l = from->loops[i];
		struct board_loop *copy = loop_add(to, l->total.pid, l->total.tid);
		struct model_route *routes;
		size_t n;

		if (!copy)
			return false;
		copy->total = l->total;
		copy->rates = l->rates;
		memcpy(copy->history, l->history, sizeof(copy->history));
		copy->nr_history = l->nr_history;
		memcpy(copy->cause_ns, l->cause_ns, sizeof(copy->cause_ns));
		if (l->worst)
			worst_keep(copy, &l->worst->stall);
		if (l->stuck && (copy->stuck = malloc(sizeof(*copy->stuck)))) {
			memcpy(copy->stuck, l->stuck, sizeof(*copy->stuck));
			board_stall_tie(copy->stuck);
		}
		n = board_routes(l, &routes);
		for (size_t r = 0; r < n; r++) {
			struct route *route = routes_get(&copy->routes, routes[r].method, routes[r].route);

			if (route)
				route->stats = routes[r];
		}
		free(routes);
	}
	return true;
}

struct board *board_copy(const struct board *b)
{
	struct board *copy;
	struct board_stall *stalls;

	if (board_new(&copy, NULL))
		return NULL;
	stalls = copy->stalls;
	*copy = *b;
	copy->stalls = stalls;
	copy->loops = NULL;
	copy->nr_loops = 0;
	table_init(&copy->by_tid, 0);
	copy->routes = calloc(b->nr_routes + 1, sizeof(*b->routes));
	copy->places = calloc(b->nr_places + 1, sizeof(*b->places));
	if (!copy->routes || !copy->places || !loops_copy(copy, b)) {
		board_free(copy);
		return NULL;
	}
	if (b->nr_routes)
		memcpy(copy->routes, b->routes, b->nr_routes * sizeof(*b->routes));
	if (b->nr_places)
		memcpy(copy->places, b->places, b->nr_places * sizeof(*b->places));
	memcpy(copy->stalls, b->stalls, BOARD_STALLS * sizeof(*b->stalls));
	for (size_t i = 0; i < BOARD_STALLS; i++)
		board_stall_tie(&copy->stalls[i]);
	return copy;
}
