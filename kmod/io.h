/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_IO_H
#define PNVME_IO_H

#include <linux/bio.h>
#include <linux/mempool.h>

int pnvme_io_init(void);
void pnvme_io_exit(void);
int pnvme_io_pool_init(mempool_t *pool);
void pnvme_submit_bio(struct bio *bio);

#endif
