/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause */
#ifndef PNVME_VERSION_H
#define PNVME_VERSION_H

/* Of module, library and command, which are released together. */
#define PNVME_VERSION "0.1.0"

#endif
