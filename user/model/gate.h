/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gates (--fail-if): conditions on a summary that make a run fail. "p99>50ms" fails when a loop's 99th percentile is
 * longer than that; of several loops or routes the worst one counts. What was not measured at all fails too, so that
 * a load test whose load never came does not pass.
 */
#ifndef LG_GATE_H
#define LG_GATE_H

#include "model/model.h"

enum gate_unit { GATE_COUNT, GATE_TIME, GATE_SHARE };
enum gate_op { GATE_OVER, GATE_FROM, GATE_UNDER, GATE_UP_TO };

struct gate_metric;

struct gate {
	char text[64]; /* as it was given; of the two implicit ones as if they were */
	const struct gate_metric *metric;
	enum gate_op op;
	uint64_t limit; /* in ns, in 1/1000 or a count, as its unit says */
};

struct gate_result {
	const struct gate *gate;
	bool has_tripped;
	bool has_value; /* false: nothing was measured */
	uint64_t value;
	const struct model_loop *loop;   /* the worst one, NULL: it is about no loop */
	const struct model_route *route; /* the worst one, NULL */
};

#define GATES_MAX 32

struct gates {
	struct gate v[GATES_MAX];
	unsigned nr;
};

/* "p99>50ms", "stalls > 0", "utilisation>=80%". An error with a sentence that names what there is. */
int gate_parse(struct gate *out, const char *text, struct err *err);

/*
 * All of them, and "turns<1" and "requests<1" unless there is a gate on the same metric. -EINVAL with a sentence for
 * one that cannot be read, -E2BIG for too many.
 */
int gates_parse(struct gates *out, const char *const *texts, struct err *err);

/* The result points into the gate and the summary. */
void gate_check(struct gate_result *out, const struct gate *gate, const struct model_summary *summary);

const char *gate_name(const struct gate *gate);
enum gate_unit gate_unit(const struct gate *gate);

#endif
