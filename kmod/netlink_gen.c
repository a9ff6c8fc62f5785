// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/pnvme.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/pnvme.h>

/* Common nested types */
const struct nla_policy pnvme_peer_nl_policy[PNVME_A_PEER_SLOT + 1] = {
	[PNVME_A_PEER_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_PEER_HWID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_PEER_HWID_TYPE] = NLA_POLICY_MAX(NLA_U32, 2),
	[PNVME_A_PEER_SLOT] = { .type = NLA_NUL_STRING, .len = 31, },
};

/* PNVME_CMD_DRIVE_GET - do */
static const struct nla_policy pnvme_drive_get_do_nl_policy[PNVME_A_DRIVE_UUID + 1] = {
	[PNVME_A_DRIVE_UUID] = NLA_POLICY_EXACT_LEN(16),
};

/* PNVME_CMD_DRIVE_GET - dump */
static const struct nla_policy pnvme_drive_get_dump_nl_policy[PNVME_A_DRIVE_UUID + 1] = {
	[PNVME_A_DRIVE_UUID] = NLA_POLICY_EXACT_LEN(16),
};

/* PNVME_CMD_DRIVE_ADOPT - do */
static const struct nla_policy pnvme_drive_adopt_nl_policy[PNVME_A_DRIVE_CHECK + 1] = {
	[PNVME_A_DRIVE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_DRIVE_MAJOR] = { .type = NLA_U32, },
	[PNVME_A_DRIVE_MINOR] = { .type = NLA_U32, },
	[PNVME_A_DRIVE_DISKSEQ] = { .type = NLA_U64, },
	[PNVME_A_DRIVE_HOST] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_DRIVE_DIRTY] = { .type = NLA_FLAG, },
	[PNVME_A_DRIVE_ANY] = { .type = NLA_FLAG, },
	[PNVME_A_DRIVE_CHECK] = { .type = NLA_FLAG, },
};

/* PNVME_CMD_DRIVE_ATTACH - do */
static const struct nla_policy pnvme_drive_attach_nl_policy[PNVME_A_DRIVE_STALE + 1] = {
	[PNVME_A_DRIVE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_DRIVE_MAJOR] = { .type = NLA_U32, },
	[PNVME_A_DRIVE_MINOR] = { .type = NLA_U32, },
	[PNVME_A_DRIVE_DISKSEQ] = { .type = NLA_U64, },
	[PNVME_A_DRIVE_HOST] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_DRIVE_READ_ONLY] = NLA_POLICY_MAX(NLA_U8, 1),
	[PNVME_A_DRIVE_IDENTITY] = { .type = NLA_FLAG, },
	[PNVME_A_DRIVE_STALE] = { .type = NLA_FLAG, },
	[PNVME_A_DRIVE_CHECK] = { .type = NLA_FLAG, },
};

/* PNVME_CMD_DRIVE_IMPORT - do */
static const struct nla_policy pnvme_drive_import_nl_policy[PNVME_A_DRIVE_CHECK + 1] = {
	[PNVME_A_DRIVE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_DRIVE_MAJOR] = { .type = NLA_U32, },
	[PNVME_A_DRIVE_MINOR] = { .type = NLA_U32, },
	[PNVME_A_DRIVE_DISKSEQ] = { .type = NLA_U64, },
	[PNVME_A_DRIVE_HOST] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_DRIVE_OWNER] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_DRIVE_CHECK] = { .type = NLA_FLAG, },
};

/* PNVME_CMD_DRIVE_DETACH - do */
static const struct nla_policy pnvme_drive_detach_nl_policy[PNVME_A_DRIVE_CHECK + 1] = {
	[PNVME_A_DRIVE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_DRIVE_RELEASE] = { .type = NLA_FLAG, },
	[PNVME_A_DRIVE_CHECK] = { .type = NLA_FLAG, },
};

