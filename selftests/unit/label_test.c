// SPDX-License-Identifier: GPL-2.0
/* The format: layout, checksum, checking one copy, picking among four. */
#include <stdlib.h>

#include "label_user.h"
#include "golden.h"
#include "sample.h"
#include "tap.h"

#define AT(field) offsetof(struct pnvme_label, field)
#define NS(i, field) (AT(ns) + (i) * 256 + offsetof(struct pnvme_label_ns, field))
#define PEER(i, field) (AT(roster) + (i) * 128 + offsetof(struct pnvme_label_peer, field))
#define GRAVE(i, field) (AT(grave) + (i) * 32 + offsetof(struct pnvme_label_grave, field))
#define DIRTY(i, field) (AT(dirty) + (i) * 16 + offsetof(struct pnvme_label_extent, field))

static struct pnvme_label work;

static void set_bytes(struct pnvme_label *l, size_t at, u64 value, unsigned int width)
{
	u8 *p = (u8 *)l + at;

	while (width--) {
		*p++ = value;
		value >>= 8;
	}
}

static int check(const char **why)
{
	return pnvme_label_check(&work, why);
}

static int check_sealed(const char **why)
{
	pnvme_label_seal(&work);
	return check(why);
}

static void test_crc_vectors(void)
{
	u8 buf[32] = { 0 };

	EXPECT(~crc32c(~0U, "123456789", 9) == 0xe3069283);
	EXPECT(~crc32c(~0U, "", 0) == 0);
	EXPECT(~crc32c(~0U, buf, 32) == 0x8a9136aa);
	memset(buf, 0xff, 32);
	EXPECT(~crc32c(~0U, buf, 32) == 0x62a8ab43);
	EXPECT(crc32c(crc32c(~0U, "1234", 4), "56789", 5) == ~0xe3069283U);
}

static void test_offsets(void)
{
	static const size_t offsets[][2] = {
		{ AT(magic), 0 }, { AT(version), 8 }, { AT(size), 12 }, { AT(crc), 16 },
		{ AT(reserved0), 20 }, { AT(sequence), 24 }, { AT(feature_compat), 32 },
		{ AT(feature_incompat), 40 }, { AT(drive_uuid), 48 }, { AT(epoch), 64 },
		{ AT(nonce), 72 }, { AT(owner), 80 }, { AT(hwid), 96 }, { AT(hwid_type), 112 },
		{ AT(pi_type), 113 }, { AT(metadata_bytes), 114 }, { AT(reserved1), 116 },
		{ AT(serial), 120 }, { AT(model), 152 }, { AT(instance), 216 },
		{ AT(lba_size), 220 }, { AT(capacity), 224 }, { AT(data_start), 232 },
		{ AT(data_end), 240 }, { AT(hold_timeout), 248 }, { AT(latency), 252 },
		{ AT(on_resume), 256 }, { AT(hold_proof), 257 }, { AT(reserved2), 258 },
		{ AT(roster_generation), 264 }, { AT(reserved3), 272 },
		{ DIRTY(1, start), 2064 }, { DIRTY(1, bytes), 2072 },
		{ PEER(0, uuid), 4096 }, { PEER(0, hwid), 4112 }, { PEER(0, hwid_type), 4128 },
		{ PEER(0, reserved0), 4129 }, { PEER(0, slot), 4136 }, { PEER(0, reserved), 4168 },
		{ NS(0, uuid), 12288 }, { NS(0, nguid), 12304 }, { NS(0, start), 12320 },
		{ NS(0, bytes), 12328 }, { NS(0, nsid), 12336 }, { NS(0, flags), 12340 },
		{ NS(0, policy), 12344 }, { NS(0, reserved0), 12345 }, { NS(0, name), 12352 },
		{ NS(0, seal), 12416 }, { NS(0, seal.samples), 12420 }, { NS(0, seal.looked), 12424 },
		{ NS(0, seal.sealed_at), 12432 }, { NS(0, seal.broken_at), 12440 },
		{ NS(0, seal.seed), 12448 }, { NS(0, seal.digest), 12464 },
		{ NS(0, seal.reserved1), 12496 }, { GRAVE(0, uuid), 28672 },
		{ GRAVE(1, start), 28720 }, { GRAVE(1, bytes), 28728 }, { AT(reserved4), 30720 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++)
		EXPECT_AT(offsets[i][0] == offsets[i][1], i);
}

static void test_golden(void)
{
	static u8 expected[PNVME_LABEL_BYTES];
	unsigned int i;

	memset(expected, 0, sizeof(expected));
	for (i = 0; i < ARRAY_SIZE(golden); i++)
		memcpy(expected + golden[i].offset, golden[i].bytes, 16);
	sample_label(&work);
	EXPECT(le32_to_cpu(work.crc) == GOLDEN_CRC);
	for (i = 0; i < sizeof(expected); i++)
		EXPECT_AT(((u8 *)&work)[i] == expected[i], i);
	EXPECT(check(NULL) == 0);
}

static void test_geometry(void)
{
	static const u64 capacities[] = {
		PNVME_MIN_CAPACITY, PNVME_MIN_CAPACITY + 512, 17 * MIB - 512, 17 * MIB,
		1920383410176ULL, 1920383410176ULL + 3584, 1ULL << 44, (1ULL << 63) - 512,
	};
	u64 end, cap;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(capacities); i++) {
		cap = capacities[i];
		end = cap / 4096 * 4096;
		EXPECT_AT(pnvme_label_slot(cap, 0) == 65536, i);
		EXPECT_AT(pnvme_label_slot(cap, 1) == 524288, i);
		EXPECT_AT(pnvme_label_slot(cap, 2) == end - 983040, i);
		EXPECT_AT(pnvme_label_slot(cap, 3) == end - 524288, i);
		EXPECT_AT(pnvme_data_end(cap) == (end - MIB) / MIB * MIB, i);
		EXPECT_AT(pnvme_data_end(cap) <= pnvme_label_slot(cap, 2), i);
	}
	EXPECT(pnvme_data_end(0) == PNVME_DATA_START);
	EXPECT(pnvme_data_end(MIB) == PNVME_DATA_START);
}

