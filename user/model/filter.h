/* SPDX-License-Identifier: BSD-2-Clause */
/* What is told and counted of requests and stalls, where the user wants less than all. */
#ifndef LG_FILTER_H
#define LG_FILTER_H

#include "model/model.h"

/* Of a request that ended. NULL takes everything. */
bool filter_takes_request(const struct model_filter *f, const struct model_request *request);

/* Of a stall with this cause, detail and culprit (NULL: nobody's, which is of no route and no method). */
bool filter_takes_stall(const struct model_filter *f, const struct model_request *culprit, enum lg_cause cause,
			enum model_detail_kind detail);

#endif
