/* SPDX-License-Identifier: BSD-2-Clause */
/* One table of what can be asked, and the reading and checking of conditions on it. */
#include "model/gate.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

/* Each metric has the function of what it is about; false: nothing was measured. */
struct gate_metric {
	const char *name;
	enum gate_unit unit;
	bool (*of_loop)(const struct model_loop *loop, uint64_t *value);
	bool (*of_route)(const struct model_route *route, uint64_t *value);
	uint64_t (*of_all)(const struct model_summary *summary);
};

#define LOOP_QUANTILE(fn, q) \
	static bool fn(const struct model_loop *loop, uint64_t *value) \
	{ \
		*value = hist_quantile(&loop->hist, q); \
		return loop->hist.count; \
	}
LOOP_QUANTILE(loop_p50, 0.5)
LOOP_QUANTILE(loop_p90, 0.9)
LOOP_QUANTILE(loop_p99, 0.99)

static bool loop_max(const struct model_loop *loop, uint64_t *value)
{
	*value = loop->max_turn_ns;
	return loop->hist.count || loop->stuck_ns;
}

static bool loop_busy(const struct model_loop *loop, uint64_t *value)
{
	uint64_t idle_ns = loop->idle_ns < loop->elapsed_ns ? loop->idle_ns : loop->elapsed_ns;

	*value = loop->elapsed_ns ? (uint64_t)((loop->elapsed_ns - idle_ns) * 1000.0 / loop->elapsed_ns) : 0;
	return loop->elapsed_ns;
}

#define ROUTE_QUANTILE(fn, of) \
	static bool fn##_p99(const struct model_route *route, uint64_t *value) \
	{ \
		*value = hist_quantile(&route->of, 0.99); \
		return route->of.count; \
	} \
	static bool fn##_max(const struct model_route *route, uint64_t *value) \
	{ \
		*value = route->of.max_ns; \
		return route->of.count; \
	}
ROUTE_QUANTILE(route_hold, hold)
ROUTE_QUANTILE(route_delay, delay)
ROUTE_QUANTILE(route_duration, duration)

static uint64_t all_stalls(const struct model_summary *s)
{
	return s->nr_stalls;
}

static uint64_t all_stalled(const struct model_summary *s)
{
	uint64_t sum_ns = 0;

	for (int i = 0; i < LG_NR_CAUSES; i++)
		sum_ns += s->causes[i].stall_ns;
	return sum_ns;
}

static uint64_t all_cumulative(const struct model_summary *s)
{
	return s->nr_cumulative;
}

static uint64_t all_requests(const struct model_summary *s)
{
	return s->nr_requests;
}

static uint64_t all_turns(const struct model_summary *s)
{
	uint64_t turns = 0;

	for (size_t i = 0; i < s->nr_loops; i++)
		turns += s->loops[i].turns;
	return turns;
}

static uint64_t all_lost(const struct model_summary *s)
{
	return s->lost;
}

static const struct gate_metric metrics[] = {
	{"p50", GATE_TIME, .of_loop = loop_p50},
	{"p90", GATE_TIME, .of_loop = loop_p90},
	{"p99", GATE_TIME, .of_loop = loop_p99},
	{"max", GATE_TIME, .of_loop = loop_max},
	{"utilisation", GATE_SHARE, .of_loop = loop_busy},
	{"stalls", GATE_COUNT, .of_all = all_stalls},
	{"stalled", GATE_TIME, .of_all = all_stalled},
	{"cumulative", GATE_COUNT, .of_all = all_cumulative},
	{"hold_p99", GATE_TIME, .of_route = route_hold_p99},
	{"hold_max", GATE_TIME, .of_route = route_hold_max},
	{"delay_p99", GATE_TIME, .of_route = route_delay_p99},
	{"delay_max", GATE_TIME, .of_route = route_delay_max},
	{"duration_p99", GATE_TIME, .of_route = route_duration_p99},
	{"duration_max", GATE_TIME, .of_route = route_duration_max},
	{"requests", GATE_COUNT, .of_all = all_requests},
	{"turns", GATE_COUNT, .of_all = all_turns},
	{"lost", GATE_COUNT, .of_all = all_lost},
};

#define NR_METRICS (sizeof(metrics) / sizeof(*metrics))

/* The names of all metrics, separated by spaces. */
static void names_format(char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < NR_METRICS && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", i ? " " : "", metrics[i].name);
}

const char *gate_name(const struct gate *gate)
{
	return gate->metric->name;
}

enum gate_unit gate_unit(const struct gate *gate)
{
	return gate->metric->unit;
}

static const struct gate_metric *metric_find(const char *name, size_t len)
{
	for (size_t i = 0; i < NR_METRICS; i++)
		if (strlen(metrics[i].name) == len && strncmp(metrics[i].name, name, len) == 0)
			return &metrics[i];
	return NULL;
}