/* PNVME_CMD_DRIVE_ERASE - do */
static const struct nla_policy pnvme_drive_erase_nl_policy[PNVME_A_DRIVE_CHECK + 1] = {
	[PNVME_A_DRIVE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_DRIVE_MAJOR] = { .type = NLA_U32, },
	[PNVME_A_DRIVE_MINOR] = { .type = NLA_U32, },
	[PNVME_A_DRIVE_DISKSEQ] = { .type = NLA_U64, },
	[PNVME_A_DRIVE_HOST] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_DRIVE_CHECK] = { .type = NLA_FLAG, },
};

/* PNVME_CMD_DRIVE_SET - do */
static const struct nla_policy pnvme_drive_set_nl_policy[PNVME_A_DRIVE_CHECK + 1] = {
	[PNVME_A_DRIVE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_DRIVE_HOLD_TIMEOUT] = { .type = NLA_U32, },
	[PNVME_A_DRIVE_ON_RESUME] = NLA_POLICY_MAX(NLA_U32, 2),
	[PNVME_A_DRIVE_HOLD_PROOF] = NLA_POLICY_MAX(NLA_U32, 1),
	[PNVME_A_DRIVE_LATENCY] = { .type = NLA_U32, },
	[PNVME_A_DRIVE_CHECK] = { .type = NLA_FLAG, },
};

