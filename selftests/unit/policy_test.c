// SPDX-License-Identifier: GPL-2.0
/* Passthrough: each opcode, each refusal, what becomes of LBAs, tags, and of Identify. */
#include <errno.h>
#include <linux/pnvme.h>
#include <stdint.h>

#include "../../kmod/policy.h"
#include "label_user.h"
#include "sample.h"
#include "tap.h"

#define FIRST	0x1fffff800ULL		/* so that both halves of an LBA carry */
#define LBAS	0x100000ULL
#define LOWER	3
#define OWN	7
#define ALL	0xffffffffU
#define OUTSIDE	0x4080
#define FUA	(1U << 30)
#define PRACT	(1U << 29)
#define PLACE	(2U << 20)

static const struct pnvme_policy_ns plain = {
	.first = FIRST, .lbas = LBAS, .nsid = OWN, .lower_nsid = LOWER, .lba_shift = 12,
	.level = PNVME_POLICY_DATA, .writable = true,
	.nguid = { 1, 2, 3, 15 }, .uuid = { 9, 8, 7 },
};

static struct pnvme_policy_ns ns;
static struct nvme_uring_cmd cmd, came;
static struct pnvme_policy_answer answer;

static void fresh(void)
{
	ns = plain;
	cmd = (struct nvme_uring_cmd) { .nsid = OWN };
}

/* A command on LBAs, with a buffer if @bytes is not 0. */
static void lbas(uint8_t opcode, uint64_t slba, uint32_t nlb, uint32_t bytes)
{
	cmd = (struct nvme_uring_cmd) {
		.opcode = opcode, .nsid = OWN, .cdw10 = (uint32_t)slba, .cdw11 = slba >> 32,
		.cdw12 = nlb - 1, .addr = bytes ? 0x10000 : 0, .data_len = bytes,
	};
}

static void data(uint8_t opcode, uint32_t bytes)
{
	cmd = (struct nvme_uring_cmd) {
		.opcode = opcode, .nsid = OWN, .addr = 0x10000, .data_len = bytes,
	};
}

static int send_vec(bool vec)
{
	came = cmd;
	memset(&answer, 0xff, sizeof(answer));
	pnvme_policy_io(&ns, &cmd, vec, &answer);
	return answer.act == PNVME_POLICY_REFUSE ? answer.error : 0;
}

static int send(void)
{
	return send_vec(false);
}

/* Refused with this error, for a reason that has @text, and left as it came. */
static bool refused(int ret, int error, const char *text)
{
	bool ok = ret == error && answer.why && strstr(answer.why, text) &&
		  !memcmp(&cmd, &came, sizeof(cmd));

	if (!ok)
		printf("# opcode %#x: %d \"%s\", expected %d \"%s\"\n", came.opcode, ret,
		       ret ? answer.why : "", error, text);
	return ok;
}

static uint64_t lba(void)
{
	return (uint64_t)cmd.cdw11 << 32 | cmd.cdw10;
}

#define EXPECT_ERROR(error, text) EXPECT(refused(send(), error, text))

/* --- opcodes -------------------------------------------------------------------------- */

struct io_case {
	uint8_t		opcode, level;
	uint32_t	bytes;
	enum pnvme_policy_act act;
	enum pnvme_policy_class class;
	bool		lbas, modifies, wants_writable, sole, to_drive;
};

