// SPDX-License-Identifier: GPL-2.0
/* See nl_client.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include "nl_client.h"

static const char *const w_drive_state[] = { "live", "held", "failed", NULL };
static const char *const w_ns_state[] = { "live", "zeroing", "failed", "name-conflict", NULL };
static const char *const w_policy[] = { "read", "data", "admin", NULL };
static const char *const w_on_resume[] = { "fence", "trust", "fail", NULL };
static const char *const w_hold_proof[] = { "any", "strong", NULL };
static const char *const w_proof[] = { "weak", "strong", NULL };
static const char *const w_fence[] = { "none", "flush", "all", NULL };
static const char *const w_event[] = {
	"drive-attach", "drive-detach", "drive-fail", "drive-set", "label-repair", "ns-create",
	"ns-delete", "ns-resize", "ns-rename", "ns-set", "ns-fail", "label-lost",
	"drive-hold", "drive-resume", "drive-impostor", "ns-fence", "ns-unfence",
	"ns-seal", "ns-seal-broken", "drive-verdict", NULL
};

static const char *const w_seal[] = { "none", "sealed", "broken", NULL };

const struct nl_field nl_info[] = {
	{ "version", 1, K_TEXT, NULL },
	{ "label-version", 2, K_U32, NULL },
	{ "generation", 3, K_U32, NULL },
	{ NULL, 0, 0, NULL }
};

const struct nl_field nl_drive[] = {
	{ "uuid", 1, K_ID, NULL },
	{ "instance", 2, K_U32, NULL },
	{ "major", 3, K_U32, NULL },
	{ "minor", 4, K_U32, NULL },
	{ "diskseq", 5, K_U64, NULL },
	{ "device", 6, K_TEXT, NULL },
	{ "state", 7, K_U32, w_drive_state },
	{ "proof", 8, K_U32, w_proof },
	{ "reason", 9, K_TEXT, NULL },
	{ "epoch", 10, K_U64, NULL },
	{ "sequence", 11, K_U64, NULL },
	{ "owner", 12, K_ID, NULL },
	{ "hwid", 13, K_ID, NULL },
	{ "hwid-type", 14, K_U32, NULL },
	{ "serial", 15, K_TEXT, NULL },
	{ "model", 16, K_TEXT, NULL },
	{ "lba-size", 17, K_U32, NULL },
	{ "capacity", 18, K_U64, NULL },
	{ "size", 19, K_U64, NULL },
	{ "free", 20, K_U64, NULL },
	{ "largest-free", 21, K_U64, NULL },
	{ "namespaces", 22, K_U32, NULL },
	{ "read-only", 23, K_U8, NULL },
	{ "repaired", 24, K_U8, NULL },
	{ "hold-timeout", 25, K_U32, NULL },
	{ "on-resume", 26, K_U32, w_on_resume },
	{ "hold-proof", 27, K_U32, w_hold_proof },
	{ "latency", 28, K_U32, NULL },
	{ "host", 29, K_ID, NULL },
	{ "dirty", 30, K_FLAG, NULL },
	{ "any", 31, K_FLAG, NULL },
	{ "release", 32, K_FLAG, NULL },
	{ "check", 33, K_FLAG, NULL },
	{ "holds", 34, K_U32, NULL },
	{ "fences", 35, K_U32, NULL },
	{ "hold-left", 36, K_U32, NULL },
	{ "peer", 37, K_NEST, NULL },
	{ "roster-generation", 38, K_U64, NULL },
	{ "verdict", 39, K_TEXT, NULL },
	{ "evidence", 40, K_TEXT, NULL },
	{ "label", 41, K_LABEL, NULL },
	{ "identity", 42, K_FLAG, NULL },
	{ "stale", 43, K_FLAG, NULL },
	{ NULL, 0, 0, NULL }
};

const struct nl_field nl_namespace[] = {
	{ "uuid", 1, K_ID, NULL },
	{ "nguid", 2, K_ID, NULL },
	{ "name", 3, K_TEXT, NULL },
	{ "nsid", 4, K_U32, NULL },
	{ "drive", 5, K_ID, NULL },
	{ "device", 6, K_TEXT, NULL },
	{ "major", 7, K_U32, NULL },
	{ "minor", 8, K_U32, NULL },
	{ "start", 9, K_U64, NULL },
	{ "size", 10, K_U64, NULL },
	{ "state", 11, K_U32, w_ns_state },
	{ "reason", 12, K_TEXT, NULL },
	{ "open", 13, K_U32, NULL },
	{ "opener", 14, K_TEXT, NULL },
	{ "policy", 15, K_U32, w_policy },
	{ "read-only", 16, K_U8, NULL },
	{ "pending-size", 17, K_U64, NULL },
	{ "zeroed", 18, K_U64, NULL },
	{ "zero-total", 19, K_U64, NULL },
	{ "new-name", 20, K_TEXT, NULL },
	{ "keep-data", 21, K_FLAG, NULL },
	{ "force", 22, K_FLAG, NULL },
	{ "largest", 23, K_FLAG, NULL },
	{ "check", 24, K_FLAG, NULL },
	{ "held", 25, K_U32, NULL },
	{ "held-total", 26, K_U64, NULL },
	{ "fence", 27, K_U32, w_fence },
	{ "fences", 28, K_U32, NULL },
	{ "fenced-at", 29, K_U64, NULL },
	{ "seal", 30, K_U32, w_seal },
	{ "sealed-at", 31, K_U64, NULL },
	{ "seal-broken-at", 32, K_U64, NULL },
	{ "seal-samples", 33, K_U32, NULL },
	{ "seal-looked", 34, K_U64, NULL },
	{ "seal-seed", 35, K_ID, NULL },
	{ "seal-digest", 36, K_DIGEST, NULL },
	{ "seal-token", 37, K_U64, NULL },
	{ "generic", 38, K_TEXT, NULL },
	{ NULL, 0, 0, NULL }
};

const struct nl_field nl_event[] = {
	{ "type", 1, K_U32, w_event },
	{ "message", 2, K_TEXT, NULL },
	{ "drive", 3, K_ID, NULL },
	{ "device", 4, K_TEXT, NULL },
	{ "namespace", 5, K_ID, NULL },
	{ "name", 6, K_TEXT, NULL },
	{ "time", 7, K_U64, NULL },
	{ "verdict", 8, K_TEXT, NULL },
	{ NULL, 0, 0, NULL }
};

static const char *const w_stat_op[] = { "read", "write", "flush", "discard", "write-zeroes",
					 "passthru-read", "passthru-write", "passthru-other", NULL };

const struct nl_field nl_stat[] = {
	{ "namespace", 1, K_ID, NULL },
	{ "drive", 2, K_ID, NULL },
	{ "queue", 3, K_U32, NULL },
	{ "op", 4, K_U32, w_stat_op },
	{ "ios", 5, K_U64, NULL },
	{ "bytes", 6, K_U64, NULL },
	{ "in-flight", 7, K_U64, NULL },
	{ "polled", 8, K_U64, NULL },
	{ "errors", 9, K_U64S, NULL },
	{ "latency-ns", 10, K_U64, NULL },
	{ "latency", 11, K_U64S, NULL },
	{ "since", 12, K_U64, NULL },
	{ NULL, 0, 0, NULL }
};

const struct nl_op nl_dump_ops[] = {
	{ "stat-get", 16, nl_stat, "namespace drive queue op", "" },
	{ NULL, 0, NULL, NULL, NULL }
};

const struct nl_op nl_ops[] = {
	{ "info-get", 1, nl_info, "", "" },
	{ "drive-get", 2, nl_drive, "uuid", "uuid" },
	{ "drive-adopt", 3, nl_drive, "uuid major minor diskseq host dirty any check",
	  "uuid major minor host" },
	{ "drive-attach", 4, nl_drive, "uuid major minor diskseq host read-only identity stale check",
	  "major minor host" },
	{ "drive-import", 5, nl_drive, "uuid major minor diskseq host owner check",
	  "major minor host owner" },
	{ "drive-detach", 6, nl_drive, "uuid release check", "uuid" },
	{ "drive-erase", 7, nl_drive, "uuid major minor diskseq host check",
	  "uuid major minor host" },
	{ "drive-set", 8, nl_drive, "uuid hold-timeout on-resume hold-proof latency check", "uuid" },
	{ "ns-get", 9, nl_namespace, "uuid name drive", "uuid" },
	{ "ns-create", 10, nl_namespace, "drive name size largest keep-data check",
	  "drive name size" },
	{ "ns-delete", 11, nl_namespace, "uuid name check", "uuid" },
	{ "ns-resize", 12, nl_namespace, "uuid name size force keep-data check", "uuid size" },
	{ "ns-rename", 13, nl_namespace, "uuid name new-name check", "uuid new-name" },
	{ "ns-set", 14, nl_namespace, "uuid name read-only policy check", "uuid" },
	{ "drive-fail", 17, nl_drive, "uuid check", "uuid" },
	{ "ns-unfence", 18, nl_namespace, "uuid name check", "uuid" },
	{ "ns-seal-begin", 19, nl_namespace, "uuid name check", "uuid" },
	{ "ns-seal", 20, nl_namespace,
	  "uuid name seal-token seal-samples seal-looked seal-seed seal-digest check",
	  "uuid seal-token seal-samples seal-looked seal-seed seal-digest" },
	{ "drive-roster", 21, nl_drive, "uuid peer roster-generation check",
	  "uuid roster-generation" },
	{ "drive-verdict", 22, nl_drive, "uuid device verdict evidence",
	  "uuid verdict evidence" },
	{ "drive-restore", 23, nl_drive, "uuid major minor diskseq host label check",
	  "uuid major minor host label" },
	{ "ns-undelete", 24, nl_namespace,
	  "drive uuid nguid name nsid start size policy read-only check",
	  "drive uuid nguid name start size" },
	{ NULL, 0, NULL, NULL, NULL }
};

static int family_id;

void nl_die(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "nl: ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(99);
}

const struct nl_field *nl_field_named(const struct nl_field *set, const char *name)
{
	for (; set->name; set++)
		if (!strcmp(set->name, name))
			return set;
	return NULL;
}

const struct nl_field *nl_field_numbered(const struct nl_field *set, int id)
{
	for (; set->name; set++)
		if (set->id == id)
			return set;
	return NULL;
}

const struct nl_op *nl_op_named(const char *name)
{
	const struct nl_op *op;

	for (op = nl_ops; op->name; op++)
		if (!strcmp(op->name, name))
			return op;
	for (op = nl_dump_ops; op->name; op++)
		if (!strcmp(op->name, name))
			return op;
	return NULL;
}

struct nl_sock *nl_open_with(int buffer)
{
	struct nl_sock *sk = nl_socket_alloc();
	int one = 1;

	if (!sk || genl_connect(sk))
		nl_die("no generic netlink socket: %s", strerror(errno));
	nl_socket_set_buffer_size(sk, 0, 4 * NL_LABEL);
	nl_socket_set_msg_buf_size(sk, buffer);
	nl_socket_disable_auto_ack(sk);
	nl_socket_disable_seq_check(sk);
	if (setsockopt(nl_socket_get_fd(sk), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one)))
		nl_die("no extended acknowledgements: %s", strerror(errno));
	return sk;
}

struct nl_sock *nl_open(void)
{
	/* a refusal repeats the whole request, which may hold two labels */
	return nl_open_with(4 * NL_LABEL);
}

