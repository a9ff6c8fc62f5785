// SPDX-License-Identifier: GPL-2.0
/*
 * What Identify answers, made true of the namespace. Pure: the unit tests compile this file in
 * userspace. Documentation/passthrough.rst says what is changed, and why. "Base" is the NVM
 * Express Base Specification 2.0, "NVM" the NVM Command Set Specification 1.0.
 */
#include "policy_priv.h"

/* Identify Namespace (NVM 4.1.5.1): offsets */
#define NS_NSZE			0
#define NS_NCAP			8
#define NS_NUSE			16
#define NS_NSFEAT		24
#define NS_NMIC			30
#define NS_RESCAP		31
#define NS_NABSN		38
#define NS_NABO			40
#define NS_NOIOB		46
#define NS_NVMCAP		48
#define NS_NGUID		104
#define NS_EUI64		120
#define NS_VENDOR		384
#define NSFEAT_THIN		0x01

/* Identify Namespace, independent of the command set (Base 5.17.2.8) */
#define ANY_NMIC		1
#define ANY_RESCAP		2

/* Identify Controller (Base 5.17.2.1) */
#define CTRL_CMIC		76
#define CTRL_OAES		92
#define CTRL_CTRATT		96
#define CTRL_OACS		256
#define CTRL_LPA		261
#define CTRL_TNVMCAP		280
#define CTRL_UNVMCAP		296
#define CTRL_RPMBS		312
#define CTRL_EDSTT		316
#define CTRL_SANICAP		328
#define CTRL_ANATT		342
#define CTRL_ANACAP		343
#define CTRL_ANAGRPMAX		344
#define CTRL_NANAGRPID		348
#define CTRL_NN			516
#define CTRL_ONCS		520
#define CTRL_FUSES		522
#define CTRL_FNA		524
#define CTRL_VWC		525
#define CTRL_NWPC		531
#define CTRL_OCFS		534
#define CTRL_MNAN		540

#define CTRATT_HOST_ID_128	0x00000001U
#define CTRATT_EXTENDED_LBAF	0x00008000U
#define LPA_EFFECTS		0x02
#define LPA_EXTENDED		0x04
#define VWC_PRESENT		0x01
#define VWC_NO_FLUSH_ALL	0x04	/* Flush of all namespaces is not supported */

#define ONCS_COMPARE		0x0001
#define ONCS_UNCORRECTABLE	0x0002
#define ONCS_DSM		0x0004
#define ONCS_ZEROES		0x0008
#define ONCS_FEATURE_SELECT	0x0010
#define ONCS_RESERVATIONS	0x0020
#define ONCS_VERIFY		0x0080
#define ONCS_COPY		0x0100
#define ONCS_COPY_ATOMIC	0x0200
#define ONCS_COPY_FAST		0x0400
#define ONCS_ZEROES_LARGE	0x0800
#define OCFS_FORMATS		0x0003	/* 0 and 1 */

/* Identify, CNS 2 and 3 */
#define CNS(cdw10)		((cdw10) & 0xff)
#define CNS_NS			0x00
#define CNS_CTRL		0x01
#define CNS_ACTIVE		0x02
#define CNS_DESCRIPTORS		0x03
#define CNS_ACTIVE_OF_SET	0x07
#define CNS_NS_ANY_SET		0x08
#define NIDT_NGUID		2
#define NIDT_UUID		3
#define NIDT_CSI		4
#define CSI_NVM			0

/* @by is at most 65,536: kernels of 32 bits have no division for more. */
static u32 modulo(u64 n, u32 by)
{
	u32 rest = (u32)(n >> 32) % by;

	rest = (rest << 16 | (u32)(n >> 16 & 0xffff)) % by;
	return (rest << 16 | (u32)(n & 0xffff)) % by;
}

/* Boundaries count from the drive's first LBA; they shall count from the namespace's. */
static void edit_boundaries(const struct pnvme_policy_ns *ns, u8 *id)
{
	u32 size = (u32)policy_get16(id + NS_NABSN) + 1;
	u16 optimal = policy_get16(id + NS_NOIOB);

	/* 0 is not one LBA, but no boundary */
	if (size > 1)
		policy_put16(id + NS_NABO,
			     (policy_get16(id + NS_NABO) + size - modulo(ns->first, size)) % size);
	if (optimal && modulo(ns->first, optimal))
		policy_put16(id + NS_NOIOB, 0);
}

static void edit_ns(const struct pnvme_policy_ns *ns, u8 *id)
{
	policy_put64(id + NS_NSZE, ns->lbas);
	policy_put64(id + NS_NCAP, ns->lbas);
	policy_put64(id + NS_NUSE, ns->lbas);
	policy_put64(id + NS_NVMCAP, ns->lbas << ns->lba_shift);
	policy_put64(id + NS_NVMCAP + 8, 0);
	id[NS_NSFEAT] &= ~NSFEAT_THIN;
	id[NS_NMIC] = 0;
	if (!ns->sole)
		id[NS_RESCAP] = 0;
	memcpy(id + NS_NGUID, ns->nguid, sizeof(ns->nguid));
	policy_put64(id + NS_EUI64, 0);
	edit_boundaries(ns, id);
	memset(id + NS_VENDOR, 0, PNVME_POLICY_IDENTIFY_BYTES - NS_VENDOR);
}