static const struct io_case io_cases[] = {
	{ .opcode = 0x00, .class = PNVME_POLICY_CLASS_OTHER, .act = PNVME_POLICY_FORWARD },
	{ .opcode = 0x01, .level = PNVME_POLICY_DATA, .bytes = 16384, .class = PNVME_POLICY_CLASS_WRITE, .lbas = true,
	  .act = PNVME_POLICY_FORWARD, .modifies = true, .wants_writable = true, .to_drive = true },
	{ .opcode = 0x02, .bytes = 16384, .class = PNVME_POLICY_CLASS_READ, .lbas = true, .act = PNVME_POLICY_FORWARD },
	{ .opcode = 0x04, .level = PNVME_POLICY_DATA, .class = PNVME_POLICY_CLASS_WRITE, .lbas = true,
	  .act = PNVME_POLICY_FORWARD, .modifies = true, .wants_writable = true },
	{ .opcode = 0x05, .bytes = 16384, .class = PNVME_POLICY_CLASS_READ, .lbas = true, .act = PNVME_POLICY_FORWARD,
	  .to_drive = true },
	{ .opcode = 0x08, .level = PNVME_POLICY_DATA, .class = PNVME_POLICY_CLASS_WRITE, .lbas = true,
	  .act = PNVME_POLICY_FORWARD, .modifies = true, .wants_writable = true },
	{ .opcode = 0x09, .level = PNVME_POLICY_DATA, .bytes = 64, .class = PNVME_POLICY_CLASS_WRITE,
	  .act = PNVME_POLICY_COPY, .modifies = true, .wants_writable = true, .to_drive = true },
	{ .opcode = 0x0c, .class = PNVME_POLICY_CLASS_READ, .lbas = true, .act = PNVME_POLICY_FORWARD },
	{ .opcode = 0x0d, .level = PNVME_POLICY_DATA, .bytes = 16, .class = PNVME_POLICY_CLASS_OTHER,
	  .act = PNVME_POLICY_FORWARD, .wants_writable = true, .sole = true, .to_drive = true },
	{ .opcode = 0x0e, .bytes = 16, .class = PNVME_POLICY_CLASS_OTHER, .act = PNVME_POLICY_FORWARD, .sole = true },
	{ .opcode = 0x11, .level = PNVME_POLICY_DATA, .bytes = 16, .class = PNVME_POLICY_CLASS_OTHER,
	  .act = PNVME_POLICY_FORWARD, .wants_writable = true, .sole = true, .to_drive = true },
	{ .opcode = 0x15, .level = PNVME_POLICY_DATA, .bytes = 8, .class = PNVME_POLICY_CLASS_OTHER,
	  .act = PNVME_POLICY_FORWARD, .wants_writable = true, .sole = true, .to_drive = true },
	{ .opcode = 0x19, .level = PNVME_POLICY_DATA, .bytes = 128, .class = PNVME_POLICY_CLASS_WRITE, .lbas = true,
	  .act = PNVME_POLICY_COPY, .modifies = true, .wants_writable = true, .to_drive = true },
};

static void io_case(const struct io_case *c)
{
	if (c->lbas)
		lbas(c->opcode, 0x900, 4, c->bytes);
	else if (c->bytes)
		data(c->opcode, c->bytes);
	else
		lbas(c->opcode, 0, 1, 0);
	/* 4 ranges, or 4 dwords of a report: both are 0's based in dword 10 */
	if (c->opcode == 0x09 || c->opcode == 0x0e)
		cmd.cdw10 = 3;
	ns.sole = c->sole;
}

static void test_io_opcodes(void)
{
	const struct io_case *c;

	for (c = io_cases; c < io_cases + ARRAY_SIZE(io_cases); c++) {
		fresh();
		io_case(c);
		ns.level = c->level;
		ns.writable = c->wants_writable;
		EXPECT_AT(!send() && answer.act == c->act, c->opcode);
		EXPECT_AT(answer.class == c->class && answer.modifies == c->modifies, c->opcode);
		EXPECT_AT(answer.to_drive == c->to_drive && answer.data_len == c->bytes, c->opcode);
		EXPECT_AT(!answer.meta_len && answer.flushes == (c->opcode == 0x00), c->opcode);
		EXPECT_AT(cmd.nsid == LOWER && cmd.opcode == c->opcode, c->opcode);
		EXPECT_AT(cmd.addr == came.addr && cmd.data_len == c->bytes, c->opcode);
		EXPECT_AT(!c->lbas || lba() == FIRST + 0x900, c->opcode);
		EXPECT_AT(!c->lbas || cmd.cdw12 == 3, c->opcode);
	}
}

static void test_io_levels(void)
{
	const struct io_case *c;

	for (c = io_cases; c < io_cases + ARRAY_SIZE(io_cases); c++) {
		fresh();
		io_case(c);
		ns.writable = false;
		if (c->wants_writable)
			EXPECT_ERROR(-EACCES, "open for reading");
		else
			EXPECT_AT(!send(), c->opcode);
		fresh();
		io_case(c);
		ns.level = PNVME_POLICY_READ;
		if (c->level > PNVME_POLICY_READ)
			EXPECT_ERROR(-EACCES, "\"data\"");
		else
			EXPECT_AT(!send(), c->opcode);
		fresh();
		io_case(c);
		ns.sole = false;
		if (c->sole)
			EXPECT_ERROR(-EOPNOTSUPP, "whole drive");
		else
			EXPECT_AT(!send(), c->opcode);
	}
}

