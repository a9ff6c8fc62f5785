/* SPDX-License-Identifier: GPL-2.0 */
/* What an administrator decides: /etc/pnvme/policy.yaml. */
#ifndef PNVME_POLICY_H
#define PNVME_POLICY_H

#include "internal.h"

/* What the gate lets in; never what is foreign, copied or without an owner. */
#define GATE_INTACT		(1U << 0)
#define GATE_LOST_RECORD	(1U << 1)	/* unrecorded, and it is the record that lacks */
#define GATE_UNRECORDED		(1U << 2)	/* unrecorded for any reason */
#define GATE_STALE		(1U << 3)

/**
 * struct policy - what an administrator decides
 * @attach: GATE_*
 * @settle: seconds since boot in which a drive that was not seen may still come
 */
struct policy {
	unsigned int	attach;
	uint32_t	settle;
};

void policy_default(struct policy *p);
/* One that is bad is an error, and then lets in what is intact and nothing else. */
int policy_load(struct pnvme *h, struct policy *p);
/* Seconds of the settle time that are left; 0: it is over. */
uint32_t policy_settle_left(const struct policy *p);

#endif
