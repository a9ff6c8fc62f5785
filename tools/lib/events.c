// SPDX-License-Identifier: GPL-2.0
/* Events: a second socket, subscribed to the module's multicast group. */
#include <errno.h>
#include <linux/genetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "netlink.h"

#define EVENT_BYTES	8192
#define QUEUE_BYTES	(1 << 20)

API int pnvme_events_open(struct pnvme *h)
{
	struct mnl_socket *nl;
	int ret, size = QUEUE_BYTES;

	enter(h);
	if (h->events)
		return leave(h, 0);
	ret = nl_connect(h);
	if (!ret)
		ret = socket_open(h, &nl);
	if (ret)
		return leave(h, ret);
	/* a larger queue is welcome, not needed: what is lost is told as such */
	if (setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)))
		note(h, "the event queue stays small");
	if (mnl_socket_setsockopt(nl, NETLINK_ADD_MEMBERSHIP, &h->group, sizeof(h->group)) < 0) {
		ret = fail(h, -errno, "events", "cannot subscribe to events: %s",
			   strerror(errno));
		mnl_socket_close(nl);
		return leave(h, ret);
	}
	h->events = nl;
	return leave(h, 0);
}

API int pnvme_events_fd(struct pnvme *h)
{
	int fd;

	enter(h);
	fd = h->events ? mnl_socket_get_fd(h->events) : -EBADF;
	return leave(h, fd);
}

/* "missing: no drive here carries its label" */
static void name_verdict(const struct nlattr *attr, struct pnvme_event *ev)
{
	char verdict[16], evidence[sizeof(ev->message)];

	attr_text(attr, verdict, sizeof(verdict));
	memcpy(evidence, ev->message, sizeof(evidence));
	put_text(ev->message, sizeof(ev->message), "%s: %s", verdict, evidence);
}

static bool parse_event(struct pnvme *h, const struct nlmsghdr *nlh, struct pnvme_event *ev)
{
	const struct nlattr *tb[PNVME_A_EVENT_MAX + 1];
	const struct genlmsghdr *g = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type != h->family ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*g) || g->cmd != PNVME_CMD_EVENT)
		return false;
	attr_table(nlh, tb, PNVME_A_EVENT_MAX);
	memset(ev, 0, sizeof(*ev));
	ev->type = attr_u32(tb[PNVME_A_EVENT_TYPE], 0);
	ev->time = attr_u64(tb[PNVME_A_EVENT_TIME], 0);
	attr_bytes(tb[PNVME_A_EVENT_DRIVE], ev->drive, 16);
	attr_bytes(tb[PNVME_A_EVENT_NAMESPACE], ev->ns, 16);
	attr_text(tb[PNVME_A_EVENT_MESSAGE], ev->message, sizeof(ev->message));
	attr_text(tb[PNVME_A_EVENT_DEVICE], ev->device, sizeof(ev->device));
	attr_text(tb[PNVME_A_EVENT_NAME], ev->name, sizeof(ev->name));
	if (tb[PNVME_A_EVENT_VERDICT])
		name_verdict(tb[PNVME_A_EVENT_VERDICT], ev);
	return true;
}

/* One event is one datagram. 0: none of ours. */
static int receive_event(struct pnvme *h, struct pnvme_event *ev)
{
	_Alignas(8) char buf[EVENT_BYTES];
	const struct nlmsghdr *nlh = (const void *)buf;
	ssize_t len = kernel_recv(h->events, buf, sizeof(buf), MSG_DONTWAIT);

	if (len < 0) {
		if (errno == ENOBUFS)
			return fail(h, -ENOBUFS, "events",
				    "events came faster than they were read; some are lost");
		if (errno == EAGAIN || errno == EINTR)
			return 0;
		return fail(h, -errno, "events", "no events: %s", strerror(errno));
	}
	return mnl_nlmsg_ok(nlh, (int)len) && parse_event(h, nlh, ev);
}

/* The lock is not held while waiting. */
static int wait_for_event(struct pnvme *h, int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int ret = poll(&p, 1, ms), err = errno;

	if (ret > 0)
		return 0;
	enter(h);
	ret = fail(h, ret ? -err : -ETIMEDOUT, "events", "no event: %s",
		   strerror(ret ? err : ETIMEDOUT));
	return leave(h, ret);
}

API int pnvme_events_next(struct pnvme *h, int ms, struct pnvme_event *ev)
{
	uint64_t until = now_ms() + (ms > 0 ? (uint64_t)ms : 0);
	int fd = pnvme_events_fd(h), ret, left = ms;

	while (fd >= 0) {
		ret = wait_for_event(h, fd, left);
		if (ret)
			return ret;
		enter(h);
		ret = receive_event(h, ev);
		leave(h, ret);
		if (ret)
			return ret < 0 ? ret : 0;
		if (ms > 0)
			left = until > now_ms() ? (int)(until - now_ms()) : 0;
	}
	return fd;
}
