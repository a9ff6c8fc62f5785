/* SPDX-License-Identifier: GPL-2.0 */
/* What the NVMe driver exports is declared in a header of its own, which no package has. */
#ifndef PNVME_COMPAT_LINUX_NVME_H
#define PNVME_COMPAT_LINUX_NVME_H

#include_next <linux/nvme.h>
#include <linux/blkdev.h>

/**
 * nvme_submit_sync_cmd - send a command, and wait for its end
 * @q: of an NVMe namespace that is not a multipath head
 * @cmd: the command, without data pointers
 * @buf: data, of the kernel; by the opcode's lowest bit it goes to the drive
 * @bufflen: bytes of it
 *
 * drivers/nvme/host/core.c, the same since 4.2. Takes no structure that is the driver's own.
 *
 * Return: 0, an NVMe status, or a negative errno.
 */
int nvme_submit_sync_cmd(struct request_queue *q, struct nvme_command *cmd, void *buf,
			 unsigned int bufflen);

#endif
