// SPDX-License-Identifier: GPL-2.0
/* Sampling for seals: the order, what is found in it, what it proves. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "seal.h"
#include "tap.h"

#define BLOCK PNVME_SEAL_BLOCK

static const uint8_t seed[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

/* From an implementation in Python after seal.rst. */
static void test_order_vectors(void)
{
	static const struct {
		uint64_t	blocks, at[5];
	} v[] = {
		{ 256, { 45, 156, 246, 88, 42 } },
		{ 8192, { 1642, 1556, 6234, 2263, 4463 } },
		{ 6442450944ULL, { 837943905ULL, 5563090776ULL, 4366274312ULL, 4268143771ULL, 4682737820ULL } },
	};
	struct seal_order o;
	unsigned int i, j;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		seal_order_init(&o, seed, v[i].blocks);
		for (j = 0; j < 4; j++)
			EXPECT_AT(seal_order_block(&o, j) == v[i].at[j], i * 10 + j);
		EXPECT_AT(seal_order_block(&o, v[i].blocks - 1) == v[i].at[4], i);
	}
}

/* Each block once, and back again. */
static void test_order_is_one(void)
{
	static const uint64_t sizes[] = { 256, 512, 768, 4352, 65536, 65792 };
	struct seal_order o;
	uint64_t i, block;
	unsigned int s;
	bool *seen;

	for (s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		seal_order_init(&o, seed, sizes[s]);
		seen = calloc(sizes[s], sizeof(*seen));
		for (i = 0; i < sizes[s]; i++) {
			block = seal_order_block(&o, i);
			if (!EXPECT_AT(block < sizes[s] && !seen[block], sizes[s]))
				break;
			seen[block] = true;
			if (!EXPECT_AT(seal_order_index(&o, block) == i, sizes[s]))
				break;
		}
		free(seen);
	}
	seal_order_init(&o, seed, (1ULL << 50) + 256);
	for (i = 0; i < 1000; i++)
		EXPECT_AT(seal_order_index(&o, seal_order_block(&o, i << 39)) == i << 39, i);
}

/* Of many seeds, the first blocks fall into each sixteenth alike: chi squared, 15 degrees. */
static void test_order_is_fair(void)
{
	const uint64_t blocks = 4352;
	double chi = 0, mean = 2000 * 8 / 16.0;
	unsigned int hits[16] = { 0 };
	uint8_t other[16] = { 0 };
	struct seal_order o;
	unsigned int i, j;

	for (i = 0; i < 2000; i++) {
		memcpy(other, &i, sizeof(i));
		seal_order_init(&o, other, blocks);
		for (j = 0; j < 8; j++)
			hits[seal_order_block(&o, j) * 16 / blocks]++;
	}
	for (i = 0; i < 16; i++)
		chi += (hits[i] - mean) * (hits[i] - mean) / mean;
	/* one in a thousand seeds of this test would be above */
	EXPECT_AT(chi < 37.7, chi * 100);
}

static int temp_file(uint64_t blocks)
{
	char name[] = "/tmp/pnvme-seal-XXXXXX";
	int fd = mkstemp(name);

	unlink(name);
	if (fd < 0 || ftruncate(fd, (off_t)(blocks * BLOCK)))
		abort();
	return fd;
}

static void put_block(int fd, uint64_t block, unsigned int text)
{
	char data[BLOCK] = { 0 };

	/* the last byte alone: a block is zero only if all of it is */
	memcpy(data + BLOCK - sizeof(text), &text, sizeof(text));
	if (pwrite(fd, data, BLOCK, (off_t)(block * BLOCK)) != (ssize_t)BLOCK)
		abort();
}

static struct sampling sampling(int fd, uint64_t blocks, size_t want)
{
	struct sampling s = { .fd = fd, .end = blocks, .want = want };

	s.samples = calloc(want, sizeof(*s.samples));
	seal_order_init(&s.order, seed, blocks);
	return s;
}

/* What is to be found: the first in the order that are not zero. */
static void expect_first(const struct sampling *s, const bool *full, unsigned int round)
{
	uint64_t i, looked = 0;
	size_t n = 0;

	for (i = 0; i < s->end && n < s->want; i++, looked = i)
		if (full[seal_order_block(&s->order, i)]) {
			if (!EXPECT_AT(n < s->n && s->samples[n].index == i, round))
				return;
			n++;
		}
	EXPECT_AT(s->n == n && s->looked == looked, round);
}