static void test_header(void)
{
	sample_label(&work);
	work.magic[0] ^= 1;
	EXPECT_REFUSED(check_sealed(&why), PNVME_LABEL_NONE, "no label");

	sample_label(&work);
	work.version = cpu_to_le32(2);
	EXPECT_REFUSED(check(&why), PNVME_LABEL_UNKNOWN, "label version is not known");
	EXPECT_REFUSED(check_sealed(&why), PNVME_LABEL_UNKNOWN, "label version is not known");
	work.version = 0;
	EXPECT_REFUSED(check_sealed(&why), PNVME_LABEL_UNKNOWN, "label version is not known");

	sample_label(&work);
	work.size = cpu_to_le32(PNVME_LABEL_BYTES * 2);
	EXPECT_REFUSED(check_sealed(&why), PNVME_LABEL_CORRUPT, "label size is wrong");

	sample_label(&work);
	work.feature_incompat = cpu_to_le64(1ULL << 63);
	EXPECT_REFUSED(check(&why), PNVME_LABEL_CORRUPT, "checksum is wrong");
	EXPECT_REFUSED(check_sealed(&why), PNVME_LABEL_UNKNOWN, "label has an unknown feature");
	EXPECT(check(NULL) == PNVME_LABEL_UNKNOWN);
}

static void test_any_bit_breaks_crc(void)
{
	u64 seed = 1;
	size_t i;

	sample_label(&work);
	for (i = AT(crc); i < sizeof(work); i += 1 + random_below(&seed, 40)) {
		u8 bit = 1 << random_below(&seed, 8);

		((u8 *)&work)[i] ^= bit;
		EXPECT_AT(check(NULL) == PNVME_LABEL_CORRUPT, i);
		((u8 *)&work)[i] ^= bit;
	}
	EXPECT(check(NULL) == 0);
}

#define FULL (~0ULL)
#define DIRTY_PLACE "dirty range is not aligned or lies outside the data range"
#define SMALL_PI (PNVME_HWID_NGUID | 1 << 8 | 7 << 16)

