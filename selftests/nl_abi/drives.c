// SPDX-License-Identifier: GPL-2.0
/* Drives: adopt, attach, import, erase, restore, their settings, rosters and verdicts. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "nl_abi.h"

void test_adopt(void)
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

void test_drive_get(void)
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

void test_drive_set(void)
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

void test_roster(void)
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
	expect_ok(HERE, ask_roster(3, 2, NULL, false));
	EXPECT(last.cmd == 21 && DNUM("sequence") == sequence + 1);
	ATTRS(nl_drive, DRIVE_ATTRS, "");
	/* nothing new is not written, nor is what is only checked */
	before = snap();
	expect_ok(HERE, ask_roster(3, 2, NULL, false));
	expect_ok(HERE, ask_roster(4, 3, NULL, true));
	for (i = 0; i < COUNT(broken); i++)
		if (ask_roster(4, 2, broken[i].peer, false) != -broken[i].error || !last.message[0]) {
			tap_failed = true;
			printf("# bad peer %d: got %d \"%s\"\n", i, last.error, last.message);
		}
	EXPECT(ask_roster(4, 65, NULL, false) == -E2BIG && last.message[0]);
	REFUSED(ENOENT, "uuid", "no drive", "drive-roster", "uuid=" NOBODY, "roster-generation=4");
	EXPECT(unchanged(before));
	/* full, empty; it is the owner's */
	expect_ok(HERE, ask_roster(4, 64, NULL, false));
	expect_ok(HERE, ask_roster(5, 0, NULL, false));
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

/* What they are for needs a drive that goes away: test_hold.sh. */
void test_fail(void)
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

void test_restore(void)
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
