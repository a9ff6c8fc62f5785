// SPDX-License-Identifier: GPL-2.0
/* pnvme stat */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stat.h"

const char *latency_value(uint64_t ns, char out[LATENCY_TEXT])
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double v = (double)ns;
	int i = 0;

	if (!ns)
		return "-";
	while (i < 3 && v >= 999.5) {
		v /= 1000;
		i++;
	}
	snprintf(out, LATENCY_TEXT, "%.*f%s", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, units[i]);
	return out;
}

static void free_view(struct stat_view *v)
{
	free(v->lines);
	memset(v, 0, sizeof(*v));
}

static const char *name_of(const struct pnvme_inventory *inv, const uint8_t uuid[16])
{
	size_t i;

	for (i = 0; i < inv->n_namespaces; i++)
		if (!memcmp(inv->namespaces[i]->uuid, uuid, 16))
			return inv->namespaces[i]->name;
	return NULL;
}

/* Is this namespace among those asked for? All are, if none was named. */
static bool wanted(struct app *app, const struct pnvme_inventory *inv, const uint8_t uuid[16])
{
	int i, ns;

	for (i = 0; i < app->argc; i++) {
		ns = pnvme_find_ns(app->h, inv, app->argv[i]);
		if (ns >= 0 && !memcmp(inv->namespaces[ns]->uuid, uuid, 16))
			return true;
	}
	return !app->argc;
}

static struct stat_line *line_for(struct stat_view *v, const struct pnvme_stat *s)
{
	size_t i = v->n;

	/* the kernel sends them by namespace, so it is near the end */
	while (i-- && !memcmp(v->lines[i].s.ns, s->ns, 16))
		if (v->lines[i].s.op == s->op && v->lines[i].s.queue == s->queue)
			return &v->lines[i];
	return NULL;
}

/* What a line is about, whatever its namespace is called. */
static int by_subject(const void *a, const void *b)
{
	const struct stat_line *x = a, *y = b;
	int ret = memcmp(x->s.ns, y->s.ns, 16);

	if (!ret)
		ret = (x->s.queue > y->s.queue) - (x->s.queue < y->s.queue);
	return ret ? ret : (x->s.op > y->s.op) - (x->s.op < y->s.op);
}

/* Where a line is shown. */
static int by_place(const void *a, const void *b)
{
	const struct stat_line *x = a, *y = b;
	int ret = strcmp(x->name, y->name);

	return ret ? ret : by_subject(a, b);
}

static void put_in_place(struct stat_view *v)
{
	qsort(v->lines, v->n, sizeof(*v->lines), by_place);
}

static int fill_view(struct app *app, const struct pnvme_inventory *inv,
		     struct pnvme_stats *stats, struct stat_view *v)
{
	bool queues = option(app, "queue");
	struct stat_line *line;
	const char *name;
	size_t i;

	v->time = stats->time;
	v->lines = calloc(stats->n ? stats->n : 1, sizeof(*v->lines));
	if (!v->lines)
		return -ENOMEM;
	for (i = 0; i < stats->n; i++) {
		name = name_of(inv, stats->stats[i].ns);
		/* one that was created between the two questions is shown the next time */
		if (!name || !wanted(app, inv, stats->stats[i].ns))
			continue;
		if (!queues)
			stats->stats[i].queue = UINT32_MAX;
		line = line_for(v, &stats->stats[i]);
		if (line) {
			pnvme_stat_add(&line->s, &stats->stats[i]);
			continue;
		}
		line = &v->lines[v->n++];
		line->s = stats->stats[i];
		snprintf(line->name, sizeof(line->name), "%s", name);
	}
	qsort(v->lines, v->n, sizeof(*v->lines), by_subject);
	return 0;
}

/* Every name must be one; a typo is no empty table. */
static int check_names(struct app *app, const struct pnvme_inventory *inv)
{
	int i, exit_code = EXIT_DONE;

	for (i = 0; i < app->argc; i++)
		if (!ns_argument(app, inv, app->argv[i], &exit_code))
			return exit_code;
	return EXIT_DONE;
}

static int look(struct app *app, struct stat_view *v)
{
	struct pnvme_inventory *inv;
	struct pnvme_stats *stats;
	int ret;

	memset(v, 0, sizeof(*v));
	ret = pnvme_inventory_get(app->h, PNVME_LOOK_MODULE, &inv);
	if (ret)
		return report(app, ret);
	ret = check_names(app, inv);
	if (ret) {
		pnvme_inventory_free(inv);
		return ret;
	}
	ret = pnvme_stats_get(app->h, NULL, -1, &stats);
	if (!ret) {
		ret = fill_view(app, inv, stats, v);
		pnvme_stats_free(stats);
		if (ret)
			ret = report_text(app, EXIT_FAILED, "ENOMEM", "statistics", NULL,
					  "out of memory");
	} else {
		ret = report(app, ret);
	}
	pnvme_inventory_free(inv);
	return ret;
}

