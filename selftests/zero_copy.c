// SPDX-License-Identifier: GPL-2.0
/*
 * zero_copy DEVICE START: direct I/O on a namespace that starts at START bytes of its
 * drive, from and to pages whose physical addresses are known. Prints
 *   begin LBA			after a read of this one, before all that follows
 *   write|read LBA BYTES DESCRIPTION ADDRESS+LENGTH...		for each I/O
 * with LBAs on the drive and the pieces of memory in the order of the data.
 * selftests/vm/mapped compares that with the memory that an emulated drive was told to use.
 *
 * What was written is read back into other pages and compared. Each I/O has 2 MiB
 * for itself, where nobody else reads or writes: that is how its commands are found.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE	4096UL
#define LBA	512UL
#define MIB	(1UL << 20)
#define SPAN	(2 * MIB)	/* of a buffer, and of the device for each I/O */
#define MAX_VEC	3
#define HUGE	true

struct io {
	const char *what;
	bool huge;
	struct { size_t offset, length; } vec[MAX_VEC];	/* in the buffer */
};

/* Lengths of 0 end the vectors. The drive wants memory aligned to 4 bytes, no more. */
static const struct io ios[] = {
	{ "one-page",				!HUGE, { { 0, PAGE } } },
	{ "one-sector",				!HUGE, { { 0, 512 } } },
	{ "1536-at-1024-of-a-page",		!HUGE, { { 9 * PAGE + 1024, 1536 } } },
	{ "a-page-at-512",			!HUGE, { { 512, PAGE } } },
	{ "4608-at-2048",			!HUGE, { { 2048, 4608 } } },
	{ "4608-at-3584",			!HUGE, { { 3584, 4608 } } },
	{ "8-pages",				!HUGE, { { 16 * PAGE, 8 * PAGE } } },
	{ "128K+512",				!HUGE, { { 0, 128 * 1024 + 512 } } },
	{ "128K+512-at-3584",			!HUGE, { { 3584, 128 * 1024 + 512 } } },
	{ "1M+512-in-several-commands",		!HUGE, { { 0, MIB + 512 } } },
	{ "128K-of-a-huge-page",		HUGE, { { 64 * 1024, 128 * 1024 } } },
	{ "128K+512-of-a-huge-page-at-1024",	HUGE, { { 1024, 128 * 1024 + 512 } } },
	{ "one-sector-at-4",			!HUGE, { { 4, 512 } } },
	{ "3584-at-508",			!HUGE, { { 508, 3584 } } },
	{ "a-page-at-4",			!HUGE, { { 4, PAGE } } },
	{ "5632-at-4092",			!HUGE, { { 4092, 5632 } } },
	{ "3-vectors-of-pages",			!HUGE, { { 0, PAGE }, { 7 * PAGE, 2 * PAGE }, { 4 * PAGE, PAGE } } },
	{ "3-vectors-with-gaps",		!HUGE, { { 512, 512 }, { 7 * PAGE + 1024, 1536 }, { 4 * PAGE + 3584, 2560 } } },
	{ "2-vectors-at-4-and-4092",		!HUGE, { { 4, 1024 }, { 20 * PAGE + 4092, 1536 } } },
};

#define N_IOS	(sizeof(ios) / sizeof(ios[0]))

/* The two that the data is written from and read into, of small and of huge pages */
static char *buffers[2][2];
static int device, pagemap;
static uint64_t device_start;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* --- memory ----------------------------------------------------------------- */

static void *map(size_t bytes, int flags)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/*
 * Pages that follow each other in memory only by chance: so that each has its
 * own entry in what the drive is told.
 */
static char *scattered(void)
{
	size_t n = SPAN / PAGE, i;
	char *from = map(SPAN, MAP_NORESERVE), *to = map(SPAN, MAP_NORESERVE);

	if (madvise(from, SPAN, MADV_NOHUGEPAGE))
		die("madvise");
	for (i = 0; i < n; i++)
		from[i * PAGE] = 1;
	/* 5 and the number of pages, a power of two, have no common divisor: each once */
	for (i = 0; i < n; i++)
		if (mremap(from + i * 5 % n * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + i * PAGE) ==
		    MAP_FAILED)
			die("mremap");
	return to;
}

