// SPDX-License-Identifier: GPL-2.0
/*
 * Finding blocks that are not zero, and reading them again: in parallel, as it is the
 * drive's latency that takes the time. First block by block in the order of the seal;
 * where that finds too few, as in a namespace that is nearly empty, all of it is read
 * from front to end, and of what is there the first ones in the order are taken. Either
 * way it is the same blocks.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <nettle/sha2.h>
#include <nettle/version.h>

#include "seal.h"

#define BLOCK		PNVME_SEAL_BLOCK
#define THREADS		16U
#define CHUNK		4096U		/* blocks that are looked at between two reports */
#define STRETCH		(1ULL << 20)	/* read at once from front to end */
#define ONE_BY_ONE	16		/* up to this part of all blocks */
#define TICK_MS		50

/**
 * struct crew - what threads share
 * @work: does item @i with a buffer of @bytes; 0 or a negative errno, which ends all
 * @arg: of @work
 * @next: item
 * @items: how many
 * @bytes: of a buffer
 * @err: of one that failed
 * @busy: threads that have not ended
 */
struct crew {
	int			(*work)(void *arg, uint64_t i, void *buf);
	void			*arg;
	_Atomic uint64_t	next;
	uint64_t		items;
	size_t			bytes;
	_Atomic int		err;
	_Atomic unsigned int	busy;
};

static void *crew_member(void *arg)
{
	struct crew *c = arg;
	void *buf = NULL;
	uint64_t i;
	int ret = posix_memalign(&buf, BLOCK, c->bytes) ? -ENOMEM : 0;

	while (!ret && !c->err && (i = c->next++) < c->items)
		ret = c->work(c->arg, i, buf);
	if (ret)
		c->err = ret;
	free(buf);
	c->busy--;
	return NULL;
}

static void tick(void)
{
	struct timespec ts = { .tv_nsec = TICK_MS * 1000L * 1000 };

	nanosleep(&ts, NULL);
}

static uint64_t crew_done(const struct crew *c)
{
	uint64_t next = c->next, busy = c->busy;

	next = next < c->items ? next : c->items;
	return next > busy ? next - busy : 0;
}

/* Tells how far they are until all have ended. */
static void watch(struct crew *c, pnvme_progress_fn progress, void *arg)
{
	while (progress && c->busy) {
		if (progress(arg, crew_done(c), c->items))
			c->err = -EINTR;
		tick();
	}
}

/* Threads that cannot be had are done without; with none the work is done here. */
static int crew_run(struct crew *c, pnvme_progress_fn progress, void *arg)
{
	pthread_t threads[THREADS];
	unsigned int i, n = 0;

	for (i = 0; i < THREADS && i < c->items; i++) {
		c->busy++;
		if (pthread_create(&threads[n], NULL, crew_member, c))
			c->busy--;
		else
			n++;
	}
	if (!n) {
		c->busy++;
		crew_member(c);
	}
	watch(c, progress, arg);
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return c->err;
}

static int read_all(int fd, void *buf, size_t n, uint64_t offset)
{
	ssize_t got;

	do {
		got = pread(fd, buf, n, (off_t)offset);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	return (size_t)got == n ? 0 : -EIO;
}

static void finish(struct sha256_ctx *ctx, uint8_t digest[DIGEST_BYTES])
{
#if NETTLE_VERSION_MAJOR >= 4
	sha256_digest(ctx, digest);
#else
	sha256_digest(ctx, DIGEST_BYTES, digest);
#endif
}

static void sha256(const void *p, size_t n, uint8_t digest[DIGEST_BYTES])
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, n, p);
	finish(&ctx, digest);
}

void seal_digest(const struct seal_sample *samples, size_t n, uint8_t digest[DIGEST_BYTES])
{
	struct sha256_ctx ctx;
	uint8_t number[8];
	size_t i;
	int j;

	sha256_init(&ctx);
	for (i = 0; i < n; i++) {
		for (j = 0; j < 8; j++)
			number[j] = (uint8_t)(samples[i].block >> (8 * j));
		sha256_update(&ctx, sizeof(number), number);
		sha256_update(&ctx, DIGEST_BYTES, samples[i].digest);
	}
	finish(&ctx, digest);
}

/* One by one */

struct look {
	struct sampling		*s;
	uint64_t		from;
	bool			*full;
	struct seal_sample	*found;
};

static int look_at(void *arg, uint64_t i, void *buf)
{
	struct look *l = arg;
	struct seal_sample *found = &l->found[i];
	int ret;

	found->index = l->from + i;
	found->block = seal_order_block(&l->s->order, found->index);
	ret = read_all(l->s->fd, buf, BLOCK, found->block * BLOCK);
	if (ret) {
		l->s->bad = found->block * BLOCK;
		return ret;
	}
	l->full[i] = !all_zero(buf, BLOCK);
	if (l->full[i])
		sha256(buf, BLOCK, found->digest);
	return 0;
}

static int look_at_some(struct sampling *s, struct look *l, uint64_t from, uint64_t n)
{
	struct crew c = { .work = look_at, .arg = l, .items = n, .bytes = BLOCK };
	uint64_t i;
	int ret;

	l->from = from;
	ret = crew_run(&c, NULL, NULL);
	for (i = 0; !ret && i < n && s->n < s->want; i++) {
		if (l->full[i])
			s->samples[s->n++] = l->found[i];
		s->looked = from + i + 1;
	}
	if (!ret && s->progress && s->progress(s->arg, s->n, s->want))
		ret = -EINTR;
	return ret;
}

