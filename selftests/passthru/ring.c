// SPDX-License-Identifier: GPL-2.0
/* A small io_uring with entries of 128 bytes, and all the ways of sending a command. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "passthru.h"

static const struct way ways[] = {
	{ "plain",	0, RING_BIG, 0, CMD_IO, false },
	{ "vec",	0, RING_BIG, 0, CMD_IO_VEC, false },
	{ "fixed",	0, RING_BIG, 0, CMD_IO, true },
	{ "async",	0, RING_BIG, SQE_ASYNC, CMD_IO, false },
	{ "async-vec",	0, RING_BIG, SQE_ASYNC, CMD_IO_VEC, false },
	{ "file",	0, RING_BIG, SQE_FIXED_FILE, CMD_IO, false },
	{ "defer",	0, RING_BIG | RING_SINGLE_ISSUER | RING_DEFER_TASKRUN, 0, CMD_IO, false },
	{ "sqpoll",	0, RING_BIG | RING_SQPOLL, SQE_FIXED_FILE, CMD_IO, false },
	{ "polled",	0, RING_BIG | RING_IOPOLL, 0, CMD_IO, false },
	{ "polled-fixed", 0, RING_BIG | RING_IOPOLL, 0, CMD_IO, true },
	{ "polled-vec",	0, RING_BIG | RING_IOPOLL, 0, CMD_IO_VEC, false },
	{ "polled-async", 0, RING_BIG | RING_IOPOLL, SQE_ASYNC, CMD_IO, false },
	{ "polled-sqpoll", 0, RING_BIG | RING_IOPOLL | RING_SQPOLL, SQE_FIXED_FILE, CMD_IO, true },
	{ "uring-admin", 0, RING_BIG, 0, CMD_ADMIN, false },
	{ "io",		IOC_IO, 0, 0, 0, false },
	{ "io64",	IOC_IO64, 0, 0, 0, false },
	{ "io64-vec",	IOC_IO64_VEC, 0, 0, 0, false },
	{ "submit",	IOC_SUBMIT_IO, 0, 0, 0, false },
	{ "admin",	IOC_ADMIN, 0, 0, 0, false },
	{ "admin64",	IOC_ADMIN64, 0, 0, 0, false },
};

#define N_WAYS (sizeof(ways) / sizeof(ways[0]))

const struct way *way_named(const char *name)
{
	size_t i;

	for (i = 0; i < N_WAYS; i++) {
		if (!strcmp(ways[i].name, name))
			return &ways[i];
	}
	die("there is no way '%s'", name);
}

bool way_vec(const struct way *way)
{
	return way->cmd_op == CMD_IO_VEC || way->ioctl == IOC_IO64_VEC;
}

/* --- the ring ------------------------------------------------------------------ */

static char *ring_map(int fd, size_t bytes, uint64_t offset)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, (off_t)offset);

	if (p == MAP_FAILED)
		die("mmap of io_uring: %s", strerror(errno));
	return p;
}

static size_t entry_bytes(unsigned int setup)
{
	return setup & RING_SQE128 ? 128 : 64;
}

static size_t completion_bytes(unsigned int setup)
{
	return setup & RING_CQE32 ? 32 : 16;
}

int ring_open(struct ring *ring, unsigned int entries, unsigned int setup)
{
	struct io_uring_params p = { .flags = setup, .sq_thread_idle = 50 };
	char *sq, *cq;

	ring->fd = (int)syscall(SYS_io_uring_setup, entries, &p);
	if (ring->fd < 0)
		return -errno;
	sq = ring_map(ring->fd, p.sq_off.array + p.sq_entries * sizeof(unsigned int), IORING_OFF_SQ_RING);
	cq = ring_map(ring->fd, p.cq_off.cqes + p.cq_entries * completion_bytes(setup), IORING_OFF_CQ_RING);
	ring->sqes = ring_map(ring->fd, p.sq_entries * entry_bytes(setup), IORING_OFF_SQES);
	ring->entries = p.sq_entries;
	ring->setup = setup;
	ring->sq_head = (unsigned int *)(sq + p.sq_off.head);
	ring->sq_tail = (unsigned int *)(sq + p.sq_off.tail);
	ring->sq_flags = (unsigned int *)(sq + p.sq_off.flags);
	ring->sq_array = (unsigned int *)(sq + p.sq_off.array);
	ring->cq_head = (unsigned int *)(cq + p.cq_off.head);
	ring->cq_tail = (unsigned int *)(cq + p.cq_off.tail);
	ring->cqes = cq + p.cq_off.cqes;
	ring->sq_mask = p.sq_entries - 1;
	ring->cq_mask = p.cq_entries - 1;
	ring->tail = *ring->sq_tail;
	ring->unsent = 0;
	return 0;
}

/* The mappings stay until the process ends. */
void ring_close(struct ring *ring)
{
	close(ring->fd);
	ring->fd = -1;
}

/* @fd: as file 0, -1 none; @buffer: as buffer 0, NULL none */
int ring_register(struct ring *ring, int fd, void *buffer, size_t bytes)
{
	struct iovec iov = { buffer, bytes };

	if (fd >= 0 && syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_FILES, &fd, 1))
		return -errno;
	return buffer ? ring_register_buffers(ring, &iov, 1) : 0;
}

int ring_register_buffers(struct ring *ring, const struct iovec *iov, unsigned int n)
{
	return syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_BUFFERS, iov, n) ? -errno : 0;
}

