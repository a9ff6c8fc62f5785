/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The latency histogram: log-linear, eight steps per octave. Bucket 0 holds all
 * below 2^10 ns (about 1 us); bucket 1 + 8 * o + s holds from 2^(10 + o) * (8 + s) / 8
 * ns up to the next one's bound, for o < 26; the last one holds all from 2^36 ns
 * (about 68 s) on. The middle of a bucket is at most 1/16, 6.25 %, away from
 * what is in it. Used by the module and by the tools, so that both mean the same.
 */
#ifndef PNVME_LATENCY_H
#define PNVME_LATENCY_H

#include <linux/types.h>
#include <linux/pnvme.h>

#define PNVME_LATENCY_FIRST_BIT	10
#define PNVME_LATENCY_STEP_BITS	3
#define PNVME_LATENCY_OCTAVES	26

/* Which bucket holds a latency of @ns nanoseconds. */
static inline unsigned int pnvme_latency_bucket(__u64 ns)
{
	unsigned int bit;

	if (ns >> PNVME_LATENCY_FIRST_BIT == 0)
		return 0;
	bit = 63 - (unsigned int)__builtin_clzll(ns);
	if (bit >= PNVME_LATENCY_FIRST_BIT + PNVME_LATENCY_OCTAVES)
		return PNVME_LATENCY_BUCKETS - 1;
	/* the bits below the highest, and the highest itself counted as an octave */
	return 1 + (unsigned int)(ns >> (bit - PNVME_LATENCY_STEP_BITS)) +
	       ((bit - PNVME_LATENCY_FIRST_BIT - 1) << PNVME_LATENCY_STEP_BITS);
}

/* The least latency that a bucket holds, ns; for PNVME_LATENCY_BUCKETS: the end of time. */
static inline __u64 pnvme_latency_bound(unsigned int bucket)
{
	unsigned int octave, step;

	if (!bucket)
		return 0;
	if (bucket >= PNVME_LATENCY_BUCKETS)
		return ~(__u64)0;
	octave = (bucket - 1) >> PNVME_LATENCY_STEP_BITS;
	step = (bucket - 1) & ((1 << PNVME_LATENCY_STEP_BITS) - 1);
	return (__u64)((1 << PNVME_LATENCY_STEP_BITS) + step) <<
	       (octave + PNVME_LATENCY_FIRST_BIT - PNVME_LATENCY_STEP_BITS);
}

#endif
