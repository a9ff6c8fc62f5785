// SPDX-License-Identifier: GPL-2.0
/*
 * The block fast path. The caller's own bio goes down, its sector and device
 * rewritten: nothing is cloned or copied, and polled and NOWAIT I/O work as on
 * the drive itself. A context from the drive's pool remembers what completion
 * must give back.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/slab.h>
#include <trace/events/block.h>

#include "drive.h"
#include "io.h"
#include "namespace.h"

/* Contexts that are there even when no memory is: one gets I/O forward, 64 keep it moving. */
#define POOL_MIN 64

/**
 * struct pnvme_io - one I/O in flight; owned by it, so no field needs a lock
 * @end_io: of the caller's bio
 * @private: of the caller's bio
 * @bdev: of the caller's bio: our disk or a partition of it
 * @iter: of the caller's bio
 * @drive: under it; the I/O holds a reference of its io_ref
 * @start: jiffies, from bio_start_io_acct()
 * @traced: BIO_TRACE_COMPLETION was set
 */
struct pnvme_io {
	bio_end_io_t		*end_io;
	void			*private;
	struct block_device	*bdev;
	struct bvec_iter	iter;
	struct pnvme_drive	*drive;
	unsigned long		start;
	bool			traced;
};

static struct kmem_cache *io_cache;

int pnvme_io_init(void)
{
	io_cache = KMEM_CACHE(pnvme_io, 0);
	return io_cache ? 0 : -ENOMEM;
}

void pnvme_io_exit(void)
{
	kmem_cache_destroy(io_cache);
}

int pnvme_io_pool_init(mempool_t *pool)
{
	return mempool_init_slab_pool(pool, POOL_MIN, io_cache);
}

/*
 * The lower device's bio_endio() has run: flags it set for its own queue must
 * not be looked up in ours, and the trace of completion it spent is ours.
 */
static void restore(struct bio *bio, const struct pnvme_io *io)
{
	bio->bi_end_io = io->end_io;
	bio->bi_private = io->private;
	bio->bi_bdev = io->bdev;
	bio->bi_iter = io->iter;
	bio_clear_flag(bio, BIO_QOS_THROTTLED);
	bio_clear_flag(bio, BIO_QOS_MERGED);
	if (io->traced)
		bio_set_flag(bio, BIO_TRACE_COMPLETION);
}

static void io_end(struct bio *bio)
{
	struct pnvme_io *io = bio->bi_private;
	struct pnvme_drive *drive = io->drive;

	restore(bio, io);
	compat_end_io_acct(io->bdev, bio_op(bio), bvec_iter_sectors(io->iter), io->start);
	mempool_free(io, &drive->io_pool);
	percpu_ref_put(&drive->io_ref);
	/* never the saved end_io directly: chained bios have no callable one since 7.0 */
	bio_endio(bio);
}

static bool modifies(const struct bio *bio)
{
	/* an empty flush changes nothing */
	return op_is_write(bio_op(bio)) && !(op_is_flush(bio->bi_opf) && !bio_sectors(bio));
}

static struct pnvme_io *io_alloc(struct pnvme_drive *drive, const struct bio *bio)
{
	gfp_t gfp = bio->bi_opf & REQ_NOWAIT ? GFP_NOWAIT : GFP_NOIO;

	return mempool_alloc(&drive->io_pool, gfp);
}

static void io_start(struct pnvme_io *io, struct pnvme_drive *drive, struct bio *bio,
		     const struct pnvme_ns *ns)
{
	io->end_io = bio->bi_end_io;
	io->private = bio->bi_private;
	io->bdev = bio->bi_bdev;
	io->iter = bio->bi_iter;
	io->drive = drive;
	io->traced = bio_flagged(bio, BIO_TRACE_COMPLETION);
	io->start = bio_start_io_acct(bio);

	bio->bi_end_io = io_end;
	bio->bi_private = io;
	bio_set_dev(bio, drive->claim.bdev);
	bio->bi_iter.bi_sector += ns->first;
	trace_block_bio_remap(bio, disk_devt(io->bdev->bd_disk), io->iter.bi_sector);
}

/*
 * The block layer checks a bio for a partition against the partition alone, and
 * that may reach beyond a namespace that was shrunk.
 */
static bool beyond_end(const struct bio *bio)
{
	return bio_sectors(bio) && bio_end_sector(bio) > get_capacity(bio->bi_bdev->bd_disk);
}

/**
 * pnvme_submit_bio - block_device_operations.submit_bio of a namespace
 * @bio: of the disk or a partition of it, its sector relative to the disk
 */
void pnvme_submit_bio(struct bio *bio)
{
	struct pnvme_ns *ns = bio->bi_bdev->bd_disk->private_data;
	struct pnvme_drive *drive = ns->drive;
	struct pnvme_io *io;

	if (unlikely((ns->read_only && modifies(bio)) || beyond_end(bio))) {
		bio_io_error(bio);
		return;
	}
	if (unlikely(!percpu_ref_tryget_live(&drive->io_ref))) {
		bio_io_error(bio);
		return;
	}
	io = io_alloc(drive, bio);
	if (unlikely(!io)) {
		percpu_ref_put(&drive->io_ref);
		bio_wouldblock_error(bio);
		return;
	}
	io_start(io, drive, bio, ns);
	submit_bio_noacct(bio);
}
