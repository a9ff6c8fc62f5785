// SPDX-License-Identifier: GPL-2.0
/* pnvme drive set */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

#define LATENCY_MAX 65536

static int set_timeout(struct pnvme_settings *s, const char *value)
{
	s->have_hold_timeout = true;
	return pnvme_timeout_parse(value, &s->hold_timeout);
}

static int set_on_resume(struct pnvme_settings *s, const char *value)
{
	int v = pnvme_on_resume_parse(value);

	s->have_on_resume = true;
	s->on_resume = (uint32_t)v;
	return v < 0 ? v : 0;
}

static int set_hold_proof(struct pnvme_settings *s, const char *value)
{
	int v = pnvme_hold_proof_parse(value);

	s->have_hold_proof = true;
	s->hold_proof = (uint32_t)v;
	return v < 0 ? v : 0;
}

/* on, off, or 1/N */
static int set_latency(struct pnvme_settings *s, const char *value)
{
	uint64_t n;

	s->have_latency = true;
	if (!strcmp(value, "on") || !strcmp(value, "off")) {
		s->latency = !strcmp(value, "on");
		return 0;
	}
	if (strncmp(value, "1/", 2) || strspn(value + 2, "0123456789") != strlen(value + 2) ||
	    pnvme_size_parse(value + 2, &n, NULL) || !n || n > LATENCY_MAX)
		return -EINVAL;
	s->latency = (uint32_t)n;
	return 0;
}

static const struct {
	const char *name;
	const char *values;
	int (*set)(struct pnvme_settings *s, const char *value);
} settings[] = {
	{ "hold-timeout", "0, seconds such as 60s (at most 7d), or forever", set_timeout },
	{ "on-resume", "fence, trust or fail", set_on_resume },
	{ "hold-proof", "any or strong", set_hold_proof },
	{ "latency", "on, off or 1/N with N up to 65536", set_latency },
};

static int parse_setting(struct app *app, struct pnvme_settings *s, const char *text)
{
	const char *eq = strchr(text, '=');
	size_t i, n = eq ? (size_t)(eq - text) : 0;

	if (!eq)
		return usage_error(app, "\"%s\" is no SETTING=VALUE", text);
	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (strlen(settings[i].name) != n || strncmp(settings[i].name, text, n))
			continue;
		if (settings[i].set(s, eq + 1))
			return usage_error(app, "%s cannot be \"%s\": it takes %s",
					   settings[i].name, eq + 1, settings[i].values);
		return EXIT_DONE;
	}
	return usage_error(app, "a drive has no setting \"%.*s\"; see \"pnvme help drive set\"",
			   (int)n, text);
}

static int apply(struct app *app, const struct pnvme_drive *d, const struct pnvme_settings *s)
{
	struct pnvme_drive *after;
	int ret = pnvme_drive_set(app->h, d->uuid, s, check_flag(app), &after);

	if (ret)
		return report(app, ret);
	remarks(app);
	out_drive(app, after);
	say(app, "pnvme%d is changed", d->instance);
	pnvme_drive_free(after);
	return EXIT_DONE;
}

int cmd_drive_set(struct app *app)
{
	struct pnvme_settings s = { 0 };
	struct pnvme_inventory *inv;
	struct pnvme_drive *d;
	int i, ret;

	for (i = 1; i < app->argc; i++) {
		ret = parse_setting(app, &s, app->argv[i]);
		if (ret)
			return ret;
	}
	ret = served(app, &inv);
	if (ret)
		return ret;
	d = drive_argument(app, inv, app->argv[0], &ret);
	if (d)
		ret = apply(app, d, &s);
	pnvme_inventory_free(inv);
	return ret;
}
