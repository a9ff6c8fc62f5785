// SPDX-License-Identifier: GPL-2.0
/*
 * The character device of a namespace, /dev/pngXnY beside /dev/pnvmeXnY, as NVMe has ngXnY:
 * its life, and who has it open. What is done with it is passthru.c's.
 */
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "drive.h"
#include "generic.h"
#include "namespace.h"
#include "passthru.h"

/* As many as there are. */
#define MINORS (MINORMASK + 1)

/**
 * struct pnvme_generic - the character device of a namespace
 * @dev: also the reference count of this structure
 * @cdev: an open file has a reference to it, and it one to @dev
 * @ns: holds a reference; constant
 * @ready: it may be opened: the namespace is there as a whole; set once, after it can be found
 */
struct pnvme_generic {
	struct device	dev;
	struct cdev	cdev;
	struct pnvme_ns	*ns;
	bool		ready;
};

static struct class *generic_class;	/* constant once loaded */
static dev_t first;			/* likewise */
static DEFINE_IDA(minors);

static int generic_open(struct inode *inode, struct file *file)
{
	struct pnvme_generic *g = container_of(inode->i_cdev, struct pnvme_generic, cdev);
	struct pnvme_opened *opened;
	int ret;

	if (!READ_ONCE(g->ready))
		return -ENXIO;
	opened = kzalloc(sizeof(*opened), GFP_KERNEL);
	if (!opened)
		return -ENOMEM;
	ret = pnvme_ns_opened(g->ns);
	if (ret) {
		kfree(opened);
		return ret;
	}
	opened->ns = g->ns;
	file->private_data = opened;
	return 0;
}

/* No command is in flight any more: each has a reference to the file. */
static int generic_release(struct inode *inode, struct file *file)
{
	struct pnvme_opened *opened = file->private_data;

	pnvme_passthru_over(opened);
	pnvme_ns_released(opened->ns);
	kfree(opened);
	return 0;
}

static const struct file_operations generic_fops = {
	.owner			= THIS_MODULE,
	.open			= generic_open,
	.release		= generic_release,
	.unlocked_ioctl		= pnvme_passthru_file_ioctl,
	.compat_ioctl		= compat_ptr_ioctl,
	.uring_cmd		= pnvme_passthru_uring,
	.uring_cmd_iopoll	= pnvme_passthru_iopoll,
};

static void generic_free(struct device *dev)
{
	struct pnvme_generic *g = container_of(dev, struct pnvme_generic, dev);
	struct pnvme_ns *ns = g->ns;

	ida_free(&minors, MINOR(dev->devt) - MINOR(first));
	kfree(g);
	/* last: module unload waits for namespaces, not for us */
	pnvme_ns_put(ns);
}

static int add(struct pnvme_generic *g, struct pnvme_ns *ns)
{
	int ret = ida_alloc_max(&minors, MINORS - 1, GFP_KERNEL);

	if (ret < 0) {
		kfree(g);
		return ret;
	}
	kref_get(&ns->ref);
	g->ns = ns;
	device_initialize(&g->dev);
	g->dev.devt = MKDEV(MAJOR(first), MINOR(first) + ret);
	g->dev.class = generic_class;
	g->dev.parent = &ns->drive->dev;
	g->dev.release = generic_free;
	cdev_init(&g->cdev, &generic_fops);
	g->cdev.owner = THIS_MODULE;
	ret = dev_set_name(&g->dev, "png%dn%u", ns->drive->instance, ns->nsid);
	if (!ret)
		ret = cdev_device_add(&g->cdev, &g->dev);
	if (ret)
		put_device(&g->dev);
	return ret;
}

/**
 * pnvme_generic_add - make the character device of a namespace
 * @ns: its block device is about to be there; drive->lock is held
 *
 * Before that, so that who finds the namespace live finds both; nobody can open it yet. Only on
 * NVMe is there anything to pass commands to. Without memory there is none either: the block
 * device works all the same.
 */
void pnvme_generic_add(struct pnvme_ns *ns)
{
	struct pnvme_generic *g;
	int ret = -ENOMEM;

	lockdep_assert_held(&ns->drive->lock);
	if (!ns->drive->identity.nvme)
		return;
	g = kzalloc(sizeof(*g), GFP_KERNEL);
	if (g)
		ret = add(g, ns);
	if (ret) {
		pr_warn("%sn%u: it has no character device (error %d); detach the drive and attach it again for one\n",
			dev_name(&ns->drive->dev), ns->nsid, -ret);
		return;
	}
	down_write(&pnvme_view);
	ns->generic = g;
	pnvme_changed();
	up_write(&pnvme_view);
}

/**
 * pnvme_generic_ready - let it be opened
 * @ns: its block device is there; drive->lock is held
 */
void pnvme_generic_ready(struct pnvme_ns *ns)
{
	if (ns->generic)
		WRITE_ONCE(ns->generic->ready, true);
}

/**
 * pnvme_generic_del - take the character device of a namespace off this host
 * @ns: closed, so that nobody has it open, or can open it; drive->lock is held
 */
void pnvme_generic_del(struct pnvme_ns *ns)
{
	struct pnvme_generic *g = ns->generic;

	lockdep_assert_held(&ns->drive->lock);
	if (!g)
		return;
	down_write(&pnvme_view);
	ns->generic = NULL;
	pnvme_changed();
	up_write(&pnvme_view);
	cdev_device_del(&g->cdev, &g->dev);
	put_device(&g->dev);
}

int pnvme_generic_init(void)
{
	int ret = alloc_chrdev_region(&first, 0, MINORS, "pnvme-generic");

	if (ret)
		return ret;
	generic_class = class_create("pnvme-generic");
	if (!IS_ERR(generic_class))
		return 0;
	unregister_chrdev_region(first, MINORS);
	return PTR_ERR(generic_class);
}

/* All are gone by now: each has a namespace. */
void pnvme_generic_exit(void)
{
	class_destroy(generic_class);
	unregister_chrdev_region(first, MINORS);
	ida_destroy(&minors);
}
