// SPDX-License-Identifier: GPL-2.0
/* Asking and expecting: requests from text, what the tests say of the answer, and drives where a test needs them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "nl_abi.h"

struct nl_sock *sk;
const char *dev_a, *dev_b;
const char *skipped;
bool tap_failed;

/* The last answer, and where the attributes of the last request were. */
struct nl_reply last;
static int sent_at[NL_ATTRS];

/* Building requests from text. */

dev_t device_number(const char *path)
{
	struct stat st;

	if (stat(path, &st) || !S_ISBLK(st.st_mode))
		nl_die("%s is not a block device", path);
	return st.st_rdev;
}

static void put_device(struct nl_msg *msg, const char *op, const char *path)
{
	dev_t dev = device_number(path);
	char number[32];

	snprintf(number, sizeof(number), "%u", major(dev));
	nl_put_named(msg, op, "major", number);
	snprintf(number, sizeof(number), "%u", minor(dev));
	nl_put_named(msg, op, "minor", number);
}

/* "name=value" or "flag". */
static void put_item(struct nl_msg *msg, const char *op, const char *item)
{
	char name[64];
	const char *value = strchr(item, '=');

	snprintf(name, sizeof(name), "%.*s", value ? (int)(value - item) : 63, item);
	value = value ? value + 1 : "";
	if (!strcmp(name, "dev"))
		put_device(msg, op, value);
	else
		nl_put_named(msg, op, name, value);
}

struct nl_msg *build(const char *op, const char *const *items, int flags)
{
	struct nl_msg *msg = nl_request(op, flags);

	for (; *items; items++)
		put_item(msg, op, *items);
	return msg;
}

static int send_request(struct nl_msg *msg)
{
	int id;

	for (id = 0; id < NL_ATTRS; id++)
		sent_at[id] = nl_offset_of(msg, id);
	return nl_ask(sk, msg, &last);
}

int ask_items(const char *op, const char *const *items)
{
	return send_request(build(op, items, 0));
}

int count_parts(const char *op, const char *const *items)
{
	nl_ask_all(sk, build(op, items, NLM_F_DUMP), &last, NULL, NULL, NULL);
	return last.error ? last.error : last.parts;
}

/* What the tests say. */

void expect_ok(const char *file, int line, int ret)
{
	if (!ret)
		return;
	tap_failed = true;
	printf("# %s:%d: refused with %d: %s\n", file, line, ret, last.message);
}

/* @blamed: NULL whatever; "size": that attribute's place; "-size": missing. */
void expect_refused(const char *file, int line, const char *op, int code, const char *blamed,
		    const char *text, int ret)
{
	const struct nl_field *set = nl_op_named(op)->fields;
	int offset = -1, missing = -1;

	if (blamed && blamed[0] == '-')
		missing = nl_field_named(set, blamed + 1)->id;
	else if (blamed)
		offset = sent_at[nl_field_named(set, blamed)->id];
	if (ret == -code && strstr(last.message, text) && last.message[0] &&
	    (!blamed || (last.offset == offset && last.missing == missing)))
		return;
	tap_failed = true;
	printf("# %s:%d: %s: got %d (offset %d, missing %d) \"%s\"\n", file, line, op, ret,
	       last.offset, last.missing, last.message);
	printf("# expected %d (%s: offset %d, missing %d) \"%s\"\n", -code,
	       blamed ? blamed : "any", offset, missing, text);
}

/* Has @reply exactly the attributes @names, and those of @maybe at will, each well formed? */
void expect_attrs(const char *file, int line, const struct nl_reply *reply, const struct nl_field *set,
		  const char *names, const char *maybe)
{
	const char *flaw = nl_form_flaw(reply, set);
	char word[80];
	bool has;

	if (flaw) {
		tap_failed = true;
		printf("# %s:%d: %s\n", file, line, flaw);
	}
	for (; set->name; set++) {
		snprintf(word, sizeof(word), " %s ", set->name);
		has = reply->attr[set->id];
		if (strstr(names, word) ? has : !has || strstr(maybe, word))
			continue;
		tap_failed = true;
		printf("# %s:%d: attribute%sis %s\n", file, line, word, has ? "there" : "absent");
	}
}

