// SPDX-License-Identifier: GPL-2.0
/*
 * zero_copy DEVICE GENERIC START: direct I/O on a namespace that starts at START bytes of its
 * drive, and NVMe commands to its character device, from and to pages whose physical addresses
 * are known. Prints
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
#include "passthru.h"

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
	{ "101-pages-at-1536",			!HUGE, { { 1536, 100 * PAGE } } },
	{ "1M+512-in-several-commands",		!HUGE, { { 0, MIB + 512 } } },
	{ "128K-of-a-huge-page",		HUGE, { { 64 * 1024, 128 * 1024 } } },
	{ "128K+512-of-a-huge-page-at-1024",	HUGE, { { 1024, 128 * 1024 + 512 } } },
	{ "256K-of-a-huge-page",		HUGE, { { 0, 256 * 1024 } } },
	{ "one-sector-at-4",			!HUGE, { { 4, 512 } } },
	{ "3584-at-508",			!HUGE, { { 508, 3584 } } },
	{ "a-page-at-4",			!HUGE, { { 4, PAGE } } },
	{ "5632-at-4092",			!HUGE, { { 4092, 5632 } } },
	{ "3-vectors-of-pages",			!HUGE, { { 0, PAGE }, { 7 * PAGE, 2 * PAGE }, { 4 * PAGE, PAGE } } },
	{ "vectors-at-the-ends-of-pages",	!HUGE, { { 3584, 512 }, { 9 * PAGE, 30 * PAGE }, { 4 * PAGE, 1536 } } },
	{ "3-vectors-with-gaps",		!HUGE, { { 512, 512 }, { 7 * PAGE + 1024, 1536 }, { 4 * PAGE + 3584, 2560 } } },
	{ "2-vectors-at-4-and-4092",		!HUGE, { { 4, 1024 }, { 20 * PAGE + 4092, 1536 } } },
};

#define N_IOS	(sizeof(ios) / sizeof(ios[0]))

/* The two that the data is written from and read into, of small and of huge pages */
static char *buffers[2][2];
static int device, pagemap;
static struct node generic;
static uint64_t device_start;

static void must(bool good, const char *what)
{
	if (!good)
		die("%s: %s", what, strerror(errno));
}

/* --- memory ----------------------------------------------------------------- */

static void *map(size_t bytes, int flags)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	must(p != MAP_FAILED, "mmap");
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

	must(!madvise(from, SPAN, MADV_NOHUGEPAGE), "madvise");
	for (i = 0; i < n; i++)
		from[i * PAGE] = 1;
	/* 5 and the number of pages, a power of two, have no common divisor: each once */
	for (i = 0; i < n; i++)
		must(mremap(from + i * 5 % n * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + i * PAGE) !=
		     MAP_FAILED, "mremap");
	return to;
}

/* A huge page, if the kernel has one to give; it need not. */
static char *huge(void)
{
	char *p = map(2 * SPAN, MAP_NORESERVE);

	p = (char *)(((uintptr_t)p + SPAN - 1) & ~(SPAN - 1));
	must(!madvise(p, SPAN, MADV_HUGEPAGE) || errno == EINVAL, "madvise");
	return p;
}

