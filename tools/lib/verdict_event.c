// SPDX-License-Identifier: GPL-2.0
/*
 * Verdicts are judged here and told by the module: it has the log and the listeners, and
 * they hear of a drive that is missing as they hear of one that is held.
 */
#include <stdlib.h>

#include "policy.h"

#define EVIDENCE_BYTES 241	/* as the module takes it */

static int report(struct pnvme *h, const struct pnvme_drive *d)
{
	char evidence[EVIDENCE_BYTES];
	struct nl_request r;
	int ret = nl_begin(h, &r, PNVME_CMD_DRIVE_VERDICT, false);

	if (ret)
		return ret;
	copy_text(evidence, sizeof(evidence), d->evidence);
	nl_bytes(&r, PNVME_A_DRIVE_UUID, d->uuid, 16);
	if (d->name[0])
		nl_string(&r, PNVME_A_DRIVE_DEVICE, d->name);
	nl_string(&r, PNVME_A_DRIVE_VERDICT, pnvme_verdict_name(d->verdict));
	nl_string(&r, PNVME_A_DRIVE_EVIDENCE, evidence);
	return nl_run(h, &r, d->name[0] ? d->name : "verdict", NULL);
}

void verdict_report(struct pnvme *h, const struct pnvme_drive *d)
{
	struct failure saved = h->failed;

	report(h, d);
	h->failed = saved;
}

API int pnvme_verdict_report(struct pnvme *h, const struct pnvme_drive *drive)
{
	enter(h);
	return leave(h, report(h, drive));
}

API int pnvme_settle_left(struct pnvme *h, uint32_t *seconds)
{
	struct policy p;
	int ret;

	enter(h);
	ret = policy_load(h, &p);
	*seconds = policy_settle_left(&p);
	return leave(h, ret);
}