/* One field, a value that is refused, and the reason. */
static const struct {
	size_t at;
	unsigned int width;
	u64 value;
	const char *phrase;
} bad_fields[] = {
	{ AT(sequence), 8, 0, "sequence is zero" },
	{ AT(epoch), 8, 0, "epoch is zero" },
	{ AT(hwid_type), 1, 3, "hardware ID type is not known" },
	{ AT(hwid_type), 1, PNVME_HWID_NONE, "hardware ID without a type" },
	{ AT(hwid_type), 1, PNVME_HWID_EUI64, "hardware ID is not padded with zeros" },
	{ AT(pi_type), 1, 4, "protection information type is not known" },
	{ AT(hwid_type), 4, SMALL_PI, "metadata is too small for protection information" },
	{ AT(serial) + 3, 1, 0, "serial number is not clean text" },
	{ AT(serial) + 3, 1, 0x1f, "serial number is not clean text" },
	{ AT(serial) + 3, 1, 0x7f, "serial number is not clean text" },
	{ AT(serial) + 3, 1, 0xc3, "serial number is not clean text" },
	{ AT(serial) + 13, 1, ' ', "serial number is not clean text" },
	{ AT(serial) + 31, 1, 'x', "serial number is not clean text" },
	{ AT(model) + 1, 1, '\n', "model is not clean text" },
	{ AT(model) + 63, 1, 'x', "model is not clean text" },
	{ AT(instance), 4, PNVME_INSTANCE_MAX + 1, "instance is out of range" },
	{ AT(instance), 4, FULL, "instance is out of range" },
	{ AT(lba_size), 4, 0, "LBA size is not 512 to 4096 and a power of two" },
	{ AT(lba_size), 4, 256, "LBA size is not 512 to 4096 and a power of two" },
	{ AT(lba_size), 4, 8192, "LBA size is not 512 to 4096 and a power of two" },
	{ AT(lba_size), 4, 4095, "LBA size is not 512 to 4096 and a power of two" },
	{ AT(lba_size), 4, FULL, "LBA size is not 512 to 4096 and a power of two" },
	{ AT(capacity), 8, 0, "capacity is below 16 MiB" },
	{ AT(capacity), 8, PNVME_MIN_CAPACITY - 4096, "capacity is below 16 MiB" },
	{ AT(capacity), 8, 1ULL << 63, "capacity is out of range" },
	{ AT(capacity), 8, FULL, "capacity is out of range" },
	{ AT(capacity), 8, 1920383410176ULL + 512, "capacity is not a multiple of the LBA size" },
	{ AT(capacity), 8, 1920383410176ULL + MIB, "data end is wrong" },
	{ AT(data_start), 8, 0, "data start is wrong" },
	{ AT(data_start), 8, 2 * MIB, "data start is wrong" },
	{ AT(data_end), 8, FULL, "data end is wrong" },
	{ AT(data_end), 8, 0, "data end is wrong" },
	{ AT(hold_timeout), 4, PNVME_HOLD_MAX + 1, "hold timeout is out of range" },
	{ AT(hold_timeout), 4, PNVME_HOLD_FOREVER - 1, "hold timeout is out of range" },
	{ AT(latency), 4, PNVME_LATENCY_MAX + 1, "latency setting is out of range" },
	{ AT(on_resume), 1, PNVME_ON_RESUME_LAST + 1, "on-resume setting is not known" },
	{ AT(hold_proof), 1, PNVME_HOLD_PROOF_LAST + 1, "hold-proof setting is not known" },
	{ AT(reserved0), 4, 1, "reserved bytes are not zero" },
	{ AT(reserved1) + 3, 1, 1, "reserved bytes are not zero" },
	{ AT(reserved2), 1, 1, "reserved bytes are not zero" },
	{ AT(reserved2) + 5, 1, 1, "reserved bytes are not zero" },
	{ AT(reserved3), 1, 1, "reserved bytes are not zero" },
	{ AT(reserved3) + 1775, 1, 1, "reserved bytes are not zero" },
	{ AT(reserved4), 1, 1, "reserved bytes are not zero" },
	{ AT(reserved4) + 2047, 1, 1, "reserved bytes are not zero" },

	{ NS(0, name), 1, '.', "namespace name is not valid" },
	{ NS(0, name), 1, 0, "namespace name is not valid" },
	{ NS(0, name) + 2, 1, '/', "namespace name is not valid" },
	{ NS(0, name) + 2, 1, 0, "namespace name is not valid" },
	{ NS(0, name) + 63, 1, 'x', "namespace name is not valid" },
	{ NS(0, nguid), 1, 0, NULL },
	{ NS(0, start), 8, 0, "range lies outside the data range" },
	{ NS(0, start), 8, MIB + 4096, "range is not a multiple of 1 MiB" },
	{ NS(0, start), 8, -MIB, "range lies outside the data range" },
	{ NS(0, start), 8, 1920382205952ULL & -MIB, "range lies outside the data range" },
	{ NS(0, bytes), 8, 0, "range is empty" },
	{ NS(0, bytes), 8, 512, "range is not a multiple of 1 MiB" },
	{ NS(0, bytes), 8, -MIB, "range lies outside the data range" },
	{ NS(0, bytes), 8, -2 * MIB, "range lies outside the data range" },
	{ NS(0, bytes), 8, 1ULL << 63, "range lies outside the data range" },
	{ NS(1, start), 8, 1024 * MIB, "namespaces overlap" },
	{ NS(0, bytes), 8, 1281 * MIB, "namespaces overlap" },
	{ NS(0, bytes), 8, 1025 * MIB, "dirty range covers a namespace" },
	{ NS(0, nsid), 4, 0, "namespace ID is out of range" },
	{ NS(0, nsid), 4, PNVME_NS_MAX + 1, "namespace ID is out of range" },
	{ NS(0, nsid), 4, 7, "namespace ID is taken" },
	{ NS(0, flags), 4, 2, "namespace flags are not known" },
	{ NS(0, policy), 1, PNVME_POLICY_LAST + 1, "namespace policy is not known" },
	{ NS(0, reserved0), 1, 1, "reserved bytes of a namespace are not zero" },
	{ NS(0, seal) + 127, 1, 1, "unused seal is not zero" },
	{ NS(0, seal.samples), 4, 1, "unused seal is not zero" },
	{ NS(0, seal.state), 1, 3, "seal state is not known" },
	{ NS(0, seal.state), 1, 1, "number of samples of a seal is out of range" },
	{ NS(0, seal.state), 1, 2, "number of samples of a seal is out of range" },
	{ NS(1, uuid) + 15, 1, 1, "namespace UUID is taken" },
	{ NS(1, nguid) + 15, 1, 1, "namespace NGUID is taken" },
	{ NS(2, nguid), 1, 1, "unused namespace entry is not zero" },
	{ NS(63, seal) + 127, 1, 1, "unused namespace entry is not zero" },

	{ DIRTY(0, start), 8, 1025 * MIB + 512, DIRTY_PLACE },
	{ DIRTY(0, start), 8, 0, DIRTY_PLACE },
	{ DIRTY(0, bytes), 8, -MIB, DIRTY_PLACE },
	{ DIRTY(0, bytes), 8, 1ULL << 63, DIRTY_PLACE },
	{ DIRTY(1, bytes), 8, 1ULL << 50, DIRTY_PLACE },
	{ DIRTY(0, bytes), 8, 257 * MIB, "dirty range covers a namespace" },
	{ DIRTY(1, start), 8, 1025 * MIB, "dirty ranges overlap or are not sorted" },
	{ DIRTY(1, start), 8, 1280 * MIB, "dirty ranges overlap or are not sorted" },
	{ DIRTY(0, bytes), 8, 0, "unused dirty range is not zero" },
	{ DIRTY(2, start), 8, MIB, "unused dirty range is not zero" },
	{ DIRTY(127, bytes), 8, MIB, "unused dirty range is not zero" },

	{ PEER(0, slot) + 1, 1, 0, "roster slot is not clean text" },
	{ PEER(0, slot) + 1, 1, 9, "roster slot is not clean text" },
	{ PEER(0, slot) + 31, 1, 'x', "roster slot is not clean text" },
	{ PEER(0, hwid_type), 1, 9, "hardware ID type is not known" },
	{ PEER(0, hwid_type), 1, 0, "hardware ID without a type" },
	{ PEER(0, hwid), 8, 0, "hardware ID is zero" },
	{ PEER(0, hwid) + 8, 1, 1, "hardware ID is not padded with zeros" },
	{ PEER(0, reserved0), 1, 1, "reserved bytes of the roster are not zero" },
	{ PEER(0, reserved) + 55, 1, 1, "reserved bytes of the roster are not zero" },
	{ PEER(1, hwid), 1, 1, "unused roster entry is not zero" },
	{ PEER(63, reserved) + 55, 1, 1, "unused roster entry is not zero" },
};

