// SPDX-License-Identifier: GPL-2.0
/* Passthrough of admin commands: each opcode, log page, feature and structure of Identify. */
#include <errno.h>
#include <linux/pnvme.h>
#include <stdint.h>

#include "../../kmod/policy.h"
#include "label_user.h"
#include "sample.h"
#include "tap.h"

#define FIRST	0x1fffff805ULL
#define LBAS	0x100000ULL
#define LOWER	3
#define OWN	7
#define ALL	0xffffffffU
#define BAD_FIELD 0x4002
#define BAD_NS	0x400b
#define ID_BYTES PNVME_POLICY_IDENTIFY_BYTES

static const struct pnvme_policy_ns plain = {
	.first = FIRST, .lbas = LBAS, .nsid = OWN, .lower_nsid = LOWER, .lba_shift = 12,
	.nguid = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
	.uuid = { 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36 },
};

static struct pnvme_policy_ns ns;
static struct nvme_uring_cmd cmd, came;
static struct pnvme_policy_answer answer;
static uint8_t id[ID_BYTES], was[ID_BYTES];

static void admin(uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint32_t bytes)
{
	cmd = (struct nvme_uring_cmd) {
		.opcode = opcode, .nsid = nsid, .cdw10 = cdw10, .data_len = bytes,
		.addr = bytes ? 0x10000 : 0,
	};
}

static int send(void)
{
	came = cmd;
	memset(&answer, 0xff, sizeof(answer));
	pnvme_policy_admin(&ns, &cmd, &answer);
	return answer.act == PNVME_POLICY_REFUSE ? answer.error : 0;
}

/* Refused with this error, for a reason that has @text, and left as it came. */
static bool refused(int error, const char *text)
{
	int ret = send();
	bool ok = ret == error && answer.why && strstr(answer.why, text) &&
		  !memcmp(&cmd, &came, sizeof(cmd));

	if (!ok)
		printf("# opcode %#x, dword 10 %#x: %d \"%s\", expected %d \"%s\"\n", came.opcode,
		       came.cdw10, ret, ret ? answer.why : "", error, text);
	return ok;
}

/* --- opcodes -------------------------------------------------------------------------- */

static void test_opcodes(void)
{
	static const struct { uint8_t opcode; const char *why; } named[] = {
		{ 0x00, "queues" }, { 0x01, "queues" }, { 0x04, "queues" }, { 0x05, "queues" },
		{ 0x08, "others" }, { 0x09, "whole drive" }, { 0x0c, "events" }, { 0x0d, "whole drive" },
		{ 0x10, "firmware" }, { 0x11, "firmware" }, { 0x14, "whole drive" }, { 0x15, "whole drive" },
		{ 0x18, "driver's" }, { 0x19, "directives" }, { 0x1a, "whole drive" }, { 0x1c, "whole drive" },
		{ 0x1d, "enclosure" }, { 0x1e, "enclosure" }, { 0x20, "capacity" }, { 0x21, "discovery" },
		{ 0x22, "discovery" }, { 0x24, "locks" }, { 0x25, "discovery" }, { 0x28, "exported" },
		{ 0x29, "discovery" }, { 0x2a, "exported" }, { 0x2d, "exported" }, { 0x31, "exported" },
		{ 0x35, "exported" }, { 0x39, "discovery" }, { 0x3d, "whole drive" }, { 0x3e, "whole drive" },
		{ 0x41, "whole drive" }, { 0x42, "whole drive" }, { 0x45, "whole drive" }, { 0x7c, "queues" },
		{ 0x7f, "fabrics" }, { 0x80, "erases" }, { 0x81, "security" }, { 0x82, "security" },
		{ 0x84, "erases" }, { 0x85, "computational" }, { 0x86, "LBAs" }, { 0x88, "computational" },
		{ 0x89, "computational" },
	};
	const char *why;
	unsigned int op, i;

	for (op = 0; op < 256; op++) {
		if (op == 0x02 || op == 0x06 || op == 0x0a)
			continue;
		ns = plain;
		ns.level = PNVME_POLICY_ADMIN;
		ns.writable = true;
		ns.sole = true;
		why = op >= 0xc0 ? "vendor" : "is not known";
		for (i = 0; i < ARRAY_SIZE(named); i++)
			why = named[i].opcode == op ? named[i].why : why;
		admin(op, OWN, 0, 0);
		EXPECT_AT(refused(-EOPNOTSUPP, why), op);
	}
}

