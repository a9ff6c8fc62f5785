// SPDX-License-Identifier: GPL-2.0
/* Edits: names, namespaces, space and dirty ranges, one case at a time. */
#include <stdlib.h>

#include "label_user.h"
#include "sample.h"
#include "tap.h"

#define HUGE_ALIGNED (0ULL - MIB)

static struct pnvme_label work, before;
static u8 uuid[16], nguid[16];

/* A clean drive with @mib of data range. */
static void fresh(u64 mib)
{
	struct pnvme_label_params p = sample_params();

	p.capacity = (mib + 2) * MIB;
	p.dirty = false;
	if (pnvme_label_init(&work, &p, NULL))
		abort();
}

static void expect_valid(int line)
{
	const char *why = "";
	int ret;

	pnvme_label_seal(&work);
	ret = pnvme_label_check(&work, &why);
	if (!EXPECT_AT(ret == 0, line))
		printf("# line %d: label is refused: %s\n", line, why);
}

#define EXPECT_VALID() expect_valid(__LINE__)

/* Refused, and the label is as it was. */
#define EXPECT_UNTOUCHED(call, code, phrase) do {		\
	before = work;						\
	EXPECT_REFUSED(call, code, phrase);			\
	EXPECT(!memcmp(&before, &work, sizeof(work)));		\
} while (0)

/* Parameters for a namespace that nothing clashes with. */
static struct pnvme_ns_params params(const char *name, u64 start_mib, u64 mib)
{
	static u8 serial;

	uuid[0] = 1;
	nguid[0] = 2;
	uuid[1] = ++serial;
	nguid[1] = serial;
	return (struct pnvme_ns_params) {
		.name = name, .uuid = uuid, .nguid = nguid,
		.start = start_mib * MIB, .bytes = mib * MIB,
	};
}

static int add(const char *name, u64 start_mib, u64 mib)
{
	struct pnvme_ns_params p = params(name, start_mib, mib);

	return pnvme_table_add(&work, &p, NULL);
}

static bool dirty_is(unsigned int i, u64 start_mib, u64 mib)
{
	return le64_to_cpu(work.dirty[i].start) == start_mib * MIB &&
	       le64_to_cpu(work.dirty[i].bytes) == mib * MIB;
}

static unsigned int dirty_used(void)
{
	unsigned int n = 0;

	while (n < PNVME_DIRTY_MAX && work.dirty[n].bytes)
		n++;
	return n;
}

static void test_names(void)
{
	static const char *const good[] = { "a", "z", "A", "Z9", "0", "9", "a.b_c-d", "db-01.log", "a..",
					    "a--" };
	static const char *const bad[] = { "", ".a", "-a", "_a", "a b", "a/b", "a\n", "a\x80",
					   "\xc3\xa9", "a:", "a*", "a@", "a[", "a`", "a{", "@",
					   "[", "`", "{", "/", ":" };
	char longest[PNVME_NAME_BYTES + 1], tight[3] = { 'a', 'b', 'c' };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		EXPECT_AT(pnvme_name_ok(good[i], strlen(good[i]) + 1), i);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_AT(!pnvme_name_ok(bad[i], strlen(bad[i]) + 1), i);
	EXPECT(!pnvme_name_ok("abc", 0));
	EXPECT(!pnvme_name_ok(tight, sizeof(tight)));
	EXPECT(!pnvme_name_ok(tight, 1));
	memset(longest, 'x', sizeof(longest));
	longest[64] = 0;
	EXPECT(!pnvme_name_ok(longest, sizeof(longest)));
	longest[63] = 0;
	EXPECT(pnvme_name_ok(longest, sizeof(longest)));
	EXPECT(pnvme_name_ok(longest, 64));
	EXPECT(!pnvme_name_ok(longest, 63));
}

