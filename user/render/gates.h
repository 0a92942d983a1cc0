/* SPDX-License-Identifier: BSD-2-Clause */
/* The outcome of gates: lines for people, JSON, and a JUnit report for CI. */
#ifndef LG_RENDER_GATES_H
#define LG_RENDER_GATES_H

#include <stdio.h>

#include "base/text.h"
#include "model/gate.h"

void gates_print(FILE *out, const struct text_style *style, const struct gate_result *results, unsigned nr);
void gates_print_json(FILE *out, const struct gate_result *results, unsigned nr);
/* One test suite with a case a gate, in the form that Jenkins, GitLab and GitHub read. */
void gates_print_junit(FILE *out, const struct gate_result *results, unsigned nr, uint64_t elapsed_ns);

#endif
