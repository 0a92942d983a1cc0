/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records to the screens of top, of any size and after any keys: no byte of them could do harm on a terminal. The eight
 * bytes of options are flags, rows, columns, and keys that are struck after the records.
 */
#include "fuzz_records.h"
#include "render/top.h"

enum flags { UTF8 = 1, COLOUR = 2, BATCH = 4, REPLAY = 8, KEEPS_ENDED = 16 };

struct session {
	struct model *model;
	struct board *board;
	struct board *frozen;
	struct top top;
	struct text_style style;
	unsigned rows;
	unsigned cols;
	uint64_t now_ns;
};

static void refresh(struct session *s)
{
	FUZZ_CHECK(board_refresh(s->board, s->model, s->now_ns) == 0);
}

static void record_take(struct session *s, const struct lg_head *rec)
{
	if (rec->time_ns > s->now_ns)
		s->now_ns = rec->time_ns;
	FUZZ_CHECK(model_feed(s->model, rec) == 0);
	if (rec->kind != LG_REC_LOST) /* which is each second's last one */
		return;
	FUZZ_CHECK(board_second(s->board, s->model, s->now_ns) == 0);
	refresh(s);
}

static void records_take(struct session *s, const uint8_t *data, size_t size)
{
	const struct lg_head *head;
	uint8_t *copy;
	size_t len;

	for (; size; data += len, size -= len) {
		len = record_len(data, size);
		copy = (uint8_t *)fuzz_string(data, len);
		if (record_check(copy, len, &head) > 0)
			record_take(s, head);
		free(copy);
	}
	model_flush(s->model);
	refresh(s);
}

/* Colours are ours: what is between them is checked without. */
static void screen_check(const struct session *s, const struct screen *screen)
{
	struct text_style style = s->style;
	size_t len = 0;
	char *text = NULL;

	for (int i = 0; i < 2; i++, style.colour = false) {
		FILE *out = open_memstream(&text, &len);

		if (!out)
			abort();
		screen_print(screen, &style, out);
		fclose(out);
		if (!style.colour)
			fuzz_check_printable(text, len);
		free(text);
	}
}

static void show(struct session *s)
{
	const struct board *board = s->frozen ? s->frozen : s->board;
	struct screen screen;

	board_look(s->board, s->model, s->now_ns, s->top.pid, s->top.tid);
	if (screen_init(&screen, s->top.is_batch ? top_height(&s->top, board) : s->rows, s->cols, s->style.utf8))
		abort();
	top_draw(&s->top, board, &screen);
	screen_check(s, &screen);
	screen_fini(&screen);
}

/* Bytes from 0xf0 on stand for the keys that are no characters. */
static void key_strike(struct session *s, uint8_t byte)
{
	int key = byte >= 0xf0 ? TOP_KEY_UP + (byte & 0xf) : byte;

	switch (top_key(&s->top, s->frozen ? s->frozen : s->board, key)) {
	case TOP_PAUSE:
		board_free(s->frozen);
		s->frozen = s->top.is_paused ? board_copy(s->board) : NULL;
		break;
	case TOP_RESET:
		FUZZ_CHECK(board_reset(s->board, s->model, s->now_ns) == 0);
		refresh(s);
		break;
	default:
		break;
	}
	show(s);
}

static void session_open(struct session *s, const uint8_t *options)
{
	struct model_opts opts = {.threshold_ns = 20000000};
	struct model_sink sink = board_sink(&s->board);

	*s = (struct session){.rows = options[1] % 64, .cols = options[2]};
	s->top = (struct top){
		.host = "\x1b[2Jhost", .threshold_ns = opts.threshold_ns, .is_replay = options[0] & REPLAY};
	s->top.is_batch = options[0] & BATCH;
	s->style = (struct text_style){.utf8 = options[0] & UTF8, .colour = options[0] & COLOUR};
	top_init(&s->top);
	if (model_new(&s->model, &opts, &sink, NULL) || board_new(&s->board, NULL))
		abort();
	s->board->keeps_ended = options[0] & KEEPS_ENDED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session s;

	if (size < OPTIONS_LEN)
		return 0;
	setenv("TZ", "UTC", 1);
	session_open(&s, data);
	records_take(&s, data + OPTIONS_LEN, size - OPTIONS_LEN);
	show(&s);
	for (size_t i = 3; i < OPTIONS_LEN && !s.top.is_batch; i++)
		key_strike(&s, data[i]);
	board_free(s.frozen);
	board_free(s.board);
	model_free(s.model);
	return 0;
}
