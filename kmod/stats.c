// SPDX-License-Identifier: GPL-2.0
/*
 * From per-CPU counters to queues. The lower device's tag set says which queue a
 * CPU uses, for each of its three maps; without a tag set (a multipath head is no
 * request-based disk) a CPU stands for a queue of its own.
 *
 * All that was ever counted is in the per-CPU counters or in the bases: nothing
 * that a reader has seen is ever taken back.
 */
#include <linux/blkdev.h>
#include <linux/blk-mq.h>
#include <linux/cpumask.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "stats.h"

#define NO_CPU U16_MAX
/* How long a queue may be frozen before I/O is counted by CPUs at first. */
#define MAP_TRIES	10
#define MAP_PAUSE_MS	20

/**
 * struct pnvme_map - which CPU uses which queue
 * @queues: number of queues
 * @bytes: size of all this
 * @cells: queue of each CPU, then next CPU of the same queue, then first CPU of each
 *	queue, for each map
 */
struct pnvme_map {
	unsigned int	queues;
	unsigned int	bytes;
	u16		cells[];
};

static u16 *map_queue(struct pnvme_map *map, unsigned int type)
{
	return map->cells + type * (2 * nr_cpu_ids + map->queues);
}

static u16 *map_next(struct pnvme_map *map, unsigned int type)
{
	return map_queue(map, type) + nr_cpu_ids;
}

static u16 *map_first(struct pnvme_map *map, unsigned int type)
{
	return map_next(map, type) + nr_cpu_ids;
}

static struct pnvme_map *map_alloc(unsigned int queues)
{
	size_t cells = PNVME_QUEUE_MAPS * (2 * nr_cpu_ids + queues);
	struct pnvme_map *map;

	if (nr_cpu_ids >= NO_CPU || queues >= NO_CPU)
		return NULL;
	map = kvzalloc(struct_size(map, cells, cells), GFP_NOIO);
	if (!map)
		return NULL;
	map->queues = queues;
	map->bytes = struct_size(map, cells, cells);
	return map;
}

/* Chains the CPUs of each queue, so that a sum costs what it sums. */
static void map_chain(struct pnvme_map *map)
{
	unsigned int type, queue;
	int cpu;

	for (type = 0; type < PNVME_QUEUE_MAPS; type++) {
		memset(map_first(map, type), 0xff, map->queues * sizeof(u16));
		for_each_possible_cpu(cpu) {
			queue = map_queue(map, type)[cpu];
			map_next(map, type)[cpu] = map_first(map, type)[queue];
			map_first(map, type)[queue] = cpu;
		}
	}
}

/* A map that the device does not have is the default one, as in blk-mq. */
static const struct blk_mq_queue_map *lower_map(const struct blk_mq_tag_set *set,
						unsigned int type)
{
	if (type < set->nr_maps && set->map[type].nr_queues && set->map[type].mq_map)
		return &set->map[type];
	return &set->map[HCTX_TYPE_DEFAULT];
}

static struct pnvme_map *map_tag_set(const struct blk_mq_tag_set *set)
{
	struct pnvme_map *map = map_alloc(set->nr_hw_queues);
	unsigned int type;
	int cpu;

	BUILD_BUG_ON(HCTX_TYPE_READ != 1 || HCTX_TYPE_POLL != 2 ||
		     HCTX_MAX_TYPES != PNVME_QUEUE_MAPS);
	if (!map)
		return NULL;
	for (type = 0; type < PNVME_QUEUE_MAPS; type++)
		for_each_possible_cpu(cpu)
			map_queue(map, type)[cpu] =
				min(lower_map(set, type)->mq_map[cpu], map->queues - 1);
	return map;
}

static struct pnvme_map *map_cpus(void)
{
	struct pnvme_map *map = map_alloc(nr_cpu_ids);
	unsigned int type;
	int cpu;