static void test_frame(void)
{
	unsigned int i;

	ns = plain;
	for (i = 1; i < 256; i <<= 1) {
		admin(0x06, 0, 1, ID_BYTES);
		cmd.flags = i;
		EXPECT_AT(refused(-EINVAL, "flags"), i);
	}
	admin(0x06, 0, 1, ID_BYTES);
	cmd.rsvd1 = 1;
	EXPECT(refused(-EINVAL, "reserved"));
	admin(0x06, 0, 1, ID_BYTES);
	cmd.rsvd2 = 1;
	EXPECT(refused(-EINVAL, "reserved"));
	admin(0x06, 0, 1, ID_BYTES);
	cmd.metadata_len = 8;
	EXPECT(refused(-EINVAL, "metadata"));
	admin(0x06, 0, 1, ID_BYTES);
	cmd.cdw2 = cmd.cdw3 = cmd.cdw11 = cmd.cdw12 = cmd.cdw13 = cmd.cdw14 = cmd.cdw15 = 0xffffff;
	cmd.metadata = 8;
	EXPECT(!send() && !cmd.cdw2 && !cmd.cdw3 && !cmd.cdw11 && !cmd.cdw12 && !cmd.cdw13 &&
	       cmd.cdw14 == 0x7f && !cmd.cdw15 && !cmd.metadata);
}

/* --- Identify ------------------------------------------------------------------------- */

static void test_identify(void)
{
	static const uint32_t sizes[] = { 0, 1, 512, ID_BYTES - 1, ID_BYTES + 1, 8192 };
	/* which nsids are let through, and what the drive sees; 99: the caller's */
	static const struct { uint8_t cns; enum pnvme_policy_act act; bool none, own, other, all; uint32_t sent; } c[] = {
		{ 0x00, PNVME_POLICY_EDIT, false, true, false, true, LOWER },
		{ 0x01, PNVME_POLICY_EDIT, true, true, true, true, 0 },
		{ 0x02, PNVME_POLICY_MAKE, true, true, true, false, 99 },
		{ 0x03, PNVME_POLICY_MAKE, false, true, false, false, 99 },
		{ 0x05, PNVME_POLICY_FORWARD, false, true, false, true, LOWER },
		{ 0x06, PNVME_POLICY_FORWARD, true, true, true, true, 0 },
		{ 0x07, PNVME_POLICY_MAKE, true, true, true, false, 99 },
		{ 0x08, PNVME_POLICY_EDIT, false, true, false, false, LOWER },
	};
	const uint32_t nsids[] = { 0, OWN, LOWER, ALL };
	unsigned int i, j, cns;
	bool ok;

	ns = plain;
	for (i = 0; i < ARRAY_SIZE(c); i++) {
		for (j = 0; j < 4; j++) {
			ok = j == 0 ? c[i].none : j == 1 ? c[i].own : j == 2 ? c[i].other : c[i].all;
			admin(0x06, nsids[j], 0x00030000 | c[i].cns, ID_BYTES);
			if (!ok) {
				EXPECT_AT(refused(BAD_NS, "another namespace"), i * 10 + j);
				continue;
			}
			EXPECT_AT(!send() && answer.act == c[i].act, i * 10 + j);
			EXPECT_AT(cmd.nsid == (c[i].sent == 99 ? nsids[j] : c[i].sent), i * 10 + j);
			EXPECT_AT(answer.data_len == ID_BYTES && !answer.to_drive && !answer.modifies, i);
			EXPECT_AT(cmd.cdw10 == c[i].cns && answer.class == PNVME_POLICY_CLASS_OTHER, i);
		}
		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			admin(0x06, OWN, c[i].cns, sizes[j]);
			EXPECT_AT(refused(-EINVAL, "number of bytes"), i * 10 + j);
		}
		admin(0x06, OWN, c[i].cns, ID_BYTES);
		cmd.addr = 0;
		EXPECT_AT(refused(-EINVAL, "no buffer"), i);
		admin(0x06, OWN, c[i].cns, ID_BYTES);
		cmd.cdw11 = 2U << 24;
		if (c[i].cns >= 0x05 && c[i].cns <= 0x07)
			EXPECT_AT(refused(BAD_FIELD, "command set"), i);
		else
			EXPECT_AT(!send() && !cmd.cdw11, i);
	}
	for (cns = 0; cns < 256; cns++) {
		if (cns <= 0x08 && cns != 0x04)
			continue;
		ns.level = PNVME_POLICY_ADMIN;
		admin(0x06, OWN, cns, ID_BYTES);
		EXPECT_AT(refused(BAD_FIELD, "beyond the namespace"), cns);
	}
}

static void put(unsigned int at, uint64_t value, unsigned int bytes)
{
	while (bytes--) {
		id[at++] = value;
		value >>= 8;
	}
}

