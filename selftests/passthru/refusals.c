// SPDX-License-Identifier: GPL-2.0
/*
 * passthru refusals DEV [foreign=NSID] [drive=NAME]: sends what must be refused, by io_uring and by
 * ioctl, and looks at the error. On a native node only what the driver itself refuses.
 *
 *   foreign=NSID	of another namespace; DEV's nsid + 1 if not said
 *   drive=NAME		where nothing of it may arrive, by a trace
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include "passthru.h"

#define BUFFER (1 << 16)

static struct node node, readable;
static char *data;
static uint32_t foreign;
static bool native;
static const char *drive;
static unsigned int failed, sent;

/**
 * struct refusal - a command as it should be, but for one thing
 * @ways: default is plain and io64
 * @slba: of @nlb LBAs, 8 if not said; negative, with @from_end, before the namespace's end
 * @len: of the buffer, if that is not what the LBAs take
 * @odd: bytes that the buffer begins after a page does
 */
struct refusal {
	const char	*what, *expect, *ways;
	int64_t		slba;
	uint32_t	nlb, len, odd, nsid, cdw2, cdw3, cdw12, cdw13;
	uint16_t	rsvd1;
	uint8_t		opcode, flags;
	bool		from_end, native, no_buffer, read_only, other_nsid, all_nsid, no_lbas;
};

#define READ(...)	{ .opcode = NVME_READ, __VA_ARGS__ }
#define WRITE(...)	{ .opcode = NVME_WRITE, __VA_ARGS__ }
#define OTHER(op, ...)	{ .opcode = (op), __VA_ARGS__ }
#define OUTSIDE		.expect = "0x80"
#define INVALID		.expect = "EINVAL"
#define NO_LBA		(-1)		/* 2^64 - 1 */

static const struct refusal refusals[] = {
	READ(.what = "another nsid", INVALID, .other_nsid = true, .native = true),
	WRITE(.what = "another nsid", INVALID, .other_nsid = true, .native = true),
	READ(.what = "all nsids", INVALID, .all_nsid = true, .native = true),
	OTHER(NVME_FLUSH, .what = "Flush of all namespaces", INVALID, .all_nsid = true, .no_lbas = true, .native = true),

	READ(.what = "one LBA past the end", OUTSIDE, .from_end = true, .slba = -7),
	WRITE(.what = "one LBA past the end", OUTSIDE, .from_end = true, .slba = -7),
	READ(.what = "right behind the end", OUTSIDE, .from_end = true),
	WRITE(.what = "right behind the end", OUTSIDE, .from_end = true),
	WRITE(.what = "one LBA right behind the end", OUTSIDE, .from_end = true, .nlb = 1),
	READ(.what = "the last of 2^64 LBAs", OUTSIDE, .slba = NO_LBA, .nlb = 1),
	READ(.what = "over 2^64", OUTSIDE, .slba = -4),
	WRITE(.what = "over 2^64, onto the first LBAs", OUTSIDE, .slba = -8),
	WRITE(.what = "before the namespace", OUTSIDE, .slba = -2048),
	WRITE(.what = "2^32 LBAs further", OUTSIDE, .slba = 1LL << 32),
	WRITE(.what = "2^63 LBAs further", OUTSIDE, .slba = INT64_MIN),
	OTHER(NVME_COMPARE, .what = "Compare over the end", OUTSIDE, .from_end = true, .slba = -1),
	OTHER(NVME_WRITE_ZEROES, .what = "Write Zeroes over the end", OUTSIDE, .from_end = true, .slba = -1,
	      .no_buffer = true),
	OTHER(NVME_WRITE_ZEROES, .what = "Write Zeroes over 2^64", OUTSIDE, .slba = -8, .no_buffer = true),
	OTHER(NVME_WRITE_UNCORRECTABLE, .what = "Write Uncorrectable over the end", OUTSIDE, .from_end = true,
	      .slba = -1, .no_buffer = true),
	OTHER(NVME_VERIFY, .what = "Verify over the end", OUTSIDE, .from_end = true, .slba = -1, .no_buffer = true),

	READ(.what = "more LBAs than the buffer has room for", INVALID, .len = 512),
	READ(.what = "less LBAs than the buffer has room for", INVALID, .len = 8192),
	WRITE(.what = "a buffer one byte short", INVALID, .len = 4095),
	WRITE(.what = "no buffer", INVALID, .no_buffer = true),
	READ(.what = "no buffer", INVALID, .no_buffer = true),
	READ(.what = "vectors that have too little", INVALID, .len = 512, .ways = "vec,io64-vec"),
	WRITE(.what = "vectors that have too much", INVALID, .len = 8192, .ways = "vec,io64-vec"),
	OTHER(NVME_WRITE_ZEROES, .what = "Write Zeroes of the whole NVMe namespace", INVALID, .cdw12 = 1U << 23,
	      .no_buffer = true),
	READ(.what = "a buffer at an odd address", INVALID, .odd = 1),
	WRITE(.what = "a buffer aligned to 2 bytes", INVALID, .odd = 2),

	READ(.what = "fused", INVALID, .flags = 1, .native = true),
	READ(.what = "SGLs described by the caller", INVALID, .flags = 0x40, .native = true),
	READ(.what = "a reserved field", INVALID, .rsvd1 = 1, .ways = "plain,io64"),
	READ(.what = "something in dword 2", INVALID, .cdw2 = 1),
	READ(.what = "something in dword 3", INVALID, .cdw3 = 1),
	READ(.what = "protection that the namespace has not", INVALID, .cdw12 = 1U << 29),
	WRITE(.what = "a directive for streams", INVALID, .cdw12 = 1U << 20, .cdw13 = 1U << 16),
	READ(.what = "storage tag checks", INVALID, .cdw12 = 1U << 24),

	WRITE(.what = "a descriptor for reading", .expect = "EACCES", .read_only = true, .ways = "plain,async"),
	OTHER(NVME_WRITE_ZEROES, .what = "a descriptor for reading", .expect = "EACCES", .read_only = true, .no_buffer = true,
	      .ways = "plain,async"),
	OTHER(NVME_WRITE_UNCORRECTABLE, .what = "a descriptor for reading", .expect = "EACCES", .read_only = true, .ways = "plain,async",
	      .no_buffer = true),
	OTHER(NVME_DSM, .what = "opcode that SUBMIT_IO has not", INVALID, .ways = "submit", .native = true),
	WRITE(.what = "SUBMIT_IO past the end", OUTSIDE, .from_end = true, .slba = -7, .ways = "submit"),
	READ(.what = "SUBMIT_IO over 2^64", OUTSIDE, .slba = -4, .ways = "submit"),
	WRITE(.what = "the smaller structure, past the end", OUTSIDE, .from_end = true, .slba = -7, .ways = "io"),
	WRITE(.what = "past the end, in io-wq", OUTSIDE, .from_end = true, .slba = -7, .ways = "async,async-vec"),
	WRITE(.what = "past the end, from other kinds of rings", OUTSIDE, .from_end = true, .slba = -7,
	      .ways = "fixed,file,defer,sqpoll"),
	READ(.what = "past the end, from a thread of the kernel", OUTSIDE, .slba = -8, .ways = "sqpoll"),
};