	if (!map)
		return NULL;
	for (type = 0; type < PNVME_QUEUE_MAPS; type++)
		for_each_possible_cpu(cpu)
			map_queue(map, type)[cpu] = cpu;
	return map;
}

/**
 * pnvme_map_read - which CPU uses which queue of a device now
 * @lower: open
 *
 * Return: the map, to be freed with pnvme_map_free(); -ENOMEM, or -EBUSY if the
 * queue is frozen for a moment or for good and has none to tell.
 */
struct pnvme_map *pnvme_map_read(struct block_device *lower)
{
	struct request_queue *q = bdev_get_queue(lower);
	struct pnvme_map *map;

	if (!queue_is_mq(q)) {
		map = map_cpus();
	} else {
		/* the tag set is the driver's, and goes with its controller */
		if (!percpu_ref_tryget_live(&q->q_usage_counter))
			return ERR_PTR(-EBUSY);
		map = map_tag_set(q->tag_set);
		percpu_ref_put(&q->q_usage_counter);
	}
	if (!map)
		return ERR_PTR(-ENOMEM);
	map_chain(map);
	return map;
}

/*
 * A queue that is frozen for a moment, for another setting, tells nothing. After
 * that each CPU stands for a queue until pnvme_stats_follow() knows better.
 */
static struct pnvme_map *first_map(struct block_device *lower)
{
	struct pnvme_map *map;
	unsigned int tries;

	for (tries = 0; tries < MAP_TRIES; tries++) {
		map = pnvme_map_read(lower);
		if (!IS_ERR(map) || PTR_ERR(map) != -EBUSY)
			return map;
		if (compat_bdev_dead(lower))
			return ERR_PTR(-ENODEV);
		schedule_timeout_uninterruptible(msecs_to_jiffies(MAP_PAUSE_MS));
	}
	map = map_cpus();
	if (!map)
		return ERR_PTR(-ENOMEM);
	map_chain(map);
	return map;
}

void pnvme_map_free(struct pnvme_map *map)
{
	kvfree(map);
}

static struct pnvme_cpu_stats __percpu *cpu_stats_alloc(struct pnvme_map *map)
{
	struct pnvme_cpu_stats __percpu *cpu = alloc_percpu_gfp(struct pnvme_cpu_stats,
								GFP_KERNEL | __GFP_NOWARN);
	unsigned int type;
	int i;

	if (!cpu)
		return NULL;
	for_each_possible_cpu(i)
		for (type = 0; type < PNVME_QUEUE_MAPS; type++)
			per_cpu_ptr(cpu, i)->queue[type] = map_queue(map, type)[i];
	return cpu;
}

/* A base for each queue up to @queues, before anything can be counted there. */
static int bases_extend(struct pnvme_stats *stats, unsigned int queues)
{
	struct pnvme_base *base;
	int ret;

	for (; stats->queues < queues; stats->queues++) {
		base = kzalloc(sizeof(*base), GFP_NOIO);
		if (!base)
			return -ENOMEM;
		spin_lock_init(&base->lock);
		ret = xa_err(xa_store(&stats->bases, stats->queues, base, GFP_NOIO));
		if (ret) {
			kfree(base);
			return ret;
		}
	}
	return 0;
}

static void bases_free(struct pnvme_stats *stats)
{
	struct pnvme_base *base;
	unsigned long queue;
	unsigned int row;

	xa_for_each(&stats->bases, queue, base) {
		for (row = 0; row < PNVME_ROWS; row++)
			kfree(base->histogram[row]);
		kfree(base);
	}
	xa_destroy(&stats->bases);
}

/**
 * pnvme_stats_init - begin to count
 * @stats: all zero
 * @lower: the device whose queues are counted
 *
 * Return: 0, -ENOMEM, or -ENODEV if the device is gone.
 */