struct sqe128 *ring_entry(struct ring *ring)
{
	unsigned int slot = ring->tail & ring->sq_mask;
	struct sqe128 *sqe = (struct sqe128 *)(ring->sqes + slot * entry_bytes(ring->setup));

	/* a thread of the kernel may be slow to take what it has */
	while (ring->tail - __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE) > ring->sq_mask)
		usleep(100);
	memset(sqe, 0, entry_bytes(ring->setup));
	ring->sq_array[slot] = slot;
	ring->tail++;
	ring->unsent++;
	return sqe;
}

int ring_submit(struct ring *ring, unsigned int wait)
{
	unsigned int flags = wait ? IORING_ENTER_GETEVENTS : 0;
	unsigned int unsent = ring->unsent;
	int sent;

	__atomic_store_n(ring->sq_tail, ring->tail, __ATOMIC_SEQ_CST);
	if (ring->setup & RING_SQPOLL && __atomic_load_n(ring->sq_flags, __ATOMIC_SEQ_CST) & IORING_SQ_NEED_WAKEUP)
		flags |= IORING_ENTER_SQ_WAKEUP;
	else if (ring->setup & RING_SQPOLL && !wait)
		return 0;
	do {
		sent = (int)syscall(SYS_io_uring_enter, ring->fd, unsent, wait, flags, NULL, 0);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	ring->unsent = ring->setup & RING_SQPOLL ? 0 : unsent - (unsigned int)sent;
	return 0;
}

bool ring_reap(struct ring *ring, struct cqe32 *cqe)
{
	unsigned int head = *ring->cq_head;

	if (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE))
		return false;
	memset(cqe, 0, sizeof(*cqe));
	memcpy(cqe, ring->cqes + (head & ring->cq_mask) * completion_bytes(ring->setup),
	       completion_bytes(ring->setup));
	__atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
	return true;
}

void entry_fill(struct sqe128 *sqe, const struct way *way, int fd, const struct command *command)
{
	sqe->opcode = OP_URING_CMD;
	sqe->flags = way->sqe_flags;
	sqe->fd = way->sqe_flags & SQE_FIXED_FILE ? 0 : fd;
	sqe->cmd_op = way->cmd_op;
	sqe->uring_cmd_flags = way->fixed ? CMD_FIXED : 0;
	memcpy(sqe->cmd, command, COMMAND_BYTES);
}

/* --- one command at a time -------------------------------------------------------- */

struct submit_io {
	uint8_t		opcode, flags;
	uint16_t	control, nblocks, rsvd;
	uint64_t	metadata, addr, slba;
	uint32_t	dsmgmt, reftag;
	uint16_t	apptag, appmask;
};

_Static_assert(sizeof(struct submit_io) == 48, "struct nvme_user_io");
_Static_assert(sizeof(struct command) == 80, "struct nvme_passthru_cmd64");
_Static_assert(sizeof(struct sqe128) == 128, "an entry");

static int submit_io(int fd, const struct command *c)
{
	struct submit_io io = {
		.opcode = c->opcode, .flags = c->flags, .control = (uint16_t)(c->cdw12 >> 16),
		.nblocks = (uint16_t)c->cdw12, .metadata = c->metadata, .addr = c->addr,
		.slba = c->cdw10 | (uint64_t)c->cdw11 << 32, .dsmgmt = c->cdw13, .reftag = c->cdw14,
		.apptag = (uint16_t)c->cdw15, .appmask = (uint16_t)(c->cdw15 >> 16),
	};

	return ioctl(fd, IOC_SUBMIT_IO, &io);
}

static struct outcome send_ioctl(int fd, const struct way *way, const struct command *command)
{
	struct command c = *command;
	struct outcome out;

	errno = 0;
	if (way->ioctl == IOC_SUBMIT_IO)
		out.status = submit_io(fd, &c);
	else
		out.status = ioctl(fd, way->ioctl, &c);
	if (out.status < 0)
		out.status = -errno;
	/* the smaller structure has 32 bits of it, at the end */
	out.result = way->ioctl == IOC_IO || way->ioctl == IOC_ADMIN ? c.rsvd2 : c.result;
	return out;
}

/* In a ring of its own; its buffer is what the command has. */
static struct outcome send_uring(int fd, const struct way *way, const struct command *command)
{
	struct outcome out = { 0 };
	struct ring ring;
	struct cqe32 cqe;

	out.status = ring_open(&ring, 4, way->setup);
	if (out.status < 0)
		return out;
	out.status = ring_register(&ring, way->sqe_flags & SQE_FIXED_FILE ? fd : -1,
				   way->fixed && command->data_len ? (void *)(uintptr_t)command->addr : NULL,
				   command->data_len);
	if (out.status == 0) {
		entry_fill(ring_entry(&ring), way, fd, command);
		out.status = ring_submit(&ring, 1);
	}
	/* a ring that is polled may come back without anything */
	while (out.status == 0 && !ring_reap(&ring, &cqe))
		out.status = ring_submit(&ring, 1);
	if (out.status == 0) {
		out.status = cqe.res;
		out.result = cqe.result;
	}
	ring_close(&ring);
	return out;
}

struct outcome send_command(const struct node *node, const struct way *way, const struct command *command)
{
	return way->ioctl ? send_ioctl(node->fd, way, command) : send_uring(node->fd, way, command);
}
