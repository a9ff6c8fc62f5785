// SPDX-License-Identifier: GPL-2.0
/* Claiming a lower device: the right one, exclusively, and only what can carry a label. */
#include <linux/blkdev.h>

#include "drive.h"
#include "namespace.h"

static int lower_refuse_open(dev_t dev, int ret, struct pnvme_error *err)
{
	switch (ret) {
	case -EBUSY:
		return pnvme_refuse(err, ret,
				    "device %u:%u is in use: mounted, attached, or held by another driver; end that use first",
				    MAJOR(dev), MINOR(dev));
	case -ENXIO:
	case -ENODEV:
		return pnvme_refuse(err, -ENODEV,
				    "there is no block device %u:%u; run pnvme scan for what is here",
				    MAJOR(dev), MINOR(dev));
	default:
		return pnvme_refuse(err, ret, "block device %u:%u cannot be opened (error %d)",
				    MAJOR(dev), MINOR(dev), -ret);
	}
}

static int lower_suits(const struct pnvme_lower_id *id, struct block_device *bdev,
		       struct pnvme_error *err)
{
	unsigned int lba = bdev_logical_block_size(bdev);

	if (bdev_is_partition(bdev))
		return pnvme_refuse(err, -EINVAL, "%pg is a partition; name the whole drive", bdev);
	if (id->diskseq && id->diskseq != bdev->bd_disk->diskseq)
		return pnvme_blame(err, PNVME_BLAME_DISKSEQ,
				   pnvme_refuse(err, -ESTALE,
						"%pg has become another disk (sequence number %llu, not %llu); run the command again",
						bdev, bdev->bd_disk->diskseq, id->diskseq));
	if (pnvme_is_namespace(bdev->bd_disk))
		return pnvme_refuse(err, -EINVAL,
				    "%pg is itself a pnvme namespace; namespaces do not nest",
				    bdev);
	if (bdev_is_zoned(bdev))
		return pnvme_refuse(err, -EOPNOTSUPP,
				    "%pg is zoned; its label could not be rewritten in place",
				    bdev);
	if (lba < 512 || lba > 4096)
		return pnvme_refuse(err, -EOPNOTSUPP,
				    "%pg has %u-byte LBAs; 512 to 4096 are supported",
				    bdev, lba);
	if (bdev_nr_bytes(bdev) < PNVME_MIN_CAPACITY)
		return pnvme_refuse(err, -ENOSPC,
				    "%pg is too small: %llu bytes, at least %llu are needed",
				    bdev, (u64)bdev_nr_bytes(bdev), PNVME_MIN_CAPACITY);
	return 0;
}

static struct class *lower_class;		/* constant once loaded */
static const struct device_type *lower_type;	/* likewise */

/**
 * pnvme_lower_init - learn what block devices look like to the driver core
 *
 * Return: 0 or -ENOMEM.
 */
int pnvme_lower_init(void)
{
	struct gendisk *disk = compat_any_disk();

	if (!disk)
		return -ENOMEM;
	/* constant since 6.4, which those that take it know */
	lower_class = (struct class *)disk_to_dev(disk)->class;
	lower_type = disk_to_dev(disk)->type;
	put_disk(disk);
	return 0;
}

struct class *pnvme_lower_class(void)
{
	return lower_class;
}

/* What every whole disk is, and no partition. */
const struct device_type *pnvme_lower_type(void)
{
	return lower_type;
}

/*
 * Opening a number that no device has asks for a module that might make one,
 * and waits for it; such a module may in turn wait for generic netlink, in an
 * operation of which we are. So only what is there already is opened.
 */
bool pnvme_lower_exists(dev_t dev)
{
	struct device *found = class_find_device_by_devt(lower_class, dev);
	/* listed a moment before it can be opened, and after it can be */
	bool live = found && disk_live(dev_to_disk(found));

	put_device(found);
	return live;
}

/**
 * pnvme_lower_claim - open a lower device exclusively
 * @id: which one
 * @holder: who claims it; any pointer of its own
 * @hops: told when the device goes; may be NULL
 * @claim: result, to be given back with compat_claim_release()
 * @err: the sentence, on failure
 *
 * Return: 0 or a negative errno.
 */
int pnvme_lower_claim(const struct pnvme_lower_id *id, void *holder,
		      const struct blk_holder_ops *hops, struct compat_claim *claim,
		      struct pnvme_error *err)
{
	int ret = -ENODEV;

	if (pnvme_lower_exists(id->dev))
		ret = compat_claim_open(claim, id->dev, BLK_OPEN_READ | BLK_OPEN_WRITE, holder,
					hops);
	/* some drivers refuse to open what is write-protected for writing; NVMe does not */
	if (ret == -EROFS || ret == -EACCES)
		ret = compat_claim_open(claim, id->dev, BLK_OPEN_READ, holder, hops);
	if (ret)
		return lower_refuse_open(id->dev, ret, err);
	ret = lower_suits(id, claim->bdev, err);
	if (ret)
		compat_claim_release(claim);
	return ret;
}
