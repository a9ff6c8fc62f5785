// SPDX-License-Identifier: GPL-2.0
/* Requests as such: numbers of the ABI, what is missing, damaged, unknown, or asked for together. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <linux/genetlink.h>
#include <linux/pnvme.h>
#include <sys/sysmacros.h>

#include "nl_abi.h"

/* The numbers are the ABI: they never change. */
void test_numbers(void)
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

void test_info(void)
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
		expect_refused(HERE, op->name, EINVAL, blamed, "lacks the attribute",
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

/* A request for each operation that would be granted. */
const char *const *base_request(const char *op)
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
const char *const *read_request(const char *op)
{
	static const char *const none[] = { NULL };
	static const char *const drive[] = { "uuid=" DRIVE_A, NULL };
	static const char *const ns[] = { "name=ns", NULL };

	if (!strcmp(op, "drive-get"))
		return drive;
	return !strcmp(op, "ns-get") ? ns : none;
}

bool is_read(const struct nl_op *op)
{
	return strstr(op->name, "-get");
}

static const char *const *sound_request(const struct nl_op *op)
{
	return is_read(op) ? read_request(op->name) : base_request(op->name);
}

/* A is attached with a namespace, B adopted, labelled and detached. */
void setup_pair(void)
{
	adopt(dev_a, DRIVE_A);
	make("ns", "4M");
	adopt(dev_b, DRIVE_B);
	if (ask("drive-detach", "uuid=" DRIVE_B))
		nl_die("%s", last.message);
}

void teardown_pair(void)
{
	wipe(dev_a, DRIVE_A);
	wipe(dev_b, DRIVE_B);
}

/* With the check flag each mutation is granted and changes nothing. */
void test_check(void)
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
		expect_ok(HERE, ask_items(op->name, base_request(op->name)));
	}
	EXPECT(unchanged(before));
	OK("drive-erase", item("dev", dev_b), "uuid=" DRIVE_B, "host=" HOST);
	before = snap();
	OK("drive-adopt", item("dev", dev_b), "uuid=" DRIVE_B, "host=" HOST, "dirty", "check");
	EXPECT(last.parts <= 1 && unchanged(before));
	wipe(dev_a, DRIVE_A);
}

void test_required(void)
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

void test_broken(void)
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

void test_unknown_command(void)
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

/* Several requests in one datagram: each is answered with its own sentence. */
void test_batch(void)
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