static void test_bad_fields(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad_fields); i++) {
		sample_label(&work);
		set_bytes(&work, bad_fields[i].at, bad_fields[i].value, bad_fields[i].width);
		EXPECT_AT(check(NULL) == PNVME_LABEL_CORRUPT, i);
		if (!bad_fields[i].phrase)	/* a value that is fine */
			EXPECT_AT(check_sealed(NULL) == 0, i);
		else
			EXPECT_REFUSED(check_sealed(&why), PNVME_LABEL_INVALID,
				       bad_fields[i].phrase);
	}
}

static void test_zero_ids(void)
{
	sample_label(&work);
	memset(work.drive_uuid, 0, 16);
	EXPECT_REFUSED(check_sealed(&why), PNVME_LABEL_INVALID, "drive UUID is zero");
	sample_label(&work);
	memset(work.hwid, 0, 16);
	EXPECT_REFUSED(check_sealed(&why), PNVME_LABEL_INVALID, "hardware ID is zero");
	sample_label(&work);
	memset(work.ns[1].nguid, 0, 16);
	EXPECT_REFUSED(check_sealed(&why), PNVME_LABEL_INVALID, "namespace NGUID is zero");
	sample_label(&work);
	memset(work.ns[1].uuid, 0, 16);
	EXPECT_REFUSED(check_sealed(&why), PNVME_LABEL_INVALID,
		       "unused namespace entry is not zero");
	sample_label(&work);
	memcpy(work.ns[1].name, work.ns[0].name, PNVME_NAME_BYTES);
	EXPECT_REFUSED(check_sealed(&why), PNVME_LABEL_INVALID, "namespace name is taken");
	sample_label(&work);
	work.roster[40] = work.roster[0];
	EXPECT_REFUSED(check_sealed(&why), PNVME_LABEL_INVALID, "drive is in the roster twice");
	work.roster[40].uuid[0] ^= 1;
	EXPECT(check_sealed(NULL) == 0);
	sample_label(&work);
	memset(work.owner, 0, 16);
	EXPECT(check_sealed(NULL) == 0);
}

static struct pnvme_label_peer some_peer(unsigned int n)
{
	struct pnvme_label_peer peer = { .uuid = { 1, (u8)n }, .slot = "0000:01:00.0" };

	return peer;
}