/* A huge page, if the kernel has one to give; it need not. */
static char *huge(void)
{
	char *p = map(2 * SPAN, MAP_NORESERVE);

	p = (char *)(((uintptr_t)p + SPAN - 1) & ~(SPAN - 1));
	if (madvise(p, SPAN, MADV_HUGEPAGE) && errno != EINVAL)
		die("madvise");
	return p;
}

static uint64_t physical(const char *p)
{
	uint64_t entry;
	off_t at = (off_t)((uintptr_t)p / PAGE * sizeof(entry));

	if (pread(pagemap, &entry, sizeof(entry), at) != (ssize_t)sizeof(entry))
		die("/proc/self/pagemap");
	/* bit 63: present; the frame's number reads as 0 for who may not see it */
	if (!(entry >> 63) || !(entry & ((1ULL << 55) - 1))) {
		fprintf(stderr, "/proc/self/pagemap does not say where a page is\n");
		exit(1);
	}
	return (entry & ((1ULL << 55) - 1)) * PAGE + (uintptr_t)p % PAGE;
}

/* At least one */
static unsigned int vectors(const struct io *io, char *buffer, struct iovec *iov)
{
	unsigned int n = 0;

	do {
		iov[n] = (struct iovec){ buffer + io->vec[n].offset, io->vec[n].length };
	} while (++n < MAX_VEC && io->vec[n].length);
	return n;
}

/* Of all pieces, none larger than a page; malloc()ed */
static char *pieces(const struct iovec *iov, unsigned int n)
{
	size_t size, done, part;
	char *text;
	FILE *out = open_memstream(&text, &size);

	for (; n; n--, iov++) {
		for (done = 0; done < iov->iov_len; done += part) {
			const char *p = (char *)iov->iov_base + done;

			part = PAGE - (uintptr_t)p % PAGE;
			if (part > iov->iov_len - done)
				part = iov->iov_len - done;
			fprintf(out, " 0x%llx+%zu", (unsigned long long)physical(p), part);
		}
	}
	if (fclose(out))
		die("memory");
	return text;
}

/* --- I/O, one at a time ------------------------------------------------------- */

struct ring {
	int fd;
	struct io_uring_sqe *sqes;
	struct io_uring_params p;
	char *sq, *cq;
};

static struct ring ring;

/* liburing would be one more package, for these few calls. */
static void ring_begin(void)
{
	struct iovec iov[4] = {
		{ buffers[0][0], SPAN }, { buffers[0][1], SPAN }, { buffers[1][0], SPAN }, { buffers[1][1], SPAN },
	};
	const int prot = PROT_READ | PROT_WRITE;

	ring.fd = (int)syscall(SYS_io_uring_setup, 4, &ring.p);
	if (ring.fd < 0)
		die("io_uring_setup");
	ring.sq = mmap(NULL, PAGE, prot, MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQ_RING);
	ring.cq = mmap(NULL, PAGE, prot, MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_CQ_RING);
	ring.sqes = mmap(NULL, PAGE, prot, MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQES);
	if (ring.sq == MAP_FAILED || ring.cq == MAP_FAILED || ring.sqes == MAP_FAILED)
		die("mmap of io_uring");
	if (syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, iov, 4))
		die("IORING_REGISTER_BUFFERS");
}

static ssize_t ring_io(bool write, unsigned int buffer, const struct iovec *iov, uint64_t at)
{
	unsigned int *tail = (unsigned int *)(ring.sq + ring.p.sq_off.tail);
	unsigned int *array = (unsigned int *)(ring.sq + ring.p.sq_off.array);
	unsigned int slot = *tail & (ring.p.sq_entries - 1), *head;
	struct io_uring_cqe *cqe;

	ring.sqes[slot] = (struct io_uring_sqe){
		.opcode = write ? IORING_OP_WRITE_FIXED : IORING_OP_READ_FIXED,
		.fd = device, .off = at, .addr = (uintptr_t)iov->iov_base, .len = (unsigned int)iov->iov_len,
		.buf_index = (uint16_t)buffer,
	};
	array[slot] = slot;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		die("io_uring_enter");
	head = (unsigned int *)(ring.cq + ring.p.cq_off.head);
	cqe = (struct io_uring_cqe *)(ring.cq + ring.p.cq_off.cqes) + (*head & (ring.p.cq_entries - 1));
	if (cqe->res < 0) {
		errno = -cqe->res;
		return -1;
	}
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return cqe->res;
}