static void judge(const char *what, const char *way, const char *expect, int status)
{
	sent++;
	if (outcome_is(status, expect))
		return;
	fprintf(stderr, "passthru: %s, by %s: %s instead of %s\n", what, way, outcome_text(status), expect);
	failed++;
}

static void try(const struct refusal *r, const char *name)
{
	const struct way *way = way_named(name);
	struct command c = {
		.opcode = r->opcode, .flags = r->flags, .rsvd1 = r->rsvd1, .cdw2 = r->cdw2, .cdw3 = r->cdw3,
		.cdw12 = r->cdw12, .cdw13 = r->cdw13, .nsid = r->other_nsid ? foreign : r->all_nsid ? ~0U : node.nsid,
	};
	uint32_t nlb = r->no_lbas ? 0 : r->nlb ? r->nlb : 8;
	struct { uint64_t base, bytes; } iov;

	if (nlb)
		command_lbas(&c, (r->from_end ? node.lbas : 0) + (uint64_t)r->slba, nlb);
	if (nlb && !r->no_buffer) {
		c.addr = (uintptr_t)data + r->odd;
		c.data_len = r->len ? r->len : nlb * node.lba;
	}
	if (way_vec(way)) {
		iov.base = c.addr;
		iov.bytes = c.data_len;
		c.addr = (uintptr_t)&iov;
		c.data_len = 1;
	}
	judge(r->what, name, r->expect, send_command(r->read_only ? &readable : &node, way, &c).status);
}

static void try_each_way(const struct refusal *r)
{
	char ways[64], *name;

	snprintf(ways, sizeof(ways), "%s", r->ways ? r->ways : "plain,io64");
	for (name = strtok(ways, ","); name; name = strtok(NULL, ","))
		try(r, name);
}

/* --- data that holds LBAs ------------------------------------------------------------- */

static void put(unsigned int at, uint64_t value, size_t bytes)
{
	memcpy(data + at, &value, bytes);
}

