/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a command line by a command's table, the GNU way: --name=value, --name value, -n value, -nvalue,
 * short flags in one word, options and arguments in any order, "--" ends the options.
 *
 * Long names are never guessed from their beginnings: a script must not change its meaning when an option is
 * added. A wrong one gets the nearest name as a hint instead.
 */
#include "base/opt.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/units.h"

#define MAX_NAME 64 /* longer words are near no name of ours */

struct parse {
	const struct opt_command *cmd;
	int argc;
	char **argv;
	int next; /* index of the word to read next */
	void *result;
	struct opt_rest *rest;
	struct err *err;
};

int opt_list_add(struct opt_list *list, const char *item, size_t len)
{
	char **items = realloc(list->items, (list->count + 2) * sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count] = strndup(item, len);
	if (!items[list->count])
		return -ENOMEM;
	items[++list->count] = NULL;
	return 0;
}

void opt_list_fini(struct opt_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct opt_list){0};
}

/* How many letters must be changed, added or removed to make one word of the other. */
static unsigned word_distance(const char *a, const char *b)
{
	unsigned row[MAX_NAME + 1];
	size_t len = strlen(b);

	if (len > MAX_NAME || strlen(a) > MAX_NAME)
		return MAX_NAME;
	for (size_t j = 0; j <= len; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; a[i]; i++) {
		unsigned corner = row[0]; /* the cell up and to the left */

		row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < len; j++) {
			unsigned change = corner + (a[i] != b[j]);
			unsigned step = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;

			corner = row[j + 1];
			row[j + 1] = change < step ? change : step;
		}
	}
	return row[len];
}

/* Is `word` nearer to `name` than *best? Then it is the best so far. */
static bool word_is_nearer(const char *word, const char *name, unsigned *best)
{
	unsigned distance = word_distance(word, name);

	/* The beginning of a name is as near as a typing error. */
	if (strlen(word) >= 3 && strncmp(word, name, strlen(word)) == 0)
		distance = 1;
	if (distance >= *best)
		return false;
	*best = distance;
	return true;
}

static unsigned hint_limit(const char *word)
{
	return strlen(word) < 6 ? 3 : strlen(word) / 3 + 2;
}

static int long_unknown(const struct parse *p, const char *name)
{
	unsigned best = hint_limit(name);
	const char *nearest = NULL;

	for (const struct opt *o = p->cmd->opts; o->name; o++)
		if (word_is_nearer(name, o->name, &best))
			nearest = o->name;
	if (word_is_nearer(name, "help", &best))
		nearest = "help";
	if (nearest)
		err_hint(p->err, "did you mean --%s?", nearest);
	else
		err_hint(p->err, "--help lists the options");
	return err_set(p->err, EXIT_CODE_USAGE, EINVAL, "unknown option --%s", name);
}

static int argument_unknown(const struct parse *p, const char *word)
{
	unsigned best = hint_limit(word);
	const char *nearest = NULL;

	for (const struct opt_command *const *sub = p->cmd->subcommands; sub && *sub; sub++)
		if (word_is_nearer(word, (*sub)->name, &best))
			nearest = (*sub)->name;
	if (nearest)
		err_hint(p->err, "did you mean '%s %s'?", p->cmd->name, nearest);
	else if (p->cmd->takes_command)
		err_hint(p->err, "a command to run stands behind --");
	else
		err_hint(p->err, "--help shows the usage");
	return err_set(p->err, EXIT_CODE_USAGE, EINVAL, "unexpected argument '%s'", word);
}

static int value_wrong(const struct parse *p, const struct opt *o, const char *value, const char *what)
{
	return err_set(p->err, EXIT_CODE_USAGE, EINVAL, "--%s: '%s' %s", o->name, value, what);
}

static int u64_parse(const char *value, uint64_t *out)
{
	char *end;

	if (*value < '0' || *value > '9') /* strtoull() takes signs and spaces */
		return -EINVAL;
	errno = 0;
	*out = strtoull(value, &end, 10);
	return *end ? -EINVAL : -errno;
}

static int choice_take(const struct parse *p, const struct opt *o, const char *value, unsigned *out)
{
	struct buf words = {0};
	unsigned i;
	int ret;

	for (i = 0; o->choices[i]; i++) {
		if (strcmp(o->choices[i], value) == 0) {
			*out = i;
			buf_fini(&words);
			return 0;
		}
		buf_printf(&words, "%s%s", i ? ", " : "is none of ", o->choices[i]);
	}
	ret = words.failed ? -ENOMEM : value_wrong(p, o, value, words.data);
	buf_fini(&words);
	return ret;
}

static int list_take(const struct parse *p, const struct opt *o, const char *value, struct opt_list *list)
{
	const char *item = value;
	int ret;

	for (;;) {
		size_t len = strcspn(item, ",");

		if (!len)
			return value_wrong(p, o, value, *value ? "has an empty part" : "is empty");
		ret = opt_list_add(list, item, len);
		if (ret || !item[len])
			return ret;
		item += len + 1;
	}
}

