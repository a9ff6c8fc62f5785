// SPDX-License-Identifier: GPL-2.0
/* Statistics: reading them, and what can be said of a histogram. */
#include <stdlib.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <pnvme/latency.h>

#include "internal.h"

/* Room for messages grows in steps: a large host has thousands. */
#define GROW_BY 64

struct growing {
	struct pnvme_stats	*stats;
	size_t			room;
};

static void parse_errors(const struct nlattr *attr, struct pnvme_stat *s)
{
	size_t n;

	if (!attr)
		return;
	n = mnl_attr_get_payload_len(attr);
	memcpy(s->errors, mnl_attr_get_payload(attr), n < sizeof(s->errors) ? n : sizeof(s->errors));
}

static void parse_latency(const struct nlattr *attr, struct pnvme_stat *s)
{
	const char *p, *end;
	uint64_t pair[2];

	if (!attr)
		return;
	p = mnl_attr_get_payload(attr);
	end = p + mnl_attr_get_payload_len(attr);
	for (; p + sizeof(pair) <= end; p += sizeof(pair)) {
		memcpy(pair, p, sizeof(pair));
		if (pair[0] < PNVME_LATENCY_BUCKETS)
			s->latency[pair[0]] = pair[1];
	}
}

static int append_stat(struct pnvme *h, const struct nlattr **tb, void *arg)
{
	struct growing *g = arg;
	struct pnvme_stat *s;

	if (g->stats->n == g->room) {
		s = reallocarray(g->stats->stats, g->room + GROW_BY, sizeof(*s));
		if (!s)
			return fail_nomem(h);
		g->stats->stats = s;
		g->room += GROW_BY;
	}
	s = &g->stats->stats[g->stats->n++];
	memset(s, 0, sizeof(*s));
	attr_bytes(tb[PNVME_A_STAT_NAMESPACE], s->ns, 16);
	s->queue = attr_u32(tb[PNVME_A_STAT_QUEUE], 0);
	s->op = attr_u32(tb[PNVME_A_STAT_OP], 0);
	s->ios = attr_u64(tb[PNVME_A_STAT_IOS], 0);
	s->bytes = attr_u64(tb[PNVME_A_STAT_BYTES], 0);
	s->in_flight = attr_u64(tb[PNVME_A_STAT_IN_FLIGHT], 0);
	s->polled = attr_u64(tb[PNVME_A_STAT_POLLED], 0);
	s->latency_ns = attr_u64(tb[PNVME_A_STAT_LATENCY_NS], 0);
	s->since = attr_u64(tb[PNVME_A_STAT_SINCE], 0);
	parse_errors(tb[PNVME_A_STAT_ERRORS], s);
	parse_latency(tb[PNVME_A_STAT_LATENCY], s);
	return 0;
}

static void start_over(void *arg)
{
	struct growing *g = arg;

	g->stats->n = 0;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int read_stats(struct pnvme *h, const uint8_t *ns, int queue, struct pnvme_stats *stats)
{
	struct growing g = { .stats = stats };
	struct nl_reply reply = {
		.parse = append_stat, .restart = start_over, .arg = &g,
		.max = PNVME_A_STAT_MAX,
	};
	struct nl_request r;
	int ret;

	ret = nl_begin(h, &r, PNVME_CMD_STAT_GET, true);
	if (ret)
		return ret;
	if (ns)
		nl_bytes(&r, PNVME_A_STAT_NAMESPACE, ns, 16);
	if (queue >= 0)
		nl_u32(&r, PNVME_A_STAT_QUEUE, (uint32_t)queue);
	ret = nl_run(h, &r, "statistics", &reply);
	stats->time = now_ns();
	return ret;
}

API int pnvme_stats_get(struct pnvme *h, const uint8_t *ns, int queue, struct pnvme_stats **out)
{
	struct pnvme_stats *stats = calloc(1, sizeof(*stats));
	int ret;

	enter(h);
	*out = NULL;
	ret = stats ? read_stats(h, ns, queue, stats) : fail_nomem(h);
	if (ret)
		pnvme_stats_free(stats);
	else
		*out = stats;
	return leave(h, ret);
}

API void pnvme_stats_free(struct pnvme_stats *stats)
{
	if (!stats)
		return;
	free(stats->stats);
	free(stats);
}

API void pnvme_stat_add(struct pnvme_stat *to, const struct pnvme_stat *from)
{
	unsigned int i;

	to->ios += from->ios;
	to->bytes += from->bytes;
	to->in_flight += from->in_flight;
	to->polled += from->polled;
	to->latency_ns += from->latency_ns;
	for (i = 0; i < PNVME_ERROR_CLASSES; i++)
		to->errors[i] += from->errors[i];
	for (i = 0; i < PNVME_LATENCY_BUCKETS; i++)
		to->latency[i] += from->latency[i];
}

/* Counters do not run backwards. */
static void less(uint64_t *now, uint64_t before)
{
	*now = *now > before ? *now - before : 0;
}

API void pnvme_stat_since(struct pnvme_stat *now, const struct pnvme_stat *before)
{
	unsigned int i;

	/* exposed anew: all that it counted is new */
	if (now->since != before->since)
		return;
	less(&now->ios, before->ios);
	less(&now->bytes, before->bytes);
	less(&now->polled, before->polled);
	less(&now->latency_ns, before->latency_ns);
	for (i = 0; i < PNVME_ERROR_CLASSES; i++)
		less(&now->errors[i], before->errors[i]);
	for (i = 0; i < PNVME_LATENCY_BUCKETS; i++)
		less(&now->latency[i], before->latency[i]);
}

API uint64_t pnvme_stat_timed(const struct pnvme_stat *s)
{
	uint64_t n = 0;
	unsigned int i;

	for (i = 0; i < PNVME_LATENCY_BUCKETS; i++)
		n += s->latency[i];
	return n;
}

API uint64_t pnvme_latency_from(unsigned int bucket)
{
	return pnvme_latency_bound(bucket);
}

/* The first and the last bucket have no middle: their one bound that is known stands for them. */
static uint64_t middle(unsigned int bucket)
{
	uint64_t from = pnvme_latency_bound(bucket);

	if (!bucket)
		return pnvme_latency_bound(1);
	if (bucket + 1 >= PNVME_LATENCY_BUCKETS)
		return from;
	return from + (pnvme_latency_bound(bucket + 1) - from) / 2;
}

API uint64_t pnvme_stat_quantile(const struct pnvme_stat *s, double q)
{
	uint64_t n = pnvme_stat_timed(s), rank, seen = 0;
	unsigned int i;

	if (!n)
		return 0;
	rank = (uint64_t)(q * (double)n);
	if ((double)rank < q * (double)n || !rank)
		rank++;
	for (i = 0; i < PNVME_LATENCY_BUCKETS; i++) {
		seen += s->latency[i];
		if (seen >= rank)
			return middle(i);
	}
	return middle(PNVME_LATENCY_BUCKETS - 1);
}

API uint64_t pnvme_stat_max(const struct pnvme_stat *s)
{
	unsigned int i = PNVME_LATENCY_BUCKETS;

	while (i--)
		if (s->latency[i])
			return i + 1 < PNVME_LATENCY_BUCKETS ? pnvme_latency_bound(i + 1) :
			       pnvme_latency_bound(i);
	return 0;
}
