// SPDX-License-Identifier: GPL-2.0
/* Drives and namespaces as text. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app.h"

static const char *drive_heads[] = {
	"DRIVE", "DEVICE", "VERDICT", "STATE", ">SIZE", ">FREE", "SLOT", "SERIAL", "MODEL",
};

static const char *ns_heads[] = {
	"NAMESPACE", "STATE", ">SIZE", "DEVICE", "DRIVE", ">OPEN", "ACCESS",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void drive_row(struct app *app, struct table *t, const struct pnvme_drive *d)
{
	char instance[24], size[SIZE_TEXT];

	instance_text(d, instance, sizeof(instance));
	table_cell(t, "%s", instance);
	table_cell(t, "%s", dash(d->name));
	table_cell(t, "%s%s", pnvme_verdict_name(d->verdict), d->repaired ? "+repaired" : "");
	table_cell(t, "%s%s", pnvme_status_name(d->state),
		   d->attached && d->read_only ? ",ro" : "");
	table_cell(t, "%s", size_text(app, d->size ? d->size : d->capacity, size));
	table_cell(t, "%s", d->labelled ? size_text(app, d->free, size) : "-");
	table_cell(t, "%s", dash(d->slot));
	table_cell(t, "%s", dash(d->serial));
	table_cell(t, "%s", dash(d->model));
}

void show_drives(struct app *app, const struct pnvme_inventory *inv,
		 bool (*wanted)(const struct pnvme_drive *), const char *none)
{
	struct table t = { .heads = drive_heads, .columns = COUNT(drive_heads) };
	size_t i;

	for (i = 0; i < inv->n_drives; i++)
		if (!wanted || wanted(inv->drives[i]))
			drive_row(app, &t, inv->drives[i]);
	if (t.n || t.broken)
		table_print(&t);
	else
		puts(none);
}

static void drive_name(const struct pnvme_inventory *inv, const uint8_t uuid[16], char *out,
		       size_t n)
{
	const struct pnvme_drive *d = drive_by_uuid(inv, uuid);
	char text[37];

	pnvme_uuid_format(uuid, text);
	if (d && d->instance >= 0)
		instance_text(d, out, n);
	else
		snprintf(out, n, "%.8s", text);
}

void show_namespaces(struct app *app, const struct pnvme_inventory *inv)
{
	struct table t = { .heads = ns_heads, .columns = COUNT(ns_heads) };
	char size[SIZE_TEXT], drive[40];
	size_t i;

	for (i = 0; i < inv->n_namespaces; i++) {
		const struct pnvme_namespace *ns = inv->namespaces[i];

		drive_name(inv, ns->drive, drive, sizeof(drive));
		table_cell(&t, "%s", ns->name);
		table_cell(&t, "%s%s%s", pnvme_ns_status_name(ns->state),
			   ns->pending_size ? ",growing" : "",
			   ns->fence != PNVME_FENCE_NONE ? ",fenced" : "");
		table_cell(&t, "%s", size_text(app, ns->size, size));
		table_cell(&t, "%s%s", ns->device[0] ? "/dev/" : "", dash(ns->device));
		table_cell(&t, "%s", drive);
		table_cell(&t, "%u", ns->open);
		table_cell(&t, "%s", ns->read_only ? "read-only" : "read-write");
	}
	if (t.n || t.broken)
		table_print(&t);
	else
		puts("There are no namespaces.");
}

static void line(const char *key, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void line(const char *key, const char *fmt, ...)
{
	va_list args;

	printf("  %-14s ", key);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

static void uuid_line(const char *key, const uint8_t uuid[16], const char *otherwise)
{
	char text[37];

	pnvme_uuid_format(uuid, text);
	line(key, "%s", pnvme_uuid_is_null(uuid) ? otherwise : text);
}

static void show_hardware(struct app *app, const struct pnvme_drive *d)
{
	char size[SIZE_TEXT];

	line("model", "%s", dash(d->model));
	line("serial", "%s", dash(d->serial));
	if (d->firmware[0])
		line("firmware", "%s", d->firmware);
	line("slot", "%s", dash(d->slot));
	if (!pnvme_uuid_is_null(d->nguid))
		uuid_line("nguid", d->nguid, "-");
	line("proof", "%s", d->proof == PNVME_PROOF_STRONG ? "strong" : "weak (no hardware ID)");
	line("capacity", "%s, blocks of %u bytes", size_text(app, d->capacity, size), d->lba_size);
}

static void show_settings(const struct pnvme_drive *d)
{
	char text[32];

	timeout_text(d->hold_timeout, text, sizeof(text));
	line("hold-timeout", "%s", text);
	line("on-resume", "%s", dash(pnvme_on_resume_name(d->on_resume)));
	line("hold-proof", "%s", dash(pnvme_hold_proof_name(d->hold_proof)));
	latency_text(d->latency, text, sizeof(text));
	line("latency", "%s", text);
}

static void show_contents(struct app *app, const struct pnvme_drive *d)
{
	char size[SIZE_TEXT], free_text[SIZE_TEXT], largest[SIZE_TEXT];

	uuid_line("owner", d->owner, "none (released)");
	line("label", "generation %llu, attach %llu%s", (unsigned long long)d->sequence,
	     (unsigned long long)d->epoch, d->repaired ? ", copies repaired at the last attach" : "");
	line("space", "%s, %s free, largest gap %s", size_text(app, d->size, size),
	     size_text(app, d->free, free_text), size_text(app, d->largest_free, largest));
	line("namespaces", "%u", d->namespaces);
}

void show_drive(struct app *app, const struct pnvme_drive *d)
{
	char instance[24], when[32];
	time_t t = (time_t)d->last_seen;
	struct tm tm;

	instance_text(d, instance, sizeof(instance));
	printf("%s  %s%s\n", instance, d->name[0] ? "/dev/" : "", dash(d->name));
	uuid_line("uuid", d->uuid, "-");
	line("state", "%s%s", pnvme_status_name(d->state), d->read_only ? ", read-only" : "");
	if (d->reason[0])
		line("reason", "%s", d->reason);
	line("verdict", "%s%s%s", pnvme_verdict_name(d->verdict), d->evidence[0] ? ": " : "",
	     d->evidence);
	if (d->next[0])
		line("next", "%s", d->next);
	if (d->holds)
		line("held", "%u time%s, namespaces fenced %u", d->holds, d->holds == 1 ? "" : "s",
		     d->fences);
	if (d->hold_left != UINT32_MAX)
		line("fails in", "%u s", d->hold_left);
	show_hardware(app, d);
	if (t && localtime_r(&t, &tm) && strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm))
		line("last change", "%s", when);
	if (d->labelled)
		show_contents(app, d);
	if (d->has_settings)
		show_settings(d);
}

void show_label(struct app *app, const struct pnvme_drive *d)
{
	uuid_line("uuid", d->uuid, "-");
	show_hardware(app, d);
	show_contents(app, d);
	show_settings(d);
}

static void show_seal(const struct pnvme_namespace *ns)
{
	char sealed[32], broken[32];

	if (ns->seal == PNVME_SEAL_STATE_NONE)
		return;
	time_text(ns->sealed_at, sealed, sizeof(sealed));
	time_text(ns->seal_broken_at, broken, sizeof(broken));
	if (ns->seal == PNVME_SEAL_STATE_BROKEN)
		line("seal", "of %s, broken by a write or a resize at %s", sealed, broken);
	else
		line("seal", "of %s, %u samples of %llu blocks that were looked at", sealed,
		     ns->seal_samples, (unsigned long long)ns->seal_looked);
}

void show_namespace(struct app *app, const struct pnvme_namespace *ns,
		    const struct pnvme_inventory *inv)
{
	char size[SIZE_TEXT], drive[40], path[96];

	drive_name(inv, ns->drive, drive, sizeof(drive));
	printf("%s  %s%s\n", ns->name, ns->device[0] ? "/dev/" : "", dash(ns->device));
	ns_path(ns, path, sizeof(path));
	if (!strncmp(path, "/dev/pnvme/", 11))
		line("link", "%s", path);
	uuid_line("uuid", ns->uuid, "-");
	uuid_line("nguid", ns->nguid, "-");
	if (ns->generic[0])
		line("generic", "/dev/%s", ns->generic);
	line("state", "%s", pnvme_ns_status_name(ns->state));
	if (ns->reason[0])
		line("reason", "%s", ns->reason);
	line("drive", "%s", drive);
	line("nsid", "%u", ns->nsid);
	line("size", "%s (%llu bytes)", size_text(app, ns->size, size),
	     (unsigned long long)ns->size);
	if (ns->pending_size)
		line("growing to", "%s", size_text(app, ns->pending_size, size));
	line("start", "%s", size_text(app, ns->start, size));
	line("access", "%s", ns->read_only ? "read-only" : "read-write");
	line("policy", "%s", dash(pnvme_policy_name(ns->policy)));
	if (ns->held_total)
		line("held", "%u I/Os wait, %llu had to", ns->held,
		     (unsigned long long)ns->held_total);
	if (ns->fence != PNVME_FENCE_NONE)
		line("fence", "%s until it is closed", ns->fence == PNVME_FENCE_ALL ?
		     "all I/O fails" : "every flush fails");
	show_seal(ns);
	line("open", "%u%s%s", ns->open, ns->opener[0] ? ", last by " : "", ns->opener);
}
