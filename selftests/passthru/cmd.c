// SPDX-License-Identifier: GPL-2.0
/*
 * passthru cmd DEV [KEY=VALUE...] [-- KEY=VALUE...]...: single commands, one after the other in one
 * process, with what each must end with. Prints a line for each.
 *
 *   way=NAME		see ring.c; plain if not said
 *   dev=NODE		another node, for this command and those after it
 *   ro			from a descriptor that is open for reading only
 *   opcode=N nsid=N cdw2=N ... cdw15=N flags=N timeout=MS
 *   slba=N nlb=N	cdw10 to cdw12 of a command that has LBAs; length, if not said, as it follows. Copy
 *			has slba only
 *   len=BYTES		of data; meta=BYTES
 *   data=N|@FILE	what is sent: bytes that are all N, or from a file
 *   ranges=SLBA+NLB,...	data of Dataset Management; of Copy with copy=0 or copy=1 (its format)
 *   expect=WHAT	"ok", "EINVAL", "0x80" (type and code of an NVMe status); several with '|' between
 *   is=OFFSET:HEX	what the answer must hold there, as bytes
 *   same=FILE		the answer must be this
 *   save=FILE		write the answer there
 *   uid=N		from here on as somebody without privileges
 *   ready=FILE		made before the command is sent
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include "passthru.h"

#define SPAN (256 << 10)

struct job {
	const struct way	*way;
	struct command		c;
	const char		*expect, *is, *same, *save, *ready;
	uint64_t		slba;
	uint32_t		nlb;
	bool			ro, has_len, has_nsid;
};

static struct { const char *path; struct node node[2]; bool open[2]; } nodes[8];
static char *data, *meta;
static const char *device;
static int failed;

static struct node *node_of(const char *path, bool ro)
{
	size_t i;

	for (i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		if (nodes[i].path && strcmp(nodes[i].path, path))
			continue;
		nodes[i].path = path;
		if (!nodes[i].open[ro])
			node_open(&nodes[i].node[ro], path, ro ? O_RDONLY : O_RDWR);
		nodes[i].open[ro] = true;
		return &nodes[i].node[ro];
	}
	die("too many devices");
}

static size_t load(const char *path, void *into, size_t bytes)
{
	FILE *file = fopen(path, "r");
	size_t n;

	if (!file)
		die("%s: %s", path, strerror(errno));
	n = fread(into, 1, bytes, file);
	fclose(file);
	return n;
}

static void put(void *at, uint64_t value, size_t bytes)
{
	memcpy(at, &value, bytes);
}

/* @text: SLBA+NLB,...; @copy: the descriptor format of Copy, -1 for ranges of Dataset Management */
static void ranges(struct job *job, char *text, int copy)
{
	size_t bytes = copy == 1 ? 40 : copy == 0 ? 32 : 16;
	unsigned int n = 0;
	char *plus;

	memset(data, 0, SPAN);
	for (text = strtok(text, ","); text; text = strtok(NULL, ","), n++) {
		plus = strchr(text, '+');
		if (!plus)
			die("'%s' is not SLBA+NLB", text);
		*plus++ = 0;
		put(data + n * bytes + 8, number(text), 8);
		if (copy >= 0)
			put(data + n * bytes + 16, number(plus) - 1, 2);
		else
			put(data + n * bytes + 4, number(plus), 4);
	}
	if (copy >= 0)
		job->c.cdw12 |= (n - 1) | (uint32_t)copy << 8;
	else
		job->c.cdw10 = n - 1;
	if (!job->has_len)
		job->c.data_len = (uint32_t)(n * bytes);
	job->has_len = true;
}

static bool field(struct job *job, const char *key, const char *value)
{
	static const struct { const char *name; size_t at, bytes; } fields[] = {
		{ "opcode", offsetof(struct command, opcode), 1 }, { "flags", offsetof(struct command, flags), 1 },
		{ "nsid", offsetof(struct command, nsid), 4 }, { "cdw2", offsetof(struct command, cdw2), 4 },
		{ "cdw3", offsetof(struct command, cdw3), 4 }, { "cdw10", offsetof(struct command, cdw10), 4 },
		{ "cdw11", offsetof(struct command, cdw11), 4 }, { "cdw12", offsetof(struct command, cdw12), 4 },
		{ "cdw13", offsetof(struct command, cdw13), 4 }, { "cdw14", offsetof(struct command, cdw14), 4 },
		{ "cdw15", offsetof(struct command, cdw15), 4 }, { "timeout", offsetof(struct command, timeout_ms), 4 },
		{ "addr", offsetof(struct command, addr), 8 }, { "meta", offsetof(struct command, metadata_len), 4 },
	};
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strcmp(key, fields[i].name))
			continue;
		put((char *)&job->c + fields[i].at, number(value), fields[i].bytes);
		job->has_nsid |= !strcmp(key, "nsid");
		return true;
	}
	return false;
}

static void privileges(uid_t uid)
{
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		die("cannot become %u: %s", uid, strerror(errno));
}

