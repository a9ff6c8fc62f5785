// SPDX-License-Identifier: GPL-2.0
/*
 * pnvme __complete WORD...: candidates for the last word, one a line, for the
 * shell. Fails silently: a shell is no place for errors.
 */
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "app.h"

struct line {
	const struct command	*command;	/* NULL: not chosen yet */
	const char		*object;
	int			args;		/* complete arguments of the command */
	const char		*last;
};

static void offer(const struct line *l, const char *word)
{
	if (!strncmp(word, l->last, strlen(l->last)))
		puts(word);
}

static bool is_object(const char *word)
{
	const struct command *c;

	for (c = commands; c->name; c++)
		if (c->object && !strcmp(c->object, word))
			return true;
	return false;
}

static void read_line(const struct app *app, struct line *l)
{
	int i;

	l->last = app->argc ? app->argv[app->argc - 1] : "";
	for (i = 0; i < app->argc - 1; i++) {
		const char *w = app->argv[i];

		if (w[0] == '-')
			continue;
		if (l->command && l->command->run == cmd_help && !l->args && is_object(w))
			l->object = w;
		if (l->command)
			l->args++;
		else if (!l->object && is_object(w))
			l->object = w;
		else
			l->command = find_command(l->object, w);
	}
}

static void offer_commands(const struct line *l)
{
	const struct command *c, *before = NULL;

	for (c = commands; c->name; c++) {
		if (c->name[0] == '_')
			continue;
		if (l->object) {
			if (c->object && !strcmp(c->object, l->object))
				offer(l, c->name);
		} else if (!c->object) {
			offer(l, c->name);
		} else if (!before || !before->object || strcmp(before->object, c->object)) {
			offer(l, c->object);
		}
		before = c;
	}
}

static void offer_options(const struct line *l)
{
	static const char *const globals[] = {
		"--json", "--pretty", "--si", "--dry-run", "--help",
	};
	char text[64];
	size_t i;

	for (i = 0; i < sizeof(globals) / sizeof(globals[0]); i++)
		offer(l, globals[i]);
	for (i = 0; l->command && i < OPTIONS_MAX && l->command->options[i].name; i++) {
		snprintf(text, sizeof(text), "--%s%s", l->command->options[i].name,
			 l->command->options[i].value ? "=" : "");
		offer(l, text);
	}
}

static void offer_devices(const struct line *l)
{
	size_t i;
	glob_t g;

	if (!glob("/dev/nvme*n[0-9]", 0, NULL, &g))
		for (i = 0; i < g.gl_pathc; i++)
			offer(l, g.gl_pathv[i]);
	globfree(&g);
}

static void offer_served(struct app *app, const struct line *l, bool drives)
{
	struct pnvme_inventory *inv;
	char text[24];
	size_t i;

	if (pnvme_inventory_get(app->h, PNVME_LOOK_MODULE, &inv))
		return;
	for (i = 0; drives && i < inv->n_drives; i++) {
		instance_text(inv->drives[i], text, sizeof(text));
		offer(l, text);
	}
	for (i = 0; !drives && i < inv->n_namespaces; i++)
		offer(l, inv->namespaces[i]->name);
	pnvme_inventory_free(inv);
}

static void offer_settings(const struct line *l)
{
	static const char *const drive[] = {
		"hold-timeout=", "on-resume=fence", "on-resume=trust", "on-resume=fail",
		"hold-proof=any", "hold-proof=strong", "latency=on", "latency=off", "latency=1/",
	};
	static const char *const ns[] = {
		"read-only=on", "read-only=off", "policy=read", "policy=data", "policy=admin",
	};
	bool of_drive = !strcmp(l->command->object, "drive");
	size_t i, n = of_drive ? sizeof(drive) / sizeof(drive[0]) : sizeof(ns) / sizeof(ns[0]);

	for (i = 0; i < n; i++)
		offer(l, of_drive ? drive[i] : ns[i]);
}

/* The kind of an argument is what usage calls it. */
static void offer_arguments(struct app *app, const struct line *l)
{
	const char *args = l->command->args;

	if (l->args && strstr(args, "SETTING"))
		offer_settings(l);
	if (l->args && !strstr(args, "..."))
		return;
	if (!strncmp(args, "DEV", 3))
		offer_devices(l);
	if (strstr(args, "DRIVE"))
		offer_served(app, l, true);
	if (!strncmp(args, "NAME", 4) || !strcmp(args, "[NAME]"))
		offer_served(app, l, false);
}

int cmd_complete(struct app *app)
{
	struct line l = { 0 };

	read_line(app, &l);
	if (l.last[0] == '-')
		offer_options(&l);
	else if (l.command && l.command->run != cmd_help)
		offer_arguments(app, &l);
	else if (l.args <= (l.object && l.command))	/* help takes a command, or an object and one */
		offer_commands(&l);
	return EXIT_DONE;
}
