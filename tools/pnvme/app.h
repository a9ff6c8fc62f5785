/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pnvme command: what its files share. Each command is one file with one
 * function; the table in commands.c is what dispatch, usage, help and
 * completion are made from.
 */
#ifndef PNVME_APP_H
#define PNVME_APP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>
#include <pnvme.h>

enum {
	EXIT_DONE		= 0,
	EXIT_FAILED		= 1,
	EXIT_USAGE		= 2,
	EXIT_OPERATOR		= 3,
	EXIT_MODULE		= 4,
	EXIT_PERMISSION		= 5,
	EXIT_BUSY		= 6,
	EXIT_PARTLY		= 7,
};

#define OPTIONS_MAX 8

/**
 * struct option_help - one option of one command
 * @name: without dashes
 * @value: what follows "=", or NULL
 * @help: one line
 * @letter: its short form, 0 if it has none
 */
struct option_help {
	const char *name;
	const char *value;
	const char *help;
	char letter;
};

struct app;

/**
 * struct command - one row of the table
 * @object: "drive", "ns", or NULL
 * @name: of the command
 * @args: its arguments, as usage shows them
 * @min: arguments it needs
 * @max: arguments it takes
 * @summary: one line
 * @details: more, or NULL
 * @options: up to the first without a name
 * @run: does it; returns an exit code
 * @gives: which arrays its JSON has
 */
struct command {
	const char		*object;
	const char		*name;
	const char		*args;
	int			min;
	int			max;
	const char		*summary;
	const char		*details;
	struct option_help	options[OPTIONS_MAX];
	int			(*run)(struct app *app);
	unsigned int		gives;
};

#define GIVES_DRIVES		(1U << 0)
#define GIVES_NAMESPACES	(1U << 1)

/**
 * struct app - one run
 * @h: the library
 * @command: what was asked for
 * @argc: arguments of the command
 * @argv: arguments of the command
 * @values: of its options; "" for one without value, NULL if not given
 * @json: print one JSON object instead of text
 * @pretty: JSON on many lines
 * @si: sizes in powers of 1000
 * @dry_run: check, change nothing
 * @root: of the JSON
 * @said: lines of text so far
 * @failures: errors so far
 * @operator: of these, that need an operator
 * @worst: exit code of the first error
 */
struct app {
	struct pnvme		*h;
	const struct command	*command;
	int			argc;
	char			**argv;
	const char		*values[OPTIONS_MAX];
	bool			json;
	bool			pretty;
	bool			si;
	bool			dry_run;
	struct json_object	*root;
	unsigned int		said;
	unsigned int		failures;
	unsigned int		operator;
	int			worst;
};

/* commands.c */
extern const struct command commands[];		/* ends with a row without a name */
const struct command *find_command(const char *object, const char *name);

/* The value of an option of the running command, or NULL. */
const char *option(const struct app *app, const char *name);
/* A number from 1 to @max; *v stays 0 where the option is not given. 0, or an exit code. */
int number_option(struct app *app, const char *name, uint64_t max, uint64_t *v);
/* PNVME_CHECK if --dry-run was given. */
unsigned int check_flag(const struct app *app);

