// SPDX-License-Identifier: GPL-2.0
/*
 * Passthrough commands of the admin queue: what tells of the namespace or of the drive's health
 * is let through, what changes the drive is not. Pure: the unit tests compile this file in
 * userspace. Documentation/passthrough.rst has it in words; "Base" is the NVM Express Base
 * Specification 2.0.
 */
#include "policy_priv.h"

/* Opcodes: Base 5, figure 138; from 0x80 on of the command set. */
enum {
	OP_DELETE_SQ		= 0x00,
	OP_CREATE_SQ		= 0x01,
	OP_GET_LOG		= 0x02,
	OP_DELETE_CQ		= 0x04,
	OP_CREATE_CQ		= 0x05,
	OP_IDENTIFY		= 0x06,
	OP_ABORT		= 0x08,
	OP_SET_FEATURES		= 0x09,
	OP_GET_FEATURES		= 0x0a,
	OP_ASYNC_EVENT		= 0x0c,
	OP_NS_MGMT		= 0x0d,
	OP_FW_COMMIT		= 0x10,
	OP_FW_DOWNLOAD		= 0x11,
	OP_SELF_TEST		= 0x14,
	OP_NS_ATTACH		= 0x15,
	OP_KEEP_ALIVE		= 0x18,
	OP_DIRECTIVE_SEND	= 0x19,
	OP_DIRECTIVE_RECV	= 0x1a,
	OP_VIRT_MGMT		= 0x1c,
	OP_MI_SEND		= 0x1d,
	OP_MI_RECV		= 0x1e,
	OP_CAPACITY_MGMT	= 0x20,
	OP_DISCOVERY_MGMT	= 0x21,
	OP_ZONING_RECV		= 0x22,
	OP_LOCKDOWN		= 0x24,
	OP_ZONING_LOOKUP	= 0x25,
	OP_EXPORT_CLEAR		= 0x28,
	OP_ZONING_SEND		= 0x29,
	OP_EXPORT_CREATE	= 0x2a,
	OP_EXPORT_MANAGE	= 0x2d,
	OP_EXPORT_NS		= 0x31,
	OP_EXPORT_PORT		= 0x35,
	OP_DISCOVERY_SEND	= 0x39,
	OP_TRACK_SEND		= 0x3d,
	OP_TRACK_RECV		= 0x3e,
	OP_MIGRATION_SEND	= 0x41,
	OP_MIGRATION_RECV	= 0x42,
	OP_DATA_QUEUE		= 0x45,
	OP_DOORBELL_BUFFER	= 0x7c,
	OP_FABRICS		= 0x7f,
	OP_FORMAT		= 0x80,
	OP_SECURITY_SEND	= 0x81,
	OP_SECURITY_RECV	= 0x82,
	OP_SANITIZE		= 0x84,
	OP_LOAD_PROGRAM		= 0x85,
	OP_LBA_STATUS		= 0x86,
	OP_ACTIVATE_PROGRAM	= 0x88,
	OP_MEMORY_RANGES	= 0x89,
	OP_VENDOR		= 0xc0,
};

#define QUEUES		"is for the drive's queues, which are the driver's"
#define WHOLE_DRIVE	"changes the whole drive"
#define OTHERS		"concerns the commands of others"
#define PORTS		"is for discovery and exported resources, not for a namespace"
#define PROGRAMS	"is for computational programs"
#define MIGRATION	"tells of the whole drive's state or changes it"

