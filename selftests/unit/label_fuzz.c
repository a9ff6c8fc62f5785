// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile labels: whatever the bytes, the check answers without a fault, and a
 * label that passes stays valid under every edit.
 *
 * Built for libFuzzer, or with FUZZ_MAIN as a program that makes its own
 * mutations, the same on each run. Input: a mode byte, then the label (mode
 * bit 0: patches to the sample label, 10 bytes each, instead).
 */
#include <stdio.h>
#include <stdlib.h>

#include "label_user.h"
#include "sample.h"

#define MODE_PATCHES	0x01	/* the input patches the sample label */
#define MODE_RAW	0x02	/* leave magic, version and checksum as they come */

static struct pnvme_label sample, work, copies[PNVME_LABEL_SLOTS];
static unsigned long accepted;

/* In place of the real checksum, which would take most of the time. */
__u32 crc32c(__u32 crc, const void *p, unsigned int len)
{
	const u8 *b = p;
	u64 sum = crc, word;

	for (; len >= sizeof(word); len -= sizeof(word), b += sizeof(word)) {
		memcpy(&word, b, sizeof(word));
		sum = (sum << 1 | sum >> 63) ^ word;
	}
	while (len--)
		sum += *b++;
	return sum ^ sum >> 32;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "label_fuzz: %s: %s\n", what, why ? why : "");
	abort();
}

static void still_valid(const char *after)
{
	const char *why = NULL;

	pnvme_label_seal(&work);
	if (pnvme_label_check(&work, &why))
		die(after, why);
}

/* Sizes and places near every edge there is. */
static u64 odd_number(u64 *seed)
{
	u64 base[] = {
		0, MIB, le64_to_cpu(work.data_end), le64_to_cpu(work.capacity),
		le64_to_cpu(work.ns[random_below(seed, PNVME_NS_MAX)].start),
		le64_to_cpu(work.ns[random_below(seed, 4)].bytes),
		le64_to_cpu(work.dirty[random_below(seed, 4)].start),
		1ULL << random_below(seed, 64), random_next(seed),
	};
	u64 n = base[random_below(seed, ARRAY_SIZE(base))];

	n += (random_below(seed, 5) - 2) * MIB;
	return random_below(seed, 8) ? n & -MIB : n;
}

static void edit_add(u64 *seed)
{
	u8 uuid[16] = { 1, random_next(seed) }, nguid[16] = { 1, random_next(seed) };
	char name[PNVME_NAME_BYTES] = { 'a' + random_below(seed, 26), random_below(seed, 256) };
	struct pnvme_ns_params p = {
		.name = name, .uuid = uuid, .nguid = nguid,
		.start = odd_number(seed), .bytes = odd_number(seed),
		.nsid = random_below(seed, 3) ? 0 : random_below(seed, 66),
		.policy = random_below(seed, 4), .flags = random_below(seed, 3),
	};

	if (random_below(seed, 2))
		pnvme_space_find(&work, p.bytes, &p.start, NULL);
	if (random_below(seed, 2))
		pnvme_dirty_clear(&work, p.start, p.bytes);
	if (random_below(seed, 4))
		pnvme_table_add(&work, &p, NULL);
	else
		pnvme_table_undelete(&work, &p, NULL);
}

static void look(u64 *seed)
{
	u64 from = odd_number(seed), bytes = odd_number(seed), start, size, end;
	struct pnvme_space s;

	pnvme_space_get(&work, &s);
	if (s.free > s.size || s.largest > s.free)
		die("space", "sums are wrong");
	if (!pnvme_dirty_next(&work, from, bytes, &start, &size))
		return;
	end = from + bytes < from ? ~0ULL : from + bytes;
	if (!size || start < from || size > end - start)
		die("dirty range", "is not within what was asked");
}

static void edit(u64 *seed)
{
	static const char *const steps[] = {
		"add", "delete", "resize", "rename", "dirty add", "dirty clear", "next", "look",
	};
	u64 step = random_below(seed, 8);
	unsigned int index = random_below(seed, random_below(seed, 4) ? 4 : PNVME_NS_MAX + 2);

	if (step == 0)
		edit_add(seed);
	else if (step == 1)
		pnvme_table_del(&work, index, NULL);
	else if (step == 2)
		pnvme_table_resize(&work, index, odd_number(seed), NULL);
	else if (step == 3)
		pnvme_table_rename(&work, index, index & 1 ? "renamed" : "-", NULL);
	else if (step == 4)
		pnvme_dirty_add(&work, odd_number(seed), odd_number(seed));
	else if (step == 5)
		pnvme_dirty_clear(&work, odd_number(seed), odd_number(seed));
	else if (step == 6)
		pnvme_label_next(&work);
	else
		look(seed);
	still_valid(steps[step]);
}