/* output.c */
int out_begin(struct app *app);
void out_end(struct app *app);
void out_drive(struct app *app, const struct pnvme_drive *d);
void out_namespace(struct app *app, const struct pnvme_namespace *ns);
struct json_object *out_array(struct app *app, const char *key);
void json_set(struct json_object *o, const char *key, struct json_object *v);
void json_text(struct json_object *o, const char *key, const char *s);	/* "" is null */
void json_uuid(struct json_object *o, const char *key, const uint8_t uuid[16]);
/* Report what the library says of its last failure (@ret); returns the exit code. */
int report(struct app *app, int ret);
/* A failure of the command itself. */
int report_text(struct app *app, int exit_code, const char *code, const char *object,
		const char *hint, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
int usage_error(struct app *app, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Show the library's remarks. */
void remarks(struct app *app);
void remark(struct app *app, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A line for people; nothing with --json. */
void say(struct app *app, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The exit code after several objects, @done of which went well. */
int summed_up(const struct app *app, unsigned int done);

/* text.c */
#define SIZE_TEXT 32
const char *size_text(const struct app *app, uint64_t bytes, char out[SIZE_TEXT]);
void timeout_text(uint32_t seconds, char *out, size_t n);
void latency_text(uint32_t latency, char *out, size_t n);
const char *dash(const char *s);		/* "-" for "" */
void instance_text(const struct pnvme_drive *d, char *out, size_t n);
/* Local time of nanoseconds since 1970. */
void time_text(uint64_t ns, char *out, size_t n);
/* Its stable link, or, where no udev makes one, its device. */
void ns_path(const struct pnvme_namespace *ns, char *out, size_t n);

#define COLUMNS_MAX 16

struct table {
	const char	**heads;	/* a leading '>' aligns to the right */
	size_t		columns;	/* up to COLUMNS_MAX */
	char		**cells;
	size_t		n;
	size_t		room;		/* for cells */
	bool		broken;		/* no memory */
};

void table_cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_print(struct table *t);		/* and free */

/* lookup.c */
/* The one drive or namespace among @inv that the argument means; NULL: reported. */
struct pnvme_drive *drive_argument(struct app *app, const struct pnvme_inventory *inv,
				   const char *s, int *exit_code);
struct pnvme_namespace *ns_argument(struct app *app, const struct pnvme_inventory *inv,
				    const char *s, int *exit_code);
struct pnvme_drive *drive_by_uuid(const struct pnvme_inventory *inv, const uint8_t uuid[16]);
/* A name that a namespace is to get. 0, or an exit code. */
int new_name(struct app *app, const char *name);
/* Does its label name this host? */
bool is_own(const struct pnvme_drive *d, const uint8_t host[16]);
/* What the module serves. */
int served(struct app *app, struct pnvme_inventory **inv);

/* show.c */
/* @none: what to say if there is none. */
void show_drives(struct app *app, const struct pnvme_inventory *inv,
		 bool (*wanted)(const struct pnvme_drive *), const char *none);
void show_drive(struct app *app, const struct pnvme_drive *d);
/* What its label alone says. */
void show_label(struct app *app, const struct pnvme_drive *d);
void show_namespaces(struct app *app, const struct pnvme_inventory *inv);
void show_namespace(struct app *app, const struct pnvme_namespace *ns,
		    const struct pnvme_inventory *inv);

/* wait.c */
/* Wait for zeroing with a progress bar; @cancel deletes the namespace if interrupted. */
int wait_zeroed(struct app *app, struct pnvme_namespace **ns, bool cancel);
/* Wait for the link of a namespace; a remark if udev does not make it. */
void settle(struct app *app, const struct pnvme_namespace *ns);
/* A size argument into a multiple of 1 MiB, told if it was rounded. 0, or an exit code. */
int size_argument(struct app *app, const char *s, uint64_t *bytes, unsigned int *percent);

/* progress.c */
/**
 * struct progress - a bar on a terminal's stderr
 * @app: the run
 * @what: goes on
 * @in_bytes: what is counted; else a percentage is shown
 * @shown: something was drawn
 * @old: what signals did before
 */
struct progress {
	struct app		*app;
	const char		*what;
	bool			in_bytes;
	bool			shown;
	struct sigaction	old[2];
};

void progress_begin(struct progress *p);
void progress_end(struct progress *p);
/* A pnvme_progress_fn, @arg being the bar; not 0 after SIGINT or SIGTERM. */
int progress_draw(void *arg, uint64_t done, uint64_t total);

/* help.c */
void print_usage(const struct command *c);
int help_command(struct app *app, const struct command *c);
int help_object(struct app *app, const char *object);

/* The commands, one file each. */
int cmd_status(struct app *app);
int cmd_scan(struct app *app);
int cmd_drive_adopt(struct app *app);
int cmd_drive_attach(struct app *app);
int cmd_drive_detach(struct app *app);
int cmd_drive_show(struct app *app);
int cmd_drive_set(struct app *app);
int cmd_drive_import(struct app *app);
int cmd_drive_erase(struct app *app);
int cmd_drive_examine(struct app *app);
int cmd_drive_fail(struct app *app);
int cmd_drive_forget(struct app *app);
int cmd_drive_restore(struct app *app);
int cmd_drive_accept(struct app *app);
int cmd_drive_ack(struct app *app);
int cmd_drive_replace(struct app *app);
int cmd_ns_create(struct app *app);
int cmd_ns_delete(struct app *app);
int cmd_ns_undelete(struct app *app);
int cmd_ns_unfence(struct app *app);
int cmd_ns_seal(struct app *app);
int cmd_ns_verify(struct app *app);
int cmd_ns_resize(struct app *app);
int cmd_ns_rename(struct app *app);
int cmd_ns_show(struct app *app);
int cmd_ns_set(struct app *app);
int cmd_events(struct app *app);
int cmd_stat(struct app *app);
int cmd_verdict(struct app *app);
int cmd_wait(struct app *app);
int cmd_help(struct app *app);
int cmd_version(struct app *app);
int cmd_complete(struct app *app);

#endif