/* All others, each with its reason, at the highest level. */
static void test_io_refused(void)
{
	static const struct { uint8_t opcode; const char *why; } named[] = {
		{ 0x06, "key value" }, { 0x10, "key value" }, { 0x14, "key value" },
		{ 0x12, "placement" }, { 0x1d, "placement" }, { 0x18, "cancel" },
		{ 0x79, "zoned" }, { 0x7a, "zoned" }, { 0x7d, "zoned" }, { 0x7f, "fabrics" },
	};
	const char *why;
	unsigned int op, i;

	for (op = 0; op < 256; op++) {
		fresh();
		ns.level = PNVME_POLICY_ADMIN;
		ns.sole = true;
		why = op >= 0x80 ? "vendor" : "is not known";
		for (i = 0; i < ARRAY_SIZE(io_cases) && io_cases[i].opcode != op; i++)
			;
		if (i < ARRAY_SIZE(io_cases))
			continue;
		for (i = 0; i < ARRAY_SIZE(named); i++)
			why = named[i].opcode == op ? named[i].why : why;
		lbas(op, 0, 1, 4096);
		EXPECT_ERROR(-EOPNOTSUPP, why);
		EXPECT_AT(answer.class == PNVME_POLICY_CLASS_OTHER, op);
	}
}

/* --- what all have -------------------------------------------------------------------- */

static void test_frame(void)
{
	static const uint32_t nsids[] = { 0, LOWER, OWN + 1, ALL };
	const struct io_case *c;
	unsigned int i;

	for (c = io_cases; c < io_cases + ARRAY_SIZE(io_cases); c++) {
		for (i = 1; i < 256; i <<= 1) {
			fresh();
			io_case(c);
			cmd.flags = i;
			EXPECT_ERROR(-EINVAL, "flags");
		}
		for (i = 0; i < ARRAY_SIZE(nsids); i++) {
			fresh();
			io_case(c);
			cmd.nsid = nsids[i];
			EXPECT_ERROR(-EINVAL, "another namespace");
		}
		fresh();
		io_case(c);
		cmd.rsvd1 = 1;
		EXPECT_ERROR(-EINVAL, "reserved");
		io_case(c);
		cmd.rsvd2 = 1U << 31;
		EXPECT_ERROR(-EINVAL, "reserved");
		io_case(c);
		cmd.cdw2 = 1;
		EXPECT_ERROR(-EINVAL, "dwords 2 and 3");
		io_case(c);
		cmd.cdw3 = 0x80000000;
		EXPECT_ERROR(-EINVAL, "dwords 2 and 3");
	}
}

static void test_buffers(void)
{
	const struct io_case *c;

	for (c = io_cases; c < io_cases + ARRAY_SIZE(io_cases); c++) {
		fresh();
		io_case(c);
		cmd.metadata_len = 8;
		cmd.metadata = 0x4000;
		EXPECT_ERROR(-EINVAL, c->bytes ? "metadata" : "no data");
		if (!c->bytes) {
			io_case(c);
			cmd.addr = 0x1000;
			cmd.data_len = 4096;
			EXPECT_ERROR(-EINVAL, "moves no data");
			/* the driver would map neither of these */
			cmd.addr = 0;
			EXPECT_AT(!send() && !cmd.data_len, c->opcode);
			io_case(c);
			cmd.addr = 0x1001;
			EXPECT_AT(!send() && !cmd.addr, c->opcode);
			continue;
		}
		io_case(c);
		cmd.addr = 0;
		EXPECT_ERROR(-EINVAL, "no buffer");
		io_case(c);
		cmd.addr |= 1;
		EXPECT_ERROR(-EINVAL, "aligned");
		io_case(c);
		cmd.addr |= 2;
		EXPECT_ERROR(-EINVAL, "aligned");
		io_case(c);
		cmd.data_len++;
		EXPECT_ERROR(-EINVAL, "number of bytes");
		cmd.data_len -= 5;
		EXPECT_ERROR(-EINVAL, "number of bytes");
		cmd.data_len = 0;
		EXPECT_ERROR(-EINVAL, "number of bytes");
		EXPECT(refused(send_vec(true), -EINVAL, "number of bytes"));
		cmd.data_len = 3;
		EXPECT_AT(!send_vec(true) && answer.data_len == c->bytes && cmd.data_len == 3, c->opcode);
		/* metadata of no length is none */
		io_case(c);
		cmd.metadata = 0x77;
		EXPECT_AT(!send() && !cmd.metadata, c->opcode);
	}
}

static void test_most(void)
{
	fresh();
	ns.lba_shift = 16;
	lbas(0x02, 0, 65535, 65535U << 16);
	EXPECT(!send() && answer.data_len == 65535U << 16);
	/* 2^32 bytes are no length: not even 0 */
	lbas(0x02, 0, 65536, 0);
	cmd.addr = 0x1000;
	EXPECT_ERROR(-EINVAL, "number of bytes");
	cmd.data_len = 1;
	EXPECT(refused(send_vec(true), -EINVAL, "number of bytes"));
}

/* --- LBAs ----------------------------------------------------------------------------- */