int nl_family(struct nl_sock *sk)
{
	int ret = genl_ctrl_resolve(sk, "pnvme");

	if (ret < 0)
		return -ENOENT;
	family_id = ret;
	return ret;
}

int nl_listen(struct nl_sock *sk)
{
	int group = genl_ctrl_resolve_grp(sk, "pnvme", "events");

	if (group < 0)
		return -ENOENT;
	nl_socket_set_buffer_size(sk, 1 << 20, 0);
	return nl_socket_add_membership(sk, group) ? -EPERM : 0;
}

struct nl_msg *nl_request(const char *op, int flags)
{
	const struct nl_op *o = nl_op_named(op);
	struct nl_msg *msg = nlmsg_alloc_size(8192 + 2 * NL_LABEL);

	if (!o || !msg)
		nl_die("no operation %s", op);
	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family_id, 0, NLM_F_REQUEST | flags, o->cmd, 1);
	return msg;
}

void nl_put_raw(struct nl_msg *msg, int type, const void *data, int len)
{
	if (nla_put(msg, type, len, data))
		nl_die("request too long");
}

int nl_parse_id(const char *text, unsigned char id[16])
{
	int i, n, used;
	unsigned int byte;

	for (i = 0, n = 0; i < 16; i++) {
		while (text[n] == '-')
			n++;
		if (sscanf(text + n, "%2x%n", &byte, &used) != 1 || used != 2)
			return -EINVAL;
		id[i] = byte;
		n += 2;
	}
	return text[n] ? -EINVAL : 0;
}

