/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_GENERIC_H
#define PNVME_GENERIC_H

struct pnvme_ns;

/* The character devices of namespaces: generic.c. */
int pnvme_generic_init(void);
void pnvme_generic_exit(void);

/* drive->lock is held. */
void pnvme_generic_add(struct pnvme_ns *ns);
void pnvme_generic_ready(struct pnvme_ns *ns);
void pnvme_generic_del(struct pnvme_ns *ns);

#endif