int pnvme_stats_init(struct pnvme_stats *stats, struct block_device *lower)
{
	struct pnvme_map *map = first_map(lower);

	if (IS_ERR(map))
		return PTR_ERR(map);
	mutex_init(&stats->lock);
	xa_init(&stats->bases);
	stats->since = ktime_get_boottime_ns();
	stats->map = map;
	stats->cpu = cpu_stats_alloc(stats->map);
	if (stats->cpu && !bases_extend(stats, stats->map->queues))
		return 0;
	pnvme_stats_exit(stats);
	return -ENOMEM;
}

/**
 * pnvme_stats_exit - end counting
 * @stats: no I/O is in flight; may be all zero
 */
void pnvme_stats_exit(struct pnvme_stats *stats)
{
	if (!stats->map)
		return;
	/* the last completion may not have left pnvme_stats_end() yet */
	synchronize_rcu();
	bases_free(stats);
	free_percpu(stats->cpu);
	kvfree(stats->map);
	stats->cpu = NULL;
	stats->map = NULL;
	stats->queues = 0;
}

static unsigned int error_class(blk_status_t status)
{
	switch (status) {
	case BLK_STS_AGAIN:
		return PNVME_ERROR_CLASS_AGAIN;
	case BLK_STS_MEDIUM:
		return PNVME_ERROR_CLASS_MEDIUM;
	case BLK_STS_TIMEOUT:
		return PNVME_ERROR_CLASS_TIMEOUT;
	case BLK_STS_TRANSPORT:
		return PNVME_ERROR_CLASS_TRANSPORT;
	case BLK_STS_PROTECTION:
		return PNVME_ERROR_CLASS_PROTECTION;
	case BLK_STS_NOSPC:
		return PNVME_ERROR_CLASS_SPACE;
	case BLK_STS_NOTSUPP:
		return PNVME_ERROR_CLASS_UNSUPPORTED;
	case BLK_STS_TARGET:
		return PNVME_ERROR_CLASS_TARGET;
	case BLK_STS_RESV_CONFLICT:
		return PNVME_ERROR_CLASS_RESERVATION;
	case BLK_STS_RESOURCE:
	case BLK_STS_DEV_RESOURCE:
		return PNVME_ERROR_CLASS_RESOURCE;
	default:
		return PNVME_ERROR_CLASS_IO;
	}
}

void pnvme_stats_error(struct pnvme_cpu_stats __percpu *cpu, enum pnvme_row row,
		       blk_status_t status)
{
	this_cpu_inc(cpu->errors[row][error_class(status)]);
}

/* The latency is best effort: without memory for a histogram it is not counted. */
static void base_latency(struct pnvme_base *base, enum pnvme_row row, u64 ns)
{
	u64 *histogram = base->histogram[row];

	if (!histogram) {
		histogram = kcalloc(PNVME_LATENCY_BUCKETS, sizeof(u64), GFP_NOWAIT | __GFP_NOWARN);
		if (!histogram)
			return;
		base->histogram[row] = histogram;
	}
	histogram[pnvme_latency_bucket(ns)]++;
	base->row[row].latency += ns;
}

/**
 * pnvme_stats_elsewhere - count a completion on a CPU of another queue
 * @stats: of the namespace
 * @key: as pnvme_stats_start() left it
 * @bytes: of the I/O
 * @ns: its latency, if it was timed
 * @status: how it ended
 */
void pnvme_stats_elsewhere(struct pnvme_stats *stats, const struct pnvme_stat_key *key,
			   unsigned int bytes, u64 ns, blk_status_t status)
{
	struct pnvme_base *base = xa_load(&stats->bases, key->queue);
	struct pnvme_counts *row = &base->row[key->row];
	unsigned long flags;

	spin_lock_irqsave(&base->lock, flags);
	if (status)
		base->errors[key->row][error_class(status)]++;
	if (status != BLK_STS_AGAIN) {
		if (key->time)
			base_latency(base, key->row, ns);
		row->bytes += bytes;
		row->done++;
	}
	spin_unlock_irqrestore(&base->lock, flags);
}