/* The array ends where reading must end: the sanitizer watches. */
static void test_unterminated_names(void)
{
	char *name = malloc(PNVME_NAME_BYTES);
	struct pnvme_ns_params p;

	memset(name, 'x', PNVME_NAME_BYTES);
	fresh(100);
	p = params(name, 1, 1);
	EXPECT_UNTOUCHED(pnvme_table_add(&work, &p, &why), -EINVAL, "namespace name is not valid");
	EXPECT(add("a", 1, 1) == 0);
	EXPECT_UNTOUCHED(pnvme_table_rename(&work, 0, name, &why), -EINVAL,
			 "namespace name is not valid");
	EXPECT(pnvme_table_by_name(&work, name) == -ENOENT);
	name[PNVME_NAME_BYTES - 1] = 0;
	EXPECT(pnvme_table_rename(&work, 0, name, NULL) == 0);
	EXPECT(pnvme_table_by_name(&work, name) == 0);
	name[PNVME_NAME_BYTES - 1] = 'x';
	EXPECT(pnvme_table_by_name(&work, name) == -ENOENT);
	EXPECT_VALID();
	free(name);
}

static void test_add(void)
{
	struct pnvme_ns_params p;

	fresh(100);
	p = params("first", 1, 10);
	p.flags = PNVME_NS_READ_ONLY;
	p.policy = PNVME_POLICY_LAST;
	EXPECT(pnvme_table_add(&work, &p, NULL) == 0);
	EXPECT_VALID();
	EXPECT(!memcmp(work.ns[0].uuid, uuid, 16) && !memcmp(work.ns[0].nguid, nguid, 16));
	EXPECT(work.ns[0].start == cpu_to_le64(MIB) && work.ns[0].bytes == cpu_to_le64(10 * MIB));
	EXPECT(work.ns[0].nsid == cpu_to_le32(1) && work.ns[0].flags == cpu_to_le32(1));
	EXPECT(work.ns[0].policy == 2 && !strcmp(work.ns[0].name, "first"));
	EXPECT(pnvme_table_by_name(&work, "first") == 0);
	EXPECT(pnvme_table_by_name(&work, "firs") == -ENOENT);
	EXPECT(pnvme_table_by_name(&work, "") == -ENOENT);
	EXPECT(pnvme_table_by_uuid(&work, uuid) == 0);
	EXPECT(pnvme_table_by_uuid(&work, nguid) == -ENOENT);
	EXPECT(pnvme_table_by_uuid(&work, (u8[16]) { 0 }) == -ENOENT);

	p = params("third", 50, 1);
	p.nsid = 3;
	EXPECT(pnvme_table_add(&work, &p, NULL) == 1);
	EXPECT(add("second", 51, 1) == 2 && work.ns[2].nsid == cpu_to_le32(2));
	EXPECT(add("fourth", 52, 1) == 3 && work.ns[3].nsid == cpu_to_le32(4));
	EXPECT(pnvme_table_del(&work, 0, NULL) == 0);
	EXPECT(add("again", 60, 1) == 0 && work.ns[0].nsid == cpu_to_le32(1));
	EXPECT(add("last", 100, 1) == 4);
	EXPECT_VALID();
}

