// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>

#include "label_user.h"
#include "sample.h"

static const u8 drive_uuid[16] = {
	0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
	0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
};

static const u8 owner[16] = {
	0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x69, 0x78,
	0x87, 0x96, 0xa5, 0xb4, 0xc3, 0xd2, 0xe1, 0xf0,
};

static const u8 hwid[16] = {
	0x36, 0x34, 0x48, 0x30, 0x52, 0x80, 0x01, 0x64,
	0x00, 0x25, 0x38, 0x45, 0x00, 0x00, 0x00, 0x01,
};

static const u8 peer_uuid[16] = {
	0x10, 0x21, 0x32, 0x43, 0x54, 0x65, 0x76, 0x87,
	0x98, 0xa9, 0xba, 0xcb, 0xdc, 0xed, 0xfe, 0x0f,
};

static const u8 peer_hwid[16] = { 0x00, 0x25, 0x38, 0x55, 0x00, 0x00, 0x00, 0x02 };

struct pnvme_label_params sample_params(void)
{
	return (struct pnvme_label_params) {
		.drive_uuid = drive_uuid,
		.owner = owner,
		.hwid = hwid,
		.hwid_type = PNVME_HWID_NGUID,
		.serial = "S64HNE0R801640",
		.model = "Example NVMe 1.92TB",
		.instance = 3,
		.lba_size = 4096,
		.capacity = 1920383410176ULL,
		.nonce = 0x0123456789abcdefULL,
		.dirty = true,
	};
}

static void must(int ret, const char *why)
{
	if (ret >= 0)
		return;
	fprintf(stderr, "sample label: %d %s\n", ret, why ? why : "");
	abort();
}

static void add_ns(struct pnvme_label *l, u64 start, u64 mib, u32 nsid, u32 flags, u8 policy,
		   const char *name, u8 number)
{
	u8 uuid[16] = { 0xa0, [6] = 0x40, [8] = 0x80, [15] = number };
	u8 nguid[16] = { 0xb0, [15] = number };
	struct pnvme_ns_params p = {
		.name = name, .uuid = uuid, .nguid = nguid, .start = start,
		.bytes = mib * MIB, .nsid = nsid, .flags = flags, .policy = policy,
	};
	const char *why = NULL;

	pnvme_dirty_clear(l, p.start, p.bytes);
	must(pnvme_table_add(l, &p, &why), why);
}

static void add_peer(struct pnvme_label_peer *peer)
{
	memcpy(peer->uuid, peer_uuid, sizeof(peer_uuid));
	memcpy(peer->hwid, peer_hwid, sizeof(peer_hwid));
	peer->hwid_type = PNVME_HWID_EUI64;
	strcpy(peer->slot, "0000:81:00.0");
}

void sample_label(struct pnvme_label *l)
{
	struct pnvme_label_params p = sample_params();
	const char *why = NULL;

	must(pnvme_label_init(l, &p, &why), why);
	add_ns(l, MIB, 1024, 0, 0, 1, "scratch", 1);
	add_ns(l, 1281 * MIB, 256, 7, PNVME_NS_READ_ONLY, 2, "db-2.log", 2);
	add_peer(&l->roster[0]);
	l->roster_generation = cpu_to_le64(5);
	must(pnvme_label_next(l), "next");
	pnvme_label_seal(l);
}

u64 random_next(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

u64 random_below(u64 *state, u64 limit)
{
	return random_next(state) % limit;
}