/* The pages are where they were found before only if they are still there after. */
static void do_io(const struct io *io, bool write, bool fixed, uint64_t at)
{
	unsigned int which = write ? 0 : 1, n, i;
	const char *way = fixed ? "io_uring-fixed" : write ? "pwritev" : "preadv";
	struct iovec iov[MAX_VEC];
	char *before, *after;
	ssize_t done;
	size_t bytes = 0;

	n = vectors(io, buffers[io->huge][which], iov);
	for (i = 0; i < n; i++)
		bytes += iov[i].iov_len;
	before = pieces(iov, n);
	if (fixed)
		done = ring_io(write, 2 * io->huge + which, iov, at);
	else if (write)
		done = pwritev(device, iov, (int)n, (off_t)at);
	else
		done = preadv(device, iov, (int)n, (off_t)at);
	if (done != (ssize_t)bytes) {
		fprintf(stderr, "%s %s: %zd of %zu bytes: %s\n", way, io->what, done, bytes,
			done < 0 ? strerror(errno) : "short");
		exit(1);
	}
	after = pieces(iov, n);
	if (strcmp(before, after)) {
		fprintf(stderr, "%s %s: its pages were moved meanwhile\n", way, io->what);
		exit(1);
	}
	printf("%s 0x%llx %zu %s:%s%s\n", write ? "write" : "read",
	       (unsigned long long)((device_start + at) / LBA), bytes, way, io->what, before);
	free(before);
	free(after);
}

/* Something else for each I/O and for each sector of it */
static void fill(const struct io *io, unsigned int seed)
{
	struct iovec iov[MAX_VEC];
	unsigned int i, n = vectors(io, buffers[io->huge][0], iov);
	size_t j;

	for (i = 0; i < n; i++) {
		for (j = 0; j < iov[i].iov_len; j++) {
			seed = seed * 1103515245 + 12345;
			((unsigned char *)iov[i].iov_base)[j] = (unsigned char)(seed >> 16);
		}
	}
}

/* One vector, and the kernel itself refuses one of which a page has less than whole sectors. */
static bool fits_fixed(const struct io *io)
{
	size_t at = io->vec[0].offset % PAGE;

	return !io->vec[1].length && (at % LBA == 0 || at + io->vec[0].length <= PAGE);
}

static void compare(const struct io *io)
{
	struct iovec wrote[MAX_VEC], got[MAX_VEC];
	unsigned int i, n = vectors(io, buffers[io->huge][0], wrote);

	vectors(io, buffers[io->huge][1], got);
	for (i = 0; i < n; i++) {
		if (memcmp(wrote[i].iov_base, got[i].iov_base, got[i].iov_len)) {
			fprintf(stderr, "%s: what was read is not what was written\n", io->what);
			exit(1);
		}
	}
}

/* The drive may have been read all over when it was adopted; from here on it is ours. */
static void begin(uint64_t at)
{
	if (pread(device, buffers[0][0], LBA, (off_t)at) != (ssize_t)LBA)
		die("read");
	printf("begin 0x%llx\n", (unsigned long long)((device_start + at) / LBA));
}

int main(int argc, char **argv)
{
	uint64_t at = 4 * MIB;	/* beyond what is looked at for partitions and the like */
	unsigned int i, way;

	if (argc != 3) {
		fprintf(stderr, "usage: zero_copy DEVICE START\n");
		return 2;
	}
	device_start = strtoull(argv[2], NULL, 0);
	device = open(argv[1], O_RDWR | O_DIRECT);
	if (device < 0)
		die(argv[1]);
	pagemap = open("/proc/self/pagemap", O_RDONLY);
	if (pagemap < 0)
		die("/proc/self/pagemap");
	for (i = 0; i < 2; i++) {
		buffers[0][i] = scattered();
		buffers[1][i] = huge();
	}
	if (mlockall(MCL_CURRENT))
		die("mlockall");
	ring_begin();
	begin(at);
	at += SPAN;
	for (way = 0; way < 2; way++) {
		for (i = 0; i < N_IOS; i++) {
			if (way && !fits_fixed(&ios[i]))
				continue;
			fill(&ios[i], 2 * i + way);
			memset(buffers[ios[i].huge][1], 0xff, SPAN);
			do_io(&ios[i], true, way, at);
			do_io(&ios[i], false, way, at);
			compare(&ios[i]);
			at += SPAN;
		}
	}
	return 0;
}
