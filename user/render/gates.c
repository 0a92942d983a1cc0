/* SPDX-License-Identifier: BSD-2-Clause */
/* Results of --fail-if. Names of loops and routes are the target's: escaped for each form. */
#include "render/gates.h"

#include <string.h>

#include "base/units.h"
#include "render/line.h"
#include "render/writer.h"

#define WHERE_LEN (4 * (MODEL_PATH_LEN + MODEL_METHOD_LEN))
#define TEXT_COLS 24

/* "12.3 ms", "3", "81.0%", or that nothing was measured. */
static const char *format_value(char *buf, size_t size, const struct gate_result *r)
{
	if (!r->has_value)
		snprintf(buf, size, "nothing measured");
	else if (gate_unit(r->gate) == GATE_TIME)
		units_format_duration(buf, size, r->value);
	else if (gate_unit(r->gate) == GATE_SHARE)
		units_format_percent(buf, size, r->value, 1000);
	else
		snprintf(buf, size, "%llu", (unsigned long long)r->value);
	return buf;
}

/* " on 4711 uvicorn", " on GET /report/{n}", or nothing: printable. */
static const char *format_where(char *buf, size_t size, const struct gate_result *r, bool utf8)
{
	char raw[MODEL_PATH_LEN + MODEL_METHOD_LEN], name[WHERE_LEN] = "";

	if (r->loop)
		line_format_loop(name, sizeof(name), r->loop->pid, r->loop->tid, r->loop->comm, utf8);
	if (r->route) {
		snprintf(raw, sizeof(raw), "%s%s%s", r->route->method, *r->route->method ? " " : "", r->route->route);
		text_escape(name, sizeof(name), raw, strlen(raw), utf8);
	}
	snprintf(buf, size, "%s%s", *name ? " on " : "", name);
	return buf;
}

void gates_print(FILE *out, const struct text_style *style, const struct gate_result *results, unsigned nr)
{
	char value[64], where[WHERE_LEN + 8];

	fputc('\n', out);
	text_put(out, style, TEXT_BOLD, "GATES", 0);
	fputc('\n', out);
	for (unsigned i = 0; i < nr; i++) {
		const struct gate_result *r = &results[i];

		fputs("  ", out);
		text_put(out, style, r->has_tripped ? TEXT_RED : TEXT_GREEN, r->has_tripped ? "FAILED" : "ok", 6);
		fprintf(out, "  fail if %-*s  %s%s\n", TEXT_COLS, r->gate->text, format_value(value, sizeof(value), r),
			format_where(where, sizeof(where), r, style->utf8));
	}
}

void gates_print_json(FILE *out, const struct gate_result *results, unsigned nr)
{
	static const char *const units[] = {[GATE_COUNT] = "count", [GATE_TIME] = "ns", [GATE_SHARE] = "1/1000"};

	for (unsigned i = 0; i < nr; i++) {
		const struct gate_result *r = &results[i];
		struct writer w = {.out = out};

		writer_object(&w, NULL);
		writer_string(&w, "type", "gate");
		writer_string(&w, "fail_if", r->gate->text);
		writer_string(&w, "metric", gate_name(r->gate));
		writer_string(&w, "unit", units[gate_unit(r->gate)]);
		writer_u64(&w, "limit", r->gate->limit);
		if (r->has_value)
			writer_u64(&w, "value", r->value);
		else
			writer_null(&w, "value");
		writer_bool(&w, "failed", r->has_tripped);
		if (r->loop) {
			writer_u64(&w, "pid", r->loop->pid);
			writer_u64(&w, "tid", r->loop->tid);
		}
		if (r->route) {
			writer_name(&w, "method", r->route->method);
			writer_string(&w, "route", r->route->route);
		}
		writer_line_end(&w);
	}
}

/* Text that text_escape() made, in an attribute. */
static void put_xml(FILE *out, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
}

static void put_case(FILE *out, const struct gate_result *r, double seconds)
{
	char value[64], where[WHERE_LEN + 8];

	fputs("    <testcase classname=\"lgtrace\" name=\"fail if ", out);
	put_xml(out, r->gate->text);
	fprintf(out, "\" time=\"%.3f\"", seconds);
	if (!r->has_tripped) {
		fputs("/>\n", out);
		return;
	}
	fputs(">\n      <failure message=\"", out);
	put_xml(out, gate_name(r->gate));
	fputs(": ", out);
	put_xml(out, format_value(value, sizeof(value), r));
	put_xml(out, format_where(where, sizeof(where), r, true));
	fputs("\"/>\n    </testcase>\n", out);
}

void gates_print_junit(FILE *out, const struct gate_result *results, unsigned nr, uint64_t elapsed_ns)
{
	double seconds = elapsed_ns / 1e9;
	unsigned failures = 0;

	for (unsigned i = 0; i < nr; i++)
		failures += results[i].has_tripped;
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", out);
	fprintf(out,
		"  <testsuite name=\"lgtrace\" tests=\"%u\" failures=\"%u\" errors=\"0\" skipped=\"0\" "
		"time=\"%.3f\">\n",
		nr, failures, seconds);
	for (unsigned i = 0; i < nr; i++)
		put_case(out, &results[i], seconds);
	fputs("  </testsuite>\n</testsuites>\n", out);
}
