/* SPDX-License-Identifier: GPL-2.0 */
/* The module's operations on a lower device, for the files that wrap a policy around them. */
#ifndef PNVME_LOWER_H
#define PNVME_LOWER_H

#include "internal.h"

int lower_adopt(struct pnvme *h, const struct disk *k, const uint8_t uuid[16],
		const uint8_t host[16], bool dirty, unsigned int flags, struct pnvme_drive *d);
int lower_attach(struct pnvme *h, const struct disk *k, const uint8_t uuid[16],
		 const uint8_t host[16], bool stale, unsigned int flags, struct pnvme_drive *d);
int lower_import(struct pnvme *h, const struct disk *k, const uint8_t uuid[16],
		 const uint8_t host[16], const uint8_t from[16], unsigned int flags,
		 struct pnvme_drive *d);
int lower_erase(struct pnvme *h, const struct disk *k, const uint8_t uuid[16],
		const uint8_t host[16], unsigned int flags);
int lower_restore(struct pnvme *h, const struct disk *k, const struct pnvme_label *l,
		  const uint8_t host[16], unsigned int flags, struct pnvme_drive *d);
int lower_refuse_attached(struct pnvme *h, const struct disk *k);
/* Attach it, unless it is; CHECK, READ_ONLY, IDENTITY. */
int disk_attach(struct pnvme *h, const struct disk *k, unsigned int flags,
		struct pnvme_drive **out);
/* As pnvme_drive_adopt(); in place of the lost drive @replaces, or NULL. */
int disk_adopt(struct pnvme *h, const char *dev, const char *overwrite, const uint8_t *replaces,
	       unsigned int flags, struct pnvme_drive **out);
/* Alone with the drive, if only until it is closed. */
int disk_open_alone(struct pnvme *h, const struct disk *k, int mode);
/* Signatures go if @overwrite names what is there, the fence comes; partly from then on. */
int disk_fence(struct pnvme *h, const struct disk *k, const char *overwrite);
/* A device by path or name; anything else is looked for among all drives. */
int disk_named(struct pnvme *h, const char *drive, struct disk *k);
/* Give *out (may be NULL) a copy of @d, completed from sysfs. */
int drive_hand_on(struct pnvme *h, const struct pnvme_drive *d, struct pnvme_drive **out);

#endif
