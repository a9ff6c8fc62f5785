// SPDX-License-Identifier: GPL-2.0
/* pnvme: options, dispatch. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app.h"

#define FIRST_OWN 256	/* getopt's values for a command's own options */

static const struct option globals[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "pretty", no_argument, NULL, 'p' },
	{ "si", no_argument, NULL, 's' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

#define N_GLOBALS (sizeof(globals) / sizeof(globals[0]) - 1)

/* An error has to be JSON too, also one in the options before -j. */
static bool wants_json(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		const char *a = argv[i];

		if (!strcmp(a, "--json"))
			return true;
		if (a[0] == '-' && a[1] && a[1] != '-' && strchr(a, 'j') &&
		    strspn(a + 1, "jpsnh") == strlen(a + 1))
			return true;
	}
	return false;
}

static bool global_option(struct app *app, int c, bool *help)
{
	switch (c) {
	case 'j':
		app->json = true;
		return true;
	case 'p':
		app->pretty = true;
		return true;
	case 's':
		app->si = true;
		return true;
	case 'n':
		app->dry_run = true;
		return true;
	case 'h':
		*help = true;
		return true;
	default:
		return false;
	}
}

/*
 * A letter may stand in the middle of a word, behind which getopt is not yet: only @optopt says
 * which it is. @letters: those there are; one of them is here by its long name.
 */
static int bad_option(struct app *app, int c, char **argv, const char *letters)
{
	const char *which = argv[optind - 1];
	bool letter = optopt && optopt < FIRST_OWN;

	if (c == ':' && letter)
		return usage_error(app, "the option -%c needs a value", optopt);
	if (c == ':')
		return usage_error(app, "the option %s needs a value", which);
	letter = letter && (optopt == ':' || !strchr(letters, optopt));
	if (letter && isdigit(optopt))
		return usage_error(app, "there is no option -%c; an argument that begins with - comes behind --",
				   optopt);
	if (letter)
		return usage_error(app, "there is no option -%c", optopt);
	if (optopt)
		return usage_error(app, "the option %s takes no value", which);
	return usage_error(app, "there is no option %s", which);
}

/* Globals up to the next word. Returns an exit code, or -1 to go on. */
static int parse_globals(struct app *app, int argc, char **argv, bool *help)
{
	int c;

	while ((c = getopt_long(argc, argv, "+:jpsnh", globals, NULL)) != -1)
		if (!global_option(app, c, help))
			return bad_option(app, c, argv, "jpsnh");
	return -1;
}

static bool is_object(const char *word)
{
	const struct command *c;

	for (c = commands; c->name; c++)
		if (c->object && !strcmp(c->object, word))
			return true;
	return false;
}

/* The words that name the command. Returns an exit code, or -1 to go on. */
static int choose_command(struct app *app, int argc, char **argv, bool *help)
{
	const char *word, *object = NULL;
	int ret = parse_globals(app, argc, argv, help);

	if (ret >= 0)
		return ret;
	if (optind == argc) {
		app->command = find_command(NULL, *help ? "help" : "status");
		*help = false;	/* this is the help, and not about "help" */
		return -1;
	}
	word = argv[optind];
	if (is_object(word)) {
		object = word;
		optind++;
		ret = parse_globals(app, argc, argv, help);
		if (ret >= 0)
			return ret;
		if (optind == argc && *help)
			return help_object(app, object);
		if (optind == argc)
			return usage_error(app, "what about the %s? see \"pnvme help %s\"", object,
					   object);
		word = argv[optind];
	}
	app->command = find_command(object, word);
	if (!app->command)
		return usage_error(app, "there is no command \"%s%s%s\"; see \"pnvme help%s%s\"",
				   object ? object : "", object ? " " : "", word,
				   object ? " " : "", object ? object : "");
	optind++;
	return -1;
}

/* @letters: getopt's string of short options, with room for them */
static void own_options(const struct command *c, struct option *all, char *letters)
{
	int i;

	memcpy(all, globals, N_GLOBALS * sizeof(*all));
	all += N_GLOBALS;
	letters = stpcpy(letters, ":jpsnh");
	for (i = 0; i < OPTIONS_MAX && c->options[i].name; i++) {
		all[i].name = c->options[i].name;
		all[i].has_arg = c->options[i].value ? required_argument : no_argument;
		all[i].flag = NULL;
		all[i].val = FIRST_OWN + i;
		if (c->options[i].letter)
			letters += sprintf(letters, "%c%s", c->options[i].letter,
					   c->options[i].value ? ":" : "");
	}
	memset(&all[i], 0, sizeof(*all));
}

static int check_count(struct app *app)
{
	const struct command *c = app->command;

	if (app->argc < c->min)
		return usage_error(app, "something is missing: pnvme %s%s%s %s",
				   c->object ? c->object : "", c->object ? " " : "", c->name,
				   c->args);
	if (app->argc > c->max)
		return usage_error(app, "\"%s\" is one argument too many: pnvme %s%s%s %s",
				   app->argv[c->max], c->object ? c->object : "",
				   c->object ? " " : "", c->name, c->args);
	return -1;
}

/* The index of the command's own option that getopt means, long or short; or -1. */
static int own_option(const struct command *command, int c)
{
	int i;

	if (c >= FIRST_OWN)
		return c - FIRST_OWN;
	for (i = 0; i < OPTIONS_MAX && command->options[i].name; i++)
		if (command->options[i].letter && command->options[i].letter == c)
			return i;
	return -1;
}

/* Options and arguments of the command, in any order. */
static int parse_rest(struct app *app, int argc, char **argv, bool *help)
{
	struct option all[N_GLOBALS + OPTIONS_MAX + 1];
	char letters[16 + 2 * OPTIONS_MAX];
	int c, own, skip = optind - 1;

	own_options(app->command, all, letters);
	/* a fresh start: getopt moves words about, but never in front of argv[1] */
	argc -= skip;
	argv += skip;
	optind = 0;
	while ((c = getopt_long(argc, argv, letters, all, NULL)) != -1) {
		own = own_option(app->command, c);
		if (own >= 0)
			app->values[own] = optarg ? optarg : "";
		else if (!global_option(app, c, help))
			return bad_option(app, c, argv, letters);
	}
	app->argc = argc - optind;
	app->argv = argv + optind;
	return -1;
}

static int run(struct app *app, int argc, char **argv)
{
	bool help = false;
	int ret;

	opterr = 0;
	ret = choose_command(app, argc, argv, &help);
	if (ret >= 0)
		return ret;
	if (app->command->run == cmd_complete) {
		app->argc = argc - optind;
		app->argv = argv + optind;
		app->json = false;	/* -j is part of the line to complete */
		return app->command->run(app);
	}
	ret = parse_rest(app, argc, argv, &help);
	if (ret >= 0)
		return ret;
	if (help)
		return help_command(app, app->command);
	ret = check_count(app);
	if (ret >= 0)
		return ret;
	return app->command->run(app);
}

int main(int argc, char **argv)
{
	struct app app = { .json = wants_json(argc, argv) };
	int ret;

	app.h = pnvme_new();
	if (!app.h || out_begin(&app)) {
		fputs("pnvme: out of memory\n", stderr);
		pnvme_free(app.h);
		return EXIT_FAILED;
	}
	ret = run(&app, argc, argv);
	out_end(&app);
	pnvme_free(app.h);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "pnvme: cannot write the output: %s\n", strerror(errno));
		return ret ? ret : EXIT_FAILED;
	}
	return ret;
}
