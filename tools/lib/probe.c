// SPDX-License-Identifier: GPL-2.0
/* What a drive without a label holds: signatures (libblkid), non-zero data. */
#include <fcntl.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

#include <blkid/blkid.h>

#include "internal.h"

#define BLOCK		4096ULL
#define CHUNK		(1ULL << 20)
#define CHEAP_END	(1ULL << 20)	/* looked at on each side */
#define FULL_END	(16ULL << 20)
#define SAMPLES		4096U
#define SAMPLERS	8U		/* threads: the drive's latency is what takes the time */

/* Signatures */

static void add_kind(struct content *c, const char *kind)
{
	unsigned int i;

	for (i = 0; i < c->n_kinds; i++)
		if (!strcmp(c->kinds[i], kind))
			return;
	if (c->n_kinds < KINDS_MAX)
		copy_text(c->kinds[c->n_kinds++], sizeof(c->kinds[0]), kind);
}

static bool is_fence(blkid_probe pr)
{
	blkid_partlist list = blkid_probe_get_partitions(pr);
	blkid_partition part;
	const char *type;

	if (!list || blkid_partlist_numof_partitions(list) != 1)
		return false;
	part = blkid_partlist_get_partition(list, 0);
	type = part ? blkid_partition_get_type_string(part) : NULL;
	return type && !strcasecmp(type, PNVME_GPT_TYPE);
}

static void look_up(blkid_probe pr, const char *key, struct content *c)
{
	const char *value;

	if (!blkid_probe_lookup_value(pr, key, &value, NULL))
		add_kind(c, value);
}

static int set_up(blkid_probe pr, int fd, bool partitions)
{
	if (blkid_probe_set_device(pr, fd, 0, 0))
		return -EIO;
	blkid_probe_enable_superblocks(pr, !partitions);
	blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_MAGIC |
					  BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(pr, partitions);
	blkid_probe_set_partitions_flags(pr, BLKID_PARTS_MAGIC | BLKID_PARTS_ENTRY_DETAILS |
					 BLKID_PARTS_FORCE_GPT);
	return 0;
}

/* One chain of libblkid, to its end. */
static int walk_chain(int fd, bool partitions, struct content *c)
{
	blkid_probe pr = blkid_new_probe();
	int ret;

	if (!pr)
		return -ENOMEM;
	ret = set_up(pr, fd, partitions);
	while (!ret) {
		errno = 0;
		ret = blkid_do_probe(pr);
		if (ret < 0) {
			ret = errno ? -errno : -EIO;
			break;
		}
		if (ret == 1) {
			ret = 0;
			break;
		}
		look_up(pr, partitions ? "PTTYPE" : "TYPE", c);
	}
	blkid_free_probe(pr);
	return ret;
}

/* The list of partitions comes from a handle that has probed nothing else. */
static int look_for_fence(int fd, struct content *c)
{
	blkid_probe pr = blkid_new_probe();
	int ret;

	if (!pr)
		return -ENOMEM;
	ret = set_up(pr, fd, true);
	if (!ret)
		c->fence = is_fence(pr);
	blkid_free_probe(pr);
	return ret;
}

static void drop_gpt(struct content *c)
{
	unsigned int i, n = 0;

	for (i = 0; i < c->n_kinds; i++)
		if (strcmp(c->kinds[i], "gpt") && strcmp(c->kinds[i], "PMBR"))
			memmove(c->kinds[n++], c->kinds[i], sizeof(c->kinds[0]));
	c->n_kinds = n;
}

static int probe_signatures(int fd, struct content *c)
{
	int ret = walk_chain(fd, true, c);

	c->table = c->n_kinds > 0;
	if (!ret)
		ret = walk_chain(fd, false, c);
	if (!ret)
		ret = look_for_fence(fd, c);
	if (!ret && c->fence)
		drop_gpt(c);
	return ret;
}

/* Data */

struct sampler {
	int		fd;
	uint64_t	blocks;		/* on the drive */
	uint64_t	seed;
	unsigned int	count;
	uint64_t	skip_from;	/* bytes that may be non-zero: the fence */
	uint64_t	skip_to;
	int		err;
	bool		found;
	uint64_t	where;
};

static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return x;
}

