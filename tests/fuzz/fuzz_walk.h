/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Damage to the memory that a walk's unit test builds, as the bytes say: what tests/unit/walk_host.h does at random,
 * led to where the walk's branches are. A fuzzer includes its unit test's source before this, for what that builds.
 */
#ifndef LG_FUZZ_WALK_H
#define LG_FUZZ_WALK_H

#include "fuzz.h"

/* One kind of damage; words are 8 bytes of the image. */
struct damage {
	uint8_t kind;
	uint8_t byte;
	uint16_t at; /* of a word */
	uint16_t from;
} __attribute__((packed));

static inline void walk_damage_one(const struct damage *d, uint64_t tag)
{
	uint64_t at = d->at % (host.used / 8) * 8, from = d->from % (host.used / 8) * 8, word = d->from;

	switch (d->kind % 7) {
	case 0:
		host.bytes[at + d->from % 8] = d->byte;
		return;
	case 1: /* a copy from elsewhere: cycles, objects of another type */
		memmove(host.bytes + at, host.bytes + from, 8 * (1 + d->byte % 8));
		return;
	case 2:
		host.is_cut[at / HOST_PAGE] = d->byte & 1;
		return;
	case 3: /* another object's address, exact or not */
		word = HOST_BASE + from + (d->byte & 1 ? tag : d->byte);
		break;
	case 4: /* numbers as V8 has them */
		word <<= 32;
		break;
	case 5:
		word |= (uint64_t)d->byte << 56;
		break;
	}
	memcpy(host.bytes + at, &word, sizeof(word));
}

/* `tag` is what the target adds to the addresses of its objects. */
static inline void walk_damage(const uint8_t *data, size_t size, uint64_t tag)
{
	struct damage d;

	for (; size >= sizeof(d); data += sizeof(d), size -= sizeof(d)) {
		memcpy(&d, data, sizeof(d));
		walk_damage_one(&d, tag);
	}
}

#endif
