/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_EVENT_H
#define PNVME_EVENT_H

#include <uapi/linux/pnvme.h>

struct pnvme_drive;
struct pnvme_ns;

__printf(3, 4)
void pnvme_event_drive(enum pnvme_event_type type, struct pnvme_drive *drive,
		       const char *fmt, ...);
__printf(3, 4)
void pnvme_event_ns(enum pnvme_event_type type, struct pnvme_ns *ns, const char *fmt, ...);

void pnvme_event_verdict(const u8 *uuid, const char *device, const char *verdict,
			 const char *text);

/* No message goes out after this; the log lines go on. */
void pnvme_events_stop(void);

#endif