static void test_add_refusals(void)
{
	struct pnvme_ns_params p;

	fresh(100);
	p = params("taken", 50, 10);
	p.nsid = 64;
	EXPECT(pnvme_table_add(&work, &p, NULL) == 0);

#define ADD_REFUSED(field, value, code, phrase) do {				\
	p = params("new", 1, 10);						\
	p.field = value;							\
	EXPECT_UNTOUCHED(pnvme_table_add(&work, &p, &why), code, phrase);		\
} while (0)
	ADD_REFUSED(name, "taken", -EEXIST, "namespace name is taken");
	ADD_REFUSED(name, "", -EINVAL, "namespace name is not valid");
	ADD_REFUSED(name, NULL, -EINVAL, "namespace name is not valid");
	ADD_REFUSED(name, "../etc", -EINVAL, "namespace name is not valid");
	ADD_REFUSED(uuid, NULL, -EINVAL, "namespace UUID is zero");
	ADD_REFUSED(uuid, work.ns[0].uuid, -EEXIST, "namespace UUID is taken");
	ADD_REFUSED(nguid, NULL, -EINVAL, "namespace NGUID is zero");
	ADD_REFUSED(nguid, work.ns[0].nguid, -EEXIST, "namespace NGUID is taken");
	ADD_REFUSED(nsid, 64, -EEXIST, "namespace ID is taken");
	ADD_REFUSED(nsid, 65, -EINVAL, "namespace ID is out of range");
	ADD_REFUSED(nsid, ~0U, -EINVAL, "namespace ID is out of range");
	ADD_REFUSED(flags, 2, -EINVAL, "namespace flags are not known");
	ADD_REFUSED(policy, 3, -EINVAL, "namespace policy is not known");
	ADD_REFUSED(bytes, 0, -EINVAL, "range is empty");
	ADD_REFUSED(bytes, MIB - 1, -EINVAL, "range is not a multiple of 1 MiB");
	ADD_REFUSED(start, 4096, -EINVAL, "range is not a multiple of 1 MiB");
	ADD_REFUSED(start, 0, -EINVAL, "range lies outside the data range");
	ADD_REFUSED(start, 101 * MIB, -EINVAL, "range lies outside the data range");
	ADD_REFUSED(start, 92 * MIB, -EINVAL, "range lies outside the data range");
	ADD_REFUSED(start, HUGE_ALIGNED, -EINVAL, "range lies outside the data range");
	ADD_REFUSED(bytes, HUGE_ALIGNED, -EINVAL, "range lies outside the data range");
	ADD_REFUSED(bytes, 0 - 2 * MIB, -EINVAL, "range lies outside the data range");
	ADD_REFUSED(bytes, 50 * MIB, -ENOSPC, "range is not free");
	ADD_REFUSED(start, 41 * MIB, -ENOSPC, "range is not free");
	ADD_REFUSED(start, 59 * MIB, -ENOSPC, "range is not free");
	ADD_REFUSED(start, 50 * MIB, -ENOSPC, "range is not free");

	p = params("fits", 40, 10);
	EXPECT(pnvme_table_add(&work, &p, NULL) == 1);
	EXPECT_VALID();
}

static void test_add_to_dirty_space(void)
{
	struct pnvme_ns_params p;
	u64 start, bytes;

	fresh(100);
	EXPECT(add("old", 10, 10) == 0);
	EXPECT(pnvme_table_del(&work, 0, NULL) == 0);
	p = params("new", 5, 6);
	EXPECT(pnvme_dirty_next(&work, p.start, p.bytes, &start, &bytes));
	EXPECT(start == 10 * MIB && bytes == MIB);
	EXPECT(pnvme_table_add(&work, &p, NULL) == 0);
	EXPECT(!pnvme_dirty_next(&work, p.start, p.bytes, &start, &bytes));
	EXPECT(dirty_used() == 1 && dirty_is(0, 11, 9));
	pnvme_dirty_clear(&work, p.start, p.bytes);
	EXPECT(dirty_used() == 1 && dirty_is(0, 11, 9));
	EXPECT_VALID();
}

static void test_table_full(void)
{
	char name[16];
	u64 start = 0;
	int i;

	fresh(200);
	for (i = 0; i < PNVME_NS_MAX; i++) {
		snprintf(name, sizeof(name), "ns%d", i);
		EXPECT_AT(add(name, 1 + 2 * i, 1) == i, i);
	}
	EXPECT_VALID();
	EXPECT(work.ns[63].nsid == cpu_to_le32(64));
	EXPECT_UNTOUCHED(pnvme_space_find(&work, MIB, &start, &why), -ENOSPC,
			 "namespace table is full");
	EXPECT(add("one-more", 2, 1) == -ENOSPC);
	EXPECT(pnvme_table_del(&work, 20, NULL) == 0);
	EXPECT(add("one-more", 2, 1) == 20 && work.ns[20].nsid == cpu_to_le32(21));
	EXPECT_VALID();
}

static void test_delete(void)
{
	fresh(100);
	EXPECT(add("a", 1, 10) == 0 && add("b", 11, 10) == 1 && add("c", 21, 10) == 2);
	EXPECT(pnvme_table_del(&work, 0, NULL) == 0 && pnvme_table_del(&work, 2, NULL) == 0);
	EXPECT(dirty_used() == 2 && dirty_is(0, 1, 10) && dirty_is(1, 21, 10));
	EXPECT_VALID();
	EXPECT(pnvme_table_del(&work, 1, NULL) == 0);
	EXPECT(dirty_used() == 1 && dirty_is(0, 1, 30));
	EXPECT_VALID();
	EXPECT_UNTOUCHED(pnvme_table_del(&work, 1, &why), -ENOENT, "there is no such namespace");
	EXPECT_UNTOUCHED(pnvme_table_del(&work, 64, &why), -ENOENT, "there is no such namespace");
	EXPECT_UNTOUCHED(pnvme_table_del(&work, ~0U, &why), -ENOENT, "there is no such namespace");
}