void nl_format_id(const unsigned char *id, char text[37])
{
	int i, n = 0;

	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[n++] = '-';
		n += snprintf(text + n, 3, "%02x", id[i]);
	}
}

/* A number, with K M G for powers of 1024, or a word of the enum. */
static int parse_number(const struct nl_field *field, const char *text, uint64_t *value)
{
	char *end;
	int i;

	for (i = 0; field->words && field->words[i]; i++) {
		if (!strcmp(field->words[i], text)) {
			*value = i;
			return 0;
		}
	}
	errno = 0;
	*value = strtoull(text, &end, 0);
	if (errno || end == text)
		return -EINVAL;
	switch (*end) {
	case 'G':
		*value <<= 10;
		/* fall through */
	case 'M':
		*value <<= 10;
		/* fall through */
	case 'K':
		*value <<= 10;
		end++;
	}
	return *end ? -EINVAL : 0;
}

static int put_number(struct nl_msg *msg, const struct nl_field *field, const char *text)
{
	uint64_t value;

	if (parse_number(field, text, &value))
		return -EINVAL;
	if (field->kind == K_U8)
		return nla_put_u8(msg, field->id, value);
	if (field->kind == K_U32)
		return nla_put_u32(msg, field->id, value);
	return nla_put_u64(msg, field->id, value);
}