/**
 * pnvme_stats_refused - count an I/O that ends where it came
 * @stats: of the namespace
 * @bio: as the caller made it
 * @status: why
 *
 * It is never seen as in flight, however many of its kind come: who waits for what is in
 * flight to end does not wait for these.
 */
void pnvme_stats_refused(struct pnvme_stats *stats, const struct bio *bio, blk_status_t status)
{
	enum pnvme_row row = pnvme_row(bio);
	struct pnvme_cpu_stats __percpu *cpu;
	struct pnvme_base *base;
	unsigned long flags;

	preempt_disable();
	cpu = READ_ONCE(stats->cpu);
	base = xa_load(&stats->bases, this_cpu_read(cpu->queue[pnvme_row_map(row)]));
	spin_lock_irqsave(&base->lock, flags);
	base->row[row].started++;
	base->errors[row][error_class(status)]++;
	if (status != BLK_STS_AGAIN)
		base->row[row].done++;
	spin_unlock_irqrestore(&base->lock, flags);
	preempt_enable();
}

static void add_done(struct pnvme_counts *to, const struct pnvme_counts *from)
{
	to->done += READ_ONCE(from->done);
	to->bytes += READ_ONCE(from->bytes);
	to->latency += READ_ONCE(from->latency);
}

/* The histogram that @cpu has of a row, NULL: it has none. */
static const u64 *cpu_histogram(const struct pnvme_cpu_stats *cpu, enum pnvme_row row)
{
	return row < PNVME_BLOCK_ROWS ? cpu->histogram[row] : NULL;
}

static void add_array(u64 *to, const u64 *from, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		to[i] += READ_ONCE(from[i]);
}

/* What a CPU counted in @row goes to the base of the queue that it was counted for. */
static void fold_row(struct pnvme_stats *stats, const struct pnvme_cpu_stats *cpu,
		     enum pnvme_row row)
{
	struct pnvme_base *base = xa_load(&stats->bases, cpu->queue[pnvme_row_map(row)]);
	const u64 *histogram = cpu_histogram(cpu, row);
	/* small and rare; without it, what was seen already would be taken back */
	u64 *spare = kcalloc(PNVME_LATENCY_BUCKETS, sizeof(u64), GFP_NOIO | __GFP_NOFAIL);

	spin_lock_irq(&base->lock);
	add_done(&base->row[row], &cpu->row[row]);
	base->row[row].started += cpu->row[row].started;
	add_array(base->errors[row], cpu->errors[row], PNVME_ERROR_CLASSES);
	if (histogram) {
		if (!base->histogram[row])
			swap(base->histogram[row], spare);
		add_array(base->histogram[row], histogram, PNVME_LATENCY_BUCKETS);
	}
	spin_unlock_irq(&base->lock);
	kfree(spare);
}

/* Completed, one way or another. */
static u64 finished(const struct pnvme_counts *row, const u64 *errors)
{
	return READ_ONCE(row->done) + READ_ONCE(errors[PNVME_ERROR_CLASS_AGAIN]);
}

static void fold(struct pnvme_stats *stats, struct pnvme_cpu_stats __percpu *all)
{
	struct pnvme_cpu_stats *cpu;
	unsigned int row;
	int i;

	for_each_possible_cpu(i) {
		cpu = per_cpu_ptr(all, i);
		for (row = 0; row < PNVME_ROWS; row++)
			if (cpu->row[row].started || finished(&cpu->row[row], cpu->errors[row]))
				fold_row(stats, cpu, row);
	}
}

static void remap(struct pnvme_stats *stats, const struct pnvme_map *new_map)
{
	struct pnvme_map *map = kvmalloc(new_map->bytes, GFP_NOIO);
	struct pnvme_cpu_stats __percpu *old = stats->cpu, *cpu;

	if (!map)
		return;
	memcpy(map, new_map, new_map->bytes);
	cpu = cpu_stats_alloc(map);
	if (!cpu || bases_extend(stats, map->queues)) {
		free_percpu(cpu);
		kvfree(map);
		return;
	}
	/* pairs with the READ_ONCE() of the fast path: filled in before it is seen */
	smp_store_release(&stats->cpu, cpu);
	kvfree(stats->map);
	stats->map = map;
	/* whoever counts in the old ones has preemption disabled */
	synchronize_rcu();
	fold(stats, old);
	free_percpu(old);
}