static void test_resize(void)
{
	fresh(100);
	EXPECT(add("a", 1, 10) == 0 && add("b", 21, 10) == 1);
	EXPECT(pnvme_table_resize(&work, 0, 20 * MIB, NULL) == 0);
	EXPECT(pnvme_table_resize(&work, 0, 20 * MIB, NULL) == 0);
	EXPECT(dirty_used() == 0);
	EXPECT_UNTOUCHED(pnvme_table_resize(&work, 0, 21 * MIB, &why), -ENOSPC,
			 "another namespace is in the way");
	EXPECT_UNTOUCHED(pnvme_table_resize(&work, 0, 100 * MIB, &why), -ENOSPC,
			 "another namespace is in the way");
	EXPECT(pnvme_table_resize(&work, 0, 5 * MIB, NULL) == 0);
	EXPECT(dirty_used() == 1 && dirty_is(0, 6, 15));
	EXPECT_VALID();
	EXPECT(pnvme_table_resize(&work, 0, 6 * MIB, NULL) == 0);
	EXPECT(dirty_used() == 1 && dirty_is(0, 7, 14));
	EXPECT(pnvme_table_resize(&work, 1, 80 * MIB, NULL) == 0);
	EXPECT_VALID();
	EXPECT_UNTOUCHED(pnvme_table_resize(&work, 1, 81 * MIB, &why), -ENOSPC,
			 "not enough space behind the namespace");
	EXPECT_UNTOUCHED(pnvme_table_resize(&work, 1, HUGE_ALIGNED, &why), -ENOSPC,
			 "not enough space behind the namespace");
	EXPECT_UNTOUCHED(pnvme_table_resize(&work, 1, 0, &why), -EINVAL, "size is zero");
	EXPECT_UNTOUCHED(pnvme_table_resize(&work, 1, ~0ULL, &why), -EINVAL,
			 "size is not a multiple of 1 MiB");
	EXPECT_UNTOUCHED(pnvme_table_resize(&work, 2, MIB, &why), -ENOENT,
			 "there is no such namespace");
	EXPECT_UNTOUCHED(pnvme_table_resize(&work, 4096, MIB, &why), -ENOENT,
			 "there is no such namespace");
}

static struct pnvme_label_seal some_seal(unsigned int samples, __u64 looked)
{
	struct pnvme_label_seal seal = {
		.state = PNVME_LABEL_SEAL_WHOLE, .samples = cpu_to_le32(samples),
		.looked = cpu_to_le64(looked), .sealed_at = cpu_to_le64(77),
	};

	memset(seal.digest, 0xab, sizeof(seal.digest));
	return seal;
}

