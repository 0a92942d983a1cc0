/* SPDX-License-Identifier: BSD-2-Clause */
/* ncurses: it sends only what has changed, and that in one write, so nothing flickers, tears or scrolls. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/terminal.h"
#include "render/top.h"

/* How long Esc waits for the rest of a key's sequence. */
#define ESC_MS 25

#define CTRL_L 0x0c

static SCREEN *screen;
static struct termios saved;
static char restore_text[128]; /* what makes a terminal show its first page and a cursor again */
static bool has_colour;

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

bool terminal_is_utf8(void)
{
	setlocale(LC_CTYPE, "");
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* Only calls that are allowed in a signal handler. */
static void on_crash(int signal_nr)
{
	ssize_t unused = write(STDOUT_FILENO, restore_text, strlen(restore_text));

	(void)unused;
	tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	signal(signal_nr, SIG_DFL);
	raise(signal_nr);
}

static void restore_note(void)
{
	static const char *const names[] = {"sgr0", "cnorm", "rmcup"};

	restore_text[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *text = tigetstr(names[i]);

		if (text && text != (char *)-1 && strlen(restore_text) + strlen(text) < sizeof(restore_text))
			strcat(restore_text, text);
	}
	for (size_t i = 0; i < sizeof(crash_signals) / sizeof(*crash_signals); i++)
		signal(crash_signals[i], on_crash);
}

static void colours_init(const struct text_style *style)
{
	static const short colours[] = {
		[TEXT_RED] = COLOR_RED,
		[TEXT_YELLOW] = COLOR_YELLOW,
		[TEXT_GREEN] = COLOR_GREEN,
		[TEXT_CYAN] = COLOR_CYAN,
	};

	has_colour = style->colour && start_color() == OK && has_colors();
	if (!has_colour)
		return;
	use_default_colors();
	for (short tone = TEXT_RED; tone <= TEXT_CYAN; tone++)
		init_pair(tone, colours[tone], -1);
}

int terminal_open(const struct text_style *style, struct err *err)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &saved)) {
		err_hint(err, "lgtrace top -b prints tables instead");
		return err_set(err, EXIT_CODE_FAILED, ENOTTY, "standard input and output are no terminal");
	}
	set_escdelay(ESC_MS);
	screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		err_hint(err, "set TERM to a terminal that is known here, such as xterm, or use lgtrace top -b");
		return err_set(err, EXIT_CODE_FAILED, ENOTTY, "the terminal '%s' is not known",
			       getenv("TERM") ? getenv("TERM") : "");
	}
	restore_note();
	colours_init(style);
	/* Until it has come back from endwin() once, ncurses 6.4 writes at each motion; from then on a frame is one
	 * write. */
	endwin();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	return 0;
}

void terminal_close(void)
{
	if (!screen)
		return;
	for (size_t i = 0; i < sizeof(crash_signals) / sizeof(*crash_signals); i++)
		signal(crash_signals[i], SIG_DFL);
	endwin();
	delscreen(screen);
	screen = NULL;
}

void terminal_size(unsigned *rows, unsigned *cols)
{
	int y, x;

	getmaxyx(stdscr, y, x);
	*rows = y > 0 ? (unsigned)y : 1;
	*cols = x > 0 ? (unsigned)x : 1;
}

void terminal_resize(void)
{
	struct winsize size;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	clearok(stdscr, TRUE);
}

static attr_t attr_of(unsigned char attr)
{
	enum text_tone tone = SCREEN_TONE(attr);
	attr_t result = attr & SCREEN_REVERSE ? A_REVERSE : A_NORMAL;

	if (tone == TEXT_BOLD)
		return result | A_BOLD;
	if (tone == TEXT_DIM)
		return result | A_DIM;
	if (tone == TEXT_PLAIN)
		return result;
	return has_colour ? result | (attr_t)COLOR_PAIR(tone) : result;
}

void terminal_draw(const struct screen *s)
{
	erase();
	for (unsigned row = 0; row < s->rows; row++)
		for (unsigned col = 0; col < s->cols; col++) {
			const struct screen_cell *cell = screen_cell(s, row, col);

			if (!*cell->text || (!strcmp(cell->text, " ") && !cell->attr))
				continue;
			attrset(attr_of(cell->attr));
			mvaddstr((int)row, (int)col, cell->text);
		}
	attrset(A_NORMAL);
	refresh();
}

int terminal_key(void)
{
	static const struct {
		int curses;
		int key;
	} keys[] = {
		{KEY_UP, TOP_KEY_UP},         {KEY_DOWN, TOP_KEY_DOWN},
		{KEY_LEFT, TOP_KEY_LEFT},     {KEY_RIGHT, TOP_KEY_RIGHT},
		{KEY_PPAGE, TOP_KEY_PAGE_UP}, {KEY_NPAGE, TOP_KEY_PAGE_DOWN},
		{KEY_HOME, TOP_KEY_HOME},     {KEY_END, TOP_KEY_END},
		{KEY_BTAB, TOP_KEY_BACK_TAB}, {KEY_BACKSPACE, TOP_KEY_BACKSPACE},
		{0x7f, TOP_KEY_BACKSPACE},    {'\b', TOP_KEY_BACKSPACE},
		{KEY_ENTER, TOP_KEY_ENTER},   {'\r', TOP_KEY_ENTER},
		{KEY_F(1), TOP_KEY_HELP},     {KEY_F(3), TOP_KEY_FILTER},
		{KEY_F(4), TOP_KEY_FILTER},   {KEY_F(6), TOP_KEY_SORT},
		{KEY_F(10), TOP_KEY_QUIT},
	};
	int c = getch();

	if (c == ERR)
		return -1;
	/* Something else wrote on the screen. */
	if (c == CTRL_L)
		clearok(stdscr, TRUE);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i].curses == c)
			return keys[i].key;
	return c < 0x80 ? c : 0;
}
