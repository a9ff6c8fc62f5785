/* SPDX-License-Identifier: GPL-2.0 */
/* The archive of labels, for the files that change them or bring them back. */
#ifndef PNVME_ARCHIVE_H
#define PNVME_ARCHIVE_H

#include "internal.h"

/*
 * Sequence numbers that are kept of a drive, ascending; free *out. None is no error; -ENXIO:
 * the filesystem of the record is not mounted.
 */
int archive_list(const uint8_t uuid[16], uint64_t **out, size_t *n);
/* One of them, checked: -EBADMSG if it is damaged. Sets no message, as all here. */
int archive_load(const uint8_t uuid[16], uint64_t sequence, struct pnvme_label *l);
int archive_newest(const uint8_t uuid[16], struct pnvme_label *l);	/* -ENOENT: none */
/* Keep the label of an attached drive; a failure is a remark. The record is locked. */
void archive_after(struct pnvme *h, const struct pnvme_drive *d);
/* Before a change, unless it only checks; costs a question to the module and a read. */
void archive_before(struct pnvme *h, const uint8_t uuid[16], unsigned int flags);
void archive_before_ns(struct pnvme *h, const uint8_t uuid[16], unsigned int flags);
/* The same of a drive that is not attached. What is above its label goes aside. */
void archive_disk(struct pnvme *h, const struct disk *k, unsigned int flags);
/* Does the archive know a later life of this hardware? Then 1, and its UUID. */
int archive_successor(const struct pnvme_label *l, uint8_t uuid[16]);

#endif
