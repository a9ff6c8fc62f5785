// SPDX-License-Identifier: GPL-2.0
/*
 * passthru io DEV [KEY=VALUE...]: writes by NVMe commands, and reads what was written; then what
 * the block device wrote.
 *
 *   ways=A,B,...	how commands are sent, one way after the other
 *   depth=N		commands in flight, of io_uring
 *   start=LBA size=BYTES	of the namespace
 *   max=BYTES		of a command; each has another length
 *   unit=BYTES		of which each length is a multiple; one LBA if not said
 *   block=NODE		the block device of the same namespace
 *   lower=NODE at=BYTES	the drive, and where on it the namespace begins
 *   meta=BYTES		separate metadata of each LBA
 *   cdw12=N		bits that each command has there
 *
 * Each word of the data says where in the namespace it belongs, and which round wrote it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include "passthru.h"

#define MAX_DEPTH 256

static struct {
	char		*ways;
	unsigned int	depth;
	uint64_t	start, size, max, unit;
	const char	*block, *lower;
	uint64_t	at;
	uint32_t	meta, cdw12;
} opt = {
	.depth = 16, .size = 1 << 20, .max = 64 << 10,
};

static struct node node;
static int block = -1, lower = -1;
static char *data, *meta;
static uint64_t seed;

static void option(char *arg)
{
	char *value = strchr(arg, '=');

	if (!value)
		die("'%s' is not KEY=VALUE", arg);
	*value++ = 0;
	if (!strcmp(arg, "ways"))
		opt.ways = value;
	else if (!strcmp(arg, "depth"))
		opt.depth = (unsigned int)number(value);
	else if (!strcmp(arg, "start"))
		opt.start = number(value);
	else if (!strcmp(arg, "size"))
		opt.size = number(value);
	else if (!strcmp(arg, "max"))
		opt.max = number(value);
	else if (!strcmp(arg, "unit"))
		opt.unit = number(value);
	else if (!strcmp(arg, "block"))
		opt.block = value;
	else if (!strcmp(arg, "lower"))
		opt.lower = value;
	else if (!strcmp(arg, "at"))
		opt.at = number(value);
	else if (!strcmp(arg, "meta"))
		opt.meta = (uint32_t)number(value);
	else if (!strcmp(arg, "cdw12"))
		opt.cdw12 = (uint32_t)number(value);
	else
		die("there is no option '%s'", arg);
}

static int open_block(const char *path, int flags)
{
	int fd = open(path, flags | O_DIRECT | O_CLOEXEC);

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

/* Bytes of the command that begins at @done: up to opt.max, never beyond the end */
static size_t piece(uint64_t done)
{
	uint64_t unit = opt.unit ? opt.unit : node.lba;
	uint64_t bytes = (pattern_word(seed, ~done) % (opt.max / unit) + 1) * unit;

	return (size_t)(done + bytes > opt.size ? opt.size - done : bytes);
}

/* In two or three parts; the drive wants memory aligned to 4 bytes, no more. */
static unsigned int split(char *p, size_t bytes, struct iovec *iov)
{
	size_t first = bytes > 4096 ? 4096 : bytes / 2;

	iov[0] = (struct iovec){ p, first };
	iov[1] = (struct iovec){ p + first, bytes - first };
	if (bytes - first <= 8192)
		return 2;
	iov[1].iov_len = 8192;
	iov[2] = (struct iovec){ p + first + 8192, bytes - first - 8192 };
	return 3;
}

static void make_command(struct command *c, uint8_t opcode, const struct way *way, uint64_t done, size_t bytes,
			 struct iovec *iov)
{
	*c = (struct command){
		.opcode = opcode, .nsid = node.nsid, .addr = (uintptr_t)(data + done), .data_len = (uint32_t)bytes,
		.cdw12 = opt.cdw12,
	};
	command_lbas(c, opt.start + done / node.lba, (uint32_t)(bytes / node.lba));
	if (way_vec(way)) {
		c->data_len = split(data + done, bytes, iov);
		c->addr = (uintptr_t)iov;
	}
	if (opt.meta) {
		c->metadata = (uintptr_t)(meta + done / node.lba * opt.meta);
		c->metadata_len = (uint32_t)(bytes / node.lba * opt.meta);
	}
}

static void by_ioctl(uint8_t opcode, const struct way *way)
{
	struct iovec iov[3];
	struct outcome out;
	struct command c;
	uint64_t done;
	size_t bytes;

	for (done = 0; done < opt.size; done += bytes) {
		bytes = piece(done);
		make_command(&c, opcode, way, done, bytes, iov);
		out = send_command(&node, way, &c);
		if (out.status)
			die("%s: opcode %u at byte %llu, %zu bytes: %s", way->name, opcode, (unsigned long long)done,
			    bytes, outcome_text(out.status));
	}
}

/* Of commands in flight, each with vectors of its own: one may be read again when it was put off */
static struct slot {
	struct iovec	iov[3];
	uint64_t	done;
	bool		busy;
} slots[MAX_DEPTH];

