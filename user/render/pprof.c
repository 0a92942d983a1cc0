/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flame's paths become samples; each name is one function with one location, all of one number: its place in the
 * string table. So the three tables grow together.
 */
#include "render/pprof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/hash.h"
#include "profile.pb-c.h"
#include "render/tree.h"

#define GZIP_WINDOW (15 + 16) /* zlib: the largest window, with gzip's head, which has no time in it */

typedef Perftools__Profiles__Profile Profile;
typedef Perftools__Profiles__Sample Sample;
typedef Perftools__Profiles__Label Label;
typedef Perftools__Profiles__Location Location;
typedef Perftools__Profiles__Line Line;
typedef Perftools__Profiles__Function Function;
typedef Perftools__Profiles__ValueType ValueType;

/* A sample with all that it points to. */
struct entry {
	Sample sample;
	uint64_t locations[FLAME_DEPTH + 2];
	int64_t values[2];
	Label labels[TRAIL_REST];
	Label *label_refs[TRAIL_REST];
};

/* What is written: arrays of pointers as protobuf-c wants them. */
struct build {
	Profile profile;
	struct table strings; /* hash of a string, or the next free key -> its number */
	size_t max_strings;
	size_t max_samples;
};

static void *grow(void *array, size_t n, size_t *max, size_t size)
{
	size_t more = *max ? *max * 2 : 64;
	void *bigger;

	if (n < *max)
		return array;
	bigger = reallocarray(array, more, size);
	if (bigger)
		*max = more;
	return bigger;
}

static int64_t string_add(struct build *b, const char *text)
{
	Profile *p = &b->profile;
	char **table = grow(p->string_table, p->n_string_table, &b->max_strings, sizeof(*table));

	if (!table)
		return -ENOMEM;
	p->string_table = table;
	table[p->n_string_table] = strdup(text);
	return table[p->n_string_table] ? (int64_t)p->n_string_table++ : -ENOMEM;
}

/* Its number, or -ENOMEM. */
static int64_t string_get(struct build *b, const char *text)
{
	uint64_t key = hash_add(HASH_NONE, text, strlen(text));
	int64_t number;
	void *known;

	for (; (known = table_get(&b->strings, key)); key++) {
		number = (int64_t)(uintptr_t)known - 1;
		if (strcmp(b->profile.string_table[number], text) == 0)
			return number;
	}
	number = string_add(b, text);
	if (number >= 0 && table_put(&b->strings, key, (void *)(uintptr_t)(number + 1)))
		return -ENOMEM;
	return number;
}

static int labels_fill(struct build *b, struct entry *e, const char *const *names, unsigned nr)
{
	static const char *const keys[] = {"loop", "cause", "route"};

	for (unsigned i = 0; i < nr && i < TRAIL_REST; i++) {
		Label *label = &e->labels[i];

		perftools__profiles__label__init(label);
		label->key = string_get(b, keys[i]);
		label->str = string_get(b, names[i]);
		if (label->key < 0 || label->str < 0)
			return -ENOMEM;
		e->label_refs[e->sample.n_label++] = label;
	}
	e->sample.label = e->label_refs;
	return 0;
}

static int sample_add(void *arg, const char *const *names, unsigned nr, const struct flame_node *node)
{
	struct build *b = arg;
	Profile *p = &b->profile;
	Sample **all = grow(p->sample, p->n_sample, &b->max_samples, sizeof(*all));
	struct entry *e = all ? calloc(1, sizeof(*e)) : NULL;

	if (all)
		p->sample = all;
	if (!e)
		return -ENOMEM;
	all[p->n_sample++] = &e->sample;
	perftools__profiles__sample__init(&e->sample);
	for (unsigned i = 0; i < nr; i++) {
		int64_t id = string_get(b, names[nr - 1 - i]);

		if (id < 0)
			return -ENOMEM;
		e->locations[i] = (uint64_t)id;
	}
	e->sample.location_id = e->locations;
	e->sample.n_location_id = nr;
	e->values[0] = (int64_t)node->count;
	e->values[1] = (int64_t)node->ns;
	e->sample.value = e->values;
	e->sample.n_value = 2;
	return labels_fill(b, e, names, nr);
}

/* A function and its location. */
struct place {
	Location location;
	Line line;
	Line *line_ref;
	Function function;
};