/* Likewise a live namespace; "generic" says if there is a node for NVMe commands beside its device. */
void expect_live(const char *file, int line, const char *more, const char *maybe)
{
	char names[400], node[80];
	bool there;

	snprintf(node, sizeof(node), "/dev/png%.60s", TEXT("device") + strlen("pnvme"));
	there = !access(node, F_OK);
	snprintf(names, sizeof(names), NS_LIVE_ATTRS "%s%s", more, there ? "generic " : "");
	expect_attrs(file, line, &last, nl_namespace, names, maybe);
	if (there && strcmp(TEXT("generic"), node + strlen("/dev/"))) {
		tap_failed = true;
		printf("# %s:%d: generic is %s, not %s\n", file, line, TEXT("generic"), node);
	}
}

uint32_t generation(void)
{
	static struct nl_reply reply;

	if (nl_ask(sk, nl_request("info-get", 0), &reply))
		nl_die("info-get: %s", reply.message);
	return nl_number(&reply, nl_info, "generation");
}

/* Of what could hold a label or a GPT, past the page cache. */
uint64_t label_sum(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECT);
	uint64_t size, sum = 14695981039346656037ULL;
	uint64_t *buf = aligned_alloc(4096, MIB);
	unsigned int half, i;

	if (fd < 0 || !buf || ioctl(fd, BLKGETSIZE64, &size))
		nl_die("cannot read %s", path);
	for (half = 0; half < 2; half++) {
		if (pread(fd, buf, MIB, half ? (size & ~4095ULL) - MIB : 0) != (ssize_t)MIB)
			nl_die("cannot read %s", path);
		for (i = 0; i < MIB / 8; i++)
			sum = (sum ^ buf[i]) * 1099511628211ULL;
	}
	free(buf);
	close(fd);
	return sum;
}

/* Nothing that anybody can see has changed since. */
struct snapshot snap(void)
{
	return (struct snapshot) { generation(), label_sum(dev_a), label_sum(dev_b) };
}

bool unchanged(struct snapshot before)
{
	struct snapshot now = snap();

	if (now.generation != before.generation)
		printf("# the generation went from %u to %u\n", before.generation, now.generation);
	if (now.a != before.a || now.b != before.b)
		printf("# a label has changed\n");
	return now.generation == before.generation && now.a == before.a && now.b == before.b;
}

char *item(const char *name, const char *value)
{
	static char text[8][128];
	static int turn;

	turn = (turn + 1) % 8;
	snprintf(text[turn], sizeof(text[turn]), "%s=%s", name, value);
	return text[turn];
}

/* Bringing drives where a test needs them. */

void adopt(const char *dev, const char *uuid)
{
	if (ask("drive-adopt", item("dev", dev), item("uuid", uuid), "host=" HOST))
		nl_die("cannot adopt %s: %s", dev, last.message);
}

/* What erasing leaves would have the next adopt zero what tests want at once. */
static void forget_erased(const char *dev)
{
	int fd = open(dev, O_RDWR | O_DIRECT);
	void *zeros = aligned_alloc(4096, 4096);

	if (fd < 0 || !zeros)
		nl_die("cannot open %s", dev);
	memset(zeros, 0, 4096);
	if (pwrite(fd, zeros, 4096, 512 << 10) != 4096)
		nl_die("cannot write %s", dev);
	free(zeros);
	close(fd);
}

void wipe(const char *dev, const char *uuid)
{
	if (ask("drive-detach", item("uuid", uuid)) && last.error != -ENOENT)
		nl_die("cannot detach %s: %s", dev, last.message);
	if (ask("drive-erase", item("dev", dev), item("uuid", uuid), "host=" HOST))
		nl_die("cannot erase %s: %s", dev, last.message);
	forget_erased(dev);
}

void make(const char *name, const char *size)
{
	if (ask("ns-create", "drive=" DRIVE_A, item("name", name), item("size", size)))
		nl_die("cannot create %s: %s", name, last.message);
}

/* A new namespace where another one was: wait until it can be used. */
void await_live(const char *name)
{
	int tries;

	for (tries = 0; tries < 600; tries++) {
		if (!ask("ns-get", item("name", name)) && strcmp(TEXT("state"), "zeroing"))
			return;
		usleep(50000);
	}
	nl_die("namespace %s stays in state zeroing", name);
}
