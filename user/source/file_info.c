/* SPDX-License-Identifier: BSD-2-Clause */
/* The JSON of a recording's head. What is not of the expected type counts as not there. */
#include "source/file_info.h"

#include <errno.h>
#include <string.h>

#include "lg_lists.h"
#include "model/detail.h"
#include "source/check.h"

/* Strings of the host are bytes; JSON knows text only. */
static void put_string(json_t *object, const char *key, const char *value)
{
	json_t *string = value ? json_string(value) : json_null();

	json_object_set_new(object, key, string ? string : json_string("?"));
}

static void put_records(json_t *root)
{
	json_t *records = json_object();

#define X(sym, nr, name, help) json_object_set_new(records, name, json_pack("[ii]", nr, (int)record_size(nr)));
	LG_RECORDS(X)
#undef X
	json_object_set_new(root, "records", records);
}

static void put_strings(json_t *object, const char *key, const char *const *strings)
{
	json_t *array = json_array();

	for (; *strings; strings++)
		json_array_append_new(array, json_string(*strings));
	json_object_set_new(object, key, array);
}

static const char *const causes[LG_NR_CAUSES] = {
#define X(sym, nr, name, help) [nr] = name,
	LG_CAUSES(X)
#undef X
};

static const char *const details[MODEL_NR_DETAILS] = {
#define X(sym, word, names_itself, name) [MODEL_DETAIL_##sym] = word,
	MODEL_DETAILS(X)
#undef X
};

static void put_words(json_t *object, const char *key, const char *const *words, int nr, uint32_t chosen)
{
	json_t *array = json_array();

	for (int i = 0; i < nr; i++)
		if (chosen >> i & 1)
			json_array_append_new(array, json_string(words[i]));
	json_object_set_new(object, key, array);
}

static uint32_t get_words(const json_t *object, const char *key, const char *const *words, int nr)
{
	uint32_t chosen = 0;
	json_t *string;
	size_t i;

	json_array_foreach(json_object_get(object, key), i, string)
	{
		for (int word = 0; json_is_string(string) && word < nr; word++)
			if (!strcmp(json_string_value(string), words[word]))
				chosen |= 1u << word;
	}
	return chosen;
}

static json_t *filter_format(const struct file_info *info)
{
	json_t *filter = json_object();

	put_strings(filter, "exclude_paths", info->exclude_paths);
	put_strings(filter, "routes", info->routes);
	put_strings(filter, "methods", info->methods);
	put_words(filter, "causes", causes, LG_NR_CAUSES, info->causes);
	put_words(filter, "details", details, MODEL_NR_DETAILS, info->details);
	return filter;
}

int file_info_format(const struct file_info *info, char **text)
{
	json_t *root = json_object(), *features = json_object();

	put_string(root, "version", info->version);
	put_string(root, "kernel", info->kernel);
	put_string(root, "host", info->host);
	put_string(root, "machine", info->machine);
	json_object_set_new(root, "realtime_offset_ns", json_integer(info->realtime_offset_ns));
	json_object_set_new(root, "start_ns", json_integer((json_int_t)info->start_ns));
	json_object_set_new(root, "threshold_ns", json_integer((json_int_t)info->threshold_ns));
	json_object_set_new(root, "threshold_auto", json_boolean(info->is_auto));
	json_object_set_new(root, "cumulative_ns", json_integer((json_int_t)info->cumulative_ns));
	json_object_set_new(root, "cumulative_window_ns", json_integer((json_int_t)info->cumulative_window_ns));
	json_object_set_new(root, "turn_ns", json_integer((json_int_t)info->turn_ns));
	put_string(root, "request_id_header", info->id_header);
	put_strings(root, "route_patterns", info->route_patterns);
	json_object_set_new(root, "filter", filter_format(info));
	for (size_t i = 0; i < info->nr_features; i++)
		put_string(features, info->features[i].name, info->features[i].word);
	json_object_set_new(root, "features", features);
	put_records(root);
	*text = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	return *text ? 0 : -ENOMEM;
}

static const char *get_string(const json_t *root, const char *key)
{
	const char *value = json_string_value(json_object_get(root, key));

	return value ? value : "";
}

static uint64_t get_length(const json_t *root, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(root, key));

	return value > 0 ? (uint64_t)value : 0;
}

static void get_features(struct file_info *info)
{
	json_t *word;
	const char *name;

	json_object_foreach(json_object_get(info->root, "features"), name, word)
	{
		if (info->nr_features == FILE_INFO_FEATURES || !json_is_string(word))
			continue;
		info->features[info->nr_features++] = (struct file_feature){name, json_string_value(word)};
	}
}

static void get_strings(const json_t *root, const char *key, const char *out[FILE_INFO_PATTERNS + 1])
{
	size_t i, n = 0;
	json_t *string;

	json_array_foreach(json_object_get(root, key), i, string)
	{
		if (n < FILE_INFO_PATTERNS && json_is_string(string))
			out[n++] = json_string_value(string);
	}
}

static void get_filter(struct file_info *info)
{
	const json_t *filter = json_object_get(info->root, "filter");

	get_strings(filter, "exclude_paths", info->exclude_paths);
	get_strings(filter, "routes", info->routes);
	get_strings(filter, "methods", info->methods);
	info->causes = get_words(filter, "causes", causes, LG_NR_CAUSES);
	info->details = get_words(filter, "details", details, MODEL_NR_DETAILS);
}

static void get_sizes(struct file_info *info)
{
	const char *name;
	json_t *entry;

	json_object_foreach(json_object_get(info->root, "records"), name, entry)
	{
		json_int_t kind = json_integer_value(json_array_get(entry, 0));
		json_int_t size = json_integer_value(json_array_get(entry, 1));

		if (kind > 0 && kind < FILE_INFO_KINDS && size > 0 && size <= UINT16_MAX)
			info->sizes[kind] = (uint16_t)size;
	}
}

int file_info_parse(struct file_info *info, const char *text, size_t len)
{
	*info = (struct file_info){0};
	info->root = json_loadb(text, len, 0, NULL);
	if (!json_is_object(info->root))
		return -EBADMSG;
	info->version = get_string(info->root, "version");
	info->kernel = get_string(info->root, "kernel");
	info->host = get_string(info->root, "host");
	info->machine = get_string(info->root, "machine");
	info->realtime_offset_ns = json_integer_value(json_object_get(info->root, "realtime_offset_ns"));
	info->start_ns = get_length(info->root, "start_ns");
	info->threshold_ns = get_length(info->root, "threshold_ns");
	info->is_auto = json_is_true(json_object_get(info->root, "threshold_auto"));
	info->cumulative_ns = get_length(info->root, "cumulative_ns");
	info->cumulative_window_ns = get_length(info->root, "cumulative_window_ns");
	info->turn_ns = get_length(info->root, "turn_ns");
	info->id_header = get_string(info->root, "request_id_header");
	get_features(info);
	get_strings(info->root, "route_patterns", info->route_patterns);
	get_filter(info);
	get_sizes(info);
	return 0;
}

void file_info_fini(struct file_info *info)
{
	json_decref(info->root);
	*info = (struct file_info){0};
}
