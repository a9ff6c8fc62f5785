// SPDX-License-Identifier: GPL-2.0
/* Words for values, and back; UUIDs and names. */
#include <stdlib.h>
#include <strings.h>
#include <uuid/uuid.h>

#include "internal.h"

static const char *const status_names[] = {
	[PNVME_STATUS_LIVE]		= "live",
	[PNVME_STATUS_HELD]		= "held",
	[PNVME_STATUS_FAILED]		= "failed",
	[PNVME_STATUS_DETACHED]		= "detached",
	[PNVME_STATUS_MISSING]		= "missing",
	[PNVME_STATUS_UNADOPTED]	= "unadopted",
};

static const char *const ns_status_names[] = {
	[PNVME_NS_STATUS_LIVE]		= "live",
	[PNVME_NS_STATUS_ZEROING]	= "zeroing",
	[PNVME_NS_STATUS_FAILED]	= "failed",
	[PNVME_NS_STATUS_NAME_CONFLICT]	= "name-conflict",
	[PNVME_NS_STATUS_DETACHED]	= "detached",
	[PNVME_NS_STATUS_MISSING]	= "missing",
	[PNVME_NS_STATUS_HELD]		= "held",
	[PNVME_NS_STATUS_DOWN]		= "down",
};

static const char *const verdict_names[] = {
	[PNVME_VERDICT_WIPED]		= "wiped",
	[PNVME_VERDICT_REPLACED]	= "replaced",
	[PNVME_VERDICT_MISSING]		= "missing",
	[PNVME_VERDICT_STALE]		= "stale",
	[PNVME_VERDICT_CLONED]		= "cloned",
	[PNVME_VERDICT_FOREIGN]		= "foreign",
	[PNVME_VERDICT_UNRECORDED]	= "unrecorded",
	[PNVME_VERDICT_UNKNOWN]		= "unknown",
	[PNVME_VERDICT_INTACT]		= "intact",
	[PNVME_VERDICT_USED]		= "used",
	[PNVME_VERDICT_BLANK]		= "blank",
};

static const char *const event_names[] = {
	[PNVME_EVENT_TYPE_DRIVE_ATTACH]	= "drive-attach",
	[PNVME_EVENT_TYPE_DRIVE_DETACH]	= "drive-detach",
	[PNVME_EVENT_TYPE_DRIVE_FAIL]	= "drive-fail",
	[PNVME_EVENT_TYPE_DRIVE_SET]	= "drive-set",
	[PNVME_EVENT_TYPE_LABEL_REPAIR]	= "label-repair",
	[PNVME_EVENT_TYPE_NS_CREATE]	= "ns-create",
	[PNVME_EVENT_TYPE_NS_DELETE]	= "ns-delete",
	[PNVME_EVENT_TYPE_NS_RESIZE]	= "ns-resize",
	[PNVME_EVENT_TYPE_NS_RENAME]	= "ns-rename",
	[PNVME_EVENT_TYPE_NS_SET]	= "ns-set",
	[PNVME_EVENT_TYPE_NS_FAIL]	= "ns-fail",
	[PNVME_EVENT_TYPE_LABEL_LOST]	= "label-lost",
	[PNVME_EVENT_TYPE_DRIVE_HOLD]	= "drive-hold",
	[PNVME_EVENT_TYPE_DRIVE_RESUME]	= "drive-resume",
	[PNVME_EVENT_TYPE_DRIVE_IMPOSTOR] = "drive-impostor",
	[PNVME_EVENT_TYPE_NS_FENCE]	= "ns-fence",
	[PNVME_EVENT_TYPE_NS_UNFENCE]	= "ns-unfence",
	[PNVME_EVENT_TYPE_NS_SEAL]	= "ns-seal",
	[PNVME_EVENT_TYPE_NS_SEAL_BROKEN] = "ns-seal-broken",
	[PNVME_EVENT_TYPE_DRIVE_VERDICT] = "drive-verdict",
};

static const char *const fence_names[] = {
	[PNVME_FENCE_NONE]	= "none",
	[PNVME_FENCE_FLUSH]	= "flush",
	[PNVME_FENCE_ALL]	= "all",
};

static const char *const seal_state_names[] = {
	[PNVME_SEAL_STATE_NONE]		= "none",
	[PNVME_SEAL_STATE_SEALED]	= "sealed",
	[PNVME_SEAL_STATE_BROKEN]	= "broken",
};

static const char *const stat_op_names[] = {
	[PNVME_STAT_OP_READ]		= "read",
	[PNVME_STAT_OP_WRITE]		= "write",
	[PNVME_STAT_OP_FLUSH]		= "flush",
	[PNVME_STAT_OP_DISCARD]		= "discard",
	[PNVME_STAT_OP_WRITE_ZEROES]	= "write-zeroes",
	[PNVME_STAT_OP_PASSTHRU_READ]	= "passthru-read",
	[PNVME_STAT_OP_PASSTHRU_WRITE]	= "passthru-write",
	[PNVME_STAT_OP_PASSTHRU_OTHER]	= "passthru-other",
};

