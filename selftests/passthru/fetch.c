// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel fetches from memory of the caller is fetched once. The structure lies across two
 * pages, and the second is missing: the kernel has the first half of it when it waits for the
 * second, and whoever brings that (userfaultfd) makes of the first half what is not allowed. The
 * command must be done as it was at first; if anybody looks again, it is not.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "passthru.h"

#define PAGE 4096UL

static int uffd;
static char *first, *second;	/* the pages */
static char content[PAGE] __attribute__((aligned(PAGE)));	/* of the second, when somebody wants it */
static void (*spoil)(void);
static unsigned int spoilt;
static const struct node *node;
static uint32_t extra;	/* bits of dword 12 */

static void *serve(void *unused)
{
	struct uffd_msg msg;
	struct uffdio_copy copy;

	(void)unused;
	while (read(uffd, &msg, sizeof(msg)) == (ssize_t)sizeof(msg)) {
		if (msg.event != UFFD_EVENT_PAGEFAULT)
			continue;
		spoil();
		spoilt++;
		copy = (struct uffdio_copy){ .dst = (uintptr_t)second, .src = (uintptr_t)content, .len = PAGE };
		if (ioctl(uffd, UFFDIO_COPY, &copy))
			die("UFFDIO_COPY: %s", strerror(errno));
	}
	return NULL;
}

static bool begin(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	pthread_t thread;

	uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0 && errno == ENOSYS)
		return false;
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api))
		die("userfaultfd: %s", strerror(errno));
	first = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (first == MAP_FAILED)
		die("no memory");
	second = first + PAGE;
	memset(first, 0, PAGE);
	area.range.start = (uintptr_t)second;
	area.range.len = PAGE;
	if (ioctl(uffd, UFFDIO_REGISTER, &area))
		die("UFFDIO_REGISTER: %s", strerror(errno));
	if (pthread_create(&thread, NULL, serve, NULL))
		die("no thread");
	return true;
}

/* @bytes of @what, @before of them in the first page; where that is */
static char *lay(const void *what, size_t bytes, size_t before)
{
	/* gone, whoever has brought it */
	if (madvise(second, PAGE, MADV_DONTNEED))
		die("madvise: %s", strerror(errno));
	memset(content, 0, PAGE);
	memcpy(second - before, what, before);
	memcpy(content, (const char *)what + before, bytes - before);
	return second - before;
}

static void judge(const char *what, const char *way, int status, unsigned int before)
{
	if (spoilt == before)
		die("%s by %s: nothing was fetched, %s", what, way, outcome_text(status));
	/* a drive need not have Copy: the caller knows */
	if (status && strcmp(what, "Copy"))
		die("%s by %s: it was fetched more than once: %s", what, way, outcome_text(status));
}

/* --- the structure of an ioctl -------------------------------------------------------- */

static size_t at;	/* of what is spoilt, before the second page */

static void put(size_t offset, uint64_t value, size_t bytes)
{
	memcpy(second - at + offset, &value, bytes);
}

static void to_neighbour(void)
{
	put(offsetof(struct command, cdw10), node->lbas, 4);
}

static void to_other_opcode(void)
{
	put(offsetof(struct command, opcode), NVME_WRITE_ZEROES, 1);
	put(offsetof(struct command, cdw10), node->lbas, 4);
}

static void fetch_command(const char *name, void (*how)(void), char *data)
{
	const struct way *way = way_named(name);
	struct command c = {
		.opcode = NVME_WRITE, .nsid = node->nsid, .addr = (uintptr_t)data, .data_len = 8 * node->lba,
	};
	unsigned int before = spoilt;
	int status;

	c.cdw12 = extra;
	command_lbas(&c, 0, 8);
	at = offsetof(struct command, cdw12);
	spoil = how;
	status = ioctl(node->fd, way->ioctl, lay(&c, sizeof(c), at));
	judge("a structure", name, status < 0 ? -errno : status, before);
}

/* --- data that holds LBAs --------------------------------------------------------------- */

static void range_to_neighbour(void)
{
	put(8, node->lbas, 8);
}

static void fetch_data(const char *name, uint8_t opcode)
{
	size_t bytes = opcode == NVME_DSM ? 16 : 32;
	struct command c = { .opcode = opcode, .nsid = node->nsid, .data_len = (uint32_t)(2 * bytes) };
	unsigned int before = spoilt;
	char two[64] = { 0 };

	if (opcode == NVME_DSM) {
		c.cdw10 = 1;
		c.cdw11 = 4;
		two[4] = 8;			/* 8 LBAs from 64 on, and from 128 */
		two[8] = 64;
		two[20] = 8;
		two[24] = (char)128;
	} else {
		c.cdw12 = extra;
		command_lbas(&c, 256, 2);	/* two descriptors, of 8 LBAs each */
		two[8] = 64;
		two[16] = 7;
		two[40] = (char)128;
		two[48] = 7;
	}
	at = bytes;
	spoil = range_to_neighbour;
	c.addr = (uintptr_t)lay(two, 2 * bytes, at);
	judge(opcode == NVME_DSM ? "ranges" : "Copy", name, send_command(node, way_named(name), &c).status, before);
}

void fetch_once(const struct node *device, uint32_t cdw12)
{
	char *data = pages(8 * device->lba);

	node = device;
	extra = cdw12;
	if (!begin()) {
		printf("no userfaultfd here: fetching is left to chance\n");
		return;
	}
	memset(data, 'R', 8 * device->lba);
	fetch_command("io64", to_neighbour, data);
	fetch_command("io64", to_other_opcode, data);
	fetch_command("io", to_neighbour, data);
	fetch_data("plain", NVME_DSM);
	fetch_data("io64", NVME_DSM);
	fetch_data("async", NVME_DSM);
	fetch_data("plain", NVME_COPY);
	fetch_data("io64", NVME_COPY);
	printf("fetched once: %u\n", spoilt);
}
