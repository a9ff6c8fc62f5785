// SPDX-License-Identifier: GPL-2.0
/*
 * A heat map of latency over time: time runs down, latency to the right on a
 * logarithmic scale, two cells an octave; the darker a cell the more I/Os. Each
 * line is scaled by itself, so a few slow ones show beside many fast ones.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "stat.h"

#define CELLS		54	/* below 1 us; 26 octaves of two; 68 s and more */
#define PER_CELL	4

static const char shades[] = " .:-=+*#%@";
/* The same for a terminal with colours: black to yellow. */
static const int colours[] = { 0, 17, 18, 54, 90, 126, 161, 196, 208, 226 };

#define LEVELS ((int)sizeof(colours) / (int)sizeof(colours[0]))

static int cell_of(unsigned int bucket)
{
	if (!bucket)
		return 0;
	if (bucket == PNVME_LATENCY_BUCKETS - 1)
		return CELLS - 1;
	return 1 + ((int)bucket - 1) / PER_CELL;
}

/* 0 for none; then by the logarithm, the fullest cell darkest. */
static int level_of(uint64_t n, uint64_t most)
{
	if (!n)
		return 0;
	if (most == 1)
		return LEVELS - 1;
	return 1 + (int)((double)(LEVELS - 2) * log((double)n) / log((double)most));
}

static void put_cell(int level, bool coloured)
{
	if (coloured && level)
		printf("\033[48;5;%dm ", colours[level]);
	else if (coloured)
		fputs("\033[49m ", stdout);
	else
		putchar(shades[level]);
}

void heat_head(void)
{
	char scale[CELLS + 1];
	static const struct { double ns; const char *text; } marks[] = {
		{ 1e3, "1us" }, { 1e4, "10us" }, { 1e5, "100us" }, { 1e6, "1ms" }, { 1e7, "10ms" },
		{ 1e8, "100ms" }, { 1e9, "1s" }, { 1e10, "10s" },
	};
	size_t i, at;

	memset(scale, ' ', CELLS);
	scale[CELLS] = '\0';
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		at = (size_t)(1 + 2 * fmax(0, log2(marks[i].ns / 1024)));
		memcpy(scale + at, marks[i].text, strlen(marks[i].text));
	}
	printf("%8s |%s| %9s %9s %9s %9s\n", "TIME", scale, "IO/S", "P50", "P99", "MAX");
}

void heat_line(const struct stat_view *since, double seconds)
{
	bool coloured = isatty(STDOUT_FILENO);
	char when[16], p50[LATENCY_TEXT], p99[LATENCY_TEXT], max[LATENCY_TEXT];
	uint64_t cells[CELLS] = { 0 }, most = 0;
	struct pnvme_stat all = { 0 };
	time_t now = time(NULL);
	struct tm tm;
	unsigned int b;
	size_t i;
	int c;

	for (i = 0; i < since->n; i++)
		pnvme_stat_add(&all, &since->lines[i].s);
	for (b = 0; b < PNVME_LATENCY_BUCKETS; b++)
		cells[cell_of(b)] += all.latency[b];
	for (c = 0; c < CELLS; c++)
		if (cells[c] > most)
			most = cells[c];
	if (!localtime_r(&now, &tm) || !strftime(when, sizeof(when), "%H:%M:%S", &tm))
		when[0] = '\0';
	printf("%8s |", when);
	for (c = 0; c < CELLS; c++)
		put_cell(level_of(cells[c], most), coloured);
	if (coloured)
		fputs("\033[0m", stdout);
	printf("| %9.0f %9s %9s %9s\n", (double)all.ios / seconds,
	       latency_value(pnvme_stat_quantile(&all, 0.5), p50),
	       latency_value(pnvme_stat_quantile(&all, 0.99), p99),
	       latency_value(pnvme_stat_max(&all), max));
}
