// SPDX-License-Identifier: GPL-2.0
/*
 * Passthrough commands of an I/O queue: which are let through, and what becomes of their LBAs.
 * Pure: the unit tests compile this file in userspace. Documentation/passthrough.rst has it in
 * words.
 *
 * An allow-list: what io_rules[] does not allow is refused. "Base" is the NVM Express Base
 * Specification 2.0, "NVM" the NVM Command Set Specification 1.0.
 *
 * Each command is checked first and translated then: a refused one is left as it came.
 */
#include "policy_priv.h"

/* Opcodes: Base 7, NVM 3.2; zones: Zoned Namespace Command Set 3.4; keys: Key Value 3.2. */
enum {
	OP_FLUSH		= 0x00,
	OP_WRITE		= 0x01,
	OP_READ			= 0x02,
	OP_WRITE_UNCORRECTABLE	= 0x04,
	OP_COMPARE		= 0x05,
	OP_KV_LIST		= 0x06,
	OP_WRITE_ZEROES		= 0x08,
	OP_DSM			= 0x09,
	OP_VERIFY		= 0x0c,
	OP_RESV_REGISTER	= 0x0d,
	OP_RESV_REPORT		= 0x0e,
	OP_KV_DELETE		= 0x10,
	OP_RESV_ACQUIRE		= 0x11,
	OP_IO_MGMT_RECV		= 0x12,
	OP_KV_EXIST		= 0x14,
	OP_RESV_RELEASE		= 0x15,
	OP_CANCEL		= 0x18,
	OP_COPY			= 0x19,
	OP_IO_MGMT_SEND		= 0x1d,
	OP_ZONE_MGMT_SEND	= 0x79,
	OP_ZONE_MGMT_RECV	= 0x7a,
	OP_ZONE_APPEND		= 0x7d,
	OP_FABRICS		= 0x7f,
	OP_VENDOR		= 0x80,
};

/* Dword 12 of commands with an LBA range (NVM 3.2.4, 3.2.6 and others) */
#define RW_NLB		0x0000ffffU	/* number of LBAs, 0's based */
#define RW_DTYPE	0x00f00000U	/* directive type, only of Write */
#define RW_DEAC		0x02000000U	/* deallocate, only of Write Zeroes */
#define RW_PRCHK	0x1c000000U	/* what is checked: guard, application and reference tag */
#define RW_PRACT	0x20000000U	/* the drive inserts or strips the tuple */
#define RW_PRINFO	(RW_PRACT | RW_PRCHK)
#define RW_FUA		0x40000000U
#define RW_LR		0x80000000U	/* limited retry */
/*
 * Not allowed in any: STC (bit 24; checks storage tags, which are in dwords 2 and 3 or take a
 * part of the reference tag), CETYPE (19:16; gives dword 13 another meaning) and, in Write
 * Zeroes, NSZ (bit 23; zeroes the whole namespace of the drive).
 */
#define RW_COMMON	(RW_NLB | RW_PRINFO | RW_FUA | RW_LR)

#define DTYPE_NONE	0x00000000U
#define DTYPE_PLACEMENT	0x00200000U	/* dword 13 has a placement handle (Base 8.7) */
#define DSPEC		0xffff0000U	/* dword 13: its handle */
#define RW_HINTS	0x000000ffU	/* dword 13: access frequency, latency and the like */

/* Dataset Management (NVM 3.2.3): dword 10 and 11; one range */
#define DSM_NR		0x000000ffU
#define DSM_ATTRIBUTES	0x00000007U	/* deallocate, integral for write, for read */
#define DSM_RANGE	16
#define DSM_RANGE_NLB	4
#define DSM_RANGE_SLBA	8

