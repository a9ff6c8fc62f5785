/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel threads of 6.1 and 6.12 see the files of the first process. Those of 7.3 have an empty
 * root of their own, and say where they want its files.
 */
#ifndef PNVME_COMPAT_LINUX_FS_STRUCT_H
#define PNVME_COMPAT_LINUX_FS_STRUCT_H

#include_next <linux/fs_struct.h>

#ifndef scoped_with_init_fs
#define scoped_with_init_fs() /* a statement follows */
#endif

#endif
