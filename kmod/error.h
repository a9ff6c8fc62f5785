/* SPDX-License-Identifier: GPL-2.0 */
/* The sentence that goes with a refusal. */
#ifndef PNVME_ERROR_H
#define PNVME_ERROR_H

#include <linux/compiler_attributes.h>
#include <linux/kernel.h>

/**
 * struct pnvme_error - why an operation was refused
 * @text: a sentence for a person: what happened, to which object, what to do.
 *	Owned by the operation that fills it; empty if there is none.
 */
struct pnvme_error {
	char text[400];
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

#endif