static void test_seal(void)
{
	struct pnvme_label_seal seal = some_seal(5, 2560), bad;

	fresh(100);
	EXPECT(add("a", 1, 10) == 0);
	EXPECT(!pnvme_table_break(&work, 0, 99));
	EXPECT_UNTOUCHED(pnvme_table_seal(&work, 1, &seal, &why), -ENOENT,
			 "there is no such namespace");
	bad = some_seal(5, 2561);
	EXPECT_UNTOUCHED(pnvme_table_seal(&work, 0, &bad, &why), -EINVAL,
			 "seal looked at more blocks than there are");
	bad = some_seal(6, 5);
	EXPECT_UNTOUCHED(pnvme_table_seal(&work, 0, &bad, &why), -EINVAL,
			 "number of samples of a seal is out of range");
	bad = some_seal(0, 5);
	EXPECT_UNTOUCHED(pnvme_table_seal(&work, 0, &bad, &why), -EINVAL,
			 "number of samples of a seal is out of range");
	bad = some_seal(PNVME_SEAL_SAMPLES_MAX + 1, ~0ULL);
	EXPECT_UNTOUCHED(pnvme_table_seal(&work, 0, &bad, &why), -EINVAL,
			 "number of samples of a seal is out of range");
	bad = seal;
	bad.broken_at = cpu_to_le64(1);
	EXPECT_UNTOUCHED(pnvme_table_seal(&work, 0, &bad, &why), -EINVAL,
			 "seal is whole and has a time of breaking");
	bad = seal;
	bad.reserved1[47] = 1;
	EXPECT_UNTOUCHED(pnvme_table_seal(&work, 0, &bad, &why), -EINVAL,
			 "reserved bytes of a seal are not zero");
	EXPECT(pnvme_table_seal(&work, 0, &seal, NULL) == 0);
	EXPECT(!memcmp(&work.ns[0].seal, &seal, sizeof(seal)));
	EXPECT_VALID();
	EXPECT(pnvme_table_rename(&work, 0, "b", NULL) == 0 && !memcmp(&work.ns[0].seal, &seal, sizeof(seal)));
	EXPECT(pnvme_table_resize(&work, 0, 10 * MIB, NULL) == 0 &&
	       work.ns[0].seal.state == PNVME_LABEL_SEAL_WHOLE);
	EXPECT(!pnvme_table_break(&work, 1, 99) && !pnvme_table_break(&work, 64, 99));
	EXPECT(pnvme_table_break(&work, 0, 99));
	EXPECT(work.ns[0].seal.state == PNVME_LABEL_SEAL_BROKEN &&
	       le64_to_cpu(work.ns[0].seal.broken_at) == 99);
	EXPECT(!pnvme_table_break(&work, 0, 100) && le64_to_cpu(work.ns[0].seal.broken_at) == 99);
	EXPECT_VALID();
	/* shrunk: it may have looked at more than there is now; and a resize breaks */
	EXPECT(pnvme_table_seal(&work, 0, &seal, NULL) == 0);
	EXPECT(pnvme_table_resize(&work, 0, MIB, NULL) == 0 &&
	       work.ns[0].seal.state == PNVME_LABEL_SEAL_BROKEN);
	EXPECT_VALID();
	EXPECT(pnvme_table_del(&work, 0, NULL) == 0);
	EXPECT_VALID();
}

static void test_rename(void)
{
	fresh(100);
	EXPECT(add("a-long-name", 1, 10) == 0 && add("b", 21, 10) == 1);
	EXPECT(pnvme_table_rename(&work, 0, "x", NULL) == 0);
	EXPECT(pnvme_table_by_name(&work, "x") == 0 &&
	       pnvme_table_by_name(&work, "a-long-name") == -ENOENT);
	EXPECT_VALID();
	EXPECT(pnvme_table_rename(&work, 0, "x", NULL) == 0);
	EXPECT(pnvme_table_rename(&work, 0, work.ns[0].name, NULL) == 0);
	EXPECT(pnvme_table_by_name(&work, "x") == 0);
	EXPECT_UNTOUCHED(pnvme_table_rename(&work, 0, "b", &why), -EEXIST, "namespace name is taken");
	EXPECT_UNTOUCHED(pnvme_table_rename(&work, 0, "b/", &why), -EINVAL,
			 "namespace name is not valid");
	EXPECT_UNTOUCHED(pnvme_table_rename(&work, 2, "c", &why), -ENOENT,
			 "there is no such namespace");
}