static ssize_t read_at(int fd, void *buf, size_t n, uint64_t offset)
{
	ssize_t got;

	do {
		got = pread(fd, buf, n, (off_t)offset);
	} while (got < 0 && errno == EINTR);
	return got;
}

/*
 * What erasing a label leaves is no data: the module knows what it means, and zeroes
 * before it exposes. @from: offset of @buf on the drive.
 */
static void forget_erased(char *buf, uint64_t from, size_t n)
{
	uint64_t at = PNVME_SLOT1;

	if (at < from || at + 8 > from + n)
		return;
	if (!memcmp(buf + (at - from), PNVME_ERASED_MAGIC, 8))
		memset(buf + (at - from), 0, 8);
}

static void *sample(void *arg)
{
	struct sampler *s = arg;
	uint64_t offset;
	ssize_t got;
	void *buf;

	if (posix_memalign(&buf, BLOCK, BLOCK)) {
		s->err = -ENOMEM;
		return NULL;
	}
	while (s->count-- && !s->found && !s->err) {
		offset = next_random(&s->seed) % s->blocks * BLOCK;
		if (offset < s->skip_from || offset >= s->skip_to)
			continue;
		got = read_at(s->fd, buf, BLOCK, offset);
		if (got < 0) {
			s->err = -errno;
			break;
		}
		forget_erased(buf, offset, (size_t)got);
		if (!all_zero(buf, (size_t)got)) {
			s->found = true;
			s->where = offset;
		}
	}
	free(buf);
	return NULL;
}

/* Start as many threads as can be had; what could not be started runs here. */
static void run_samplers(struct sampler *s, unsigned int n)
{
	pthread_t threads[SAMPLERS];
	bool started[SAMPLERS];
	unsigned int i;

	for (i = 0; i < n; i++)
		started[i] = !pthread_create(&threads[i], NULL, sample, &s[i]);
	for (i = 0; i < n; i++)
		if (!started[i])
			sample(&s[i]);
	for (i = 0; i < n; i++)
		if (started[i])
			pthread_join(threads[i], NULL);
}

static void data_found(struct content *c, uint64_t where)
{
	add_kind(c, "data");
	put_text(c->where, sizeof(c->where), "at byte %llu", (unsigned long long)where);
}

static int random_seed(uint64_t *seed)
{
	if (getrandom(seed, sizeof(*seed), 0) != sizeof(*seed))
		return -errno;
	*seed |= 1;	/* the generator stays at zero for ever */
	return 0;
}

static int probe_samples(int fd, uint64_t from, uint64_t to, uint64_t capacity,
			 struct content *c)
{
	struct sampler s[SAMPLERS] = { 0 };
	unsigned int i;
	int ret;

	for (i = 0; i < SAMPLERS; i++) {
		s[i].fd = fd;
		s[i].blocks = capacity / BLOCK;
		s[i].count = SAMPLES / SAMPLERS;
		s[i].skip_from = from;
		s[i].skip_to = to;
		ret = random_seed(&s[i].seed);
		if (ret)
			return ret;
	}
	run_samplers(s, SAMPLERS);
	for (i = 0; i < SAMPLERS; i++)
		if (s[i].found)
			return data_found(c, s[i].where), 0;
	for (i = 0; i < SAMPLERS; i++)
		if (s[i].err)
			return s[i].err;
	return 0;
}

static uint64_t first_set(const char *buf, size_t n)
{
	size_t i;

	for (i = 0; i < n && !buf[i]; i++)
		;
	return i;
}

/* Every byte of [from, to). */
static int probe_range(int fd, uint64_t from, uint64_t to, struct content *c)
{
	ssize_t got;
	void *buf;
	int ret = 0;

	if (posix_memalign(&buf, BLOCK, CHUNK))
		return -ENOMEM;
	while (from < to && !c->where[0]) {
		got = read_at(fd, buf, to - from < CHUNK ? to - from : CHUNK, from);
		if (got <= 0) {
			ret = got ? -errno : -EIO;
			break;
		}
		forget_erased(buf, from, (size_t)got);
		if (!all_zero(buf, (size_t)got))
			data_found(c, from + first_set(buf, (size_t)got));
		from += (uint64_t)got;
	}
	free(buf);
	return ret;
}