static uint64_t physical(const char *p)
{
	uint64_t entry;
	off_t at = (off_t)((uintptr_t)p / PAGE * sizeof(entry));

	must(pread(pagemap, &entry, sizeof(entry), at) == (ssize_t)sizeof(entry), "/proc/self/pagemap");
	/* bit 63: present; the frame's number reads as 0 for who may not see it */
	if (!(entry >> 63) || !(entry & ((1ULL << 55) - 1)))
		die("/proc/self/pagemap does not say where a page is");
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

static size_t total(const struct iovec *iov, unsigned int n)
{
	size_t bytes = 0;

	while (n--)
		bytes += iov[n].iov_len;
	return bytes;
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
	must(!fclose(out), "memory");
	return text;
}

/* --- I/O, one at a time ------------------------------------------------------- */

static struct ring ring;

static void ring_begin(void)
{
	const struct iovec iov[4] = {
		{ buffers[0][0], SPAN }, { buffers[0][1], SPAN }, { buffers[1][0], SPAN }, { buffers[1][1], SPAN },
	};

	if (ring_open(&ring, 4, 0) || ring_register_buffers(&ring, iov, 4))
		die("there is no ring with registered buffers");
}

static ssize_t ring_io(const struct io *io, bool write, const struct iovec *iov, uint64_t at)
{
	struct cqe32 cqe;

	/* an entry of 64 bytes */
	*(struct io_uring_sqe *)ring_entry(&ring) = (struct io_uring_sqe){
		.opcode = write ? IORING_OP_WRITE_FIXED : IORING_OP_READ_FIXED,
		.fd = device, .off = at, .addr = (uintptr_t)iov->iov_base, .len = (unsigned int)iov->iov_len,
		.buf_index = (uint16_t)(2 * io->huge + !write),
	};
	if (ring_submit(&ring, 1) || !ring_reap(&ring, &cqe))
		die("io_uring_enter: nothing is done");
	errno = cqe.res < 0 ? -cqe.res : 0;
	return cqe.res < 0 ? -1 : cqe.res;
}

/* One command, in a ring where its buffer alone is registered if any is */
static ssize_t nvme_io(const struct way *way, bool write, const struct iovec *iov, unsigned int n, uint64_t at)
{
	size_t bytes = total(iov, n);
	struct command c = {
		.opcode = write ? NVME_WRITE : NVME_READ, .nsid = generic.nsid,
		.addr = (uintptr_t)iov->iov_base, .data_len = (uint32_t)bytes,
	};
	struct outcome out;

	command_lbas(&c, at / LBA, (uint32_t)(bytes / LBA));
	if (way_vec(way)) {
		c.addr = (uintptr_t)iov;
		c.data_len = n;
	}
	out = send_command(&generic, way, &c);
	if (out.status)
		die("NVMe %s of %zu bytes: %s", way->name, bytes, outcome_text(out.status));
	return (ssize_t)bytes;
}

/* --- ways of I/O --------------------------------------------------------------- */

/* The kernel itself refuses one of which a page has less than whole sectors. */
static bool fits_ring(const struct io *io)
{
	size_t at = io->vec[0].offset % PAGE;

	return !io->vec[1].length && (at % LBA == 0 || at + io->vec[0].length <= PAGE);
}

/*
 * In one command, and the driver itself copies what has gaps: other vectors than the first begin
 * with a page, others than the last end with one.
 */
static bool fits_command(const struct io *io)
{
	struct iovec iov[MAX_VEC];
	unsigned int i, n = vectors(io, buffers[io->huge][0], iov);

	for (i = 1; i < n; i++) {
		if (io->vec[i].offset % PAGE || (io->vec[i - 1].offset + io->vec[i - 1].length) % PAGE)
			return false;
	}
	return total(iov, n) <= generic.max;
}

static bool fits_one(const struct io *io)
{
	return !io->vec[1].length && fits_command(io);
}

/* @nvme: one of passthru/ring.c, or to the block device */
static const struct path {
	const char *write, *read;
	bool (*fits)(const struct io *io);
	const char *nvme;
} paths[] = {
	{ "pwritev", "preadv", NULL, NULL },
	{ "io_uring-fixed", "io_uring-fixed", fits_ring, NULL },
	{ "nvme-plain", "nvme-plain", fits_one, "plain" },
	{ "nvme-fixed", "nvme-fixed", fits_one, "fixed" },
	{ "nvme-vec", "nvme-vec", fits_command, "vec" },
};

#define N_PATHS (sizeof(paths) / sizeof(paths[0]))

static ssize_t move(const struct path *path, const struct io *io, bool write, const struct iovec *iov, unsigned int n,
		    uint64_t at)
{
	if (path->nvme)
		return nvme_io(way_named(path->nvme), write, iov, n, at);
	if (path->fits)
		return ring_io(io, write, iov, at);
	return write ? pwritev(device, iov, (int)n, (off_t)at) : preadv(device, iov, (int)n, (off_t)at);
}

/* The pages are where they were found before only if they are still there after. */
static void do_io(const struct io *io, bool write, const struct path *path, uint64_t at)
{
	const char *name = write ? path->write : path->read;
	struct iovec iov[MAX_VEC];
	char *before, *after;
	unsigned int n;
	ssize_t done;
	size_t bytes;

	n = vectors(io, buffers[io->huge][!write], iov);
	bytes = total(iov, n);
	before = pieces(iov, n);
	done = move(path, io, write, iov, n, at);
	if (done != (ssize_t)bytes)
		die("%s %s: %zd of %zu bytes: %s", name, io->what, done, bytes, done < 0 ? strerror(errno) : "short");
	after = pieces(iov, n);
	if (strcmp(before, after))
		die("%s %s: its pages were moved meanwhile", name, io->what);
	printf("%s 0x%llx %zu %s:%s%s\n", write ? "write" : "read",
	       (unsigned long long)((device_start + at) / LBA), bytes, name, io->what, before);
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

static void compare(const struct io *io)
{
	struct iovec wrote[MAX_VEC], got[MAX_VEC];
	unsigned int i, n = vectors(io, buffers[io->huge][0], wrote);

	vectors(io, buffers[io->huge][1], got);
	for (i = 0; i < n; i++) {
		if (memcmp(wrote[i].iov_base, got[i].iov_base, got[i].iov_len))
			die("%s: what was read is not what was written", io->what);
	}
}

/* The drive may have been read all over when it was adopted; from here on it is ours. */
static void begin(uint64_t at)
{
	must(pread(device, buffers[0][0], LBA, (off_t)at) == (ssize_t)LBA, "read");
	printf("begin 0x%llx\n", (unsigned long long)((device_start + at) / LBA));
}

int main(int argc, char **argv)
{
	uint64_t at = 4 * MIB;	/* beyond what is looked at for partitions and the like */
	unsigned int i, way;

	if (argc != 4) {
		fprintf(stderr, "usage: zero_copy DEVICE GENERIC START\n");
		return 2;
	}
	device = open(argv[1], O_RDWR | O_DIRECT);
	must(device >= 0, argv[1]);
	node_open(&generic, argv[2], O_RDWR);
	device_start = number(argv[3]);
	pagemap = open("/proc/self/pagemap", O_RDONLY);
	must(pagemap >= 0, "/proc/self/pagemap");
	for (i = 0; i < 2; i++) {
		buffers[0][i] = scattered();
		buffers[1][i] = huge();
	}
	must(!mlockall(MCL_CURRENT), "mlockall");
	ring_begin();
	begin(at);
	at += SPAN;
	for (way = 0; way < N_PATHS; way++) {
		for (i = 0; i < N_IOS; i++) {
			if (paths[way].fits && !paths[way].fits(&ios[i]))
				continue;
			fill(&ios[i], 8 * i + way);
			memset(buffers[ios[i].huge][1], 0xff, SPAN);
			do_io(&ios[i], true, &paths[way], at);
			do_io(&ios[i], false, &paths[way], at);
			compare(&ios[i]);
			at += SPAN;
		}
	}
	return 0;
}