/* Copy (NVM 3.2.2): dword 12; one descriptor of format 0 (32 bytes) or 1 (40) */
#define COPY_NR		0x000000ffU
#define COPY_FORMAT	0x00000f00U
#define COPY_FORMAT_1	0x00000100U	/* for guards of 32 and 64 bits; 2 and 3 name namespaces */
#define COPY_PRCHK_R	0x00007000U
#define COPY_PRACT_R	0x00008000U
#define COPY_PRINFO_R	(COPY_PRACT_R | COPY_PRCHK_R)
#define COPY_FIELDS	(COPY_NR | COPY_FORMAT | COPY_PRINFO_R | RW_DTYPE | RW_PRINFO | \
			 RW_FUA | RW_LR)
#define COPY_SLBA	8
#define COPY_NLB	16
#define COPY_RSVD	18	/* to COPY_TAG_0 or COPY_TAG_1 */
#define COPY_TAG_0	24
#define COPY_TAG_1	26

/* Reservations (Base 7.2 to 7.5): dword 10; bytes of data */
#define RESV_REGISTER_FIELDS	0xc000000fU
#define RESV_TYPED_FIELDS	0x0000ff0fU
#define RESV_REPORT_EDS		0x00000001U	/* dword 11: extended data structure */
#define RESV_KEYS		16
#define RESV_KEY		8

#define PI_TUPLE		8	/* bytes of a tuple with a guard of 16 bits */
#define PI_TYPE_3		3	/* its reference tags mean nothing to the drive */

enum io_kind {
	IO_UNKNOWN,
	IO_REFUSED,
	IO_FLUSH,
	IO_LBAS,
	IO_DSM,
	IO_COPY,
	IO_RESV,
};

#define IO_MODIFIES	0x01	/* the medium */
#define IO_WRITABLE	0x02	/* wants a file that is open for writing */
#define IO_MOVES	0x04	/* the data of its LBAs, to or from the host */
#define IO_PI		0x08	/* has PRINFO, dwords 14 and 15 */
#define IO_SOLE		0x10	/* concerns the drive's namespace as a whole */

#define IO_WRITES	(IO_MODIFIES | IO_WRITABLE)

/**
 * struct io_rule - what is allowed of one opcode
 * @why: IO_REFUSED: why
 * @cdw12: bits that may be set
 * @cdw13: likewise; 0 if the dword is not used
 * @kind: enum io_kind
 * @level: least enum pnvme_policy
 * @class: enum pnvme_policy_class
 * @flags: see above
 */
struct io_rule {
	const char	*why;
	u32		cdw12;
	u32		cdw13;
	u8		kind;
	u8		level;
	u8		class;
	u8		flags;
};

#define IO_LBA_RULE(lvl, cls, dw12, dw13, bits) \
	{ .kind = IO_LBAS, .level = PNVME_POLICY_##lvl, .class = PNVME_POLICY_CLASS_##cls, \
	  .cdw12 = (dw12), .cdw13 = (dw13), .flags = (bits) }
#define IO_OTHER_RULE(knd, lvl, cls, bits) \
	{ .kind = (knd), .level = PNVME_POLICY_##lvl, .class = PNVME_POLICY_CLASS_##cls, \
	  .flags = (bits) }
#define IO_REFUSE_RULE(text) \
	{ .kind = IO_REFUSED, .class = PNVME_POLICY_CLASS_OTHER, .why = (text) }

