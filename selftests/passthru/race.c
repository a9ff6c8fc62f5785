// SPDX-License-Identifier: GPL-2.0
/*
 * passthru race DEV seconds=N word=0xN: commands are sent by several threads, and others rewrite
 * them meanwhile, between what is allowed and what is not: entries in the memory of rings, with and
 * without a thread of the kernel that reads them, structures of ioctls, ranges of Dataset
 * Management, descriptors of Copy. Before, the same one fetch at a time; see fetch.c.
 *
 *   seconds=N	how long
 *   word=0xN	what the rest of the drive is full of, so that no read may bring it
 *   drive=NAME first=LBA	on which the namespace is, and where: what the drive is told is traced
 *   cdw12=N	bits that each command has there
 *
 * Fails if a thread had no command done or none refused, a read brought what is another's, or a
 * command reached the drive that lies outside. That nothing else of it was written is for the
 * caller to see.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "passthru.h"

#define DEPTH	16
#define BUFFER	(256 << 10)
#define MAX_NLB	8U
#define RANGES	4U
#define PRACT	(1U << 29)
#define COPY_PRACT (1U << 15)

static struct node node;
static uint64_t foreign_word, first;
static const char *drive;
static uint32_t extra;	/* bits of dword 12 */
static bool stop;
static unsigned int from, count;	/* of those that send now */

/**
 * struct sender - a thread that sends, and what others rewrite
 * @entries: commands that are rewritten, each @stride bytes after the other
 * @data: from and to where they go; ranges and descriptors, if @opcode has such
 */
struct sender {
	const char	*name, *way;
	uint8_t		opcode;		/* 0: those that move data */
	pthread_t	thread;
	char		*entries;
	unsigned int	count;
	size_t		stride;
	char		*data;
	unsigned long	done, refused, other;
	bool		absent;
};

static struct sender senders[] = {
	{ .name = "ring", .way = "plain" },
	{ .name = "ring read by the kernel's thread", .way = "sqpoll" },
	{ .name = "ring, in io-wq", .way = "async" },
	{ .name = "ioctl", .way = "io64" },
	{ .name = "ranges, ring", .way = "plain", .opcode = NVME_DSM },
	{ .name = "ranges, ioctl", .way = "io64", .opcode = NVME_DSM },
	{ .name = "Copy, ring", .way = "plain", .opcode = NVME_COPY },
	{ .name = "Copy, ioctl", .way = "io64", .opcode = NVME_COPY },
};

#define N_SENDERS (sizeof(senders) / sizeof(senders[0]))
#define N_RINGS 3	/* the first ones, of which the entries are rewritten all the time */

/* One for each thread, as the C library's has a lock. */
static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static uint64_t legal_slba(uint64_t *x)
{
	return next_random(x) % (node.lbas - 64);
}

static uint64_t illegal_slba(uint64_t *x)
{
	switch (next_random(x) % 6) {
	case 0:	return node.lbas;			/* the next namespace */
	case 1:	return node.lbas - 2;
	case 2:	return (uint64_t)-8;			/* the one before */
	case 3:	return (uint64_t)-(int64_t)(next_random(x) % 16384);
	case 4:	return node.lbas + next_random(x) % 16384;
	default: return next_random(x);
	}
}

/* --- what is sent ---------------------------------------------------------------------- */

/* Now and then one that is refused in any case, so that each sender has both. */
static uint64_t some_slba(uint64_t *x)
{
	return next_random(x) % 16 ? legal_slba(x) : illegal_slba(x);
}

static void make_ranges(struct sender *s, uint64_t *x)
{
	uint64_t slba;
	uint32_t nlb = 8;
	unsigned int i;

	for (i = 0; i < RANGES; i++) {
		slba = some_slba(x);
		memcpy(s->data + 16 * i + 4, &nlb, 4);
		memcpy(s->data + 16 * i + 8, &slba, 8);
	}
}

static void make_sources(struct sender *s, uint64_t *x)
{
	uint16_t nlb = 3;
	uint64_t slba;
	unsigned int i;

	for (i = 0; i < RANGES; i++) {
		slba = legal_slba(x);
		memcpy(s->data + 32 * i + 8, &slba, 8);
		memcpy(s->data + 32 * i + 16, &nlb, 2);
	}
}