static void pick(u64 *seed)
{
	const struct pnvme_label *where[PNVME_LABEL_SLOTS];
	const char *why = NULL;
	bool repair = false;
	int i, ret;

	for (i = 0; i < PNVME_LABEL_SLOTS; i++) {
		copies[i] = random_below(seed, 2) ? work : sample;
		where[i] = random_below(seed, 8) ? &copies[i] : NULL;
	}
	ret = pnvme_label_pick(where, &repair, &why);
	if (ret >= PNVME_LABEL_SLOTS || (ret >= 0 && !where[ret]))
		die("pick", "index is wrong");
	if (ret < 0 ? !why : pnvme_label_check(where[ret], NULL))
		die("pick", "no reason, or a bad copy");
}

static void exercise(u64 seed)
{
	const char *why = NULL;
	int i, ret;

	ret = pnvme_label_check(&work, &why);
	if (ret && !why)
		die("check", "refused without a reason");
	if (!random_below(&seed, 16))
		pick(&seed);
	if (ret)
		return;
	accepted++;
	for (i = 0; i < 6; i++)
		edit(&seed);
}

static void fix_header(void)
{
	memcpy(work.magic, PNVME_LABEL_MAGIC, sizeof(work.magic));
	work.version = cpu_to_le32(PNVME_LABEL_VERSION);
	work.size = cpu_to_le32(PNVME_LABEL_BYTES);
	pnvme_label_seal(&work);
}

static void apply_patches(const u8 *data, size_t size)
{
	size_t at;

	for (; size >= 10; data += 10, size -= 10) {
		at = (data[0] | data[1] << 8) % sizeof(work);
		memcpy((u8 *)&work + at, data + 2, sizeof(work) - at < 8 ? sizeof(work) - at : 8);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u64 seed = size;
	size_t i;

	if (!size)
		return 0;
	if (!sample.sequence)
		sample_label(&sample);
	work = sample;
	for (i = 0; i < size && i < 64; i++)
		seed = seed * 31 + data[i];
	if (data[0] & MODE_PATCHES)
		apply_patches(data + 1, size - 1);
	else
		memcpy(&work, data + 1, size - 1 < sizeof(work) ? size - 1 : sizeof(work));
	if (!(data[0] & MODE_RAW))
		fix_header();
	exercise(seed);
	return 0;
}

#ifdef FUZZ_MAIN
#define ROUNDS 200000

/* An offset where something is: header, used entries, sometimes anywhere. */
static size_t interesting_place(u64 *seed)
{
	static const struct { unsigned int from, size; } areas[] = {
		{ 0, 264 }, { 0, 264 }, { 2048, 64 }, { 4096, 256 }, { 12288, 768 },
		{ 12288 + 32, 24 }, { 0, PNVME_LABEL_BYTES },
	};
	u64 area = random_below(seed, ARRAY_SIZE(areas));

	return areas[area].from + random_below(seed, areas[area].size);
}

static void put64(u8 *p, u64 v)
{
	__le64 le = cpu_to_le64(v);

	memcpy(p, &le, sizeof(le));
}

/* One patch: a field-sized number, a small integer, or one changed bit. */
static void random_patch(u64 *seed, u8 *patch)
{
	size_t at = interesting_place(seed);
	u64 kind = random_below(seed, 4);

	if (kind < 2)
		at &= ~7UL;
	if (at > sizeof(sample) - 8)
		at = sizeof(sample) - 8;
	patch[0] = at;
	patch[1] = at >> 8;
	memcpy(patch + 2, (u8 *)&sample + at, 8);
	if (kind == 0)
		put64(patch + 2, odd_number(seed));
	else if (kind == 1)
		put64(patch + 2, random_below(seed, 66));
	else if (kind == 2)
		patch[2] = random_next(seed);
	else
		patch[2] ^= 1 << random_below(seed, 8);
}

int main(int argc, char **argv)
{
	u64 seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	u8 input[1 + 4 * 10];
	unsigned int i, round, patches;

	printf("KTAP version 1\n1..1\n");
	fflush(stdout);
	sample_label(&sample);
	for (round = 0; round < ROUNDS; round++) {
		patches = 1 + random_below(&seed, 4);
		input[0] = MODE_PATCHES | (random_below(&seed, 50) ? 0 : MODE_RAW);
		for (i = 0; i < patches; i++)
			random_patch(&seed, input + 1 + 10 * i);
		LLVMFuzzerTestOneInput(input, 1 + 10 * patches);
	}
	printf("# %d mutated labels, %lu of them valid and edited\n", ROUNDS, accepted);
	printf("%sok 1 - mutated labels are refused or stay valid\n",
	       accepted > ROUNDS / 100 ? "" : "not ");
	return accepted > ROUNDS / 100 ? 0 : 1;
}
#endif
