/* SPDX-License-Identifier: BSD-2-Clause */
/* Sorts of things, each with a table by its key and a list by age; an item is a copy of the record that told it. */
#include "source/file_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/table.h"
#include "lg_slot.h"

/* In the order in which they are handed out: a thread takes its runtime from its process, totals go to a loop. */
enum sort {
	SORT_TARGET,
	SORT_THREAD,
	SORT_LOOP,
	SORT_CONN,
	SORT_PATH,
	SORT_TOTALS,
	SORT_LOST,
	SORT_CLOCK,
	SORT_BUDGET,
	NR_SORTS
};

struct item {
	struct list by_age;
	uint64_t key;
	struct lg_head *rec; /* a copy */
};

struct items {
	struct table by_key;
	struct list by_age;
	size_t size; /* bytes of all records */
};

struct file_state {
	struct items sorts[NR_SORTS];
	size_t max_size; /* of each sort */
};

static void item_del(struct items *items, uint64_t key)
{
	struct item *item = table_del(&items->by_key, key);

	if (!item)
		return;
	items->size -= item->rec->len;
	list_del(&item->by_age);
	free(item->rec);
	free(item);
}

static void item_put(struct file_state *state, enum sort sort, uint64_t key, const struct lg_head *rec)
{
	struct items *items = &state->sorts[sort];
	struct item *item;

	item_del(items, key);
	while (items->size + rec->len > state->max_size && !list_is_empty(&items->by_age))
		item_del(items, list_entry(items->by_age.next, struct item, by_age)->key);
	if (rec->len > state->max_size)
		return;
	item = calloc(1, sizeof(*item));
	if (item)
		item->rec = malloc(rec->len);
	if (!item || !item->rec || table_put(&items->by_key, key, item)) {
		free(item ? item->rec : NULL);
		free(item);
		return;
	}
	item->key = key;
	memcpy(item->rec, rec, rec->len);
	items->size += rec->len;
	list_add_tail(&items->by_age, &item->by_age);
}

struct file_state *file_state_new(size_t size)
{
	struct file_state *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	state->max_size = size / NR_SORTS;
	for (int i = 0; i < NR_SORTS; i++) {
		table_init(&state->sorts[i].by_key, 0);
		list_init(&state->sorts[i].by_age);
	}
	return state;
}

void file_state_free(struct file_state *state)
{
	if (!state)
		return;
	for (int i = 0; i < NR_SORTS; i++) {
		struct items *items = &state->sorts[i];

		while (!list_is_empty(&items->by_age))
			item_del(items, list_entry(items->by_age.next, struct item, by_age)->key);
		table_fini(&items->by_key);
	}
	free(state);
}

static void thread_add(struct file_state *state, const struct lg_rec_thread *rec)
{
	switch (rec->event) {
	case LG_THREAD_NEW:
		item_put(state, SORT_THREAD, rec->tid, &rec->head);
		break;
	case LG_THREAD_LOOP:
		item_put(state, SORT_LOOP, rec->tid, &rec->head);
		break;
	case LG_THREAD_EXIT:
		item_del(&state->sorts[SORT_THREAD], rec->tid);
		item_del(&state->sorts[SORT_LOOP], rec->tid);
		item_del(&state->sorts[SORT_TOTALS], rec->tid);
		if (rec->tid == rec->pid)
			item_del(&state->sorts[SORT_TARGET], rec->pid);
		break;
	default:
		break;
	}
}

/* As the model: a descriptor that another process closes leaves the connection to its last user. */
static void io_add(struct file_state *state, const struct lg_rec_io *io)
{
	const struct item *item;

	if (io->op != LG_IO_CLOSE)
		return;
	item = table_get(&state->sorts[SORT_CONN].by_key, io->ino);
	if (item && ((const struct lg_rec_conn *)item->rec)->pid == io->pid)
		item_del(&state->sorts[SORT_CONN], io->ino);
}

static uint64_t path_key(const struct lg_rec_path *rec)
{
	return rec->ino ^ (uint64_t)rec->pid << 32;
}

void file_state_add(struct file_state *state, const struct lg_head *rec)
{
	switch (rec->kind) {
	case LG_REC_THREAD:
		thread_add(state, (const void *)rec);
		break;
	case LG_REC_IO:
		io_add(state, (const void *)rec);
		break;
	case LG_REC_CONN:
		item_put(state, SORT_CONN, ((const struct lg_rec_conn *)rec)->peer.ino, rec);
		break;
	case LG_REC_TARGET:
		item_put(state, SORT_TARGET, ((const struct lg_rec_target *)rec)->pid, rec);
		break;
	case LG_REC_PATH:
		item_put(state, SORT_PATH, path_key((const void *)rec), rec);
		break;
	case LG_REC_LOOP:
		item_put(state, SORT_TOTALS, ((const struct lg_rec_loop *)rec)->slot.tid, rec);
		break;
	case LG_REC_LOST:
		item_put(state, SORT_LOST, 0, rec);
		break;
	case LG_REC_CLOCK:
		item_put(state, SORT_CLOCK, 0, rec);
		break;
	case LG_REC_BUDGET:
		if (((const struct lg_rec_budget *)rec)->level)
			item_put(state, SORT_BUDGET, 0, rec);
		else
			item_del(&state->sorts[SORT_BUDGET], 0);
		break;
	default:
		break;
	}
}

int file_state_each(const struct file_state *state, int (*each)(void *arg, const struct lg_head *rec), void *arg)
{
	int error = 0;

	for (int i = 0; i < NR_SORTS && !error; i++) {
		const struct list *all = &state->sorts[i].by_age;

		for (struct list *node = all->next; node != all && !error; node = node->next)
			error = each(arg, list_entry(node, struct item, by_age)->rec);
	}
	return error;
}
