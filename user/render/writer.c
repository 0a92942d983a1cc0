/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes JSON onto a stream as it goes. Numbers are made from integers only, so no locale gets into them. */
#include "render/writer.h"

#include <string.h>

#include "base/text.h"

static void begin_value(struct writer *w, const char *key)
{
	if (w->comma)
		fputc(',', w->out);
	if (key)
		fprintf(w->out, "\"%s\":", key);
	w->comma = true;
}

void writer_object(struct writer *w, const char *key)
{
	begin_value(w, key);
	fputc('{', w->out);
	w->comma = false;
}

void writer_object_end(struct writer *w)
{
	fputc('}', w->out);
	w->comma = true;
}

void writer_array(struct writer *w, const char *key)
{
	begin_value(w, key);
	fputc('[', w->out);
	w->comma = false;
}

void writer_array_end(struct writer *w)
{
	fputc(']', w->out);
	w->comma = true;
}

void writer_line_end(struct writer *w)
{
	fputs("}\n", w->out);
	w->comma = false;
}

void writer_u64(struct writer *w, const char *key, uint64_t value)
{
	begin_value(w, key);
	fprintf(w->out, "%llu", (unsigned long long)value);
}

void writer_i64(struct writer *w, const char *key, int64_t value)
{
	begin_value(w, key);
	fprintf(w->out, "%lld", (long long)value);
}

void writer_us(struct writer *w, const char *key, uint64_t ns)
{
	begin_value(w, key);
	fprintf(w->out, "%llu.%03llu", (unsigned long long)(ns / 1000), (unsigned long long)(ns % 1000));
}

void writer_bool(struct writer *w, const char *key, bool value)
{
	begin_value(w, key);
	fputs(value ? "true" : "false", w->out);
}

void writer_null(struct writer *w, const char *key)
{
	begin_value(w, key);
	fputs("null", w->out);
}

void writer_string(struct writer *w, const char *key, const char *value)
{
	if (!value) {
		writer_null(w, key);
		return;
	}
	begin_value(w, key);
	text_put_json(w->out, value, strlen(value));
}

void writer_name(struct writer *w, const char *key, const char *value)
{
	writer_string(w, key, value && *value ? value : NULL);
}

void writer_share(struct writer *w, const char *key, uint64_t part, uint64_t whole)
{
	uint64_t millionths;

	if (!whole) {
		writer_null(w, key);
		return;
	}
	if (part > whole)
		part = whole;
	/* 128 bits: part * 1000000 may not fit into 64. */
	millionths = (uint64_t)(((unsigned __int128)part * 1000000 + whole / 2) / whole);
	begin_value(w, key);
	fprintf(w->out, "%llu.%06llu", (unsigned long long)(millionths / 1000000),
		(unsigned long long)(millionths % 1000000));
}
