// SPDX-License-Identifier: GPL-2.0
/* pnvme: persistent namespaces on local NVMe drives. Load and unload, in strict reverse. */
#include <linux/init.h>
#include <linux/module.h>
#include <net/genetlink.h>
#include <pnvme/version.h>
#include <uapi/linux/pnvme.h>

#include "drive.h"
#include "event.h"
#include "generic.h"
#include "io.h"
#include "netlink.h"

static int __init pnvme_init(void)
{
	int ret;

	ret = pnvme_io_init();
	if (ret)
		return ret;
	ret = pnvme_generic_init();
	if (ret)
		goto io_exit;
	ret = pnvme_drives_init();
	if (ret)
		goto generic_exit;
	ret = pnvme_netlink_init();
	if (ret)
		goto drives_exit;
	return 0;

drives_exit:
	pnvme_drives_exit();
generic_exit:
	pnvme_generic_exit();
io_exit:
	pnvme_io_exit();
	return ret;
}

static void __exit pnvme_exit(void)
{
	pnvme_events_stop();
	pnvme_netlink_exit();
	pnvme_drives_exit();
	pnvme_generic_exit();
	pnvme_io_exit();
}

module_init(pnvme_init);
module_exit(pnvme_exit);

MODULE_DESCRIPTION("Persistent namespaces on local NVMe drives");
MODULE_VERSION(PNVME_VERSION);
MODULE_ALIAS_GENL_FAMILY(PNVME_FAMILY_NAME);
MODULE_LICENSE("GPL");
