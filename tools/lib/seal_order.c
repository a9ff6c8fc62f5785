// SPDX-License-Identifier: GPL-2.0
/*
 * A random order of all blocks of a namespace, without repeats, that a seed of 16 bytes
 * gives: a Feistel network over the least even number of bits that holds them, walked
 * until it hits a number that is a block's. Documentation/seal.rst has it in words.
 */
#include "seal.h"

#define ROUNDS 8

/* The finalizer of splitmix64. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static uint64_t le64(const uint8_t *p)
{
	uint64_t v = 0;
	int i;

	for (i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

void seal_order_init(struct seal_order *o, const uint8_t seed[16], uint64_t blocks)
{
	uint64_t low = le64(seed), high = le64(seed + 8);
	unsigned int i;

	o->blocks = blocks;
	o->half = 1;
	while (o->half < 31 && 1ULL << (2 * o->half) < blocks)
		o->half++;
	for (i = 0; i < ROUNDS; i++)
		o->key[i] = mix(low + (i + 1) * 0x9e3779b97f4a7c15ULL) ^ mix(high + i);
}

static uint64_t scramble(const struct seal_order *o, unsigned int round, uint64_t x)
{
	return mix(x + o->key[round]) & ((1ULL << o->half) - 1);
}

static uint64_t forward(const struct seal_order *o, uint64_t x)
{
	uint64_t left = x >> o->half, right = x & ((1ULL << o->half) - 1), next;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		next = left ^ scramble(o, i, right);
		left = right;
		right = next;
	}
	return left << o->half | right;
}

static uint64_t backward(const struct seal_order *o, uint64_t x)
{
	uint64_t left = x >> o->half, right = x & ((1ULL << o->half) - 1), next;
	unsigned int i;

	for (i = ROUNDS; i--;) {
		next = right ^ scramble(o, i, left);
		right = left;
		left = next;
	}
	return left << o->half | right;
}

uint64_t seal_order_block(const struct seal_order *o, uint64_t index)
{
	do {
		index = forward(o, index);
	} while (index >= o->blocks);
	return index;
}

uint64_t seal_order_index(const struct seal_order *o, uint64_t block)
{
	do {
		block = backward(o, block);
	} while (block >= o->blocks);
	return block;
}
