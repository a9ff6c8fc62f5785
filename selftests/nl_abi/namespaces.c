// SPDX-License-Identifier: GPL-2.0
/* Namespaces: create, resize, rename, settings, seals, undelete, zeroing. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>

#include "nl_abi.h"

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
		expect_refused(HERE, op, EINVAL, attr, "name must be", ask_items(op, items));
	}
	/* 63 may be, 64 not */
	k = snprintf(name, sizeof(name), "%s=", attr);
	memset(name + k, 'n', 64);
	name[k + 63] = '\0';
	items[n] = name;
	expect_ok(HERE, ask_items(op, items));
	name[k + 63] = 'n';
	name[k + 64] = '\0';
	if (ask_items(op, items) != -EINVAL && last.error != -ERANGE)
		tap_expect(false, __FILE__, __LINE__, "64 bytes of name are refused", 0);
}

void test_create(void)
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

void test_ns_get(void)
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

void test_resize(void)
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

void test_seal(void)
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

void test_undelete(void)
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

void test_rename(void)
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

void test_ns_set(void)
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
void test_zeroing(void)
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
void test_live(void)
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