static void test_space(void)
{
	struct pnvme_space s;
	u64 start;

	fresh(100);
	pnvme_space_get(&work, &s);
	EXPECT(s.size == 100 * MIB && s.free == 100 * MIB && s.largest == 100 * MIB);
	EXPECT(s.entries_free == 64);
	EXPECT(pnvme_space_find(&work, 100 * MIB, &start, NULL) == 0 && start == MIB);

	/* Gaps: 1-10 (10), 21-25 (5), 31-35 (5), 46-50 (5) ... 61-100 (40). */
	EXPECT(add("a", 11, 10) == 0 && add("b", 26, 5) == 1 && add("c", 36, 10) == 2 &&
	       add("d", 51, 10) == 3);
	pnvme_space_get(&work, &s);
	EXPECT(s.free == 65 * MIB && s.largest == 40 * MIB && s.entries_free == 60);
	EXPECT(pnvme_space_find(&work, 5 * MIB, &start, NULL) == 0 && start == 21 * MIB);
	EXPECT(pnvme_space_find(&work, 6 * MIB, &start, NULL) == 0 && start == MIB);
	EXPECT(pnvme_space_find(&work, 11 * MIB, &start, NULL) == 0 && start == 61 * MIB);
	EXPECT(pnvme_space_find(&work, 40 * MIB, &start, NULL) == 0 && start == 61 * MIB);
	EXPECT_REFUSED(pnvme_space_find(&work, 41 * MIB, &start, &why), -ENOSPC,
		       "space is fragmented");
	EXPECT_REFUSED(pnvme_space_find(&work, 65 * MIB, &start, &why), -ENOSPC,
		       "space is fragmented");
	EXPECT_REFUSED(pnvme_space_find(&work, 66 * MIB, &start, &why), -ENOSPC,
		       "not enough space");
	EXPECT_REFUSED(pnvme_space_find(&work, HUGE_ALIGNED, &start, &why), -ENOSPC,
		       "not enough space");
	EXPECT_REFUSED(pnvme_space_find(&work, 0, &start, &why), -EINVAL, "size is zero");
	EXPECT_REFUSED(pnvme_space_find(&work, ~0ULL, &start, &why), -EINVAL,
		       "size is not a multiple of 1 MiB");
}

static void test_space_largest_drive(void)
{
	u64 cap = (1ULL << 63) - 4096, start;
	struct pnvme_label_params p = sample_params();
	struct pnvme_space s;

	p.capacity = cap;
	EXPECT(pnvme_label_init(&work, &p, NULL) == 0);
	EXPECT_VALID();
	pnvme_space_get(&work, &s);
	EXPECT(pnvme_space_find(&work, s.size, &start, NULL) == 0);
	pnvme_dirty_clear(&work, 0, ~0ULL);
	EXPECT(dirty_used() == 0);
	EXPECT(add("all", 1, s.size / MIB) == 0);
	EXPECT_VALID();
	pnvme_space_get(&work, &s);
	EXPECT(s.free == 0 && s.largest == 0);
	EXPECT(pnvme_table_resize(&work, 0, MIB, NULL) == 0);
	EXPECT_VALID();
	EXPECT(pnvme_table_del(&work, 0, NULL) == 0 && dirty_is(0, 1, s.size / MIB));
	EXPECT_VALID();
}

static void test_dirty_add(void)
{
	fresh(100);
	pnvme_dirty_add(&work, 50 * MIB, 10 * MIB);
	pnvme_dirty_add(&work, 10 * MIB, 10 * MIB);
	pnvme_dirty_add(&work, 30 * MIB, 10 * MIB);
	EXPECT(dirty_used() == 3 && dirty_is(0, 10, 10) && dirty_is(1, 30, 10) &&
	       dirty_is(2, 50, 10));
	pnvme_dirty_add(&work, 20 * MIB, 5 * MIB);
	EXPECT(dirty_used() == 3 && dirty_is(0, 10, 15));
	pnvme_dirty_add(&work, 28 * MIB, 2 * MIB);
	EXPECT(dirty_used() == 3 && dirty_is(1, 28, 12));
	pnvme_dirty_add(&work, 24 * MIB, 30 * MIB);
	EXPECT(dirty_used() == 1 && dirty_is(0, 10, 50));
	pnvme_dirty_add(&work, 20 * MIB, MIB);
	EXPECT(dirty_used() == 1 && dirty_is(0, 10, 50));
	EXPECT_VALID();
}

