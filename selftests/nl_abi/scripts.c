// SPDX-License-Identifier: GPL-2.0
/* For shell scripts: operations and dumps as text, faults, both ends of a drive, label copies. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "nl_abi.h"

/* For shell scripts. */

static int show_refusal(void)
{
	printf("error=%s\nmessage=%s\n", strerrorname_np(-last.error), last.message);
	return 1;
}

static void show(const struct nl_reply *reply, const struct nl_field *set, char end)
{
	char text[8192];
	bool first = true;
	int id;

	for (id = 0; id < NL_ATTRS; id++) {
		const struct nl_field *field = nl_field_numbered(set, id);

		if (!reply->attr[id] || !field)
			continue;
		nl_format(field, reply->attr[id], text, sizeof(text));
		if (!first)
			putchar(end);
		printf("%s=%s", field->name, text);
		first = false;
	}
	putchar('\n');
	fflush(stdout);
}

int run_do(const char *op, const char *const *items)
{
	if (!nl_op_named(op))
		nl_die("no operation %s", op);
	if (ask_items(op, items))
		return show_refusal();
	if (last.parts)
		show(&last, nl_op_named(op)->fields, '\n');
	return 0;
}

static void show_part(const struct nl_reply *part, void *arg)
{
	show(part, arg, ' ');
}

int run_dump(const char *op, const char *const *items)
{
	const struct nl_op *o = nl_op_named(op);

	if (!o)
		nl_die("no operation %s", op);
	if (nl_ask_all(sk, build(op, items, NLM_F_DUMP), &last, show_part, NULL, (void *)o->fields))
		return show_refusal();
	return 0;
}

/*
 * Fault injection of this thread: the Nth thing that may fail does, once. The
 * file stays open and is told again if it was the telling that failed.
 */
static int nth_file = -1;

static void fail_nth(int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);
	int tries;

	if (nth_file < 0)
		nth_file = open("/proc/thread-self/fail-nth", O_RDWR);
	for (tries = 0; tries < 3; tries++)
		if (pwrite(nth_file, text, len, 0) == len)
			return;
	nl_die("no fault injection: %s", strerror(errno));
}

/* Did it fail before this? Reading may be what fails, then it did not. */
static bool fault_happened(void)
{
	char text[16] = "";

	return pread(nth_file, text, sizeof(text) - 1, 0) > 0 && !atoi(text);
}

static int objects(void)
{
	int drives = PARTS("drive-get", NULL);

	return drives < 0 ? drives : drives + PARTS("ns-get", NULL);
}

/* One try; true if the allocation with that number was reached. */
static bool fault_once(int n, const char *op, const char *const *items, int *granted)
{
	struct nl_msg *msg = build(op, items, 0);
	bool injected;

	int sent;

	/* the kernel does it all while we send; sending itself may be what fails */
	fail_nth(n);
	sent = nl_send_asking(sk, msg);
	injected = fault_happened();
	fail_nth(0);
	nlmsg_free(msg);
	last.error = sent < 0 ? -ENOMEM : nl_answer(sk, &last);
	*granted = !last.error;
	return injected;
}

/* The next operation behind "--", which is replaced by the end of a list. */
static const char **next_op(const char **items)
{
	for (; *items; items++) {
		if (!strcmp(*items, "--")) {
			*items = NULL;
			return items + 1;
		}
	}
	return NULL;
}

static void undo(const char *const *ops[], int count, bool must)
{
	int i;

	for (i = 0; i < count; i++)
		if (ask_items(ops[i][0], ops[i] + 1) && must)
			nl_die("cannot undo by %s: %s", ops[i][0], last.message);
}

