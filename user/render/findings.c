/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of `doctor`. */
#include "render/findings.h"

#include <assert.h>
#include <string.h>

#include "render/writer.h"

#define STATUS_COLS 7
#define NAME_COLS   14
#define TEXT_COL    (2 + STATUS_COLS + 2 + NAME_COLS + 2)
#define MIN_WIDTH   60 /* narrower terminals wrap by themselves */
#define FILE_WIDTH  100

static const char *const status_words[] = {
	[FINDING_OK] = "ok",
	[FINDING_LIMITED] = "limited",
	[FINDING_MISSING] = "missing",
	[FINDING_UNKNOWN] = "unknown",
};

static const enum text_tone status_tones[] = {
	[FINDING_OK] = TEXT_GREEN,
	[FINDING_LIMITED] = TEXT_YELLOW,
	[FINDING_MISSING] = TEXT_RED,
	[FINDING_UNKNOWN] = TEXT_YELLOW,
};

struct finding *findings_add(struct findings *f, const char *name)
{
	assert(f->nr < FINDINGS_MAX);
	f->v[f->nr].name = name;
	return &f->v[f->nr++];
}

/* Words in lines of the width that there is, each from column TEXT_COL on; the first line stands there already. */
static void put_wrapped(FILE *out, const struct text_style *style, const char *text)
{
	size_t width = !style->width ? FILE_WIDTH : style->width < MIN_WIDTH ? MIN_WIDTH : style->width;
	size_t at = TEXT_COL;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (at > TEXT_COL && at + 1 + len > width) {
			fprintf(out, "\n%*s", TEXT_COL, "");
			at = TEXT_COL;
		}
		fprintf(out, "%s%.*s", at > TEXT_COL ? " " : "", (int)len, text);
		at += len + (at > TEXT_COL);
		text += len + strspn(text + len, " ");
	}
	fputc('\n', out);
}

static void put_more(FILE *out, const struct text_style *style, const char *label, const char *text)
{
	char line[FINDING_LEN + 16];

	if (!*text)
		return;
	snprintf(line, sizeof(line), "%s%s", label, text);
	fprintf(out, "%*s", TEXT_COL, "");
	put_wrapped(out, style, line);
}

static void put_finding(FILE *out, const struct text_style *style, const struct finding *f)
{
	char found[4 * FINDING_LEN];

	fputs("  ", out);
	text_put(out, style, status_tones[f->status], status_words[f->status], STATUS_COLS);
	fprintf(out, "  %-*s  ", NAME_COLS, f->name);
	text_escape(found, sizeof(found), f->found, strlen(f->found), style->utf8);
	put_wrapped(out, style, found);
	put_more(out, style, "", f->consequence);
	put_more(out, style, "fix: ", f->fix);
}

void findings_print(FILE *out, const struct text_style *style, const struct findings *f)
{
	char title[32];

	snprintf(title, sizeof(title), f->pid ? "PROCESS %d" : "HOST", f->pid);
	text_put(out, style, TEXT_BOLD, title, 0);
	fputc('\n', out);
	for (size_t i = 0; i < f->nr; i++)
		put_finding(out, style, &f->v[i]);
}

void findings_print_json(FILE *out, const struct findings *f)
{
	for (size_t i = 0; i < f->nr; i++) {
		const struct finding *row = &f->v[i];
		struct writer w = {.out = out};

		writer_object(&w, NULL);
		writer_string(&w, "type", "check");
		if (f->pid)
			writer_u64(&w, "pid", f->pid);
		else
			writer_null(&w, "pid");
		writer_string(&w, "name", row->name);
		writer_string(&w, "status", status_words[row->status]);
		writer_string(&w, "found", row->found);
		writer_name(&w, "consequence", row->consequence);
		writer_name(&w, "fix", row->fix);
		writer_line_end(&w);
	}
}

enum exit_code findings_code(const struct findings *f)
{
	for (size_t i = 0; i < f->nr; i++)
		if (f->v[i].status == FINDING_MISSING)
			return f->v[i].code;
	return EXIT_CODE_OK;
}
