// SPDX-License-Identifier: GPL-2.0
/* The table of commands. */
#include <string.h>

#include "app.h"

#define ALL (GIVES_DRIVES | GIVES_NAMESPACES)

const struct command commands[] = {
	{
		.name = "status", .args = "", .run = cmd_status, .gives = ALL,
		.summary = "drives and namespaces on one screen, worst first (the default)",
		.details = "Exit code 3 if a recorded drive is not intact or a namespace is not usable.",
	},
	{
		.name = "scan", .args = "", .run = cmd_scan, .gives = ALL,
		.summary = "every local NVMe drive: identity, slot, label, verdict; needs no module",
		.details = "Reads labels, signatures and the first and last MiB. Whether a drive is really\n"
			   "empty is looked at in full by \"pnvme drive adopt\".",
	},
	{
		.object = "drive", .name = "adopt", .args = "DEV", .min = 1, .max = 1,
		.run = cmd_drive_adopt, .gives = GIVES_DRIVES,
		.summary = "make a drive ours: fence, label, attach",
		.details = "Refuses a drive that holds anything: a partition table, a signature, data that is\n"
			   "not zero (both 16 MiB ends, 4096 random blocks), and names what it found. A drive\n"
			   "with a pnvme label is never adopted: attach, import or erase it. Nor is one that is\n"
			   "not blank and in this host's record: restore, replace or forget it.",
		.options = {
			{ "overwrite", "KIND", "destroy what the refusal named (ext4, gpt, data ...)", 0 },
			{ "any", NULL, "allow a block device that is not NVMe", 0 },
		},
	},
	{
		.object = "drive", .name = "attach", .args = "DEV|DRIVE... | --all | --auto [DEV...]",
		.max = 256, .run = cmd_drive_attach, .gives = ALL,
		.summary = "expose the namespaces of adopted drives",
		.details = "--all exits with 3 if some drive needs an operator, with 7 if only some could be\n"
			   "attached. --auto is the gate for udev and boot: it attaches what is this host's, on\n"
			   "the hardware that its label names, if /etc/pnvme/policy.yaml lets it in: what is\n"
			   "intact, and what is unrecorded where the record is lost or old. It says why it\n"
			   "refuses a drive of this host, and is silent about everything else.",
		.options = {
			{ "all", NULL, "every drive of this host", 0 },
			{ "auto", NULL, "only what is beyond doubt, quietly", 0 },
			{ "read-only", NULL, "write nothing, not even the label", 0 },
		},
	},
	{
		.object = "drive", .name = "detach", .args = "DRIVE... | --all", .max = 256,
		.run = cmd_drive_detach, .gives = GIVES_DRIVES,
		.summary = "stop exposing drives; refused while a namespace is open",
		.options = {
			{ "all", NULL, "every attached drive", 0 },
			{ "release", NULL, "clear the owner, so that any host may attach it", 0 },
		},
	},
	{
		.object = "drive", .name = "show", .args = "[DRIVE]", .max = 1,
		.run = cmd_drive_show, .gives = ALL,
		.summary = "adopted drives, or all about one",
	},
	{
		.object = "drive", .name = "set", .args = "DRIVE SETTING=VALUE...", .min = 2, .max = 16,
		.run = cmd_drive_set, .gives = GIVES_DRIVES,
		.summary = "change settings, which are kept in the label",
		.details = "hold-timeout=60s|5m|forever|0  how long I/O waits for a drive that went away\n"
			   "on-resume=fence|trust|fail     what is done if it returns with writes in doubt\n"
			   "hold-proof=any|strong          what proves that it is the same drive\n"
			   "latency=on|off|1/N             latency of every I/O, of none, of one in N",
	},
	{
		.object = "drive", .name = "import", .args = "DEV --from=HOSTID", .min = 1, .max = 1,
		.run = cmd_drive_import, .gives = GIVES_DRIVES,
		.summary = "take over a drive of another host and attach it",
		.details = "HOSTID is the owner that its label names (pnvme scan shows it). Make sure that the\n"
			   "other host no longer uses the drive.",
		.options = { { "from", "HOSTID", "the owner in its label", 0 } },
	},
	{
		.object = "drive", .name = "erase", .args = "DEV --yes=UUID", .min = 1, .max = 1,
		.run = cmd_drive_erase, .gives = GIVES_DRIVES,
		.summary = "remove label and fence; the namespaces are gone, the data stays",
		.options = {
			{ "yes", "UUID", "the drive's UUID, to show that you mean it", 0 },
			{ "discard", NULL, "discard the data too", 0 },
		},
	},
	{
		.object = "drive", .name = "examine", .args = "DEV|FILE", .min = 1, .max = 1,
		.run = cmd_drive_examine, .gives = ALL,
		.summary = "the four copies of its label; needs no module",
	},
	{
		.object = "drive", .name = "fail", .args = "DRIVE", .min = 1, .max = 1,
		.run = cmd_drive_fail, .gives = GIVES_DRIVES,
		.summary = "give a drive up: what waits for it fails, and all I/O from then on",
		.details = "Ends a hold before its time. When the drive is back, pnvme drive attach makes it\n"
			   "live again.",
	},
	{
		.object = "drive", .name = "ack", .args = "UUID|DEV", .min = 1, .max = 1,
		.run = cmd_drive_ack, .gives = GIVES_DRIVES,
		.summary = "a loss is known: status need not ask for an operator because of it",
		.details = "For a recorded drive that is not intact. It holds as long as the drive is just that,\n"
			   "and shows last; \"pnvme verdict\" goes on telling it.",
	},
	{
		.object = "drive", .name = "forget", .args = "UUID", .min = 1, .max = 1,
		.run = cmd_drive_forget, .gives = GIVES_DRIVES,
		.summary = "remove a drive that will not come back from this host's record",
	},
	{
		.object = "drive", .name = "accept", .args = "UUID|DEV --expect=VERDICT", .min = 1, .max = 1,
		.run = cmd_drive_accept, .gives = GIVES_DRIVES,
		.summary = "say that what is seen of a drive is right",
		.details = "stale, unrecorded: the record is brought to what its label says.\n"
			   "cloned, with --identity: it is the same drive with another hardware ID, which goes into\n"
			   "its label; it is attached.\n"
			   "Refused unless its verdict is VERDICT at that moment.",
		.options = {
			{ "expect", "VERDICT", "stale, unrecorded or cloned", 0 },
			{ "identity", NULL, "its hardware ID has changed", 0 },
		},
	},
	{
		.object = "drive", .name = "replace", .args = "UUID DEV | --all-blank", .max = 2,
		.run = cmd_drive_replace, .gives = ALL,
		.summary = "an empty drive in place of a lost one: same names and sizes, the data is lost",
		.details = "Adopts DEV with all that adopt looks at, creates namespaces of the same names and sizes\n"
			   "with new UUIDs and the old settings, and forgets the lost drive. Can its data come back (a drive that was taken\n"
			   "out, a label that was destroyed), use attach or restore instead.\n"
			   "--all-blank, for a redeployed machine: each lost drive with a blank one, the one in its slot\n"
			   "if that is large enough; --dry-run shows the pairs.",
		.options = {
			{ "all-blank", NULL, "every lost drive", 0 },
			{ "overwrite", "KIND", "destroy what the refusal named", 0 },
		},
	},
	{
		.object = "drive", .name = "restore", .args = "DRIVE | UUID DEV", .min = 1, .max = 2,
		.run = cmd_drive_restore, .gives = ALL,
		.summary = "bring back what an archived label had: namespaces, or the label itself",
		.details = "DRIVE: each namespace of an attached drive that is gone and that the newest such label\n"
			   "in the archive has, where none of its space was used since. Names, sizes and settings\n"
			   "of those that are there stay.\n"
			   "UUID DEV: a drive that has lost all copies of its label gets the newest of the archive,\n"
			   "if it is that very hardware, and is attached.",
		.options = {
			{ "sequence", "N", "that label of the archive, not the newest", 0 },
			{ "overwrite", "KIND", "UUID DEV: remove the signature that the refusal named", 0 },
		},
	},
	{
		.object = "ns", .name = "create", .args = "DRIVE NAME SIZE|N%", .min = 3, .max = 3,
		.run = cmd_ns_create, .gives = GIVES_NAMESPACES,
		.summary = "create a namespace: /dev/pnvme/NAME",
		.details = "SIZE takes K M G T P (1024) or KB MB GB TB PB (1000) and is rounded up to 1 MiB.\n"
			   "100% is the largest gap, another percentage is of the drive. Space that held data\n"
			   "of others is zeroed first.",
		.options = { { "keep-data", NULL, "do not zero what the space held before", 0 } },
	},
	{
		.object = "ns", .name = "delete", .args = "NAME", .min = 1, .max = 1,
		.run = cmd_ns_delete, .gives = GIVES_NAMESPACES,
		.summary = "delete a namespace that is not open",
	},
	{
		.object = "ns", .name = "undelete", .args = "NAME|UUID", .min = 1, .max = 1,
		.run = cmd_ns_undelete, .gives = GIVES_NAMESPACES,
		.summary = "bring back a deleted namespace with its data, while its space is unused",
		.details = "Name, UUID and place come from the archive of labels; that nothing of its space was\n"
			   "zeroed or given away since is in the drive's label.",
		.options = { { "as", "NAME", "give it another name", 0 } },
	},
	{
		.object = "ns", .name = "resize", .args = "NAME [+]SIZE|N%", .min = 2, .max = 2,
		.run = cmd_ns_resize, .gives = GIVES_NAMESPACES,
		.summary = "grow into the free space behind it, or shrink",
		.details = "100% takes all free space behind it, another percentage is of the drive.\n"
			   "To shrink by a size, write it after \"--\": pnvme ns resize --force NAME -- -1G",
		.options = {
			{ "force", NULL, "shrink: the data behind the new end is lost", 0 },
			{ "keep-data", NULL, "do not zero what the space held before", 0 },
		},
	},
	{
		.object = "ns", .name = "rename", .args = "NAME|UUID NEW", .min = 2, .max = 2,
		.run = cmd_ns_rename, .gives = GIVES_NAMESPACES,
		.summary = "give a namespace another name",
	},
	{
		.object = "ns", .name = "show", .args = "[NAME]", .max = 1,
		.run = cmd_ns_show, .gives = GIVES_NAMESPACES,
		.summary = "namespaces, or all about one",
	},
	{
		.object = "ns", .name = "set", .args = "NAME SETTING=VALUE...", .min = 2, .max = 16,
		.run = cmd_ns_set, .gives = GIVES_NAMESPACES,
		.summary = "change settings, which are kept in the label",
		.details = "read-only=on|off\n"
			   "policy=read|data|admin         which NVMe commands /dev/pngXnY lets through:\n"
			   "                               those that read; also those that write to the\n"
			   "                               namespace; also what tells more of the drive",
	},
	{
		.object = "ns", .name = "unfence", .args = "NAME", .min = 1, .max = 1,
		.run = cmd_ns_unfence, .gives = GIVES_NAMESPACES,
		.summary = "let flushes succeed again after its drive was lost with writes in doubt",
		.details = "Writes that were acknowledged and not flushed before the loss may be gone. Closing\n"
			   "(unmounting) it ends the fence too, and is what filesystems need.",
	},
	{
		.object = "ns", .name = "seal", .args = "NAME", .min = 1, .max = 1,
		.run = cmd_ns_seal, .gives = GIVES_NAMESPACES,
		.summary = "keep digests of random data blocks, to prove later that the data survived",
		.details = "Samples blocks of 4 KiB that are not zero. The first write after that breaks the\n"
			   "seal. Refused while the namespace is mounted or held by another driver.",
		.options = { { "samples", "N", "how many (4096)", 0 } },
	},
	{
		.object = "ns", .name = "verify", .args = "NAME", .min = 1, .max = 1,
		.run = cmd_ns_verify, .gives = GIVES_NAMESPACES,
		.summary = "read the samples of its seal again, and say what that proves",
		.details = "Exit code 3 if samples differ, which is loss, or if the seal was broken by a write,\n"
			   "which is none.",
	},
	{
		.name = "verdict", .args = "", .run = cmd_verdict, .gives = GIVES_DRIVES,
		.summary = "what each drive is, with the evidence",
		.details = "Exit code 3 unless all drives that this host's record knows are intact. A drive that\n"
			   "is not here is \"unknown\" until the settle time is over (/etc/pnvme/policy.yaml).\n"
			   "Needs no module, but for --report.",
		.options = {
			{ "settle", NULL, "first wait until the settle time is over", 0 },
			{ "report", NULL, "tell the verdicts of recorded drives as events too", 0 },
		},
	},
	{
		.name = "wait", .args = "NAME... | --all", .max = 256, .run = cmd_wait,
		.gives = GIVES_NAMESPACES,
		.summary = "wait until namespaces are usable",
		.details = "For what needs several at once: RAID, LVM, a database. --all: all that this host's\n"
			   "record knows, and all on drives of this host that are here; not those whose loss was\n"
			   "acknowledged (pnvme drive ack), unless they are named. Drives of other hosts do not\n"
			   "count. Exit code 3 if they are not when the time is over, or if the record cannot be\n"
			   "read: its filesystem may not be mounted yet.",
		.options = {
			{ "all", NULL, "every namespace of this host", 0 },
			{ "timeout", "SECONDS", "for no longer than that", 0 },
		},
	},
	{
		.name = "events", .args = "", .run = cmd_events,
		.summary = "what happens, as it happens; with --json one object a line",
		.options = {
			{ "count", "N", "end after N events", 0 },
			{ "timeout", "SECONDS", "end after that time without one, exit code 1", 0 },
		},
	},
	{
		.name = "stat", .args = "[NAME...]", .max = 256, .run = cmd_stat,
		.summary = "what namespaces do: I/Os, bytes, latency, errors; by queue with --queue",
		.details = "Without an interval: totals since the namespaces were exposed. With one: rates.\n"
			   "Percentiles come from a histogram and are at most 6.25 % off. --json has counters and\n"
			   "histograms as they are, never rates; with an interval one object a line.",
		.options = {
			{ "queue", NULL, "a line for each I/O queue of the drive", 0 },
			{ "interval", "SECONDS", "again and again, as rates", 'i' },
			{ "count", "N", "end after N intervals", 'c' },
			{ "heat", NULL, "a heat map of latency over time, a line each interval", 0 },
		},
	},
	{
		.name = "help", .args = "[OBJECT [COMMAND]]", .max = 2, .run = cmd_help,
		.summary = "this text, or more about one command",
	},
	{
		.name = "version", .args = "", .run = cmd_version,
		.summary = "versions of command and module",
	},
	{
		.name = "__complete", .args = "", .max = 256, .run = cmd_complete,
	},
	{ 0 },
};

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

const struct command *find_command(const char *object, const char *name)
{
	const struct command *c;

	for (c = commands; c->name; c++)
		if (same(c->object, object) && !strcmp(c->name, name))
			return c;
	return NULL;
}

const char *option(const struct app *app, const char *name)
{
	const struct option_help *o = app->command->options;
	int i;

	for (i = 0; i < OPTIONS_MAX && o[i].name; i++)
		if (!strcmp(o[i].name, name))
			return app->values[i];
	return NULL;
}

int number_option(struct app *app, const char *name, uint64_t max, uint64_t *v)
{
	const char *text = option(app, name);

	*v = 0;
	if (!text)
		return EXIT_DONE;
	if (strspn(text, "0123456789") != strlen(text) || pnvme_size_parse(text, v, NULL) || !*v ||
	    *v > max)
		return usage_error(app, "--%s takes a number from 1 to %llu", name,
				   (unsigned long long)max);
	return EXIT_DONE;
}

unsigned int check_flag(const struct app *app)
{
	return app->dry_run ? PNVME_CHECK : 0;
}
