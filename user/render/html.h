/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A report as one HTML file that fetches nothing: report.html with its data put in. The data are the objects of --json
 * (header, summary, the longest stalls), the flame, and how busy each loop was over time.
 *
 * Text of a target reaches the page inside JSON strings only, where '<' is escaped, so nothing in it ends the script
 * element that holds the data; the page itself turns it into text, never into markup.
 */
#ifndef LG_RENDER_HTML_H
#define LG_RENDER_HTML_H

#include "render/render.h"

extern const struct render_ops render_html;

#endif