static int one_by_one(struct sampling *s, uint64_t end)
{
	struct look l = { .s = s };
	uint64_t from, chunk = s->want < CHUNK ? s->want : CHUNK;
	int ret = 0;

	if (chunk < 256)
		chunk = 256;
	l.full = calloc(chunk, sizeof(*l.full));
	l.found = calloc(chunk, sizeof(*l.found));
	if (!l.full || !l.found)
		ret = -ENOMEM;
	for (from = 0; !ret && from < end && s->n < s->want; from += chunk)
		ret = look_at_some(s, &l, from, end - from < chunk ? end - from : chunk);
	free(l.full);
	free(l.found);
	return ret;
}

/* From front to end: the samples are a heap, the one that is last in the order on top. */

struct scan {
	struct sampling	*s;
	pthread_mutex_t	lock;	/* the samples */
};

static void swap_samples(struct seal_sample *a, struct seal_sample *b)
{
	struct seal_sample t = *a;

	*a = *b;
	*b = t;
}

static void sift_up(struct seal_sample *heap, size_t i)
{
	while (i && heap[i].index > heap[(i - 1) / 2].index) {
		swap_samples(&heap[i], &heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

static void sift_down(struct seal_sample *heap, size_t n)
{
	size_t i = 0, child;

	for (;;) {
		child = 2 * i + 1;
		if (child + 1 < n && heap[child + 1].index > heap[child].index)
			child++;
		if (child >= n || heap[child].index <= heap[i].index)
			return;
		swap_samples(&heap[i], &heap[child]);
		i = child;
	}
}

static bool is_early(const struct sampling *s, uint64_t index)
{
	return index < s->end && (s->n < s->want || index < s->samples[0].index);
}

static void keep_early(struct scan *scan, uint64_t block, const void *data)
{
	struct sampling *s = scan->s;
	struct seal_sample sample = {
		.block = block, .index = seal_order_index(&s->order, block),
	};
	bool early;

	pthread_mutex_lock(&scan->lock);
	early = is_early(s, sample.index);
	pthread_mutex_unlock(&scan->lock);
	if (!early)
		return;
	sha256(data, BLOCK, sample.digest);
	pthread_mutex_lock(&scan->lock);
	if (s->n < s->want && sample.index < s->end) {
		s->samples[s->n++] = sample;
		sift_up(s->samples, s->n - 1);
	} else if (is_early(s, sample.index)) {
		s->samples[0] = sample;
		sift_down(s->samples, s->n);
	}
	pthread_mutex_unlock(&scan->lock);
}

static int scan_stretch(void *arg, uint64_t i, void *buf)
{
	struct scan *scan = arg;
	char *data = buf;
	uint64_t b;
	int ret;

	ret = read_all(scan->s->fd, buf, STRETCH, i * STRETCH);
	if (ret)
		scan->s->bad = i * STRETCH;
	for (b = 0; !ret && b < STRETCH / BLOCK; b++)
		if (!all_zero(data + b * BLOCK, BLOCK))
			keep_early(scan, i * (STRETCH / BLOCK) + b, data + b * BLOCK);
	return ret;
}

static int by_index(const void *a, const void *b)
{
	const struct seal_sample *x = a, *y = b;

	return x->index < y->index ? -1 : x->index > y->index;
}

static int front_to_end(struct sampling *s)
{
	struct scan scan = { .s = s, .lock = PTHREAD_MUTEX_INITIALIZER };
	struct crew c = {
		.work = scan_stretch, .arg = &scan, .bytes = STRETCH,
		.items = s->order.blocks / (STRETCH / BLOCK),
	};
	int ret;

	s->n = 0;
	ret = crew_run(&c, s->progress, s->arg);
	if (ret)
		return ret;
	qsort(s->samples, s->n, sizeof(*s->samples), by_index);
	s->looked = s->n == s->want ? s->samples[s->n - 1].index + 1 : s->end;
	return 0;
}

int sampling_run(struct sampling *s)
{
	uint64_t few = s->order.blocks / ONE_BY_ONE;
	int ret;

	s->n = 0;
	s->looked = 0;
	s->bad = UINT64_MAX;
	ret = one_by_one(s, s->end < few ? s->end : few);
	if (ret || s->n == s->want || s->end <= few)
		return ret;
	return front_to_end(s);
}

/* Reading again */

struct again {
	int				fd;
	const struct seal_sample	*samples;
	struct seal_check		*found;
};

static int read_again(void *arg, uint64_t i, void *buf)
{
	struct again *a = arg;
	uint8_t digest[DIGEST_BYTES];

	a->found[i].error = read_all(a->fd, buf, BLOCK, a->samples[i].block * BLOCK);
	if (a->found[i].error)
		return 0;
	sha256(buf, BLOCK, digest);
	a->found[i].same = !memcmp(digest, a->samples[i].digest, DIGEST_BYTES);
	return 0;
}

int seal_compare(int fd, const struct seal_sample *samples, size_t n, struct seal_check *found,
		 pnvme_progress_fn progress, void *arg)
{
	struct again a = { .fd = fd, .samples = samples, .found = found };
	struct crew c = { .work = read_again, .arg = &a, .items = n, .bytes = BLOCK };

	return crew_run(&c, progress, arg);
}
