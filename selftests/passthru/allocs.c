// SPDX-License-Identifier: GPL-2.0
/*
 * passthru allocs DEV NATIVE LBA: do commands to DEV, a node of ours, allocate more memory in the
 * kernel than the same ones to NATIVE, that of the drive, on which the namespace begins at LBA?
 *
 * Counted are the tracepoints of allocations, of slabs, of pages and for each processor, while
 * this process runs, over some commands of one kind and the same size. They begin after a few
 * others, as the kernel keeps much of what was needed once. The control is an ioctl, whose data
 * we copy: there must be more.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "passthru.h"

#define SPAN	(256U << 10)
#define COMMANDS 32
#define WARM	16
/* An interrupt may allocate while this process is on; it does not so each time. */
#define ROUNDS	3
#define MAX_VEC	12
#define MAX_SITES 8

static const struct { const char *name; bool must; } events[] = {
	{ "kmem/kmalloc", true }, { "kmem/kmem_cache_alloc", true }, { "kmem/mm_page_alloc", true },
	/* of older kernels; in later ones, those without _node have all */
	{ "kmem/kmalloc_node", false }, { "kmem/kmem_cache_alloc_node", false },
	{ "percpu/percpu_alloc_percpu", false },
};

#define N_EVENTS (sizeof(events) / sizeof(events[0]))

static const struct shape { const char *what; uint32_t offset, bytes; unsigned int vectors; } shapes[] = {
	{ "one LBA at 4", 4, 512, 0 },
	{ "a page", 0, 4096, 0 },
	{ "33 pages at 3584", 3584, 128 * 1024 + 512, 0 },
	/* up to 8 the kernel has place for, without an allocation */
	{ "3 vectors", 0, 3 * 4096, 3 },
	{ "12 vectors", 0, 12 * 4096, 12 },
};

static struct node nodes[2];	/* ours, the drive's */
static uint64_t begins[2];
static char *buffer;
static struct { char name[96]; unsigned int count; } sites[MAX_SITES];
static int tracing_on;

/* --- what was traced ------------------------------------------------------------ */

static void event(const char *name, const char *file, const char *text)
{
	char path[96];

	snprintf(path, sizeof(path), "events/%s/%s", name, file);
	trace_put(path, text);
}

static bool has_event(size_t i)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "events/%s/enable", events[i].name);
	fd = trace_open(path, O_WRONLY);
	if (fd < 0 && events[i].must)
		die("this kernel has no tracepoint %s", events[i].name);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void events_set(const char *filter, const char *enable)
{
	size_t i;

	for (i = 0; i < N_EVENTS; i++) {
		if (!has_event(i))
			continue;
		event(events[i].name, "filter", filter);
		event(events[i].name, "enable", enable);
	}
}

/* To open a file, and so to turn on an event, allocates: this does not. */
static void count_from_here(const char *on)
{
	if (pwrite(tracing_on, on, 1, 0) != 1)
		die("tracing_on: %s", strerror(errno));
}

static void tracing_begin(void)
{
	char filter[48];

	tracing_on = trace_open("tracing_on", O_WRONLY);
	if (tracing_on < 0)
		die("tracing_on: %s", strerror(errno));
	count_from_here("0");
	snprintf(filter, sizeof(filter), "common_pid == %d", (int)getpid());
	events_set(filter, "1");
}

static void tracing_end(void)
{
	events_set("0", "0");
	trace_put("trace", "\n");
	count_from_here("1");
}

/* "... kmalloc: call_site=NAME+0x1/0x2 ptr=..." */
static void note_site(const char *line)
{
	const char *at = strstr(line, "call_site=");
	size_t length, i;

	at = at ? at + strlen("call_site=") : "pages";
	length = strcspn(at, "+ \n");
	if (length >= sizeof(sites[0].name))
		length = sizeof(sites[0].name) - 1;
	for (i = 0; i < MAX_SITES; i++) {
		if (!sites[i].count)
			snprintf(sites[i].name, sizeof(sites[i].name), "%.*s", (int)length, at);
		if (strlen(sites[i].name) == length && !strncmp(sites[i].name, at, length)) {
			sites[i].count++;
			return;
		}
	}
}

static unsigned int traced(void)
{
	int fd = trace_open("trace", O_RDONLY);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	unsigned long there, written;
	unsigned int count = 0;
	char line[512], *header;

	if (!file)
		die("trace: %s", strerror(errno));
	memset(sites, 0, sizeof(sites));
	while (fgets(line, sizeof(line), file)) {
		header = strstr(line, "entries-written: ");
		if (header && (sscanf(header, "entries-written: %lu/%lu", &there, &written) != 2 || there != written))
			die("the trace has holes: %s", line);
		if (line[0] == '#' || line[0] == '\n')
			continue;
		note_site(line);
		count++;
	}
	fclose(file);
	return count;
}

