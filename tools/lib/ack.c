// SPDX-License-Identifier: GPL-2.0
/* Acknowledge: an operator knows what has become of a drive, and status need not say it first. */
#include <time.h>

#include "lower.h"

static int refuse(struct pnvme *h, const struct pnvme_drive *d, const char *what)
{
	char uuid[37];

	pnvme_uuid_format(d->uuid, uuid);
	fail(h, -EINVAL, uuid, "%s%s is %s", d->name[0] ? "/dev/" : "drive ",
	     d->name[0] ? d->name : uuid, what);
	if (d->next[0])
		set_hint(h, "%s", d->next);
	return -EINVAL;
}

static int ack(struct pnvme *h, struct pnvme_drive *d, unsigned int flags,
	       struct pnvme_drive **out)
{
	int ret;

	if (!d->recorded)
		return refuse(h, d, "not in this host's record: there is nothing to acknowledge");
	if (d->verdict == PNVME_VERDICT_INTACT && (!d->attached || d->state == PNVME_STATUS_LIVE))
		return refuse(h, d, "intact: there is nothing to acknowledge");
	if (d->attached)
		return refuse(h, d, "attached, and what is wrong with that cannot be acknowledged");
	if (d->verdict == PNVME_VERDICT_UNKNOWN)
		return refuse(h, d, "not known to be lost yet; look again later");
	ret = flags & PNVME_CHECK ? 0 : record_ack(h, d->uuid, d->verdict);
	if (ret)
		return ret;
	d->acked_verdict = d->verdict;
	d->acked_at = (uint64_t)time(NULL);
	return drive_hand_on(h, d, out);
}

API int pnvme_drive_ack(struct pnvme *h, const char *drive, unsigned int flags,
			struct pnvme_drive **out)
{
	struct pnvme_inventory *inv;
	int i, ret;

	enter(h);
	ret = pnvme_inventory_get(h, PNVME_LOOK_ALL, &inv);
	if (ret)
		return leave(h, ret);
	i = pnvme_find_drive(h, inv, drive);
	ret = i < 0 ? i : ack(h, inv->drives[i], flags, out);
	pnvme_inventory_free(inv);
	return leave(h, ret);
}
