/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a namespace counts, by the lower drive's hardware queues. The fast path
 * writes memory of its own CPU only; queues are made of that at read-out.
 */
#ifndef PNVME_STATS_H
#define PNVME_STATS_H

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/xarray.h>
#include <pnvme/latency.h>
#include <uapi/linux/pnvme.h>

/*
 * An I/O is counted in a row. The row tells the operation and, as blk-mq does,
 * which of the drive's queue maps it goes by. Rows of block I/O come first, those of
 * polling side by side.
 */
enum pnvme_row {
	PNVME_ROW_READ,
	PNVME_ROW_WRITE,
	PNVME_ROW_FLUSH,
	PNVME_ROW_DISCARD,
	PNVME_ROW_WRITE_ZEROES,
	PNVME_ROW_POLLED_READ,
	PNVME_ROW_POLLED_WRITE,
	PNVME_ROW_POLLED_PASSTHRU_READ,
	PNVME_ROW_POLLED_PASSTHRU_WRITE,
	PNVME_ROW_POLLED_PASSTHRU_OTHER,
	PNVME_ROW_PASSTHRU_READ,
	PNVME_ROW_PASSTHRU_WRITE,
	PNVME_ROW_PASSTHRU_OTHER,
	PNVME_ROWS
};

/*
 * Rows of block I/O. The others are counted when the driver has the command: @started of
 * these stays 0, and no CPU keeps a histogram of them.
 */
#define PNVME_BLOCK_ROWS PNVME_ROW_POLLED_PASSTHRU_READ

/* The order of enum hctx_type. */
#define PNVME_QUEUE_MAPS 3

/**
 * struct pnvme_counts - one row
 * @started: I/Os submitted
 * @done: of these, completed; those that were told to come again (EAGAIN) are in
 *	@errors alone
 * @bytes: of @done
 * @latency: sum over those that were timed, ns
 */
struct pnvme_counts {
	u64 started;
	u64 done;
	u64 bytes;
	u64 latency;
};

/**
 * struct pnvme_cpu_stats - what one CPU counted; written by that CPU alone, also
 *	from interrupts, so by this_cpu_*() operations only
 * @queue: hardware queue of this CPU, by map; constant
 * @sample: I/Os until the next one is timed, where latency is sampled
 * @row: counters
 * @errors: by class
 * @histogram: latencies
 */
struct pnvme_cpu_stats {
	u16			queue[PNVME_QUEUE_MAPS];
	u32			sample;
	struct pnvme_counts	row[PNVME_ROWS];
	u64			errors[PNVME_ROWS][PNVME_ERROR_CLASSES];
	u64			histogram[PNVME_BLOCK_ROWS][PNVME_LATENCY_BUCKETS];
};

/**
 * struct pnvme_base - what a queue counted that no CPU's counters say: I/Os that
 *	completed on a CPU of another queue, those that were refused, passthrough commands
 *	that we waited for, and all from before queues were remapped
 * @lock: guards the rest; taken from interrupts
 * @row: counters
 * @errors: by class
 * @histogram: NULL until there is one; never freed before the base
 */
struct pnvme_base {
	spinlock_t		lock;	/* everything in here */
	struct pnvme_counts	row[PNVME_ROWS];
	u64			errors[PNVME_ROWS][PNVME_ERROR_CLASSES];
	u64			*histogram[PNVME_ROWS];
};

struct pnvme_map;

/**
 * struct pnvme_stats - of one namespace
 * @cpu: what each CPU counts. Replaced when queues are remapped; who uses it has
 *	preemption disabled, which the replacement waits for
 * @map: the CPUs of each queue, as @cpu has it; @lock
 * @bases: struct pnvme_base by queue; entries are added before a queue shows up
 *	in @cpu, and stay as long as this
 * @queues: number of entries of @bases; grows only; @lock
 * @lock: one sum or remap at a time
 * @since: when counting began, CLOCK_BOOTTIME, ns; constant
 * @passthru: there ever was a passthrough command; most namespaces never have one, and a sum
 *	of them need not look
 */