/* Takes ">", ">=", "<" or "<=" off the text. */
static int op_take(const char **text, enum gate_op *op)
{
	bool is_over = **text == '>';

	if (!is_over && **text != '<')
		return -EINVAL;
	++*text;
	if (**text == '=') {
		++*text;
		*op = is_over ? GATE_FROM : GATE_UP_TO;
	} else {
		*op = is_over ? GATE_OVER : GATE_UNDER;
	}
	return 0;
}

static int limit_parse(const char *text, enum gate_unit unit, uint64_t *limit)
{
	double number;
	char *end;

	if (unit == GATE_TIME)
		return units_parse_duration(text, limit);
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	if (unit == GATE_COUNT) {
		errno = 0;
		*limit = strtoull(text, &end, 10);
		return *end || errno ? -EINVAL : 0;
	}
	number = strtod(text, &end);
	if (strcmp(end, "%") != 0 || !(number <= 100))
		return -EINVAL;
	*limit = (uint64_t)(number * 10 + 0.5);
	return 0;
}

static int gate_wrong(const char *text, struct err *err)
{
	char names[256];

	names_format(names, sizeof(names));
	err_hint(err,
		 "a metric (%s), then > >= < or <=, then a limit, such as 'p99>50ms', 'stalls>0' or "
		 "'utilisation>80%%'",
		 names);
	return err_set(err, EXIT_CODE_USAGE, EINVAL, "--fail-if: '%s' is no condition", text);
}

int gate_parse(struct gate *out, const char *text, struct err *err)
{
	const char *at = text + strspn(text, " ");
	size_t len = strcspn(at, " <>=");

	*out = (struct gate){.metric = metric_find(at, len)};
	if (!out->metric || strlen(text) >= sizeof(out->text))
		return gate_wrong(text, err);
	memcpy(out->text, text, strlen(text));
	at += len + strspn(at + len, " ");
	if (op_take(&at, &out->op))
		return gate_wrong(text, err);
	at += strspn(at, " ");
	return limit_parse(at, out->metric->unit, &out->limit) ? gate_wrong(text, err) : 0;
}

static int gates_add(struct gates *out, const char *text, struct err *err)
{
	if (out->nr == GATES_MAX)
		return err_set(err, EXIT_CODE_USAGE, E2BIG, "more than %d conditions", GATES_MAX);
	return gate_parse(&out->v[out->nr++], text, err);
}

static bool has_metric(const struct gates *gates, const char *name)
{
	for (unsigned i = 0; i < gates->nr; i++)
		if (strcmp(gates->v[i].metric->name, name) == 0)
			return true;
	return false;
}

int gates_parse(struct gates *out, const char *const *texts, struct err *err)
{
	int error = 0;

	*out = (struct gates){.nr = 0};
	for (; texts && *texts && !error; texts++)
		error = gates_add(out, *texts, err);
	if (!error && out->nr && !has_metric(out, "turns"))
		error = gates_add(out, "turns<1", err);
	if (!error && out->nr && !has_metric(out, "requests"))
		error = gates_add(out, "requests<1", err);
	return error;
}

static bool is_tripped(const struct gate *gate, uint64_t value)
{
	switch (gate->op) {
	case GATE_OVER:
		return value > gate->limit;
	case GATE_FROM:
		return value >= gate->limit;
	case GATE_UNDER:
		return value < gate->limit;
	default:
		return value <= gate->limit;
	}
}

/* Whether a value is nearer to tripping than the worst so far. */
static bool is_worse(const struct gate_result *out, uint64_t value)
{
	bool is_upper = out->gate->op == GATE_OVER || out->gate->op == GATE_FROM;

	return !out->has_value || (is_upper ? value > out->value : value < out->value);
}

void gate_check(struct gate_result *out, const struct gate *gate, const struct model_summary *summary)
{
	const struct gate_metric *m = gate->metric;
	uint64_t value;

	*out = (struct gate_result){.gate = gate};
	for (size_t i = 0; m->of_loop && i < summary->nr_loops; i++)
		if (m->of_loop(&summary->loops[i], &value) && is_worse(out, value)) {
			out->has_value = true;
			out->value = value;
			out->loop = &summary->loops[i];
		}
	for (size_t i = 0; m->of_route && i < summary->nr_routes; i++)
		if (m->of_route(&summary->routes[i], &value) && is_worse(out, value)) {
			out->has_value = true;
			out->value = value;
			out->route = &summary->routes[i];
		}
	if (m->of_all) {
		out->has_value = true;
		out->value = m->of_all(summary);
	}
	out->has_tripped = !out->has_value || is_tripped(gate, out->value);
}