static void option(struct job *job, char *arg)
{
	static int copy = -1;
	char *value = strchr(arg, '=');

	if (value)
		*value++ = 0;
	if (!strcmp(arg, "ro"))
		job->ro = true;
	else if (!value)
		die("'%s' is not KEY=VALUE", arg);
	else if (!strcmp(arg, "way"))
		job->way = way_named(value);
	else if (!strcmp(arg, "dev"))
		device = value;
	else if (!strcmp(arg, "slba"))
		job->slba = number(value);
	else if (!strcmp(arg, "nlb"))
		job->nlb = (uint32_t)number(value);
	else if (!strcmp(arg, "len"))
		job->c.data_len = (uint32_t)number(value), job->has_len = true;
	else if (!strcmp(arg, "data") && *value == '@')
		load(value + 1, data, SPAN);
	else if (!strcmp(arg, "data"))
		memset(data, (int)number(value), SPAN);
	else if (!strcmp(arg, "copy"))
		copy = (int)number(value);
	else if (!strcmp(arg, "ranges"))
		ranges(job, value, copy), copy = -1;
	else if (!strcmp(arg, "expect"))
		job->expect = value;
	else if (!strcmp(arg, "is"))
		job->is = value;
	else if (!strcmp(arg, "same"))
		job->same = value;
	else if (!strcmp(arg, "save"))
		job->save = value;
	else if (!strcmp(arg, "ready"))
		job->ready = value;
	else if (!strcmp(arg, "uid"))
		privileges((uid_t)number(value));
	else if (!field(job, arg, value))
		die("there is no option '%s'", arg);
}

static void wrong(const char *format, const char *a, const char *b)
{
	fputs("passthru: ", stderr);
	fprintf(stderr, format, a, b);
	fputc('\n', stderr);
	failed = 1;
}

/* OFFSET:HEX */
static void answer_is(const char *text)
{
	const char *colon = strchr(text, ':'), *hex;
	char offset[32], got[3];
	size_t at;

	if (!colon || colon - text >= (long)sizeof(offset))
		die("'%s' is not OFFSET:HEX", text);
	snprintf(offset, sizeof(offset), "%.*s", (int)(colon - text), text);
	at = (size_t)number(offset);
	for (hex = colon + 1; hex[0] && hex[1] && at < SPAN; hex += 2, at++) {
		snprintf(got, sizeof(got), "%02x", (unsigned char)data[at]);
		if (tolower(hex[0]) != got[0] || tolower(hex[1]) != got[1]) {
			wrong("the answer should have %s, but from there on has %s", text, got);
			return;
		}
	}
}

static void answer_same(const struct job *job)
{
	static char other[SPAN];
	size_t n = load(job->same, other, SPAN);

	if (n < job->c.data_len || memcmp(other, data, job->c.data_len))
		wrong("the answer is not what %s holds%s", job->same, "");
}

static void answer_save(const struct job *job)
{
	FILE *file = fopen(job->save, "w");

	if (!file || fwrite(data, 1, job->c.data_len, file) != job->c.data_len || fclose(file))
		die("%s: %s", job->save, strerror(errno));
}

static void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	close(fd);
}

static void send_job(struct job *job)
{
	struct node *node = node_of(device, job->ro);
	struct iovec iov;
	struct outcome out;

	if (!job->has_nsid)
		job->c.nsid = node->nsid;
	job->c.cdw10 |= (uint32_t)job->slba;
	job->c.cdw11 |= (uint32_t)(job->slba >> 32);
	if (job->nlb) {
		command_lbas(&job->c, job->slba, job->nlb);
		if (!job->has_len)
			job->c.data_len = job->nlb * node->lba;
	}
	if (!job->c.addr && job->c.data_len)
		job->c.addr = (uintptr_t)data;
	if (job->c.metadata_len)
		job->c.metadata = (uintptr_t)meta;
	if (way_vec(job->way) && job->c.addr) {
		iov = (struct iovec){ (void *)(uintptr_t)job->c.addr, job->c.data_len };
		job->c.addr = (uintptr_t)&iov;
		job->c.data_len = 1;
	}
	if (job->ready)
		touch(job->ready);
	out = send_command(node, job->way, &job->c);
	printf("%s %s opcode=0x%02x nsid=%u cdw10=0x%x: %s result=%llu\n", node->path, job->way->name, job->c.opcode,
	       job->c.nsid, job->c.cdw10, outcome_text(out.status), (unsigned long long)out.result);
	if (job->expect && !outcome_is(out.status, job->expect))
		wrong("that is %s and should be %s", outcome_text(out.status), job->expect);
	if (out.status)
		return;
	if (job->is)
		answer_is(job->is);
	if (job->same)
		answer_same(job);
	if (job->save)
		answer_save(job);
}

int main_cmd(int argc, char **argv)
{
	struct job job;
	int i = 1;

	device = argv[0];
	data = pages(SPAN);
	meta = pages(SPAN);
	setlinebuf(stdout);
	do {
		memset(data, 0xee, SPAN);
		job = (struct job){ .way = way_named("plain"), .expect = "ok" };
		for (; i < argc && strcmp(argv[i], "--"); i++)
			option(&job, argv[i]);
		send_job(&job);
	} while (i++ < argc - 1);
	return failed;
}
