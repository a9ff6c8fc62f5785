// SPDX-License-Identifier: GPL-2.0
/* pnvme events */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "app.h"

static void show(const struct pnvme_event *ev)
{
	time_t t = (time_t)(ev->time / 1000000000);
	char when[32] = "-";
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s %s %s%s%s %s\n", when, pnvme_event_name(ev->type), dash(ev->device),
	       ev->name[0] ? " " : "", ev->name, ev->message);
}

static void out(struct app *app, const struct pnvme_event *ev)
{
	struct json_object *o = json_object_new_object(), *all = json_object_new_object();
	struct json_object *list = json_object_new_array();
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

	json_text(o, "type", pnvme_event_name(ev->type));
	json_set(o, "time", json_object_new_uint64(ev->time));
	json_text(o, "message", ev->message);
	json_uuid(o, "drive", ev->drive);
	json_text(o, "device", ev->device);
	json_uuid(o, "namespace", ev->ns);
	json_text(o, "name", ev->name);
	json_object_array_add(list, o);
	json_set(all, "version", json_object_new_int(1));
	json_set(all, "events", list);
	json_set(all, "errors", json_object_new_array());
	puts(json_object_to_json_string_ext(all, flags | (app->pretty ? JSON_C_TO_STRING_PRETTY : 0)));
	json_object_put(all);
}

/* At once: whoever follows has to read the state anew. */
static void lost(struct app *app)
{
	struct json_object *all, *list, *o;

	if (!app->json) {
		remark(app, "%s", pnvme_error(app->h));
		return;
	}
	all = json_object_new_object();
	list = json_object_new_array();
	o = json_object_new_object();
	json_text(o, "code", pnvme_code(app->h));
	json_text(o, "object", "events");
	json_text(o, "message", pnvme_error(app->h));
	json_text(o, "hint", "pnvme status");
	json_object_array_add(list, o);
	json_set(all, "version", json_object_new_int(1));
	json_set(all, "events", json_object_new_array());
	json_set(all, "errors", list);
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
	fflush(stdout);
}

static int follow(struct app *app, uint64_t count, int ms)
{
	struct pnvme_event ev;
	uint64_t seen = 0;
	int ret;

	while (!count || seen < count) {
		ret = pnvme_events_next(app->h, ms, &ev);
		if (ret == -ENOBUFS) {
			lost(app);
			continue;
		}
		if (ret)
			return report(app, ret);
		seen++;
		if (app->json)
			out(app, &ev);
		else
			show(&ev);
		if (fflush(stdout))
			return EXIT_FAILED;
	}
	return EXIT_DONE;
}

int cmd_events(struct app *app)
{
	uint64_t count, seconds;
	int ret = number_option(app, "count", UINT32_MAX, &count);

	if (!ret)
		ret = number_option(app, "timeout", 1000000, &seconds);
	if (ret)
		return ret;
	ret = pnvme_events_open(app->h);
	if (ret)
		return report(app, ret);
	return follow(app, count, seconds ? (int)(seconds * 1000) : -1);
}