static uint64_t get(unsigned int at, unsigned int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | id[at + bytes];
	return v;
}

static void edit(uint32_t cns, uint32_t nsid)
{
	admin(0x06, nsid, cns, ID_BYTES);
	EXPECT_AT(!send(), cns);
	memcpy(was, id, sizeof(id));
	pnvme_policy_edit(&ns, &cmd, id);
}

/* Bytes outside these areas, which are pairs of offset and length, are as the drive said. */
static bool kept(const unsigned int (*areas)[2], unsigned int n)
{
	unsigned int i, j;
	bool in;

	for (i = 0; i < ID_BYTES; i++) {
		in = false;
		for (j = 0; j < n; j++)
			in |= i >= areas[j][0] && i < areas[j][0] + areas[j][1];
		if (!in && id[i] != was[i]) {
			printf("# byte %u was changed\n", i);
			return false;
		}
	}
	return true;
}

static void test_edit_ns(void)
{
	static const unsigned int areas[][2] = {
		{ 0, 25 }, { 30, 2 }, { 40, 2 }, { 46, 2 }, { 48, 16 }, { 104, 24 }, { 384, 3712 },
	};

	ns = plain;
	memset(id, 0xa5, sizeof(id));
	put(38, 15, 2);
	put(40, 3, 2);
	put(46, 256, 2);
	edit(0x00, OWN);
	EXPECT(get(0, 8) == LBAS && get(8, 8) == LBAS && get(16, 8) == LBAS);
	EXPECT(get(48, 8) == LBAS << 12 && get(56, 8) == 0);
	EXPECT(id[24] == 0xa4 && id[30] == 0 && id[31] == 0);
	EXPECT(!memcmp(id + 104, plain.nguid, 16) && get(120, 8) == 0);
	/* LBA 3 of the drive begins a group of 16, as do 19, 35, ...; 5 LBAs in, 14 are to go */
	EXPECT(get(40, 2) == 14 && get(46, 2) == 0);
	EXPECT((get(40, 2) + FIRST) % 16 == 3);
	EXPECT(get(384, 8) == 0 && id[4095] == 0);
	EXPECT(kept(areas, ARRAY_SIZE(areas)));

	/* boundaries that fit stay; none is none; a sole namespace has reservations */
	ns.first = 0x1000;
	ns.sole = true;
	memset(id, 0xa5, sizeof(id));
	put(38, 0, 2);
	put(46, 256, 2);
	edit(0x00, ALL);
	EXPECT(get(40, 2) == 0xa5a5 && get(46, 2) == 256 && id[31] == 0xa5);
	/* the largest boundary there is */
	ns.first = FIRST;
	put(38, 0xffff, 2);
	put(40, 1, 2);
	edit(0x00, OWN);
	EXPECT((get(40, 2) + FIRST) % 65536 == 1);
	/* more LBAs than fit into 64 bits as bytes there are not */
	ns.lbas = 1ULL << 46;
	ns.lba_shift = 16;
	edit(0x00, OWN);
	EXPECT(get(48, 8) == 1ULL << 62);
}

static void test_edit_any_set(void)
{
	static const unsigned int areas[][2] = { { 1, 2 } };

	ns = plain;
	memset(id, 0xa5, sizeof(id));
	edit(0x08, OWN);
	EXPECT(id[1] == 0 && id[2] == 0 && kept(areas, 1));
	ns.sole = true;
	memset(id, 0xa5, sizeof(id));
	edit(0x08, OWN);
	EXPECT(id[1] == 0 && id[2] == 0xa5);
}