static int put_digest(struct nl_msg *msg, const struct nl_field *field, const char *text)
{
	unsigned char digest[32];
	int i;

	if (strlen(text) != 64)
		return -EINVAL;
	for (i = 0; i < 32; i++)
		if (sscanf(text + 2 * i, "%2hhx", &digest[i]) != 1)
			return -EINVAL;
	return nla_put(msg, field->id, sizeof(digest), digest);
}

static int put_label(struct nl_msg *msg, int id, const char *path)
{
	static unsigned char label[NL_LABEL] __attribute__((aligned(4096)));
	int fd = open(path, O_RDONLY | O_DIRECT);
	ssize_t got;

	if (fd < 0)
		fd = open(path, O_RDONLY);
	got = pread(fd, label, sizeof(label), 65536);
	close(fd);
	return got == sizeof(label) ? nla_put(msg, id, sizeof(label), label) : -EINVAL;
}

int nl_put(struct nl_msg *msg, const struct nl_field *field, const char *text)
{
	unsigned char id[16];

	switch (field->kind) {
	case K_TEXT:
		return nla_put_string(msg, field->id, text);
	case K_FLAG:
		return nla_put_flag(msg, field->id);
	case K_LABEL:
		return put_label(msg, field->id, text);
	case K_ID:
		return nl_parse_id(text, id) ? -EINVAL : nla_put(msg, field->id, 16, id);
	case K_DIGEST:
		return put_digest(msg, field, text);
	default:
		return put_number(msg, field, text);
	}
}

void nl_put_named(struct nl_msg *msg, const char *op, const char *name, const char *text)
{
	const struct nl_field *field = nl_field_named(nl_op_named(op)->fields, name);

	if (!field || nl_put(msg, field, text))
		nl_die("%s cannot take %s=%s", op, name, text);
}

int nl_offset_of(struct nl_msg *msg, int id)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct nlattr *attr = nlmsg_find_attr(nlh, GENL_HDRLEN, id);

	return attr ? (int)((char *)attr - (char *)nlh) : -1;
}

static void reply_reset(struct nl_reply *reply)
{
	memset(reply, 0, offsetof(struct nl_reply, bytes));
	reply->offset = -1;
	reply->missing = -1;
}