static void edit_ns_any_set(const struct pnvme_policy_ns *ns, u8 *id)
{
	id[ANY_NMIC] = 0;
	if (!ns->sole)
		id[ANY_RESCAP] = 0;
}

/* Optional commands: those that the level allows. */
static u16 optional_commands(const struct pnvme_policy_ns *ns)
{
	u16 bits = ONCS_COMPARE | ONCS_VERIFY;

	if (ns->level >= PNVME_POLICY_DATA)
		bits |= ONCS_UNCORRECTABLE | ONCS_DSM | ONCS_ZEROES | ONCS_ZEROES_LARGE |
			ONCS_COPY | ONCS_COPY_ATOMIC | ONCS_COPY_FAST;
	if (ns->level >= PNVME_POLICY_DATA && ns->sole)
		bits |= ONCS_RESERVATIONS;
	if (ns->level >= PNVME_POLICY_ADMIN)
		bits |= ONCS_FEATURE_SELECT;
	return bits;
}

/* Nothing of what would be refused, and no other namespace. */
static void edit_ctrl(const struct pnvme_policy_ns *ns, u8 *id)
{
	id[CTRL_CMIC] = 0;
	policy_put32(id + CTRL_OAES, 0);
	policy_put32(id + CTRL_CTRATT, policy_get32(id + CTRL_CTRATT) &
		     (CTRATT_HOST_ID_128 | CTRATT_EXTENDED_LBAF));
	policy_put16(id + CTRL_OACS, 0);
	id[CTRL_LPA] &= LPA_EFFECTS | LPA_EXTENDED;
	memset(id + CTRL_TNVMCAP, 0, CTRL_RPMBS - CTRL_TNVMCAP);
	policy_put32(id + CTRL_RPMBS, 0);
	policy_put16(id + CTRL_EDSTT, 0);
	policy_put32(id + CTRL_SANICAP, 0);
	id[CTRL_ANATT] = 0;
	id[CTRL_ANACAP] = 0;
	policy_put32(id + CTRL_ANAGRPMAX, 0);
	policy_put32(id + CTRL_NANAGRPID, 0);
	policy_put32(id + CTRL_NN, ns->nsid);
	policy_put16(id + CTRL_ONCS, policy_get16(id + CTRL_ONCS) & optional_commands(ns));
	policy_put16(id + CTRL_FUSES, 0);
	id[CTRL_FNA] = 0;
	id[CTRL_VWC] = (id[CTRL_VWC] & VWC_PRESENT) | VWC_NO_FLUSH_ALL;
	id[CTRL_NWPC] = 0;
	policy_put16(id + CTRL_OCFS, ns->level >= PNVME_POLICY_DATA ?
		     policy_get16(id + CTRL_OCFS) & OCFS_FORMATS : 0);
	policy_put32(id + CTRL_MNAN, 0);
}

/* Base 5.17.2.2: those above the command's nsid, ascending, then 0. */
static void make_active(const struct pnvme_policy_ns *ns, u32 above, u8 *list)
{
	if (ns->nsid > above)
		policy_put32(list, ns->nsid);
}

/* Base 5.17.2.3: type, length, two bytes of nothing, the identifier. */
static u8 *make_descriptor(u8 *at, u8 type, const u8 *identifier, u8 bytes)
{
	at[0] = type;
	at[1] = bytes;
	memcpy(at + 4, identifier, bytes);
	return at + 4 + bytes;
}

static void make_descriptors(const struct pnvme_policy_ns *ns, u8 *list)
{
	static const u8 csi = CSI_NVM;

	list = make_descriptor(list, NIDT_NGUID, ns->nguid, sizeof(ns->nguid));
	list = make_descriptor(list, NIDT_UUID, ns->uuid, sizeof(ns->uuid));
	make_descriptor(list, NIDT_CSI, &csi, sizeof(csi));
}

void pnvme_policy_edit(const struct pnvme_policy_ns *ns, const struct nvme_uring_cmd *cmd,
		       void *data)
{
	switch (CNS(cmd->cdw10)) {
	case CNS_NS:
		edit_ns(ns, data);
		break;
	case CNS_CTRL:
		edit_ctrl(ns, data);
		break;
	case CNS_NS_ANY_SET:
		edit_ns_any_set(ns, data);
		break;
	case CNS_DESCRIPTORS:
		make_descriptors(ns, data);
		break;
	case CNS_ACTIVE:
	case CNS_ACTIVE_OF_SET:
		make_active(ns, cmd->nsid, data);
		break;
	}
}