static const struct io_rule io_rules[OP_VENDOR] = {
	[OP_READ] = IO_LBA_RULE(READ, READ, RW_COMMON, RW_HINTS, IO_MOVES | IO_PI),
	[OP_COMPARE] = IO_LBA_RULE(READ, READ, RW_COMMON, 0, IO_MOVES | IO_PI),
	[OP_VERIFY] = IO_LBA_RULE(READ, READ, RW_COMMON, 0, IO_PI),
	[OP_WRITE] = IO_LBA_RULE(DATA, WRITE, RW_COMMON | RW_DTYPE, DSPEC | RW_HINTS,
				 IO_WRITES | IO_MOVES | IO_PI),
	[OP_WRITE_ZEROES] = IO_LBA_RULE(DATA, WRITE, RW_COMMON | RW_DEAC, 0, IO_WRITES | IO_PI),
	[OP_WRITE_UNCORRECTABLE] = IO_LBA_RULE(DATA, WRITE, RW_NLB, 0, IO_WRITES),
	[OP_DSM] = IO_OTHER_RULE(IO_DSM, DATA, WRITE, IO_WRITES),
	[OP_COPY] = IO_OTHER_RULE(IO_COPY, DATA, WRITE, IO_WRITES | IO_PI),
	[OP_FLUSH] = IO_OTHER_RULE(IO_FLUSH, READ, OTHER, 0),
	[OP_RESV_REPORT] = IO_OTHER_RULE(IO_RESV, READ, OTHER, IO_SOLE),
	[OP_RESV_REGISTER] = IO_OTHER_RULE(IO_RESV, DATA, OTHER, IO_SOLE | IO_WRITABLE),
	[OP_RESV_ACQUIRE] = IO_OTHER_RULE(IO_RESV, DATA, OTHER, IO_SOLE | IO_WRITABLE),
	[OP_RESV_RELEASE] = IO_OTHER_RULE(IO_RESV, DATA, OTHER, IO_SOLE | IO_WRITABLE),

	[OP_IO_MGMT_RECV] = IO_REFUSE_RULE("tells of placement on the whole drive"),
	[OP_IO_MGMT_SEND] = IO_REFUSE_RULE("changes placement on the whole drive"),
	[OP_CANCEL] = IO_REFUSE_RULE("may cancel commands of others"),
	[OP_ZONE_MGMT_SEND] = IO_REFUSE_RULE("is for zoned drives"),
	[OP_ZONE_MGMT_RECV] = IO_REFUSE_RULE("is for zoned drives"),
	[OP_ZONE_APPEND] = IO_REFUSE_RULE("is for zoned drives"),
	[OP_KV_LIST] = IO_REFUSE_RULE("is for key value drives"),
	[OP_KV_DELETE] = IO_REFUSE_RULE("is for key value drives"),
	[OP_KV_EXIST] = IO_REFUSE_RULE("is for key value drives"),
	[OP_FABRICS] = IO_REFUSE_RULE("is for connections over fabrics, which are the driver's"),
};

static const struct io_rule io_vendor =
	IO_REFUSE_RULE("is the vendor's, and what it does is not known");
static const struct io_rule io_unknown = IO_REFUSE_RULE("is not known");

static const struct io_rule *io_rule(u8 opcode)
{
	const struct io_rule *rule = &io_rules[opcode & (OP_VENDOR - 1)];

	if (opcode >= OP_VENDOR)
		return &io_vendor;
	return rule->kind == IO_UNKNOWN ? &io_unknown : rule;
}

static u64 lba_get(const struct nvme_uring_cmd *cmd)
{
	return (u64)cmd->cdw11 << 32 | cmd->cdw10;
}

static void lba_set(struct nvme_uring_cmd *cmd, u64 lba)
{
	cmd->cdw10 = lba;
	cmd->cdw11 = lba >> 32;
}

static bool range_ok(const struct pnvme_policy_ns *ns, u64 slba, u64 nlb,
		     struct pnvme_policy_answer *answer)
{
	if (nlb > ns->lbas || slba > ns->lbas - nlb)
		return policy_refuse(answer, POLICY_LBA_RANGE, "reaches past the namespace's end");
	return true;
}

/* Reserved bits may come to mean anything, a wider reach too. */
static bool fields_ok(u32 dword, u32 known, struct pnvme_policy_answer *answer)
{
	if (dword & ~known)
		return policy_refuse(answer, -EINVAL, "has fields set that are not known");
	return true;
}

static bool directive_ok(u32 cdw12, struct pnvme_policy_answer *answer)
{
	u32 type = cdw12 & RW_DTYPE;

	if (type != DTYPE_NONE && type != DTYPE_PLACEMENT)
		return policy_refuse(answer, -EINVAL, "has a directive other than data placement");
	return true;
}