static void lba_set(struct command *c, uint64_t slba)
{
	c->cdw10 = (uint32_t)slba;
	c->cdw11 = (uint32_t)(slba >> 32);
}

static void make_command(struct sender *s, struct command *c, uint64_t *x)
{
	static const uint8_t opcodes[] = { NVME_READ, NVME_WRITE, NVME_READ, NVME_WRITE, NVME_COMPARE };

	memset(c, 0, COMMAND_BYTES);
	c->nsid = node.nsid;
	c->addr = (uintptr_t)s->data;
	c->opcode = s->opcode;
	if (s->opcode == NVME_DSM) {
		make_ranges(s, x);
		c->cdw10 = RANGES - 1;
		c->cdw11 = 4;
		c->data_len = 16 * RANGES;
	} else if (s->opcode == NVME_COPY) {
		make_sources(s, x);
		lba_set(c, some_slba(x));
		c->cdw12 = (RANGES - 1) | extra | (extra & PRACT ? COPY_PRACT : 0);
		c->data_len = 32 * RANGES;
	} else {
		c->opcode = opcodes[next_random(x) % sizeof(opcodes)];
		c->addr += next_random(x) % DEPTH * 4096;
		c->cdw12 = extra;
		command_lbas(c, some_slba(x), MAX_NLB);
		c->data_len = MAX_NLB * node.lba;
	}
}

static void note(struct sender *s, int status)
{
	if (!status)
		s->done++;
	else if (outcome_is(status, "0x80|EINVAL|EACCES|EOPNOTSUPP|ENOTTY|EFAULT"))
		s->refused++;
	else
		s->other++;	/* Compare that finds a difference */
}

static void look_for_foreign(const struct sender *s)
{
	const uint64_t *word = (const uint64_t *)s->data;
	size_t i;

	for (i = 0; foreign_word && i < BUFFER / 8; i++) {
		if (word[i] == foreign_word)
			die("%s: data of another namespace was read", s->name);
	}
}

static void by_ring(struct sender *s, struct ring *ring, const struct way *way, uint64_t *x)
{
	unsigned int i, flying;
	struct command c;
	struct cqe32 cqe;
	int error;

	for (i = 0; i < s->count; i++) {
		make_command(s, &c, x);
		entry_fill(ring_entry(ring), way, node.fd, &c);
	}
	/* an entry that the kernel cannot read ends a batch early */
	for (flying = s->count; flying; ) {
		error = ring_submit(ring, 1);
		if (error)
			die("%s: io_uring_enter: %s", s->name, outcome_text(error));
		while (ring_reap(ring, &cqe)) {
			note(s, cqe.res);
			flying--;
		}
	}
}

static void by_ioctl(struct sender *s, const struct way *way, uint64_t *x)
{
	struct command *c = (struct command *)s->entries;
	int status;

	make_command(s, c, x);
	/* the structure itself, not a copy */
	status = ioctl(node.fd, way->ioctl, c);
	note(s, status < 0 ? -errno : status);
}

static void *send(void *arg)
{
	struct sender *s = arg;
	const struct way *way = way_named(s->way);
	uint64_t x = 0x9e3779b97f4a7c15ULL * (uint64_t)(s - senders + 1);
	struct ring ring;
	int error;

	if (!way->ioctl) {
		error = ring_open(&ring, DEPTH, way->setup);
		if (!error)
			error = ring_register(&ring, way->sqe_flags & SQE_FIXED_FILE ? node.fd : -1, NULL, 0);
		if (error)
			die("%s: io_uring: %s", s->name, outcome_text(error));
		s->stride = sizeof(struct sqe128);
		s->count = s->opcode ? 2 : DEPTH;
		__atomic_store_n(&s->entries, ring.sqes + offsetof(struct sqe128, cmd), __ATOMIC_RELEASE);
	} else {
		s->count = 1;
		__atomic_store_n(&s->entries, pages(4096), __ATOMIC_RELEASE);
	}
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		if (way->ioctl)
			by_ioctl(s, way, &x);
		else
			by_ring(s, &ring, way, &x);
		if (!s->opcode)
			look_for_foreign(s);
	}
	__atomic_store_n(&s->entries, NULL, __ATOMIC_RELEASE);
	return NULL;
}

