// SPDX-License-Identifier: GPL-2.0
/*
 * Checks the netlink ABI with an independent client (nl_client.c).
 *
 *   nl_abi test DEV DEV [NAME]...  all checks or some, KTAP; both drives are spare and end without a label
 *   nl_abi do OP [NAME=VALUE | FLAG]...    one operation: NAME=VALUE of the answer, one a line, or
 *                           error=EXXX and message=SENTENCE, status 1. dev=PATH stands for major
 *                           and minor. Values: UUIDs, numbers with K M G, words of enums
 *   nl_abi dump OP [NAME=VALUE]...         one object a line
 *   nl_abi ends DEV         a checksum of both ends of a device, and its counters of writes,
 *                           discards: the same again if nobody has written to it
 *   nl_abi equal DEV        status 0 if its four label copies are whole and equal
 *   nl_abi detach-all       detaches what is attached, waits for openers in passing
 *   nl_abi fault STEP OP ITEM... [-- UNDO-OP ITEM...]...   lets the first, second, ... allocation
 *                           of the operation fail (all of the first 50, then each STEPth) until it
 *                           is granted with none failing; what was granted is undone
 *   nl_abi events           prints "ready", then one event a line, until killed
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/genetlink.h>
#include <linux/pnvme.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "nl_client.h"
#include "unit/tap.h"

#define MIB ((uint64_t)1 << 20)
#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

#define HOST	"11111111-2222-4333-8444-555555555555"
#define HOST2	"99999999-2222-4333-8444-555555555555"
#define ZERO_ID	"00000000-0000-0000-0000-000000000000"
#define DRIVE_A	"aaaaaaaa-0000-4000-8000-00000000000a"
#define DRIVE_B	"bbbbbbbb-0000-4000-8000-00000000000b"
#define NOBODY	"deadbeef-0000-4000-8000-000000000000"

static struct nl_sock *sk;
static const char *dev_a, *dev_b;

/* The last answer, and where the attributes of the last request were. */
static struct nl_reply last;
static int sent_at[NL_ATTRS];

/* Building requests from text. */

static dev_t device_number(const char *path)
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

static struct nl_msg *build(const char *op, const char *const *items, int flags)
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

static int ask_items(const char *op, const char *const *items)
{
	return send_request(build(op, items, 0));
}

#define ask(op, ...) ask_items(op, (const char *const []){ __VA_ARGS__, NULL })

/* What the tests say. */

static void expect_ok(int line, int ret)
{
	if (!ret)
		return;
	tap_failed = true;
	printf("# line %d: refused with %d: %s\n", line, ret, last.message);
}

#define OK(op, ...) expect_ok(__LINE__, ask(op, __VA_ARGS__))

/* @blamed: NULL whatever; "size": that attribute's place; "-size": missing. */
static void expect_refused(int line, const char *op, int code, const char *blamed,
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
	printf("# line %d: %s: got %d (offset %d, missing %d) \"%s\"\n", line, op, ret,
	       last.offset, last.missing, last.message);
	printf("# expected %d (%s: offset %d, missing %d) \"%s\"\n", -code,
	       blamed ? blamed : "any", offset, missing, text);
}

#define REFUSED(code, blamed, text, op, ...) \
	expect_refused(__LINE__, op, code, blamed, text, ask(op, __VA_ARGS__))

#define TEXT(name) nl_text(&last, nl_namespace, name)
#define NUM(name) nl_number(&last, nl_namespace, name)
#define DTEXT(name) nl_text(&last, nl_drive, name)
#define DNUM(name) nl_number(&last, nl_drive, name)

/* Has @reply exactly the attributes @names, and those of @maybe at will, each well formed? */
static void expect_attrs(int line, const struct nl_reply *reply, const struct nl_field *set,
			 const char *names, const char *maybe)
{
	const char *flaw = nl_form_flaw(reply, set);
	char word[80];
	bool has;

	if (flaw) {
		tap_failed = true;
		printf("# line %d: %s\n", line, flaw);
	}
	for (; set->name; set++) {
		snprintf(word, sizeof(word), " %s ", set->name);
		has = reply->attr[set->id];
		if (strstr(names, word) ? has : !has || strstr(maybe, word))
			continue;
		tap_failed = true;
		printf("# line %d: attribute%sis %s\n", line, word, has ? "there" : "absent");
	}
}

#define DRIVE_ATTRS " uuid instance major minor diskseq device state proof epoch sequence owner hwid " \
	"hwid-type serial model lba-size capacity size free largest-free namespaces read-only " \
	"repaired hold-timeout on-resume hold-proof latency holds fences "
#define NS_ATTRS " uuid nguid name nsid drive start size state open policy read-only " \
	"held held-total fence fences seal "
#define NS_LIVE_ATTRS NS_ATTRS "device major minor "
#define ATTRS(set, names, maybe) expect_attrs(__LINE__, &last, set, names, maybe)

/* Likewise a live namespace; "generic" says if there is a node for NVMe commands beside its device. */
static void expect_live(int line, const char *more, const char *maybe)
{
	char names[400], node[80];
	bool there;

	snprintf(node, sizeof(node), "/dev/png%.60s", TEXT("device") + strlen("pnvme"));
	there = !access(node, F_OK);
	snprintf(names, sizeof(names), NS_LIVE_ATTRS "%s%s", more, there ? "generic " : "");
	expect_attrs(line, &last, nl_namespace, names, maybe);
	if (there && strcmp(TEXT("generic"), node + strlen("/dev/"))) {
		tap_failed = true;
		printf("# line %d: generic is %s, not %s\n", line, TEXT("generic"), node);
	}
}

#define LIVE_ATTRS(more, maybe) expect_live(__LINE__, more, maybe)

static uint32_t generation(void)
{
	static struct nl_reply reply;

	if (nl_ask(sk, nl_request("info-get", 0), &reply))
		nl_die("info-get: %s", reply.message);
	return nl_number(&reply, nl_info, "generation");
}

/* Of what could hold a label or a GPT, past the page cache. */
static uint64_t label_sum(const char *path)
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
struct snapshot {
	uint32_t	generation;
	uint64_t	a, b;
};

static struct snapshot snap(void)
{
	return (struct snapshot) { generation(), label_sum(dev_a), label_sum(dev_b) };
}

static bool unchanged(struct snapshot before)
{
	struct snapshot now = snap();

	if (now.generation != before.generation)
		printf("# the generation went from %u to %u\n", before.generation, now.generation);
	if (now.a != before.a || now.b != before.b)
		printf("# a label has changed\n");
	return now.generation == before.generation && now.a == before.a && now.b == before.b;
}

static char *item(const char *name, const char *value)
{
	static char text[8][128];
	static int turn;

	turn = (turn + 1) % 8;
	snprintf(text[turn], sizeof(text[turn]), "%s=%s", name, value);
	return text[turn];
}

/* Bringing drives where a test needs them. */

static void adopt(const char *dev, const char *uuid)
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

static void wipe(const char *dev, const char *uuid)
{
	if (ask("drive-detach", item("uuid", uuid)) && last.error != -ENOENT)
		nl_die("cannot detach %s: %s", dev, last.message);
	if (ask("drive-erase", item("dev", dev), item("uuid", uuid), "host=" HOST))
		nl_die("cannot erase %s: %s", dev, last.message);
	forget_erased(dev);
}

static void make(const char *name, const char *size)
{
	if (ask("ns-create", "drive=" DRIVE_A, item("name", name), item("size", size)))
		nl_die("cannot create %s: %s", name, last.message);
}

/* A new namespace where another one was: wait until it can be used. */
static void await_live(const char *name)
{
	int tries;

	for (tries = 0; tries < 600; tries++) {
		if (!ask("ns-get", item("name", name)) && strcmp(TEXT("state"), "zeroing"))
			return;
		usleep(50000);
	}
	nl_die("namespace %s stays in state zeroing", name);
}


/* The numbers are the ABI: they never change. */
static void test_numbers(void)
{
	EXPECT(!strcmp(PNVME_FAMILY_NAME, "pnvme") && PNVME_FAMILY_VERSION == 1);
	EXPECT(nl_field_named(nl_info, "generation")->id == PNVME_A_INFO_GENERATION);
	EXPECT(nl_field_named(nl_drive, "check")->id == PNVME_A_DRIVE_CHECK);
	EXPECT(nl_field_named(nl_drive, "repaired")->id == PNVME_A_DRIVE_REPAIRED);
	EXPECT(nl_field_named(nl_namespace, "check")->id == PNVME_A_NAMESPACE_CHECK);
	EXPECT(nl_field_named(nl_namespace, "open")->id == PNVME_A_NAMESPACE_OPEN);
	EXPECT(nl_field_named(nl_event, "time")->id == PNVME_A_EVENT_TIME);
	EXPECT(nl_op_named("ns-set")->cmd == PNVME_CMD_NS_SET);
	EXPECT(PNVME_CMD_EVENT == 15 && PNVME_EVENT_TYPE_NS_FAIL == 10 &&
	       PNVME_EVENT_TYPE_LABEL_LOST == 11 && PNVME_EVENT_TYPE_NS_UNFENCE == 16);
	EXPECT(PNVME_EVENT_TYPE_DRIVE_VERDICT == 19 && PNVME_A_PEER_SLOT == 4 &&
	       nl_field_named(nl_drive, "evidence")->id == PNVME_A_DRIVE_EVIDENCE);
	EXPECT(PNVME_DRIVE_STATE_FAILED == 2 && PNVME_NS_STATE_NAME_CONFLICT == 3);
	EXPECT(PNVME_POLICY_ADMIN == 2 && PNVME_ON_RESUME_FAIL == 2 && PNVME_PROOF_STRONG == 1);
}

static void test_info(void)
{
	uint32_t before = generation();

	EXPECT(!nl_ask(sk, nl_request("info-get", 0), &last));
	ATTRS(nl_info, " version label-version generation ", "");
	EXPECT(last.parts == 1 && last.cmd == 1);
	EXPECT(nl_number(&last, nl_info, "label-version") == 1);
	EXPECT(nl_number(&last, nl_info, "generation") == before && before);
	EXPECT(nl_ask(sk, nl_request("info-get", NLM_F_DUMP), &last) == -EOPNOTSUPP);
	adopt(dev_a, DRIVE_A);
	EXPECT(generation() > before);
	wipe(dev_a, DRIVE_A);
}