/* One of each for every string but the empty one; more than samples need, which does no harm. */
static int places_make(struct build *b, struct place **places)
{
	Profile *p = &b->profile;
	size_t n = p->n_string_table - 1;

	*places = calloc(n, sizeof(**places));
	p->location = calloc(n, sizeof(Location *));
	p->function = calloc(n, sizeof(Function *));
	if (!*places || !p->location || !p->function)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct place *place = &(*places)[i];

		perftools__profiles__location__init(&place->location);
		perftools__profiles__line__init(&place->line);
		perftools__profiles__function__init(&place->function);
		place->function.id = i + 1;
		/* Without a system name pprof takes it for no mangled one: it would strip "<module>" of its text. */
		place->function.name = (int64_t)i + 1;
		place->line.function_id = i + 1;
		place->line_ref = &place->line;
		place->location.id = i + 1;
		place->location.line = &place->line_ref;
		place->location.n_line = 1;
		p->location[i] = &place->location;
		p->function[i] = &place->function;
	}
	p->n_location = n;
	p->n_function = n;
	return 0;
}

static int gzip_write(FILE *out, uint8_t *data, size_t len)
{
	z_stream z = {.next_in = data, .avail_in = (unsigned)len};
	uint8_t buf[16384] = {};
	int status;

	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	do {
		z.next_out = buf;
		z.avail_out = sizeof(buf);
		status = deflate(&z, Z_FINISH);
		fwrite(buf, 1, sizeof(buf) - z.avail_out, out);
	} while (status == Z_OK);
	deflateEnd(&z);
	return 0;
}

static int profile_write(const Profile *profile, FILE *out)
{
	size_t len = perftools__profiles__profile__get_packed_size(profile);
	uint8_t *data = malloc(len ? len : 1);
	int error;

	if (!data)
		return -ENOMEM;
	perftools__profiles__profile__pack(profile, data);
	error = gzip_write(out, data, len);
	free(data);
	return error;
}

static void build_fini(struct build *b, struct place *places)
{
	Profile *p = &b->profile;

	for (size_t i = 0; i < p->n_sample; i++)
		free(p->sample[i]); /* struct entry begins with it */
	for (size_t i = 0; i < p->n_string_table; i++)
		free(p->string_table[i]);
	table_fini(&b->strings);
	free(p->sample);
	free(p->string_table);
	free(p->location);
	free(p->function);
	free(places);
}

/* Types, comment and times. */
static int frame_fill(struct build *b, ValueType types[2], int64_t *comment, uint64_t threshold_ns)
{
	char text[64];
	Profile *p = &b->profile;

	perftools__profiles__value_type__init(&types[0]);
	perftools__profiles__value_type__init(&types[1]);
	types[0].type = string_get(b, "stalls");
	types[0].unit = string_get(b, "count");
	types[1].type = string_get(b, "time");
	types[1].unit = string_get(b, "nanoseconds");
	snprintf(text, sizeof(text), "lgtrace: stalls over %llu ns", (unsigned long long)threshold_ns);
	*comment = string_get(b, text);
	p->default_sample_type = types[1].type;
	p->comment = comment;
	p->n_comment = 1;
	return types[0].type < 0 || types[0].unit < 0 || types[1].type < 0 || types[1].unit < 0 || *comment < 0
		       ? -ENOMEM
		       : 0;
}

static void pprof_summary(struct render *r, const struct model_summary *summary)
{
	struct tree *tree = r->state;
	struct build b = {.profile = PERFTOOLS__PROFILES__PROFILE__INIT};
	ValueType types[2], *type_refs[2] = {&types[0], &types[1]};
	struct place *places = NULL;
	int64_t comment;
	int error = string_get(&b, "") < 0 ? -ENOMEM : 0;

	if (!error)
		error = frame_fill(&b, types, &comment, tree->threshold_ns);
	b.profile.sample_type = type_refs;
	b.profile.n_sample_type = 2;
	b.profile.time_nanos = (int64_t)(summary->start_ns + (uint64_t)r->realtime_offset_ns);
	b.profile.duration_nanos = (int64_t)(summary->end_ns - summary->start_ns);
	flame_sort(&tree->flame);
	if (!error)
		error = flame_each(&tree->flame, sample_add, &b);
	if (!error)
		error = places_make(&b, &places);
	if (!error)
		error = profile_write(&b.profile, r->out);
	build_fini(&b, places);
	if (error)
		r->error = error;
}

const struct render_ops render_pprof = {
	.begin = tree_begin,
	.record = tree_record,
	.stall = tree_stall,
	.summary = pprof_summary,
	.end = tree_end,
};