/*
 * Reference tags of types 1 and 2 are LBAs of the drive. The drive counts from the one in dword
 * 14, which is translated. Those in metadata would have to be rewritten in the caller's memory: so
 * commands that move tuples are refused, and PRACT lets the drive make and check them (@pract).
 * 8 bytes of metadata have room for no guard but that of 16 bits, whose tuples are known.
 */
static bool protection_ok(const struct pnvme_policy_ns *ns, bool prinfo, bool pract,
			  struct pnvme_policy_answer *answer)
{
	if (!ns->pi_type && prinfo)
		return policy_refuse(answer, -EINVAL,
				     "asks for protection information, which the namespace has not");
	if (!ns->pi_type)
		return true;
	if (ns->meta_bytes != PI_TUPLE)
		return policy_refuse(answer, -EOPNOTSUPP,
				     "has protection information beside other metadata, or of another size");
	if (ns->pi_type != PI_TYPE_3 && !pract)
		return policy_refuse(answer, -EOPNOTSUPP,
				     "leaves protection information to the caller, whose reference tags are not the drive's: set PRACT");
	return true;
}

static void protection_translate(const struct pnvme_policy_ns *ns, const struct io_rule *rule,
				 struct nvme_uring_cmd *cmd)
{
	if (!ns->pi_type || !(rule->flags & IO_PI)) {
		cmd->cdw14 = 0;
		cmd->cdw15 = 0;
	} else if (ns->pi_type != PI_TYPE_3) {
		cmd->cdw14 += (u32)ns->first;
	}
}

/* With PRACT a tuple that is all of the metadata is not transferred (NVM 5.2.2.1). */
static u64 lbas_meta(const struct pnvme_policy_ns *ns, const struct nvme_uring_cmd *cmd, u64 nlb)
{
	if (ns->pi_type && (cmd->cdw12 & RW_PRACT))
		return 0;
	return nlb * ns->meta_bytes;
}

static bool io_lbas(const struct pnvme_policy_ns *ns, const struct io_rule *rule,
		    struct nvme_uring_cmd *cmd, bool vec, struct pnvme_policy_answer *answer)
{
	u64 slba = lba_get(cmd), nlb = (u64)(cmd->cdw12 & RW_NLB) + 1;
	bool moves = rule->flags & IO_MOVES;

	if (!fields_ok(cmd->cdw12, rule->cdw12, answer) ||
	    !fields_ok(rule->cdw13 ? cmd->cdw13 : 0, rule->cdw13, answer) ||
	    !directive_ok(cmd->cdw12, answer))
		return false;
	if ((rule->flags & IO_PI) &&
	    !protection_ok(ns, cmd->cdw12 & RW_PRINFO, !moves || (cmd->cdw12 & RW_PRACT), answer))
		return false;
	if (!range_ok(ns, slba, nlb, answer) ||
	    !policy_buffers_ok(cmd, vec, moves ? nlb << ns->lba_shift : 0,
			       moves ? lbas_meta(ns, cmd, nlb) : 0, answer))
		return false;

	lba_set(cmd, slba + ns->first);
	if (!(cmd->cdw12 & RW_DTYPE))
		cmd->cdw13 &= rule->cdw13 & ~DSPEC;
	protection_translate(ns, rule, cmd);
	return true;
}

static bool io_dsm(struct nvme_uring_cmd *cmd, bool vec, struct pnvme_policy_answer *answer)
{
	u32 ranges = (cmd->cdw10 & DSM_NR) + 1;

	if (!fields_ok(cmd->cdw10, DSM_NR, answer) ||
	    !fields_ok(cmd->cdw11, DSM_ATTRIBUTES, answer) ||
	    !policy_buffers_ok(cmd, vec, ranges * DSM_RANGE, 0, answer))
		return false;
	cmd->cdw12 = 0;
	cmd->cdw13 = 0;
	cmd->cdw14 = 0;
	cmd->cdw15 = 0;
	answer->act = PNVME_POLICY_COPY;
	return true;
}

