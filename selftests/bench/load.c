// SPDX-License-Identifier: GPL-2.0
/*
 * bench_load DEVICE read|write BYTES DEPTH COUNT [warm|forever]: random direct I/O in
 * the first 64 MiB (or the device, if that is smaller), as many in flight as DEPTH,
 * submitted and reaped in batches of half of that. Prints the nanoseconds that one I/O
 * took; where the clock counts instructions, instructions. Much less of them are its own
 * than fio's, its clock is finer, and it starts faster. "warm": after 1,000 that do not
 * count; "forever": until it is killed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <linux/fs.h>
#include <time.h>
#include <unistd.h>

#define MAX_DEPTH 256
static uint64_t span = 64ULL << 20;

static aio_context_t ctx;
static struct iocb iocbs[MAX_DEPTH], *batch[MAX_DEPTH];
static struct io_event events[MAX_DEPTH];

static __attribute__((noreturn)) void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint64_t next_random(void)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* @n free iocbs, in batch[] */
static void submit(unsigned int n, uint64_t bytes)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		batch[i]->aio_offset = (int64_t)(next_random() % (span / bytes) * bytes);
	if (syscall(SYS_io_submit, ctx, (long)n, batch) != (long)n)
		die("io_submit");
}

/* At least @least; the iocbs that are free then are in batch[]. */
static unsigned int reap(unsigned int least, uint64_t bytes)
{
	long i, n = syscall(SYS_io_getevents, ctx, (long)least, (long)MAX_DEPTH, events, NULL);

	if (n < (long)least)
		die("io_getevents");
	for (i = 0; i < n; i++) {
		if (events[i].res != (int64_t)bytes) {
			fprintf(stderr, "an I/O failed: %lld\n", (long long)events[i].res);
			exit(1);
		}
		batch[i] = (struct iocb *)(uintptr_t)events[i].obj;
	}
	return (unsigned int)n;
}

static void run(uint64_t count, unsigned int depth, uint64_t bytes)
{
	unsigned int i, n = depth, flying = 0;
	uint64_t left = count;

	for (i = 0; i < depth; i++)
		batch[i] = &iocbs[i];
	while (left || flying) {
		if (n > left)
			n = (unsigned int)left;
		if (n)
			submit(n, bytes);
		left -= n;
		flying += n;
		n = reap(flying > depth / 2 ? depth / 2 + depth % 2 : flying, bytes);
		flying -= n;
	}
}

int main(int argc, char **argv)
{
	uint64_t bytes, count, start, size;
	unsigned int depth, i;
	void *buf;
	int fd;

	if (argc < 6)
		return 2;
	bytes = strtoull(argv[3], NULL, 0);
	depth = (unsigned int)strtoul(argv[4], NULL, 0);
	count = strtoull(argv[5], NULL, 0);
	fd = open(argv[1], O_RDWR | O_DIRECT);
	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size))
		die(argv[1]);
	if (size < span)
		span = size;
	if (!bytes || !depth || depth > MAX_DEPTH || posix_memalign(&buf, 4096, bytes * depth))
		return 2;
	memset(buf, 0, bytes * depth);
	if (syscall(SYS_io_setup, MAX_DEPTH, &ctx))
		die("io_setup");
	for (i = 0; i < depth; i++) {
		iocbs[i].aio_fildes = (unsigned int)fd;
		iocbs[i].aio_lio_opcode = argv[2][0] == 'w' ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
		iocbs[i].aio_buf = (uintptr_t)buf + i * bytes;
		iocbs[i].aio_nbytes = bytes;
	}
	if (argc > 6)
		run(1000, depth, bytes);
	do {
		start = now();
		run(count, depth, bytes);
	} while (argc > 6 && argv[6][0] == 'f');
	printf("%.1f\n", (double)(now() - start) / (double)count);
	return 0;
}
