/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_COMPAT_LINUX_DEVICE_CLASS_H
#define PNVME_COMPAT_LINUX_DEVICE_CLASS_H

#include_next <linux/device/class.h>
#include <linux/version.h>

/*
 * 6.4: "driver core: class: remove struct class_interface * from callbacks". Makes
 * compat_<fn> of fn(struct device *).
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define COMPAT_CLASS_ADD_DEV(fn)						\
static int compat_##fn(struct device *dev, struct class_interface *unused)	\
{										\
	return fn(dev);								\
}
#else
#define COMPAT_CLASS_ADD_DEV(fn)						\
static int compat_##fn(struct device *dev)					\
{										\
	return fn(dev);								\
}
#endif

/* 6.4: "driver core: class: remove module * from class_create()" */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#undef class_create
#define class_create(name) ({			\
	static struct lock_class_key __key;	\
	__class_create(THIS_MODULE, name, &__key); \
})
#endif

/* 6.4: "driver core: class: make class_for_each_device() take a const *" */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
static inline int compat_each_device(const struct class *class, struct device *start, void *data,
				     int (*fn)(struct device *, void *))
{
	return class_for_each_device((struct class *)class, start, data, fn);
}

#define class_for_each_device compat_each_device
#endif

#endif