/* What happened since @before; a line that was not there then counts from its beginning. */
static void since(struct stat_view *now, const struct stat_view *before)
{
	const struct stat_line *was;
	size_t i;

	for (i = 0; i < now->n; i++) {
		was = bsearch(&now->lines[i], before->lines, before->n, sizeof(*was), by_subject);
		if (was)
			pnvme_stat_since(&now->lines[i].s, &was->s);
	}
}

static uint64_t errors_of(const struct pnvme_stat *s)
{
	uint64_t n = 0;
	unsigned int i;

	for (i = 0; i < PNVME_ERROR_CLASSES; i++)
		if (i != PNVME_ERROR_CLASS_AGAIN)
			n += s->errors[i];
	return n;
}

static void latency_cells(struct table *t, const struct pnvme_stat *s)
{
	static const double q[] = { 0.5, 0.99, 0.999 };
	uint64_t timed = pnvme_stat_timed(s);
	char text[LATENCY_TEXT];
	size_t i;

	table_cell(t, "%s", latency_value(timed ? s->latency_ns / timed : 0, text));
	for (i = 0; i < sizeof(q) / sizeof(q[0]); i++)
		table_cell(t, "%s", latency_value(pnvme_stat_quantile(s, q[i]), text));
	table_cell(t, "%s", latency_value(pnvme_stat_max(s), text));
}

/* @seconds: of the interval; 0: totals, not rates */
static void line_cells(struct app *app, struct table *t, const struct stat_line *line,
		       double seconds)
{
	const struct pnvme_stat *s = &line->s;
	char size[SIZE_TEXT];

	table_cell(t, "%s", line->name);
	if (option(app, "queue"))
		table_cell(t, "%u", s->queue);
	table_cell(t, "%s", dash(pnvme_stat_op_name(s->op)));
	if (seconds > 0) {
		table_cell(t, "%.0f", (double)s->ios / seconds);
		table_cell(t, "%.1f", (double)s->bytes / seconds / 1e6);
	} else {
		table_cell(t, "%llu", (unsigned long long)s->ios);
		table_cell(t, "%s", size_text(app, s->bytes, size));
	}
	latency_cells(t, s);
	table_cell(t, "%llu", (unsigned long long)s->in_flight);
	table_cell(t, "%llu", (unsigned long long)errors_of(s));
}

static void print_table(struct app *app, const struct stat_view *v, double seconds)
{
	static const char *totals[] = { "NAME", "OP", ">IOS", ">BYTES", ">MEAN", ">P50", ">P99",
					">P99.9", ">MAX", ">IN-FLIGHT", ">ERRORS" };
	static const char *rates[] = { "NAME", "OP", ">IO/S", ">MB/S", ">MEAN", ">P50", ">P99",
				       ">P99.9", ">MAX", ">IN-FLIGHT", ">ERRORS" };
	const size_t n = sizeof(totals) / sizeof(totals[0]);
	const char *heads[sizeof(totals) / sizeof(totals[0]) + 1];
	struct table t = { .heads = heads, .columns = n };
	size_t i;

	memcpy(heads, seconds > 0 ? rates : totals, sizeof(totals));
	if (option(app, "queue")) {
		memmove(heads + 2, heads + 1, (n - 1) * sizeof(heads[0]));
		heads[1] = ">QUEUE";
		t.columns++;
	}
	for (i = 0; i < v->n; i++)
		line_cells(app, &t, &v->lines[i], seconds);
	table_print(&t);
}

static struct json_object *buckets_json(const struct pnvme_stat *s)
{
	struct json_object *list = json_object_new_array(), *o;
	unsigned int i;

	for (i = 0; i < PNVME_LATENCY_BUCKETS; i++) {
		if (!s->latency[i])
			continue;
		o = json_object_new_object();
		json_set(o, "from_ns", json_object_new_uint64(pnvme_latency_from(i)));
		json_set(o, "to_ns", i + 1 < PNVME_LATENCY_BUCKETS ?
			 json_object_new_uint64(pnvme_latency_from(i + 1)) : NULL);
		json_set(o, "ios", json_object_new_uint64(s->latency[i]));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *errors_json(const struct pnvme_stat *s)
{
	struct json_object *o = json_object_new_object();
	unsigned int i;

	for (i = 0; i < PNVME_ERROR_CLASSES; i++)
		if (s->errors[i])
			json_set(o, pnvme_error_class_name(i), json_object_new_uint64(s->errors[i]));
	return o;
}

/* Cumulative, whatever the interval: rates are the reader's to compute. */
static void out_line(struct json_object *list, const struct stat_line *line)
{
	struct json_object *o = json_object_new_object();
	const struct pnvme_stat *s = &line->s;

	json_text(o, "name", line->name);
	json_uuid(o, "namespace", s->ns);
	json_set(o, "queue", s->queue == UINT32_MAX ? NULL : json_object_new_int64(s->queue));
	json_text(o, "op", pnvme_stat_op_name(s->op));
	json_set(o, "ios", json_object_new_uint64(s->ios));
	json_set(o, "bytes", json_object_new_uint64(s->bytes));
	json_set(o, "in_flight", json_object_new_uint64(s->in_flight));
	json_set(o, "polled", json_object_new_uint64(s->polled));
	json_set(o, "errors", errors_json(s));
	json_set(o, "since_ns", json_object_new_uint64(s->since));
	json_set(o, "latency_ns", json_object_new_uint64(s->latency_ns));
	json_set(o, "latency", buckets_json(s));
	json_object_array_add(list, o);
}

static struct json_object *view_json(const struct stat_view *v)
{
	struct json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; i < v->n; i++)
		out_line(list, &v->lines[i]);
	return list;
}

/* One object a line, for as long as it goes on. */
static void print_json(struct app *app, const struct stat_view *v)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;
	struct json_object *all = json_object_new_object();