static u32 copy_descriptor_bytes(u32 cdw12)
{
	return cdw12 & COPY_FORMAT ? 40 : 32;
}

static bool copy_protection_ok(const struct pnvme_policy_ns *ns, u32 cdw12,
			       struct pnvme_policy_answer *answer)
{
	bool both = (cdw12 & COPY_PRACT_R) && (cdw12 & RW_PRACT);

	if (!protection_ok(ns, cdw12 & (COPY_PRINFO_R | RW_PRINFO), both, answer))
		return false;
	if (ns->pi_type && (cdw12 & COPY_FORMAT))
		return policy_refuse(answer, -EINVAL,
				     "has source descriptors for guards of more than 16 bits");
	return true;
}

/* Whether the destination is large enough is known when the descriptors are. */
static bool io_copy(const struct pnvme_policy_ns *ns, const struct io_rule *rule,
		    struct nvme_uring_cmd *cmd, bool vec, struct pnvme_policy_answer *answer)
{
	u32 count = (cmd->cdw12 & COPY_NR) + 1;
	u64 sdlba = lba_get(cmd);

	if ((cmd->cdw12 & COPY_FORMAT) > COPY_FORMAT_1)
		return policy_refuse(answer, -EOPNOTSUPP,
				     "has source descriptors that name another namespace, or are not known");
	if (!fields_ok(cmd->cdw12, COPY_FIELDS, answer) ||
	    !fields_ok(cmd->cdw13, DSPEC, answer) ||
	    !directive_ok(cmd->cdw12, answer) ||
	    !copy_protection_ok(ns, cmd->cdw12, answer) ||
	    !range_ok(ns, sdlba, 1, answer) ||
	    !policy_buffers_ok(cmd, vec, count * copy_descriptor_bytes(cmd->cdw12), 0, answer))
		return false;

	lba_set(cmd, sdlba + ns->first);
	if (!(cmd->cdw12 & RW_DTYPE))
		cmd->cdw13 = 0;
	protection_translate(ns, rule, cmd);
	answer->act = PNVME_POLICY_COPY;
	return true;
}

/* Keys are data, but hold no LBA: the caller's buffer will do. */
static bool io_resv(struct nvme_uring_cmd *cmd, bool vec, struct pnvme_policy_answer *answer)
{
	u32 known = RESV_TYPED_FIELDS, cdw11 = 0;
	u64 bytes = RESV_KEYS;

	if (cmd->opcode == OP_RESV_REGISTER) {
		known = RESV_REGISTER_FIELDS;
	} else if (cmd->opcode == OP_RESV_RELEASE) {
		bytes = RESV_KEY;
	} else if (cmd->opcode == OP_RESV_REPORT) {
		known = U32_MAX;	/* dwords to transfer, 0's based */
		bytes = ((u64)cmd->cdw10 + 1) * 4;
		cdw11 = cmd->cdw11;
	}
	if (!fields_ok(cmd->cdw10, known, answer) ||
	    !fields_ok(cdw11, RESV_REPORT_EDS, answer) ||
	    !policy_buffers_ok(cmd, vec, bytes, 0, answer))
		return false;
	cmd->cdw11 = cdw11;
	cmd->cdw12 = 0;
	cmd->cdw13 = 0;
	cmd->cdw14 = 0;
	cmd->cdw15 = 0;
	return true;
}

static bool io_flush(struct nvme_uring_cmd *cmd, struct pnvme_policy_answer *answer)
{
	if (!policy_buffers_ok(cmd, false, 0, 0, answer))
		return false;
	cmd->cdw10 = 0;
	cmd->cdw11 = 0;
	cmd->cdw12 = 0;
	cmd->cdw13 = 0;
	cmd->cdw14 = 0;
	cmd->cdw15 = 0;
	return true;
}