struct pnvme_stats {
	struct pnvme_cpu_stats __percpu	*cpu;
	struct pnvme_map		*map;
	struct xarray			bases;
	unsigned int			queues;
	struct mutex			lock;	/* @map, @queues, replacing @cpu */
	u64				since;
	bool				passthru;
};

/**
 * struct pnvme_stat_key - what an I/O was counted as when it started
 * @time: ktime_get_ns(), 0: not timed
 * @queue: hardware queue
 * @row: enum pnvme_row
 */
struct pnvme_stat_key {
	u64	time;
	u16	queue;
	u8	row;
};

/**
 * struct pnvme_stat - the sum for one queue and one operation
 * @counts: of all rows of that operation
 * @polled: of @counts.done
 * @errors: by class
 * @histogram: latencies
 */
struct pnvme_stat {
	struct pnvme_counts	counts;
	u64			polled;
	u64			errors[PNVME_ERROR_CLASSES];
	u64			histogram[PNVME_LATENCY_BUCKETS];
};

struct pnvme_map *pnvme_map_read(struct block_device *lower);
void pnvme_map_free(struct pnvme_map *map);

int pnvme_stats_init(struct pnvme_stats *stats, struct block_device *lower);
void pnvme_stats_exit(struct pnvme_stats *stats);
void pnvme_stats_follow(struct pnvme_stats *stats, const struct pnvme_map *map);
unsigned int pnvme_stats_queues(struct pnvme_stats *stats);
u64 pnvme_stats_in_flight(struct pnvme_stats *stats);
void pnvme_stats_sum(struct pnvme_stats *stats, unsigned int queue, enum pnvme_stat_op op,
		     struct pnvme_stat *sum);
void pnvme_stats_refused(struct pnvme_stats *stats, const struct bio *bio, blk_status_t status);
void pnvme_stats_elsewhere(struct pnvme_stats *stats, const struct pnvme_stat_key *key,
			   unsigned int bytes, u64 ns, blk_status_t status);
void pnvme_stats_error(struct pnvme_cpu_stats __percpu *cpu, enum pnvme_row row,
		       blk_status_t status);
void pnvme_stats_passthru_error(struct pnvme_stats *stats, enum pnvme_row row, int error);
void pnvme_stats_passthru_begin(struct pnvme_stats *stats, struct pnvme_stat_key *key,
				enum pnvme_row row, u32 every);
void pnvme_stats_passthru_end(struct pnvme_stats *stats, const struct pnvme_stat_key *key,
			      unsigned int bytes, int error);

static inline enum pnvme_row pnvme_row(const struct bio *bio)
{
	switch (bio_op(bio)) {
	case REQ_OP_READ:
		return bio->bi_opf & REQ_POLLED ? PNVME_ROW_POLLED_READ : PNVME_ROW_READ;
	case REQ_OP_DISCARD:
	case REQ_OP_SECURE_ERASE:
		return PNVME_ROW_DISCARD;
	case REQ_OP_WRITE_ZEROES:
		return PNVME_ROW_WRITE_ZEROES;
	case REQ_OP_FLUSH:
		return PNVME_ROW_FLUSH;
	default:
		if (!bio->bi_iter.bi_size)
			return PNVME_ROW_FLUSH;
		return bio->bi_opf & REQ_POLLED ? PNVME_ROW_POLLED_WRITE : PNVME_ROW_WRITE;
	}
}

/*
 * As blk_mq_get_hctx_type() does. Passthrough is no REQ_OP_READ there, whatever the command
 * does: it goes by the default map, not by that for reads.
 */
static inline unsigned int pnvme_row_map(enum pnvme_row row)
{
	if (row >= PNVME_ROW_POLLED_READ && row <= PNVME_ROW_POLLED_PASSTHRU_OTHER)
		return 2;
	return row == PNVME_ROW_READ;
}