/**
 * pnvme_stats_follow - if the lower device maps CPUs to queues anew, follow
 * @stats: of a namespace
 * @map: as it is now
 *
 * Without memory all stays as it is until the next call.
 */
void pnvme_stats_follow(struct pnvme_stats *stats, const struct pnvme_map *map)
{
	mutex_lock(&stats->lock);
	if (map->bytes != stats->map->bytes || memcmp(map, stats->map, map->bytes))
		remap(stats, map);
	mutex_unlock(&stats->lock);
}

/* How many queues there were at most; grows only. */
unsigned int pnvme_stats_queues(struct pnvme_stats *stats)
{
	unsigned int queues;

	mutex_lock(&stats->lock);
	queues = stats->queues;
	mutex_unlock(&stats->lock);
	return queues;
}

static unsigned int first_cpu_of(struct pnvme_map *map, unsigned int type, unsigned int queue)
{
	return queue < map->queues ? map_first(map, type)[queue] : NO_CPU;
}

static void sum_done(struct pnvme_stats *stats, struct pnvme_base *base, unsigned int queue,
		     enum pnvme_row row, struct pnvme_stat *sum)
{
	unsigned int type = pnvme_row_map(row), i;
	const struct pnvme_cpu_stats *cpu;
	const u64 *histogram;

	spin_lock_irq(&base->lock);
	add_done(&sum->counts, &base->row[row]);
	add_array(sum->errors, base->errors[row], PNVME_ERROR_CLASSES);
	if (base->histogram[row])
		add_array(sum->histogram, base->histogram[row], PNVME_LATENCY_BUCKETS);
	spin_unlock_irq(&base->lock);
	for (i = first_cpu_of(stats->map, type, queue); i != NO_CPU;
	     i = map_next(stats->map, type)[i]) {
		cpu = per_cpu_ptr(stats->cpu, i);
		if (!finished(&cpu->row[row], cpu->errors[row]))
			continue;
		add_done(&sum->counts, &cpu->row[row]);
		add_array(sum->errors, cpu->errors[row], PNVME_ERROR_CLASSES);
		histogram = cpu_histogram(cpu, row);
		if (histogram)
			add_array(sum->histogram, histogram, PNVME_LATENCY_BUCKETS);
	}
}

static u64 sum_started(struct pnvme_stats *stats, struct pnvme_base *base, unsigned int queue,
		       enum pnvme_row row)
{
	unsigned int type = pnvme_row_map(row), i;
	u64 sum = READ_ONCE(base->row[row].started);	/* changes under @lock alone */

	for (i = first_cpu_of(stats->map, type, queue); i != NO_CPU;
	     i = map_next(stats->map, type)[i])
		sum += READ_ONCE(per_cpu_ptr(stats->cpu, i)->row[row].started);
	return sum;
}

/*
 * What is done first, what was started after: an I/O that is seen as done is
 * then always seen as started. Passthrough is both at once.
 */
static void sum_row(struct pnvme_stats *stats, unsigned int queue, enum pnvme_row row,
		    struct pnvme_stat *sum)
{
	struct pnvme_base *base = xa_load(&stats->bases, queue);

	sum_done(stats, base, queue, row, sum);
	if (row >= PNVME_BLOCK_ROWS) {
		sum->counts.started = sum->counts.done;
		return;
	}
	smp_rmb();	/* see above; what orders the other side is the I/O itself */
	sum->counts.started += sum_started(stats, base, queue, row);
}

/* Of an operation: its row, and in @polled that of its I/O that is polled for, or @row itself. */
static enum pnvme_row row_of(enum pnvme_stat_op op, enum pnvme_row *polled)
{
	enum pnvme_row row = (enum pnvme_row)op;

