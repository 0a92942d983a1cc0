/* SPDX-License-Identifier: BSD-2-Clause */
/* The recording of a session: begun when everything is attached, ended when it is summed up. */
#include <string.h>
#include <sys/utsname.h>

#include "base/units.h"
#include "cmd/session.h"

/* What is beyond the room of a recording is no reason to refuse the run: report takes it from its own options. */
static void strings_fill(const char **out, const struct opt_list *list)
{
	for (size_t i = 0; i < list->count && i < FILE_INFO_PATTERNS; i++)
		out[i] = list->items[i];
}

int session_record_begin(struct session *s, const struct header *header, struct err *err)
{
	const struct trace_opts *o = s->opts;
	struct file_info info = {
		.version = header->told.version,
		.kernel = header->told.kernel,
		.host = header->told.host,
		.realtime_offset_ns = clock_offset_ns(),
		.start_ns = clock_ns(CLOCK_MONOTONIC),
		.threshold_ns = o->threshold_ns,
		.is_auto = o->is_auto,
		.cumulative_ns = o->cumulative_ns,
		.cumulative_window_ns = o->cumulative_window_ns,
		.causes = o->causes,
		.details = o->details,
		.turn_ns = session_turn_ns(o),
		.id_header = o->id_header ? o->id_header : "",
		.nr_features = header->told.nr_features,
	};
	struct utsname name = {};
	int error;

	uname(&name);
	info.machine = name.machine;
	for (size_t i = 0; i < info.nr_features; i++)
		info.features[i] = (struct file_feature){header->features[i].name, header->features[i].word};
	strings_fill(info.route_patterns, &o->route_patterns);
	strings_fill(info.exclude_paths, &o->exclude_paths);
	strings_fill(info.routes, &o->routes);
	strings_fill(info.methods, &o->methods);
	if (s->view.render.ops)
		info.realtime_offset_ns = s->view.render.realtime_offset_ns;
	s->start_ns = info.start_ns;
	error = file_writer_begin(s->recording, o->max_size, &info, header->records.data, header->records.len);
	return error ? err_set(err, EXIT_CODE_FAILED, -error, "cannot write to %s: %s", o->record, strerror(-error))
		     : 0;
}

/* Told once; without views there is nothing left to do. */
static void failed(struct session *s, int error)
{
	if (s->record_error)
		return;
	s->record_error = error;
	note_print("cannot write to %s: %s; the recording ends here, what it holds can be read", s->opts->record,
		   strerror(-error));
	if (s->opts->no_views)
		s->is_done = true;
}

void session_record_add(struct session *s, const struct lg_head *rec)
{
	int error = s->start_ns ? file_writer_add(s->recording, rec) : 0;

	if (error)
		failed(s, error);
}

void session_record_finish(struct session *s)
{
	int error = s->start_ns ? file_writer_finish(s->recording) : 0;

	if (error)
		failed(s, error);
}

void session_record_tell(const struct session *s)
{
	char elapsed[UNITS_LEN], records[UNITS_LEN], size[UNITS_LEN];

	if (!s->start_ns || s->record_error || s->opts->quiet)
		return;
	note_print("recorded %s: %s records in %s, %s%s",
		   units_format_duration(elapsed, sizeof(elapsed), clock_ns(CLOCK_MONOTONIC) - s->start_ns),
		   units_format_count(records, sizeof(records), file_writer_records(s->recording)),
		   units_format_size(size, sizeof(size), file_writer_size(s->recording)), s->opts->record,
		   file_writer_has_wrapped(s->recording) ? " (its oldest part was overwritten: see --max-size)" : "");
}
