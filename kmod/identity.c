// SPDX-License-Identifier: GPL-2.0
/*
 * Who a lower device is. The driver's own sysfs attributes are asked, in the
 * kernel: they exist with the same names on every kernel since 6.1, they send
 * no command to the drive, and they follow the driver's quirks (identifiers
 * known to be bogus are hidden). sysfs itself need not be mounted.
 */
#include <linux/blkdev.h>
#include <linux/device.h>
#include <linux/hex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uuid.h>

#include "identity.h"

static struct attribute *find_attr(struct device *dev, const char *name)
{
	const struct attribute_group **group;
	struct attribute *a;
	int i;

	for (group = dev->groups; group && *group; group++) {
		for (i = 0; (*group)->attrs && (a = (*group)->attrs[i]); i++) {
			if (strcmp(a->name, name))
				continue;
			if ((*group)->is_visible &&
			    !(*group)->is_visible(&dev->kobj, a, i))
				continue;
			return a;
		}
	}
	return NULL;
}

/* Text of a device attribute without blanks around it; false: there is none. */
static bool read_attr(struct device *dev, const char *name, char *page, char **text)
{
	struct attribute *a = dev ? find_attr(dev, name) : NULL;
	struct device_attribute *attr;
	ssize_t len;

	if (!a)
		return false;
	attr = container_of(a, struct device_attribute, attr);
	if (!attr->show)
		return false;
	len = attr->show(dev, attr, page);
	if (len <= 0 || len >= PAGE_SIZE)
		return false;
	page[len] = '\0';
	*text = strim(page);
	return **text;
}

static void read_string(struct device *dev, const char *name, char *page, char *to, size_t size)
{
	char *text, *p;

	memset(to, 0, size);
	if (!read_attr(dev, name, page, &text))
		return;
	strscpy(to, text, size);
	/* the label holds printable ASCII only, whatever a drive reports */
	for (p = to; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
}

static bool read_nguid(struct device *dev, char *page, u8 *hwid)
{
	char *text;
	uuid_t uuid;

	if (!read_attr(dev, "nguid", page, &text) || uuid_parse(text, &uuid))
		return false;
	export_uuid(hwid, &uuid);
	return !uuid_is_null(&uuid);
}

/* "00 25 38 5b 71 b0 11 02" */
static bool read_eui64(struct device *dev, char *page, u8 *hwid)
{
	char *text;
	int i, hi, lo;
	u8 any = 0;

	if (!read_attr(dev, "eui", page, &text))
		return false;
	for (i = 0; i < 8; i++) {
		while (*text == ' ')
			text++;
		if (!text[0] || !text[1])
			return false;
		hi = hex_to_bin(text[0]);
		lo = hex_to_bin(text[1]);
		if (hi < 0 || lo < 0)
			return false;
		hwid[i] = hi << 4 | lo;
		any |= hwid[i];
		text += 2;
	}
	return any;
}

/* The attribute is there since 6.8. */
static void read_metadata(struct device *dev, char *page, struct pnvme_identity *id)
{
	char *text;

	if (!read_attr(dev, "metadata_bytes", page, &text) ||
	    kstrtos32(text, 10, &id->lba_metadata))
		id->lba_metadata = -1;
}

static void read_hwid(struct device *dev, char *page, struct pnvme_identity *id)
{
	if (read_nguid(dev, page, id->hwid)) {
		id->hwid_type = PNVME_HWID_NGUID;
	} else if (memset(id->hwid, 0, sizeof(id->hwid)), read_eui64(dev, page, id->hwid)) {
		id->hwid_type = PNVME_HWID_EUI64;
	} else {
		memset(id->hwid, 0, sizeof(id->hwid));
		id->hwid_type = PNVME_HWID_NONE;
	}
}

/*
 * The disk's parent is the controller, or the subsystem of a multipath head, which
 * an open namespace keeps. The parent of any other disk may be gone already if the
 * disk is going: do not look at it.
 */
static bool is_nvme(const struct gendisk *disk, const struct device *parent)
{
	if (strncmp(disk->disk_name, "nvme", 4))
		return false;
	return parent && parent->class &&
	       (!strcmp(parent->class->name, "nvme") ||
		!strcmp(parent->class->name, "nvme-subsystem"));
}

/**
 * pnvme_identity_read - read what a lower device says of itself
 * @bdev: a whole disk that the caller has open
 * @id: result
 * @err: the sentence, on failure
 *
 * Return: 0 or a negative errno.
 */
int pnvme_identity_read(struct block_device *bdev, struct pnvme_identity *id,
			struct pnvme_error *err)
{
	struct device *dev = disk_to_dev(bdev->bd_disk);
	struct device *parent = dev->parent;
	char *page = (char *)__get_free_page(GFP_KERNEL);

	if (!page)
		return -ENOMEM;
	memset(id, 0, sizeof(*id));
	id->nvme = is_nvme(bdev->bd_disk, parent);
	id->lba_size = bdev_logical_block_size(bdev);
	id->capacity = bdev_nr_bytes(bdev);
	compat_integrity(bdev->bd_disk, &id->pi_type, &id->metadata_bytes);
	if (id->nvme) {
		read_hwid(dev, page, id);
		read_metadata(dev, page, id);
		read_string(parent, "serial", page, id->serial, sizeof(id->serial));
		read_string(parent, "model", page, id->model, sizeof(id->model));
	} else {
		/* virtio has one */
		read_string(dev, "serial", page, id->serial, sizeof(id->serial));
	}
	free_page((unsigned long)page);
	/* it was checked when it was claimed, but may have gone since */
	if (id->capacity < PNVME_MIN_CAPACITY)
		return pnvme_refuse(err, -ENODEV, "%pg is gone or has changed; run pnvme scan",
				    bdev);
	return 0;
}

/**
 * pnvme_identity_differs - is this the hardware that the label names?
 * @id: of the device
 * @label: checked
 *
 * Return: NULL if it is, else what differs.
 */
const char *pnvme_identity_differs(const struct pnvme_identity *id,
				   const struct pnvme_label *label)
{
	if (label->hwid_type != id->hwid_type)
		return "kind of hardware ID";
	if (memcmp(label->hwid, id->hwid, sizeof(id->hwid)))
		return "hardware ID";
	if (id->hwid_type != PNVME_HWID_NONE)
		return NULL;
	if (strncmp(label->serial, id->serial, sizeof(label->serial)))
		return "serial number";
	if (strncmp(label->model, id->model, sizeof(label->model)))
		return "model";
	return NULL;
}
