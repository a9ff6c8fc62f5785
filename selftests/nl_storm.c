// SPDX-License-Identifier: GPL-2.0
/*
 * Many processes do everything at once to two drives; prints what was granted
 * and refused. Fails if a refusal is not one that a race explains, or says
 * nothing, or if at the end namespaces overlap or share a name or an ID.
 *
 *   nl_storm SECONDS HOST DEV UUID DEV UUID
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "nl_client.h"

#define NAMES 12	/* few, so that they meet */
#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static struct nl_sock *sk;
static struct nl_reply reply;
static const char *host;
static const char *dev[2], *uuid[2];
static int granted, refused, failures;

static int any(int below)
{
	return random() % below;
}

static struct nl_msg *request;
static const char *request_op;

static void begin(const char *op)
{
	request_op = op;
	request = nl_request(op, 0);
}

static void put(const char *name, const char *value)
{
	nl_put_named(request, request_op, name, value);
}

static void put_number(const char *name, unsigned int value, const char *unit)
{
	char text[32];

	snprintf(text, sizeof(text), "%u%s", value, unit);
	put(name, text);
}

static void put_name(const char *attr)
{
	char text[32];

	snprintf(text, sizeof(text), "storm-%d", any(NAMES));
	put(attr, text);
}

/* What may come between what this process saw and what it asks for. */
static bool explained(int error)
{
	static const int codes[] = { EEXIST, ENOENT, EBUSY, ENOSPC, ENODEV };
	int i;

	for (i = 0; i < COUNT(codes); i++)
		if (error == -codes[i])
			return true;
	return false;
}

static void send_it(void)
{
	if (!nl_ask(sk, request, &reply)) {
		granted++;
		return;
	}
	refused++;
	if (explained(reply.error) && reply.message[0])
		return;
	failures++;
	printf("%s: %d (%s) \"%s\"\n", request_op, reply.error, strerror(-reply.error), reply.message);
}

static void do_create(void)
{
	begin("ns-create");
	put("drive", uuid[any(2)]);
	put_name("name");
	put_number("size", 1 + any(4), "M");
	if (any(2))
		put("keep-data", "");
	send_it();
}

static void do_delete(void)
{
	begin("ns-delete");
	put_name("name");
	if (!any(8))
		put("check", "");
	send_it();
}

static void do_rename(void)
{
	begin("ns-rename");
	put_name("name");
	put_name("new-name");
	send_it();
}

static void do_resize(void)
{
	begin("ns-resize");
	put_name("name");
	put_number("size", 1 + any(6), "M");
	put("force", "");
	if (any(2))
		put("keep-data", "");
	send_it();
}

static void do_set(void)
{
	begin("ns-set");
	put_name("name");
	put_number("policy", any(3), "");
	if (any(2))
		put_number("read-only", any(2), "");
	send_it();
}

static void do_drive_set(void)
{
	begin("drive-set");
	put("uuid", uuid[any(2)]);
	put_number("latency", any(100), "");
	send_it();
}

static void do_get(void)
{
	begin("ns-get");
	put_name("name");
	send_it();
}

static void do_dump(void)
{
	nl_ask_all(sk, nl_request(any(2) ? "ns-get" : "drive-get", NLM_F_DUMP), &reply, NULL, NULL, NULL);
	if (reply.error) {
		failures++;
		printf("dump: %d\n", reply.error);
	}
}

/* As udev does: opens what has just appeared, reads a little. */
static void do_open(void)
{
	char path[32], byte[512];
	int fd;

	snprintf(path, sizeof(path), "/dev/pnvme%dn%d", any(2), 1 + any(NAMES));
	fd = open(path, any(2) ? O_RDONLY : O_RDWR);
	if (fd < 0)
		return;
	if (read(fd, byte, sizeof(byte)) < 0 && errno != EIO)
		failures++;
	usleep(any(3000));
	close(fd);
}

