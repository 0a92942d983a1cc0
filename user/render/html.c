/* SPDX-License-Identifier: BSD-2-Clause */
/* The page's data, gathered as JSON text while the recording is read. */
#include "render/html.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "render/json.h"
#include "render/series.h"
#include "render/tree.h"
#include "render/words.h"
#include "render/writer.h"

/* The page (report.html) as bytes and a NUL, made by the build. */
static const char page[] = {
#include "report.gen.h"
};

#define DATA_MARK  "@DATA@"
#define MAX_STALLS 5000 /* the longest; 4 MB of page */

struct stall_text {
	uint64_t duration_ns;
	uint64_t start_ns;
	char *text; /* its JSON line */
};

struct html {
	struct tree tree;
	struct series series;
	char *header; /* JSON line */
	struct stall_text *stalls;
	size_t nr_stalls;
};

/* What one of the JSON view's functions says, as text to be freed; NULL: no memory. */
static char *json_text(const struct render *r, const void *what, void (*say)(struct render *json, const void *what))
{
	struct render json = *r;
	char *text = NULL;
	size_t len;

	json.out = open_memstream(&text, &len);
	if (!json.out)
		return NULL;
	say(&json, what);
	if (fclose(json.out)) {
		free(text);
		return NULL;
	}
	return text;
}

static void say_header(struct render *json, const void *header)
{
	json_begin(json, header);
}

static void say_stall(struct render *json, const void *stall)
{
	json_stall(json, stall);
}

static void say_summary(struct render *json, const void *summary)
{
	json_summary(json, summary);
}

static void html_begin(struct render *r, const struct render_header *header)
{
	struct html *html = calloc(1, sizeof(*html));

	r->state = html;
	if (html) {
		trail_guide_init(&html->tree.guide);
		series_init(&html->series);
		html->header = json_text(r, header, say_header);
	}
	if (!html || !html->header)
		r->error = -ENOMEM;
}

static void html_record(struct render *r, const struct lg_head *rec)
{
	struct html *html = r->state;

	trail_guide_record(&html->tree.guide, rec);
	series_record(&html->series, rec);
}

/* The longest first; of equal ones the earlier. */
static int length_compare(const void *a, const void *b)
{
	const struct stall_text *x = a, *y = b;

	if (x->duration_ns != y->duration_ns)
		return x->duration_ns < y->duration_ns ? 1 : -1;
	return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

static void stalls_trim(struct html *html)
{
	if (!html->stalls)
		return;
	qsort(html->stalls, html->nr_stalls, sizeof(*html->stalls), length_compare);
	while (html->nr_stalls > MAX_STALLS)
		free(html->stalls[--html->nr_stalls].text);
}

static int stall_keep(struct render *r, const struct model_stall *stall)
{
	struct html *html = r->state;
	char *text;

	if (!html->stalls)
		html->stalls = calloc(2 * MAX_STALLS, sizeof(*html->stalls));
	text = html->stalls ? json_text(r, stall, say_stall) : NULL;
	if (!text)
		return -ENOMEM;
	html->stalls[html->nr_stalls++] = (struct stall_text){stall->duration_ns, stall->start_ns, text};
	if (html->nr_stalls == 2 * MAX_STALLS)
		stalls_trim(html);
	return 0;
}

static void html_stall(struct render *r, const struct model_stall *stall)
{
	struct html *html = r->state;
	int error = tree_add(&html->tree, stall);

	if (!error)
		error = stall_keep(r, stall);
	if (error)
		r->error = error;
}

/* JSON text within a script element: a '<' stands in strings only, and could begin the element's end. */
static void put_json(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("\\u003c", out);
		else if (*text != '\n')
			fputc(*text, out);
	}
}

/* [name, ns, [children]] */
static void put_node(struct writer *w, const struct flame_node *node)
{
	writer_array(w, NULL);
	writer_string(w, NULL, node->name);
	writer_u64(w, NULL, node->sum_ns);
	writer_array(w, NULL);
	for (const struct flame_node *child = node->first; child; child = child->next)
		put_node(w, child);
	writer_array_end(w);
	writer_array_end(w);
}

static void say_flame(struct render *json, const void *what)
{
	const struct flame *flame = what;
	struct writer w = {.out = json->out};

	if (flame->root)
		put_node(&w, flame->root);
	else
		fputs("[\"\",0,[]]", json->out);
}

