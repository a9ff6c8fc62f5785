/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_SEAL_H
#define PNVME_SEAL_H

#include <linux/bio.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <pnvme/label.h>

#include "error.h"

struct pnvme_drive;
struct pnvme_ns;

/* What becomes of a modification that found a seal. */
enum pnvme_seal_wait {
	PNVME_SEAL_OPEN,	/* nothing is in its way */
	PNVME_SEAL_WAITS,	/* until the seal is broken; it is not the caller's any more */
	PNVME_SEAL_AGAIN,	/* it may not wait; the seal is being broken */
};

/**
 * struct pnvme_sealer - breaking the seals of a drive's namespaces
 * @lock: guards the next one, and of the namespaces @sealed, @sealing, @break_asked,
 *	@waiting, @break_waiters, @break_failed, @break_let_go and their bit in @stops; never
 *	taken from interrupts, nor for longer the more modifications wait
 * @tokens: the last one that was given out
 * @failed_since: jiffies when what the work tries failed first, 0 if it did not; the work's
 * @moved: wakes who waits for a seal without a bio
 * @wq: of @work alone, which may hang in I/O that a hold has to end
 * @work: writes to the label that seals are broken, and lets go what waits. It takes the
 *	drive's mutex by trying, so it may be waited for with that held
 */
struct pnvme_sealer {
	spinlock_t		lock;	/* see above */
	u64			tokens;
	unsigned long		failed_since;
	wait_queue_head_t	moved;
	struct workqueue_struct	*wq;
	struct delayed_work	work;
};

/* The I/O path. */
enum pnvme_seal_wait pnvme_seal_bio(struct pnvme_ns *ns, struct bio *bio);
int pnvme_seal_wait_broken(struct pnvme_ns *ns);

/* Life. */
int pnvme_seal_init(struct pnvme_drive *drive);
void pnvme_seal_exit(struct pnvme_drive *drive);
void pnvme_seal_attached(struct pnvme_ns *ns, const struct pnvme_label_ns *entry);
void pnvme_seal_let_go(struct pnvme_drive *drive);
void pnvme_seal_stop(struct pnvme_drive *drive);
void pnvme_seal_broken(struct pnvme_ns *ns, const char *how);
void pnvme_seal_resumed(struct pnvme_drive *drive);

/* Operations. */
int pnvme_ns_seal_begin(struct pnvme_ns *ns, bool check, u64 *token, struct pnvme_error *err);
int pnvme_ns_seal(struct pnvme_ns *ns, u64 token, struct pnvme_label_seal *seal, bool check,
		  struct pnvme_error *err);

#endif
