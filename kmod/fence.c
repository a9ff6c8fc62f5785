// SPDX-License-Identifier: GPL-2.0
/*
 * The flush fence. A drive that was away may have lost power, and with it what its
 * volatile cache held: writes that it had acknowledged and nobody had flushed. Who wrote
 * them learns of it as of any such loss, by a flush that fails - and by every flush until
 * it closes the device: an error that one caller of fsync sees and forgets is none.
 */
#include <linux/ktime.h>
#include <linux/minmax.h>

#include "drive.h"
#include "event.h"
#include "hold.h"
#include "namespace.h"

/*
 * Was anything acknowledged that no flush is known to cover? Whoever stops being unseen leaves
 * a doubt first, so that one of the two is always there to be found.
 */
static bool in_doubt(struct pnvme_ns *ns)
{
	bool unseen = atomic_read_acquire(&ns->unseen);

	return xchg(&ns->doubt, 0) || unseen;
}

/* Who has nothing open has been promised nothing, and could not end it either. */
static bool fence(struct pnvme_ns *ns, enum pnvme_fence kind)
{
	bool open;

	spin_lock(&ns->open_lock);
	open = ns->openers;
	if (open) {
		pnvme_ns_set_fence(ns, max_t(u8, ns->fence, kind));
		ns->fenced_at = ktime_get_real_ns();
		ns->fences++;
	}
	spin_unlock(&ns->open_lock);
	return open;
}

/**
 * pnvme_fence_on_resume - fence the namespaces whose writes are in doubt
 * @drive: back, no I/O goes through yet; its @lock is held
 *
 * What on-resume=trust says is the user's: the drive keeps its cache without power.
 */
void pnvme_fence_on_resume(struct pnvme_drive *drive)
{
	u8 policy = drive->label->on_resume;
	enum pnvme_fence kind = policy == PNVME_ON_RESUME_FAIL ? PNVME_FENCE_ALL
								: PNVME_FENCE_FLUSH;
	struct pnvme_ns *ns;

	lockdep_assert_held(&drive->lock);
	if (!drive->hold.was_cached || policy == PNVME_ON_RESUME_TRUST)
		return;
	list_for_each_entry(ns, &drive->namespaces, node) {
		if (!ns->disk || !in_doubt(ns) || !fence(ns, kind))
			continue;
		down_write(&pnvme_view);
		drive->hold.fences++;
		pnvme_changed();
		up_write(&pnvme_view);
		pnvme_event_ns(PNVME_EVENT_TYPE_NS_FENCE, ns,
			       "writes that were acknowledged and not flushed when the drive went may be lost: %s fails until it is closed; check the data, then close it, or pnvme ns unfence %s",
			       kind == PNVME_FENCE_ALL ? "all I/O" : "every flush", ns->name);
	}
}

/**
 * pnvme_ns_unfence - let flushes succeed again
 * @ns: a namespace
 * @check: change nothing
 *
 * One that is not fenced stays so.
 */
void pnvme_ns_unfence(struct pnvme_ns *ns, bool check)
{
	u8 was;

	spin_lock(&ns->open_lock);
	was = ns->fence;
	if (!check)
		pnvme_ns_set_fence(ns, PNVME_FENCE_NONE);
	spin_unlock(&ns->open_lock);
	if (!check && was != PNVME_FENCE_NONE)
		pnvme_event_ns(PNVME_EVENT_TYPE_NS_UNFENCE, ns, "flushes succeed again");
}