static void test_range(void)
{
	static const struct { uint64_t slba; uint32_t nlb; bool ok; } ranges[] = {
		{ 0, 1, true }, { 0, 65536, true }, { LBAS - 1, 1, true }, { LBAS - 65536, 65536, true },
		{ LBAS - 7, 7, true }, { LBAS - 7, 8, false }, { LBAS - 1, 2, false }, { LBAS, 1, false },
		{ LBAS - 65535, 65536, false }, { LBAS + 1, 1, false }, { 1ULL << 32, 1, false },
		{ 1ULL << 63, 1, false }, { UINT64_MAX, 1, false }, { UINT64_MAX, 65536, false },
		{ UINT64_MAX - 65535, 65536, false }, { UINT64_MAX - 7, 8, false },
		{ 0 - FIRST, 1, false }, { 0 - FIRST - 1, 2, false }, { 0 - FIRST, 65536, false },
		{ FIRST, 1, false },
	};
	static const uint8_t ops[] = { 0x01, 0x02, 0x04, 0x05, 0x08, 0x0c };
	unsigned int i, j;
	bool moves;

	for (i = 0; i < ARRAY_SIZE(ranges); i++)
		for (j = 0; j < ARRAY_SIZE(ops); j++) {
			fresh();
			moves = ops[j] == 0x01 || ops[j] == 0x02 || ops[j] == 0x05;
			lbas(ops[j], ranges[i].slba, ranges[i].nlb, moves ? ranges[i].nlb << 12 : 0);
			if (ranges[i].ok)
				EXPECT_AT(!send() && lba() == FIRST + ranges[i].slba &&
					  (cmd.cdw12 & 0xffff) + 1 == ranges[i].nlb, i);
			else
				EXPECT_ERROR(OUTSIDE, "end");
		}
	/* a namespace that is smaller than what a command can have */
	fresh();
	ns.lbas = 8;
	lbas(0x02, 0, 9, 9 << 12);
	EXPECT_ERROR(OUTSIDE, "end");
	lbas(0x02, UINT64_MAX, 9, 9 << 12);
	EXPECT_ERROR(OUTSIDE, "end");
	lbas(0x02, 0, 8, 8 << 12);
	EXPECT(!send());
}

/* Which bits of dword 12 and 13 are let through, one by one. */
static void test_fields(void)
{
	static const struct { uint8_t op; uint32_t dw12, dw13; bool has13, moves; } ops[] = {
		{ 0x01, 0xc0200000, 0x000000ff, true, true }, { 0x02, 0xc0000000, 0x000000ff, true, true },
		{ 0x05, 0xc0000000, 0, false, true }, { 0x0c, 0xc0000000, 0, false, false },
		{ 0x08, 0xc2000000, 0, false, false }, { 0x04, 0, 0, false, false },
	};
	uint32_t bit;
	unsigned int i, b;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		for (b = 0; b < 32; b++) {
			fresh();
			bit = 1U << b;
			lbas(ops[i].op, 0, 1, ops[i].moves ? 4096 : 0);
			if (b >= 16) {
				cmd.cdw12 |= bit;
				EXPECT_AT(!send() == !!(ops[i].dw12 & bit), i * 100 + b);
				if (!(ops[i].dw12 & bit))
					EXPECT_AT(answer.error == -EINVAL, i * 100 + b);
				else
					EXPECT_AT(cmd.cdw12 == bit, i * 100 + b);
			}
			lbas(ops[i].op, 0, 1, ops[i].moves ? 4096 : 0);
			cmd.cdw13 = bit;
			cmd.cdw14 = bit;
			cmd.cdw15 = bit;
			/* in Write the handle counts for nothing without a directive */
			if (ops[i].op == 0x01 && b >= 16)
				EXPECT_AT(!send() && !cmd.cdw13, b);
			else if (ops[i].has13 && !(ops[i].dw13 & bit))
				EXPECT_ERROR(-EINVAL, "not known");
			else
				EXPECT_AT(!send() && cmd.cdw13 == (ops[i].dw13 & bit) && !cmd.cdw14 && !cmd.cdw15,
					  i * 100 + b);
		}
}

static void test_directives(void)
{
	unsigned int type;

	for (type = 0; type < 16; type++) {
		fresh();
		lbas(0x01, 0, 1, 4096);
		cmd.cdw12 |= type << 20;
		cmd.cdw13 = 0x00050011;
		if (type == 0)
			EXPECT(!send() && cmd.cdw13 == 0x11);
		else if (type == 2)
			EXPECT(!send() && cmd.cdw13 == 0x00050011 && cmd.cdw12 == PLACE);
		else
			EXPECT_ERROR(-EINVAL, "directive");
		data(0x19, 32);
		cmd.cdw12 |= type << 20;
		cmd.cdw13 = 0x00050000;
		if (type == 0)
			EXPECT(!send() && !cmd.cdw13);
		else if (type == 2)
			EXPECT(!send() && cmd.cdw13 == 0x00050000);
		else
			EXPECT_ERROR(-EINVAL, "directive");
	}
}