	BUILD_BUG_ON((int)PNVME_ROW_WRITE_ZEROES != (int)PNVME_STAT_OP_WRITE_ZEROES);
	BUILD_BUG_ON(PNVME_ROW_PASSTHRU_OTHER - PNVME_ROW_PASSTHRU_READ !=
		     PNVME_STAT_OP_PASSTHRU_OTHER - PNVME_STAT_OP_PASSTHRU_READ);
	*polled = row;
	if (op == PNVME_STAT_OP_READ)
		*polled = PNVME_ROW_POLLED_READ;
	if (op == PNVME_STAT_OP_WRITE)
		*polled = PNVME_ROW_POLLED_WRITE;
	if (op < PNVME_STAT_OP_PASSTHRU_READ)
		return row;
	*polled = PNVME_ROW_POLLED_PASSTHRU_READ + (op - PNVME_STAT_OP_PASSTHRU_READ);
	return PNVME_ROW_PASSTHRU_READ + (op - PNVME_STAT_OP_PASSTHRU_READ);
}

/**
 * pnvme_stats_sum - what one queue did
 * @stats: of a namespace
 * @queue: below @stats->queues; one that no longer exists keeps what it counted
 * @op: which operation
 * @sum: result; all zero for an operation that the namespace never had
 */
void pnvme_stats_sum(struct pnvme_stats *stats, unsigned int queue, enum pnvme_stat_op op,
		     struct pnvme_stat *sum)
{
	enum pnvme_row polled, row = row_of(op, &polled);

	memset(sum, 0, sizeof(*sum));
	if (op >= PNVME_STAT_OP_PASSTHRU_READ && !READ_ONCE(stats->passthru))
		return;
	mutex_lock(&stats->lock);
	if (polled != row)
		sum_row(stats, queue, polled, sum);
	sum->polled = sum->counts.done;
	sum_row(stats, queue, row, sum);
	mutex_unlock(&stats->lock);
}

/* What bases have as started and not as finished; refused I/O changes both at once. */
static u64 bases_left(struct pnvme_stats *stats)
{
	struct pnvme_base *base;
	unsigned long queue;
	unsigned int row;
	u64 sum = 0;

	xa_for_each(&stats->bases, queue, base) {
		spin_lock_irq(&base->lock);
		for (row = 0; row < PNVME_BLOCK_ROWS; row++)
			sum += base->row[row].started -
			       finished(&base->row[row], base->errors[row]);
		spin_unlock_irq(&base->lock);
	}
	return sum;
}

static u64 cpus_finished(struct pnvme_stats *stats)
{
	const struct pnvme_cpu_stats *cpu;
	unsigned int row;
	u64 sum = 0;
	int i;

	for_each_possible_cpu(i) {
		cpu = per_cpu_ptr(stats->cpu, i);
		for (row = 0; row < PNVME_BLOCK_ROWS; row++)
			sum += finished(&cpu->row[row], cpu->errors[row]);
	}
	return sum;
}

static u64 cpus_started(struct pnvme_stats *stats)
{
	unsigned int row;
	u64 sum = 0;
	int i;

	for_each_possible_cpu(i)
		for (row = 0; row < PNVME_BLOCK_ROWS; row++)
			sum += READ_ONCE(per_cpu_ptr(stats->cpu, i)->row[row].started);
	return sum;
}

/**
 * pnvme_stats_in_flight - I/Os of the block device that were started and are not done
 * @stats: of a namespace; may be all zero
 */
u64 pnvme_stats_in_flight(struct pnvme_stats *stats)
{
	u64 left, done, started;

	if (!stats->map)
		return 0;
	mutex_lock(&stats->lock);
	left = bases_left(stats);
	done = cpus_finished(stats);
	smp_rmb();	/* as in sum_row(): never fewer than there are */
	started = cpus_started(stats);
	mutex_unlock(&stats->lock);
	return left + started - done;
}
