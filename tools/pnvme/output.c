// SPDX-License-Identifier: GPL-2.0
/* What a run prints: one JSON object, or text; errors; remarks. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

#define JSON_VERSION 1

void json_set(struct json_object *o, const char *key, struct json_object *v)
{
	json_object_object_add(o, key, v);
}

void json_text(struct json_object *o, const char *key, const char *s)
{
	json_set(o, key, s && s[0] ? json_object_new_string(s) : NULL);
}

void json_uuid(struct json_object *o, const char *key, const uint8_t uuid[16])
{
	char text[37] = "";

	if (!pnvme_uuid_is_null(uuid))
		pnvme_uuid_format(uuid, text);
	json_text(o, key, text);
}

static void json_number(struct json_object *o, const char *key, uint64_t v, bool known)
{
	json_set(o, key, known ? json_object_new_uint64(v) : NULL);
}

static void json_flag(struct json_object *o, const char *key, bool v)
{
	json_set(o, key, json_object_new_boolean(v));
}

static void json_device(struct json_object *o, const char *key, const char *name)
{
	char path[80] = "";

	if (name[0])
		snprintf(path, sizeof(path), "/dev/%s", name);
	json_text(o, key, path);
}

struct json_object *out_array(struct app *app, const char *key)
{
	struct json_object *array;

	if (json_object_object_get_ex(app->root, key, &array))
		return array;
	array = json_object_new_array();
	json_set(app->root, key, array);
	return array;
}

int out_begin(struct app *app)
{
	app->root = json_object_new_object();
	if (!app->root)
		return -ENOMEM;
	json_set(app->root, "version", json_object_new_int(JSON_VERSION));
	return 0;
}

/* One object a line, as it comes. */
static bool prints_itself(const struct app *app)
{
	if (!app->command)
		return false;
	return app->command->run == cmd_events ||
	       (app->command->run == cmd_stat && (option(app, "interval") || option(app, "count")));
}

void out_end(struct app *app)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

	if (app->json && (!prints_itself(app) || app->failures)) {
		if (app->command && app->command->gives & GIVES_DRIVES)
			out_array(app, "drives");
		if (app->command && app->command->gives & GIVES_NAMESPACES)
			out_array(app, "namespaces");
		out_array(app, "errors");
		if (app->dry_run)
			json_flag(app->root, "dry_run", true);
		if (app->pretty)
			flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED;
		puts(json_object_to_json_string_ext(app->root, flags));
	}
	json_object_put(app->root);
}

static void drive_hwids(struct json_object *o, const struct pnvme_drive *d)
{
	char hex[17] = "";
	int i;

	json_uuid(o, "nguid", d->nguid);
	for (i = 0; i < 8 && memcmp(d->eui, "\0\0\0\0\0\0\0", 8); i++)
		snprintf(hex + 2 * i, 3, "%02x", d->eui[i]);
	json_text(o, "eui", hex);
}

static struct json_object *drive_settings(const struct pnvme_drive *d)
{
	struct json_object *o;
	char text[32];

	if (!d->has_settings)
		return NULL;
	o = json_object_new_object();
	timeout_text(d->hold_timeout, text, sizeof(text));
	json_text(o, "hold_timeout", text);
	json_text(o, "on_resume", pnvme_on_resume_name(d->on_resume));
	json_text(o, "hold_proof", pnvme_hold_proof_name(d->hold_proof));
	latency_text(d->latency, text, sizeof(text));
	json_text(o, "latency", text);
	return o;
}

void out_drive(struct app *app, const struct pnvme_drive *d)
{
	struct json_object *o = json_object_new_object();
	bool known = d->labelled || d->recorded, spaces = d->labelled;
	char instance[24] = "";

	if (d->instance >= 0)
		instance_text(d, instance, sizeof(instance));
	json_uuid(o, "uuid", d->uuid);
	json_text(o, "instance", instance);
	json_device(o, "device", d->name);
	json_text(o, "state", pnvme_status_name(d->state));
	json_text(o, "verdict", pnvme_verdict_name(d->verdict));
	json_text(o, "evidence", d->evidence);
	json_text(o, "next", d->next);
	json_text(o, "reason", d->reason);
	json_text(o, "proof", d->proof == PNVME_PROOF_STRONG ? "strong" : "weak");
	json_number(o, "epoch", d->epoch, known);
	json_number(o, "sequence", d->sequence, known);
	json_text(o, "slot", d->slot);
	json_text(o, "serial", d->serial);
	json_text(o, "model", d->model);
	json_text(o, "firmware", d->firmware);
	drive_hwids(o, d);
	json_uuid(o, "owner", d->owner);
	json_number(o, "capacity", d->capacity, d->capacity);
	json_number(o, "lba_size", d->lba_size, d->lba_size);
	json_number(o, "size", d->size, known);
	json_number(o, "free", d->free, spaces);
	json_number(o, "largest_free", d->largest_free, spaces);
	json_number(o, "namespaces", d->namespaces, known);
	json_number(o, "holds", d->holds, true);
	json_number(o, "fences", d->fences, true);
	json_number(o, "hold_left", d->hold_left, d->hold_left != UINT32_MAX);
	json_flag(o, "read_only", d->read_only);
	json_flag(o, "repaired", d->repaired);
	json_flag(o, "recorded", d->recorded);
	json_flag(o, "from_roster", d->from_roster);
	json_number(o, "last_seen", d->last_seen, d->last_seen);
	json_number(o, "acknowledged_at", d->acked_at, d->acked_at);
	json_set(o, "settings", drive_settings(d));
	json_object_array_add(out_array(app, "drives"), o);
}