/* Whether it is allowed at all, to whom has this file open. */
static bool io_allowed(const struct pnvme_policy_ns *ns, const struct nvme_uring_cmd *cmd,
		       const struct io_rule *rule, struct pnvme_policy_answer *answer)
{
	if (rule->kind == IO_REFUSED)
		return policy_refuse(answer, -EOPNOTSUPP, rule->why);
	if (cmd->nsid != ns->nsid)
		return policy_refuse(answer, -EINVAL, "names another namespace");
	if (ns->level < rule->level)
		return policy_refuse(answer, -EACCES, POLICY_NEEDS_DATA);
	if ((rule->flags & IO_SOLE) && !ns->sole)
		return policy_refuse(answer, -EOPNOTSUPP,
				     "is for the whole drive, which has other namespaces");
	if ((rule->flags & IO_WRITABLE) && !ns->writable)
		return policy_refuse(answer, -EACCES,
				     "writes: the file is open for reading, or the namespace is read-only");
	if (cmd->cdw2 || cmd->cdw3)
		return policy_refuse(answer, -EINVAL,
				     "has storage tags or other fields in dwords 2 and 3");
	return true;
}

/*
 * What nearly all commands are: a Read or Write without anything special, to LBAs without metadata.
 * Nothing is judged otherwise than below, for which the fuzzer looks; it takes a third of the
 * instructions. Returns whether it was one, and is done.
 */
static bool plain(const struct pnvme_policy_ns *ns, struct nvme_uring_cmd *cmd,
		  struct pnvme_policy_answer *answer)
{
	bool write = cmd->opcode == OP_WRITE;
	u64 slba = lba_get(cmd), nlb = (u64)(cmd->cdw12 & RW_NLB) + 1;

	if ((!write && cmd->opcode != OP_READ) || cmd->nsid != ns->nsid)
		return false;
	if (cmd->flags | cmd->rsvd1 | cmd->rsvd2 | cmd->cdw2 | cmd->cdw3 | cmd->cdw13 |
	    (cmd->cdw12 & ~RW_NLB) | cmd->metadata | cmd->metadata_len | ns->pi_type |
	    ns->meta_bytes)
		return false;
	if (write && (ns->level < PNVME_POLICY_DATA || !ns->writable))
		return false;
	if (!cmd->addr || (cmd->addr & 3) || cmd->data_len != nlb << ns->lba_shift)
		return false;
	if (nlb > ns->lbas || slba > ns->lbas - nlb)
		return false;

	lba_set(cmd, slba + ns->first);
	cmd->nsid = ns->lower_nsid;
	cmd->cdw14 = 0;
	cmd->cdw15 = 0;
	*answer = (struct pnvme_policy_answer) {
		.act = PNVME_POLICY_FORWARD,
		.class = write ? PNVME_POLICY_CLASS_WRITE : PNVME_POLICY_CLASS_READ,
		.data_len = cmd->data_len,
		.modifies = write,
		.to_drive = write,
	};
	return true;
}

static void check(const struct pnvme_policy_ns *ns, struct nvme_uring_cmd *cmd, bool vec,
		  struct pnvme_policy_answer *answer)
{
	const struct io_rule *rule = io_rule(cmd->opcode);
	bool ok = false;

	*answer = (struct pnvme_policy_answer) {
		.act = PNVME_POLICY_FORWARD,
		.class = rule->class,
		.modifies = rule->flags & IO_MODIFIES,
		.to_drive = cmd->opcode & 1,	/* bits 1:0 are the direction, Base 3.3.3.1 */
	};
	if (!policy_frame_ok(cmd, answer) || !io_allowed(ns, cmd, rule, answer))
		return;

