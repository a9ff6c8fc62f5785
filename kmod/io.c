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
#include "stats.h"

/* Contexts that are there even when no memory is: one gets I/O forward, 64 keep it moving. */
#define POOL_MIN 64
/* Free contexts that a CPU keeps at hand. */
#define CACHE_MAX 64

/**
 * struct pnvme_io - one I/O in flight; owned by it, so no field needs a lock
 * @end_io: of the caller's bio
 * @private: of the caller's bio
 * @next: in a CPU's list of free contexts
 * @bdev: of the caller's bio: our disk or a partition of it
 * @iter: of the caller's bio
 * @traced: BIO_TRACE_COMPLETION was set
 * @ns: it is for; there until the I/O is counted as done
 * @start: jiffies, from bio_start_io_acct()
 * @key: what it is counted as
 */
struct pnvme_io {
	union {
		bio_end_io_t	*end_io;
		struct pnvme_io	*next;
	};
	void			*private;
	struct block_device	*bdev;
	struct bvec_iter	iter;
	bool			traced;
	struct pnvme_ns		*ns;
	unsigned long		start;
	struct pnvme_stat_key	key;
};

/**
 * struct pnvme_io_cache - free contexts of one CPU and drive
 * @first: of the list; changed on that CPU with interrupts disabled
 * @count: of the list; likewise
 */
struct pnvme_io_cache {
	struct pnvme_io	*first;
	unsigned int	count;
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

/**
 * pnvme_io_pool_init - make the contexts of a drive
 * @pool: all zero
 *
 * Return: 0 or -ENOMEM; pnvme_io_pool_exit() is due in either case.
 */
int pnvme_io_pool_init(struct pnvme_io_pool *pool)
{
	pool->cache = alloc_percpu(struct pnvme_io_cache);
	if (!pool->cache)
		return -ENOMEM;
	return mempool_init_slab_pool(&pool->reserve, POOL_MIN, io_cache);
}

/**
 * pnvme_io_pool_exit - free the contexts of a drive
 * @pool: no I/O is in flight; may be all zero
 */
void pnvme_io_pool_exit(struct pnvme_io_pool *pool)
{
	struct pnvme_io *io, *next;
	int cpu;

	if (!pool->cache)
		return;
	for_each_possible_cpu(cpu) {
		for (io = per_cpu_ptr(pool->cache, cpu)->first; io; io = next) {
			next = io->next;
			kmem_cache_free(io_cache, io);
		}
	}
	free_percpu(pool->cache);
	mempool_exit(&pool->reserve);
}

/* NULL only for a bio that may not wait. */
static struct pnvme_io *io_alloc(struct pnvme_io_pool *pool, const struct bio *bio)
{
	struct pnvme_io_cache *cache;
	struct pnvme_io *io;
	unsigned long flags;

	local_irq_save(flags);
	cache = this_cpu_ptr(pool->cache);
	io = cache->first;
	if (likely(io)) {
		cache->first = io->next;
		cache->count--;
	}
	local_irq_restore(flags);
	if (likely(io))
		return io;
	return mempool_alloc(&pool->reserve,
			     bio->bi_opf & REQ_NOWAIT ? GFP_NOWAIT : GFP_NOIO);
}

/* Whoever waits for a context waits for the reserve, which is therefore filled first. */
static void io_free(struct pnvme_io_pool *pool, struct pnvme_io *io)
{
	struct pnvme_io_cache *cache;
	unsigned long flags;

	if (likely(READ_ONCE(pool->reserve.curr_nr) >= POOL_MIN)) {
		local_irq_save(flags);
		cache = this_cpu_ptr(pool->cache);
		if (likely(cache->count < CACHE_MAX)) {
			io->next = cache->first;
			cache->first = io;
			cache->count++;
			io = NULL;
		}
		local_irq_restore(flags);
	}
	if (unlikely(io))
		mempool_free(io, &pool->reserve);
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
	struct pnvme_stat_key key = io->key;
	struct pnvme_ns *ns = io->ns;

	restore(bio, io);
	compat_end_io_acct(io->bdev, bio_op(bio), bvec_iter_sectors(io->iter), io->start);
	io_free(&ns->drive->io_pool, io);
	/* last: namespace and drive may go when all is counted as done */
	pnvme_stats_end(&ns->stats, &key, bio->bi_iter.bi_size, bio->bi_status);
	/* never the saved end_io directly: chained bios have no callable one since 7.0 */
	bio_endio(bio);
}

static bool modifies(const struct bio *bio)
{
	/* an empty flush changes nothing */
	return op_is_write(bio_op(bio)) && !(op_is_flush(bio->bi_opf) && !bio_sectors(bio));
}

/* Count it as started, from when on it is waited for, unless I/O is refused. */
static bool io_begin(struct pnvme_io *io, const struct bio *bio, struct pnvme_ns *ns)
{
	const struct pnvme_drive *drive = ns->drive;
	bool stopped;

	preempt_disable();
	stopped = READ_ONCE(drive->io_stopped);
	if (likely(!stopped))
		pnvme_stats_start(&ns->stats, &io->key, bio, READ_ONCE(drive->latency));
	preempt_enable();
	return !stopped;
}

/* The bio becomes one for the lower device. */
static void io_remap(struct pnvme_io *io, struct bio *bio, struct pnvme_ns *ns)
{
	io->end_io = bio->bi_end_io;
	io->private = bio->bi_private;
	io->bdev = bio->bi_bdev;
	io->iter = bio->bi_iter;
	io->traced = bio_flagged(bio, BIO_TRACE_COMPLETION);
	io->ns = ns;
	io->start = bio_start_io_acct(bio);

	bio->bi_end_io = io_end;
	bio->bi_private = io;
	bio_set_dev(bio, ns->drive->claim.bdev);
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

/* Ended here and now, and counted as what it is. */
static void refuse(struct pnvme_ns *ns, struct bio *bio, blk_status_t status)
{
	struct pnvme_stat_key key;

	preempt_disable();
	pnvme_stats_start(&ns->stats, &key, bio, 0);
	preempt_enable();
	pnvme_stats_end(&ns->stats, &key, 0, status);
	if (status == BLK_STS_AGAIN) {
		bio_wouldblock_error(bio);
		return;
	}
	bio->bi_status = status;
	bio_endio(bio);
}

/**
 * pnvme_submit_bio - block_device_operations.submit_bio of a namespace
 * @bio: of the disk or a partition of it, its sector relative to the disk
 */
void pnvme_submit_bio(struct bio *bio)
{
	struct pnvme_ns *ns = bio->bi_bdev->bd_disk->private_data;
	struct pnvme_io_pool *pool = &ns->drive->io_pool;
	struct pnvme_io *io;

	if (unlikely((ns->read_only && modifies(bio)) || beyond_end(bio))) {
		refuse(ns, bio, BLK_STS_IOERR);
		return;
	}
	io = io_alloc(pool, bio);
	if (unlikely(!io)) {
		refuse(ns, bio, BLK_STS_AGAIN);
		return;
	}
	if (unlikely(!io_begin(io, bio, ns))) {
		io_free(pool, io);
		refuse(ns, bio, BLK_STS_IOERR);
		return;
	}
	io_remap(io, bio, ns);
	submit_bio_noacct(bio);
}