void out_namespace(struct app *app, const struct pnvme_namespace *ns)
{
	struct json_object *o = json_object_new_object();
	bool here = ns->state != PNVME_NS_STATUS_MISSING;

	json_text(o, "name", ns->name);
	json_uuid(o, "uuid", ns->uuid);
	json_uuid(o, "nguid", ns->nguid);
	json_number(o, "nsid", ns->nsid, ns->nsid);
	json_uuid(o, "drive", ns->drive);
	json_device(o, "device", ns->device);
	json_device(o, "generic", ns->generic);
	json_number(o, "size", ns->size, true);
	json_number(o, "start", ns->start, true);
	json_number(o, "open", ns->open, true);
	json_text(o, "opener", ns->opener);
	json_text(o, "state", pnvme_ns_status_name(ns->state));
	json_text(o, "reason", ns->reason);
	json_text(o, "policy", here ? pnvme_policy_name(ns->policy) : "");
	json_flag(o, "read_only", ns->read_only);
	json_number(o, "pending_size", ns->pending_size, ns->pending_size);
	json_number(o, "zeroed", ns->zeroed, ns->zero_total);
	json_number(o, "zero_total", ns->zero_total, ns->zero_total);
	json_number(o, "held", ns->held, true);
	json_number(o, "held_total", ns->held_total, true);
	json_text(o, "fence", pnvme_fence_name(ns->fence));
	json_number(o, "fences", ns->fences, true);
	json_number(o, "fenced_at", ns->fenced_at / 1000000000, ns->fenced_at);
	json_text(o, "seal", here ? pnvme_seal_state_name(ns->seal) : "");
	json_number(o, "sealed_at", ns->sealed_at / 1000000000, ns->sealed_at);
	json_number(o, "seal_broken_at", ns->seal_broken_at / 1000000000, ns->seal_broken_at);
	json_number(o, "seal_samples", ns->seal_samples, ns->seal_samples);
	json_number(o, "seal_looked", ns->seal_looked, ns->seal_looked);
	json_object_array_add(out_array(app, "namespaces"), o);
}

/* Errors */

static bool is_command(const char *hint)
{
	static const char *const starts[] = { "pnvme ", "modprobe ", "mkdir ", "uuidgen " };
	size_t i;

	for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (!strncmp(hint, starts[i], strlen(starts[i])))
			return true;
	return false;
}

static int add_error(struct app *app, int exit_code, const char *code, const char *object,
		     const char *hint, const char *message)
{
	struct json_object *o = json_object_new_object();

	fflush(stdout);
	/* the kernel's own sentences may name the command already */
	if (hint && hint[0] && !strstr(message, "pnvme drive "))
		fprintf(stderr, "pnvme: %s (%s%s)\n", message, is_command(hint) ? "try: " : "", hint);
	else
		fprintf(stderr, "pnvme: %s\n", message);
	json_text(o, "code", code);
	json_text(o, "object", object);
	json_text(o, "message", message);
	json_text(o, "hint", hint);
	json_object_array_add(out_array(app, "errors"), o);
	if (!app->failures++)
		app->worst = exit_code;
	app->operator += exit_code == EXIT_OPERATOR;
	return exit_code;
}

static int exit_code_of(int err)
{
	switch (-err) {
	case PNVME_ENOMODULE:
	case EPROTONOSUPPORT:
		return EXIT_MODULE;
	case EPERM:
	case EACCES:
		return EXIT_PERMISSION;
	case EBUSY:
		return EXIT_BUSY;
	case EKEYREJECTED:
		return EXIT_OPERATOR;
	default:
		return EXIT_FAILED;
	}
}

int report(struct app *app, int ret)
{
	int code = pnvme_partly(app->h) ? EXIT_PARTLY : exit_code_of(ret);

	remarks(app);
	return add_error(app, code, pnvme_code(app->h), pnvme_object(app->h),
			 pnvme_hint(app->h), pnvme_error(app->h));
}

int report_text(struct app *app, int exit_code, const char *code, const char *object,
		const char *hint, const char *fmt, ...)
{
	char message[768];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return add_error(app, exit_code, code, object, hint, message);
}

int usage_error(struct app *app, const char *fmt, ...)
{
	char message[768];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	return add_error(app, EXIT_USAGE, "EUSAGE", NULL, NULL, message);
}

int summed_up(const struct app *app, unsigned int done)
{
	if (!app->failures)
		return EXIT_DONE;
	if (app->operator == app->failures)
		return EXIT_OPERATOR;
	return done ? EXIT_PARTLY : app->worst;
}

/* Remarks */

void remark(struct app *app, const char *fmt, ...)
{
	char text[768];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (app->json)
		json_object_array_add(out_array(app, "notes"), json_object_new_string(text));
	else
		fprintf(stderr, "pnvme: note: %s\n", text);
}

void remarks(struct app *app)
{
	const char *text;
	size_t i;

	for (i = 0; (text = pnvme_note(app->h, i)); i++)
		remark(app, "%s", text);
}

void say(struct app *app, const char *fmt, ...)
{
	va_list args;

	if (app->json)
		return;
	if (app->dry_run) {
		if (!app->said++)
			puts("dry run: all checks passed, nothing was changed");
		return;
	}
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}