	switch (rule->kind) {
	case IO_LBAS:
		answer->flushes = answer->modifies && (cmd->cdw12 & RW_FUA);
		ok = io_lbas(ns, rule, cmd, vec, answer);
		break;
	case IO_FLUSH:
		answer->flushes = true;
		ok = io_flush(cmd, answer);
		break;
	case IO_DSM:
		ok = io_dsm(cmd, vec, answer);
		break;
	case IO_COPY:
		answer->flushes = cmd->cdw12 & RW_FUA;
		ok = io_copy(ns, rule, cmd, vec, answer);
		break;
	case IO_RESV:
		ok = io_resv(cmd, vec, answer);
		break;
	}
	if (!ok)
		return;
	cmd->nsid = ns->lower_nsid;
	policy_buffers_clean(cmd, answer);
}

void pnvme_policy_io(const struct pnvme_policy_ns *ns, struct nvme_uring_cmd *cmd, bool vec,
		     struct pnvme_policy_answer *answer)
{
	if (vec || !plain(ns, cmd, answer))
		check(ns, cmd, vec, answer);
}

/* Ranges of no length are allowed, but lie in the namespace like all. */
static bool dsm_ranges(const struct pnvme_policy_ns *ns, const struct nvme_uring_cmd *cmd, u8 *data,
		       struct pnvme_policy_answer *answer)
{
	u32 i, nlb, ranges = (cmd->cdw10 & DSM_NR) + 1;
	u64 slba;

	for (i = 0; i < ranges; i++, data += DSM_RANGE) {
		slba = policy_get64(data + DSM_RANGE_SLBA);
		nlb = policy_get32(data + DSM_RANGE_NLB);
		if (!range_ok(ns, slba, nlb ? nlb : 1, answer))
			return false;
		policy_put64(data + DSM_RANGE_SLBA, slba + ns->first);
	}
	return true;
}

static bool all_zero(const u8 *p, size_t bytes)
{
	while (bytes--) {
		if (*p++)
			return false;
	}
	return true;
}

/* One descriptor of Copy; its reserved fields are where others name a namespace. */
static bool copy_source(const struct pnvme_policy_ns *ns, u32 cdw12, u8 *data, u64 *total,
			struct pnvme_policy_answer *answer)
{
	u32 tag = cdw12 & COPY_FORMAT ? COPY_TAG_1 : COPY_TAG_0;
	u64 slba = policy_get64(data + COPY_SLBA);
	u64 nlb = (u64)policy_get16(data + COPY_NLB) + 1;

	if (!all_zero(data, COPY_SLBA) || !all_zero(data + COPY_RSVD, tag - COPY_RSVD))
		return policy_refuse(answer, -EINVAL,
				     "has a source descriptor with fields that are not known");
	if (!range_ok(ns, slba, nlb, answer))
		return false;
	*total += nlb;
	policy_put64(data + COPY_SLBA, slba + ns->first);
	/* the format is 0 then */
	if (ns->pi_type && ns->pi_type != PI_TYPE_3)
		policy_put32(data + tag, policy_get32(data + tag) + (u32)ns->first);
	return true;
}

static bool copy_sources(const struct pnvme_policy_ns *ns, const struct nvme_uring_cmd *cmd,
			 u8 *data, struct pnvme_policy_answer *answer)
{
	u32 i, count = (cmd->cdw12 & COPY_NR) + 1;
	u64 total = 0;

	for (i = 0; i < count; i++, data += copy_descriptor_bytes(cmd->cdw12)) {
		if (!copy_source(ns, cmd->cdw12, data, &total, answer))
			return false;
	}
	return range_ok(ns, lba_get(cmd) - ns->first, total, answer);
}

void pnvme_policy_data(const struct pnvme_policy_ns *ns, const struct nvme_uring_cmd *cmd,
		       void *data, struct pnvme_policy_answer *answer)
{
	if (cmd->opcode == OP_DSM)
		dsm_ranges(ns, cmd, data, answer);
	else if (cmd->opcode == OP_COPY)
		copy_sources(ns, cmd, data, answer);
	else
		policy_refuse(answer, -EINVAL, "has no data to check");
}
