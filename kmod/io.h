/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_IO_H
#define PNVME_IO_H

#include <linux/bio.h>
#include <linux/mempool.h>
#include <linux/percpu.h>

struct pnvme_io_cache;

/**
 * struct pnvme_io_pool - contexts of one drive's I/O in flight
 * @cache: free ones at hand, by CPU
 * @reserve: where they come from and go to; never without some, so that I/O
 *	goes on when there is no memory
 */
struct pnvme_io_pool {
	struct pnvme_io_cache __percpu	*cache;
	mempool_t			reserve;
};

int pnvme_io_init(void);
void pnvme_io_exit(void);
int pnvme_io_pool_init(struct pnvme_io_pool *pool);
void pnvme_io_pool_exit(struct pnvme_io_pool *pool);
void pnvme_submit_bio(struct bio *bio);

#endif