/* Each operation without each attribute that it requires. */
static void check_required(const struct nl_op *op, const char *const *base)
{
	const struct nl_field *field;
	char word[80], blamed[80];
	const char *items[16];
	int i, n, len;

	for (field = op->fields; field->name; field++) {
		snprintf(word, sizeof(word), " %s ", field->name);
		snprintf(blamed, sizeof(blamed), " %s ", op->required);
		if (!strstr(blamed, word))
			continue;
		len = strlen(field->name);
		for (i = 0, n = 0; base[i]; i++)
			if (strncmp(base[i], field->name, len) || base[i][len] != '=')
				items[n++] = base[i];
		items[n] = NULL;
		snprintf(blamed, sizeof(blamed), "-%s", field->name);
		expect_refused(__LINE__, op->name, EINVAL, blamed, "lacks the attribute",
			       ask_items(op->name, items));
	}
}

/* An attribute of a wrong length, or a text that does not end, appended to a sound request. */
static void check_broken(const struct nl_op *op, const char *const *base,
			 const struct nl_field *field, const void *data, int len)
{
	struct nl_msg *msg = build(op->name, base, 0);
	int ret, at;

	at = nlmsg_hdr(msg)->nlmsg_len;
	nl_put_raw(msg, field->id, data, len);
	ret = nl_ask(sk, msg, &last);
	if ((ret == -EINVAL || ret == -ERANGE) && last.offset == at && last.message[0])
		return;
	tap_failed = true;
	printf("# %s: %s of %d bytes: got %d, offset %d (expected %d), \"%s\"\n", op->name,
	       field->name, len, ret, last.offset, at, last.message);
}

static void check_lengths(const struct nl_op *op, const char *const *base)
{
	static const int bytes[] = { [K_U8] = 1, [K_U32] = 4, [K_U64] = 8, [K_ID] = 16, [K_FLAG] = 0,
		[K_DIGEST] = 32, [K_NEST] = 8, [K_LABEL] = 16 };
	const struct nl_field *field;
	static char label[NL_LABEL + 4];
	char word[80], takes[128], text[300];
	int len;

	memset(text, 'x', sizeof(text));
	snprintf(takes, sizeof(takes), " %s ", op->takes);
	for (field = op->fields; field->name; field++) {
		snprintf(word, sizeof(word), " %s ", field->name);
		if (!strstr(takes, word)) {
			/* known, but not to this operation */
			check_broken(op, base, field, text, field->kind == K_TEXT ? 4 : bytes[field->kind]);
			continue;
		}
		if (field->kind == K_LABEL) {
			check_broken(op, base, field, label, 0);
			check_broken(op, base, field, label, NL_LABEL - 1);
			check_broken(op, base, field, label, NL_LABEL + 4);
			continue;
		}
		if (field->kind == K_TEXT) {
			check_broken(op, base, field, text, 0);
			check_broken(op, base, field, text, 5);
			check_broken(op, base, field, text, 64);
			text[64] = '\0';
			/* the one that is a sentence */
			if (strcmp(field->name, "evidence"))
				check_broken(op, base, field, text, 65);
			text[64] = 'x';
			text[299] = '\0';
			check_broken(op, base, field, text, 300);
			text[299] = 'x';
			continue;
		}
		len = bytes[field->kind];
		check_broken(op, base, field, text, len + 1);
		check_broken(op, base, field, text, len + 4);
		if (len) {
			check_broken(op, base, field, text, len - 1);
			check_broken(op, base, field, text, 0);
		}
	}
}

/* Messages that are damaged as a whole. */
static void check_shapes(const struct nl_op *op, const char *const *base)
{
	const struct nl_field unknown = { "(unknown)", 99, K_U32, NULL };
	const struct nl_field zero = { "(zero)", 0, K_U32, NULL };
	struct genlmsghdr *genl;
	struct nlmsghdr *nlh;
	struct nl_msg *msg;
	struct nlattr *attr;
	uint32_t four = 4;

	/* reserved bits of the header */
	msg = build(op->name, base, 0);
	genl = nlmsg_data(nlmsg_hdr(msg));
	genl->reserved = 1;
	EXPECT(nl_ask(sk, msg, &last) == -EINVAL);

	/* no generic header at all */
	msg = build(op->name, base, 0);
	nlmsg_hdr(msg)->nlmsg_len = sizeof(struct nlmsghdr);
	EXPECT(nl_ask(sk, msg, &last) == -EINVAL);

	if (!op->takes[0])
		return;
	check_broken(op, base, &unknown, &four, sizeof(four));
	check_broken(op, base, &zero, &four, sizeof(four));

	/* an attribute that is longer than the message */
	msg = build(op->name, base, 0);
	nlh = nlmsg_hdr(msg);
	attr = (struct nlattr *)((char *)nlh + nlh->nlmsg_len);
	nl_put_raw(msg, op->fields->id, &four, sizeof(four));
	attr->nla_len = 200;
	EXPECT(nl_ask(sk, msg, &last) == -EINVAL && last.message[0]);

	/* shorter than its own header */
	msg = build(op->name, base, 0);
	nlh = nlmsg_hdr(msg);
	attr = (struct nlattr *)((char *)nlh + nlh->nlmsg_len);
	nl_put_raw(msg, op->fields->id, &four, sizeof(four));
	attr->nla_len = 3;
	EXPECT(nl_ask(sk, msg, &last) == -EINVAL && last.message[0]);

	/* marked as nested */
	msg = build(op->name, base, 0);
	nl_put_raw(msg, op->fields->id | NLA_F_NESTED, HOST, 16);
	EXPECT(nl_ask(sk, msg, &last) == -EINVAL && last.message[0]);
}

/* Of a seal, but for the token. */
#define SEAL(samples, looked) "seal-samples=" samples, "seal-looked=" looked, "seal-seed=" HOST, \
	"seal-digest=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* A request for each operation that would be granted. */
static const char *const *base_request(const char *op)
{
	static char maj[32], min[32];
	static const char *const drive[] = { "uuid=" DRIVE_A, "check", NULL };
	static const char *const attach[] = { "uuid=" DRIVE_B, maj, min, "host=" HOST, "check", NULL };
	static const char *const import[] = { maj, min, "host=" HOST, "owner=" HOST, "check", NULL };
	static const char *const create[] = { "drive=" DRIVE_A, "name=new", "size=1M", "check", NULL };
	static const char *const resize[] = { "name=ns", "size=5M", "check", NULL };
	static const char *const rename[] = { "name=ns", "new-name=other", "check", NULL };
	static const char *const ns[] = { "name=ns", "check", NULL };
	static const char *const seal[] = {
		"name=ns", "seal-token=0", SEAL("1", "1"), "check", NULL
	};
	static const char *const roster[] = { "uuid=" DRIVE_A, "roster-generation=1", "check", NULL };
	static const char *const verdict[] = { "uuid=" DRIVE_A, "verdict=wiped", "evidence=gone", NULL };
	static char label[128];
	static const char *const restore[] = { "uuid=" DRIVE_B, maj, min, "host=" HOST, label, "check",
		NULL };
	static const char *const undelete[] = { "drive=" DRIVE_A, "uuid=" NOBODY, "nguid=" NOBODY,
		"name=new", "start=1M", "size=1M", "check", NULL };

	snprintf(label, sizeof(label), "label=%s", dev_b);
	snprintf(maj, sizeof(maj), "major=%u", major(device_number(dev_b)));
	snprintf(min, sizeof(min), "minor=%u", minor(device_number(dev_b)));
	if (!strcmp(op, "drive-detach") || !strcmp(op, "drive-set") || !strcmp(op, "drive-fail"))
		return drive;
	if (!strcmp(op, "drive-import"))
		return import;
	if (!strcmp(op, "drive-roster"))
		return roster;
	if (!strcmp(op, "drive-verdict"))
		return verdict;
	if (!strcmp(op, "drive-restore"))
		return restore;
	if (!strcmp(op, "ns-undelete"))
		return undelete;
	if (!strncmp(op, "drive-", 6))
		return attach;
	if (!strcmp(op, "ns-create"))
		return create;
	if (!strcmp(op, "ns-resize"))
		return resize;
	if (!strcmp(op, "ns-rename"))
		return rename;
	if (!strcmp(op, "ns-seal"))
		return seal;
	return ns;
}

/* Reads take fewer attributes than the mutations beside them. */
static const char *const *read_request(const char *op)
{
	static const char *const none[] = { NULL };
	static const char *const drive[] = { "uuid=" DRIVE_A, NULL };
	static const char *const ns[] = { "name=ns", NULL };

	if (!strcmp(op, "drive-get"))
		return drive;
	return !strcmp(op, "ns-get") ? ns : none;
}

static bool is_read(const struct nl_op *op)
{
	return strstr(op->name, "-get");
}

static const char *const *sound_request(const struct nl_op *op)
{
	return is_read(op) ? read_request(op->name) : base_request(op->name);
}

/* A is attached with a namespace, B adopted, labelled and detached. */
static void setup_pair(void)
{
	adopt(dev_a, DRIVE_A);
	make("ns", "4M");
	adopt(dev_b, DRIVE_B);
	if (ask("drive-detach", "uuid=" DRIVE_B))
		nl_die("%s", last.message);
}

static void teardown_pair(void)
{
	wipe(dev_a, DRIVE_A);
	wipe(dev_b, DRIVE_B);
}

/* With the check flag each mutation is granted and changes nothing. */
static void test_check(void)
{
	const struct nl_op *op;
	struct snapshot before;

	setup_pair();
	before = snap();
	for (op = nl_ops; op->name; op++) {
		/* what these need is not there; see test_recover() */
		if (is_read(op) || !strcmp(op->name, "drive-adopt") ||
		    !strcmp(op->name, "drive-restore") || !strcmp(op->name, "ns-undelete"))
			continue;
		expect_ok(__LINE__, ask_items(op->name, base_request(op->name)));
	}
	EXPECT(unchanged(before));
	OK("drive-erase", item("dev", dev_b), "uuid=" DRIVE_B, "host=" HOST);
	before = snap();
	OK("drive-adopt", item("dev", dev_b), "uuid=" DRIVE_B, "host=" HOST, "dirty", "check");
	EXPECT(last.parts <= 1 && unchanged(before));
	wipe(dev_a, DRIVE_A);
}

static void test_required(void)
{
	const struct nl_op *op;
	struct snapshot before;
	const char *const *base;
	/* by uuid, so that its absence is what is told */
	const char *items[8];
	char uuid[64];
	int i, n;

	setup_pair();
	OK("ns-get", "name=ns");
	snprintf(uuid, sizeof(uuid), "uuid=%s", TEXT("uuid"));
	before = snap();
	for (op = nl_ops; op->name; op++) {
		base = sound_request(op);
		for (i = 0, n = 0; base[i]; i++)
			items[n++] = strcmp(base[i], "name=ns") ? base[i] : uuid;
		items[n] = NULL;
		check_required(op, items);
	}
	EXPECT(unchanged(before));
	teardown_pair();
}

