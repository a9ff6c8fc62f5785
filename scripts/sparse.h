/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the headers of 7.x use and sparse 0.6.4 does not know; read by sparse
 * alone, before everything else (scripts/build-module).
 */
#ifndef PNVME_SPARSE_H
#define PNVME_SPARSE_H

#define __typeof_unqual__ __typeof__

/* MODULE_INFO() asserts the length of a string literal at compile time. */
#define __builtin_strlen(s) (sizeof(s) - 1)

#endif
