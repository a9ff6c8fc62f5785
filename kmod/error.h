/* SPDX-License-Identifier: GPL-2.0 */
/* The sentence that goes with a refusal, and what it is about. */
#ifndef PNVME_ERROR_H
#define PNVME_ERROR_H

#include <linux/compiler_attributes.h>
#include <linux/kernel.h>

/**
 * enum pnvme_blame - which part of a request a refusal is about
 * @PNVME_BLAME_NONE: none, or more than one
 * @PNVME_BLAME_UUID: the UUID of the drive
 * @PNVME_BLAME_OWNER: the owner to import from
 * @PNVME_BLAME_DISKSEQ: the disk sequence number
 * @PNVME_BLAME_HOLD_TIMEOUT: a setting
 * @PNVME_BLAME_LATENCY: a setting
 * @PNVME_BLAME_NAME: the name that a namespace is to have
 * @PNVME_BLAME_SIZE: the size that a namespace is to have, or that the largest is wanted
 */
enum pnvme_blame {
	PNVME_BLAME_NONE,
	PNVME_BLAME_UUID,
	PNVME_BLAME_OWNER,
	PNVME_BLAME_DISKSEQ,
	PNVME_BLAME_HOLD_TIMEOUT,
	PNVME_BLAME_LATENCY,
	PNVME_BLAME_NAME,
	PNVME_BLAME_SIZE,
};

/**
 * struct pnvme_error - why an operation was refused
 * @text: a sentence for a person: what happened, to which object, what to do.
 *	Owned by the operation that fills it; empty if there is none.
 * @blame: what it is about
 */
struct pnvme_error {
	char text[400];
	enum pnvme_blame blame;
};

/* Sets the sentence and returns @ret, so that a refusal is one statement. */
static inline __printf(3, 4) int pnvme_refuse(struct pnvme_error *err, int ret,
					      const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return ret;
}

/* return pnvme_blame(err, PNVME_BLAME_SIZE, pnvme_refuse(err, -EINVAL, "...")); */
static inline int pnvme_blame(struct pnvme_error *err, enum pnvme_blame blame, int ret)
{
	err->blame = blame;
	return ret;
}

#endif