static void test_broken(void)
{
	const struct nl_op *op;
	struct snapshot before;

	setup_pair();
	before = snap();
	for (op = nl_ops; op->name; op++) {
		/* an operation that takes no attribute does not look at any */
		if (op->takes[0])
			check_lengths(op, sound_request(op));
		check_shapes(op, sound_request(op));
	}
	EXPECT(unchanged(before));
	teardown_pair();
}

static void test_unknown_command(void)
{
	struct nl_msg *msg = nl_request("info-get", 0);
	struct genlmsghdr *genl = nlmsg_data(nlmsg_hdr(msg));

	genl->cmd = 15;	/* an event is not an operation */
	EXPECT(nl_ask(sk, msg, &last) == -EOPNOTSUPP);
	msg = nl_request("info-get", 0);
	genl = nlmsg_data(nlmsg_hdr(msg));
	genl->cmd = 77;
	EXPECT(nl_ask(sk, msg, &last) == -EOPNOTSUPP);
	msg = nl_request("drive-detach", NLM_F_DUMP);
	EXPECT(nl_ask(sk, msg, &last) == -EOPNOTSUPP);
}

static void test_adopt(void)
{
	struct snapshot before = snap();
	const char *dev = item("dev", dev_a);
	char keep[128], seq[64];

	snprintf(keep, sizeof(keep), "%s", dev);
	dev = keep;
	REFUSED(EINVAL, "host", "host ID", "drive-adopt", dev, "uuid=" DRIVE_A, "host=" ZERO_ID);
	REFUSED(EINVAL, "uuid", "UUID", "drive-adopt", dev, "uuid=" ZERO_ID, "host=" HOST);
	REFUSED(ERANGE, "major", "major", "drive-adopt", "major=4294967295", "minor=0",
		"uuid=" DRIVE_A, "host=" HOST);
	REFUSED(ERANGE, "minor", "minor", "drive-adopt", "major=259", "minor=4294967295",
		"uuid=" DRIVE_A, "host=" HOST);
	REFUSED(ENODEV, NULL, "no block device", "drive-adopt", "major=4095", "minor=1048575",
		"uuid=" DRIVE_A, "host=" HOST);
	REFUSED(ENODEV, NULL, "no block device", "drive-adopt", "major=0", "minor=0",
		"uuid=" DRIVE_A, "host=" HOST);
	REFUSED(ESTALE, "diskseq", "sequence number", "drive-adopt", dev, "uuid=" DRIVE_A,
		"host=" HOST, "diskseq=18446744073709551615");
	REFUSED(ENODATA, NULL, "no pnvme label", "drive-attach", dev, "host=" HOST);
	REFUSED(ENODATA, NULL, "no pnvme label", "drive-erase", dev, "uuid=" DRIVE_A, "host=" HOST);
	EXPECT(unchanged(before));

	OK("drive-adopt", dev, "uuid=" DRIVE_A, "host=" HOST);
	EXPECT(last.cmd == 3 && last.parts == 1);
	ATTRS(nl_drive, DRIVE_ATTRS, "");
	EXPECT(!strcmp(DTEXT("uuid"), DRIVE_A) && !strcmp(DTEXT("owner"), HOST));
	EXPECT(!strcmp(item("dev", DTEXT("device")) + 4, strrchr(dev_a, '/') + 1));
	EXPECT(!strcmp(DTEXT("state"), "live"));
	EXPECT(DNUM("epoch") == 1 && DNUM("sequence") == 1 && !DNUM("namespaces"));
	EXPECT(DNUM("free") == DNUM("size") && DNUM("largest-free") == DNUM("size"));
	EXPECT(DNUM("size") % MIB == 0 && DNUM("size") < DNUM("capacity"));
	EXPECT(DNUM("hold-timeout") == 60 && DNUM("latency") == 1);
	EXPECT(!strcmp(DTEXT("on-resume"), "fence") && !strcmp(DTEXT("hold-proof"), "any"));
	EXPECT(!strcmp(DTEXT("proof"), DNUM("hwid-type") ? "strong" : "weak"));
	snprintf(seq, sizeof(seq), "diskseq=%" PRIu64, DNUM("diskseq"));

	before = snap();
	REFUSED(EBUSY, NULL, "in use", "drive-adopt", dev, "uuid=" DRIVE_B, "host=" HOST);
	REFUSED(EBUSY, NULL, "in use", "drive-attach", dev, "host=" HOST);
	REFUSED(EBUSY, NULL, "in use", "drive-erase", dev, "uuid=" DRIVE_A, "host=" HOST);
	REFUSED(EEXIST, NULL, "already attached", "drive-adopt", item("dev", dev_b),
		"uuid=" DRIVE_A, "host=" HOST);
	EXPECT(unchanged(before));

	OK("drive-detach", "uuid=" DRIVE_A);
	EXPECT(last.parts == 1 && !strcmp(DTEXT("uuid"), DRIVE_A));
	ATTRS(nl_drive, " uuid ", "");
	before = snap();
	REFUSED(EEXIST, NULL, "pnvme label", "drive-adopt", dev, "uuid=" DRIVE_B, "host=" HOST);
	REFUSED(ESTALE, "uuid", "label of drive", "drive-attach", dev, "uuid=" DRIVE_B, "host=" HOST);
	REFUSED(EXDEV, NULL, "belongs to host " HOST, "drive-attach", dev, "host=" HOST2);
	REFUSED(EXDEV, "owner", "belongs to host " HOST, "drive-import", dev, "host=" HOST2,
		"owner=" HOST2);
	REFUSED(ESTALE, "uuid", "nothing was erased", "drive-erase", dev, "uuid=" DRIVE_B,
		"host=" HOST);
	REFUSED(EXDEV, NULL, "belongs to host", "drive-erase", dev, "uuid=" DRIVE_A, "host=" HOST2);
	REFUSED(ENOENT, "uuid", "no drive " DRIVE_A, "drive-detach", "uuid=" DRIVE_A);
	EXPECT(unchanged(before));

	OK("drive-attach", dev, "uuid=" DRIVE_A, "host=" HOST, seq);
	EXPECT(last.cmd == 4 && DNUM("epoch") == 2);
	ATTRS(nl_drive, DRIVE_ATTRS, "");
	OK("drive-detach", "uuid=" DRIVE_A, "release");
	OK("drive-attach", dev, "host=" HOST2);
	EXPECT(!strcmp(DTEXT("owner"), HOST2));
	OK("drive-detach", "uuid=" DRIVE_A);
	OK("drive-import", dev, "host=" HOST, "owner=" HOST2);
	EXPECT(last.cmd == 5 && !strcmp(DTEXT("owner"), HOST));
	ATTRS(nl_drive, DRIVE_ATTRS, "");
	OK("drive-detach", "uuid=" DRIVE_A);
	OK("drive-attach", dev, "host=" HOST, "read-only=1");
	EXPECT(DNUM("read-only") == 1);
	REFUSED(EROFS, NULL, "read-only", "ns-create", "drive=" DRIVE_A, "name=x", "size=1M");
	REFUSED(EROFS, NULL, "read-only", "drive-set", "uuid=" DRIVE_A, "latency=2");
	OK("drive-detach", "uuid=" DRIVE_A);
	OK("drive-erase", dev, "uuid=" DRIVE_A, "host=" HOST);
	EXPECT(last.cmd == 7);
	ATTRS(nl_drive, " uuid ", "");
}

static int count_parts(const char *op, const char *const *items)
{
	nl_ask_all(sk, build(op, items, NLM_F_DUMP), &last, NULL, NULL, NULL);
	return last.error ? last.error : last.parts;
}

#define PARTS(op, ...) count_parts(op, (const char *const []){ __VA_ARGS__, NULL })

static void test_drive_get(void)
{
	char bytes[sizeof(last.bytes)];
	int len;

	adopt(dev_a, DRIVE_A);
	adopt(dev_b, DRIVE_B);
	REFUSED(ENOENT, "uuid", "no drive " NOBODY, "drive-get", "uuid=" NOBODY);
	OK("drive-get", "uuid=" DRIVE_A);
	EXPECT(last.cmd == 2 && last.parts == 1);
	ATTRS(nl_drive, DRIVE_ATTRS, "");
	len = ((struct nlmsghdr *)last.bytes)->nlmsg_len;
	memcpy(bytes, last.bytes, sizeof(bytes));
	EXPECT(!nl_ask_all(sk, nl_request("drive-get", NLM_F_DUMP), &last, NULL, NULL, NULL));
	EXPECT(last.parts == 2 && !last.interrupted && !strcmp(DTEXT("uuid"), DRIVE_B));
	ATTRS(nl_drive, DRIVE_ATTRS, "");
	EXPECT(PARTS("drive-get", "uuid=" DRIVE_A) == 1 && !strcmp(DTEXT("uuid"), DRIVE_A));
	EXPECT(PARTS("drive-get", "uuid=" NOBODY) == 0);
	wipe(dev_b, DRIVE_B);
	/* a dump says of a drive what a single answer says, byte for byte */
	EXPECT(!nl_ask_all(sk, nl_request("drive-get", NLM_F_DUMP), &last, NULL, NULL, NULL));
	EXPECT(last.parts == 1 && len == (int)((struct nlmsghdr *)last.bytes)->nlmsg_len &&
	       !memcmp(bytes + NLMSG_HDRLEN, last.bytes + NLMSG_HDRLEN, len - NLMSG_HDRLEN));
	wipe(dev_a, DRIVE_A);
	EXPECT(!nl_ask_all(sk, nl_request("drive-get", NLM_F_DUMP), &last, NULL, NULL, NULL));
	EXPECT(last.parts == 0);
}

