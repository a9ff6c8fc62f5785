// SPDX-License-Identifier: GPL-2.0
/*
 * The fence: a GPT with one partition of our own type over everything, so that
 * other tools see a used disk. The partition starts on a label, so that nothing
 * probes a user's filesystem twice.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <libfdisk/libfdisk.h>

#include "internal.h"

struct extent {
	uint64_t first;		/* sectors */
	uint64_t last;
};

static int set_header(struct fdisk_script *script, const char *name, uint64_t value)
{
	char text[24];

	put_text(text, sizeof(text), "%llu", (unsigned long long)value);
	return fdisk_script_set_header(script, name, text);
}

/* Tells libfdisk that the first and last usable sectors are where our labels are. */
static int create_table(struct fdisk_context *cxt, const struct extent *x)
{
	struct fdisk_script *script = fdisk_new_script(cxt);
	int ret;

	if (!script)
		return -ENOMEM;
	ret = fdisk_script_set_header(script, "label", "gpt");
	if (!ret)
		ret = set_header(script, "first-lba", x->first);
	if (!ret)
		ret = set_header(script, "last-lba", x->last);
	if (!ret)
		ret = fdisk_set_script(cxt, script);
	if (!ret)
		ret = fdisk_create_disklabel(cxt, "gpt");
	fdisk_set_script(cxt, NULL);
	fdisk_unref_script(script);
	return ret;
}

static int fill_partition(struct fdisk_context *cxt, struct fdisk_partition *part,
			  struct fdisk_parttype **type, const struct extent *x)
{
	int ret;

	*type = fdisk_label_parse_parttype(fdisk_get_label(cxt, NULL), PNVME_GPT_TYPE);
	if (!*type)
		return -ENOMEM;
	ret = fdisk_partition_set_type(part, *type);
	if (!ret)
		ret = fdisk_partition_set_partno(part, 0);
	if (!ret)
		ret = fdisk_partition_set_start(part, x->first);
	if (!ret)
		ret = fdisk_partition_set_size(part, x->last - x->first + 1);
	if (!ret)
		ret = fdisk_partition_set_name(part, "pnvme");
	return ret;
}

static int add_partition(struct fdisk_context *cxt, const struct extent *x)
{
	struct fdisk_partition *part = fdisk_new_partition();
	struct fdisk_parttype *type = NULL;
	int ret;

	if (!part)
		return -ENOMEM;
	ret = fill_partition(cxt, part, &type, x);
	if (!ret)
		ret = fdisk_add_partition(cxt, part, NULL);
	if (type)
		fdisk_unref_parttype(type);
	fdisk_unref_partition(part);
	return ret;
}

static int write_table(struct fdisk_context *cxt, const char *path, int fd)
{
	uint64_t sector, capacity;
	struct extent x;
	int ret;

	ret = fdisk_assign_device_by_fd(cxt, fd, path, 0);
	if (ret)
		return ret;
	sector = fdisk_get_sector_size(cxt);
	capacity = fdisk_get_nsectors(cxt) * sector;
	x.first = PNVME_SLOT0 / sector;
	x.last = (pnvme_label_slot(capacity, 3) + PNVME_LABEL_BYTES) / sector - 1;
	ret = create_table(cxt, &x);
	if (!ret)
		ret = add_partition(cxt, &x);
	if (!ret)
		ret = fdisk_write_disklabel(cxt);
	/* 1: no sync() of the whole machine, which any held filesystem would block */
	if (fdisk_deassign_device(cxt, 1) && !ret)
		ret = -EIO;
	return ret;
}

int fence_write(struct pnvme *h, const char *path, int fd)
{
	struct fdisk_context *cxt = fdisk_new_context();
	int ret;

	if (!cxt)
		return fail_nomem(h);
	fdisk_disable_dialogs(cxt, 1);
	ret = write_table(cxt, path, fd);
	fdisk_unref_context(cxt);
	if (!ret && fsync(fd))
		ret = -errno;
	if (ret > 0)
		ret = -EIO;
	if (ret)
		return fail(h, ret, path, "%s: the GPT fence could not be written: %s", path,
			    strerror(-ret));
	return 0;
}

void fence_show(int fd)
{
	/* the partition node appears now or when the device is next opened: both are fine */
	ioctl(fd, BLKRRPART);
}

/* What lies before the first and behind the last label belongs to the GPT alone. */
static int zero_range(int fd, uint64_t from, uint64_t to)
{
	static const char zeros[65536];
	ssize_t put;

	while (from < to) {
		put = pwrite(fd, zeros, to - from < sizeof(zeros) ? to - from : sizeof(zeros),
			     (off_t)from);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put ? -errno : -EIO;
		from += (uint64_t)put;
	}
	return 0;
}

int fence_remove(struct pnvme *h, const char *path, int fd, uint64_t capacity)
{
	int ret = zero_range(fd, 0, PNVME_SLOT0);

	if (!ret)
		ret = zero_range(fd, pnvme_label_slot(capacity, 3) + PNVME_LABEL_BYTES, capacity);
	if (!ret && fsync(fd))
		ret = -errno;
	if (ret)
		return fail(h, ret, path, "%s: the GPT fence could not be removed: %s", path,
			    strerror(-ret));
	/* the partition node goes now or when the device is next opened: both are fine */
	ioctl(fd, BLKRRPART);
	return 0;
}