static int call_take(const struct parse *p, const struct opt *o, const char *value)
{
	int ret = o->call(value, p->result, p->err);

	if (!ret || ret == -ENOMEM)
		return ret;
	if (!value)
		return err_set(p->err, EXIT_CODE_USAGE, EINVAL, "--%s cannot be used here", o->name);
	return value_wrong(p, o, value, "is not valid");
}

/* Puts a value (NULL for an option that takes none) where its row says. */
static int value_take(const struct parse *p, const struct opt *o, const char *value)
{
	void *to = (char *)p->result + o->offset;

	assert(value || o->kind == OPT_KIND_FLAG || o->kind == OPT_KIND_COUNT || o->kind == OPT_KIND_CALL);
	switch (o->kind) {
	case OPT_KIND_FLAG:
		*(bool *)to = true;
		return 0;
	case OPT_KIND_COUNT:
		++*(unsigned *)to;
		return 0;
	case OPT_KIND_STRING:
		*(const char **)to = value;
		return 0;
	case OPT_KIND_U64:
		return u64_parse(value, to) ? value_wrong(p, o, value, "is not a whole number") : 0;
	case OPT_KIND_DURATION:
		if (!units_parse_duration(value, to))
			return 0;
		err_hint(p->err, "write a number and its unit: 250us, 100ms, 1.5s, 2m");
		return value_wrong(p, o, value, "is not a length of time");
	case OPT_KIND_SIZE:
		if (!units_parse_size(value, to))
			return 0;
		err_hint(p->err, "write a number and its unit: 512k, 100M, 2G");
		return value_wrong(p, o, value, "is not a size");
	case OPT_KIND_CHOICE:
		return choice_take(p, o, value, to);
	case OPT_KIND_LIST:
		return list_take(p, o, value, to);
	case OPT_KIND_REPEAT:
		return opt_list_add(to, value, strlen(value));
	case OPT_KIND_CALL:
		return call_take(p, o, value);
	}
	return -EINVAL;
}

/* An option was named, with what stood behind it in its own word: NULL for nothing. */
static int option_take(struct parse *p, const struct opt *o, const char *joined)
{
	if (!o->arg)
		return value_take(p, o, NULL);
	if (joined)
		return value_take(p, o, joined);
	if (o->bare)
		return value_take(p, o, o->bare);
	if (p->next >= p->argc)
		return err_set(p->err, EXIT_CODE_USAGE, EINVAL, "--%s needs a value: %s", o->name, o->arg);
	return value_take(p, o, p->argv[p->next++]);
}

/* --name, --name=value */
static int long_take(struct parse *p, const char *word)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	char name[MAX_NAME + 1];

	for (const struct opt *o = p->cmd->opts; o->name; o++) {
		if (strlen(o->name) != len || memcmp(o->name, word, len))
			continue;
		if (equals && !o->arg)
			return err_set(p->err, EXIT_CODE_USAGE, EINVAL, "--%s takes no value", o->name);
		return option_take(p, o, equals ? equals + 1 : NULL);
	}
	if (strcmp(word, "help") == 0)
		return 1;
	snprintf(name, sizeof(name), "%.*s", (int)(len < MAX_NAME ? len : MAX_NAME), word);
	return long_unknown(p, name);
}

/* The letters behind one dash: flags, until one takes the rest of the word as its value. */
static int short_take(struct parse *p, const char *letters)
{
	for (; *letters; letters++) {
		const struct opt *o = p->cmd->opts;
		int ret;

		while (o->name && o->key != *letters)
			o++;
		if (!o->name && *letters == 'h')
			return 1;
		if (!o->name) {
			err_hint(p->err, "--help lists the options");
			return err_set(p->err, EXIT_CODE_USAGE, EINVAL, "unknown option -%c", *letters);
		}
		ret = option_take(p, o, letters[1] ? letters + 1 : NULL);
		if (ret || o->arg)
			return ret;
	}
	return 0;
}

static int argument_take(struct parse *p, const char *word)
{
	if (p->rest->nr_args >= p->cmd->max_args || p->rest->nr_args >= OPT_MAX_ARGS)
		return argument_unknown(p, word);
	p->rest->args[p->rest->nr_args++] = word;
	return 0;
}

/* Everything behind "--". */
static int rest_take(struct parse *p)
{
	if (p->cmd->takes_command) {
		if (p->next >= p->argc)
			return err_set(p->err, EXIT_CODE_USAGE, EINVAL, "no command stands behind --");
		p->rest->command = p->argv + p->next;
		p->next = p->argc;
	}
	while (p->next < p->argc) {
		int ret = argument_take(p, p->argv[p->next++]);

		if (ret)
			return ret;
	}
	return 0;
}

int opt_parse(const struct opt_command *cmd, int argc, char **argv, void *result, struct opt_rest *rest,
	      struct err *err)
{
	struct parse p = {cmd, argc, argv, 1, result, rest, err};
	int ret = 0;

	*rest = (struct opt_rest){0};
	while (!ret && p.next < argc) {
		const char *word = argv[p.next++];

		if (strcmp(word, "--") == 0)
			ret = rest_take(&p);
		else if (word[0] == '-' && word[1] == '-')
			ret = long_take(&p, word + 2);
		else if (word[0] == '-' && word[1])
			ret = short_take(&p, word + 1);
		else
			ret = argument_take(&p, word);
	}
	return ret;
}
