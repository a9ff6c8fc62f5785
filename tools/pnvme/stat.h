/* SPDX-License-Identifier: GPL-2.0 */
/* pnvme stat: what its files share. */
#ifndef PNVME_STAT_H
#define PNVME_STAT_H

#include "app.h"

/**
 * struct stat_line - one line of the table: one namespace and operation, or one queue of that
 * @name: of the namespace
 * @s: counters; @s.queue is UINT32_MAX where queues are summed up
 */
struct stat_line {
	char			name[64];
	struct pnvme_stat	s;
};

/**
 * struct stat_view - what one look found
 * @lines: by namespace, queue, operation
 * @n: of them
 * @time: CLOCK_MONOTONIC, ns
 */
struct stat_view {
	struct stat_line	*lines;
	size_t			n;
	uint64_t		time;
};

/* "1.23ms"; "-" for 0 */
#define LATENCY_TEXT 16
const char *latency_value(uint64_t ns, char out[LATENCY_TEXT]);

/* stat_heat.c: one line for what happened between two looks. */
void heat_head(void);
void heat_line(const struct stat_view *since, double seconds);

#endif
