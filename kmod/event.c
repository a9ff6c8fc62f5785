// SPDX-License-Identifier: GPL-2.0
/* What happened: one line in the kernel log and one message to the multicast group. */
#include <linux/ktime.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <net/genetlink.h>

#include "drive.h"
#include "event.h"
#include "namespace.h"
#include "netlink_gen.h"

/* Drives and namespaces are few and change slowly; a storm is somebody's loop. */
static DEFINE_RATELIMIT_STATE(log_limit, 5 * HZ, 200);

/* The family goes before the drives do: set once, with pnvme_view held for writing. */
static bool stopped;

void pnvme_events_stop(void)
{
	down_write(&pnvme_view);
	stopped = true;
	up_write(&pnvme_view);
}

/**
 * struct event - what is told
 * @type: what happened
 * @uuid: of the drive
 * @device: its lower device
 * @ns: what it happened to, or NULL
 * @verdict: NULL, or the word for what the drive is
 * @text: one sentence
 */
struct event {
	enum pnvme_event_type	type;
	const u8		*uuid;
	const char		*device;
	struct pnvme_ns		*ns;
	const char		*verdict;
	const char		*text;
};

static int event_put(struct sk_buff *skb, const struct event *ev)
{
	if (nla_put_u32(skb, PNVME_A_EVENT_TYPE, ev->type) ||
	    nla_put_string(skb, PNVME_A_EVENT_MESSAGE, ev->text) ||
	    nla_put(skb, PNVME_A_EVENT_DRIVE, 16, ev->uuid) ||
	    nla_put_string(skb, PNVME_A_EVENT_DEVICE, ev->device) ||
	    nla_put_u64_64bit(skb, PNVME_A_EVENT_TIME, ktime_get_real_ns(), 0))
		return -EMSGSIZE;
	if (ev->ns && (nla_put(skb, PNVME_A_EVENT_NAMESPACE, 16, ev->ns->uuid) ||
		       nla_put_string(skb, PNVME_A_EVENT_NAME, ev->ns->name)))
		return -EMSGSIZE;
	if (ev->verdict && nla_put_string(skb, PNVME_A_EVENT_VERDICT, ev->verdict))
		return -EMSGSIZE;
	return 0;
}

static int event_fill(struct sk_buff *skb, const struct event *ev)
{
	void *hdr = genlmsg_put(skb, 0, 0, &pnvme_nl_family, 0, PNVME_CMD_EVENT);

	if (!hdr)
		return -EMSGSIZE;
	if (event_put(skb, ev)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

static void event_send(const struct event *ev)
{
	/*
	 * Events are advice; the state can always be read. Without __GFP_NORETRY so small an
	 * allocation never fails, and what the caller does next may be what frees memory.
	 */
	gfp_t gfp = GFP_NOIO | __GFP_NORETRY | __GFP_NOWARN;
	struct sk_buff *skb = genlmsg_new(NLMSG_GOODSIZE, gfp);
	int ret;

	if (!skb)
		return;
	down_read(&pnvme_view);
	ret = stopped ? -ESHUTDOWN : event_fill(skb, ev);
	if (ret)
		nlmsg_free(skb);
	else	/* fails only for want of listeners or of their memory */
		genlmsg_multicast(&pnvme_nl_family, skb, 0, PNVME_NLGRP_EVENTS, gfp);
	up_read(&pnvme_view);
}

/**
 * pnvme_event_drive - tell what happened to a drive
 * @type: enum pnvme_event_type
 * @drive: pnvme_view is not held
 * @fmt: one sentence, without the drive's name in it
 */
void pnvme_event_drive(enum pnvme_event_type type, struct pnvme_drive *drive,
		       const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vscnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (__ratelimit(&log_limit))
		pr_info("%s (%s, uuid %pU): %s\n", dev_name(&drive->dev), drive->lower_name,
			drive->uuid, text);
	event_send(&(struct event){
		.type = type, .uuid = drive->uuid, .device = drive->lower_name, .text = text,
	});
}

/**
 * pnvme_event_ns - tell what happened to a namespace
 * @type: enum pnvme_event_type
 * @ns: pnvme_view is not held
 * @fmt: one sentence, without the namespace's name in it
 */
void pnvme_event_ns(enum pnvme_event_type type, struct pnvme_ns *ns, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vscnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (__ratelimit(&log_limit))
		pr_info("%sn%u (%s, uuid %pU): %s\n", dev_name(&ns->drive->dev), ns->nsid,
			ns->name, ns->uuid, text);
	event_send(&(struct event){
		.type = type, .uuid = ns->drive->uuid, .device = ns->drive->lower_name, .ns = ns,
		.text = text,
	});
}

/**
 * pnvme_event_verdict - tell what userspace has found a drive to be
 * @uuid: of the drive, which need not be attached, nor be here
 * @device: its lower device, "" if it is not here
 * @verdict: the word
 * @text: the evidence, one sentence
 */
void pnvme_event_verdict(const u8 *uuid, const char *device, const char *verdict,
			 const char *text)
{
	if (__ratelimit(&log_limit))
		pr_info("drive %pU (%s): verdict %s: %s\n", uuid, device[0] ? device : "not here",
			verdict, text);
	event_send(&(struct event){
		.type = PNVME_EVENT_TYPE_DRIVE_VERDICT, .uuid = uuid, .device = device,
		.verdict = verdict, .text = text,
	});
}