static int tid_compare(const void *a, const void *b)
{
	const struct series_loop *const *x = a, *const *y = b;

	return ((*x)->tid > (*y)->tid) - ((*x)->tid < (*y)->tid);
}

static void put_points(struct writer *w, const struct series_loop *loop)
{
	char key[16];

	snprintf(key, sizeof(key), "%u", loop->tid);
	writer_array(w, key);
	for (unsigned i = 0; i < loop->nr; i++) {
		writer_array(w, NULL);
		writer_u64(w, NULL, loop->points[i].time_ns);
		writer_u64(w, NULL, loop->points[i].idle_ns);
		writer_array_end(w);
	}
	writer_array_end(w);
}

static void say_series(struct render *json, const void *what)
{
	const struct series *series = what;
	const struct series_loop **loops = calloc(series->loops.count + 1, sizeof(*loops));
	struct writer w = {.out = json->out};
	size_t pos = 0, nr = 0;
	void *loop;

	writer_object(&w, NULL);
	while (loops && table_next(&series->loops, &pos, NULL, &loop))
		loops[nr++] = loop;
	if (loops)
		qsort(loops, nr, sizeof(*loops), tid_compare);
	for (size_t i = 0; i < nr; i++)
		put_points(&w, loops[i]);
	writer_object_end(&w);
	free(loops);
}

/* What the words of stalls mean, and which details are told in place of their cause. */
static void say_words(struct render *json, const void *nothing)
{
	struct writer w = {.out = json->out};

	(void)nothing;
	writer_object(&w, NULL);
	writer_object(&w, "causes");
	for (int i = 0; i < LG_NR_CAUSES; i++)
		writer_string(&w, words_cause(i), words_cause_help(i));
	writer_object_end(&w);
	writer_object(&w, "confidences");
	for (int i = 0; i < LG_NR_CONFIDENCES; i++)
		writer_string(&w, words_confidence(i), words_confidence_help(i));
	writer_object_end(&w);
	writer_array(&w, "details");
	for (int i = 0; i < MODEL_NR_DETAILS; i++)
		if (words_detail_is_own(i))
			writer_string(&w, NULL, words_detail(i));
	writer_array_end(&w);
	writer_object_end(&w);
}

static int put_said(struct render *r, const char *key, const void *what,
		    void (*say)(struct render *json, const void *what))
{
	char *text = json_text(r, what, say);

	if (!text)
		return -ENOMEM;
	fprintf(r->out, ",\"%s\":", key);
	put_json(r->out, text);
	free(text);
	return 0;
}

static int put_data(struct render *r, const struct model_summary *summary)
{
	struct html *html = r->state;
	int error;

	stalls_trim(html);
	flame_sort(&html->tree.flame);
	fputs("{\"header\":", r->out);
	put_json(r->out, html->header);
	fputs(",\"stalls\":[", r->out);
	for (size_t i = 0; i < html->nr_stalls; i++) {
		fputs(i ? ",\n" : "\n", r->out);
		put_json(r->out, html->stalls[i].text);
	}
	fprintf(r->out, "],\"hints\":%s", r->no_hints ? "false" : "true");
	error = put_said(r, "summary", summary, say_summary);
	if (!error)
		error = put_said(r, "words", NULL, say_words);
	if (!error)
		error = put_said(r, "flame", &html->tree.flame, say_flame);
	if (!error)
		error = put_said(r, "series", &html->series, say_series);
	fputs("}", r->out);
	return error;
}

static void html_summary(struct render *r, const struct model_summary *summary)
{
	const char *mark = strstr(page, DATA_MARK);
	int error;

	fwrite(page, 1, (size_t)(mark - page), r->out);
	error = put_data(r, summary);
	fputs(mark + strlen(DATA_MARK), r->out);
	if (error)
		r->error = error;
}

static void html_end(struct render *r)
{
	struct html *html = r->state;

	if (!html)
		return;
	for (size_t i = 0; i < html->nr_stalls; i++)
		free(html->stalls[i].text);
	free(html->stalls);
	free(html->header);
	series_fini(&html->series);
	trail_guide_fini(&html->tree.guide);
	flame_fini(&html->tree.flame);
	free(html);
	r->state = NULL;
}

const struct render_ops render_html = {
	.begin = html_begin,
	.record = html_record,
	.stall = html_stall,
	.summary = html_summary,
	.end = html_end,
};