static void test_roster(void)
{
	struct pnvme_label_peer peers[PNVME_ROSTER_MAX + 1];
	struct pnvme_label before;
	const char *why = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(peers); i++)
		peers[i] = some_peer(i);
	sample_label(&work);
	EXPECT(pnvme_roster_set(&work, peers, 3, 6, &why) == 0);
	EXPECT(!memcmp(work.roster, peers, 3 * sizeof(peers[0])));
	EXPECT(le64_to_cpu(work.roster_generation) == 6);
	EXPECT(check_sealed(NULL) == 0);
	before = work;
	/* nothing new, in another order */
	peers[0] = some_peer(2);
	peers[2] = some_peer(0);
	EXPECT(pnvme_roster_set(&work, peers, 3, 6, &why) == 1);
	EXPECT(!memcmp(&work, &before, sizeof(work)));
	/* something is: the generation, one less, one that moved */
	EXPECT(pnvme_roster_set(&work, peers, 3, 7, &why) == 0);
	EXPECT(pnvme_roster_set(&work, peers, 2, 7, &why) == 0);
	EXPECT(pnvme_roster_set(&work, peers, 2, 7, &why) == 1);
	peers[1].slot[11] = '1';
	EXPECT(pnvme_roster_set(&work, peers, 2, 7, &why) == 0);
	EXPECT(pnvme_roster_set(&work, peers, PNVME_ROSTER_MAX, 8, &why) == 0);
	EXPECT(check_sealed(NULL) == 0);
	/* an older one, and one that is none */
	before = work;
	EXPECT(pnvme_roster_set(&work, peers, 2, 7, &why) == -EALREADY);
	EXPECT(pnvme_roster_set(&work, peers, 0, 0, &why) == -EALREADY);
	EXPECT(!memcmp(&work, &before, sizeof(work)));
	pnvme_roster_clear(&work);
	EXPECT(!work.roster_generation && !work.roster[0].uuid[0] && !work.roster[63].uuid[0]);
	EXPECT(check_sealed(NULL) == 0);
	EXPECT(pnvme_roster_set(&work, peers, 1, 0, &why) == -EINVAL);
	EXPECT(pnvme_roster_set(&work, peers, 0, 0, &why) == 1);
}

static void test_roster_refusals(void)
{
	struct pnvme_label_peer peers[PNVME_ROSTER_MAX + 1];
	struct pnvme_label before;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(peers); i++)
		peers[i] = some_peer(i);
	sample_label(&work);
	before = work;
	EXPECT_REFUSED(pnvme_roster_set(&work, peers, PNVME_ROSTER_MAX + 1, 6, &why), -E2BIG,
		       "a roster has room for 64 drives");
	peers[4] = peers[1];
	EXPECT_REFUSED(pnvme_roster_set(&work, peers, 5, 6, &why), -EINVAL,
		       "drive is in the roster twice");
	memset(&peers[4], 0, sizeof(peers[4]));
	EXPECT_REFUSED(pnvme_roster_set(&work, peers, 5, 6, &why), -EINVAL,
		       "drive without a UUID in the roster");
	peers[4] = some_peer(4);
	memset(peers[4].slot, 'x', sizeof(peers[4].slot));
	EXPECT_REFUSED(pnvme_roster_set(&work, peers, 5, 6, &why), -EINVAL,
		       "roster slot is not clean text");
	peers[4] = some_peer(4);
	peers[4].hwid[3] = 1;
	EXPECT_REFUSED(pnvme_roster_set(&work, peers, 5, 6, &why), -EINVAL,
		       "hardware ID without a type");
	peers[4].hwid_type = 3;
	EXPECT_REFUSED(pnvme_roster_set(&work, peers, 5, 6, &why), -EINVAL,
		       "hardware ID type is not known");
	peers[4] = some_peer(4);
	peers[4].reserved[55] = 1;
	EXPECT_REFUSED(pnvme_roster_set(&work, peers, 5, 6, &why), -EINVAL,
		       "reserved bytes of the roster are not zero");
	EXPECT(!memcmp(&work, &before, sizeof(work)));
}

#define GRAVE_PLACE "grave is not aligned or lies outside the data range"

/* The sample with its first namespace deleted, and a second grave behind, in dirty space. */
static void two_graves(void)
{
	u8 id[16] = { 0xc0 };

	sample_label(&work);
	EXPECT(pnvme_table_del(&work, 0, NULL) == 0);
	memcpy(work.grave[1].uuid, id, sizeof(id));
	work.grave[1].start = cpu_to_le64(2000 * MIB);
	work.grave[1].bytes = cpu_to_le64(MIB);
}

