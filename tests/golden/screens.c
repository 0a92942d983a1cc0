/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of records and a script of keys to the screens of `lgtrace top`, driven as user/cmd/top_run.c drives it, with
 * no terminal, no clock and no kernel: a second of the records is a second of the view.
 *
 * usage: screens [--utf8] [--colour] [--batch] [--no-hints] [--threshold 20ms] FILE WORD...
 * A word is a key (Enter, Up, ..., or a character), or one of show (prints the screen), size=COLSxROWS, view=N.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "render/top.h"
#include "source/check.h"

#define REALTIME_NS 1767225600000000000ll /* CLOCK_MONOTONIC 0 is 2026-01-01T00:00:00Z */
#define NS_PER_S    1000000000ull

struct player {
	struct model *model;
	struct board *board;
	struct board *frozen;
	struct top top;
	struct text_style style;
	unsigned rows;
	unsigned cols;
	uint64_t second_ns; /* the next one ends then; 0: nothing was fed */
	uint64_t now_ns;
	unsigned nr_shown;
};

static void die(const char *what, int error)
{
	fprintf(stderr, "screens: %s: %s\n", what, strerror(error));
	exit(EXIT_CODE_FAILED);
}

static void refresh(struct player *p)
{
	if (board_refresh(p->board, p->model, p->now_ns))
		die("refresh", ENOMEM);
}

static void feed(struct player *p, const struct lg_head *rec)
{
	if (!p->second_ns)
		p->second_ns = rec->time_ns + NS_PER_S;
	/* What is told at a second's end belongs to it. */
	for (; rec->time_ns > p->second_ns; p->second_ns += NS_PER_S) {
		p->now_ns = p->second_ns;
		if (board_second(p->board, p->model, p->now_ns))
			die("second", ENOMEM);
		refresh(p);
	}
	p->now_ns = rec->time_ns;
	model_feed(p->model, rec);
}

static void file_feed(struct player *p, const char *path)
{
	FILE *file = fopen(path, "re");
	struct lg_head later = {.kind = LG_REC_CLOCK, .len = sizeof(later)};
	const struct lg_head *rec;
	size_t len, at = 0;
	uint64_t *data; /* aligned as records must be */
	int n;

	if (!file || fseek(file, 0, SEEK_END))
		die(path, errno);
	len = (size_t)ftell(file);
	rewind(file);
	data = malloc(len + 8);
	if (!data || fread(data, 1, len, file) != len)
		die(path, EIO);
	fclose(file);
	for (; at < len; at += (size_t)n) {
		n = record_check((char *)data + at, len - at, &rec);
		if (n < 0)
			die(path, -n);
		feed(p, rec);
	}
	free(data);
	/* Time goes on, so that no stall is held back any more. */
	later.time_ns = p->now_ns + NS_PER_S;
	model_feed(p->model, &later);
	refresh(p);
}

static const struct board *shown(const struct player *p)
{
	return p->frozen ? p->frozen : p->board;
}

static void show(struct player *p)
{
	unsigned rows = p->top.is_batch ? top_height(&p->top, p->board) : p->rows;
	struct screen screen;

	board_look(p->board, p->model, p->now_ns, p->top.pid, p->top.tid);
	if (screen_init(&screen, rows, p->cols, p->style.utf8))
		die("screen", ENOMEM);
	top_draw(&p->top, shown(p), &screen);
	printf("--- %u: %ux%u\n", ++p->nr_shown, p->cols, rows);
	screen_print(&screen, &p->style, stdout);
	screen_fini(&screen);
}

static int key_of(const char *word)
{
	static const struct {
		const char *name;
		int key;
	} names[] = {
		{"Enter", TOP_KEY_ENTER},
		{"Tab", TOP_KEY_TAB},
		{"Esc", TOP_KEY_ESC},
		{"Up", TOP_KEY_UP},
		{"Down", TOP_KEY_DOWN},
		{"Left", TOP_KEY_LEFT},
		{"Right", TOP_KEY_RIGHT},
		{"PageUp", TOP_KEY_PAGE_UP},
		{"PageDown", TOP_KEY_PAGE_DOWN},
		{"Home", TOP_KEY_HOME},
		{"End", TOP_KEY_END},
		{"BackTab", TOP_KEY_BACK_TAB},
		{"Backspace", TOP_KEY_BACKSPACE},
		{"Space", ' '},
		{"F1", TOP_KEY_HELP},
		{"F4", TOP_KEY_FILTER},
		{"F6", TOP_KEY_SORT},
		{"F10", TOP_KEY_QUIT},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i].name, word))
			return names[i].key;
	if (strlen(word) != 1)
		die(word, EINVAL);
	return (unsigned char)*word;
}

static void key_play(struct player *p, int key)
{
	switch (top_key(&p->top, shown(p), key)) {
	case TOP_QUIT:
		puts("--- quit");
		break;
	case TOP_PAUSE:
		board_free(p->frozen);
		p->frozen = p->top.is_paused ? board_copy(p->board) : NULL;
		break;
	case TOP_RESET:
		board_reset(p->board, p->model, p->now_ns);
		refresh(p);
		break;
	default:
		break;
	}
}

static void word_play(struct player *p, const char *word)
{
	if (!strcmp(word, "show"))
		show(p);
	else if (!strncmp(word, "view=", 5))
		p->top.view = (enum top_view)strtoul(word + 5, NULL, 10);
	else if (sscanf(word, "size=%ux%u", &p->cols, &p->rows) != 2)
		key_play(p, key_of(word));
}

static int opts_parse(struct player *p, int argc, char **argv)
{
	static const struct option table[] = {
		{"utf8", no_argument, NULL, 'u'},
		{"colour", no_argument, NULL, 'c'},
		{"batch", no_argument, NULL, 'b'},
		{"no-hints", no_argument, NULL, 'h'},
		{"threshold", required_argument, NULL, 'T'},
		{},
	};
	int option, error = 0;

	while (!error && (option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		p->style.utf8 |= option == 'u';
		p->style.colour |= option == 'c';
		p->top.is_batch |= option == 'b';
		p->top.no_hints |= option == 'h';
		if (option == 'T')
			error = units_parse_duration(optarg, &p->top.threshold_ns);
		if (option == '?')
			error = -EINVAL;
	}
	return error || optind >= argc ? -EINVAL : 0;
}

int main(int argc, char **argv)
{
	struct player p = {.rows = 24, .cols = 80};
	struct model_sink sink = board_sink(&p.board);
	struct model_opts opts = {};

	p.top = (struct top){.host = "golden", .threshold_ns = 20000000, .realtime_offset_ns = REALTIME_NS};
	if (opts_parse(&p, argc, argv)) {
		fprintf(stderr,
			"usage: screens [--utf8] [--colour] [--batch] [--no-hints] [--threshold 20ms] FILE WORD...\n");
		return EXIT_CODE_USAGE;
	}
	setenv("TZ", "UTC", 1);
	tzset();
	opts.threshold_ns = p.top.threshold_ns;
	top_init(&p.top);
	if (model_new(&p.model, &opts, &sink, NULL) || board_new(&p.board, NULL))
		die("start", ENOMEM);
	file_feed(&p, argv[optind]);
	for (int i = optind + 1; i < argc; i++)
		word_play(&p, argv[i]);
	board_free(p.frozen);
	board_free(p.board);
	model_free(p.model);
	return fflush(stdout) ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}