/* The attributes behind the copy of the request. */
static void take_extack(struct nl_reply *reply, struct nlmsghdr *nlh, struct nlmsgerr *err)
{
	size_t skip = sizeof(*err);
	struct nlattr *attr;
	int left;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(err->msg.nlmsg_len) - sizeof(err->msg);
	attr = (struct nlattr *)((char *)err + skip);
	left = (char *)nlh + nlh->nlmsg_len - (char *)attr;
	for (; nla_ok(attr, left); attr = nla_next(attr, &left)) {
		if (nla_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(reply->message, sizeof(reply->message), "%.*s", nla_len(attr),
				 (char *)nla_data(attr));
		else if (nla_type(attr) == NLMSGERR_ATTR_OFFS)
			reply->offset = nla_get_u32(attr);
		else if (nla_type(attr) == NLMSGERR_ATTR_MISS_TYPE)
			reply->missing = nla_get_u32(attr);
	}
}

static void take_part(struct nl_reply *reply, struct nlmsghdr *nlh)
{
	struct genlmsghdr *genl;
	struct nlattr *attr;
	int left;

	if (nlh->nlmsg_len > sizeof(reply->bytes))
		nl_die("a message of %u bytes", nlh->nlmsg_len);
	memcpy(reply->bytes, nlh, nlh->nlmsg_len);
	nlh = (struct nlmsghdr *)reply->bytes;
	genl = nlmsg_data(nlh);
	reply->cmd = genl->cmd;
	reply->parts++;
	memset(reply->attr, 0, sizeof(reply->attr));
	left = nlmsg_attrlen(nlh, GENL_HDRLEN);
	for (attr = nlmsg_attrdata(nlh, GENL_HDRLEN); nla_ok(attr, left); attr = nla_next(attr, &left)) {
		if (nla_type(attr) >= NL_ATTRS)
			nl_die("attribute %d in a reply", nla_type(attr));
		if (reply->attr[nla_type(attr)])
			nl_die("attribute %d twice in a reply", nla_type(attr));
		reply->attr[nla_type(attr)] = attr;
	}
	if (left)
		nl_die("%d bytes behind the attributes", left);
}

/* True when the answer is complete. */
static bool take_message(struct nl_reply *reply, struct nlmsghdr *nlh, nl_part_fn part, void *arg)
{
	struct nlmsgerr *err = nlmsg_data(nlh);

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		reply->interrupted = true;
	switch (nlh->nlmsg_type) {
	case NLMSG_ERROR:
		reply->error = err->error;
		take_extack(reply, nlh, err);
		return true;
	case NLMSG_DONE:
		reply->error = *(int *)nlmsg_data(nlh);
		return true;
	default:
		take_part(reply, nlh);
		if (part)
			part(reply, arg);
		return false;
	}
}

static bool take_datagram(struct nl_sock *sk, struct nl_reply *reply, nl_part_fn part, void *arg)
{
	struct sockaddr_nl from;
	unsigned char *buf = NULL;
	struct nlmsghdr *nlh;
	bool done = false;
	int len;

	len = nl_recv(sk, &from, &buf, NULL);
	if (len == -NLE_NOMEM) {	/* ENOBUFS: it was lost */
		reply->error = -ENOBUFS;
		return true;
	}
	if (len <= 0)
		nl_die("no answer: %s", len ? nl_geterror(len) : "end of file");
	reply->reads++;
	for (nlh = (struct nlmsghdr *)buf; nlmsg_ok(nlh, len) && !done; nlh = nlmsg_next(nlh, &len))
		done = take_message(reply, nlh, part, arg);
	free(buf);
	return done;
}

static int answer(struct nl_sock *sk, struct nl_reply *reply, nl_part_fn part, nl_read_fn between,
		  void *arg)
{
	reply_reset(reply);
	while (!take_datagram(sk, reply, part, arg))
		if (between)
			between(reply->reads, arg);
	return reply->error;
}

int nl_send_asking(struct nl_sock *sk, struct nl_msg *msg)
{
	/* an answer comes first, then the acknowledgement */
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	return nl_send_auto(sk, msg);
}

int nl_answer(struct nl_sock *sk, struct nl_reply *reply)
{
	return answer(sk, reply, NULL, NULL, NULL);
}

int nl_ask_all(struct nl_sock *sk, struct nl_msg *msg, struct nl_reply *reply, nl_part_fn part,
	    nl_read_fn between, void *arg)
{
	int ret = nl_send_auto(sk, msg);

	nlmsg_free(msg);
	if (ret < 0)
		nl_die("cannot send: %s", nl_geterror(ret));
	return answer(sk, reply, part, between, arg);
}

int nl_ask(struct nl_sock *sk, struct nl_msg *msg, struct nl_reply *reply)
{
	/* an answer comes first, then the acknowledgement */
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	return nl_ask_all(sk, msg, reply, NULL, NULL, NULL);
}

int nl_next_event(struct nl_sock *sk, struct nl_reply *event, int ms)
{
	struct pollfd fd = { .fd = nl_socket_get_fd(sk), .events = POLLIN };

	reply_reset(event);
	if (poll(&fd, 1, ms) <= 0)
		return -EAGAIN;
	take_datagram(sk, event, NULL, NULL);
	return 0;
}

static const struct nlattr *find(const struct nl_reply *reply, const struct nl_field *set,
				 const char *name)
{
	const struct nl_field *field = nl_field_named(set, name);

	if (!field)
		nl_die("no attribute %s", name);
	return reply->attr[field->id];
}

bool nl_has(const struct nl_reply *reply, const struct nl_field *set, const char *name)
{
	return find(reply, set, name);
}

static uint64_t attr_number(const struct nlattr *attr)
{
	uint64_t value = 0;

	/* little-endian machines only, as everywhere in these tests */
	memcpy(&value, nla_data(attr), nla_len(attr) < 8 ? nla_len(attr) : 8);
	return value;
}

uint64_t nl_number(const struct nl_reply *reply, const struct nl_field *set, const char *name)
{
	const struct nlattr *attr = find(reply, set, name);

	return attr ? attr_number(attr) : 0;
}

const char *nl_text(const struct nl_reply *reply, const struct nl_field *set, const char *name)
{
	const struct nlattr *attr = find(reply, set, name);
	static char text[8][256];
	static int turn;

	turn = (turn + 1) % 8;
	text[turn][0] = '\0';
	if (attr)
		nl_format(nl_field_named(set, name), attr, text[turn], sizeof(text[turn]));
	return text[turn];
}

static const char *attr_flaw(const struct nl_field *field, const struct nlattr *attr)
{
	static const int bytes[] = { [K_U8] = 1, [K_U32] = 4, [K_U64] = 8, [K_ID] = 16, [K_FLAG] = 0,
		[K_DIGEST] = 32 };
	int len = nla_len(attr);
	int words = 0;

	if (field->kind == K_TEXT)
		return len > 0 && strnlen(nla_data(attr), len) == (size_t)len - 1 ? NULL : "bad text";
	if (len != bytes[field->kind])
		return "wrong length";
	while (field->words && field->words[words])
		words++;
	return words && attr_number(attr) >= (uint64_t)words ? "value not in the enum" : NULL;
}

const char *nl_form_flaw(const struct nl_reply *reply, const struct nl_field *set)
{
	static char text[128];
	const struct nl_field *field;
	const char *flaw;
	int id;

	for (id = 0; id < NL_ATTRS; id++) {
		if (!reply->attr[id])
			continue;
		field = nl_field_numbered(set, id);
		flaw = field ? attr_flaw(field, reply->attr[id]) : "not in the set";
		if (flaw) {
			snprintf(text, sizeof(text), "attribute %d (%s): %s", id,
				 field ? field->name : "?", flaw);
			return text;
		}
	}
	return NULL;
}

/* With commas between them. */
static void format_numbers(const struct nlattr *attr, char *text, size_t size)
{
	const char *p = nla_data(attr);
	size_t used = 0;
	uint64_t value;
	int i;

	text[0] = '\0';
	for (i = 0; i + 8 <= nla_len(attr) && used < size; i += 8) {
		memcpy(&value, p + i, 8);
		used += snprintf(text + used, size - used, "%s%" PRIu64, i ? "," : "", value);
	}
	if (nla_len(attr) % 8)
		nl_die("an array of u64 has %d bytes", nla_len(attr));
}

void nl_format(const struct nl_field *field, const struct nlattr *attr, char *text, size_t size)
{
	uint64_t value;
	char id[37];
	int i;

	switch (field->kind) {
	case K_TEXT:
		snprintf(text, size, "%.*s", nla_len(attr), (const char *)nla_data(attr));
		return;
	case K_ID:
		nl_format_id(nla_data(attr), id);
		snprintf(text, size, "%s", id);
		return;
	case K_U64S:
		format_numbers(attr, text, size);
		return;
	case K_DIGEST:
		for (i = 0; i < nla_len(attr) && 2 * i + 3 <= (int)size; i++)
			sprintf(text + 2 * i, "%02x", ((unsigned char *)nla_data(attr))[i]);
		return;
	default:
		value = attr_number(attr);
	}
	for (i = 0; field->words && field->words[i]; i++) {
		if ((uint64_t)i == value) {
			snprintf(text, size, "%s", field->words[i]);
			return;
		}
	}
	snprintf(text, size, "%" PRIu64, value);
}
