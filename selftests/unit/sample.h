/* SPDX-License-Identifier: GPL-2.0 */
/* A valid label with something in every table, and a random generator. */
#ifndef PNVME_TEST_SAMPLE_H
#define PNVME_TEST_SAMPLE_H

#include <pnvme/label.h>

#define MIB PNVME_ALIGN
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct pnvme_label_params sample_params(void);

/* Fills in what golden.py writes; sealed. Aborts if any step is refused. */
void sample_label(struct pnvme_label *l);

/* splitmix64: the same on every machine. */
__u64 random_next(__u64 *state);
__u64 random_below(__u64 *state, __u64 limit);

#endif /* PNVME_TEST_SAMPLE_H */
