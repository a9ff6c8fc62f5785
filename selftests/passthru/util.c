// SPDX-License-Identifier: GPL-2.0
/* Devices, patterns, and what a command ended with. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "passthru.h"

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	fflush(stdout);
	exit(1);
}

uint64_t number(const char *text)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || *end || end == text)
		die("'%s' is no number", text);
	return value;
}

static uint64_t sysfs_number(const char *disk, const char *what, uint64_t without)
{
	unsigned long long value = without;
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/class/block/%s/%s", disk, what);
	file = fopen(path, "r");
	if (!file)
		return without;
	if (fscanf(file, "%llu", &value) != 1)
		die("%s cannot be read", path);
	fclose(file);
	return value;
}

/* /dev/png0n1 stands beside /dev/pnvme0n1, /dev/ng0n1 beside /dev/nvme0n1 */
static void disk_of(const char *path, char *disk, size_t bytes)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

	if (!strncmp(name, "png", 3))
		snprintf(disk, bytes, "pnvme%s", name + 3);
	else if (!strncmp(name, "ng", 2))
		snprintf(disk, bytes, "nvme%s", name + 2);
	else
		snprintf(disk, bytes, "%s", name);
}

void node_open(struct node *node, const char *path, int flags)
{
	char disk[64];
	int nsid;

	node->path = path;
	node->fd = open(path, flags | O_CLOEXEC);
	if (node->fd < 0)
		die("%s: %s", path, strerror(errno));
	nsid = ioctl(node->fd, IOC_ID);
	if (nsid <= 0)
		die("%s: NVME_IOCTL_ID: %s", path, nsid ? strerror(errno) : "it says 0");
	node->nsid = (uint32_t)nsid;
	disk_of(path, disk, sizeof(disk));
	node->lba = (uint32_t)sysfs_number(disk, "queue/logical_block_size", 512);
	node->lbas = sysfs_number(disk, "size", 0) / (node->lba / 512);
	node->max = sysfs_number(disk, "queue/max_hw_sectors_kb", 128) << 10;
}

void *pages(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		die("no memory");
	return p;
}

void command_lbas(struct command *command, uint64_t slba, uint32_t nlb)
{
	command->cdw10 = (uint32_t)slba;
	command->cdw11 = (uint32_t)(slba >> 32);
	command->cdw12 = (command->cdw12 & ~0xffffU) | ((nlb - 1) & 0xffff);
}

/* --- outcomes ------------------------------------------------------------------- */

static const struct { const char *name; int error; } errors[] = {
	{ "ok", 0 }, { "EPERM", EPERM }, { "EINTR", EINTR }, { "EIO", EIO }, { "ENXIO", ENXIO }, { "EAGAIN", EAGAIN },
	{ "ENOMEM", ENOMEM }, { "EACCES", EACCES }, { "EFAULT", EFAULT }, { "EBUSY", EBUSY }, { "ENODEV", ENODEV },
	{ "EINVAL", EINVAL }, { "ENOTTY", ENOTTY }, { "EROFS", EROFS }, { "EOPNOTSUPP", EOPNOTSUPP },
	{ "EBADF", EBADF }, { "ESHUTDOWN", ESHUTDOWN }, { "ETIMEDOUT", ETIMEDOUT }, { "ECANCELED", ECANCELED },
	{ "EOVERFLOW", EOVERFLOW }, { "EMSGSIZE", EMSGSIZE }, { "E2BIG", E2BIG }, { "ENOLINK", ENOLINK },
	{ "EBADE", EBADE }, { "ENOSYS", ENOSYS },
};

/* Type and code of an NVMe status, without what else the drive says (do not retry, more) */
#define STATUS_CODE 0x7ff

const char *outcome_text(int status)
{
	static char text[32];
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (-status == errors[i].error)
			return errors[i].name;
	}
	if (status > 0)
		snprintf(text, sizeof(text), "0x%x", status & STATUS_CODE);
	else
		snprintf(text, sizeof(text), "errno-%d", -status);
	return text;
}

bool outcome_is(int status, const char *expected)
{
	const char *text = outcome_text(status), *end;
	size_t length;

	for (;; expected = end + 1) {
		end = strchrnul(expected, '|');
		length = (size_t)(end - expected);
		if (length == strlen(text) && !strncmp(expected, text, length))
			return true;
		if (!*end)
			return false;
	}
}

/* --- patterns ---------------------------------------------------------------------- */

uint64_t pattern_word(uint64_t seed, uint64_t index)
{
	uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15ULL ^ index * 0xbf58476d1ce4e5b9ULL;

	x ^= x >> 29;
	return x * 0x94d049bb133111ebULL;
}

/* @at: where in the namespace, in bytes: so that what lies at the wrong place is wrong */
void pattern_fill(void *data, size_t bytes, uint64_t seed, uint64_t at)
{
	uint64_t *word = data;
	size_t i;

	for (i = 0; i < bytes / 8; i++)
		word[i] = pattern_word(seed, at / 8 + i);
}

void pattern_check(const void *data, size_t bytes, uint64_t seed, uint64_t at, const char *who)
{
	const uint64_t *word = data;
	size_t i;

	for (i = 0; i < bytes / 8; i++) {
		if (word[i] != pattern_word(seed, at / 8 + i))
			die("%s: at byte %llu of the namespace is not what was written there: 0x%016llx instead of 0x%016llx",
			    who, (unsigned long long)(at + 8 * i), (unsigned long long)word[i],
			    (unsigned long long)pattern_word(seed, at / 8 + i));
	}
}