static void test_drive_set(void)
{
	struct snapshot before;

	adopt(dev_a, DRIVE_A);
	OK("drive-set", "uuid=" DRIVE_A, "hold-timeout=604800", "on-resume=trust",
	   "hold-proof=strong", "latency=65536");
	EXPECT(last.cmd == 8);
	ATTRS(nl_drive, DRIVE_ATTRS, "");
	EXPECT(DNUM("hold-timeout") == 604800 && DNUM("latency") == 65536);
	EXPECT(!strcmp(DTEXT("on-resume"), "trust") && !strcmp(DTEXT("hold-proof"), "strong"));
	OK("drive-set", "uuid=" DRIVE_A, "hold-timeout=4294967295", "latency=0");
	EXPECT(DNUM("hold-timeout") == 4294967295U && !DNUM("latency"));
	EXPECT(!strcmp(DTEXT("on-resume"), "trust") && !strcmp(DTEXT("hold-proof"), "strong"));
	before = snap();
	REFUSED(ERANGE, "hold-timeout", "hold-timeout", "drive-set", "uuid=" DRIVE_A,
		"hold-timeout=604801");
	REFUSED(ERANGE, "latency", "latency", "drive-set", "uuid=" DRIVE_A, "latency=65537");
	REFUSED(ERANGE, "on-resume", "", "drive-set", "uuid=" DRIVE_A, "on-resume=3");
	REFUSED(ERANGE, "hold-proof", "", "drive-set", "uuid=" DRIVE_A, "hold-proof=2");
	REFUSED(ENOENT, "uuid", "no drive", "drive-set", "uuid=" NOBODY, "latency=1");
	EXPECT(unchanged(before));
	/* what was set is on the drive */
	OK("drive-detach", "uuid=" DRIVE_A);
	OK("drive-attach", item("dev", dev_a), "host=" HOST);
	EXPECT(DNUM("hold-timeout") == 4294967295U && !strcmp(DTEXT("on-resume"), "trust"));
	wipe(dev_a, DRIVE_A);
}

/* A roster of @n drives, of which the last has what @broken adds to it. */
static int ask_roster(int generation, int n, void (*broken)(struct nl_msg *msg), bool check)
{
	const char *items[] = { "uuid=" DRIVE_A, NULL, check ? "check" : NULL, NULL };
	unsigned char uuid[16] = { 0x77 };
	struct nl_msg *msg;
	struct nlattr *nest;
	char number[48];
	int i;

	snprintf(number, sizeof(number), "roster-generation=%d", generation);
	items[1] = number;
	msg = build("drive-roster", items, 0);
	for (i = 0; i < n; i++) {
		nest = nla_nest_start(msg, nl_field_named(nl_drive, "peer")->id | NLA_F_NESTED);
		uuid[15] = i;
		if (!broken || i < n - 1) {
			nl_put_raw(msg, 1, uuid, 16);
			nl_put_raw(msg, 4, "0000:01:00.0", 13);
		}
		if (broken && i == n - 1)
			broken(msg);
		nla_nest_end(msg, nest);
	}
	return nl_ask(sk, msg, &last);
}

static const unsigned char first_peer[16] = { 0x77 }, second_peer[16] = { 0x77, [15] = 1 };

static void peer_twice(struct nl_msg *msg)
{
	nl_put_raw(msg, 1, first_peer, 16);
}

static void peer_without_uuid(struct nl_msg *msg)
{
	nl_put_raw(msg, 4, "0000:01:00.0", 13);
}

static void peer_of_zeros(struct nl_msg *msg)
{
	static const unsigned char zeros[16];

	nl_put_raw(msg, 1, zeros, 16);
}

static void peer_short_uuid(struct nl_msg *msg)
{
	nl_put_raw(msg, 1, second_peer, 15);
}

static void peer_unterminated(struct nl_msg *msg)
{
	nl_put_raw(msg, 1, second_peer, 16);
	nl_put_raw(msg, 4, "0000:01:00.0", 12);
}

static void peer_long_slot(struct nl_msg *msg)
{
	nl_put_raw(msg, 1, second_peer, 16);
	nl_put_raw(msg, 4, "0000:01:00.0/0000:02:00.0/000001", 33);
}

static void peer_dirty_slot(struct nl_msg *msg)
{
	nl_put_raw(msg, 1, second_peer, 16);
	nl_put_raw(msg, 4, "0000\n01", 8);
}

static void peer_type_alone(struct nl_msg *msg)
{
	uint32_t type = 2;

	nl_put_raw(msg, 1, second_peer, 16);
	nl_put_raw(msg, 3, &type, 4);
}

static void peer_unknown_type(struct nl_msg *msg)
{
	uint32_t type = 3;

	nl_put_raw(msg, 1, second_peer, 16);
	nl_put_raw(msg, 2, second_peer, 16);
	nl_put_raw(msg, 3, &type, 4);
}

static void peer_unknown_attribute(struct nl_msg *msg)
{
	nl_put_raw(msg, 1, second_peer, 16);
	nl_put_raw(msg, 5, "x", 2);
}

/* An attribute that says it is longer than what it lies in. */
static void peer_truncated(struct nl_msg *msg)
{
	struct nlattr *attr = (struct nlattr *)((char *)nlmsg_hdr(msg) + nlmsg_hdr(msg)->nlmsg_len);

	nl_put_raw(msg, 1, second_peer, 16);
	attr->nla_len = 200;
}

static void test_roster(void)
{
	static const struct {
		void (*peer)(struct nl_msg *msg);
		int error;
	} broken[] = {
		{ peer_twice, EINVAL }, { peer_without_uuid, EINVAL }, { peer_of_zeros, EINVAL },
		{ peer_short_uuid, ERANGE }, { peer_unterminated, EINVAL },
		{ peer_long_slot, EINVAL }, { peer_dirty_slot, EINVAL },
		{ peer_type_alone, EINVAL }, { peer_unknown_type, ERANGE },
		{ peer_unknown_attribute, EINVAL }, { peer_truncated, EINVAL },
	};
	struct snapshot before;
	uint64_t sequence;
	int i;

	adopt(dev_a, DRIVE_A);
	OK("drive-get", "uuid=" DRIVE_A);
	sequence = DNUM("sequence");
	expect_ok(__LINE__, ask_roster(3, 2, NULL, false));
	EXPECT(last.cmd == 21 && DNUM("sequence") == sequence + 1);
	ATTRS(nl_drive, DRIVE_ATTRS, "");
	/* nothing new is not written, nor is what is only checked */
	before = snap();
	expect_ok(__LINE__, ask_roster(3, 2, NULL, false));
	expect_ok(__LINE__, ask_roster(4, 3, NULL, true));
	for (i = 0; i < COUNT(broken); i++)
		if (ask_roster(4, 2, broken[i].peer, false) != -broken[i].error || !last.message[0]) {
			tap_failed = true;
			printf("# bad peer %d: got %d \"%s\"\n", i, last.error, last.message);
		}
	EXPECT(ask_roster(4, 65, NULL, false) == -E2BIG && last.message[0]);
	REFUSED(ENOENT, "uuid", "no drive", "drive-roster", "uuid=" NOBODY, "roster-generation=4");
	EXPECT(unchanged(before));
	/* full, empty; it is the owner's */
	expect_ok(__LINE__, ask_roster(4, 64, NULL, false));
	expect_ok(__LINE__, ask_roster(5, 0, NULL, false));
	EXPECT(DNUM("sequence") == sequence + 3);
	OK("drive-detach", "uuid=" DRIVE_A);
	OK("drive-attach", item("dev", dev_a), "host=" HOST, "read-only=1");
	before = snap();
	EXPECT(ask_roster(6, 2, NULL, false) == -EROFS && strstr(last.message, "read-only"));
	EXPECT(unchanged(before));
	OK("drive-fail", "uuid=" DRIVE_A);
	EXPECT(ask_roster(6, 2, NULL, false) == -EROFS);
	wipe(dev_a, DRIVE_A);
	adopt(dev_a, DRIVE_A);
	OK("drive-fail", "uuid=" DRIVE_A);
	before = snap();
	EXPECT(ask_roster(6, 2, NULL, false) == -ENODEV && strstr(last.message, "not live"));
	EXPECT(unchanged(before));
	wipe(dev_a, DRIVE_A);
}

static const char *const bad_names[] = {
	"", "-a", ".a", "_a", "a b", "a/b", "a\tb", "a\nb", "a:b", "\xc3\xa4", "a\x7f", "a\x01",
};

static void check_names(const char *op, const char *attr, const char *const *base)
{
	const char *items[8];
	char name[80];
	int i, n, k;

	for (n = 0; base[n]; n++)
		items[n] = base[n];
	items[n + 1] = NULL;
	for (i = 0; i < COUNT(bad_names); i++) {
		snprintf(name, sizeof(name), "%s=%s", attr, bad_names[i]);
		items[n] = name;
		expect_refused(__LINE__, op, EINVAL, attr, "name must be", ask_items(op, items));
	}
	/* 63 may be, 64 not */
	k = snprintf(name, sizeof(name), "%s=", attr);
	memset(name + k, 'n', 64);
	name[k + 63] = '\0';
	items[n] = name;
	expect_ok(__LINE__, ask_items(op, items));
	name[k + 63] = 'n';
	name[k + 64] = '\0';
	if (ask_items(op, items) != -EINVAL && last.error != -ERANGE)
		tap_expect(false, __FILE__, __LINE__, "64 bytes of name are refused", 0);
}

static void test_create(void)
{
	static const char *const base[] = { "drive=" DRIVE_A, "size=1M", "check", NULL };
	static const char *const bad_sizes[] = {
		"size=0", "size=1", "size=1048575", "size=1048577", "size=18446744073709551615",
		"size=9223372036854775809",
	};
	static const char *const long_sizes[] = {
		"size=18446744073708503040", "size=9223372036854775808", "size=1024G",
	};
	struct snapshot before;
	char largest[64];
	uint64_t free;
	int i;

	adopt(dev_a, DRIVE_A);
	before = snap();
	for (i = 0; i < COUNT(bad_sizes); i++)
		REFUSED(EINVAL, "size", "multiple of 1 MiB", "ns-create", "drive=" DRIVE_A, "name=n",
			bad_sizes[i]);
	for (i = 0; i < COUNT(long_sizes); i++)
		REFUSED(ENOSPC, "size", "not enough space", "ns-create", "drive=" DRIVE_A, "name=n",
			long_sizes[i]);
	check_names("ns-create", "name", base);
	REFUSED(ENOENT, "drive", "no drive", "ns-create", "drive=" NOBODY, "name=n", "size=1M");
	EXPECT(unchanged(before));

	OK("ns-create", "drive=" DRIVE_A, "name=one", "size=300M");
	EXPECT(last.cmd == 10 && last.parts == 1);
	LIVE_ATTRS("", "");
	EXPECT(!strcmp(TEXT("name"), "one") && !strcmp(TEXT("drive"), DRIVE_A));
	EXPECT(!strcmp(TEXT("state"), "live") && !strcmp(TEXT("policy"), "data"));
	EXPECT(NUM("size") == 300 * MIB && NUM("start") == MIB && NUM("nsid") == 1);
	EXPECT(!NUM("open") && !NUM("read-only"));
	EXPECT(!strncmp(TEXT("device"), "pnvme", 5));
	REFUSED(EEXIST, "name", "already is a namespace one", "ns-create", "drive=" DRIVE_A,
		"name=one", "size=1M");
	make("two", "300M");
	make("three", "300M");
	OK("drive-get", "uuid=" DRIVE_A);
	free = DNUM("free");
	EXPECT(DNUM("namespaces") == 3 && free == DNUM("size") - 900 * MIB);
	OK("ns-delete", "name=two");
	EXPECT(last.cmd == 11);
	ATTRS(nl_namespace, " uuid ", "");

	before = snap();
	REFUSED(ENOSPC, "size", "fragmented", "ns-create", "drive=" DRIVE_A, "name=n", "size=400M");
	REFUSED(ENOSPC, "size", "not enough space", "ns-create", "drive=" DRIVE_A, "name=n",
		"size=1000M");
	OK("ns-create", "drive=" DRIVE_A, "name=n", "largest", "check");
	EXPECT(NUM("size") == 300 * MIB);
	EXPECT(unchanged(before));
	/* best fit: the small gap behind, which nobody has used, not the large one */
	OK("ns-create", "drive=" DRIVE_A, "name=four", "size=1M");
	EXPECT(NUM("start") == 901 * MIB && !strcmp(TEXT("state"), "live"));
	OK("ns-create", "drive=" DRIVE_A, "name=five", "largest", "keep-data");
	EXPECT(NUM("size") == 300 * MIB && NUM("start") == 301 * MIB && NUM("nsid") == 4);
	EXPECT(!strcmp(TEXT("state"), "live"));
	snprintf(largest, sizeof(largest), "size=%" PRIu64, free - MIB);
	OK("ns-create", "drive=" DRIVE_A, "name=six", largest);
	before = snap();
	REFUSED(ENOSPC, "largest", "no free space", "ns-create", "drive=" DRIVE_A, "name=n", "largest");
	EXPECT(unchanged(before));
	wipe(dev_a, DRIVE_A);
}