/* --- who rewrites it --------------------------------------------------------------------- */

static void set(void *at, uint64_t value, size_t bytes)
{
	/* whole, as a processor would */
	if (bytes == 8)
		__atomic_store_n((uint64_t *)at, value, __ATOMIC_RELAXED);
	else if (bytes == 4)
		__atomic_store_n((uint32_t *)at, (uint32_t)value, __ATOMIC_RELAXED);
	else if (bytes == 2)
		__atomic_store_n((uint16_t *)at, (uint16_t)value, __ATOMIC_RELAXED);
	else
		__atomic_store_n((uint8_t *)at, (uint8_t)value, __ATOMIC_RELAXED);
}

/* For a moment, then what it was */
static void flip(void *at, uint64_t wrong, uint64_t right, size_t bytes, uint64_t *x)
{
	unsigned int i;

	for (i = next_random(x) % 8; i; i--) {
		set(at, wrong, bytes);
		set(at, right, bytes);
	}
}

static void flip_command(struct sender *s, struct command *c, uint64_t *x)
{
	static const uint8_t wrong_opcodes[] = { 0x7d, 0x80, 0x1d, 0xff, 0x0d };
	uint64_t slba = legal_slba(x);

	switch (next_random(x) % 8) {
	case 0:
		/* stays, so that commands are refused for sure */
		set(&c->cdw10, illegal_slba(x), 4);
		break;
	case 1:
		set(&c->cdw11, illegal_slba(x) >> 32, 4);
		break;
	case 2:
		flip(&c->nsid, node.nsid + 1 + next_random(x) % 2, node.nsid, 4, x);
		break;
	case 3:
		flip(&c->opcode, wrong_opcodes[next_random(x) % sizeof(wrong_opcodes)], s->opcode ? s->opcode : NVME_READ,
		     1, x);
		break;
	case 4:
		flip(&c->cdw12, 0xffff, c->cdw12, 4, x);
		break;
	case 5:
		flip(&c->data_len, 64 << 10, c->data_len, 4, x);
		break;
	default:
		/* the low half is right with one high half only */
		flip(&c->cdw10, illegal_slba(x), slba, 4, x);
		flip(&c->cdw11, illegal_slba(x) >> 32, slba >> 32, 4, x);
	}
}

static void flip_data(struct sender *s, uint64_t *x)
{
	size_t bytes = s->opcode == NVME_DSM ? 16 : 32;
	char *one = s->data + next_random(x) % RANGES * bytes;

	switch (next_random(x) % 4) {
	case 0:
		set(one + 8, illegal_slba(x), 8);
		break;
	case 1:
		if (s->opcode == NVME_DSM)
			flip(one + 4, node.lbas, 8, 4, x);
		else
			flip(one + 16, 0xffff, 3, 2, x);
		break;
	default:
		flip(one + 8, illegal_slba(x), legal_slba(x), 8, x);
	}
}

/*
 * Each entry of a ring is outside as often as inside, and is made the other so fast that it changes
 * between any two looks at it.
 */
static void sweep(const struct sender *s, char *entries, uint64_t *x)
{
	uint64_t inside = legal_slba(x), outside = node.lbas + next_random(x) % 8192;
	struct command *c;
	unsigned int i;

	for (i = 0; i < s->count; i++) {
		c = (struct command *)(entries + i * s->stride);
		set(&c->cdw10, outside, 4);
	}
	for (i = 0; i < s->count; i++) {
		c = (struct command *)(entries + i * s->stride);
		set(&c->cdw10, inside, 4);
	}
}

static void flip_any(struct sender *s, char *entries, uint64_t *x)
{
	if (s->opcode && next_random(x) % 8)
		flip_data(s, x);
	else
		flip_command(s, (struct command *)(entries + next_random(x) % s->count * s->stride), x);
}