int run_fault(int step, const char **items)
{
	const char *const *undos[4];
	int n, before = objects(), granted, refusals = 0, survived = 0, count = 0;
	const char **next = next_op(items);

	for (; next && count < 4; next = next_op(next))
		undos[count++] = next;
	for (n = 1; n < 5000; n += n < 50 ? 1 : step) {
		bool injected = fault_once(n, items[0], items + 1, &granted);

		if (granted || last.error == -ENOBUFS)
			undo(undos, count, granted);
		else if (objects() != before)
			nl_die("%d: %s was refused (%s) but left something behind", n, items[0],
			       last.message);
		if (!granted && !injected)
			nl_die("%d: %s: %s", n, items[0], last.message);
		if (!injected)
			break;
		refusals += !granted;
		survived += granted;
	}
	printf("%s: %d allocations, %d refusals, %d granted all the same\n", items[0], n, refusals,
	       survived);
	return 0;
}

static void detach_part(const struct nl_reply *part, void *arg)
{
	char (*list)[64] = arg;

	while ((*list)[0])
		list++;
	snprintf(*list, sizeof(*list), "uuid=%s", nl_text(part, nl_drive, "uuid"));
}

int run_detach_all(void)
{
	char list[64][64] = { };
	int i, tries, failures = 0;

	if (nl_ask_all(sk, nl_request("drive-get", NLM_F_DUMP), &last, detach_part, NULL, list))
		return show_refusal();
	for (i = 0; list[i][0]; i++) {
		for (tries = 0; ask("drive-detach", list[i]) == -EBUSY && tries < 100; tries++)
			usleep(100000);
		if (last.error && last.error != -ENOENT)
			failures += show_refusal();
	}
	return failures ? 1 : 0;
}

/* Both ends of a drive, and all counters of it that are not of reads. */
int run_ends(const char *path)
{
	unsigned long long n[17] = { };
	char name[128];
	FILE *file;
	int i;

	snprintf(name, sizeof(name), "/sys/class/block/%s/stat", strrchr(path, '/') + 1);
	file = fopen(name, "r");
	for (i = 0; file && i < 17; i++)
		if (fscanf(file, "%llu", &n[i]) != 1)
			break;
	if (!file || i < 15)
		nl_die("cannot read %s", name);
	fclose(file);
	printf("%016" PRIx64 " %llu %llu %llu %llu\n", label_sum(path), n[4], n[6], n[11], n[13]);
	return 0;
}

static uint32_t crc32c(uint32_t crc, const unsigned char *p, size_t len)
{
	int bit;

	while (len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return crc;
}

#define COPY 32768

/* What the format says of a whole copy. */
static const char *copy_flaw(const unsigned char *copy)
{
	static const unsigned char zero[4];
	uint32_t crc;

	if (memcmp(copy, "pNVMElbl\1\0\0\0\0\200\0\0", 16))
		return "has no magic, version 1 and size";
	crc = crc32c(~0U, copy, 16);
	crc = crc32c(crc, zero, 4);
	crc = ~crc32c(crc, copy + 20, COPY - 20);
	return memcmp(&crc, copy + 16, 4) ? "has a wrong checksum" : NULL;
}

/* Four equal whole copies, where the format says. */
int run_equal(const char *path)
{
	static unsigned char copy[2][COPY] __attribute__((aligned(4096)));
	int fd = open(path, O_RDONLY | O_DIRECT), i;
	uint64_t size, end;

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size))
		nl_die("cannot read %s", path);
	end = size & ~(uint64_t)4095;
	for (i = 0; i < 4; i++) {
		const uint64_t at[] = { 65536, 524288, end - 983040, end - 524288 };
		unsigned char *to = copy[i > 0];
		const char *flaw;

		if (pread(fd, to, COPY, at[i]) != COPY)
			nl_die("cannot read copy %d", i);
		flaw = i ? memcmp(copy[0], to, COPY) ? "differs from copy 0" : NULL : copy_flaw(to);
		if (flaw) {
			printf("copy %d of the label on %s %s\n", i, path, flaw);
			return 1;
		}
	}
	return 0;
}

int run_events(void)
{
	if (nl_listen(sk))
		nl_die("no group events");
	printf("ready\n");
	fflush(stdout);
	for (;;)
		if (!nl_next_event(sk, &last, 60000))
			show(&last, nl_event, ' ');
}
