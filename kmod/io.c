// SPDX-License-Identifier: GPL-2.0
/*
 * The block fast path. The caller's own bio goes down, its sector and device
 * rewritten: nothing is cloned or copied, and polled and NOWAIT I/O work as on
 * the drive itself. A context from the drive's pool remembers what completion
 * must give back.
 *
 * What failed because the drive went away is never sent again as the same bio, whose
 * chain count is spent: a clone of it is. What cannot be taken back once the lower
 * device has had it goes down as a clone from the start.
 */
#include <linux/bio.h>
#include <linux/blk-crypto.h>
#include <linux/blkdev.h>
#include <linux/slab.h>
#include <trace/events/block.h>

#include "drive.h"
#include "hold.h"
#include "io.h"
#include "namespace.h"
#include "stats.h"

/* Contexts that are there even when no memory is: one gets I/O forward, 64 keep it moving. */
#define POOL_MIN 64
/* Free contexts that a CPU keeps at hand. */
#define CACHE_MAX 64
/* Clones that are there even when no memory is. */
#define CLONES_MIN 16

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
	int ret;

	pool->cache = alloc_percpu(struct pnvme_io_cache);
	if (!pool->cache)
		return -ENOMEM;
	ret = bioset_init(&pool->clones, CLONES_MIN, 0, 0);
	return ret ? ret : mempool_init_slab_pool(&pool->reserve, POOL_MIN, io_cache);
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
	bioset_exit(&pool->clones);
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

/*
 * Before the caller hears of it, so that a flush that it sends then covers it. What was
 * written with FUA needs no flush. One cache line, written once between two flushes.
 */
static void note_written(const struct pnvme_io *io, struct pnvme_ns *ns)
{
	if (op_is_write(io->opf) && !(io->opf & REQ_FUA) && io->iter.bi_size &&
	    !READ_ONCE(ns->doubt))
		WRITE_ONCE(ns->doubt, 1);
}

static inline void io_done(struct pnvme_io *io, struct bio *bio, blk_status_t status)
{
	struct pnvme_stat_key key = io->key;
	struct pnvme_ns *ns = io->ns;
	unsigned int bytes = io->iter.bi_size;

	if (likely(!status))
		note_written(io, ns);
	else if (!bio->bi_status)
		bio->bi_status = status;
	compat_end_io_acct(io->bdev, bio_op(bio), bvec_iter_sectors(io->iter), io->start);
	io_free(&ns->drive->io_pool, io);
	/* last: namespace and drive may go when all is counted as done */
	pnvme_stats_end(&ns->stats, &key, bytes, status);
	/* never the saved end_io directly: chained bios have no callable one since 7.0 */
	bio_endio(bio);
}

/**
 * pnvme_io_done - an I/O has come to its end: count it, tell its owner
 * @io: its context, freed by this
 * @bio: the caller's, as it came
 * @status: how it ended; a chained bio keeps an error that it has already
 */
void pnvme_io_done(struct pnvme_io *io, struct bio *bio, blk_status_t status)
{
	io_done(io, bio, status);
}

/* Whatever the flush was to cover is in doubt again. */
static noinline void io_failed(struct pnvme_io *io, struct bio *bio, blk_status_t status)
{
	if (io->flushes)
		WRITE_ONCE(io->ns->doubt, 1);
	io->bio = bio;
	io->status = status;
	if (!pnvme_hold_park(io))
		pnvme_io_done(io, bio, status);
}

static void io_end(struct bio *bio)
{
	struct pnvme_io *io = bio->bi_private;
	blk_status_t status = bio->bi_status;

	restore(bio, io);
	if (likely(!status)) {
		io_done(io, bio, 0);
		return;
	}
	/* an error that is not the end must not stay; only what cannot be chained came this way */
	bio->bi_status = 0;
	io_failed(io, bio, status);
}

static void clone_end(struct bio *clone)
{
	struct pnvme_io *io = clone->bi_private;
	blk_status_t status = clone->bi_status;

	bio_put(clone);
	if (likely(!status))
		pnvme_io_done(io, io->bio, 0);
	else
		io_failed(io, io->bio, status);
}

static bool modifies(const struct bio *bio)
{
	/* an empty flush changes nothing */
	return op_is_write(bio_op(bio)) && !(op_is_flush(bio->bi_opf) && !bio_sectors(bio));
}

/* Is it one of those that @stops is about? */
static noinline bool is_stopped(const struct pnvme_ns *ns, const struct bio *bio)
{
	return pnvme_fence_stops(ns, bio->bi_opf) ||
	       (test_bit(PNVME_STOP_SEAL, &ns->stops) && modifies(bio));
}

/*
 * Count it as started, from when on it is waited for, unless the gate is closed or it is
 * stopped. Whoever sets a stop and waits for RCU finds counted all that did not see it.
 */
static bool io_begin(struct pnvme_io *io, const struct bio *bio, struct pnvme_ns *ns)
{
	const struct pnvme_drive *drive = ns->drive;
	bool open;

	preempt_disable();
	/* what was done before it opened is seen: the device to go to, fences */
	open = smp_load_acquire(&drive->gate) == PNVME_GATE_OPEN &&
	       (likely(!READ_ONCE(ns->stops)) || !is_stopped(ns, bio));
	if (likely(open))
		pnvme_stats_start(&ns->stats, &io->key, bio, READ_ONCE(drive->latency));
	preempt_enable();
	return open;
}

/* What completion must know of it, and the start of its accounting. */
static void io_save(struct pnvme_io *io, struct bio *bio, struct pnvme_ns *ns)
{
	io->bdev = bio->bi_bdev;
	io->iter = bio->bi_iter;
	io->opf = bio->bi_opf;
	io->traced = bio_flagged(bio, BIO_TRACE_COMPLETION);
	io->tries = 0;
	io->ns = ns;
	io->start = bio_start_io_acct(bio);
}

