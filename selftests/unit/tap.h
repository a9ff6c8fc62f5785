/* SPDX-License-Identifier: GPL-2.0 */
/* The least that a KTAP test program needs. */
#ifndef PNVME_TEST_TAP_H
#define PNVME_TEST_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct tap_test {
	const char *name;
	void (*run)(void);
};

/* A program of several files defines TAP_SHARED in all, and the variable in one. */
#ifdef TAP_SHARED
extern bool tap_failed;
#else
static bool tap_failed;
#endif

/* Marks the running test as failed and says where; the test goes on. */
#define EXPECT(cond) tap_expect(cond, __FILE__, __LINE__, #cond, 0)
/* The same with a number that tells the round of a loop. */
#define EXPECT_AT(cond, round) tap_expect(cond, __FILE__, __LINE__, #cond, (long)(round))
/* Refused with exactly this code and phrase. */
#define EXPECT_REFUSED(call, code, phrase) do {					\
	const char *why = NULL;							\
	int tap_ret = (call);							\
										\
	if (tap_ret != (code) || !why || strcmp(why, phrase)) {			\
		tap_failed = true;						\
		printf("# %s:%d: %s: got %d \"%s\", expected %d \"%s\"\n",	\
		       __FILE__, __LINE__, #call, tap_ret, why ? why : "",	\
		       (int)(code), phrase);					\
	}									\
} while (0)

static inline bool tap_expect(bool cond, const char *file, int line, const char *text, long round)
{
	if (cond)
		return true;
	tap_failed = true;
	printf("# %s:%d: not true: %s (round %ld)\n", file, line, text, round);
	return false;
}

static inline int tap_run(const struct tap_test *tests, int count)
{
	int i, failures = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("KTAP version 1\n1..%d\n", count);
	for (i = 0; i < count; i++) {
		tap_failed = false;
		tests[i].run();
		failures += tap_failed;
		printf("%sok %d - %s\n", tap_failed ? "not " : "", i + 1, tests[i].name);
	}
	return failures ? 1 : 0;
}

#endif /* PNVME_TEST_TAP_H */