	json_set(all, "version", json_object_new_int(1));
	json_set(all, "time_ns", json_object_new_uint64(v->time));
	json_set(all, "stats", view_json(v));
	json_set(all, "errors", json_object_new_array());
	puts(json_object_to_json_string_ext(all, flags | (app->pretty ? JSON_C_TO_STRING_PRETTY : 0)));
	json_object_put(all);
}

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* To the next multiple of @interval after @start; those that were missed are not made up for. */
static void pause_for(uint64_t start, uint64_t interval)
{
	uint64_t at = start + ((clock_ns() - start) / interval + 1) * interval;
	struct timespec ts = { .tv_sec = (time_t)(at / 1000000000), .tv_nsec = (long)(at % 1000000000) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

static void show_interval(struct app *app, struct stat_view *now, const struct stat_view *before)
{
	double seconds = (double)(now->time - before->time) / 1e9;

	if (!app->json)
		since(now, before);
	put_in_place(now);
	if (app->json)
		print_json(app, now);
	else if (option(app, "heat"))
		heat_line(now, seconds);
	else
		print_table(app, now, seconds);
}

/* What an interval showed is a difference; the next one needs the counters themselves. */
static int keep(const struct stat_view *from, struct stat_view *to)
{
	*to = *from;
	to->lines = malloc((from->n ? from->n : 1) * sizeof(*to->lines));
	if (!to->lines)
		return -ENOMEM;
	memcpy(to->lines, from->lines, from->n * sizeof(*to->lines));
	return 0;
}

static int follow(struct app *app, uint64_t interval_ns, uint64_t count)
{
	struct stat_view before, now, shown;
	uint64_t start = clock_ns(), i;
	int ret;

	ret = look(app, &before);
	if (!ret && option(app, "heat") && !app->json)
		heat_head();
	for (i = 1; !ret && (!count || i <= count); i++) {
		pause_for(start, interval_ns);
		ret = look(app, &now);
		if (ret)
			break;
		if (keep(&now, &shown)) {
			free_view(&now);
			ret = report_text(app, EXIT_FAILED, "ENOMEM", "statistics", NULL,
					  "out of memory");
			break;
		}
		show_interval(app, &shown, &before);
		free_view(&shown);
		free_view(&before);
		before = now;
		if (fflush(stdout))
			ret = EXIT_FAILED;
	}
	free_view(&before);
	return ret;
}

static int once(struct app *app)
{
	struct stat_view v;
	int ret = look(app, &v);

	if (ret)
		return ret;
	put_in_place(&v);
	if (app->json) {
		json_set(app->root, "time_ns", json_object_new_uint64(v.time));
		json_set(app->root, "stats", view_json(&v));
	} else {
		print_table(app, &v, 0);
	}
	free_view(&v);
	return EXIT_DONE;
}

/* Seconds, with a fraction; @ns stays 0 where the option is not given. */
static int interval_option(struct app *app, uint64_t *ns)
{
	const char *text = option(app, "interval");
	double v;
	char *end;

	*ns = 0;
	if (!text)
		return EXIT_DONE;
	errno = 0;
	v = strtod(text, &end);
	if (errno || end == text || *end || !(v >= 0.01 && v <= 86400) ||
	    strspn(text, "0123456789.") != strlen(text))
		return usage_error(app, "--interval takes seconds from 0.01 to 86400, not \"%s\"", text);
	*ns = (uint64_t)(v * 1e9);
	return EXIT_DONE;
}

int cmd_stat(struct app *app)
{
	uint64_t interval, count;
	int ret = interval_option(app, &interval);

	if (!ret)
		ret = number_option(app, "count", UINT32_MAX, &count);
	if (ret)
		return ret;
	if (app->json && option(app, "heat"))
		return usage_error(app, "--heat is a picture; --json has the histograms that it is made of");
	if (!interval && (count || option(app, "heat")))
		interval = 1000000000;
	return interval ? follow(app, interval, count) : once(app);
}