/* Latency setting @every: 0 none, 1 all, N one in N. Preemption is disabled. */
static inline bool pnvme_stats_timed(struct pnvme_cpu_stats __percpu *cpu, u32 every)
{
	u32 left;

	if (likely(every <= 1))
		return every;
	left = __this_cpu_read(cpu->sample);
	if (left - 1 >= every)	/* 0, or the setting was lowered */
		left = every;
	__this_cpu_write(cpu->sample, left - 1);
	return left == 1;
}

/**
 * pnvme_stats_start - count an I/O that is about to be submitted
 * @stats: of its namespace
 * @key: result, for pnvme_stats_end()
 * @bio: as the caller made it
 * @every: the drive's latency setting
 *
 * The caller has preemption disabled: pnvme_stats_follow() waits for that.
 */
static inline void pnvme_stats_start(struct pnvme_stats *stats, struct pnvme_stat_key *key,
				     const struct bio *bio, u32 every)
{
	enum pnvme_row row = pnvme_row(bio);
	struct pnvme_cpu_stats __percpu *cpu;

	key->row = row;
	cpu = READ_ONCE(stats->cpu);
	key->queue = __this_cpu_read(cpu->queue[pnvme_row_map(row)]);
	this_cpu_inc(cpu->row[row].started);
	key->time = pnvme_stats_timed(cpu, every) ? compat_block_time() : 0;
}

/**
 * pnvme_stats_end - count its completion; from any context
 * @stats: of its namespace; not touched by this any more when a sum sees the I/O as done
 * @key: as pnvme_stats_start() left it
 * @bytes: of the I/O
 * @status: how it ended
 */
static inline void pnvme_stats_end(struct pnvme_stats *stats, const struct pnvme_stat_key *key,
				   unsigned int bytes, blk_status_t status)
{
	u64 ns = key->time ? ktime_get_ns() - key->time : 0;
	struct pnvme_cpu_stats __percpu *cpu;
	enum pnvme_row row = key->row;

	preempt_disable();
	cpu = READ_ONCE(stats->cpu);
	if (unlikely(this_cpu_read(cpu->queue[pnvme_row_map(row)]) != key->queue)) {
		preempt_enable();
		pnvme_stats_elsewhere(stats, key, bytes, ns, status);
		return;
	}
	if (unlikely(status))
		pnvme_stats_error(cpu, row, status);
	if (likely(status != BLK_STS_AGAIN)) {
		if (key->time) {
			this_cpu_inc(cpu->histogram[row][pnvme_latency_bucket(ns)]);
			this_cpu_add(cpu->row[row].latency, ns);
		}
		this_cpu_add(cpu->row[row].bytes, bytes);
		this_cpu_inc(cpu->row[row].done);
	}
	preempt_enable();
}

/* Set before anything is counted; written once, so that its cache line stays shared. */
static inline void pnvme_stats_has_passthru(struct pnvme_stats *stats)
{
	if (unlikely(!READ_ONCE(stats->passthru)))
		WRITE_ONCE(stats->passthru, true);
}

/**
 * pnvme_stats_passthru - count a passthrough command that was handed to the driver, or that
 *	ended at once
 * @stats: of its namespace
 * @row: PNVME_ROW_PASSTHRU_READ, _WRITE or _OTHER
 * @polled: its caller will poll for it
 * @bytes: of its data
 * @error: 0; a negative errno, or an NVMe status. With -EAGAIN nothing is counted: it comes
 *	again
 *
 * Its completion goes from the driver to the caller. So it is counted as done, and never as
 * in flight.
 */
static inline void pnvme_stats_passthru(struct pnvme_stats *stats, enum pnvme_row row,
					bool polled, unsigned int bytes, int error)
{
	struct pnvme_cpu_stats __percpu *cpu;

	if (polled)
		row -= PNVME_ROW_PASSTHRU_READ - PNVME_ROW_POLLED_PASSTHRU_READ;
	if (unlikely(error)) {
		pnvme_stats_passthru_error(stats, row, error);
		return;
	}
	pnvme_stats_has_passthru(stats);
	preempt_disable();
	cpu = READ_ONCE(stats->cpu);
	this_cpu_add(cpu->row[row].bytes, bytes);
	this_cpu_inc(cpu->row[row].done);
	preempt_enable();
}

#endif