/* Why not; those that may be allowed, and those that are not known, have none. */
static const char *const admin_refused[OP_VENDOR] = {
	[OP_DELETE_SQ] = QUEUES,
	[OP_CREATE_SQ] = QUEUES,
	[OP_DELETE_CQ] = QUEUES,
	[OP_CREATE_CQ] = QUEUES,
	[OP_DOORBELL_BUFFER] = QUEUES,
	[OP_ABORT] = OTHERS,
	[OP_ASYNC_EVENT] = "takes events that the driver waits for",
	[OP_KEEP_ALIVE] = "is the driver's",
	[OP_SET_FEATURES] = "changes settings of the whole drive",
	[OP_NS_MGMT] = "creates and deletes namespaces of the whole drive",
	[OP_NS_ATTACH] = "attaches and detaches namespaces of the whole drive",
	[OP_FW_COMMIT] = "changes the firmware of the whole drive",
	[OP_FW_DOWNLOAD] = "changes the firmware of the whole drive",
	[OP_SELF_TEST] = "tests the whole drive",
	[OP_DIRECTIVE_SEND] = "changes directives of the whole drive",
	[OP_DIRECTIVE_RECV] = "may take resources of the whole drive",
	[OP_VIRT_MGMT] = "moves resources of the whole drive",
	[OP_MI_SEND] = "manages the whole drive and its enclosure",
	[OP_MI_RECV] = "manages the whole drive and its enclosure",
	[OP_CAPACITY_MGMT] = "changes the capacity of the whole drive",
	[OP_LOCKDOWN] = "locks commands of the whole drive",
	[OP_DISCOVERY_MGMT] = PORTS,
	[OP_ZONING_RECV] = PORTS,
	[OP_ZONING_LOOKUP] = PORTS,
	[OP_ZONING_SEND] = PORTS,
	[OP_EXPORT_CLEAR] = PORTS,
	[OP_EXPORT_CREATE] = PORTS,
	[OP_EXPORT_MANAGE] = PORTS,
	[OP_EXPORT_NS] = PORTS,
	[OP_EXPORT_PORT] = PORTS,
	[OP_DISCOVERY_SEND] = PORTS,
	[OP_TRACK_SEND] = MIGRATION,
	[OP_TRACK_RECV] = MIGRATION,
	[OP_MIGRATION_SEND] = MIGRATION,
	[OP_MIGRATION_RECV] = MIGRATION,
	[OP_DATA_QUEUE] = MIGRATION,
	[OP_FABRICS] = "is for connections over fabrics, which are the driver's",
	[OP_FORMAT] = "erases the whole drive",
	[OP_SANITIZE] = "erases the whole drive",
	[OP_SECURITY_SEND] = "changes the security of the whole drive",
	[OP_SECURITY_RECV] = "may change the security of the whole drive",
	[OP_LOAD_PROGRAM] = PROGRAMS,
	[OP_ACTIVATE_PROGRAM] = PROGRAMS,
	[OP_MEMORY_RANGES] = PROGRAMS,
	[OP_LBA_STATUS] = "tells of LBAs of the whole drive",
};

static bool is_level(const struct pnvme_policy_ns *ns, u8 level, struct pnvme_policy_answer *answer)
{
	if (ns->level < level)
		return policy_refuse(answer, -EACCES, POLICY_NEEDS_ADMIN);
	return true;
}

/* Identify (Base 5.17): dword 10 has the CNS, dword 11 the command set's identifier (CSI) */
#define CNS(cdw10)		((cdw10) & 0xff)
#define CSI(cdw11)		((cdw11) >> 24)
#define UUID_INDEX		0x0000007fU	/* dword 14 */
#define CSI_NVM			0

enum {
	CNS_NS			= 0x00,
	CNS_CTRL		= 0x01,
	CNS_ACTIVE		= 0x02,
	CNS_DESCRIPTORS		= 0x03,
	CNS_NS_OF_SET		= 0x05,
	CNS_CTRL_OF_SET		= 0x06,
	CNS_ACTIVE_OF_SET	= 0x07,
	CNS_NS_ANY_SET		= 0x08,
	CNS_COUNT,
};

/* What is to be done with one value of CNS, and what becomes of the nsid. */
struct identify_rule {
	u8	known;		/* all that follow are of no value without */
	u8	act;		/* enum pnvme_policy_act */
	u8	own_nsid;	/* its nsid is the namespace's */
	u8	or_all;		/* or stands for all */
	u8	of_set;		/* it has a CSI, which is the NVM command set's */
};

static const struct identify_rule identify_rules[CNS_COUNT] = {
	[CNS_NS]		= { 1, PNVME_POLICY_EDIT, 1, 1, 0 },
	[CNS_CTRL]		= { 1, PNVME_POLICY_EDIT, 0, 0, 0 },
	[CNS_ACTIVE]		= { 1, PNVME_POLICY_MAKE, 0, 0, 0 },
	[CNS_DESCRIPTORS]	= { 1, PNVME_POLICY_MAKE, 1, 0, 0 },
	[CNS_NS_OF_SET]		= { 1, PNVME_POLICY_FORWARD, 1, 1, 1 },
	[CNS_CTRL_OF_SET]	= { 1, PNVME_POLICY_FORWARD, 0, 0, 1 },
	[CNS_ACTIVE_OF_SET]	= { 1, PNVME_POLICY_MAKE, 0, 0, 1 },
	[CNS_NS_ANY_SET]	= { 1, PNVME_POLICY_EDIT, 1, 0, 0 },
};

