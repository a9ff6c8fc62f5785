// SPDX-License-Identifier: GPL-2.0
/* The dump of statistics: one message for each namespace, queue and operation. */
#include <linux/slab.h>
#include <linux/string.h>
#include <net/genetlink.h>

#include "drive.h"
#include "namespace.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "stats.h"

#define OPS (PNVME_STAT_OP_PASSTHRU_OTHER + 1)

/**
 * struct stat_cursor - where the dump goes on
 * @ns: namespaces that are done, among those wanted
 * @step: queue and operation of the next one that are done: queue * OPS + op
 */
struct stat_cursor {
	unsigned long	ns;
	unsigned long	step;
};

static struct stat_cursor *stat_cursor(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct stat_cursor) > sizeof(cb->ctx));
	return (struct stat_cursor *)cb->ctx;
}

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, 0);
}

static int put_latency(struct sk_buff *skb, const struct pnvme_stat *sum)
{
	unsigned int i, n = 0;
	struct nlattr *attr;
	u64 pair[2];

	for (i = 0; i < PNVME_LATENCY_BUCKETS; i++)
		n += !!sum->histogram[i];
	if (!n)
		return 0;
	attr = nla_reserve(skb, PNVME_A_STAT_LATENCY, n * sizeof(pair));
	if (!attr)
		return -EMSGSIZE;
	for (i = 0, n = 0; i < PNVME_LATENCY_BUCKETS; i++) {
		if (!sum->histogram[i])
			continue;
		pair[0] = i;
		pair[1] = sum->histogram[i];
		memcpy(nla_data(attr) + n++ * sizeof(pair), pair, sizeof(pair));
	}
	return put_u64(skb, PNVME_A_STAT_LATENCY_NS, sum->counts.latency);
}

static int put_errors(struct sk_buff *skb, const struct pnvme_stat *sum)
{
	if (!memchr_inv(sum->errors, 0, sizeof(sum->errors)))
		return 0;
	return nla_put(skb, PNVME_A_STAT_ERRORS, sizeof(sum->errors), sum->errors);
}

static int put_stat(struct sk_buff *skb, const struct pnvme_ns *ns, unsigned int queue,
		    enum pnvme_stat_op op, const struct pnvme_stat *sum)
{
	u64 finished = sum->counts.done + sum->errors[PNVME_ERROR_CLASS_AGAIN];

	if (nla_put(skb, PNVME_A_STAT_NAMESPACE, sizeof(ns->uuid), ns->uuid) ||
	    nla_put_u32(skb, PNVME_A_STAT_QUEUE, queue) ||
	    nla_put_u32(skb, PNVME_A_STAT_OP, op) ||
	    put_u64(skb, PNVME_A_STAT_IOS, sum->counts.done) ||
	    put_u64(skb, PNVME_A_STAT_BYTES, sum->counts.bytes) ||
	    put_u64(skb, PNVME_A_STAT_IN_FLIGHT, sum->counts.started - finished) ||
	    put_u64(skb, PNVME_A_STAT_POLLED, sum->polled) ||
	    put_u64(skb, PNVME_A_STAT_SINCE, ns->stats.since) ||
	    put_errors(skb, sum) || put_latency(skb, sum))
		return -EMSGSIZE;
	return 0;
}

static int dump_step(struct sk_buff *skb, struct netlink_callback *cb, struct pnvme_ns *ns,
		     unsigned int queue, enum pnvme_stat_op op, struct pnvme_stat *sum)
{
	void *hdr;

	pnvme_stats_sum(&ns->stats, queue, op, sum);
	if (op != PNVME_STAT_OP_READ && !sum->counts.started)
		return 0;
	hdr = pnvme_nl_dump_begin(skb, cb, PNVME_CMD_STAT_GET);
	return hdr ? pnvme_nl_dump_end(skb, hdr, put_stat(skb, ns, queue, op, sum)) : -EMSGSIZE;
}

static bool step_wanted(struct nlattr **attrs, unsigned int queue, enum pnvme_stat_op op)
{
	return (!attrs[PNVME_A_STAT_QUEUE] || nla_get_u32(attrs[PNVME_A_STAT_QUEUE]) == queue) &&
	       (!attrs[PNVME_A_STAT_OP] || nla_get_u32(attrs[PNVME_A_STAT_OP]) == op);
}

static int dump_ns(struct sk_buff *skb, struct netlink_callback *cb, struct pnvme_ns *ns,
		   struct pnvme_stat *sum)
{
	struct stat_cursor *cursor = stat_cursor(cb);
	struct nlattr **attrs = compat_dump_attrs(cb);
	unsigned long steps = (unsigned long)pnvme_stats_queues(&ns->stats) * OPS;
	int ret;

	for (; cursor->step < steps; cursor->step++) {
		if (!step_wanted(attrs, cursor->step / OPS, cursor->step % OPS))
			continue;
		ret = dump_step(skb, cb, ns, cursor->step / OPS, cursor->step % OPS, sum);
		if (ret)
			return ret;
	}
	return 0;
}

static bool ns_wanted(struct nlattr **attrs, const struct pnvme_ns *ns)
{
	if (attrs[PNVME_A_STAT_DRIVE] &&
	    memcmp(nla_data(attrs[PNVME_A_STAT_DRIVE]), ns->drive->uuid, 16))
		return false;
	if (attrs[PNVME_A_STAT_NAMESPACE] &&
	    memcmp(nla_data(attrs[PNVME_A_STAT_NAMESPACE]), ns->uuid, 16))
		return false;
	return ns->disk;
}

static int dump_drive(struct sk_buff *skb, struct netlink_callback *cb,
		      struct pnvme_drive *drive, unsigned long *seen, struct pnvme_stat *sum)
{
	struct stat_cursor *cursor = stat_cursor(cb);
	struct pnvme_ns *ns;
	int ret;

	list_for_each_entry(ns, &drive->namespaces, node) {
		if (!ns_wanted(compat_dump_attrs(cb), ns) || (*seen)++ < cursor->ns)
			continue;
		ret = dump_ns(skb, cb, ns, sum);
		if (ret)
			return ret;
		cursor->ns++;
		cursor->step = 0;
	}
	return 0;
}

int pnvme_nl_stat_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct pnvme_stat *sum = kmalloc(sizeof(*sum), GFP_KERNEL);
	struct pnvme_drive *drive = NULL;
	unsigned long seen = 0;
	int ret = 0;

	if (!sum)
		return -ENOMEM;
	down_read(&pnvme_view);
	/* a namespace that comes or goes between two parts is told by NLM_F_DUMP_INTR */
	cb->seq = pnvme_generation;
	while (!ret && (drive = pnvme_drive_next(drive)))
		if (drive->exposed)
			ret = dump_drive(skb, cb, drive, &seen, sum);
	up_read(&pnvme_view);
	kfree(sum);
	return skb->len ? skb->len : ret;
}
