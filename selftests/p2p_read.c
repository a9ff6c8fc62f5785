// SPDX-License-Identifier: GPL-2.0
/*
 * p2p_read P2PMEM DEVICE OFFSET BYTES: read from a block device into memory of another
 * PCI device, P2PMEM being its p2pmem/allocate in sysfs, without a copy in the host's
 * memory; then write back from there, one MiB further on. What was read goes to
 * standard output.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int die(const char *what)
{
	fprintf(stderr, "p2p_read: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	size_t bytes, i;
	unsigned char *memory, *copy;
	int p2p, disk;
	off_t offset;

	if (argc != 5) {
		fputs("usage: p2p_read P2PMEM DEVICE OFFSET BYTES\n", stderr);
		return 2;
	}
	offset = atoll(argv[3]);
	bytes = (size_t)atoll(argv[4]);
	p2p = open(argv[1], O_RDWR);
	if (p2p < 0)
		return die(argv[1]);
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, p2p, 0);
	if (memory == MAP_FAILED)
		return die("mmap of the device's memory");
	disk = open(argv[2], O_RDWR | O_DIRECT);
	if (disk < 0)
		return die(argv[2]);
	for (i = 0; i < bytes; i++)
		((volatile unsigned char *)memory)[i] = 0xee;
	if (pread(disk, memory, bytes, offset) != (ssize_t)bytes)
		return die("read into the device's memory");
	if (pwrite(disk, memory, bytes, offset + (1 << 20)) != (ssize_t)bytes)
		return die("write from the device's memory");
	copy = malloc(bytes);
	if (!copy)
		return die("memory");
	/* it is no memory for memcpy(), which may read it twice or in any width */
	for (i = 0; i < bytes; i++)
		copy[i] = ((volatile unsigned char *)memory)[i];
	return fwrite(copy, 1, bytes, stdout) == bytes && !fflush(stdout) ? 0 : die("output");
}
