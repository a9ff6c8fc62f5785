// SPDX-License-Identifier: GPL-2.0
/*
 * bench_hold DEVICE read|write COUNT [beat]: random direct I/Os of 4 KiB, all sent at once to a
 * device that is held. Says "waiting" when the last one is, and when all are done prints the
 * nanoseconds that one took between the first and the last completion; where the clock counts
 * instructions, instructions.
 *
 * "beat": a thread that outranks all others wants to run every 100 us, and what is printed too is
 * the longest that it had to wait for that: from when all waited to the first completion, and from
 * then on. With one processor, that is how long nobody else could run.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BYTES 4096
#define SPAN (64ULL << 20)
#define BATCH 256
/* More at once, and the kernel would copy them for longer than anything else here takes. */
#define REAP 1024
#define BEAT 100000
#define SECOND 1000000000

static _Atomic uint64_t longest;

static __attribute__((noreturn)) void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static uint64_t next_random(void)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static void *beat(void *unused)
{
	uint64_t wanted = now() + BEAT, late;
	struct timespec ts;

	(void)unused;
	for (;;) {
		ts.tv_sec = (time_t)(wanted / SECOND);
		ts.tv_nsec = (long)(wanted % SECOND);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		late = now() - wanted;
		if (late > longest)
			longest = late;
		wanted += late + BEAT;
	}
	return NULL;
}

static void start_beat(void)
{
	struct sched_param first = { .sched_priority = 50 };
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	if (pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED) ||
	    pthread_attr_setschedpolicy(&attr, SCHED_FIFO) ||
	    pthread_attr_setschedparam(&attr, &first) || pthread_create(&thread, &attr, beat, NULL)) {
		fprintf(stderr, "no thread that outranks all others\n");
		exit(1);
	}
}

static void submit(aio_context_t ctx, int fd, bool write, void *buf, uint64_t span, long n)
{
	struct iocb iocbs[BATCH], *batch[BATCH];
	long i;

	memset(iocbs, 0, sizeof(iocbs));
	for (i = 0; i < n; i++) {
		iocbs[i].aio_fildes = (unsigned int)fd;
		iocbs[i].aio_lio_opcode = write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
		iocbs[i].aio_buf = (uintptr_t)buf;
		iocbs[i].aio_nbytes = BYTES;
		iocbs[i].aio_offset = (int64_t)(next_random() % (span / BYTES) * BYTES);
		batch[i] = &iocbs[i];
	}
	if (syscall(SYS_io_submit, ctx, n, batch) != n)
		die("io_submit");
}

/* At least @least, at most @most; how many. */
static long reap(aio_context_t ctx, long least, long most, struct io_event *events)
{
	long i, n = syscall(SYS_io_getevents, ctx, least, most, events, NULL);

	if (n < least)
		die("io_getevents");
	for (i = 0; i < n; i++) {
		if (events[i].res != BYTES) {
			fprintf(stderr, "an I/O failed: %lld\n", (long long)events[i].res);
			exit(1);
		}
	}
	return n;
}

int main(int argc, char **argv)
{
	uint64_t size, start, before;
	long count, left, done, more;
	static struct io_event events[REAP];
	aio_context_t ctx = 0;
	void *buf;
	int fd;

	if (argc < 4)
		return 2;
	count = strtol(argv[3], NULL, 0);
	fd = open(argv[1], O_RDWR | O_DIRECT);
	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size))
		die(argv[1]);
	if (count < 2 || posix_memalign(&buf, BYTES, BYTES))
		return 2;
	memset(buf, 0, BYTES);
	if (syscall(SYS_io_setup, (unsigned int)count, &ctx))
		die("io_setup (fs.aio-max-nr?)");
	for (left = count; left; left -= more) {
		more = left < BATCH ? left : BATCH;
		submit(ctx, fd, argv[2][0] == 'w', buf, size < SPAN ? size : SPAN, more);
	}
	puts("waiting");
	fflush(stdout);
	if (argc > 4)
		start_beat();
	done = reap(ctx, 1, REAP, events);
	start = now();
	before = atomic_exchange(&longest, 0);
	if (done == count) {
		fprintf(stderr, "all were done when the first one was looked at\n");
		return 1;
	}
	for (left = count - done; left; left -= more) {
		more = left < REAP ? left : REAP;
		reap(ctx, more, more, events);
	}
	printf("%.1f %llu %llu\n", (double)(now() - start) / (double)(count - done),
	       (unsigned long long)before, (unsigned long long)longest);
	return 0;
}
