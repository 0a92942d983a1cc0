/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What names a request in the memory of a Python server: an ASGI scope, and the objects of uvicorn, Starlette,
 * hypercorn and aiohttp. For python.bpf.c alone; it knows nothing of how they were come by.
 *
 * An object of the server's own, which knows the connection and how far the response is, makes it a cycle (is_cycle).
 */
#ifndef LG_PYTHON_SERVER_BPF_H
#define LG_PYTHON_SERVER_BPF_H

#include "python_read.bpf.h"

/* The first characters of an object's class. */
static __always_inline __u64 class_name(struct walk *w, __u64 obj)
{
	return peek(w, peek(w, peek(w, obj + OBJECT_TYPE) + TYPE_NAME));
}

/*
 * What the scope that was scanned says of the path: without it a request is found as well. uvicorn's WebSockets by
 * wsproto have a str where others have bytes.
 */
static __always_inline void path_take(struct walk *w)
{
	__u64 path = w->attrs[NAME_PATH], len;
	bool is_str;

	w->path_sum = 0;
	if (!path)
		return;
	is_str = (__u32)class_name(w, path) == (__u32)CHARS('s', 't', 'r', 0, 0, 0, 0, 0);
	len = peek(w, path + VAR_SIZE);
	for (int i = 0; i < LG_PATH_WORDS; i++)
		w->path[i] = 0;
	path += is_str * (w->py.str_data - BYTES_DATA) + BYTES_DATA;
	if (!bpf_probe_read_user(w->path, bounded(len, LG_PATH_BYTES), (void *)path))
		w->path_sum = lg_path_sum(w->path, len);
}

/* Whether a dict is the scope of an ASGI request or websocket, which it then notes. */
static __always_inline bool scope_take(struct walk *w, __u64 dict)
{
	__u64 type, len;
	__u32 c;

	attrs_clear(w);
	dict_scan(w, dict);
	type = w->attrs[NAME_TYPE];
	if (!type || !w->attrs[NAME_CLIENT])
		return false;
	len = peek(w, type + VAR_SIZE);
	c = peek_int(w, type + w->py.str_data);
	if (!(len == 4 && c == (__u32)CHARS('h', 't', 't', 'p', 0, 0, 0, 0)) &&
	    !(len == 9 && c == (__u32)CHARS('w', 'e', 'b', 's', 0, 0, 0, 0)))
		return false;
	w->key = dict;
	w->port = tuple_port(w, w->attrs[NAME_CLIENT]);
	path_take(w);
	return true;
}

/*
 * uvicorn: what was scanned is its cycle, or a Starlette request leads to that. Its protocol object knows the true peer
 * (the scope's may be a proxy's word), and whether the connection went on to its next request while this one's code
 * runs.
 */
static __always_inline void cycle_take(struct walk *w, __u64 obj)
{
	__u64 receive = w->attrs[NAME_RECEIVE], response, started, done;

	if (receive && peek(w, receive + OBJECT_TYPE) == w->py.type_method) {
		obj = peek(w, receive + METHOD_SELF);
		python_instance_scan(w, obj);
	}
	response = w->attrs[NAME_ON_RESPONSE];
	started = w->attrs[NAME_RESPONSE_STARTED];
	done = w->attrs[NAME_RESPONSE_COMPLETE];
	if (!response || peek(w, response + OBJECT_TYPE) != w->py.type_method)
		return;
	python_instance_scan(w, peek(w, response + METHOD_SELF));
	w->port = tuple_port(w, w->attrs[NAME_CLIENT]);
	w->is_cycle = w->port != 0;
	w->stage = done == w->py.true_object      ? LG_STAGE_DONE
		   : started == w->py.true_object ? LG_STAGE_STARTED
						  : LG_STAGE_WAITING;
	w->is_behind = w->attrs[NAME_CYCLE] != obj;
}

/* hypercorn's ASGIHTTPState. */
enum { STREAM_REQUEST = 1, STREAM_RESPONSE = 2 };

/*
 * hypercorn: the stream of a request. A connection's next stream begins when this one is closed: from then on it is not
 * known how far the connection is.
 */
static __always_inline void stream_take(struct walk *w)
{
	__u64 state = w->attrs[NAME_STATE], value;
	__u32 number;

	w->port = tuple_port(w, w->attrs[NAME_CLIENT]);
	if (!state || !w->port)
		return;
	python_instance_scan(w, state);
	value = w->attrs[NAME_VALUE];
	if (!value || peek(w, value + OBJECT_TYPE) != w->py.type_long)
		return;
	number = peek_int(w, value + LONG_DIGIT);
	w->is_cycle = number == STREAM_REQUEST || number == STREAM_RESPONSE;
	w->stage = number == STREAM_REQUEST    ? LG_STAGE_WAITING
		   : number == STREAM_RESPONSE ? LG_STAGE_STARTED
					       : LG_STAGE_DETACHED;
}

/*
 * aiohttp: a connection's requests are handled one after the other, so what is written tells which one it is; code that
 * holds an answered one may have outlived it, unless it is of the connection's own coroutine. asyncio's own loop writes
 * at once, others at the end of a turn. The writer's attributes may be those of its class while they are what they
 * began as.
 */
static __always_inline int aiohttp_take(struct walk *w, __u64 obj)
{
	__u64 port = tuple_port(w, w->attrs[NAME_PEERNAME]), writer = w->attrs[NAME_PAYLOAD_WRITER], size;
	bool is_sent;

	if (!port || class_name(w, writer) != CHARS('S', 't', 'r', 'e', 'a', 'm', 'W', 'r'))
		return 0;
	python_instance_scan(w, writer);
	size = w->attrs[NAME_OUTPUT_SIZE];
	w->stage = LG_STAGE_WAITING;
	if (size && peek_int(w, size + LONG_DIGIT))
		w->stage = LG_STAGE_STARTED;
	is_sent = w->is_handler && class_name(w, w->attrs[NAME_LOOP]) == CHARS('_', 'U', 'n', 'i', 'x', 'S', 'e', 'l');
	if (w->attrs[NAME_EOF] == w->py.true_object)
		w->stage = is_sent ? LG_STAGE_SENT : LG_STAGE_DETACHED;
	w->port = port;
	w->key = obj;
	w->path_sum = 0;
	w->is_cycle = w->stage != LG_STAGE_DETACHED;
	w->is_behind = 0;
	return 1;
}

/* Whether an argument is, or has, the scope of a request. */
__noinline int python_object_look(struct walk *w, __u64 obj)
{
	__u64 type, scope;

	if (!w)
		return 0;
	type = peek(w, obj + OBJECT_TYPE);
	if (type == w->py.type_dict)
		return scope_take(w, obj);
	python_instance_scan(w, obj);
	if (w->attrs[NAME_PEERNAME] && w->attrs[NAME_PAYLOAD_WRITER])
		return aiohttp_take(w, obj);
	w->is_handler |= class_name(w, obj) == CHARS('R', 'e', 'q', 'u', 'e', 's', 't', 'H');
	scope = w->attrs[NAME_SCOPE];
	if (!scope || peek(w, scope + OBJECT_TYPE) != w->py.type_dict || !scope_take(w, scope))
		return 0;
	w->is_cycle = 0;
	w->stage = LG_STAGE_UNKNOWN;
	w->is_behind = 0;
	python_instance_scan(w, obj);
	if (class_name(w, obj) == CHARS('H', 'T', 'T', 'P', 'S', 't', 'r', 'e'))
		stream_take(w);
	else
		cycle_take(w, obj);
	return 1;
}

#endif
