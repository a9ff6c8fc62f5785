// SPDX-License-Identifier: GPL-2.0
/*
 * passthru life DEV: what becomes of open files. Prints a line for each, which is the same for a
 * native node and for one of ours.
 *
 *   - files and rings closed with commands in flight, by close() and by a process that is killed
 *   - descriptors passed to a process without privileges, for reading and for writing
 *   - a ring and a descriptor inherited by a child, used by both
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "passthru.h"

#define NOBODY	65534
#define DEPTH	32
#define NLB	8U
#define SEED	77

static struct node node;
static char *data;

static struct command transfer(uint8_t opcode, void *buffer)
{
	struct command c = {
		.opcode = opcode, .nsid = node.nsid, .addr = (uintptr_t)buffer, .data_len = NLB * node.lba,
	};

	command_lbas(&c, 0, NLB);
	return c;
}

static void must(const char *what, int status)
{
	if (status)
		die("%s: %s", what, outcome_text(status));
}

/* --- closed --------------------------------------------------------------------------- */

/* Submits, and does not wait. */
static void in_flight(struct ring *ring, int fd, char *buffers)
{
	struct command c;
	unsigned int i;

	must("io_uring_setup", ring_open(ring, DEPTH, RING_BIG));
	for (i = 0; i < DEPTH; i++) {
		c = transfer(NVME_READ, buffers + i * NLB * node.lba);
		entry_fill(ring_entry(ring), way_named("plain"), fd, &c);
	}
	must("io_uring_enter", ring_submit(ring, 0));
}

static void close_in_flight(const char *path, char *buffers)
{
	struct node other;
	struct ring ring;
	unsigned int i;

	for (i = 0; i < 8; i++) {
		node_open(&other, path, O_RDWR);
		in_flight(&ring, other.fd, buffers);
		close(other.fd);
		ring_close(&ring);
	}
	printf("closed in flight: ok\n");
}

static void killed_in_flight(const char *path, char *buffers)
{
	struct node other;
	struct ring ring;
	unsigned int i;
	int status;
	pid_t pid;

	for (i = 0; i < 4; i++) {
		pid = fork();
		if (!pid) {
			node_open(&other, path, O_RDWR);
			in_flight(&ring, other.fd, buffers);
			raise(SIGKILL);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
			die("a child that was to be killed was not");
	}
	printf("killed in flight: ok\n");
}

/* --- passed on ------------------------------------------------------------------------- */

static void send_fd(int sock, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	if (sendmsg(sock, &msg, 0) != 1)
		die("sendmsg: %s", strerror(errno));
}

static int receive_fd(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(sock, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
		die("recvmsg: %s", strerror(errno));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

static void report(const char *who, const char *what, const char *way, const struct command *c, int fd)
{
	struct node other = node;

	other.fd = fd;
	printf("%s, %s by %s: %s\n", who, what, way, outcome_text(send_command(&other, way_named(way), c).status));
}

static void use_passed(int sock)
{
	static const char *const ways[] = { "plain", "io64" };
	struct command c, identify = { .opcode = NVME_IDENTIFY, .nsid = node.nsid, .data_len = 4096 },
			  format = { .opcode = 0x80, .nsid = node.nsid };
	unsigned int i, j;
	int fd;

	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		die("cannot become somebody without privileges: %s", strerror(errno));
	identify.addr = (uintptr_t)data;
	for (i = 0; i < 2; i++) {
		const char *who = i ? "passed on for reading" : "passed on for writing";

		fd = receive_fd(sock);
		for (j = 0; j < 2; j++) {
			c = transfer(NVME_READ, data);
			report(who, "a read", ways[j], &c, fd);
			/* what was read is written again */
			c.opcode = NVME_WRITE;
			report(who, "a write", ways[j], &c, fd);
		}
		report(who, "Identify", "admin64", &identify, fd);
		report(who, "Format", "admin64", &format, fd);
	}
	fflush(stdout);
	_exit(0);
}

static void child_did_well(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		die("a child failed");
}

static void passed_on(const char *path)
{
	struct node read_only;
	int socks[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, socks))
		die("socketpair: %s", strerror(errno));
	node_open(&read_only, path, O_RDONLY);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		/* neither of those that it was born with */
		close(node.fd);
		close(read_only.fd);
		use_passed(socks[1]);
	}
	send_fd(socks[0], node.fd);
	send_fd(socks[0], read_only.fd);
	close(read_only.fd);
	child_did_well(pid);
	close(socks[0]);
	close(socks[1]);
}

/* --- inherited ---------------------------------------------------------------------------- */

static void read_by_ring(struct ring *ring, const char *who)
{
	struct command c = transfer(NVME_READ, data);
	struct cqe32 cqe;

	memset(data, 0, NLB * node.lba);
	entry_fill(ring_entry(ring), way_named("plain"), node.fd, &c);
	must("io_uring_enter", ring_submit(ring, 1));
	if (!ring_reap(ring, &cqe))
		die("%s: no completion", who);
	must(who, cqe.res);
	pattern_check(data, NLB * node.lba, SEED, 0, who);
}

static void inherited(void)
{
	struct ring ring;
	pid_t pid;

	must("io_uring_setup", ring_open(&ring, 4, RING_BIG));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		read_by_ring(&ring, "a child by its parent's ring");
		fflush(stdout);
		_exit(0);
	}
	child_did_well(pid);
	/* its own idea of the tail is behind */
	ring.tail = *ring.sq_tail;
	ring.unsent = 0;
	read_by_ring(&ring, "the parent");
	ring_close(&ring);
	printf("inherited: ok\n");
}

int main_life(int argc, char **argv)
{
	struct command c;
	char *buffers;

	(void)argc;
	node_open(&node, argv[0], O_RDWR);
	data = pages(4 * NLB * node.lba);
	buffers = pages((size_t)DEPTH * NLB * node.lba);
	pattern_fill(data, NLB * node.lba, SEED, 0);
	c = transfer(NVME_WRITE, data);
	must("a write", send_command(&node, way_named("plain"), &c).status);
	close_in_flight(argv[0], buffers);
	killed_in_flight(argv[0], buffers);
	passed_on(argv[0]);
	inherited();
	return 0;
}