/* PNVME_CMD_NS_GET - do */
static const struct nla_policy pnvme_ns_get_do_nl_policy[PNVME_A_NAMESPACE_DRIVE + 1] = {
	[PNVME_A_NAMESPACE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_NAMESPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[PNVME_A_NAMESPACE_DRIVE] = NLA_POLICY_EXACT_LEN(16),
};

/* PNVME_CMD_NS_GET - dump */
static const struct nla_policy pnvme_ns_get_dump_nl_policy[PNVME_A_NAMESPACE_DRIVE + 1] = {
	[PNVME_A_NAMESPACE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_NAMESPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[PNVME_A_NAMESPACE_DRIVE] = NLA_POLICY_EXACT_LEN(16),
};

/* PNVME_CMD_NS_CREATE - do */
static const struct nla_policy pnvme_ns_create_nl_policy[PNVME_A_NAMESPACE_CHECK + 1] = {
	[PNVME_A_NAMESPACE_DRIVE] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_NAMESPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[PNVME_A_NAMESPACE_SIZE] = { .type = NLA_U64, },
	[PNVME_A_NAMESPACE_LARGEST] = { .type = NLA_FLAG, },
	[PNVME_A_NAMESPACE_KEEP_DATA] = { .type = NLA_FLAG, },
	[PNVME_A_NAMESPACE_CHECK] = { .type = NLA_FLAG, },
};

/* PNVME_CMD_NS_DELETE - do */
static const struct nla_policy pnvme_ns_delete_nl_policy[PNVME_A_NAMESPACE_CHECK + 1] = {
	[PNVME_A_NAMESPACE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_NAMESPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[PNVME_A_NAMESPACE_CHECK] = { .type = NLA_FLAG, },
};

/* PNVME_CMD_NS_RESIZE - do */
static const struct nla_policy pnvme_ns_resize_nl_policy[PNVME_A_NAMESPACE_CHECK + 1] = {
	[PNVME_A_NAMESPACE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_NAMESPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[PNVME_A_NAMESPACE_SIZE] = { .type = NLA_U64, },
	[PNVME_A_NAMESPACE_FORCE] = { .type = NLA_FLAG, },
	[PNVME_A_NAMESPACE_KEEP_DATA] = { .type = NLA_FLAG, },
	[PNVME_A_NAMESPACE_CHECK] = { .type = NLA_FLAG, },
};

/* PNVME_CMD_NS_RENAME - do */
static const struct nla_policy pnvme_ns_rename_nl_policy[PNVME_A_NAMESPACE_CHECK + 1] = {
	[PNVME_A_NAMESPACE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_NAMESPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[PNVME_A_NAMESPACE_NEW_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[PNVME_A_NAMESPACE_CHECK] = { .type = NLA_FLAG, },
};

/* PNVME_CMD_NS_SET - do */
static const struct nla_policy pnvme_ns_set_nl_policy[PNVME_A_NAMESPACE_CHECK + 1] = {
	[PNVME_A_NAMESPACE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_NAMESPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[PNVME_A_NAMESPACE_READ_ONLY] = NLA_POLICY_MAX(NLA_U8, 1),
	[PNVME_A_NAMESPACE_POLICY] = NLA_POLICY_MAX(NLA_U32, 2),
	[PNVME_A_NAMESPACE_CHECK] = { .type = NLA_FLAG, },
};

/* PNVME_CMD_STAT_GET - dump */
static const struct nla_policy pnvme_stat_get_nl_policy[PNVME_A_STAT_OP + 1] = {
	[PNVME_A_STAT_NAMESPACE] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_STAT_DRIVE] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_STAT_QUEUE] = { .type = NLA_U32, },
	[PNVME_A_STAT_OP] = NLA_POLICY_MAX(NLA_U32, 7),
};

/* PNVME_CMD_DRIVE_FAIL - do */
static const struct nla_policy pnvme_drive_fail_nl_policy[PNVME_A_DRIVE_CHECK + 1] = {
	[PNVME_A_DRIVE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_DRIVE_CHECK] = { .type = NLA_FLAG, },
};

/* PNVME_CMD_NS_UNFENCE - do */
static const struct nla_policy pnvme_ns_unfence_nl_policy[PNVME_A_NAMESPACE_CHECK + 1] = {
	[PNVME_A_NAMESPACE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_NAMESPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[PNVME_A_NAMESPACE_CHECK] = { .type = NLA_FLAG, },
};

/* PNVME_CMD_NS_SEAL_BEGIN - do */
static const struct nla_policy pnvme_ns_seal_begin_nl_policy[PNVME_A_NAMESPACE_CHECK + 1] = {
	[PNVME_A_NAMESPACE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_NAMESPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[PNVME_A_NAMESPACE_CHECK] = { .type = NLA_FLAG, },
};

/* PNVME_CMD_NS_SEAL - do */
static const struct nla_policy pnvme_ns_seal_nl_policy[PNVME_A_NAMESPACE_SEAL_TOKEN + 1] = {
	[PNVME_A_NAMESPACE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_NAMESPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[PNVME_A_NAMESPACE_SEAL_TOKEN] = { .type = NLA_U64, },
	[PNVME_A_NAMESPACE_SEAL_SAMPLES] = { .type = NLA_U32, },
	[PNVME_A_NAMESPACE_SEAL_LOOKED] = { .type = NLA_U64, },
	[PNVME_A_NAMESPACE_SEAL_SEED] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_NAMESPACE_SEAL_DIGEST] = NLA_POLICY_EXACT_LEN(32),
	[PNVME_A_NAMESPACE_CHECK] = { .type = NLA_FLAG, },
};

/* PNVME_CMD_DRIVE_ROSTER - do */
static const struct nla_policy pnvme_drive_roster_nl_policy[PNVME_A_DRIVE_ROSTER_GENERATION + 1] = {
	[PNVME_A_DRIVE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_DRIVE_PEER] = NLA_POLICY_NESTED(pnvme_peer_nl_policy),
	[PNVME_A_DRIVE_ROSTER_GENERATION] = { .type = NLA_U64, },
	[PNVME_A_DRIVE_CHECK] = { .type = NLA_FLAG, },
};

/* PNVME_CMD_DRIVE_VERDICT - do */
static const struct nla_policy pnvme_drive_verdict_nl_policy[PNVME_A_DRIVE_EVIDENCE + 1] = {
	[PNVME_A_DRIVE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_DRIVE_DEVICE] = { .type = NLA_NUL_STRING, .len = 31, },
	[PNVME_A_DRIVE_VERDICT] = { .type = NLA_NUL_STRING, .len = 15, },
	[PNVME_A_DRIVE_EVIDENCE] = { .type = NLA_NUL_STRING, .len = 240, },
};

/* PNVME_CMD_DRIVE_RESTORE - do */
static const struct nla_policy pnvme_drive_restore_nl_policy[PNVME_A_DRIVE_LABEL + 1] = {
	[PNVME_A_DRIVE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_DRIVE_MAJOR] = { .type = NLA_U32, },
	[PNVME_A_DRIVE_MINOR] = { .type = NLA_U32, },
	[PNVME_A_DRIVE_DISKSEQ] = { .type = NLA_U64, },
	[PNVME_A_DRIVE_HOST] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_DRIVE_LABEL] = { .type = NLA_BINARY, },
	[PNVME_A_DRIVE_CHECK] = { .type = NLA_FLAG, },
};

/* PNVME_CMD_NS_UNDELETE - do */
static const struct nla_policy pnvme_ns_undelete_nl_policy[PNVME_A_NAMESPACE_CHECK + 1] = {
	[PNVME_A_NAMESPACE_DRIVE] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_NAMESPACE_UUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_NAMESPACE_NGUID] = NLA_POLICY_EXACT_LEN(16),
	[PNVME_A_NAMESPACE_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[PNVME_A_NAMESPACE_NSID] = { .type = NLA_U32, },
	[PNVME_A_NAMESPACE_START] = { .type = NLA_U64, },
	[PNVME_A_NAMESPACE_SIZE] = { .type = NLA_U64, },
	[PNVME_A_NAMESPACE_POLICY] = NLA_POLICY_MAX(NLA_U32, 2),
	[PNVME_A_NAMESPACE_READ_ONLY] = NLA_POLICY_MAX(NLA_U8, 1),
	[PNVME_A_NAMESPACE_CHECK] = { .type = NLA_FLAG, },
};

/* Ops table for pnvme */
static const struct genl_split_ops pnvme_nl_ops[] = {
	{
		.cmd	= PNVME_CMD_INFO_GET,
		.doit	= pnvme_nl_info_get_doit,
		.flags	= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_DRIVE_GET,
		.doit		= pnvme_nl_drive_get_doit,
		.policy		= pnvme_drive_get_do_nl_policy,
		.maxattr	= PNVME_A_DRIVE_UUID,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_DRIVE_GET,
		.dumpit		= pnvme_nl_drive_get_dumpit,
		.policy		= pnvme_drive_get_dump_nl_policy,
		.maxattr	= PNVME_A_DRIVE_UUID,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= PNVME_CMD_DRIVE_ADOPT,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_drive_adopt_doit,
		.policy		= pnvme_drive_adopt_nl_policy,
		.maxattr	= PNVME_A_DRIVE_CHECK,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_DRIVE_ATTACH,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_drive_attach_doit,
		.policy		= pnvme_drive_attach_nl_policy,
		.maxattr	= PNVME_A_DRIVE_STALE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_DRIVE_IMPORT,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_drive_import_doit,
		.policy		= pnvme_drive_import_nl_policy,
		.maxattr	= PNVME_A_DRIVE_CHECK,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_DRIVE_DETACH,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_drive_detach_doit,
		.policy		= pnvme_drive_detach_nl_policy,
		.maxattr	= PNVME_A_DRIVE_CHECK,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_DRIVE_ERASE,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_drive_erase_doit,
		.policy		= pnvme_drive_erase_nl_policy,
		.maxattr	= PNVME_A_DRIVE_CHECK,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_DRIVE_SET,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_drive_set_doit,
		.policy		= pnvme_drive_set_nl_policy,
		.maxattr	= PNVME_A_DRIVE_CHECK,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_NS_GET,
		.doit		= pnvme_nl_ns_get_doit,
		.policy		= pnvme_ns_get_do_nl_policy,
		.maxattr	= PNVME_A_NAMESPACE_DRIVE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_NS_GET,
		.dumpit		= pnvme_nl_ns_get_dumpit,
		.policy		= pnvme_ns_get_dump_nl_policy,
		.maxattr	= PNVME_A_NAMESPACE_DRIVE,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= PNVME_CMD_NS_CREATE,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_ns_create_doit,
		.policy		= pnvme_ns_create_nl_policy,
		.maxattr	= PNVME_A_NAMESPACE_CHECK,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_NS_DELETE,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_ns_delete_doit,
		.policy		= pnvme_ns_delete_nl_policy,
		.maxattr	= PNVME_A_NAMESPACE_CHECK,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_NS_RESIZE,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_ns_resize_doit,
		.policy		= pnvme_ns_resize_nl_policy,
		.maxattr	= PNVME_A_NAMESPACE_CHECK,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_NS_RENAME,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_ns_rename_doit,
		.policy		= pnvme_ns_rename_nl_policy,
		.maxattr	= PNVME_A_NAMESPACE_CHECK,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_NS_SET,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_ns_set_doit,
		.policy		= pnvme_ns_set_nl_policy,
		.maxattr	= PNVME_A_NAMESPACE_CHECK,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_STAT_GET,
		.dumpit		= pnvme_nl_stat_get_dumpit,
		.policy		= pnvme_stat_get_nl_policy,
		.maxattr	= PNVME_A_STAT_OP,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= PNVME_CMD_DRIVE_FAIL,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_drive_fail_doit,
		.policy		= pnvme_drive_fail_nl_policy,
		.maxattr	= PNVME_A_DRIVE_CHECK,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_NS_UNFENCE,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_ns_unfence_doit,
		.policy		= pnvme_ns_unfence_nl_policy,
		.maxattr	= PNVME_A_NAMESPACE_CHECK,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_NS_SEAL_BEGIN,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_ns_seal_begin_doit,
		.policy		= pnvme_ns_seal_begin_nl_policy,
		.maxattr	= PNVME_A_NAMESPACE_CHECK,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_NS_SEAL,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_ns_seal_doit,
		.policy		= pnvme_ns_seal_nl_policy,
		.maxattr	= PNVME_A_NAMESPACE_SEAL_TOKEN,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_DRIVE_ROSTER,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_drive_roster_doit,
		.policy		= pnvme_drive_roster_nl_policy,
		.maxattr	= PNVME_A_DRIVE_ROSTER_GENERATION,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_DRIVE_VERDICT,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_drive_verdict_doit,
		.policy		= pnvme_drive_verdict_nl_policy,
		.maxattr	= PNVME_A_DRIVE_EVIDENCE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_DRIVE_RESTORE,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_drive_restore_doit,
		.policy		= pnvme_drive_restore_nl_policy,
		.maxattr	= PNVME_A_DRIVE_LABEL,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PNVME_CMD_NS_UNDELETE,
		.pre_doit	= pnvme_nl_pre_admin,
		.doit		= pnvme_nl_ns_undelete_doit,
		.policy		= pnvme_ns_undelete_nl_policy,
		.maxattr	= PNVME_A_NAMESPACE_CHECK,
		.flags		= GENL_CMD_CAP_DO,
	},
};

static const struct genl_multicast_group pnvme_nl_mcgrps[] = {
	[PNVME_NLGRP_EVENTS] = { "events", },
};

struct genl_family pnvme_nl_family __ro_after_init = {
	.name		= PNVME_FAMILY_NAME,
	.version	= PNVME_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= pnvme_nl_ops,
	.n_split_ops	= ARRAY_SIZE(pnvme_nl_ops),
	.mcgrps		= pnvme_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(pnvme_nl_mcgrps),
};