static void test_ns_get(void)
{
	char uuid[64];

	adopt(dev_a, DRIVE_A);
	adopt(dev_b, DRIVE_B);
	make("one", "1M");
	make("two", "2M");
	OK("ns-create", "drive=" DRIVE_B, "name=three", "size=3M");
	REFUSED(ENOENT, "name", "no namespace four", "ns-get", "name=four");
	REFUSED(ENOENT, "uuid", "no namespace " NOBODY, "ns-get", "uuid=" NOBODY);
	OK("ns-get", "name=two");
	EXPECT(last.cmd == 9 && last.parts == 1);
	LIVE_ATTRS("", "");
	snprintf(uuid, sizeof(uuid), "uuid=%s", TEXT("uuid"));
	OK("ns-get", uuid);
	EXPECT(!strcmp(TEXT("name"), "two"));
	OK("ns-get", uuid, "name=two");
	REFUSED(ENOENT, NULL, "no namespace", "ns-get", uuid, "name=one");

	EXPECT(PARTS("ns-get", NULL) == 3);
	LIVE_ATTRS("", "");
	EXPECT(PARTS("ns-get", "drive=" DRIVE_A) == 2);
	EXPECT(PARTS("ns-get", "drive=" DRIVE_B) == 1 && !strcmp(TEXT("name"), "three"));
	EXPECT(PARTS("ns-get", "drive=" NOBODY) == 0);
	EXPECT(PARTS("ns-get", "name=one") == 1 && !strcmp(TEXT("name"), "one"));
	EXPECT(PARTS("ns-get", uuid) == 1 && !strcmp(TEXT("name"), "two"));
	EXPECT(PARTS("ns-get", uuid, "name=one") == 0);
	EXPECT(PARTS("ns-get", uuid, "drive=" DRIVE_B) == 0);
	/* statistics: a message for read of each queue at least, and the same filters */
	EXPECT(PARTS("stat-get", NULL) >= 3);
	EXPECT(PARTS("stat-get", "op=read", "queue=0") == 3);
	EXPECT(PARTS("stat-get", "op=read", "queue=0", "drive=" DRIVE_B) == 1);
	EXPECT(PARTS("stat-get", "drive=" NOBODY) == 0);
	EXPECT(PARTS("stat-get", "queue=65535") == 0);
	EXPECT(PARTS("stat-get", "op=passthru-other", "queue=0") == 0);
	EXPECT(PARTS("stat-get", "op=8") == -ERANGE);
	wipe(dev_a, DRIVE_A);
	wipe(dev_b, DRIVE_B);
	EXPECT(PARTS("ns-get", NULL) == 0);
}

static int open_ns(const char *name, int flags)
{
	char path[300];
	int fd;

	if (ask("ns-get", item("name", name)))
		nl_die("no %s", name);
	snprintf(path, sizeof(path), "/dev/%s", TEXT("device"));
	fd = open(path, flags);
	if (fd < 0)
		nl_die("cannot open %s: %s", path, strerror(errno));
	return fd;
}

static void test_resize(void)
{
	struct snapshot before;
	int fd;

	adopt(dev_a, DRIVE_A);
	make("one", "4M");
	make("two", "4M");
	before = snap();
	REFUSED(EINVAL, "size", "multiple of 1 MiB", "ns-resize", "name=two", "size=0");
	REFUSED(EINVAL, "size", "multiple of 1 MiB", "ns-resize", "name=two", "size=4194305");
	REFUSED(EINVAL, "size", "multiple of 1 MiB", "ns-resize", "name=two",
		"size=18446744073709551615");
	REFUSED(ENOSPC, "size", "not enough space", "ns-resize", "name=two",
		"size=18446744073708503040");
	REFUSED(ENOSPC, "size", "not enough space", "ns-resize", "name=two",
		"size=9223372036854775808");
	REFUSED(ENOSPC, "size", "in the way", "ns-resize", "name=one", "size=5M");
	REFUSED(EINVAL, NULL, "force", "ns-resize", "name=two", "size=3M");
	REFUSED(ENOENT, "name", "no namespace", "ns-resize", "name=none", "size=3M");
	OK("ns-resize", "name=two", "size=9M", "check");
	OK("ns-resize", "name=two", "size=2M", "force", "check");
	EXPECT(unchanged(before));

	fd = open_ns("two", O_RDONLY);
	OK("ns-resize", "name=two", "size=8M");
	EXPECT(last.cmd == 12 && NUM("size") == 8 * MIB && NUM("open") == 1);
	EXPECT(!strncmp(TEXT("opener"), "nl_abi[", 7));
	LIVE_ATTRS("opener ", "");
	before = snap();
	REFUSED(EBUSY, NULL, "is open", "ns-resize", "name=two", "size=2M", "force");
	REFUSED(EBUSY, NULL, "nl_abi[", "ns-delete", "name=two");
	REFUSED(EBUSY, NULL, "is open", "ns-set", "name=two", "read-only=1");
	REFUSED(EBUSY, NULL, "namespace two", "drive-detach", "uuid=" DRIVE_A);
	REFUSED(EBUSY, NULL, "namespace two", "drive-detach", "uuid=" DRIVE_A, "release");
	EXPECT(unchanged(before));
	close(fd);
	OK("ns-resize", "name=two", "size=2M", "force");
	EXPECT(NUM("size") == 2 * MIB);
	/* grown over what was its own: zeroed first */
	OK("ns-resize", "name=two", "size=6M");
	LIVE_ATTRS("", " pending-size zeroed zero-total ");
	EXPECT(NUM("size") == 6 * MIB || NUM("pending-size") == 6 * MIB);
	while (!ask("ns-get", "name=two") && NUM("pending-size"))
		usleep(20000);
	EXPECT(NUM("size") == 6 * MIB);
	LIVE_ATTRS("", "");
	wipe(dev_a, DRIVE_A);
}

/* What they are for needs a drive that goes away: test_hold.sh. */
static void test_fail(void)
{
	struct snapshot before;

	adopt(dev_a, DRIVE_A);
	OK("ns-create", "drive=" DRIVE_A, "name=one", "size=1M");
	before = snap();
	REFUSED(ENOENT, "uuid", "no drive", "drive-fail", "uuid=" NOBODY);
	REFUSED(ENOENT, "name", "no namespace", "ns-unfence", "name=nobody");
	OK("drive-fail", "uuid=" DRIVE_A, "check");
	EXPECT(last.cmd == 17 && !strcmp(DTEXT("state"), "live"));
	OK("ns-unfence", "name=one");
	EXPECT(last.cmd == 18 && !strcmp(TEXT("fence"), "none"));
	EXPECT(unchanged(before));
	OK("drive-fail", "uuid=" DRIVE_A);
	ATTRS(nl_drive, DRIVE_ATTRS, " reason ");
	EXPECT(!strcmp(DTEXT("state"), "failed") && !DNUM("holds"));
	OK("drive-fail", "uuid=" DRIVE_A);
	REFUSED(ENODEV, NULL, "not live", "drive-set", "uuid=" DRIVE_A, "latency=1");
	REFUSED(ESTALE, "uuid", "is drive", "drive-attach", item("dev", dev_a), "uuid=" NOBODY,
		"host=" HOST);
	OK("drive-attach", item("dev", dev_a), "host=" HOST, "check");
	OK("drive-get", "uuid=" DRIVE_A);
	EXPECT(!strcmp(DTEXT("state"), "failed"));
	OK("drive-attach", item("dev", dev_a), "host=" HOST);
	EXPECT(!strcmp(DTEXT("state"), "live") && DNUM("epoch") == 1);
	OK("ns-delete", "name=one");
	wipe(dev_a, DRIVE_A);
}