static void test_graves(void)
{
	static const struct { size_t at; unsigned int width; u64 value; const char *phrase; } bad[] = {
		{ GRAVE(0, start), 8, MIB + 512, GRAVE_PLACE },
		{ GRAVE(0, start), 8, 0, GRAVE_PLACE },
		{ GRAVE(0, bytes), 8, -MIB, GRAVE_PLACE },
		{ GRAVE(1, bytes), 8, 1ULL << 50, GRAVE_PLACE },
		{ GRAVE(0, bytes), 8, 1281 * MIB, "grave lies in space that is not dirty" },
		{ GRAVE(1, start), 8, 1300 * MIB, "grave lies in space that is not dirty" },
		{ GRAVE(1, start), 8, 1024 * MIB, "graves overlap" },
		{ GRAVE(0, bytes), 8, 0, "unused grave is not zero" },
		{ GRAVE(2, start), 8, MIB, "unused grave is not zero" },
		{ GRAVE(63, bytes) + 7, 1, 1, "unused grave is not zero" },
		{ GRAVE(1, uuid), 1, 0, "grave has no UUID" },
	};
	const char *why;
	unsigned int i;

	two_graves();
	EXPECT(check_sealed(NULL) == 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		two_graves();
		set_bytes(&work, bad[i].at, bad[i].value, bad[i].width);
		why = "";
		EXPECT_AT(check_sealed(&why) == PNVME_LABEL_INVALID && !strcmp(why, bad[i].phrase), i);
	}
	two_graves();
	memcpy(work.grave[1].uuid, work.grave[0].uuid, 16);
	EXPECT_REFUSED(check_sealed(&why), PNVME_LABEL_INVALID, "namespace has two graves");
	two_graves();
	memcpy(work.grave[1].uuid, work.ns[1].uuid, 16);
	EXPECT_REFUSED(check_sealed(&why), PNVME_LABEL_INVALID, "grave of a namespace that is there");
}

/* Boundary values that are fine. */
static void test_good_fields(void)
{
	static const struct { size_t at; unsigned int width; u64 value; } good[] = {
		{ AT(sequence), 8, FULL }, { AT(epoch), 8, FULL }, { AT(nonce), 8, 0 },
		{ AT(instance), 4, 0 }, { AT(instance), 4, PNVME_INSTANCE_MAX },
		{ AT(lba_size), 4, 512 }, { AT(lba_size), 4, 2048 },
		{ AT(pi_type), 3, 3 | 8 << 8 }, { AT(pi_type), 3, 0xffff00 },
		{ AT(hold_timeout), 4, 0 }, { AT(hold_timeout), 4, PNVME_HOLD_MAX },
		{ AT(hold_timeout), 4, PNVME_HOLD_FOREVER }, { AT(latency), 4, 0 },
		{ AT(latency), 4, PNVME_LATENCY_MAX }, { AT(on_resume), 1, PNVME_ON_RESUME_LAST },
		{ AT(hold_proof), 1, PNVME_HOLD_PROOF_LAST }, { AT(serial), 8, 0x2020202020202020 },
		{ NS(0, nsid), 4, 64 }, { NS(0, policy), 1, 0 }, { DIRTY(0, bytes), 8, MIB },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		sample_label(&work);
		set_bytes(&work, good[i].at, good[i].value, good[i].width);
		EXPECT_AT(check_sealed(NULL) == 0, i);
	}
}

/* An unknown compatible feature may use reserved fields, and nothing else. */
static void test_compat_feature(void)
{
	sample_label(&work);
	work.feature_compat = cpu_to_le64(1ULL << 40);
	work.reserved0 = cpu_to_le32(5);
	memset(work.reserved1, 1, sizeof(work.reserved1));
	memset(work.reserved2, 1, sizeof(work.reserved2));
	memset(work.reserved3, 1, sizeof(work.reserved3));
	memset(work.reserved4, 1, sizeof(work.reserved4));
	memset(work.ns[0].reserved0, 1, sizeof(work.ns[0].reserved0));
	memset(work.ns[0].seal.reserved1, 1, sizeof(work.ns[0].seal.reserved1));
	memset(work.roster[0].reserved, 1, sizeof(work.roster[0].reserved));
	EXPECT(check_sealed(NULL) == 0);
	work.serial[31] = 1;
	EXPECT(check_sealed(NULL) == PNVME_LABEL_INVALID);
	work.serial[31] = 0;
	work.ns[5].seal.reserved1[0] = 1;
	EXPECT(check_sealed(NULL) == PNVME_LABEL_INVALID);
}

static void test_fits(void)
{
	sample_label(&work);
	EXPECT(pnvme_label_fits(&work, 1920383410176ULL, 4096, NULL) == 0);
	EXPECT_REFUSED(pnvme_label_fits(&work, 1920383410176ULL - 4096, 4096, &why), -ERANGE,
		       "capacity differs from the label");
	EXPECT_REFUSED(pnvme_label_fits(&work, 1920383410176ULL, 512, &why), -ERANGE,
		       "LBA size differs from the label");
}

static void test_next(void)
{
	sample_label(&work);
	EXPECT(pnvme_label_next(&work) == 0 && work.sequence == cpu_to_le64(3));
	work.sequence = cpu_to_le64(FULL - 1);
	EXPECT(pnvme_label_next(&work) == 0);
	EXPECT(pnvme_label_next(&work) == -EOVERFLOW);
	EXPECT(work.sequence == cpu_to_le64(FULL));
}

static int init(const struct pnvme_label_params *p, const char **why)
{
	memset(&work, 0xa5, sizeof(work));
	return pnvme_label_init(&work, p, why);
}