static void test_found(void)
{
	/* one of so many blocks is not zero; so many are wanted */
	static const unsigned int every[] = { 1, 2, 30, 800, 0 }, want[] = { 1, 10, 300, 3000 };
	const uint64_t blocks = 8192;
	unsigned int i, j;
	struct sampling s;
	uint64_t b;
	bool *full;
	int fd;

	for (i = 0; i < 5; i++) {
		fd = temp_file(blocks);
		full = calloc(blocks, sizeof(*full));
		for (b = 0; every[i] && b < blocks; b += every[i]) {
			full[b] = true;
			put_block(fd, b, (unsigned int)b + 1);
		}
		for (j = 0; j < 4; j++) {
			s = sampling(fd, blocks, want[j]);
			EXPECT_AT(!sampling_run(&s), i);
			expect_first(&s, full, i * 10 + j);
			free(s.samples);
		}
		free(full);
		close(fd);
	}
}

static void test_digest(void)
{
	uint8_t a[DIGEST_BYTES], b[DIGEST_BYTES];
	struct seal_check found[40] = { 0 };
	int fd = temp_file(512);
	struct sampling s = sampling(fd, 512, 40);
	unsigned int i;

	for (i = 0; i < 512; i++)
		put_block(fd, i, i + 1);
	EXPECT(!sampling_run(&s) && s.n == 40);
	seal_digest(s.samples, s.n, a);
	EXPECT(!seal_compare(fd, s.samples, s.n, found, NULL, NULL));
	for (i = 0; i < 40; i++)
		EXPECT_AT(found[i].same, i);
	put_block(fd, s.samples[7].block, 999999);
	put_block(fd, s.samples[8].block, 0);
	memset(found, 0, sizeof(found));
	EXPECT(!seal_compare(fd, s.samples, s.n, found, NULL, NULL));
	for (i = 0; i < 40; i++)
		EXPECT_AT(found[i].same == (i != 7 && i != 8) && !found[i].error, i);
	s.samples[0].block ^= 1;
	seal_digest(s.samples, s.n, b);
	EXPECT(memcmp(a, b, sizeof(a)));
	/* behind the end */
	s.samples[0].block = 512;
	EXPECT(!seal_compare(fd, s.samples, 1, found, NULL, NULL) && found[0].error == -EIO);
	free(s.samples);
	close(fd);
}

/* SHA-256 of nothing, and of one sample as seal.rst puts it together. */
static void test_digest_vector(void)
{
	static const uint8_t none[4] = { 0xe3, 0xb0, 0xc4, 0x42 };
	static const uint8_t one[4] = { 0x52, 0x69, 0x78, 0x9f };
	struct seal_sample sample = { .block = 0x0102030405060708ULL };
	uint8_t digest[DIGEST_BYTES];

	seal_digest(NULL, 0, digest);
	EXPECT(!memcmp(digest, none, 4));
	memset(sample.digest, 0x5a, sizeof(sample.digest));
	seal_digest(&sample, 1, digest);
	EXPECT(!memcmp(digest, one, 4));
}

static void test_bound(void)
{
	unsigned int n;

	/* 1 - 0.001^(1/4096) */
	EXPECT(fabs(pnvme_seal_bound(4096, 0.999) - 0.00168504) < 1e-8);
	EXPECT(fabs(pnvme_seal_bound(1, 0.999) - 0.999) < 1e-12);
	EXPECT(pnvme_seal_bound(0, 0.999) == 1);
	/* if just that part had changed, all samples would match with what is left of certainty */
	for (n = 1; n < 2000000; n *= 7)
		EXPECT_AT(fabs(pow(1 - pnvme_seal_bound(n, 0.999), n) - 0.001) < 1e-6, n);
}

static const struct tap_test tests[] = {
	{ "order: vectors of another implementation", test_order_vectors },
	{ "order: each block once, and back", test_order_is_one },
	{ "order: fair", test_order_is_fair },
	{ "samples are the first in the order, however they are found", test_found },
	{ "digest, comparing", test_digest },
	{ "digest: vectors", test_digest_vector },
	{ "what samples prove", test_bound },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