static void test_flushes(void)
{
	static const struct { uint8_t op; uint32_t bytes; bool flushes; } ops[] = {
		{ 0x01, 4096, true }, { 0x02, 4096, false }, { 0x05, 4096, false }, { 0x08, 0, true },
		{ 0x0c, 0, false }, { 0x19, 32, true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		fresh();
		lbas(ops[i].op, 0, 1, ops[i].bytes);
		cmd.cdw12 |= FUA;
		EXPECT_AT(!send() && answer.flushes == ops[i].flushes && (cmd.cdw12 & FUA), i);
		lbas(ops[i].op, 0, 1, ops[i].bytes);
		EXPECT_AT(!send() && !answer.flushes && !(cmd.cdw12 & FUA), i);
	}
}

static void test_unused(void)
{
	fresh();
	cmd = (struct nvme_uring_cmd) { .opcode = 0, .nsid = OWN, .cdw10 = 1, .cdw11 = 2, .cdw12 = 3,
					.cdw13 = 4, .cdw14 = 5, .cdw15 = 6, .timeout_ms = 77 };
	EXPECT(!send() && answer.flushes);
	EXPECT(!cmd.cdw10 && !cmd.cdw11 && !cmd.cdw12 && !cmd.cdw13 && !cmd.cdw14 && !cmd.cdw15);
	EXPECT(cmd.timeout_ms == 77);
	data(0x09, 16);
	cmd.cdw12 = cmd.cdw13 = cmd.cdw14 = cmd.cdw15 = ALL;
	EXPECT(!send() && !cmd.cdw12 && !cmd.cdw13 && !cmd.cdw14 && !cmd.cdw15);
	ns.sole = true;
	data(0x0d, 16);
	cmd.cdw11 = cmd.cdw12 = cmd.cdw13 = cmd.cdw14 = cmd.cdw15 = ALL;
	EXPECT(!send() && !cmd.cdw11 && !cmd.cdw12 && !cmd.cdw13 && !cmd.cdw14 && !cmd.cdw15);
}

/* --- protection information ----------------------------------------------------------- */

static void test_pi_none(void)
{
	unsigned int b;

	for (b = 26; b < 30; b++) {
		fresh();
		lbas(0x02, 0, 1, 4096);
		cmd.cdw12 |= 1U << b;
		EXPECT_ERROR(-EINVAL, "protection information");
		ns.meta_bytes = 8;
		lbas(0x01, 0, 1, 4096);
		cmd.cdw12 |= 1U << b;
		EXPECT_ERROR(-EINVAL, "protection information");
	}
}

static void test_metadata(void)
{
	fresh();
	ns.meta_bytes = 16;
	lbas(0x01, 0, 4, 16384);
	EXPECT_ERROR(-EINVAL, "metadata");
	cmd.metadata_len = 63;
	cmd.metadata = 0x4000;
	EXPECT_ERROR(-EINVAL, "metadata");
	cmd.metadata_len = 64;
	cmd.metadata = 0;
	EXPECT_ERROR(-EINVAL, "no buffer");
	cmd.metadata = 0x4002;
	EXPECT_ERROR(-EINVAL, "aligned");
	cmd.metadata = 0x4004;
	EXPECT(!send() && answer.meta_len == 64 && cmd.metadata == 0x4004 && cmd.metadata_len == 64);
	lbas(0x08, 0, 4, 0);
	EXPECT(!send() && !answer.meta_len);
}

/* What moves no tuple can be translated in any case. */
static void test_pi_types_1_2(void)
{
	static const struct { uint8_t op; bool moves; } ops[] = {
		{ 0x01, true }, { 0x02, true }, { 0x05, true }, { 0x08, false }, { 0x0c, false },
	};
	unsigned int i, type;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		for (type = 1; type <= 2; type++) {
			fresh();
			ns.pi_type = type;
			ns.meta_bytes = 8;
			lbas(ops[i].op, 0x900, 4, ops[i].moves ? 16384 : 0);
			cmd.cdw14 = 0x900;
			cmd.cdw15 = 0xffff1234;
			if (ops[i].moves) {
				cmd.metadata_len = 32;
				cmd.metadata = 0x4000;
				EXPECT_ERROR(-EOPNOTSUPP, "PRACT");
				cmd.cdw12 |= 7U << 26;
				EXPECT_ERROR(-EOPNOTSUPP, "PRACT");
				cmd.cdw12 |= PRACT;
				EXPECT_ERROR(-EINVAL, "metadata");
				cmd.metadata_len = 0;
			}
			EXPECT_AT(!send() && !answer.meta_len && lba() == FIRST + 0x900, i);
			EXPECT_AT(cmd.cdw14 == (uint32_t)(FIRST + 0x900) && cmd.cdw15 == 0xffff1234, i);
		}
	/* it carries no tags at all */
	lbas(0x04, 0, 1, 0);
	cmd.cdw14 = 5;
	EXPECT(!send() && !cmd.cdw14);
}

static void test_pi_type_3(void)
{
	fresh();
	ns.pi_type = 3;
	ns.meta_bytes = 8;
	lbas(0x01, 0, 4, 16384);
	cmd.metadata = 0x4000;
	cmd.metadata_len = 32;
	cmd.cdw12 |= 5U << 26;
	cmd.cdw14 = 0x1234;
	EXPECT(!send() && answer.meta_len == 32 && cmd.cdw14 == 0x1234);
	lbas(0x01, 0, 4, 16384);
	cmd.cdw12 |= PRACT;
	cmd.cdw14 = 0x1234;
	EXPECT(!send() && !answer.meta_len && cmd.cdw14 == 0x1234);
}

/* Guards of 64 bits, or a tuple beside other metadata: where its tag is cannot be told. */
static void test_pi_large(void)
{
	static const uint16_t sizes[] = { 16, 64, 0xffff };
	unsigned int i, type;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (type = 1; type <= 3; type++) {
			fresh();
			ns.pi_type = type;
			ns.meta_bytes = sizes[i];
			lbas(0x02, 0, 1, 4096);
			cmd.metadata = 0x4000;
			cmd.metadata_len = sizes[i];
			cmd.cdw12 |= PRACT;
			EXPECT_ERROR(-EOPNOTSUPP, "another size");
			lbas(0x08, 0, 1, 0);
			EXPECT_ERROR(-EOPNOTSUPP, "another size");
			data(0x19, 32);
			EXPECT_ERROR(-EOPNOTSUPP, "another size");
			lbas(0x04, 0, 1, 0);
			EXPECT(!send());
		}
}

/* --- data that holds LBAs ------------------------------------------------------------- */

static uint8_t table[256 * 40];

static void put(void *at, uint64_t value, size_t bytes)
{
	__le64 le = cpu_to_le64(value);

	memcpy(at, &le, bytes);
}

static uint64_t get(const void *at, size_t bytes)
{
	__le64 le = 0;

	memcpy(&le, at, bytes);
	return le64_to_cpu(le);
}

static int check_data(void)
{
	struct nvme_uring_cmd before = cmd;

	pnvme_policy_data(&ns, &cmd, table, &answer);
	EXPECT(!memcmp(&before, &cmd, sizeof(cmd)));
	return answer.act == PNVME_POLICY_REFUSE ? answer.error : 0;
}

/* The last of @count ranges; the others are one LBA. */
static int dsm(unsigned int count, uint64_t slba, uint32_t nlb)
{
	unsigned int i;

	fresh();
	data(0x09, count * 16);
	cmd.cdw10 = count - 1;
	cmd.cdw11 = 4;
	if (send())
		return answer.error;
	EXPECT(answer.act == PNVME_POLICY_COPY && answer.data_len == count * 16 && cmd.cdw11 == 4);
	for (i = 0; i < count; i++) {
		put(table + 16 * i, 0x11, 4);
		put(table + 16 * i + 4, i == count - 1 ? nlb : 1, 4);
		put(table + 16 * i + 8, i == count - 1 ? slba : i, 8);
	}
	return check_data();
}

static void test_dsm(void)
{
	unsigned int i;

	EXPECT(dsm(256, 0, LBAS) == 0);
	for (i = 0; i < 255; i++)
		EXPECT_AT(get(table + 16 * i, 4) == 0x11 && get(table + 16 * i + 4, 4) == 1 &&
			  get(table + 16 * i + 8, 8) == FIRST + i, i);
	EXPECT(get(table + 16 * 255 + 8, 8) == FIRST && get(table + 16 * 255 + 4, 4) == LBAS);
	EXPECT(dsm(1, LBAS - 1, 1) == 0 && get(table + 8, 8) == FIRST + LBAS - 1);
	EXPECT(dsm(1, LBAS - 1, 0) == 0 && get(table + 8, 8) == FIRST + LBAS - 1);
	EXPECT(dsm(1, LBAS, 0) == OUTSIDE);
	EXPECT(dsm(1, LBAS, 1) == OUTSIDE);
	EXPECT(dsm(1, 0, LBAS + 1) == OUTSIDE);
	EXPECT(dsm(256, LBAS - 1, 2) == OUTSIDE);
	EXPECT(dsm(1, 0, UINT32_MAX) == OUTSIDE);
	EXPECT(dsm(1, UINT64_MAX, 1) == OUTSIDE);
	EXPECT(dsm(1, UINT64_MAX, 2) == OUTSIDE);
	EXPECT(dsm(1, 0 - FIRST, 1) == OUTSIDE);
	fresh();
	data(0x09, 16);
	cmd.cdw10 = 0x100;
	EXPECT_ERROR(-EINVAL, "not known");
	cmd.cdw10 = 0;
	cmd.cdw11 = 8;
	EXPECT_ERROR(-EINVAL, "not known");
	cmd.cdw11 = 0;
	cmd.cdw10 = 1;
	EXPECT_ERROR(-EINVAL, "number of bytes");
	/* no command that has such data */
	lbas(0x02, 0, 1, 4096);
	EXPECT(!send() && check_data() == -EINVAL);
}

struct source {
	uint64_t slba;
	uint32_t nlb;
};

static int copy(uint32_t format, uint64_t to, const struct source *s, unsigned int count)
{
	uint32_t bytes = format ? 40 : 32;
	unsigned int i;

	memset(table, 0, sizeof(table));
	lbas(0x19, to, count, count * bytes);
	cmd.cdw12 |= format << 8;
	if (send())
		return answer.error;
	EXPECT(answer.act == PNVME_POLICY_COPY && lba() == FIRST + to);
	for (i = 0; i < count; i++) {
		put(table + bytes * i + 8, s[i].slba, 8);
		put(table + bytes * i + 16, s[i].nlb - 1, 2);
	}
	return check_data();
}

static void test_copy(void)
{
	static const struct source one = { LBAS - 5, 5 }, over = { LBAS - 5, 6 }, low = { 0, 65536 };
	static const struct source high = { UINT64_MAX, 2 }, before = { 0 - FIRST, 1 };
	static const struct source two[2] = { { 9, 65536 }, { LBAS - 1, 1 } };
	static const struct source bad[2] = { { 9, 65536 }, { LBAS, 1 } };
	uint32_t format, bytes;

	fresh();
	for (format = 0; format < 2; format++) {
		bytes = format ? 40 : 32;
		EXPECT(copy(format, 0, two, 2) == 0);
		EXPECT(get(table + 8, 8) == FIRST + 9 && get(table + 16, 2) == 65535);
		EXPECT(get(table + bytes + 8, 8) == FIRST + LBAS - 1 && !get(table + bytes + 16, 2));
		EXPECT(copy(format, LBAS - 5, &one, 1) == 0);
		EXPECT(copy(format, LBAS - 4, &one, 1) == OUTSIDE);
		EXPECT(copy(format, LBAS - 65537, two, 2) == 0);
		EXPECT(copy(format, LBAS - 65536, two, 2) == OUTSIDE);
		EXPECT(copy(format, 0, &over, 1) == OUTSIDE);
		EXPECT(copy(format, 0, bad, 2) == OUTSIDE);
		EXPECT(copy(format, 0, &high, 1) == OUTSIDE);
		EXPECT(copy(format, 0, &before, 1) == OUTSIDE);
		EXPECT(copy(format, LBAS, &one, 1) == OUTSIDE);
		EXPECT(copy(format, UINT64_MAX, &one, 1) == OUTSIDE);
		EXPECT(copy(format, 0 - FIRST, &low, 1) == OUTSIDE);
	}
	for (; format < 16; format++)
		EXPECT_AT(copy(format, 0, &one, 1) == -EOPNOTSUPP && strstr(answer.why, "another namespace"), format);
}

static void test_copy_fields(void)
{
	unsigned int i, format, tag;

	fresh();
	for (format = 0; format < 2; format++) {
		tag = format ? 26 : 24;
		for (i = 0; i < 32; i++) {
			memset(table, 0, sizeof(table));
			lbas(0x19, 0, 1, format ? 40 : 32);
			cmd.cdw12 |= format << 8;
			EXPECT(!send());
			table[i] = 1;
			if (i < 8 || (i >= 18 && i < tag))
				EXPECT_AT(check_data() == -EINVAL, i);
			else if (i < 11 || i >= 16)
				EXPECT_AT(check_data() == 0, i);
		}
	}
	for (i = 24; i < 26; i++) {
		data(0x19, 32);
		cmd.cdw12 |= 1U << i;
		EXPECT_ERROR(-EINVAL, "not known");
	}
	for (i = 16; i < 20; i++) {
		data(0x19, 32);
		cmd.cdw12 |= 1U << i;
		EXPECT_ERROR(-EINVAL, "not known");
	}
	/* known before there are descriptors */
	lbas(0x19, LBAS, 1, 32);
	EXPECT_ERROR(OUTSIDE, "end");
	data(0x19, 32);
	cmd.cdw13 = 1;
	EXPECT_ERROR(-EINVAL, "not known");
	data(0x19, 32);
	cmd.cdw12 = 1;
	EXPECT_ERROR(-EINVAL, "number of bytes");
}

static void test_copy_pi(void)
{
	unsigned int type;

	for (type = 0; type <= 3; type++) {
		fresh();
		ns.pi_type = type;
		ns.meta_bytes = 8;
		memset(table, 0, sizeof(table));
		put(table + 24, 0x900, 4);
		put(table + 28, 0x12345678, 4);
		data(0x19, 32);
		cmd.cdw14 = 0x500;
		cmd.cdw12 = PRACT;
		if (type < 3)
			EXPECT(refused(send(), type ? -EOPNOTSUPP : -EINVAL, "protection information"));
		cmd.cdw12 = 1U << 15;
		if (type < 3)
			EXPECT(refused(send(), type ? -EOPNOTSUPP : -EINVAL, "protection information"));
		cmd.cdw12 = type ? PRACT | 1U << 15 : 0;
		EXPECT_AT(!send() && !check_data(), type);
		EXPECT_AT(cmd.cdw14 == (type == 0 ? 0 : type < 3 ? 0x500 + (uint32_t)FIRST : 0x500), type);
		EXPECT_AT(get(table + 24, 4) == 0x900 + (type == 1 || type == 2 ? (uint32_t)FIRST : 0), type);
		EXPECT_AT(get(table + 28, 4) == 0x12345678, type);
		data(0x19, 40);
		cmd.cdw12 = 0x100 | (type ? PRACT | 1U << 15 : 0);
		if (type)
			EXPECT_ERROR(-EINVAL, "more than 16 bits");
		else
			EXPECT(!send());
	}
}

/* --- reservations --------------------------------------------------------------------- */

static void test_reservations(void)
{
	static const struct { uint8_t op; uint32_t bytes, dw10; } ops[] = {
		{ 0x0d, 16, 0xc000000f }, { 0x11, 16, 0x0000ff0f }, { 0x15, 8, 0x0000ff0f },
	};
	unsigned int i, b;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		for (b = 0; b < 32; b++) {
			fresh();
			ns.sole = true;
			data(ops[i].op, ops[i].bytes);
			cmd.cdw10 = 1U << b;
			if (ops[i].dw10 & 1U << b)
				EXPECT_AT(!send() && cmd.cdw10 == 1U << b && !answer.modifies, b);
			else
				EXPECT_ERROR(-EINVAL, "not known");
		}
	ns.sole = true;
	data(0x0e, 4096);
	cmd.cdw10 = 1023;
	cmd.cdw11 = 1;
	EXPECT(!send() && cmd.cdw11 == 1 && cmd.cdw10 == 1023);
	data(0x0e, 4096);
	cmd.cdw10 = 1023;
	cmd.cdw11 = 2;
	EXPECT_ERROR(-EINVAL, "not known");
	/* 2^34 bytes, which is 0 in 32 bits */
	data(0x0e, 0);
	cmd.cdw10 = ALL;
	EXPECT_ERROR(-EINVAL, "number of bytes");
	cmd.data_len = 4;
	EXPECT_ERROR(-EINVAL, "number of bytes");
}

static const struct tap_test tests[] = {
	{ "I/O commands: each that is allowed", test_io_opcodes },
	{ "I/O commands: level, open mode, sole namespace", test_io_levels },
	{ "I/O commands: all others are refused, with their reasons", test_io_refused },
	{ "flags, nsid, reserved fields, dwords 2 and 3", test_frame },
	{ "buffers are as long as what moves, or not there", test_buffers },
	{ "as much as a command can move", test_most },
	{ "LBA ranges", test_range },
	{ "dwords 12 and 13, bit by bit", test_fields },
	{ "directives", test_directives },
	{ "FUA", test_flushes },
	{ "what is not used is 0", test_unused },
	{ "protection information: none", test_pi_none },
	{ "metadata without it", test_metadata },
	{ "protection information: types 1 and 2", test_pi_types_1_2 },
	{ "protection information: type 3", test_pi_type_3 },
	{ "protection information: of unknown form", test_pi_large },
	{ "Dataset Management", test_dsm },
	{ "Copy: ranges", test_copy },
	{ "Copy: fields", test_copy_fields },
	{ "Copy: protection information", test_copy_pi },
	{ "reservations", test_reservations },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
