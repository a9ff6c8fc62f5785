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
#include <stdlib.h>

#include "nl_abi.h"

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
