// SPDX-License-Identifier: GPL-2.0
/* Who may: capabilities, sockets lent, user and network namespaces. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <unistd.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "nl_abi.h"

#define SKIPPED 4	/* exit status of a child */

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
			expect_ok(HERE, ask_items(op->name, read_request(op->name)));
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

void test_net_admin(void)
{
	as_other(as_net_admin);
}

void test_lent_socket(void)
{
	as_other(with_lent_socket);
}

void test_nobody(void)
{
	as_other(as_nobody);
}

void test_network_namespace(void)
{
	as_other(in_network_namespace);
}

void test_user_namespace(void)
{
	as_other(in_user_namespace);
}

void test_both_namespaces(void)
{
	as_other(in_both_namespaces);
}