/* --- commands -------------------------------------------------------------------- */

static void fill(struct command *c, struct iovec *iov, const struct way *way, uint8_t opcode, const struct shape *shape,
		 unsigned int which)
{
	unsigned int i;

	*c = (struct command){
		.opcode = opcode, .nsid = nodes[which].nsid, .addr = (uintptr_t)(buffer + shape->offset),
		.data_len = shape->bytes,
	};
	command_lbas(c, begins[which], shape->bytes / nodes[which].lba);
	if (!way_vec(way))
		return;
	for (i = 0; i < shape->vectors; i++)
		iov[i] = (struct iovec){ buffer + 8192 * i, 4096 };
	c->addr = (uintptr_t)iov;
	c->data_len = shape->vectors;
}

static void send(struct ring *ring, const struct way *way, const struct command *c, unsigned int which, unsigned int n)
{
	struct outcome out = { 0 };
	struct cqe32 cqe;

	for (; n && !out.status; n--) {
		if (way->ioctl) {
			out = send_command(&nodes[which], way, c);
			continue;
		}
		entry_fill(ring_entry(ring), way, nodes[which].fd, c);
		out.status = ring_submit(ring, 1);
		if (!out.status && !ring_reap(ring, &cqe))
			die("%s: nothing is done", way->name);
		if (!out.status)
			out.status = cqe.res;
	}
	if (out.status)
		die("%s to %s: opcode %u: %s", way->name, nodes[which].path, c->opcode, outcome_text(out.status));
}

/* The least of a few rounds */
static unsigned int least(struct ring *ring, const struct way *way, const struct command *c, unsigned int which)
{
	unsigned int round, count, min = ~0U;

	for (round = 0; round < ROUNDS; round++) {
		send(ring, way, c, which, WARM);
		trace_put("trace", "\n");
		count_from_here("1");
		send(ring, way, c, which, COMMANDS);
		count_from_here("0");
		count = traced();
		if (count < min)
			min = count;
	}
	return min;
}

static void show_sites(const char *path)
{
	size_t i;

	for (i = 0; i < MAX_SITES && sites[i].count; i++)
		printf("  %s: %u in %s\n", path, sites[i].count, sites[i].name);
}

/* @control: ours must have more; else, as many */
static bool compare(const char *name, uint8_t opcode, const struct shape *shape, bool control)
{
	const struct way *way = way_named(name);
	struct iovec iov[MAX_VEC];
	unsigned int count[2], i;
	struct command c;
	struct ring ring;
	bool good;

	if (ring_open(&ring, 4, way->ioctl ? 0 : way->setup))
		die("no ring");
	if (way->fixed && ring_register(&ring, -1, buffer + shape->offset, shape->bytes))
		die("the buffer cannot be registered");
	for (i = 0; i < 2; i++) {
		fill(&c, iov, way, opcode, shape, i);
		count[i] = least(&ring, way, &c, i);
		show_sites(nodes[i].path);
	}
	ring_close(&ring);
	good = control ? count[0] >= count[1] + COMMANDS : count[0] == count[1];
	printf("%s%s %s, %s: %u allocations in %d commands, %u on the drive's own node\n", good ? "" : "NOT AS EXPECTED: ",
	       name, opcode == NVME_WRITE ? "write" : "read", shape->what, count[0], COMMANDS, count[1]);
	return good;
}

static void pin(void)
{
	cpu_set_t set;

	/* what the kernel keeps, it keeps for each processor */
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity: %s", strerror(errno));
}

int main_allocs(int argc, char **argv)
{
	static const uint8_t opcodes[] = { NVME_WRITE, NVME_READ };
	bool good = true;
	size_t i, j;

	if (argc != 3)
		die("usage: allocs DEVICE NATIVE LBA");
	for (i = 0; i < 2; i++)
		node_open(&nodes[i], argv[i], O_RDWR);
	begins[1] = number(argv[2]);
	buffer = pages(SPAN);
	pin();
	tracing_begin();
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		for (j = 0; j < 2; j++) {
			if (shapes[i].vectors) {
				good &= compare("vec", opcodes[j], &shapes[i], false);
				continue;
			}
			good &= compare("plain", opcodes[j], &shapes[i], false);
			good &= compare("fixed", opcodes[j], &shapes[i], false);
		}
	}
	good &= compare("io64", NVME_READ, &shapes[1], true);
	tracing_end();
	return good ? 0 : 1;
}
