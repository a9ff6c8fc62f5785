/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_IO_H
#define PNVME_IO_H

#include <linux/bio.h>
#include <linux/mempool.h>
#include <linux/percpu.h>

#include "stats.h"

struct pnvme_io_cache;
struct pnvme_ns;

/**
 * struct pnvme_io - one I/O in flight; owned by it, so no field needs a lock
 * @end_io: of the caller's bio
 * @next: in a CPU's list of free contexts, or among those that are parked
 * @private: of the caller's bio
 * @bio: the caller's bio, where a clone of it goes down, or it is parked
 * @bdev: of the caller's bio: our disk or a partition of it
 * @iter: of the caller's bio
 * @opf: of the caller's bio; the lower device strips some of it
 * @traced: BIO_TRACE_COMPLETION was set
 * @flushes: it is a flush, and covers all that @ns had in doubt when it went down
 * @status: how it ended, of one that is parked
 * @tries: how often it was sent again
 * @ns: it is for; there until the I/O is counted as done
 * @start: jiffies, from bio_start_io_acct()
 * @key: what it is counted as
 */
struct pnvme_io {
	union {
		bio_end_io_t	*end_io;
		struct pnvme_io	*next;
	};
	union {
		void		*private;
		struct bio	*bio;
	};
	struct block_device	*bdev;
	struct bvec_iter	iter;
	blk_opf_t		opf;
	bool			traced;
	bool			flushes;
	blk_status_t		status;
	u8			tries;
	struct pnvme_ns		*ns;
	unsigned long		start;
	struct pnvme_stat_key	key;
};

/**
 * struct pnvme_io_pool - contexts of one drive's I/O in flight
 * @cache: free ones at hand, by CPU
 * @reserve: where they come from and go to; never without some, so that I/O
 *	goes on when there is no memory
 * @clones: bios for what cannot go down as it is
 */
struct pnvme_io_pool {
	struct pnvme_io_cache __percpu	*cache;
	mempool_t			reserve;
	struct bio_set			clones;
};

int pnvme_io_init(void);
void pnvme_io_exit(void);
int pnvme_io_pool_init(struct pnvme_io_pool *pool);
void pnvme_io_pool_exit(struct pnvme_io_pool *pool);
void pnvme_submit_bio(struct bio *bio);
void pnvme_io_refuse(struct bio *bio, blk_status_t status);
void pnvme_io_retry(struct pnvme_io *io);
void pnvme_io_done(struct pnvme_io *io, struct bio *bio, blk_status_t status);

#endif