/* A flush that is about to go down covers all that was acknowledged before. */
static void io_flushes(struct pnvme_io *io, struct pnvme_ns *ns)
{
	io->flushes = unlikely(io->opf & REQ_PREFLUSH) && xchg(&ns->doubt, 0);
}

/* The bio becomes one for the lower device. */
static void io_remap(struct pnvme_io *io, struct bio *bio, struct pnvme_ns *ns)
{
	io->end_io = bio->bi_end_io;
	io->private = bio->bi_private;
	bio->bi_end_io = io_end;
	bio->bi_private = io;
	bio_set_dev(bio, ns->drive->claim.bdev);
	bio->bi_iter.bi_sector += ns->first;
	trace_block_bio_remap(bio, disk_devt(io->bdev->bd_disk), io->iter.bi_sector);
	submit_bio_noacct(bio);
}

/*
 * A chained bio may end with the error of another one, which a retry would have to
 * clear; protection information of the caller's and encryption contexts change hands on
 * the way down.
 */
static bool wants_clone(struct bio *bio)
{
	return bio_flagged(bio, BIO_CHAIN) || (bio->bi_opf & REQ_INTEGRITY) ||
	       bio_has_crypt_ctx(bio);
}

/* The caller's bio stays as it is; what goes down is a clone, which nobody polls for. */
static noinline void io_clone(struct pnvme_io *io, struct bio *bio, blk_opf_t drop, gfp_t gfp)
{
	struct pnvme_ns *ns = io->ns;
	struct bio *clone = bio_alloc_clone(ns->drive->claim.bdev, bio, gfp,
					    &ns->drive->io_pool.clones);

	io->bio = bio;
	if (!clone) {
		io_failed(io, bio, gfp == GFP_NOWAIT ? BLK_STS_AGAIN : BLK_STS_RESOURCE);
		return;
	}
	clone->bi_opf |= io->opf & (REQ_PREFLUSH | REQ_FUA);
	clone->bi_opf &= ~(drop | REQ_POLLED);
	clone->bi_end_io = clone_end;
	clone->bi_private = io;
	clone->bi_iter.bi_sector += ns->first;
	trace_block_bio_remap(clone, disk_devt(io->bdev->bd_disk), io->iter.bi_sector);
	submit_bio_noacct(clone);
}

/**
 * pnvme_io_retry - send an I/O down once more
 * @io: parked before; its drive is there
 */
void pnvme_io_retry(struct pnvme_io *io)
{
	io->tries++;
	io_flushes(io, io->ns);
	io_clone(io, io->bio, REQ_NOWAIT, GFP_NOIO);
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
static noinline void refuse(struct pnvme_ns *ns, struct bio *bio, blk_status_t status)
{
	pnvme_stats_refused(&ns->stats, bio, status);
	if (status == BLK_STS_AGAIN) {
		bio_wouldblock_error(bio);
		return;
	}
	bio->bi_status = status;
	bio_endio(bio);
}

/* Likewise, for those who kept it. */
void pnvme_io_refuse(struct bio *bio, blk_status_t status)
{
	refuse(bio->bi_bdev->bd_disk->private_data, bio, status);
}

/* The drive is away, or for good: the bio waits or ends. False: it is back by now. */
static noinline bool gate_closed(struct pnvme_ns *ns, struct bio *bio)
{
	/* one that waits is not ours any more: it may be done by the time we are told */
	bool nowait = bio->bi_opf & REQ_NOWAIT;

	switch (pnvme_hold_bio(ns, bio)) {
	case PNVME_GATE_OPEN:
		return false;
	case PNVME_GATE_HELD:
		if (nowait)
			refuse(ns, bio, BLK_STS_AGAIN);
		return true;
	default:
		refuse(ns, bio, BLK_STS_IOERR);
		return true;
	}
}

/* Fenced or sealed: the bio ends or waits. False: the gate has it, or nothing by now. */
static noinline bool stopped(struct pnvme_ns *ns, struct bio *bio)
{
	if (READ_ONCE(ns->drive->gate) != PNVME_GATE_OPEN)
		return false;
	if (pnvme_fence_stops(ns, bio->bi_opf)) {
		refuse(ns, bio, BLK_STS_IOERR);
		return true;
	}
	if (!test_bit(PNVME_STOP_SEAL, &ns->stops) || !modifies(bio))
		return false;
	switch (pnvme_seal_bio(ns, bio)) {
	case PNVME_SEAL_OPEN:
		return false;
	case PNVME_SEAL_WAITS:
		return true;
	default:
		refuse(ns, bio, BLK_STS_AGAIN);
		return true;
	}
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
		refuse(ns, bio, BLK_STS_IOERR);
		return;
	}
again:
	/* before there is a context, which only a drive that is there gives back */
	if (unlikely(READ_ONCE(drive->gate)) && gate_closed(ns, bio))
		return;
	io = io_alloc(&drive->io_pool, bio);
	if (unlikely(!io)) {
		refuse(ns, bio, BLK_STS_AGAIN);
		return;
	}
	if (unlikely(!io_begin(io, bio, ns))) {
		io_free(&drive->io_pool, io);
		if (stopped(ns, bio))
			return;
		goto again;
	}
	io_save(io, bio, ns);
	io_flushes(io, ns);
	if (likely(!wants_clone(bio)))
		io_remap(io, bio, ns);
	else
		io_clone(io, bio, 0, bio->bi_opf & REQ_NOWAIT ? GFP_NOWAIT : GFP_NOIO);
}
