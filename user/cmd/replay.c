/* SPDX-License-Identifier: BSD-2-Clause */
/* From a file through the model: in the order and with the steps of a live run. */
#include "cmd/replay.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/units.h"
#include "model/baseline.h"

/* Adds what was recorded to a list that was not given. Sets *taken if there was something. */
static int list_fill(struct opt_list *list, const char *const *recorded, bool *taken)
{
	int error = 0;

	if (list->count)
		return 0;
	for (size_t i = 0; recorded[i] && !error; i++)
		error = opt_list_add(list, recorded[i], strlen(recorded[i]));
	*taken |= list->count > 0;
	return error;
}

static int filter_fill(struct replay *replay, struct trace_opts *opts, const struct file_info *info)
{
	bool *taken = &replay->is_filtered;
	int error = list_fill(&opts->exclude_paths, info->exclude_paths, taken);

	if (!error)
		error = list_fill(&opts->routes, info->routes, taken);
	if (!error)
		error = list_fill(&opts->methods, info->methods, taken);
	if (opts->causes || opts->details || !(info->causes || info->details))
		return error;
	opts->causes = info->causes;
	opts->details = info->details;
	*taken = true;
	return error;
}

/* What names and counts was chosen when it was recorded, the first of two, unless it is chosen anew. */
static int opts_fill(struct replay *replay, struct trace_opts *opts, const struct file_info *info)
{
	bool unsaid = false;
	int error;

	if (opts->is_filled)
		return 0;
	opts->is_filled = true;
	if (!opts->threshold_ns) {
		opts->threshold_ns = info->threshold_ns ? info->threshold_ns : THRESHOLD_NS;
		opts->is_auto = info->is_auto;
	}
	if (!opts->cumulative_ns && info->cumulative_ns && info->cumulative_window_ns >= info->cumulative_ns) {
		opts->cumulative_ns = info->cumulative_ns;
		opts->cumulative_window_ns = info->cumulative_window_ns;
	}
	if (!opts->id_header && *info->id_header)
		opts->id_header = info->id_header;
	error = list_fill(&opts->route_patterns, info->route_patterns, &unsaid);
	return error || opts->all ? error : filter_fill(replay, opts, info);
}

int replay_open(struct replay *replay, const char *path, struct trace_opts *opts, struct err *err)
{
	int error = file_reader_open(&replay->file, path, err);

	if (error)
		return error;
	error = opts_fill(replay, opts, file_reader_info(replay->file));
	replay->header = error ? NULL : header_new_recorded(replay->file, opts);
	if (!replay->header)
		return err_set(err, EXIT_CODE_FAILED, ENOMEM, "no memory left");
	return view_open_model(&replay->view, opts, err);
}

int replay_next(struct replay *replay, const struct lg_head **rec)
{
	replay->was_state = replay->is_state;
	return file_reader_next(replay->file, rec, &replay->is_state);
}

/* What is restated brings totals from before: what is left of the recording begins behind it. */
int replay_feed(struct replay *replay, const struct lg_head *rec)
{
	bool is_first = replay->was_state && !replay->is_state;
	int error = is_first ? view_restart(&replay->view, replay->end_ns) : 0;

	if (rec->time_ns > replay->end_ns)
		replay->end_ns = rec->time_ns;
	view_feed(&replay->view, rec);
	return error;
}

static int records_feed(struct replay *replay)
{
	const struct lg_head *rec;
	int more, error = 0;

	while (!error && (more = replay_next(replay, &rec)) != 0)
		error = more < 0 ? more : replay_feed(replay, rec);
	return error;
}

int replay_run(struct replay *replay, struct err *err)
{
	struct view *view = &replay->view;
	int error;

	view_begin(view, &replay->header->told);
	error = records_feed(replay);
	if (error)
		return err_set(err, EXIT_CODE_FAILED, -error, "cannot read on: %s", strerror(-error));
	view_flush_model(view);
	return 0;
}

int replay_sum_up(struct replay *replay, struct err *err)
{
	int error = view_summary(&replay->view, replay->end_ns);

	return error ? err_set(err, EXIT_CODE_FAILED, -error, "cannot sum up: %s", strerror(-error)) : 0;
}

void replay_note_damage(const struct replay *replay)
{
	const char *damage = file_reader_damage(replay->file);

	if (damage)
		note_print("%s", damage);
}

void replay_notes(const struct replay *replay, const struct trace_opts *opts)
{
	const struct file_info *info = file_reader_info(replay->file);
	uint64_t lowest_ns = opts->is_auto ? BASELINE_FLOOR_NS : opts->threshold_ns;
	char length[UNITS_LEN];
	struct utsname name;

	replay_note_damage(replay);
	if (replay->is_filtered)
		note_print("what was left out when it was recorded is left out here too; --all shows everything");
	if (lowest_ns < info->turn_ns) {
		units_format_duration(length, sizeof(length), info->turn_ns);
		note_print("turns without reads and writes were recorded only from %s on: of those, shorter stalls are "
			   "missing",
			   length);
	}
	if (!uname(&name) && *info->machine && strcmp(info->machine, name.machine) != 0)
		note_print("recorded on %s: names of system calls may be wrong", info->machine);
}

void replay_close(struct replay *replay, struct err *err)
{
	view_close(&replay->view, err);
	header_free(replay->header);
	file_reader_close(replay->file);
}