static bool identify_nsid_ok(const struct pnvme_policy_ns *ns, const struct identify_rule *rule,
			     u32 nsid, struct pnvme_policy_answer *answer)
{
	bool ok = !rule->own_nsid || nsid == ns->nsid || (rule->or_all && nsid == POLICY_NSID_ALL);

	/* a list begins behind its nsid, which is below these (Base 5.17.2.2) */
	if (rule->act == PNVME_POLICY_MAKE && nsid >= POLICY_NSID_ALL - 1)
		ok = false;
	if (!ok)
		return policy_refuse(answer, POLICY_INVALID_NS, "names another namespace");
	return true;
}

static bool admin_identify(const struct pnvme_policy_ns *ns, struct nvme_uring_cmd *cmd,
			   struct pnvme_policy_answer *answer)
{
	u32 cns = CNS(cmd->cdw10);
	const struct identify_rule *rule;

	if (cns >= CNS_COUNT || !identify_rules[cns].known)
		return policy_refuse(answer, POLICY_INVALID_FIELD,
				     "tells of what lies beyond the namespace");
	rule = &identify_rules[cns];
	if (rule->of_set && CSI(cmd->cdw11) != CSI_NVM)
		return policy_refuse(answer, POLICY_INVALID_FIELD, "is for another command set");
	if (!identify_nsid_ok(ns, rule, cmd->nsid, answer) ||
	    !policy_buffers_ok(cmd, false, PNVME_POLICY_IDENTIFY_BYTES, 0, answer))
		return false;

	if (rule->act == PNVME_POLICY_MAKE)
		;	/* the list begins behind it */
	else if (rule->own_nsid)
		cmd->nsid = ns->lower_nsid;
	else
		cmd->nsid = 0;
	/* neither controller nor NVM set: no structure that is allowed has one */
	cmd->cdw10 = cns;
	cmd->cdw11 = 0;
	cmd->cdw12 = 0;
	cmd->cdw13 = 0;
	cmd->cdw14 &= UUID_INDEX;
	cmd->cdw15 = 0;
	answer->act = rule->act;
	return true;
}

/* Get Log Page (Base 5.16): dwords 10 to 14 */
#define LOG_ID(cdw10)		((cdw10) & 0xff)
#define LOG_KEEP_EVENT		0x00008000U	/* RAE: what is to be read stays to be read */
#define LOG_DWORDS_LOW		0xffff0000U
#define LOG_DWORDS_HIGH		0x0000ffffU
#define LOG_SPECIFIC_ID		0xffff0000U	/* dword 11 */
#define LOG_OFFSET_TYPE		0x00800000U	/* dword 14 */

enum {
	LOG_SUPPORTED		= 0x00,
	LOG_ERROR		= 0x01,
	LOG_SMART		= 0x02,
	LOG_FIRMWARE		= 0x03,
	LOG_CHANGED_NS		= 0x04,
	LOG_EFFECTS		= 0x05,
	LOG_SELF_TEST		= 0x06,
	LOG_TELEMETRY_HOST	= 0x07,
	LOG_TELEMETRY_CTRL	= 0x08,
	LOG_ENDURANCE		= 0x09,
	LOG_ANA			= 0x0c,
	LOG_PERSISTENT		= 0x0d,
	LOG_LBA_STATUS		= 0x0e,
	LOG_FEATURES		= 0x12,
	LOG_RESERVATION		= 0x80,
	LOG_SANITIZE		= 0x81,
	LOG_VENDOR		= 0xc0,
};

