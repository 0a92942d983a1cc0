/* SPDX-License-Identifier: BSD-2-Clause */
/* Globs on names. */
#include "model/filter.h"

#include <fnmatch.h>
#include <string.h>
#include <strings.h>

/* Most globs are plain text or begin with it, and fnmatch() is slow where the locale has wide characters. */
static bool is_match(const char *glob, const char *text)
{
	while (*glob && !strchr("*?[\\", *glob)) {
		if (*glob++ != *text++)
			return false;
	}
	return *glob ? !fnmatch(glob, text, 0) : !*text;
}

static bool is_listed(const char *const *globs, const char *text)
{
	for (; globs && *globs; globs++)
		if (is_match(*globs, text))
			return true;
	return false;
}

static bool is_method_listed(const char *const *methods, const char *method)
{
	for (; *methods; methods++)
		if (!strcasecmp(*methods, method))
			return true;
	return false;
}

/* A route may be named as it is counted, or by a path of its requests. */
static bool is_route_listed(const char *const *routes, const struct model_request *request)
{
	return is_listed(routes, request->route) || is_listed(routes, request->path);
}

bool filter_takes_request(const struct model_filter *f, const struct model_request *request)
{
	if (!f)
		return true;
	/* What is not HTTP has no path: an empty pattern is not meant for it. */
	if (*request->path && is_listed(f->exclude_paths, request->path))
		return false;
	if (f->routes && *f->routes && !is_route_listed(f->routes, request))
		return false;
	return !f->methods || !*f->methods || is_method_listed(f->methods, request->method);
}

bool filter_takes_stall(const struct model_filter *f, const struct model_request *culprit, enum lg_cause cause,
			enum model_detail_kind detail)
{
	if (!f)
		return true;
	if ((f->causes || f->details) && !(f->causes >> cause & 1) && !(f->details >> detail & 1))
		return false;
	if (culprit)
		return filter_takes_request(f, culprit);
	return !(f->routes && *f->routes) && !(f->methods && *f->methods);
}