static void test_seal(void)
{
	struct snapshot before;
	char token[64], next[64];

	adopt(dev_a, DRIVE_A);
	OK("ns-create", "drive=" DRIVE_A, "name=one", "size=1M");
	await_live("one");
	EXPECT(!strcmp(TEXT("seal"), "none") && !nl_has(&last, nl_namespace, "sealed-at"));
	before = snap();
	REFUSED(ENOENT, "name", "no namespace", "ns-seal-begin", "name=nobody");
	REFUSED(ENOENT, "name", "no namespace", "ns-seal", "name=nobody", "seal-token=1", SEAL("1", "1"));
	REFUSED(ESTALE, NULL, "was written to", "ns-seal", "name=one", "seal-token=0", SEAL("1", "1"));
	REFUSED(ESTALE, NULL, "was written to", "ns-seal", "name=one", "seal-token=1", SEAL("1", "1"));
	OK("ns-seal-begin", "name=one", "check");
	EXPECT(last.cmd == 19 && !NUM("seal-token"));
	OK("ns-seal-begin", "name=one");
	ATTRS(nl_namespace, " uuid seal-token ", "");
	EXPECT(NUM("seal-token"));
	/* one that was not the last is void, and what is refused leaves the last one as it is */
	snprintf(token, sizeof(token), "seal-token=%" PRIu64, NUM("seal-token"));
	OK("ns-seal-begin", "name=one");
	snprintf(next, sizeof(next), "seal-token=%" PRIu64, NUM("seal-token"));
	REFUSED(ESTALE, NULL, "was written to", "ns-seal", "name=one", token, SEAL("1", "1"), "check");
	memcpy(token, next, sizeof(token));
	REFUSED(EINVAL, NULL, "out of range", "ns-seal", "name=one", token, SEAL("0", "0"), "check");
	REFUSED(EINVAL, NULL, "out of range", "ns-seal", "name=one", token, SEAL("2", "1"), "check");
	REFUSED(EINVAL, NULL, "out of range", "ns-seal", "name=one", token, SEAL("1048577", "1048577"),
		"check");
	REFUSED(EINVAL, NULL, "more blocks than there are", "ns-seal", "name=one", token,
		SEAL("1", "257"), "check");
	EXPECT(unchanged(before));
	OK("ns-seal", "name=one", token, SEAL("3", "256"));
	LIVE_ATTRS("sealed-at seal-samples seal-looked seal-seed seal-digest ", "");
	EXPECT(last.cmd == 20 && !strcmp(TEXT("seal"), "sealed") && NUM("seal-samples") == 3 &&
	       NUM("seal-looked") == 256 && !strcmp(TEXT("seal-seed"), HOST) && NUM("sealed-at") &&
	       !strncmp(TEXT("seal-digest"), "00112233445566778899aabbccddeeff0011", 36));
	REFUSED(ESTALE, NULL, "was written to", "ns-seal", "name=one", token, SEAL("1", "1"));
	OK("ns-resize", "name=one", "size=2M");
	EXPECT(!strcmp(TEXT("seal"), "broken") && NUM("seal-broken-at") >= NUM("sealed-at"));
	OK("ns-delete", "name=one");
	wipe(dev_a, DRIVE_A);
}

/* What came back, and what is asked for. */
struct deleted {
	char uuid[64], nguid[64], start[32], nsid[32];
};

static void delete(const char *name, struct deleted *d)
{
	OK("ns-get", item("name", name));
	snprintf(d->uuid, sizeof(d->uuid), "uuid=%s", TEXT("uuid"));
	snprintf(d->nguid, sizeof(d->nguid), "nguid=%s", TEXT("nguid"));
	snprintf(d->start, sizeof(d->start), "start=%" PRIu64, NUM("start"));
	snprintf(d->nsid, sizeof(d->nsid), "nsid=%" PRIu64, NUM("nsid"));
	OK("ns-delete", item("name", name));
}

static void test_undelete(void)
{
	struct snapshot before;
	struct deleted d, other;

	adopt(dev_a, DRIVE_A);
	make("other", "1M");
	make("one", "4M");
	delete("one", &d);
	before = snap();
#define UNDELETE(uuid, nguid, name, start, size, ...) \
	"drive=" DRIVE_A, uuid, nguid, name, start, size, d.nsid, ##__VA_ARGS__
	REFUSED(ESTALE, NULL, "zeroed or given", "ns-undelete", UNDELETE("uuid=" NOBODY, d.nguid, "name=one", d.start, "size=4M"));
	REFUSED(ESTALE, NULL, "zeroed or given", "ns-undelete", UNDELETE(d.uuid, d.nguid, "name=one", "start=3M", "size=4M"));
	REFUSED(ESTALE, NULL, "zeroed or given", "ns-undelete", UNDELETE(d.uuid, d.nguid, "name=one", d.start, "size=3M"));
	REFUSED(ESTALE, NULL, "zeroed or given", "ns-undelete", UNDELETE(d.uuid, d.nguid, "name=one", d.start, "size=5M"));
	REFUSED(ESTALE, NULL, "zeroed or given", "ns-undelete", UNDELETE(d.uuid, d.nguid, "name=one", "start=0xffffffffffffffff", "size=4M"));
	REFUSED(ESTALE, NULL, "zeroed or given", "ns-undelete", UNDELETE("uuid=" ZERO_ID, d.nguid, "name=one", d.start, "size=0"));
	REFUSED(EINVAL, NULL, "NGUID is zero", "ns-undelete", UNDELETE(d.uuid, "nguid=" ZERO_ID, "name=one", d.start, "size=4M"));
	REFUSED(EINVAL, "name", "a name must be", "ns-undelete", UNDELETE(d.uuid, d.nguid, "name=.", d.start, "size=4M"));
	REFUSED(EEXIST, "name", "already is a namespace", "ns-undelete", UNDELETE(d.uuid, d.nguid, "name=other", d.start, "size=4M"));
	REFUSED(EINVAL, NULL, "ID is out of range", "ns-undelete", "drive=" DRIVE_A, d.uuid, d.nguid,
		"name=one", d.start, "size=4M", "nsid=65");
	REFUSED(ENOENT, "drive", "no drive", "ns-undelete", "drive=" NOBODY, d.uuid, d.nguid, "name=one",
		d.start, "size=4M");
	OK("ns-undelete", UNDELETE(d.uuid, d.nguid, "name=one", d.start, "size=4M", "check"));
	EXPECT(unchanged(before));
	OK("ns-undelete", UNDELETE(d.uuid, d.nguid, "name=new", d.start, "size=4M", "policy=admin", "read-only=1"));
	EXPECT(last.cmd == 24 && !strcmp(TEXT("name"), "new") && NUM("size") == 4 * MIB);
	EXPECT(!strcmp(TEXT("uuid"), d.uuid + 5) && !strcmp(TEXT("nguid"), d.nguid + 6));
	EXPECT(!strcmp(TEXT("policy"), "admin") && NUM("read-only") == 1);
	LIVE_ATTRS("", "");
	REFUSED(EEXIST, NULL, "UUID is taken", "ns-undelete", UNDELETE(d.uuid, d.nguid, "name=two", d.start, "size=4M"));
	/* a taken nsid is no obstacle, and a part that was given away is one */
	delete("new", &d);
	delete("other", &other);
	OK("ns-create", "drive=" DRIVE_A, "name=big", "largest", "keep-data");
	OK("ns-delete", "name=big");
	REFUSED(ESTALE, NULL, "zeroed or given", "ns-undelete", UNDELETE(d.uuid, d.nguid, "name=one", d.start, "size=4M"));
	REFUSED(ESTALE, NULL, "zeroed or given", "ns-undelete", "drive=" DRIVE_A, other.uuid, other.nguid,
		"name=other", other.start, "size=1M");
	wipe(dev_a, DRIVE_A);
}

/* The front of a device, as an image. */
static const char *image(const char *dev, int flip)
{
	static unsigned char front[65536 + NL_LABEL] __attribute__((aligned(4096)));
	static char path[32];
	int fd = open(dev, O_RDONLY | O_DIRECT);

	strcpy(path, "/tmp/nl_abi.XXXXXX");
	if (pread(fd, front, sizeof(front), 0) != sizeof(front))
		nl_die("%s cannot be read", dev);
	close(fd);
	front[65536 + 300] ^= flip;
	fd = mkstemp(path);
	if (write(fd, front, sizeof(front)) != sizeof(front))
		nl_die("%s cannot be written", path);
	close(fd);
	return path;
}

static void test_restore(void)
{
	char label[64], bad[64];
	struct snapshot before;

	adopt(dev_b, DRIVE_B);
	OK("ns-create", "drive=" DRIVE_B, "name=one", "size=4M");
	OK("drive-detach", "uuid=" DRIVE_B);
	snprintf(label, sizeof(label), "label=%s", image(dev_b, 0));
	snprintf(bad, sizeof(bad), "label=%s", image(dev_b, 1));
	before = snap();
#define RESTORE(uuid, host, label, ...) item("dev", dev_b), uuid, host, label, ##__VA_ARGS__
	REFUSED(EEXIST, NULL, "carries a pnvme label", "drive-restore", RESTORE("uuid=" DRIVE_B, "host=" HOST, label));
	EXPECT(unchanged(before));
	OK("drive-erase", item("dev", dev_b), "uuid=" DRIVE_B, "host=" HOST);
	before = snap();
	REFUSED(EINVAL, NULL, "not a whole one", "drive-restore", RESTORE("uuid=" DRIVE_B, "host=" HOST, bad));
	REFUSED(ESTALE, "uuid", "label of drive", "drive-restore", RESTORE("uuid=" NOBODY, "host=" HOST, label));
	REFUSED(EXDEV, NULL, "belongs to host", "drive-restore", RESTORE("uuid=" DRIVE_B, "host=" HOST2, label));
	REFUSED(ENOTUNIQ, NULL, "names other hardware", "drive-restore", item("dev", dev_a), "uuid=" DRIVE_B,
		"host=" HOST, label);
	OK("drive-restore", RESTORE("uuid=" DRIVE_B, "host=" HOST, label, "check"));
	EXPECT(unchanged(before));
	OK("drive-restore", RESTORE("uuid=" DRIVE_B, "host=" HOST, label));
	EXPECT(last.cmd == 23 && DNUM("epoch") == 2 && DNUM("namespaces") == 1 && DNUM("repaired") == 1);
	ATTRS(nl_drive, DRIVE_ATTRS, "");
	OK("ns-get", "name=one");
	EXPECT(NUM("size") == 4 * MIB);
	REFUSED(EBUSY, NULL, "", "drive-restore", RESTORE("uuid=" DRIVE_B, "host=" HOST, label));
	unlink(label + 6);
	unlink(bad + 6);
	wipe(dev_b, DRIVE_B);
}

static void test_rename(void)
{
	static const char *const base[] = { "name=one", "check", NULL };
	struct snapshot before;
	char uuid[64];

	adopt(dev_a, DRIVE_A);
	adopt(dev_b, DRIVE_B);
	make("one", "1M");
	OK("ns-create", "drive=" DRIVE_B, "name=two", "size=1M");
	before = snap();
	check_names("ns-rename", "new-name", base);
	REFUSED(EEXIST, "new-name", "already is a namespace two", "ns-rename", "name=one",
		"new-name=two");
	REFUSED(ENOENT, "name", "no namespace", "ns-rename", "name=none", "new-name=three");
	EXPECT(unchanged(before));
	OK("ns-get", "name=one");
	snprintf(uuid, sizeof(uuid), "uuid=%s", TEXT("uuid"));
	OK("ns-rename", "name=one", "new-name=uno");
	EXPECT(last.cmd == 13 && !strcmp(TEXT("name"), "uno"));
	LIVE_ATTRS("", "");
	OK("ns-rename", uuid, "new-name=one");
	OK("ns-rename", uuid, "name=one", "new-name=one");

	/* the same name on two drives that did not know of each other */
	OK("drive-detach", "uuid=" DRIVE_B);
	OK("ns-rename", "name=one", "new-name=two");
	OK("drive-attach", item("dev", dev_b), "host=" HOST);
	EXPECT(PARTS("ns-get", "drive=" DRIVE_B) == 1);
	EXPECT(!strcmp(TEXT("state"), "name-conflict") && nl_has(&last, nl_namespace, "device"));
	snprintf(uuid, sizeof(uuid), "uuid=%s", TEXT("uuid"));
	OK("ns-get", "name=two");
	EXPECT(!strcmp(TEXT("drive"), DRIVE_A));
	OK("ns-rename", uuid, "new-name=three");
	EXPECT(!strcmp(TEXT("state"), "live"));
	wipe(dev_a, DRIVE_A);
	wipe(dev_b, DRIVE_B);
}

