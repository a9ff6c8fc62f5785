/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PNVME_COMPAT_LINUX_DEVICE_CLASS_H
#define PNVME_COMPAT_LINUX_DEVICE_CLASS_H

#include_next <linux/device/class.h>
#include <linux/version.h>

/* 6.4: "driver core: class: remove module * from class_create()" */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#undef class_create
#define class_create(name) ({			\
	static struct lock_class_key __key;	\
	__class_create(THIS_MODULE, name, &__key); \
})
#endif

#endif