/* The level a log needs, or why it is refused. */
static const char *log_flaw(u32 id, u8 *level)
{
	switch (id) {
	case LOG_ERROR:
	case LOG_SMART:
	case LOG_FIRMWARE:
	case LOG_EFFECTS:
		*level = PNVME_POLICY_READ;
		return NULL;
	case LOG_SUPPORTED:
	case LOG_SELF_TEST:
	case LOG_ENDURANCE:
	case LOG_FEATURES:
	case LOG_SANITIZE:
		*level = PNVME_POLICY_ADMIN;
		return NULL;
	case LOG_CHANGED_NS:
	case LOG_ANA:
		return "reads a log of the drive's namespaces, which the driver follows";
	case LOG_TELEMETRY_HOST:
	case LOG_TELEMETRY_CTRL:
	case LOG_PERSISTENT:
		return "reads a log of the whole drive's inside, and may change what is kept there";
	case LOG_LBA_STATUS:
		return "reads a log of LBAs of the whole drive";
	case LOG_RESERVATION:
		return "reads a log that loses what was read";
	default:
		if (id >= LOG_VENDOR)
			return "reads a log of the vendor's, and what that does is not known";
		return "reads a log that is not known, or is for the whole drive";
	}
}

static u64 log_bytes(const struct nvme_uring_cmd *cmd)
{
	u64 dwords = (u64)(cmd->cdw11 & LOG_DWORDS_HIGH) << 16 | cmd->cdw10 >> 16;

	return (dwords + 1) * 4;
}

static bool admin_get_log(const struct pnvme_policy_ns *ns, struct nvme_uring_cmd *cmd,
			  struct pnvme_policy_answer *answer)
{
	u32 id = LOG_ID(cmd->cdw10), keep = LOG_DWORDS_HIGH;
	u8 level = PNVME_POLICY_ADMIN;
	const char *flaw = log_flaw(id, &level);

	if (flaw)
		return policy_refuse(answer, -EOPNOTSUPP, flaw);
	if (cmd->nsid && cmd->nsid != ns->nsid && cmd->nsid != POLICY_NSID_ALL)
		return policy_refuse(answer, POLICY_INVALID_NS, "names another namespace");
	if (!is_level(ns, level, answer) ||
	    !policy_buffers_ok(cmd, false, log_bytes(cmd), 0, answer))
		return false;

	if (id == LOG_ENDURANCE)
		keep |= LOG_SPECIFIC_ID;
	/* all of them are the controller's; without a log's own field, which may make it act */
	cmd->nsid = POLICY_NSID_ALL;
	cmd->cdw10 = (cmd->cdw10 & LOG_DWORDS_LOW) | LOG_KEEP_EVENT | id;
	cmd->cdw11 &= keep;
	cmd->cdw14 &= LOG_OFFSET_TYPE | UUID_INDEX;	/* CSI 0: the NVM command set */
	cmd->cdw15 = 0;
	return true;
}

/* Get Features (Base 5.15, 5.27.1): dwords 10 and 11 */
#define FEATURE_ID(cdw10)	((cdw10) & 0xff)
#define FEATURE_SELECT		0x00000700U	/* current, default, saved, capabilities */
#define FEATURE_SELECT_LAST	0x00000300U
#define FEATURE_SENSOR		0x003f0000U	/* dword 11 of the temperature threshold */

enum {
	FEATURE_ARBITRATION	= 0x01,
	FEATURE_POWER		= 0x02,
	FEATURE_LBA_TYPES	= 0x03,
	FEATURE_TEMPERATURE	= 0x04,
	FEATURE_ERROR_RECOVERY	= 0x05,
	FEATURE_WRITE_CACHE	= 0x06,
	FEATURE_QUEUES		= 0x07,
	FEATURE_COALESCING	= 0x08,
	FEATURE_ATOMICITY	= 0x0a,
	FEATURE_EVENTS		= 0x0b,
	FEATURE_AUTO_POWER	= 0x0c,
	FEATURE_HOST_MEMORY	= 0x0d,
	FEATURE_TIME		= 0x0e,
	FEATURE_THERMAL		= 0x10,
	FEATURE_NONOP_POWER	= 0x11,
	FEATURE_HOST_BEHAVIOR	= 0x16,
	FEATURE_SANITIZE	= 0x17,
	FEATURE_WRITE_PROTECT	= 0x84,
};

/* What of a feature is allowed, and of what form it is. */
struct feature {
	u16	bytes;		/* of data */
	u8	known;
	u8	of_ns;		/* each namespace has its own */
};