static void test_ns_set(void)
{
	struct snapshot before;

	adopt(dev_a, DRIVE_A);
	make("one", "1M");
	before = snap();
	REFUSED(ERANGE, "policy", "", "ns-set", "name=one", "policy=3");
	REFUSED(ERANGE, "read-only", "", "ns-set", "name=one", "read-only=2");
	EXPECT(unchanged(before));
	OK("ns-set", "name=one", "read-only=1", "policy=admin");
	EXPECT(last.cmd == 14 && NUM("read-only") == 1 && !strcmp(TEXT("policy"), "admin"));
	LIVE_ATTRS("", "");
	OK("drive-detach", "uuid=" DRIVE_A);
	OK("drive-attach", item("dev", dev_a), "host=" HOST);
	OK("ns-get", "name=one");
	EXPECT(NUM("read-only") == 1 && !strcmp(TEXT("policy"), "admin"));
	OK("ns-set", "name=one", "read-only=0");
	EXPECT(!NUM("read-only") && !strcmp(TEXT("policy"), "admin"));
	wipe(dev_a, DRIVE_A);
}

/* Zeroing shows its progress, and a namespace under way can be cancelled. */
static void test_zeroing(void)
{
	adopt(dev_a, DRIVE_A);
	make("old", "512M");
	OK("ns-delete", "name=old");
	OK("ns-create", "drive=" DRIVE_A, "name=new", "size=512M");
	ATTRS(nl_namespace, NS_ATTRS, " zeroed zero-total device major minor ");
	if (!strcmp(TEXT("state"), "zeroing")) {
		EXPECT(NUM("zero-total") == 512 * MIB && NUM("zeroed") <= 512 * MIB);
		EXPECT(!nl_has(&last, nl_namespace, "device"));
	}
	await_live("new");
	LIVE_ATTRS("", "");
	OK("ns-delete", "name=new");
	OK("ns-create", "drive=" DRIVE_A, "name=new", "size=1000M");
	OK("ns-delete", "name=new");
	REFUSED(ENOENT, "name", "no namespace", "ns-get", "name=new");
	OK("drive-get", "uuid=" DRIVE_A);
	EXPECT(DNUM("free") == DNUM("size") && !DNUM("namespaces"));
	wipe(dev_a, DRIVE_A);
}

static int homeless;	/* namespaces that were live and had no device */

static void note_homeless(const struct nl_reply *part, void *arg)
{
	(void)arg;
	homeless += !strcmp(nl_text(part, nl_namespace, "state"), "live") &&
		    !nl_has(part, nl_namespace, "device");
}

/* In a process of its own, until it is told to end: its status says what it saw. */
static void watch_until(int fd)
{
	struct pollfd end = { .fd = fd, .events = POLLIN };
	struct nl_sock *own = nl_open();
	int dumps;

	if (nl_family(own) < 0)
		_exit(2);
	for (dumps = 0; !poll(&end, 1, 0); dumps++)
		if (nl_ask_all(own, nl_request("ns-get", NLM_F_DUMP), &last, note_homeless, NULL, NULL))
			_exit(3);
	_exit(homeless ? 1 : dumps < 10 ? 4 : 0);
}

/* Who finds a namespace live finds its device, whatever happens meanwhile. */
static void test_live(void)
{
	int end[2], status, i;
	pid_t child;

	adopt(dev_a, DRIVE_A);
	EXPECT(!pipe(end));
	child = fork();
	if (!child) {
		close(end[1]);
		watch_until(end[0]);
	}
	close(end[0]);
	for (i = 0; i < 8; i++) {
		make("one", "1M");
		await_live("one");	/* from the second on it is zeroed */
		OK("drive-detach", "uuid=" DRIVE_A);
		OK("drive-attach", item("dev", dev_a), "host=" HOST);
		OK("ns-delete", "name=one");
	}
	close(end[1]);
	EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status));
	if (WEXITSTATUS(status))
		printf("# the watcher ended with %d\n", WEXITSTATUS(status));
	EXPECT(!WEXITSTATUS(status));
	wipe(dev_a, DRIVE_A);
}

/* Events. */

static struct nl_sock *events;

/* The event that comes next, or nothing within a short time if @type is NULL. */
static void expect_event(int line, const char *type, const char *drive, const char *name)
{
	static struct nl_reply event;
	static uint64_t before;
	uint64_t now = time(NULL), at;

	if (nl_next_event(events, &event, type ? 5000 : 200)) {
		if (!type)
			return;
		tap_failed = true;
		printf("# line %d: no event %s\n", line, type);
		return;
	}
	if (type && !strcmp(type, "drive-verdict"))
		expect_attrs(line, &event, nl_event, " type message drive device time verdict ", "");
	else
		expect_attrs(line, &event, nl_event,
			     name ? " type message drive device namespace name time "
				  : " type message drive device time ", "");
	at = nl_number(&event, nl_event, "time");
	if (!type || event.cmd != 15 || strcmp(nl_text(&event, nl_event, "type"), type) ||
	    strcmp(nl_text(&event, nl_event, "drive"), drive) ||
	    strcmp(nl_text(&event, nl_event, "name"), name ? name : "") ||
	    !nl_text(&event, nl_event, "message")[0] ||
	    at < before || at / 1000000000 > now + 1 || at / 1000000000 + 60 < now) {
		tap_failed = true;
		printf("# line %d: expected event %s, got %s of %s %s \"%s\" at %" PRIu64 "\n", line,
		       type ? type : "none", nl_text(&event, nl_event, "type"),
		       nl_text(&event, nl_event, "drive"), nl_text(&event, nl_event, "name"),
		       nl_text(&event, nl_event, "message"), at);
	}
	before = at;
}

#define EVENT(type, name) expect_event(__LINE__, type, DRIVE_A, name)

static void test_events(void)
{
	events = nl_open();
	if (nl_listen(events))
		nl_die("no group events");
	adopt(dev_a, DRIVE_A);
	EVENT("drive-attach", NULL);
	make("one", "4M");
	EVENT("ns-create", "one");
	OK("ns-create", "drive=" DRIVE_A, "name=two", "size=4M", "check");
	REFUSED(EEXIST, NULL, "", "ns-create", "drive=" DRIVE_A, "name=one", "size=4M");
	OK("ns-resize", "name=one", "size=8M");
	EVENT("ns-resize", "one");
	OK("ns-rename", "name=one", "new-name=uno");
	EVENT("ns-rename", "uno");
	OK("ns-set", "name=uno", "read-only=1");
	EVENT("ns-set", "uno");
	OK("drive-set", "uuid=" DRIVE_A, "latency=7");
	EVENT("drive-set", NULL);
	OK("ns-delete", "name=uno");
	EVENT("ns-delete", "uno");
	OK("ns-create", "drive=" DRIVE_A, "name=dirty", "size=8M");
	EVENT("ns-create", "dirty");
	OK("drive-detach", "uuid=" DRIVE_A);
	EVENT("drive-detach", NULL);
	OK("drive-attach", item("dev", dev_a), "host=" HOST);
	EVENT("drive-attach", NULL);
	OK("drive-detach", "uuid=" DRIVE_A, "release");
	EVENT("drive-detach", NULL);
	OK("drive-erase", item("dev", dev_a), "uuid=" DRIVE_A, "host=" HOST);
	EVENT(NULL, NULL);
	nl_socket_free(events);
}

static void test_verdict(void)
{
	events = nl_open();
	if (nl_listen(events))
		nl_die("no group events");
	OK("drive-verdict", "uuid=" DRIVE_B, "device=nvme9n1", "verdict=replaced",
	   "evidence=other hardware is in its slot");
	expect_event(__LINE__, "drive-verdict", DRIVE_B, NULL);
	/* one that is nowhere has no device */
	OK("drive-verdict", "uuid=" DRIVE_B, "verdict=missing", "evidence=nowhere");
	expect_event(__LINE__, "drive-verdict", DRIVE_B, NULL);
	REFUSED(EINVAL, "evidence", "ASCII", "drive-verdict", "uuid=" DRIVE_B, "verdict=missing",
		"evidence=two\nlines");
	REFUSED(EINVAL, "device", "ASCII", "drive-verdict", "uuid=" DRIVE_B, "verdict=missing",
		"evidence=none", "device=nvme\x1b");
	expect_event(__LINE__, NULL, DRIVE_B, NULL);
	nl_socket_free(events);
}

/* A full table, and dumps of it. */

static uint64_t nsids;

static void note_nsid(const struct nl_reply *part, void *arg)
{
	uint64_t nsid = nl_number(part, nl_namespace, "nsid");

	(void)arg;
	if (nsid < 1 || nsid > 64 || nsids & 1ULL << (nsid - 1))
		printf("# namespace ID %" PRIu64 " is wrong, or there twice\n", nsid);
	else
		nsids |= 1ULL << (nsid - 1);
}

static void rename_between(int reads, void *arg)
{
	static struct nl_reply reply;
	struct nl_msg *msg;

	(void)arg;
	if (reads != 1)
		return;
	msg = nl_request("ns-rename", 0);
	nl_put_named(msg, "ns-rename", "name", "ns-1");
	nl_put_named(msg, "ns-rename", "new-name", "renamed");
	if (nl_ask(sk, msg, &reply))
		nl_die("rename in a dump: %s", reply.message);
}

