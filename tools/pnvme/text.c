// SPDX-License-Identifier: GPL-2.0
/* Numbers, words and tables for people. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app.h"

const char *size_text(const struct app *app, uint64_t bytes, char out[SIZE_TEXT])
{
	static const char *const binary[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	static const char *const decimal[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	uint64_t base = app->si ? 1000 : 1024, unit = 1;
	int i = 0;

	while (i < 6 && bytes / unit >= base) {
		unit *= base;
		i++;
	}
	if (bytes % unit)
		snprintf(out, SIZE_TEXT, "%.2f %s", (double)bytes / (double)unit,
			 app->si ? decimal[i] : binary[i]);
	else
		snprintf(out, SIZE_TEXT, "%llu %s", (unsigned long long)(bytes / unit),
			 app->si ? decimal[i] : binary[i]);
	return out;
}

void time_text(uint64_t ns, char *out, size_t n)
{
	time_t t = (time_t)(ns / 1000000000);
	struct tm tm;

	if (!ns || !localtime_r(&t, &tm) || !strftime(out, n, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(out, n, "an unknown time");
}

void timeout_text(uint32_t seconds, char *out, size_t n)
{
	if (seconds == UINT32_MAX)
		snprintf(out, n, "forever");
	else
		snprintf(out, n, seconds ? "%us" : "%u", seconds);
}

void latency_text(uint32_t latency, char *out, size_t n)
{
	if (latency > 1)
		snprintf(out, n, "1/%u", latency);
	else
		snprintf(out, n, "%s", latency ? "on" : "off");
}

const char *dash(const char *s)
{
	return s && s[0] ? s : "-";
}

void instance_text(const struct pnvme_drive *d, char *out, size_t n)
{
	if (d->instance < 0)
		snprintf(out, n, "-");
	else
		snprintf(out, n, "pnvme%d", d->instance);
}

void ns_path(const struct pnvme_namespace *ns, char *out, size_t n)
{
	snprintf(out, n, "/dev/pnvme/%.63s", ns->name);
	if (access(out, F_OK))
		snprintf(out, n, "/dev/%.63s", ns->device);
}

static bool make_room(struct table *t)
{
	size_t room = t->room ? 2 * t->room : 64;
	char **cells;

	if (t->n < t->room)
		return true;
	cells = reallocarray(t->cells, room, sizeof(*cells));
	if (!cells)
		return false;
	t->cells = cells;
	t->room = room;
	return true;
}

void table_cell(struct table *t, const char *fmt, ...)
{
	va_list args;
	int ret = -1;

	if (make_room(t)) {
		va_start(args, fmt);
		ret = vasprintf(&t->cells[t->n], fmt, args);
		va_end(args);
	}
	if (ret < 0)
		t->broken = true;
	else
		t->n++;
}

static size_t width(const struct table *t, size_t column)
{
	const char *head = t->heads[column];
	size_t i, w = strlen(head) - (head[0] == '>');

	for (i = column; i < t->n; i += t->columns)
		if (strlen(t->cells[i]) > w)
			w = strlen(t->cells[i]);
	return w;
}

static void print_cell(const struct table *t, size_t column, int w, const char *text)
{
	bool right = t->heads[column][0] == '>';

	if (column)
		fputs("  ", stdout);
	if (right)
		printf("%*s", w, text);
	else if (column + 1 == t->columns)
		fputs(text, stdout);
	else
		printf("%-*s", w, text);
}

void table_print(struct table *t)
{
	int widths[COLUMNS_MAX] = { 0 };
	size_t i, c;

	for (c = 0; c < t->columns && c < COLUMNS_MAX; c++)
		widths[c] = (int)width(t, c);
	if (t->broken)
		fputs("pnvme: out of memory\n", stderr);
	for (c = 0; c < t->columns && !t->broken; c++)
		print_cell(t, c, widths[c], t->heads[c] + (t->heads[c][0] == '>'));
	putchar('\n');
	for (i = 0; i + t->columns <= t->n && !t->broken; i += t->columns) {
		for (c = 0; c < t->columns; c++)
			print_cell(t, c, widths[c], t->cells[i + c]);
		putchar('\n');
	}
	while (t->n)
		free(t->cells[--t->n]);
	free(t->cells);
}