static const char *const error_class_names[] = {
	[PNVME_ERROR_CLASS_IO]		= "io",
	[PNVME_ERROR_CLASS_AGAIN]	= "again",
	[PNVME_ERROR_CLASS_MEDIUM]	= "medium",
	[PNVME_ERROR_CLASS_TIMEOUT]	= "timeout",
	[PNVME_ERROR_CLASS_TRANSPORT]	= "transport",
	[PNVME_ERROR_CLASS_PROTECTION]	= "protection",
	[PNVME_ERROR_CLASS_SPACE]	= "space",
	[PNVME_ERROR_CLASS_UNSUPPORTED]	= "unsupported",
	[PNVME_ERROR_CLASS_TARGET]	= "target",
	[PNVME_ERROR_CLASS_RESERVATION]	= "reservation",
	[PNVME_ERROR_CLASS_RESOURCE]	= "resource",
};

static const char *const policy_names[] = {
	[PNVME_POLICY_READ]	= "read",
	[PNVME_POLICY_DATA]	= "data",
	[PNVME_POLICY_ADMIN]	= "admin",
};

static const char *const on_resume_names[] = {
	[PNVME_ON_RESUME_FENCE]	= "fence",
	[PNVME_ON_RESUME_TRUST]	= "trust",
	[PNVME_ON_RESUME_FAIL]	= "fail",
};

static const char *const hold_proof_names[] = {
	[PNVME_HOLD_PROOF_ANY]		= "any",
	[PNVME_HOLD_PROOF_STRONG]	= "strong",
};

static const char *name_of(const char *const *names, size_t n, uint32_t v)
{
	return v < n ? names[v] : NULL;
}

static int value_of(const char *const *names, size_t n, const char *s)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(names[i], s))
			return (int)i;
	return -EINVAL;
}

static const char *or_unknown(const char *s)
{
	return s ? s : "unknown";
}

API const char *pnvme_status_name(enum pnvme_status s)
{
	return or_unknown(name_of(status_names, ARRAY_SIZE(status_names), s));
}

API const char *pnvme_ns_status_name(enum pnvme_ns_status s)
{
	return or_unknown(name_of(ns_status_names, ARRAY_SIZE(ns_status_names), s));
}

API const char *pnvme_stat_op_name(uint32_t v)
{
	return name_of(stat_op_names, ARRAY_SIZE(stat_op_names), v);
}

API const char *pnvme_error_class_name(uint32_t v)
{
	return name_of(error_class_names, ARRAY_SIZE(error_class_names), v);
}

API const char *pnvme_verdict_name(enum pnvme_verdict v)
{
	return or_unknown(name_of(verdict_names, ARRAY_SIZE(verdict_names), v));
}

API int pnvme_verdict_parse(const char *s)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verdict_names); i++)
		if (verdict_names[i] && !strcmp(verdict_names[i], s))
			return (int)i;
	return -EINVAL;
}

API const char *pnvme_event_name(enum pnvme_event_type t)
{
	return or_unknown(name_of(event_names, ARRAY_SIZE(event_names), t));
}

API const char *pnvme_policy_name(uint32_t v)
{
	return name_of(policy_names, ARRAY_SIZE(policy_names), v);
}

API const char *pnvme_on_resume_name(uint32_t v)
{
	return name_of(on_resume_names, ARRAY_SIZE(on_resume_names), v);
}

API const char *pnvme_fence_name(uint32_t v)
{
	return name_of(fence_names, ARRAY_SIZE(fence_names), v);
}

API const char *pnvme_seal_state_name(uint32_t v)
{
	return name_of(seal_state_names, ARRAY_SIZE(seal_state_names), v);
}

API const char *pnvme_hold_proof_name(uint32_t v)
{
	return name_of(hold_proof_names, ARRAY_SIZE(hold_proof_names), v);
}

API int pnvme_policy_parse(const char *s)
{
	return value_of(policy_names, ARRAY_SIZE(policy_names), s);
}

API int pnvme_on_resume_parse(const char *s)
{
	return value_of(on_resume_names, ARRAY_SIZE(on_resume_names), s);
}

API int pnvme_hold_proof_parse(const char *s)
{
	return value_of(hold_proof_names, ARRAY_SIZE(hold_proof_names), s);
}

API bool pnvme_uuid_is_null(const uint8_t uuid[16])
{
	return all_zero(uuid, 16);
}

API void pnvme_uuid_format(const uint8_t uuid[16], char out[37])
{
	uuid_unparse_lower(uuid, out);
}

API int pnvme_uuid_parse(const char *s, uint8_t uuid[16])
{
	return uuid_parse(s, uuid) ? -EINVAL : 0;
}

API bool pnvme_name_valid(const char *name)
{
	return pnvme_name_ok(name, strnlen(name, PNVME_NAME_BYTES) + 1);
}