static void test_dirty_odd_arguments(void)
{
	fresh(100);
	before = work;
	pnvme_dirty_add(&work, 0, 0);
	pnvme_dirty_add(&work, 50 * MIB, 0);
	pnvme_dirty_add(&work, 0, MIB);
	pnvme_dirty_add(&work, 101 * MIB, MIB);
	pnvme_dirty_add(&work, ~0ULL, ~0ULL);
	pnvme_dirty_add(&work, HUGE_ALIGNED, HUGE_ALIGNED);
	EXPECT(!memcmp(&before, &work, sizeof(work)));

	pnvme_dirty_add(&work, 10 * MIB + 1, 1);
	EXPECT(dirty_used() == 1 && dirty_is(0, 10, 1));
	pnvme_dirty_add(&work, 20 * MIB - 1, 2);
	EXPECT(dirty_used() == 2 && dirty_is(1, 19, 2));
	before = work;
	pnvme_dirty_clear(&work, 10 * MIB + 1, MIB - 1);
	pnvme_dirty_clear(&work, 10 * MIB, MIB - 1);
	pnvme_dirty_clear(&work, 10 * MIB, 0);
	pnvme_dirty_clear(&work, ~0ULL, ~0ULL);
	pnvme_dirty_clear(&work, HUGE_ALIGNED, ~0ULL);
	pnvme_dirty_clear(&work, HUGE_ALIGNED + 1, ~0ULL);
	EXPECT(!memcmp(&before, &work, sizeof(work)));
	pnvme_dirty_add(&work, 0, ~0ULL);
	EXPECT(dirty_used() == 1 && dirty_is(0, 1, 100));
	pnvme_dirty_clear(&work, 20 * MIB, ~0ULL);
	EXPECT(dirty_used() == 1 && dirty_is(0, 1, 19));
	EXPECT_VALID();
}

static void test_dirty_clear(void)
{
	fresh(100);
	pnvme_dirty_add(&work, 10 * MIB, 80 * MIB);
	pnvme_dirty_clear(&work, 5 * MIB, 10 * MIB);
	EXPECT(dirty_used() == 1 && dirty_is(0, 15, 75));
	pnvme_dirty_clear(&work, 80 * MIB, 20 * MIB);
	EXPECT(dirty_used() == 1 && dirty_is(0, 15, 65));
	pnvme_dirty_clear(&work, 30 * MIB, 10 * MIB);
	pnvme_dirty_clear(&work, 50 * MIB, 10 * MIB);
	EXPECT(dirty_used() == 3 && dirty_is(0, 15, 15) && dirty_is(1, 40, 10) &&
	       dirty_is(2, 60, 20));
	EXPECT_VALID();
	pnvme_dirty_clear(&work, 20 * MIB, 50 * MIB);
	EXPECT(dirty_used() == 2 && dirty_is(0, 15, 5) && dirty_is(1, 70, 10));
	pnvme_dirty_clear(&work, 15 * MIB, 5 * MIB);
	EXPECT(dirty_used() == 1 && dirty_is(0, 70, 10));
	EXPECT_VALID();
}

static void test_dirty_next(void)
{
	u64 s = 0, n = 0;

	fresh(100);
	EXPECT(!pnvme_dirty_next(&work, 0, ~0ULL, &s, &n));
	pnvme_dirty_add(&work, 10 * MIB, 10 * MIB);
	pnvme_dirty_add(&work, 30 * MIB, 10 * MIB);
	EXPECT(pnvme_dirty_next(&work, 0, ~0ULL, &s, &n) && s == 10 * MIB && n == 10 * MIB);
	EXPECT(pnvme_dirty_next(&work, 15 * MIB, ~0ULL, &s, &n) && s == 15 * MIB && n == 5 * MIB);
	EXPECT(pnvme_dirty_next(&work, 15 * MIB, 2 * MIB, &s, &n) && s == 15 * MIB &&
	       n == 2 * MIB);
	EXPECT(pnvme_dirty_next(&work, 20 * MIB, 11 * MIB, &s, &n) && s == 30 * MIB && n == MIB);
	EXPECT(!pnvme_dirty_next(&work, 20 * MIB, 10 * MIB, &s, &n));
	EXPECT(!pnvme_dirty_next(&work, 40 * MIB, ~0ULL, &s, &n));
	EXPECT(!pnvme_dirty_next(&work, 15 * MIB, 0, &s, &n));
	EXPECT(!pnvme_dirty_next(&work, ~0ULL, ~0ULL, &s, &n));
}

static void test_dirty_leaves_namespaces_out(void)
{
	fresh(100);
	EXPECT(add("a", 1, 5) == 0 && add("b", 20, 10) == 1 && add("c", 91, 10) == 2);
	pnvme_dirty_add(&work, 0, ~0ULL);
	EXPECT(dirty_used() == 2 && dirty_is(0, 6, 14) && dirty_is(1, 30, 61));
	EXPECT_VALID();
}