static void test_table(void)
{
	/* one that reads little at once, so that a dump comes in many parts */
	struct nl_sock *small = nl_open_with(4096);
	struct snapshot before;
	char name[16];
	int i;

	adopt(dev_a, DRIVE_A);
	for (i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "ns-%d", i);
		make(name, "1M");
	}
	before = snap();
	REFUSED(ENOSPC, NULL, "table is full", "ns-create", "drive=" DRIVE_A, "name=n", "size=1M");
	REFUSED(ENOSPC, NULL, "table is full", "ns-create", "drive=" DRIVE_A, "name=n", "largest");
	EXPECT(unchanged(before));

	nsids = 0;
	EXPECT(!nl_ask_all(small, nl_request("ns-get", NLM_F_DUMP), &last, note_nsid, NULL, NULL));
	EXPECT(last.parts == 64 && nsids == ~0ULL && !last.interrupted);
	EXPECT(last.reads > 2);
	/* a change between two parts is told */
	EXPECT(!nl_ask_all(small, nl_request("ns-get", NLM_F_DUMP), &last, NULL, rename_between, NULL));
	EXPECT(last.interrupted);
	EXPECT(!nl_ask_all(sk, nl_request("ns-get", NLM_F_DUMP), &last, NULL, NULL, NULL));
	EXPECT(last.parts == 64 && !last.interrupted);

	OK("ns-delete", "name=ns-17");
	OK("ns-create", "drive=" DRIVE_A, "name=again", "size=1M", "keep-data");
	EXPECT(NUM("nsid") == 18);
	OK("drive-detach", "uuid=" DRIVE_A);
	OK("drive-attach", item("dev", dev_a), "host=" HOST);
	EXPECT(DNUM("namespaces") == 64);
	wipe(dev_a, DRIVE_A);
	nl_socket_free(small);
}

/* Several requests in one datagram: each is answered with its own sentence. */
static void test_batch(void)
{
	struct nl_reply *reply = calloc(1, sizeof(*reply));
	struct nl_msg *msg[3];
	char buf[2048];
	const char *const names[] = { "first", "second", "third" };
	int i, len = 0;

	for (i = 0; i < 3; i++) {
		msg[i] = nl_request("ns-delete", NLM_F_ACK);
		nl_put_named(msg[i], "ns-delete", "name", names[i]);
		nl_complete_msg(sk, msg[i]);
		memcpy(buf + len, nlmsg_hdr(msg[i]), nlmsg_hdr(msg[i])->nlmsg_len);
		len += NLMSG_ALIGN(nlmsg_hdr(msg[i])->nlmsg_len);
		nlmsg_free(msg[i]);
	}
	EXPECT(nl_sendto(sk, buf, len) == len);
	for (i = 0; i < 3; i++) {
		EXPECT(!nl_next_event(sk, reply, 5000));
		EXPECT(reply->error == -ENOENT && strstr(reply->message, names[i]));
	}
	free(reply);
}

/* Who may. */

#define SKIPPED 4	/* exit status of a child */
static const char *skipped;	/* why the running test was */

static void check_refused_all(int code)
{
	const struct nl_op *op;
	struct snapshot before = snap();
	int ret;

	for (op = nl_ops; op->name; op++) {
		if (is_read(op))
			continue;
		ret = ask_items(op->name, base_request(op->name));
		if (ret != -code || (code == EPERM && !strstr(last.message, "CAP_SYS_ADMIN"))) {
			tap_failed = true;
			printf("# %s: got %d \"%s\", expected %d\n", op->name, ret, last.message, -code);
		}
	}
	ret = ask("drive-detach", "uuid=" DRIVE_A);
	EXPECT(ret == -code);
	ret = ask("ns-delete", "name=ns");
	EXPECT(ret == -code);
	if (code == EPERM)
		EXPECT(unchanged(before));
}

static void check_reads_work(void)
{
	const struct nl_op *op;

	for (op = nl_ops; op->name; op++)
		if (is_read(op))
			expect_ok(__LINE__, ask_items(op->name, read_request(op->name)));
	EXPECT(PARTS("drive-get", NULL) == 1);
	EXPECT(PARTS("ns-get", NULL) == 1);
}

/* Keeps @cap alone, -1: none. */
static void keep_capability(int cap)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { };

	if (cap >= 0)
		data[cap / 32].effective = data[cap / 32].permitted = 1U << (cap % 32);
	if (syscall(SYS_capset, &head, data))
		nl_die("capset: %s", strerror(errno));
}

static void as_net_admin(void)
{
	keep_capability(CAP_NET_ADMIN);
	sk = nl_open();
	check_reads_work();
	check_refused_all(EPERM);
}

/* The socket of somebody with the right, used by somebody without. */
static void with_lent_socket(void)
{
	sk = nl_open();
	keep_capability(-1);
	check_reads_work();
	check_refused_all(EPERM);
}

static void as_nobody(void)
{
	if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
		nl_die("setuid: %s", strerror(errno));
	sk = nl_open();
	check_reads_work();
	check_refused_all(EPERM);
}

static void in_user_namespace(void)
{
	if (unshare(CLONE_NEWUSER))
		_exit(SKIPPED);
	sk = nl_open();
	check_reads_work();
	check_refused_all(EPERM);
}

static void in_network_namespace(void)
{
	if (unshare(CLONE_NEWNET))
		nl_die("no network namespace: %s", strerror(errno));
	sk = nl_open();
	EXPECT(nl_family(sk) == -ENOENT);
	EXPECT(nl_listen(sk) == -ENOENT);
	EXPECT(ask("drive-detach", "uuid=" DRIVE_A) == -ENOENT);
	EXPECT(ask("ns-delete", "name=ns") == -ENOENT);
}

static void in_both_namespaces(void)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		_exit(SKIPPED);
	sk = nl_open();
	EXPECT(nl_family(sk) == -ENOENT);
	EXPECT(ask("drive-detach", "uuid=" DRIVE_A) == -ENOENT);
}

/* A process of its own: what it loses in there does not come back. */
static void as_other(void (*fn)(void))
{
	struct snapshot before;
	int status;
	pid_t pid;

	setup_pair();
	before = snap();
	/* label_sum() reads the drives: let everybody, while this runs */
	chmod(dev_a, 0666);
	chmod(dev_b, 0666);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		fn();
		fflush(stdout);
		_exit(tap_failed ? 1 : 0);
	}
	EXPECT(waitpid(pid, &status, 0) == pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		skipped = "root cannot make a user namespace here (is / a chroot?)";
	else
		EXPECT(!status);
	chmod(dev_a, 0600);
	chmod(dev_b, 0600);
	EXPECT(unchanged(before));
	teardown_pair();
}

static void test_net_admin(void)
{
	as_other(as_net_admin);
}

static void test_lent_socket(void)
{
	as_other(with_lent_socket);
}

static void test_nobody(void)
{
	as_other(as_nobody);
}

static void test_network_namespace(void)
{
	as_other(in_network_namespace);
}

static void test_user_namespace(void)
{
	as_other(in_user_namespace);
}

static void test_both_namespaces(void)
{
	as_other(in_both_namespaces);
}

static const struct tap_test tests[] = {
	{ "numbers of the ABI", test_numbers },
	{ "info-get", test_info },
	{ "adopt, attach, import, detach, erase", test_adopt },
	{ "drive-get: one and all", test_drive_get },
	{ "drive-set", test_drive_set },
	{ "drive-roster", test_roster },
	{ "drive-verdict", test_verdict },
	{ "ns-create: names, sizes, space", test_create },
	{ "ns-get: one, all, filters", test_ns_get },
	{ "ns-resize, and what open namespaces refuse", test_resize },
	{ "ns-rename, name conflict", test_rename },
	{ "ns-set", test_ns_set },
	{ "drive-fail, ns-unfence", test_fail },
	{ "ns-seal", test_seal },
	{ "ns-undelete", test_undelete },
	{ "drive-restore", test_restore },
	{ "zeroing and its cancellation", test_zeroing },
	{ "what is live has its device", test_live },
	{ "the check flag changes nothing", test_check },
	{ "attributes that are missing", test_required },
	{ "attributes and messages that are damaged", test_broken },
	{ "unknown commands", test_unknown_command },
	{ "requests in one datagram", test_batch },
	{ "events, in order", test_events },
	{ "64 namespaces, dumps, their interruption", test_table },
	{ "CAP_NET_ADMIN alone", test_net_admin },
	{ "no capability, on a socket lent by root", test_lent_socket },
	{ "nobody", test_nobody },
	{ "root in a network namespace", test_network_namespace },
	{ "root in a user namespace", test_user_namespace },
	{ "root in a user and a network namespace", test_both_namespaces },
};

static bool run_test(int number, const struct tap_test *test)
{
	tap_failed = false;
	skipped = NULL;
	test->run();
	printf("%sok %d - %s", tap_failed ? "not " : "", number, test->name);
	if (skipped && !tap_failed)
		printf(" # SKIP %s", skipped);
	printf("\n");
	return !tap_failed;
}

static bool wanted(const struct tap_test *test, char **only)
{
	if (!*only)
		return true;
	for (; *only; only++)
		if (strstr(test->name, *only))
			return true;
	return false;
}

/* All tests, or those whose name contains one of @only. */
static int run_tests(char **only)
{
	int i, count = 0, failures = 0;

	for (i = 0; i < COUNT(tests); i++)
		count += wanted(&tests[i], only);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n1..%d\n", count);
	for (i = 0, count = 0; i < COUNT(tests); i++)
		if (wanted(&tests[i], only))
			failures += !run_test(++count, &tests[i]);
	return failures ? 1 : 0;
}

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

static int run_do(const char *op, const char *const *items)
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

static int run_dump(const char *op, const char *const *items)
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

static int run_fault(int step, const char **items)
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

static int run_detach_all(void)
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
static int run_ends(const char *path)
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
static int run_equal(const char *path)
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

static int run_events(void)
{
	if (nl_listen(sk))
		nl_die("no group events");
	printf("ready\n");
	fflush(stdout);
	for (;;)
		if (!nl_next_event(sk, &last, 60000))
			show(&last, nl_event, ' ');
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "ends"))
		return run_ends(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "equal"))
		return run_equal(argv[2]);
	if (argc < 2)
		nl_die("usage: nl_abi test DEV DEV | do OP ... | dump OP ... | detach-all | events");
	sk = nl_open();
	if (nl_family(sk) < 0)
		nl_die("no family pnvme: is the module loaded?");
	if (!strcmp(argv[1], "do") && argc > 2)
		return run_do(argv[2], (const char *const *)argv + 3);
	if (!strcmp(argv[1], "dump") && argc > 2)
		return run_dump(argv[2], (const char *const *)argv + 3);
	if (!strcmp(argv[1], "fault") && argc > 3)
		return run_fault(atoi(argv[2]), (const char **)argv + 3);
	if (!strcmp(argv[1], "detach-all"))
		return run_detach_all();
	if (!strcmp(argv[1], "events"))
		return run_events();
	if (strcmp(argv[1], "test") || argc < 4)
		nl_die("usage: nl_abi test DEV DEV [TEST]");
	dev_a = argv[2];
	dev_b = argv[3];
	return run_tests(argv + 4);
}
