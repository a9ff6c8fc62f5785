// SPDX-License-Identifier: GPL-2.0
/* Events in order, and dumps of a full table. */
#include <errno.h>
#include <inttypes.h>
#include <time.h>

#include "nl_abi.h"

static struct nl_sock *events;

/* The event that comes next, or nothing within a short time if @type is NULL. */
static void expect_event(const char *file, int line, const char *type, const char *drive, const char *name)
{
	static struct nl_reply event;
	static uint64_t before;
	uint64_t now = time(NULL), at;

	if (nl_next_event(events, &event, type ? 5000 : 200)) {
		if (!type)
			return;
		tap_failed = true;
		printf("# %s:%d: no event %s\n", file, line, type);
		return;
	}
	if (type && !strcmp(type, "drive-verdict"))
		expect_attrs(file, line, &event, nl_event, " type message drive device time verdict ", "");
	else
		expect_attrs(file, line, &event, nl_event,
			     name ? " type message drive device namespace name time "
				  : " type message drive device time ", "");
	at = nl_number(&event, nl_event, "time");
	if (!type || event.cmd != 15 || strcmp(nl_text(&event, nl_event, "type"), type) ||
	    strcmp(nl_text(&event, nl_event, "drive"), drive) ||
	    strcmp(nl_text(&event, nl_event, "name"), name ? name : "") ||
	    !nl_text(&event, nl_event, "message")[0] ||
	    at < before || at / 1000000000 > now + 1 || at / 1000000000 + 60 < now) {
		tap_failed = true;
		printf("# %s:%d: expected event %s, got %s of %s %s \"%s\" at %" PRIu64 "\n", file, line,
		       type ? type : "none", nl_text(&event, nl_event, "type"),
		       nl_text(&event, nl_event, "drive"), nl_text(&event, nl_event, "name"),
		       nl_text(&event, nl_event, "message"), at);
	}
	before = at;
}

#define EVENT(type, name) expect_event(HERE, type, DRIVE_A, name)

void test_events(void)
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

void test_verdict(void)
{
	events = nl_open();
	if (nl_listen(events))
		nl_die("no group events");
	OK("drive-verdict", "uuid=" DRIVE_B, "device=nvme9n1", "verdict=replaced",
	   "evidence=other hardware is in its slot");
	expect_event(HERE, "drive-verdict", DRIVE_B, NULL);
	/* one that is nowhere has no device */
	OK("drive-verdict", "uuid=" DRIVE_B, "verdict=missing", "evidence=nowhere");
	expect_event(HERE, "drive-verdict", DRIVE_B, NULL);
	REFUSED(EINVAL, "evidence", "ASCII", "drive-verdict", "uuid=" DRIVE_B, "verdict=missing",
		"evidence=two\nlines");
	REFUSED(EINVAL, "device", "ASCII", "drive-verdict", "uuid=" DRIVE_B, "verdict=missing",
		"evidence=none", "device=nvme\x1b");
	expect_event(HERE, NULL, DRIVE_B, NULL);
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

void test_table(void)
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
