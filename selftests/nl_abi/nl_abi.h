/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checks of the netlink ABI: what their files share. A test is a function without arguments that
 * says with EXPECT(), OK() or REFUSED() what must be true, and leaves both drives without a label.
 */
#ifndef NL_ABI_H
#define NL_ABI_H

#define TAP_SHARED	/* one verdict on a test, whichever file finds it */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "../nl_client.h"
#include "../unit/tap.h"

#define MIB ((uint64_t)1 << 20)
#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

#define HOST	"11111111-2222-4333-8444-555555555555"
#define HOST2	"99999999-2222-4333-8444-555555555555"
#define ZERO_ID	"00000000-0000-0000-0000-000000000000"
#define DRIVE_A	"aaaaaaaa-0000-4000-8000-00000000000a"
#define DRIVE_B	"bbbbbbbb-0000-4000-8000-00000000000b"
#define NOBODY	"deadbeef-0000-4000-8000-000000000000"

/* Two spare drives. */
extern const char *dev_a, *dev_b;
extern struct nl_sock *sk;
/* The last answer. */
extern struct nl_reply last;
/* Why the running test cannot run here, NULL if it can. */
extern const char *skipped;

/* ask.c: requests from text. An item is "name=value" or "flag". */

dev_t device_number(const char *path);
struct nl_msg *build(const char *op, const char *const *items, int flags);
int ask_items(const char *op, const char *const *items);
int count_parts(const char *op, const char *const *items);

#define ask(op, ...) ask_items(op, (const char *const []){ __VA_ARGS__, NULL })
/* Of a dump: how many objects, or a negative errno. */
#define PARTS(op, ...) count_parts(op, (const char *const []){ __VA_ARGS__, NULL })

/* "name=value", good for the next seven calls. */
char *item(const char *name, const char *value);

/* ask.c: what must be true of an answer. */

#define HERE __FILE__, __LINE__

void expect_ok(const char *file, int line, int ret);
void expect_refused(const char *file, int line, const char *op, int code, const char *blamed,
		    const char *text, int ret);
void expect_attrs(const char *file, int line, const struct nl_reply *reply,
		  const struct nl_field *set, const char *names, const char *maybe);
void expect_live(const char *file, int line, const char *more, const char *maybe);

#define OK(op, ...) expect_ok(HERE, ask(op, __VA_ARGS__))
#define REFUSED(code, blamed, text, op, ...) \
	expect_refused(HERE, op, code, blamed, text, ask(op, __VA_ARGS__))

#define TEXT(name) nl_text(&last, nl_namespace, name)
#define NUM(name) nl_number(&last, nl_namespace, name)
#define DTEXT(name) nl_text(&last, nl_drive, name)
#define DNUM(name) nl_number(&last, nl_drive, name)

#define DRIVE_ATTRS " uuid instance major minor diskseq device state proof epoch sequence owner hwid " \
	"hwid-type serial model lba-size capacity size free largest-free namespaces read-only " \
	"repaired hold-timeout on-resume hold-proof latency holds fences "
#define NS_ATTRS " uuid nguid name nsid drive start size state open policy read-only " \
	"held held-total fence fences seal "
#define NS_LIVE_ATTRS NS_ATTRS "device major minor "
#define ATTRS(set, names, maybe) expect_attrs(HERE, &last, set, names, maybe)
#define LIVE_ATTRS(more, maybe) expect_live(HERE, more, maybe)

/* ask.c: nothing that anybody can see has changed since. */

struct snapshot {
	uint32_t	generation;
	uint64_t	a, b;
};

uint32_t generation(void);
uint64_t label_sum(const char *path);
struct snapshot snap(void);
bool unchanged(struct snapshot before);

/* ask.c: bringing drives where a test needs them. */

void adopt(const char *dev, const char *uuid);
void wipe(const char *dev, const char *uuid);
void make(const char *name, const char *size);
void await_live(const char *name);

/* requests.c: a request for each operation that would be granted. */

const char *const *base_request(const char *op);
const char *const *read_request(const char *op);
bool is_read(const struct nl_op *op);
void setup_pair(void);
void teardown_pair(void);

/* Of a seal, but for the token. */
#define SEAL(samples, looked) "seal-samples=" samples, "seal-looked=" looked, "seal-seed=" HOST, \
	"seal-digest=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* scripts.c: exit status of the program. */

int run_do(const char *op, const char *const *items);
int run_dump(const char *op, const char *const *items);
int run_fault(int step, const char **items);
int run_detach_all(void);
int run_ends(const char *path);
int run_equal(const char *path);
int run_events(void);

/* requests.c */
void test_numbers(void);
void test_info(void);
void test_check(void);
void test_required(void);
void test_broken(void);
void test_unknown_command(void);
void test_batch(void);
/* drives.c */
void test_adopt(void);
void test_drive_get(void);
void test_drive_set(void);
void test_roster(void);
void test_fail(void);
void test_restore(void);
/* namespaces.c */
void test_create(void);
void test_ns_get(void);
void test_resize(void);
void test_seal(void);
void test_undelete(void);
void test_rename(void);
void test_ns_set(void);
void test_zeroing(void);
void test_live(void);
/* events.c */
void test_events(void);
void test_verdict(void);
void test_table(void);
/* privilege.c */
void test_net_admin(void);
void test_lent_socket(void);
void test_nobody(void);
void test_network_namespace(void);
void test_user_namespace(void);
void test_both_namespaces(void);

#endif /* NL_ABI_H */