static void reap(struct ring *ring, const struct way *way, unsigned int *flying)
{
	struct cqe32 cqe;

	while (ring_reap(ring, &cqe)) {
		struct slot *slot = &slots[cqe.user_data % MAX_DEPTH];

		if (cqe.res)
			die("%s: the command at byte %llu: %s", way->name, (unsigned long long)slot->done,
			    outcome_text(cqe.res));
		if (!slot->busy)
			die("%s: a command is done twice", way->name);
		slot->busy = false;
		--*flying;
	}
}

static struct slot *free_slot(void)
{
	unsigned int i = 0;

	while (slots[i].busy)
		i++;
	slots[i].busy = true;
	return &slots[i];
}

static void ring_begin(struct ring *ring, const struct way *way)
{
	int error = ring_open(ring, opt.depth, way->setup);

	if (error)
		die("%s: io_uring_setup: %s", way->name, outcome_text(error));
	error = ring_register(ring, way->sqe_flags & SQE_FIXED_FILE ? node.fd : -1, way->fixed ? data : NULL, opt.size);
	if (error)
		die("%s: io_uring_register: %s", way->name, outcome_text(error));
}

/* A slot of the ring is used again as soon as it can be. */
static void by_uring(uint8_t opcode, const struct way *way)
{
	unsigned int flying = 0;
	struct sqe128 *sqe;
	struct slot *slot;
	struct ring ring;
	struct command c;
	uint64_t done = 0;
	size_t bytes;
	int error;

	ring_begin(&ring, way);
	while (done < opt.size || flying) {
		for (; done < opt.size && flying < opt.depth; done += bytes, flying++) {
			bytes = piece(done);
			slot = free_slot();
			slot->done = done;
			make_command(&c, opcode, way, done, bytes, slot->iov);
			sqe = ring_entry(&ring);
			entry_fill(sqe, way, node.fd, &c);
			sqe->user_data = (uint64_t)(slot - slots);
		}
		error = ring_submit(&ring, 1);
		if (error)
			die("%s: io_uring_enter: %s", way->name, outcome_text(error));
		reap(&ring, way, &flying);
	}
	ring_close(&ring);
}

static void by(uint8_t opcode, const struct way *way)
{
	if (way->ioctl)
		by_ioctl(opcode, way);
	else
		by_uring(opcode, way);
}

/* What another node says is there */
static void look(int fd, uint64_t at, const char *path, const char *way)
{
	char who[128];

	snprintf(who, sizeof(who), "written by %s, read from %s", way, path);
	memset(data, 0xee, opt.size);
	if (pread(fd, data, opt.size, (off_t)at) != (ssize_t)opt.size)
		die("%s cannot be read: %s", path, strerror(errno));
	pattern_check(data, opt.size, seed, opt.start * node.lba, who);
}

static uint64_t first_byte(void)
{
	return opt.start * node.lba;
}

static void fill(void)
{
	seed++;
	pattern_fill(data, opt.size, seed, first_byte());
	if (opt.meta)
		pattern_fill(meta, opt.size / node.lba * opt.meta, ~seed, 0);
}

static void read_back(const struct way *way, const char *writer)
{
	char who[128];

	snprintf(who, sizeof(who), "written by %s, read by %s", writer, way->name);
	memset(data, 0xee, opt.size);
	if (opt.meta)
		memset(meta, 0xee, opt.size / node.lba * opt.meta);
	by(NVME_READ, way);
	pattern_check(data, opt.size, seed, first_byte(), who);
	if (opt.meta && !opt.cdw12)
		pattern_check(meta, opt.size / node.lba * opt.meta, ~seed, 0, "metadata");
}

static void round_of(const struct way *way)
{
	fill();
	by(NVME_WRITE, way);
	if (lower >= 0)
		look(lower, opt.at + first_byte(), opt.lower, way->name);
	if (block >= 0)
		look(block, first_byte(), opt.block, way->name);
	read_back(way, way->name);
	if (block < 0 || opt.meta)
		return;
	fill();
	if (pwrite(block, data, opt.size, (off_t)first_byte()) != (ssize_t)opt.size)
		die("%s cannot be written: %s", opt.block, strerror(errno));
	read_back(way, opt.block);
}

int main_io(int argc, char **argv)
{
	char all[] = "plain";
	const char *name;
	int i;

	for (i = 1; i < argc; i++)
		option(argv[i]);
	if (!opt.depth || opt.depth > MAX_DEPTH)
		die("depth is 1 to %d", MAX_DEPTH);
	node_open(&node, argv[0], O_RDWR);
	if (opt.block)
		block = open_block(opt.block, O_RDWR);
	if (opt.lower)
		lower = open_block(opt.lower, O_RDONLY);
	data = pages(opt.size);
	if (opt.meta)
		meta = pages(opt.size / node.lba * opt.meta);
	/* not what an earlier call has written */
	seed = (uint64_t)getpid() << 8;
	for (name = strtok(opt.ways ? opt.ways : all, ","); name; name = strtok(NULL, ",")) {
		round_of(way_named(name));
		printf("%s: %llu bytes at LBA %llu of %s\n", name, (unsigned long long)opt.size,
		       (unsigned long long)opt.start, node.path);
	}
	return 0;
}
