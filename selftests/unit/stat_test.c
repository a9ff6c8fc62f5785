// SPDX-License-Identifier: GPL-2.0
/* What libpnvme makes of counters and histograms, against the same by other means. */
#include <stdint.h>
#include <stdlib.h>

#include <pnvme/latency.h>

#include "pnvme.h"
#include "tap.h"

#define SAMPLES 5000

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Latencies between 1 us and a minute, as many of each magnitude. */
static uint64_t some_latency(unsigned int *seed)
{
	unsigned int octave = 10 + (unsigned int)rand_r(seed) % 26;

	return (1ULL << octave) + ((uint64_t)rand_r(seed) << 5) % (1ULL << octave);
}

static void fill(struct pnvme_stat *s, uint64_t *sorted, unsigned int n, unsigned int seed)
{
	unsigned int i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < n; i++) {
		sorted[i] = some_latency(&seed);
		s->latency[pnvme_latency_bucket(sorted[i])]++;
		s->latency_ns += sorted[i];
	}
	s->ios = n;
	qsort(sorted, n, sizeof(*sorted), by_value);
}

/* The manual promises 6.25 % for quantiles, 12.5 % for the maximum, which is never too low. */
static void test_quantiles(void)
{
	static const double q[] = { 0.0001, 0.1, 0.5, 0.9, 0.99, 0.999, 1 };
	static uint64_t sorted[SAMPLES];
	struct pnvme_stat s;
	unsigned int seed, i;

	for (seed = 1; seed < 20; seed++) {
		fill(&s, sorted, SAMPLES, seed);
		EXPECT(pnvme_stat_timed(&s) == SAMPLES);
		for (i = 0; i < sizeof(q) / sizeof(q[0]); i++) {
			unsigned int rank = (unsigned int)(q[i] * SAMPLES + 0.999999);
			double exact = (double)sorted[rank ? rank - 1 : 0];
			double off = (double)pnvme_stat_quantile(&s, q[i]) / exact - 1;

			EXPECT_AT(off <= 0.0625 && off >= -0.0625, i);
		}
		EXPECT_AT(pnvme_stat_max(&s) >= sorted[SAMPLES - 1], seed);
		EXPECT_AT((double)pnvme_stat_max(&s) <= 1.125 * (double)sorted[SAMPLES - 1], seed);
	}
}

static void test_nothing(void)
{
	struct pnvme_stat s = { 0 };

	EXPECT(!pnvme_stat_quantile(&s, 0.5) && !pnvme_stat_max(&s) && !pnvme_stat_timed(&s));
}

/* The first and the last bucket have one bound that is known. */
static void test_ends(void)
{
	struct pnvme_stat s = { 0 };

	s.latency[0] = 1;
	EXPECT(pnvme_stat_quantile(&s, 0.5) == 1024 && pnvme_stat_max(&s) == 1024);
	s.latency[PNVME_LATENCY_BUCKETS - 1] = 3;
	EXPECT(pnvme_stat_quantile(&s, 0.5) == 1ULL << 36 && pnvme_stat_max(&s) == 1ULL << 36);
}

static void test_since(void)
{
	static uint64_t sorted[SAMPLES];
	struct pnvme_stat before, now, shown;

	fill(&before, sorted, 1000, 1);
	before.since = 7;
	before.errors[2] = 3;
	fill(&now, sorted, 400, 2);
	now.since = 7;
	now.in_flight = 5;
	shown = now;
	pnvme_stat_add(&shown, &before);
	EXPECT(shown.ios == 1400);
	pnvme_stat_since(&shown, &before);
	EXPECT(shown.ios == 400 && pnvme_stat_timed(&shown) == 400 && !shown.errors[2]);
	EXPECT(shown.latency_ns == now.latency_ns && shown.in_flight == 5);
	EXPECT(!memcmp(shown.latency, now.latency, sizeof(now.latency)));
}

/* Counters that began anew, whether they have passed their old values or not. */
static void test_exposed_anew(void)
{
	static uint64_t sorted[SAMPLES];
	struct pnvme_stat before, now, shown;
	unsigned int n;

	for (n = 200; n <= 3000; n += 400) {
		fill(&before, sorted, 1000, 1);
		before.since = 7;
		fill(&now, sorted, n, 2);
		now.since = 8;
		shown = now;
		pnvme_stat_since(&shown, &before);
		EXPECT_AT(!memcmp(&shown, &now, sizeof(now)), n);
	}
}

static const struct tap_test tests[] = {
	{ "quantiles and maximum keep their promise", test_quantiles },
	{ "nothing was timed", test_nothing },
	{ "first and last bucket", test_ends },
	{ "what happened between two looks", test_since },
	{ "a namespace that was exposed anew", test_exposed_anew },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
