// SPDX-License-Identifier: GPL-2.0
/* Usage and help, from the table of commands. */
#include <stdio.h>
#include <string.h>

#include "app.h"

static void usage_words(const struct command *c, char *out, size_t n)
{
	snprintf(out, n, "pnvme %s%s%s%s%s", c->object ? c->object : "", c->object ? " " : "",
		 c->name, c->args[0] ? " " : "", c->args);
}

static bool is_shown(const struct command *c)
{
	return c->name[0] != '_';
}

static void list(const char *object)
{
	const struct command *c;
	char words[128];

	for (c = commands; c->name; c++) {
		bool same = object ? c->object && !strcmp(c->object, object) : !c->object;

		if (!same || !is_shown(c))
			continue;
		snprintf(words, sizeof(words), "%s%s%s%s%s", c->object ? c->object : "",
			 c->object ? " " : "", c->name, c->args[0] ? " " : "", c->args);
		if (strlen(words) > 30)
			printf("  %s\n  %30s  %s\n", words, "", c->summary);
		else
			printf("  %-30s  %s\n", words, c->summary);
	}
}

static const char introduction[] =
	"pnvme: persistent namespaces on local NVMe drives\n"
	"\n"
	"A drive is adopted once: it gets a label. Namespaces are made on it: block devices\n"
	"/dev/pnvme/NAME that keep name, size and content, whatever the drives are called after\n"
	"the next boot. The main job:\n"
	"\n"
	"  pnvme scan                            which drives are there\n"
	"  pnvme drive adopt /dev/nvme1n1        make one ours (refused if it holds anything)\n"
	"  pnvme ns create pnvme0 data 100%      a namespace, as large as fits\n"
	"  mkfs.xfs /dev/pnvme/data              use it\n"
	"  pnvme                                 how is everything?\n"
	"\n"
	"Usage: pnvme [-j] [-p] [-s] [-n] [OBJECT] COMMAND [ARG...]\n"
	"\n";

static const char conclusion[] =
	"\n"
	"Anywhere on the line:\n"
	"  -j, --json      print one JSON object\n"
	"  -p, --pretty    on many lines\n"
	"  -s, --si        sizes in powers of 1000\n"
	"  -n, --dry-run   check everything, change nothing\n"
	"  -h, --help      help on the command\n"
	"\n"
	"DRIVE: a UUID or its first digits, pnvme0, the device (/dev/nvme1n1), serial:S, nguid:N,\n"
	"pci:ADDRESS, slot:NAME. NAME: of a namespace, or uuid:UUID, or its device.\n"
	"SIZE: K M G T P (1024) or KB MB GB TB PB (1000), or N%.\n"
	"Exit codes: 0 done, 1 failed and nothing changed, 2 usage, 3 an operator is needed,\n"
	"4 module absent or incompatible, 5 not permitted, 6 busy, 7 partly done.\n"
	"More: pnvme help OBJECT COMMAND, man pnvme.\n";

static void command_json(struct app *app, const struct command *c)
{
	struct json_object *o = json_object_new_object();

	json_text(o, "object", c->object);
	json_text(o, "command", c->name);
	json_text(o, "args", c->args);
	json_text(o, "summary", c->summary);
	json_object_array_add(out_array(app, "commands"), o);
}

/* @object: NULL for all commands */
static void list_json(struct app *app, const char *object)
{
	const struct command *c;

	for (c = commands; c->name; c++)
		if (is_shown(c) && (!object || (c->object && !strcmp(c->object, object))))
			command_json(app, c);
}

int help_object(struct app *app, const char *object)
{
	if (app->json)
		list_json(app, object);
	else
		list(object);
	return EXIT_DONE;
}

static void help_all(void)
{
	fputs(introduction, stdout);
	list(NULL);
	puts("\nDrives:");
	list("drive");
	puts("\nNamespaces:");
	list("ns");
	fputs(conclusion, stdout);
}

int help_command(struct app *app, const struct command *c)
{
	char words[128], name[64];
	const char *p;
	int i;

	if (app->json) {
		command_json(app, c);
		return EXIT_DONE;
	}
	usage_words(c, words, sizeof(words));
	printf("Usage: %s\n%s\n", words, c->summary);
	if (c->details) {
		putchar('\n');
		puts(c->details);
	}
	if (c->options[0].name)
		putchar('\n');
	for (i = 0; i < OPTIONS_MAX && c->options[i].name; i++) {
		p = c->options[i].value;
		snprintf(name, sizeof(name), "%c%c%s--%s%s%s", c->options[i].letter ? '-' : ' ',
			 c->options[i].letter ? c->options[i].letter : ' ',
			 c->options[i].letter ? ", " : "  ", c->options[i].name, p ? "=" : "",
			 p ? p : "");
		printf("  %-24s %s\n", name, c->options[i].help);
	}
	return EXIT_DONE;
}

static bool object_exists(const char *word)
{
	const struct command *c;

	for (c = commands; c->name; c++)
		if (c->object && !strcmp(c->object, word))
			return true;
	return false;
}

int cmd_help(struct app *app)
{
	const struct command *c;

	if (!app->argc && app->json)
		return help_object(app, NULL);
	if (!app->argc) {
		help_all();
		return EXIT_DONE;
	}
	if (app->argc == 1 && object_exists(app->argv[0]))
		return help_object(app, app->argv[0]);
	c = app->argc == 1 ? find_command(NULL, app->argv[0]) :
	    find_command(app->argv[0], app->argv[1]);
	if (!c)
		return usage_error(app, "there is no command \"%s%s%s\"; see \"pnvme help\"",
				   app->argv[0], app->argc > 1 ? " " : "",
				   app->argc > 1 ? app->argv[1] : "");
	return help_command(app, c);
}