/* One thread does nothing but the rings. */
static void *rewrite(void *arg)
{
	bool sweeps = arg;
	uint64_t x = 88172645463325252ULL + sweeps;
	unsigned int i;
	struct sender *s;
	char *entries;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		s = &senders[from + next_random(&x) % (sweeps && count > N_RINGS ? N_RINGS : count)];
		entries = __atomic_load_n(&s->entries, __ATOMIC_ACQUIRE);
		for (i = 0; entries && i < 256; i++) {
			if (sweeps)
				sweep(s, entries, &x);
			else
				flip_any(s, entries, &x);
		}
		/* on a machine with one processor those that send are to have some of it */
		if (next_random(&x) % 4 == 0)
			sched_yield();
	}
	return NULL;
}

static int judge(void)
{
	unsigned int i;
	int failed = 0;

	for (i = 0; i < N_SENDERS; i++) {
		const struct sender *s = &senders[i];

		printf("%s: %lu done, %lu refused, %lu other\n", s->name, s->done, s->refused, s->other);
		if (!s->absent && (!s->done || !s->refused)) {
			fprintf(stderr, "passthru: %s: nothing was raced for\n", s->name);
			failed = 1;
		}
	}
	return failed;
}

static void option(const char *arg)
{
	if (!strncmp(arg, "word=", 5))
		foreign_word = number(arg + 5);
	else if (!strncmp(arg, "drive=", 6))
		drive = arg + 6;
	else if (!strncmp(arg, "first=", 6))
		first = number(arg + 6);
	else if (!strncmp(arg, "cdw12=", 6))
		extra = (uint32_t)number(arg + 6);
	else
		die("there is no option '%s'", arg);
}

/* A drive need not have Copy. */
static bool has_copy(void)
{
	struct sender s = { .opcode = NVME_COPY, .data = pages(4096) };
	struct command c;
	uint64_t x = 1;

	make_command(&s, &c, &x);
	lba_set(&c, 0);
	return send_command(&node, way_named("io64"), &c).status == 0;
}

/* Some of the senders, and those who rewrite what they send: of a single one, one. */
static void round_of(unsigned int first_sender, unsigned int senders_now, uint64_t ms)
{
	pthread_t writers[2];
	unsigned int i, n = senders_now > 1 ? 2 : 1;

	from = first_sender;
	count = senders_now;
	stop = false;
	for (i = from; i < from + count; i++) {
		if (!senders[i].absent && pthread_create(&senders[i].thread, NULL, send, &senders[i]))
			die("no thread");
	}
	for (i = 0; i < n; i++) {
		if (pthread_create(&writers[i], NULL, rewrite, (void *)(uintptr_t)(i == 0)))
			die("no thread");
	}
	usleep((unsigned int)(ms * 1000));
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = from; i < from + count; i++) {
		if (!senders[i].absent)
			pthread_join(senders[i].thread, NULL);
	}
	for (i = 0; i < n; i++)
		pthread_join(writers[i], NULL);
}

/* Each ring by itself, so that what reads it and what rewrites it run side by side, then all */
static void race(uint64_t seconds)
{
	bool copy = has_copy();
	unsigned int i;

	if (!copy)
		printf("this drive has no Copy\n");
	for (i = 0; i < N_SENDERS; i++) {
		senders[i].absent = senders[i].opcode == NVME_COPY && !copy;
		senders[i].data = pages(BUFFER);
		if (!senders[i].opcode)
			memset(senders[i].data, 'R', BUFFER);
	}
	for (i = 0; i < N_RINGS; i++)
		round_of(i, 1, seconds * 200);
	round_of(0, N_SENDERS, seconds * 400);
}

int main_race(int argc, char **argv)
{
	struct traced traced = { 0 };
	uint64_t seconds = 5;
	bool tracing = false;
	int i;

	for (i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "seconds=", 8))
			seconds = number(argv[i] + 8);
		else
			option(argv[i]);
	}
	node_open(&node, argv[0], O_RDWR);
	if (node.lbas < 1024)
		die("%s is too small, or sysfs does not say how large it is", argv[0]);
	if (drive)
		tracing = trace_begin(drive, first, node.lbas);
	fetch_once(&node, extra);
	race(seconds);
	if (tracing)
		traced = trace_end();
	printf("the drive was told %lu commands, %lu outside the namespace%s\n", traced.commands, traced.outside,
	       tracing ? "" : " (not traced)");
	return judge() || traced.outside || (tracing && !traced.commands);
}