static void test_edit_ctrl(void)
{
	static const unsigned int areas[][2] = {
		{ 76, 1 }, { 92, 8 }, { 256, 2 }, { 261, 1 }, { 280, 38 }, { 328, 4 }, { 342, 10 },
		{ 516, 10 }, { 531, 1 }, { 534, 2 }, { 540, 4 },
	};
	static const struct { uint8_t level; bool sole; uint16_t oncs, ocfs; } c[] = {
		{ PNVME_POLICY_READ, false, 0x0081, 0 }, { PNVME_POLICY_READ, true, 0x0081, 0 },
		{ PNVME_POLICY_DATA, false, 0x0f8f, 3 }, { PNVME_POLICY_DATA, true, 0x0faf, 3 },
		{ PNVME_POLICY_ADMIN, false, 0x0f9f, 3 }, { PNVME_POLICY_ADMIN, true, 0x0fbf, 3 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(c); i++) {
		ns = plain;
		ns.level = c[i].level;
		ns.sole = c[i].sole;
		memset(id, 0xff, sizeof(id));
		edit(0x01, 0);
		EXPECT_AT(get(520, 2) == c[i].oncs && get(534, 2) == c[i].ocfs, i);
		EXPECT_AT(get(256, 2) == 0 && get(516, 4) == OWN && get(540, 4) == 0, i);
		EXPECT_AT(id[76] == 0 && get(92, 4) == 0 && get(96, 4) == 0x8001 && id[261] == 6, i);
		EXPECT_AT(get(280, 8) == 0 && get(288, 8) == 0 && get(296, 8) == 0 && get(304, 8) == 0, i);
		EXPECT_AT(get(312, 4) == 0 && get(316, 2) == 0 && id[318] == 0xff && get(328, 4) == 0, i);
		EXPECT_AT(get(342, 8) == 0 && get(350, 2) == 0 && get(522, 2) == 0 && id[524] == 0, i);
		EXPECT_AT(id[525] == 5 && id[531] == 0, i);
		EXPECT_AT(kept(areas, ARRAY_SIZE(areas)), i);
		/* what the drive has not, the namespace has not */
		memset(id, 0, sizeof(id));
		edit(0x01, 0);
		EXPECT_AT(get(520, 2) == 0 && get(534, 2) == 0 && get(96, 4) == 0 && id[525] == 4, i);
	}
}

static void test_lists(void)
{
	static const uint8_t descriptors[4 + 16 + 4 + 16 + 4 + 1 + 1] = {
		2, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
		3, 16, 0, 0, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36,
		4, 1, 0, 0, 0, 0,
	};
	static const struct { uint32_t above, first; } lists[] = {
		{ 0, OWN }, { OWN - 1, OWN }, { OWN, 0 }, { OWN + 1, 0 }, { 0xfffffffd, 0 },
	};
	unsigned int i, j;

	ns = plain;
	for (i = 0; i < ARRAY_SIZE(lists); i++)
		for (j = 2; j <= 7; j += 5) {
			memset(id, 0, sizeof(id));
			edit(j, lists[i].above);
			EXPECT_AT(get(0, 4) == lists[i].first, i);
			id[0] = 0;
			EXPECT_AT(!memcmp(id, was, sizeof(id)), i);
		}
	admin(0x06, 0xfffffffe, 2, ID_BYTES);
	EXPECT(refused(BAD_NS, "another namespace"));
	memset(id, 0, sizeof(id));
	edit(0x03, OWN);
	EXPECT(!memcmp(id, descriptors, sizeof(descriptors)));
	memset(id, 0, sizeof(descriptors));
	EXPECT(!memcmp(id, was, sizeof(id)));
}

/* --- log pages and features ----------------------------------------------------------- */

static void test_logs(void)
{
	static const uint8_t plain_logs[] = { 1, 2, 3, 5 }, admin_logs[] = { 0, 6, 9, 0x12, 0x81 };
	static const struct { uint8_t log; const char *why; } named[] = {
		{ 0x04, "namespaces" }, { 0x0c, "namespaces" }, { 0x07, "inside" }, { 0x08, "inside" },
		{ 0x0d, "inside" }, { 0x0e, "LBAs" }, { 0x80, "loses" },
	};
	static const uint32_t nsids[] = { 0, OWN, ALL };
	const char *why;
	unsigned int log, i;
	bool is_plain;

	for (log = 0; log < 256; log++) {
		ns = plain;
		is_plain = memchr(plain_logs, (int)log, sizeof(plain_logs));
		admin(0x02, ALL, 0x007f7f00 | log, 512);
		cmd.cdw11 = 0x00050000;
		cmd.cdw12 = 64;
		cmd.cdw13 = 1;
		cmd.cdw14 = 0xff80007f;
		if (!is_plain && memchr(admin_logs, (int)log, sizeof(admin_logs))) {
			ns.level = PNVME_POLICY_DATA;
			EXPECT_AT(refused(-EACCES, "\"admin\""), log);
			ns.level = PNVME_POLICY_ADMIN;
		} else if (!is_plain) {
			ns.level = PNVME_POLICY_ADMIN;
			why = log >= 0xc0 ? "vendor" : "is not known";
			for (i = 0; i < ARRAY_SIZE(named); i++)
				why = named[i].log == log ? named[i].why : why;
			EXPECT_AT(refused(-EOPNOTSUPP, why), log);
			continue;
		}
		EXPECT_AT(!send() && answer.act == PNVME_POLICY_FORWARD && answer.data_len == 512, log);
		/* events stay, no field of the log's own makes it act */
		EXPECT_AT(cmd.cdw10 == (0x007f8000 | log), log);
		EXPECT_AT(cmd.cdw11 == (log == 9 ? 0x00050000U : 0), log);
		EXPECT_AT(cmd.cdw12 == 64 && cmd.cdw13 == 1 && cmd.cdw14 == 0x0080007f, log);
	}
	for (i = 0; i < ARRAY_SIZE(nsids); i++) {
		admin(0x02, nsids[i], 0x007f0002, 512);
		EXPECT_AT(!send() && cmd.nsid == ALL, i);
	}
	admin(0x02, LOWER, 0x007f0002, 512);
	EXPECT(refused(BAD_NS, "another namespace"));
	admin(0x02, ALL, 0x007f0002, 508);
	EXPECT(refused(-EINVAL, "number of bytes"));
	/* the upper half of the number of dwords; 2^34 bytes, which is 0 in 32 bits */
	admin(0x02, ALL, 0x00000002, 0x40004);
	cmd.cdw11 = 1;
	EXPECT(!send() && cmd.cdw11 == 1);
	admin(0x02, ALL, 0xffff0002, 4);
	cmd.cdw11 = 0xffff;
	EXPECT(refused(-EINVAL, "number of bytes"));
}

static void test_features(void)
{
	static const struct { uint8_t feature; uint16_t bytes; bool of_ns; } known[] = {
		{ 0x01, 0, false }, { 0x02, 0, false }, { 0x04, 0, false }, { 0x05, 0, true }, { 0x06, 0, false },
		{ 0x07, 0, false }, { 0x08, 0, false }, { 0x0a, 0, false }, { 0x0b, 0, false }, { 0x0c, 256, false },
		{ 0x0e, 8, false }, { 0x10, 0, false }, { 0x11, 0, false }, { 0x16, 512, false }, { 0x17, 0, false },
		{ 0x84, 0, true },
	};
	unsigned int f, i, sel;

	for (f = 0; f < 256; f++) {
		ns = plain;
		ns.level = PNVME_POLICY_ADMIN;
		for (i = 0; i < ARRAY_SIZE(known) && known[i].feature != f; i++)
			;
		if (i == ARRAY_SIZE(known)) {
			admin(0x0a, OWN, f, 0);
			EXPECT_AT(refused(-EOPNOTSUPP, f == 3 ? "LBAs" : f == 0x0d ? "memory" : "is not known"), f);
			continue;
		}
		for (sel = 0; sel < 8; sel++) {
			admin(0x0a, OWN, sel << 8 | f, known[i].bytes);
			cmd.cdw11 = ALL;
			cmd.cdw14 = ALL;
			if (sel > 3) {
				EXPECT_AT(refused(-EINVAL, "not known"), f);
				continue;
			}
			EXPECT_AT(!send() && answer.act == PNVME_POLICY_FORWARD && !answer.modifies, f);
			EXPECT_AT(cmd.nsid == (known[i].of_ns ? LOWER : 0) && cmd.cdw10 == came.cdw10, f);
			EXPECT_AT(cmd.cdw11 == (f == 4 ? 0x003f0000U : 0) && !cmd.cdw14, f);
			EXPECT_AT(answer.data_len == known[i].bytes, f);
		}
		admin(0x0a, ALL, f, known[i].bytes);
		EXPECT_AT(known[i].of_ns ? refused(BAD_NS, "another namespace") : !send(), f);
		admin(0x0a, LOWER, f, known[i].bytes);
		EXPECT_AT(refused(BAD_NS, "another namespace"), f);
		admin(0x0a, OWN, f, known[i].bytes + 4);
		EXPECT_AT(refused(-EINVAL, known[i].bytes ? "number of bytes" : "moves no data"), f);
		admin(0x0a, OWN, 0x80000000 | f, known[i].bytes);
		EXPECT_AT(refused(-EINVAL, "not known"), f);
		ns.level = PNVME_POLICY_DATA;
		admin(0x0a, OWN, f, known[i].bytes);
		EXPECT_AT(refused(-EACCES, "\"admin\""), f);
	}
}

static const struct tap_test tests[] = {
	{ "admin commands: what is refused, with reasons", test_opcodes },
	{ "flags, reserved fields, what is not used", test_frame },
	{ "Identify: each structure, each nsid, lengths", test_identify },
	{ "Identify Namespace is of the namespace", test_edit_ns },
	{ "Identify Namespace, of any command set", test_edit_any_set },
	{ "Identify Controller shows what is allowed", test_edit_ctrl },
	{ "lists of namespaces and of identifiers", test_lists },
	{ "log pages", test_logs },
	{ "features", test_features },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