static void send_data(const char *what, const char *expect, struct command c, bool read_only)
{
	static const char *const ways[] = { "plain", "io64" };
	unsigned int i;

	c.nsid = node.nsid;
	c.addr = (uintptr_t)data;
	/* by ioctl the privileged may write with any descriptor, as on a native node */
	for (i = 0; i < (read_only ? 1 : 2); i++)
		judge(what, ways[i], expect,
		      send_command(read_only ? &readable : &node, way_named(ways[i]), &c).status);
	memset(data, 0, 4096);
}

static void range(unsigned int i, uint64_t slba, uint32_t nlb)
{
	put(16 * i + 4, nlb, 4);
	put(16 * i + 8, slba, 8);
}

static void try_dsm(void)
{
	const struct command one = { .opcode = NVME_DSM, .cdw11 = 4, .data_len = 16 };
	const struct command three = { .opcode = NVME_DSM, .cdw10 = 2, .cdw11 = 4, .data_len = 48 };
	struct command c = one;

	range(0, node.lbas, 8);
	send_data("a range behind the end", "0x80", one, false);
	range(0, 0, (uint32_t)node.lbas + 1);
	send_data("a range over the end", "0x80", one, false);
	range(0, (uint64_t)-8, 8);
	send_data("a range before the namespace", "0x80", one, false);
	range(0, 8, ~0U);
	send_data("a range of 2^32 LBAs", "0x80", one, false);
	range(0, 0, 8);
	range(1, 16, 8);
	range(2, node.lbas - 4, 8);
	send_data("only the last range over the end", "0x80", three, false);
	c.cdw10 = 1;
	send_data("more ranges than there is data", "EINVAL", c, false);
	c.cdw10 = 0x100;
	send_data("more than 256 ranges", "EINVAL", c, false);
	send_data("ranges with a descriptor for reading", "EACCES", one, true);
}

/* Format 0 or 1 */
static void source(unsigned int i, uint32_t bytes, uint64_t slba, uint32_t nlb)
{
	put(bytes * i + 8, slba, 8);
	put(bytes * i + 16, nlb - 1, 2);
}

static void try_copy(void)
{
	struct command one = { .opcode = NVME_COPY, .data_len = 32 }, c;

	source(0, 32, node.lbas, 8);
	send_data("Copy from behind the end", "0x80", one, false);
	source(0, 32, node.lbas - 4, 8);
	send_data("Copy from over the end", "0x80", one, false);
	source(0, 32, (uint64_t)-8, 8);
	send_data("Copy from before the namespace", "0x80", one, false);
	c = one;
	command_lbas(&c, node.lbas - 4, 1);
	source(0, 32, 0, 8);
	send_data("Copy to over the end", "0x80", c, false);
	command_lbas(&c, node.lbas, 1);
	source(0, 32, 0, 8);
	send_data("Copy to behind the end", "0x80", c, false);
	command_lbas(&c, (uint64_t)-8, 1);
	source(0, 32, 0, 8);
	send_data("Copy to before the namespace", "0x80", c, false);
	c = one;
	c.data_len = 64;
	c.cdw12 = 1;
	source(0, 32, 0, 8);
	source(1, 32, node.lbas, 8);
	send_data("only the last source behind the end", "0x80", c, false);
	c.data_len = 32;
	send_data("more sources than there is data", "EINVAL", c, false);
	c.cdw12 = 2 << 8;
	send_data("sources in other namespaces, format 2", "EOPNOTSUPP", c, false);
	c.cdw12 = 3 << 8;
	c.data_len = 40;
	send_data("sources in other namespaces, format 3", "EOPNOTSUPP", c, false);
	source(0, 32, 0, 8);
	put(0, foreign, 4);
	send_data("a source that names a namespace in a reserved field", "EINVAL", one, false);
	send_data("Copy with a descriptor for reading", "EACCES", one, true);
}

/* --- opcodes ---------------------------------------------------------------------------- */

static bool among(unsigned int opcode, const uint8_t *known, size_t n)
{
	return memchr(known, (int)opcode, n);
}