static void do_detach(void)
{
	int i = any(2);
	struct stat st;

	begin("drive-detach");
	put("uuid", uuid[i]);
	send_it();
	if (reply.error)
		return;
	usleep(any(20000));
	if (stat(dev[i], &st))
		nl_die("no %s", dev[i]);
	begin("drive-attach");
	put_number("major", major(st.st_rdev), "");
	put_number("minor", minor(st.st_rdev), "");
	put("host", host);
	send_it();
	if (!reply.error)
		return;
	failures++;
	printf("cannot attach again: %s\n", reply.message);
}

typedef void (*action_fn)(void);

static void work(int number, time_t until)
{
	static const action_fn all[] = {
		do_create, do_create, do_delete, do_rename, do_resize, do_set, do_drive_set, do_get,
		do_dump, do_open,
	};

	srandom(number * 7919 + 1);
	sk = nl_open();
	while (time(NULL) < until) {
		if (number == 0)
			do_dump();
		else if (number == 1)
			do_open();
		else if (number == 2 && !any(4))
			do_detach();
		else
			all[any(COUNT(all))]();
	}
	printf("process %d: %d granted, %d refused, %d wrong\n", number, granted, refused, failures);
	fflush(stdout);
	_exit(failures ? 1 : 0);
}

static int run(int processes, time_t until)
{
	int i, status, bad = 0;

	fflush(stdout);
	for (i = 0; i < processes; i++)
		if (!fork())
			work(i, until);
	for (i = 0; i < processes; i++) {
		wait(&status);
		bad += status != 0;
	}
	return bad;
}

/* What must hold of the namespaces that are left. */

struct seen {
	int		count;
	struct {
		char		name[64], drive[40];
		bool		nameless;	/* another one has its name */
		uint64_t	start, end, nsid;
	} ns[128];
};

static void see(const struct nl_reply *part, void *arg)
{
	struct seen *seen = arg;
	int i = seen->count++;

	if (i >= 128)
		nl_die("too many namespaces");
	snprintf(seen->ns[i].name, 64, "%s", nl_text(part, nl_namespace, "name"));
	snprintf(seen->ns[i].drive, 40, "%s", nl_text(part, nl_namespace, "drive"));
	seen->ns[i].start = nl_number(part, nl_namespace, "start");
	seen->ns[i].end = seen->ns[i].start + nl_number(part, nl_namespace, "size");
	seen->ns[i].nameless = !strcmp(nl_text(part, nl_namespace, "state"), "name-conflict");
	seen->ns[i].nsid = nl_number(part, nl_namespace, "nsid");
}

static int clash(const struct seen *seen, int a, int b)
{
	bool same = !strcmp(seen->ns[a].drive, seen->ns[b].drive);

	bool named = !seen->ns[a].nameless && !seen->ns[b].nameless;

	if ((named && !strcmp(seen->ns[a].name, seen->ns[b].name)) ||
	    (same && seen->ns[a].nsid == seen->ns[b].nsid) ||
	    (same && seen->ns[a].start < seen->ns[b].end && seen->ns[b].start < seen->ns[a].end)) {
		printf("%s and %s clash\n", seen->ns[a].name, seen->ns[b].name);
		return 1;
	}
	return 0;
}

static int look(void)
{
	static struct seen seen;
	int i, k, bad = 0;

	sk = nl_open();
	if (nl_ask_all(sk, nl_request("ns-get", NLM_F_DUMP), &reply, see, NULL, &seen))
		nl_die("dump: %s", reply.message);
	for (i = 0; i < seen.count; i++)
		for (k = 0; k < i; k++)
			bad += clash(&seen, i, k);
	printf("%d namespaces are left\n", seen.count);
	return bad;
}

int main(int argc, char **argv)
{
	int i, bad;

	if (argc != 7)
		nl_die("usage: nl_storm SECONDS HOST DEV UUID DEV UUID");
	sk = nl_open();
	if (nl_family(sk) < 0)
		nl_die("no family pnvme: is the module loaded?");
	host = argv[2];
	for (i = 0; i < 2; i++) {
		dev[i] = argv[3 + 2 * i];
		uuid[i] = argv[4 + 2 * i];
	}
	bad = run(6, time(NULL) + atoi(argv[1]));
	bad += look();
	return bad ? 1 : 0;
}
