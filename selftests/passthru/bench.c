// SPDX-License-Identifier: GPL-2.0
/*
 * passthru bench DEVICE WAY DEPTH COUNT: reads of 4 KiB over the first 64 MiB, as many in flight
 * as DEPTH. Prints the nanoseconds that one took, after as many as DEPTH and 1,000 that do not
 * count; where the clock counts instructions, instructions.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "passthru.h"

#define BYTES 4096
#define SPAN (64U << 20)
#define WARM 1000

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void send_next(struct ring *ring, const struct node *node, const struct way *way, char *buffer)
{
	static uint32_t at;
	struct command command = {
		.opcode = NVME_READ, .nsid = node->nsid, .addr = (uintptr_t)buffer, .data_len = BYTES,
	};

	/* 7 has no common factor with their number */
	command_lbas(&command, at * (uint64_t)(BYTES / node->lba), BYTES / node->lba);
	at = (at + 7) % (SPAN / BYTES);
	entry_fill(ring_entry(ring), way, node->fd, &command);
}

/* @count commands after @depth that are on their way; they stay that many. */
static void turn(struct ring *ring, const struct node *node, const struct way *way, char *buffer, unsigned long count)
{
	struct cqe32 cqe;
	unsigned long done = 0;

	while (done < count) {
		if (ring_submit(ring, 1))
			die("io_uring_enter: %s", strerror(errno));
		while (done < count && ring_reap(ring, &cqe)) {
			if (cqe.res)
				die("a read ends with %d", cqe.res);
			send_next(ring, node, way, buffer);
			done++;
		}
	}
}

int main_bench(int argc, char **argv)
{
	unsigned int i, depth;
	unsigned long count;
	const struct way *way;
	struct node node;
	struct ring ring;
	uint64_t start;
	char *buffer;

	if (argc != 4)
		die("usage: bench DEVICE WAY DEPTH COUNT");
	way = way_named(argv[1]);
	depth = (unsigned int)number(argv[2]);
	count = number(argv[3]);
	node_open(&node, argv[0], O_RDONLY);
	buffer = pages(BYTES);
	if (ring_open(&ring, depth, way->setup) ||
	    ring_register(&ring, way->sqe_flags & SQE_FIXED_FILE ? node.fd : -1, way->fixed ? buffer : NULL, BYTES))
		die("no ring");
	for (i = 0; i < depth; i++)
		send_next(&ring, &node, way, buffer);
	turn(&ring, &node, way, buffer, WARM);
	start = now();
	turn(&ring, &node, way, buffer, count);
	printf("%lu\n", (unsigned long)((now() - start) / count));
	return 0;
}