/* 128 single MiB, far apart but for one pair: those two are joined. */
static void fill_dirty(void)
{
	int i;

	fresh(2000);
	for (i = 0; i < PNVME_DIRTY_MAX; i++)
		pnvme_dirty_add(&work, (10 + 10 * i - (i == 70 ? 5 : 0)) * MIB, MIB);
	EXPECT(dirty_used() == PNVME_DIRTY_MAX);
	EXPECT_VALID();
}

static void test_dirty_full_add(void)
{
	fill_dirty();
	pnvme_dirty_add(&work, 1900 * MIB, MIB);
	EXPECT(dirty_used() == PNVME_DIRTY_MAX && dirty_is(69, 700, 6));
	EXPECT(dirty_is(127, 1900, 1));
	EXPECT_VALID();

	/* The new range lies between the two nearest. */
	fill_dirty();
	pnvme_dirty_add(&work, 702 * MIB, MIB);
	EXPECT(dirty_used() == PNVME_DIRTY_MAX - 1 && dirty_is(69, 700, 6));
	EXPECT_VALID();

	/* A range that touches an entry needs no room. */
	fill_dirty();
	pnvme_dirty_add(&work, 11 * MIB, MIB);
	EXPECT(dirty_used() == PNVME_DIRTY_MAX && dirty_is(0, 10, 2) && dirty_is(69, 700, 1));
	EXPECT_VALID();
}

static void test_dirty_full_clear(void)
{
	fill_dirty();
	pnvme_dirty_add(&work, 11 * MIB, 3 * MIB);
	pnvme_dirty_clear(&work, 12 * MIB, MIB);
	EXPECT(dirty_used() == PNVME_DIRTY_MAX && dirty_is(0, 10, 2) && dirty_is(1, 13, 1));
	EXPECT(dirty_is(70, 700, 6));
	EXPECT_VALID();
}

/* The nearest pair has a namespace between: another one is merged. */
static void test_dirty_full_spares_namespaces(void)
{
	struct pnvme_ns_params p;

	fill_dirty();
	p = params("between", 702, 2);
	EXPECT(pnvme_table_add(&work, &p, NULL) == 0);
	pnvme_dirty_add(&work, 1900 * MIB, MIB);
	EXPECT(dirty_used() == PNVME_DIRTY_MAX && dirty_is(0, 10, 11));
	EXPECT_VALID();
}

/* Every namespace and every gap once; the table has room for all gaps. */
static void test_dirty_every_gap(void)
{
	char name[16];
	int i;

	fresh(2000);
	for (i = 0; i < PNVME_NS_MAX; i++) {
		snprintf(name, sizeof(name), "ns%d", i);
		EXPECT_AT(add(name, 10 + 20 * i, 1) == i, i);
	}
	for (i = 0; i < 1400; i += 3)
		pnvme_dirty_add(&work, (1 + i) * MIB, MIB);
	EXPECT(dirty_used() == PNVME_DIRTY_MAX);
	EXPECT_VALID();
	pnvme_dirty_add(&work, 0, ~0ULL);
	EXPECT(dirty_used() == PNVME_NS_MAX + 1);
	EXPECT_VALID();
}

static const struct tap_test tests[] = {
	{ "names", test_names },
	{ "names without end", test_unterminated_names },
	{ "add", test_add },
	{ "add refuses with a reason and changes nothing", test_add_refusals },
	{ "add takes its range out of the dirty table", test_add_to_dirty_space },
	{ "64 namespaces and no more", test_table_full },
	{ "delete", test_delete },
	{ "resize", test_resize },
	{ "seal and break", test_seal },
	{ "rename", test_rename },
	{ "space: best fit and refusals", test_space },
	{ "space: the largest drive", test_space_largest_drive },
	{ "dirty: add merges", test_dirty_add },
	{ "dirty: odd arguments", test_dirty_odd_arguments },
	{ "dirty: clear cuts", test_dirty_clear },
	{ "dirty: next clips", test_dirty_next },
	{ "dirty: namespaces are left out", test_dirty_leaves_namespaces_out },
	{ "dirty: adding to a full table", test_dirty_full_add },
	{ "dirty: splitting in a full table", test_dirty_full_clear },
	{ "dirty: merging spares namespaces", test_dirty_full_spares_namespaces },
	{ "dirty: full table among 64 namespaces", test_dirty_every_gap },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