/*
 * Nothing but zeros at both ends? Two reads tell it of a blank drive, where libblkid makes some
 * forty on each drive of a host for each "pnvme status". Who adopts looks for signatures as well.
 */
static int looks_blank(int fd, uint64_t capacity, bool *blank)
{
	struct content c = { 0 };
	int ret;

	ret = probe_range(fd, 0, CHEAP_END, &c);
	if (!ret && !c.where[0])
		ret = probe_range(fd, capacity - CHEAP_END, capacity, &c);
	*blank = !c.where[0];
	return ret;
}

static int probe_data(int fd, uint64_t capacity, enum probe_depth depth, struct content *c)
{
	uint64_t end = depth == PROBE_FULL ? FULL_END : CHEAP_END;
	uint64_t enough = depth == PROBE_FULL ? 2 * end + SAMPLES * BLOCK : 2 * end;
	/* our own fence is not data: between its two ends nothing of it lies */
	uint64_t from = c->fence ? PNVME_SLOT0 : 0;
	uint64_t to = c->fence ? pnvme_label_slot(capacity, 3) + PNVME_LABEL_BYTES : capacity;
	int ret;

	if (to - from <= enough)	/* no more than sampling would read */
		return probe_range(fd, from, to, c);
	ret = probe_range(fd, from, from + end, c);
	if (!ret && !c->where[0])
		ret = probe_range(fd, to - end, to, c);
	if (!ret && !c->where[0] && depth == PROBE_FULL)
		ret = probe_samples(fd, from, to, capacity, c);
	return ret;
}

int probe_content(struct pnvme *h, const char *path, int fd, uint64_t capacity,
		  enum probe_depth depth, struct content *c)
{
	bool blank = false;
	char self[64];
	int direct, ret = 0;

	memset(c, 0, sizeof(*c));
	if (capacity < PNVME_MIN_CAPACITY)
		return 0;
	put_text(self, sizeof(self), "/proc/self/fd/%d", fd);
	direct = open(self, O_RDONLY | O_CLOEXEC | O_DIRECT);
	if (direct < 0 && errno == EINVAL)
		direct = open(self, O_RDONLY | O_CLOEXEC);
	if (direct < 0)
		return fail(h, -errno, path, "%s: %s", path, strerror(errno));
	if (depth == PROBE_GLANCE)
		ret = looks_blank(direct, capacity, &blank);
	if (!ret && !blank)
		ret = probe_signatures(fd, c);
	if (!ret && !blank && !c->n_kinds)
		ret = probe_data(direct, capacity, depth, c);
	close(direct);
	if (ret)
		return fail(h, ret, path, "%s cannot be read: %s", path, strerror(-ret));
	return 0;
}

/* "a signature of gpt and zfs_member", "data that is not zero (at byte 4096)" */
void content_text(const struct content *c, char *out, size_t n)
{
	size_t used = 0;
	unsigned int i;

	out[0] = '\0';
	if (c->where[0]) {
		put_text(out, n, "data that is not zero (%s)", c->where);
		return;
	}
	for (i = 0; i < c->n_kinds && used < n; i++) {
		put_text(out + used, n - used, "%s%s", i ? " and " : "a signature of ",
			 c->kinds[i]);
		used = strlen(out);
	}
}

/* Wiping what --overwrite allowed */

static int wipe_chain(int fd, bool partitions)
{
	blkid_probe pr = blkid_new_probe();
	int ret;

	if (!pr)
		return -ENOMEM;
	ret = set_up(pr, fd, partitions);
	while (!ret) {
		errno = 0;
		ret = blkid_do_probe(pr);
		if (ret)
			break;
		ret = blkid_do_wipe(pr, 0);
	}
	blkid_free_probe(pr);
	if (ret < 0)
		return errno ? -errno : -EIO;
	return 0;
}

int probe_wipe(struct pnvme *h, const char *path, int fd)
{
	int ret = wipe_chain(fd, false);

	if (!ret)
		ret = wipe_chain(fd, true);
	if (!ret && fsync(fd))
		ret = -errno;
	if (ret)
		return fail(h, ret, path, "%s: the old signatures could not be wiped: %s", path,
			    strerror(-ret));
	return 0;
}
