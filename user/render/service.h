/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The service behind a port: those that servers ask most stand here, the others in the file /etc/services of the
 * machine that shows the output.
 */
#ifndef LG_SERVICE_H
#define LG_SERVICE_H

#include <stddef.h>

#include "lg_record.h"

#define SERVICE_LEN 32 /* longest name with its NUL; longer ones are cut */

/* "postgresql" for a peer at port 5432 or the socket /run/postgresql/.s.PGSQL.5432. Returns `buf`, or NULL: unknown. */
const char *service_name(char *buf, size_t size, const struct lg_target *target);

/* Python's clients of a service that do not block, for a hint; NULL: none are known. `name` may be NULL. */
const char *service_python_client(const char *name);

#endif