static void test_init(void)
{
	struct pnvme_label_params p = sample_params();

	EXPECT(init(&p, NULL) == 0);
	EXPECT(check_sealed(NULL) == 0);
	EXPECT(work.sequence == cpu_to_le64(1) && work.epoch == cpu_to_le64(1));
	EXPECT(work.hold_timeout == cpu_to_le32(60) && work.latency == cpu_to_le32(1));
	EXPECT(work.on_resume == 0 && work.hold_proof == 0);
	EXPECT(work.dirty[0].start == work.data_start);
	EXPECT(le64_to_cpu(work.dirty[0].bytes) == le64_to_cpu(work.data_end) - MIB);

	p.dirty = false;
	p.capacity = PNVME_MIN_CAPACITY;
	p.owner = NULL;
	p.hwid = NULL;
	p.hwid_type = PNVME_HWID_NONE;
	p.serial = NULL;
	p.model = "";
	EXPECT(init(&p, NULL) == 0);
	EXPECT(check_sealed(NULL) == 0);
	EXPECT(work.dirty[0].bytes == 0);
}

static void test_init_refusals(void)
{
	static const char long_text[PNVME_SERIAL_BYTES] = "12345678901234567890123456789012";
	struct pnvme_label_params p;

#define INIT_REFUSED(field, value, phrase) do {				\
	p = sample_params();							\
	p.field = value;							\
	EXPECT_REFUSED(init(&p, &why), -EINVAL, phrase);			\
} while (0)
	INIT_REFUSED(drive_uuid, NULL, "drive UUID is zero");
	INIT_REFUSED(hwid, NULL, "hardware ID is zero");
	INIT_REFUSED(hwid_type, 9, "hardware ID type is not known");
	INIT_REFUSED(pi_type, 1, "metadata is too small for protection information");
	INIT_REFUSED(serial, long_text, "serial number is not clean text");
	INIT_REFUSED(serial, "blank ", "serial number is not clean text");
	INIT_REFUSED(model, "caf\xc3\xa9", "model is not clean text");
	INIT_REFUSED(instance, PNVME_INSTANCE_MAX + 1, "instance is out of range");
	INIT_REFUSED(lba_size, 520, "LBA size is not 512 to 4096 and a power of two");
	INIT_REFUSED(capacity, 0, "capacity is below 16 MiB");
	INIT_REFUSED(capacity, PNVME_MIN_CAPACITY - 4096, "capacity is below 16 MiB");
	INIT_REFUSED(capacity, FULL - 4095, "capacity is out of range");
	INIT_REFUSED(capacity, PNVME_MIN_CAPACITY + 1,
		     "capacity is not a multiple of the LBA size");
}

/* Picking */

enum copy_state { NEWEST, OLDER, OTHER, DESTROYED, BROKEN, HOSTILE, UNKNOWN, UNREADABLE, STATES };

static struct pnvme_label slots[PNVME_LABEL_SLOTS];

static const struct pnvme_label *make_copy(unsigned int i, enum copy_state state)
{
	struct pnvme_label *l = &slots[i];

	sample_label(l);
	l->sequence = cpu_to_le64(state == OLDER ? 9 : 10);
	if (state == OTHER)
		l->nonce = cpu_to_le64(i);
	if (state == HOSTILE)
		l->pi_type = 9;
	if (state == UNKNOWN)
		l->version = cpu_to_le32(2);
	pnvme_label_seal(l);
	if (state == BROKEN)
		l->ns[3].name[0] = 1;
	if (state == DESTROYED)
		memset(l, 0, 4096);
	return state == UNREADABLE ? NULL : l;
}

static int state_error(enum copy_state state)
{
	static const int errors[STATES] = {
		[DESTROYED] = PNVME_LABEL_NONE, [BROKEN] = PNVME_LABEL_CORRUPT,
		[HOSTILE] = PNVME_LABEL_INVALID, [UNKNOWN] = PNVME_LABEL_UNKNOWN,
		[UNREADABLE] = -EIO,
	};

	return errors[state];
}

/* What pick should say, worked out in another way than label.c does. */
static int expected_pick(const enum copy_state s[4], bool *repair)
{
	static const enum copy_state telling[] = { HOSTILE, BROKEN, UNREADABLE, DESTROYED };
	int i, newest = -1, older = -1, count[STATES] = { 0 };

	for (i = 3; i >= 0; i--) {
		count[s[i]]++;
		if (s[i] == NEWEST || s[i] == OTHER)
			newest = i;
		if (s[i] == OLDER)
			older = i;
	}
	*repair = count[NEWEST] != 4 && count[OLDER] != 4;
	if (count[UNKNOWN])
		return PNVME_LABEL_UNKNOWN;
	if (count[OTHER] > 1 || (count[OTHER] && count[NEWEST]))
		return -EUCLEAN;
	if (newest >= 0 || older >= 0)
		return newest >= 0 ? newest : older;
	for (i = 0; i < 4; i++) {
		if (count[telling[i]])
			return state_error(telling[i]);
	}
	return 0;
}