static struct feature feature(u32 id)
{
	switch (id) {
	case FEATURE_ARBITRATION:
	case FEATURE_POWER:
	case FEATURE_TEMPERATURE:
	case FEATURE_WRITE_CACHE:
	case FEATURE_QUEUES:
	case FEATURE_COALESCING:
	case FEATURE_ATOMICITY:
	case FEATURE_EVENTS:
	case FEATURE_THERMAL:
	case FEATURE_NONOP_POWER:
	case FEATURE_SANITIZE:
		return (struct feature) { .known = 1 };
	case FEATURE_ERROR_RECOVERY:
	case FEATURE_WRITE_PROTECT:
		return (struct feature) { .known = 1, .of_ns = 1 };
	case FEATURE_AUTO_POWER:
		return (struct feature) { .known = 1, .bytes = 256 };
	case FEATURE_TIME:
		return (struct feature) { .known = 1, .bytes = 8 };
	case FEATURE_HOST_BEHAVIOR:
		return (struct feature) { .known = 1, .bytes = 512 };
	default:
		return (struct feature) { 0 };
	}
}

static const char *feature_flaw(u32 id)
{
	if (id == FEATURE_LBA_TYPES)
		return "reads a feature that tells of LBAs of the whole drive";
	if (id == FEATURE_HOST_MEMORY)
		return "reads a feature that tells addresses of the kernel's memory";
	return "reads a feature that is not known, or is not the namespace's business";
}

static bool admin_get_features(const struct pnvme_policy_ns *ns, struct nvme_uring_cmd *cmd,
			       struct pnvme_policy_answer *answer)
{
	u32 id = FEATURE_ID(cmd->cdw10), select = cmd->cdw10 & FEATURE_SELECT;
	struct feature f = feature(id);

	if (!f.known)
		return policy_refuse(answer, -EOPNOTSUPP, feature_flaw(id));
	if (cmd->nsid != ns->nsid && (f.of_ns || (cmd->nsid && cmd->nsid != POLICY_NSID_ALL)))
		return policy_refuse(answer, POLICY_INVALID_NS, "names another namespace");
	if (select > FEATURE_SELECT_LAST || (cmd->cdw10 & ~(FEATURE_SELECT | 0xffU)))
		return policy_refuse(answer, -EINVAL, "has fields set that are not known");
	if (!is_level(ns, PNVME_POLICY_ADMIN, answer) ||
	    !policy_buffers_ok(cmd, false, f.bytes, 0, answer))
		return false;

	cmd->nsid = f.of_ns ? ns->lower_nsid : 0;
	cmd->cdw11 &= id == FEATURE_TEMPERATURE ? FEATURE_SENSOR : 0;
	cmd->cdw12 = 0;
	cmd->cdw13 = 0;
	cmd->cdw14 = 0;
	cmd->cdw15 = 0;
	return true;
}

static bool admin_check(const struct pnvme_policy_ns *ns, struct nvme_uring_cmd *cmd,
			struct pnvme_policy_answer *answer)
{
	if (cmd->opcode >= OP_VENDOR)
		return policy_refuse(answer, -EOPNOTSUPP,
				     "is the vendor's, and what it does is not known");
	if (admin_refused[cmd->opcode])
		return policy_refuse(answer, -EOPNOTSUPP, admin_refused[cmd->opcode]);

	switch (cmd->opcode) {
	case OP_IDENTIFY:
		return admin_identify(ns, cmd, answer);
	case OP_GET_LOG:
		return admin_get_log(ns, cmd, answer);
	case OP_GET_FEATURES:
		return admin_get_features(ns, cmd, answer);
	default:
		return policy_refuse(answer, -EOPNOTSUPP, "is not known");
	}
}

void pnvme_policy_admin(const struct pnvme_policy_ns *ns, struct nvme_uring_cmd *cmd,
			struct pnvme_policy_answer *answer)
{
	*answer = (struct pnvme_policy_answer) {
		.act = PNVME_POLICY_FORWARD,
		.class = PNVME_POLICY_CLASS_OTHER,
		.to_drive = cmd->opcode & 1,
	};
	if (!policy_frame_ok(cmd, answer) || !admin_check(ns, cmd, answer))
		return;
	cmd->cdw2 = 0;
	cmd->cdw3 = 0;
	policy_buffers_clean(cmd, answer);
}