/* Reservations are for a sole namespace; the caller has made more than one. */
static void try_opcodes(void)
{
	static const uint8_t io[] = { NVME_FLUSH, NVME_WRITE, NVME_READ, NVME_WRITE_UNCORRECTABLE, NVME_COMPARE,
				      NVME_WRITE_ZEROES, NVME_DSM, NVME_VERIFY, NVME_COPY };
	static const uint8_t admin[] = { 0x02, NVME_IDENTIFY, 0x0a };
	struct command c = { .nsid = node.nsid, .addr = (uintptr_t)data, .data_len = 4096 };
	unsigned int opcode;
	char what[64];

	for (opcode = 0; opcode < 256; opcode++) {
		c.opcode = (uint8_t)opcode;
		snprintf(what, sizeof(what), "I/O command 0x%02x", opcode);
		if (!among(opcode, io, sizeof(io)))
			judge(what, "io64", "EOPNOTSUPP|EINVAL", send_command(&node, way_named("io64"), &c).status);
		if (!among(opcode, io, sizeof(io)))
			judge(what, "plain", "EOPNOTSUPP|EINVAL", send_command(&node, way_named("plain"), &c).status);
		snprintf(what, sizeof(what), "admin command 0x%02x", opcode);
		if (!among(opcode, admin, sizeof(admin)))
			judge(what, "admin64", "EOPNOTSUPP|EACCES|EINVAL",
			      send_command(&node, way_named("admin64"), &c).status);
	}
}

/* --- rings and ioctls that are not for this -------------------------------------------- */

static int send_odd(unsigned int setup, uint32_t cmd_op)
{
	struct way way = *way_named("plain");
	struct command c = { .opcode = NVME_READ, .nsid = node.nsid, .addr = (uintptr_t)data, .data_len = node.lba };
	struct sqe128 whole;
	struct cqe32 cqe;
	struct ring ring;
	int error;

	way.cmd_op = cmd_op;
	error = ring_open(&ring, 2, setup);
	if (error)
		return error;
	memset(&whole, 0, sizeof(whole));
	entry_fill(&whole, &way, node.fd, &c);
	memcpy(ring_entry(&ring), &whole, setup & RING_SQE128 ? 128 : 64);
	error = ring_submit(&ring, 1);
	if (!error)
		error = ring_reap(&ring, &cqe) ? cqe.res : -EIO;
	ring_close(&ring);
	return error;
}

static int send_ioctl(unsigned long nr)
{
	return ioctl(node.fd, nr, data) < 0 ? -errno : 0;
}

static void try_odd(void)
{
	judge("entries of 64 bytes", "io_uring", "EOPNOTSUPP", send_odd(RING_CQE32, CMD_IO));
	judge("completions of 16 bytes", "io_uring", "EOPNOTSUPP", send_odd(RING_SQE128, CMD_IO));
	judge("small entries and completions", "io_uring", "EOPNOTSUPP", send_odd(0, CMD_IO));
	judge("an unknown command", "io_uring", "ENOTTY", send_odd(RING_BIG, NVME_IOC(3U, 0x8f, 72)));
	judge("an admin command", "io_uring", "ENOTTY", send_odd(RING_BIG, CMD_ADMIN));
	judge("an unknown ioctl", "ioctl", "ENOTTY", send_ioctl(NVME_IOC(3U, 0x7f, 72)));
	judge("reset of the controller", "ioctl", "ENOTTY", send_ioctl(NVME_IOC(0U, 0x44, 0)));
	judge("reset of the subsystem", "ioctl", "ENOTTY", send_ioctl(NVME_IOC(0U, 0x45, 0)));
	judge("rescan of the controller", "ioctl", "ENOTTY", send_ioctl(NVME_IOC(0U, 0x46, 0)));
}

static void option(const char *arg)
{
	if (!strncmp(arg, "foreign=", 8))
		foreign = (uint32_t)number(arg + 8);
	else if (!strncmp(arg, "drive=", 6))
		drive = arg + 6;
	else
		die("there is no option '%s'", arg);
}

static void try_all(void)
{
	size_t i;

	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (!native || refusals[i].native)
			try_each_way(&refusals[i]);
	}
	try_odd();
	if (native)
		return;
	try_dsm();
	try_copy();
	try_opcodes();
}

int main_refusals(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	struct traced traced = { 0 };
	int i;

	node_open(&node, argv[0], O_RDWR);
	node_open(&readable, argv[0], O_RDONLY);
	if (!node.lbas)
		die("sysfs does not say how large %s is", argv[0]);
	foreign = node.nsid + 1;
	for (i = 1; i < argc; i++)
		option(argv[i]);
	native = name && !strncmp(name, "/ng", 3);
	data = pages(BUFFER);
	/* no LBA is inside */
	if (drive && !trace_begin(drive, 0, 0))
		drive = NULL;
	try_all();
	if (drive)
		traced = trace_end();
	printf("%u commands, %u were not refused as they should be, %lu reached the drive%s\n", sent, failed,
	       traced.commands, drive ? "" : " (not traced)");
	return failed || traced.commands;
}