static void test_pick_everything(void)
{
	static struct pnvme_label prepared[4][STATES];
	const struct pnvme_label *copies[4];
	enum copy_state s[4];
	bool repair, want_repair;
	int i, n, ret, want;

	for (i = 0; i < 4 * STATES; i++) {
		make_copy(i / STATES, i % STATES);
		prepared[i / STATES][i % STATES] = slots[i / STATES];
	}
	for (n = 0; n < STATES * STATES * STATES * STATES; n++) {
		const char *why = NULL;
		int rest = n;

		for (i = 0; i < 4; i++, rest /= STATES) {
			s[i] = rest % STATES;
			copies[i] = s[i] == UNREADABLE ? NULL : &prepared[i][s[i]];
		}
		want = expected_pick(s, &want_repair);
		repair = !want_repair;
		ret = pnvme_label_pick(copies, &repair, &why);
		if (!EXPECT_AT(ret == want, n))
			printf("# states %d %d %d %d: got %d, expected %d\n", s[0], s[1], s[2],
			       s[3], ret, want);
		EXPECT_AT(ret < 0 ? !!why : repair == want_repair, n);
	}
}

static void test_pick_pairs(void)
{
	static const int pairs[6][2] = { {0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3} };
	const struct pnvme_label *copies[4];
	unsigned int i, pair, state;
	bool repair;
	int ret;

	for (pair = 0; pair < 6; pair++) {
		for (state = OLDER; state < STATES; state++) {
			for (i = 0; i < 4; i++)
				copies[i] = make_copy(i, NEWEST);
			copies[pairs[pair][0]] = make_copy(pairs[pair][0], state);
			copies[pairs[pair][1]] = make_copy(pairs[pair][1], state);
			ret = pnvme_label_pick(copies, &repair, NULL);
			if (state == UNKNOWN)
				EXPECT_AT(ret == PNVME_LABEL_UNKNOWN, pair);
			else if (state == OTHER)
				EXPECT_AT(ret == -EUCLEAN, pair);
			else
				EXPECT_AT(ret >= 0 && repair && copies[ret] &&
					  slots[ret].sequence == cpu_to_le64(10), pair);
		}
	}
}

static void test_pick_phrases(void)
{
	const struct pnvme_label *copies[4] = { NULL };
	bool repair;
	int i;

	EXPECT_REFUSED(pnvme_label_pick(copies, &repair, &why), -EIO, "label cannot be read");
	for (i = 0; i < 4; i++)
		copies[i] = make_copy(i, DESTROYED);
	EXPECT_REFUSED(pnvme_label_pick(copies, &repair, &why), PNVME_LABEL_NONE, "no label");
	copies[2] = make_copy(2, BROKEN);
	EXPECT_REFUSED(pnvme_label_pick(copies, &repair, &why), PNVME_LABEL_CORRUPT,
		       "checksum is wrong");
	copies[3] = make_copy(3, HOSTILE);
	EXPECT_REFUSED(pnvme_label_pick(copies, &repair, &why), PNVME_LABEL_INVALID,
		       "protection information type is not known");
	copies[0] = make_copy(0, NEWEST);
	EXPECT(pnvme_label_pick(copies, &repair, NULL) == 0 && repair);
	copies[1] = make_copy(1, OTHER);
	EXPECT_REFUSED(pnvme_label_pick(copies, &repair, &why), -EUCLEAN,
		       "copies of the same sequence differ");
	copies[1] = make_copy(1, UNKNOWN);
	EXPECT_REFUSED(pnvme_label_pick(copies, &repair, &why), PNVME_LABEL_UNKNOWN,
		       "label version is not known");
}

static const struct tap_test tests[] = {
	{ "CRC32C gives the published vectors", test_crc_vectors },
	{ "fields are where format.rst says", test_offsets },
	{ "label equals the second implementation's, byte for byte", test_golden },
	{ "slots and data range", test_geometry },
	{ "header: magic, version, size, checksum, features", test_header },
	{ "a changed bit anywhere is noticed", test_any_bit_breaks_crc },
	{ "each bad field is refused with its reason", test_bad_fields },
	{ "zero and duplicate identities are refused", test_zero_ids },
	{ "a roster is stored if it is new", test_roster },
	{ "a bad roster is refused and changes nothing", test_roster_refusals },
	{ "graves are checked", test_graves },
	{ "boundary values are accepted", test_good_fields },
	{ "unknown compatible features are tolerated", test_compat_feature },
	{ "a label fits one geometry", test_fits },
	{ "sequence ends without wrapping", test_next },
	{ "init makes a valid label", test_init },
	{ "init refuses bad parameters", test_init_refusals },
	{ "pick: any two copies older, destroyed, broken or different", test_pick_pairs },
	{ "pick: every combination of eight states", test_pick_everything },
	{ "pick: reasons", test_pick_phrases },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
