/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intrusive doubly linked lists: a ring through a head. Everything is O(1), nothing is allocated, and a node
 * knows by itself whether it is in a list. The list does not own what the nodes are part of.
 */
#ifndef LG_LIST_H
#define LG_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* A head, or a node inside a struct. Both must be initialised before any other use. */
struct list {
	struct list *prev;
	struct list *next;
};

/* The struct of `type` that a node is the field `member` of. */
#define list_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

/* Walks from the oldest to the newest node. The body may take `node` out of the list, but no other. */
#define list_for_each(node, head) \
	for (struct list *node = (head)->next, *node##_next = node->next; node != (head); \
	     node = node##_next, node##_next = node->next)

/* An empty head, or a node that is in no list. */
static inline void list_init(struct list *l)
{
	l->prev = l;
	l->next = l;
}

/* Of a head: has it no nodes? Of a node: is it in no list? */
static inline bool list_is_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_add_tail(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* Takes a node out; harmless when it is in no list. */
static inline void list_del(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#endif
