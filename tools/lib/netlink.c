// SPDX-License-Identifier: GPL-2.0
/* Talking to the module: requests, answers, the sentence in a refusal. */
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "netlink.h"

#define REPLY_BYTES	32768
#define ATTRS_MAX	64
#define DUMP_TRIES	64

struct family {
	uint16_t	id;
	uint32_t	group;
};

/* What one receive loop carries around. */
struct conversation {
	struct pnvme		*h;
	struct mnl_socket	*nl;
	uint32_t		seq;
	const struct nl_reply	*reply;
	bool			interrupted;	/* the dump raced with a change */
	bool			done;
	int			err;		/* as the kernel said */
	char			extack[512];
};

static int set_option(struct mnl_socket *nl, int option)
{
	int one = 1;

	return mnl_socket_setsockopt(nl, option, &one, sizeof(one));
}

int socket_open(struct pnvme *h, struct mnl_socket **out)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	int err;

	if (!nl)
		return fail(h, -errno, "netlink", "cannot open a netlink socket: %s",
			    strerror(errno));
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    set_option(nl, NETLINK_EXT_ACK) < 0 || set_option(nl, NETLINK_CAP_ACK) < 0) {
		err = -errno;
		mnl_socket_close(nl);
		return fail(h, err, "netlink", "cannot set up a netlink socket: %s",
			    strerror(-err));
	}
	/* stricter checking of our own requests: a kernel without it serves us as well */
	set_option(nl, NETLINK_GET_STRICT_CHK);
	*out = nl;
	return 0;
}

/* Attributes of an answer into a table. */
struct table {
	const struct nlattr	**tb;
	unsigned int		max;
};

static int fill_table(const struct nlattr *attr, void *arg)
{
	const struct table *t = arg;
	unsigned int type = mnl_attr_get_type(attr);

	if (type <= t->max)
		t->tb[type] = attr;
	return MNL_CB_OK;
}

void attr_table(const struct nlmsghdr *nlh, const struct nlattr **tb, unsigned int max)
{
	struct table t = { .tb = tb, .max = max };

	memset(tb, 0, (max + 1) * sizeof(*tb));
	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), fill_table, &t);
}

uint32_t attr_u32(const struct nlattr *a, uint32_t otherwise)
{
	if (!a)
		return otherwise;
	if (mnl_attr_get_payload_len(a) == sizeof(uint8_t))
		return mnl_attr_get_u8(a);
	return mnl_attr_get_payload_len(a) == sizeof(uint32_t) ? mnl_attr_get_u32(a) : otherwise;
}

uint64_t attr_u64(const struct nlattr *a, uint64_t otherwise)
{
	return a && mnl_attr_get_payload_len(a) == sizeof(uint64_t) ? mnl_attr_get_u64(a) :
	       otherwise;
}

void attr_bytes(const struct nlattr *a, void *to, size_t n)
{
	if (a && mnl_attr_get_payload_len(a) == n)
		memcpy(to, mnl_attr_get_payload(a), n);
	else
		memset(to, 0, n);
}

void attr_text(const struct nlattr *a, char *to, size_t n)
{
	size_t len;

	to[0] = '\0';
	if (!a)
		return;
	len = strnlen(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
	if (len >= n)
		len = n - 1;
	memcpy(to, mnl_attr_get_payload(a), len);
	to[len] = '\0';
}

static int find_extack(const struct nlattr *attr, void *arg)
{
	struct conversation *c = arg;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
		attr_text(attr, c->extack, sizeof(c->extack));
	return MNL_CB_OK;
}

static void read_extack(struct conversation *c, const struct nlmsghdr *nlh, size_t offset)
{
	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS && mnl_nlmsg_get_payload_len(nlh) > offset)
		mnl_attr_parse(nlh, (unsigned int)offset, find_extack, c);
}

static void handle_error(struct conversation *c, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	size_t offset = sizeof(*e);

	c->done = true;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e)) {
		c->err = -EBADMSG;
		return;
	}
	c->err = e->error;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		offset += e->msg.nlmsg_len - sizeof(e->msg);
	read_extack(c, nlh, offset);
}

static void handle_done(struct conversation *c, const struct nlmsghdr *nlh)
{
	c->done = true;
	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(int)) {
		c->err = *(const int *)mnl_nlmsg_get_payload(nlh);
		read_extack(c, nlh, sizeof(int));
	}
	if (c->err > 0)
		c->err = 0;
}

static int handle_data(struct conversation *c, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[ATTRS_MAX + 1];

	if (!c->reply || mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return 0;
	attr_table(nlh, tb, c->reply->max);
	return c->reply->parse(c->h, tb, c->reply->arg);
}

static int handle_message(struct conversation *c, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_seq != c->seq)
		return 0;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		c->interrupted = true;
	switch (nlh->nlmsg_type) {
	case NLMSG_ERROR:
		handle_error(c, nlh);
		return 0;
	case NLMSG_DONE:
		handle_done(c, nlh);
		return 0;
	case NLMSG_NOOP:
	case NLMSG_OVERRUN:
		return 0;
	default:
		return handle_data(c, nlh);
	}
}

static int handle_datagram(struct conversation *c, const void *buf, size_t len)
{
	const struct nlmsghdr *nlh = buf;
	int left = (int)len, ret = 0;

	for (; mnl_nlmsg_ok(nlh, left) && !c->done; nlh = mnl_nlmsg_next(nlh, &left)) {
		ret = handle_message(c, nlh);
		if (ret)
			break;
	}
	return ret;
}

ssize_t kernel_recv(struct mnl_socket *nl, void *buf, size_t n, int flags)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { .iov_base = buf, .iov_len = n };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1,
	};
	ssize_t len = recvmsg(mnl_socket_get_fd(nl), &msg, flags);

	if (len >= 0 && msg.msg_flags & MSG_TRUNC) {
		errno = ENOSPC;
		return -1;
	}
	/* who may send to others' sockets is no kernel for that: as if it had not come */
	return len >= 0 && from.nl_pid ? 0 : len;
}

static int receive_all(struct conversation *c)
{
	char *buf = malloc(REPLY_BYTES);
	ssize_t len;
	int ret = 0;

	if (!buf)
		return fail_nomem(c->h);
	while (!c->done && !ret) {
		len = kernel_recv(c->nl, buf, REPLY_BYTES, 0);
		if (len >= 0)
			ret = handle_datagram(c, buf, (size_t)len);
		else if (errno != EINTR)
			ret = fail(c->h, -errno, "netlink", "no answer from the kernel: %s",
				   strerror(errno));
	}
	free(buf);
	return ret;
}

/* Turns the kernel's refusal into the handle's message. */
static int refused(struct conversation *c, const char *object)
{
	if (c->extack[0])
		fail(c->h, c->err, object, "%s", c->extack);
	else if (c->err == -EPERM)
		fail(c->h, c->err, object, "not permitted: only root may do this");
	else
		fail(c->h, c->err, object, "the kernel refused it: %s", strerror(-c->err));
	if ((c->err == -EPERM || c->err == -EACCES) && !strstr(c->h->failed.message, "root"))
		set_hint(c->h, "run it as root");
	return c->err;
}

static int converse(struct conversation *c, struct nlmsghdr *req)
{
	c->seq = req->nlmsg_seq = ++c->h->seq;
	c->done = c->interrupted = false;
	c->err = 0;
	c->extack[0] = '\0';
	if (mnl_socket_sendto(c->nl, req, req->nlmsg_len) < 0)
		return fail(c->h, -errno, "netlink", "cannot reach the kernel: %s",
			    strerror(errno));
	return receive_all(c);
}

/* Finding the family */

static int find_group(const struct nlattr *attr, void *arg)
{
	struct family *f = arg;
	const struct nlattr *a, *name = NULL;
	char text[GENL_NAMSIZ];
	uint32_t id = 0;

	mnl_attr_for_each_nested(a, attr) {
		if (mnl_attr_get_type(a) == CTRL_ATTR_MCAST_GRP_NAME)
			name = a;
		else if (mnl_attr_get_type(a) == CTRL_ATTR_MCAST_GRP_ID)
			id = attr_u32(a, 0);
	}
	attr_text(name, text, sizeof(text));
	if (!strcmp(text, PNVME_MCGRP_EVENTS))
		f->group = id;
	return MNL_CB_OK;
}

static int parse_family(struct pnvme *h, const struct nlattr **tb, void *arg)
{
	struct family *f = arg;

	(void)h;
	if (tb[CTRL_ATTR_FAMILY_ID] &&
	    mnl_attr_get_payload_len(tb[CTRL_ATTR_FAMILY_ID]) == sizeof(uint16_t))
		f->id = mnl_attr_get_u16(tb[CTRL_ATTR_FAMILY_ID]);
	if (tb[CTRL_ATTR_MCAST_GROUPS])
		mnl_attr_parse_nested(tb[CTRL_ATTR_MCAST_GROUPS], find_group, f);
	return 0;
}

static void put_header(struct nl_request *r, uint16_t type, uint16_t flags, uint8_t cmd,
		       uint8_t version)
{
	struct genlmsghdr *g;

	memset(r, 0, sizeof(*r));
	r->hdr = mnl_nlmsg_put_header(r->buf);
	r->hdr->nlmsg_type = type;
	r->hdr->nlmsg_flags = NLM_F_REQUEST | flags;
	g = mnl_nlmsg_put_extra_header(r->hdr, sizeof(*g));
	g->cmd = cmd;
	g->version = version;
}

/* The module shows itself to the initial network namespace only. */
static int no_module(struct pnvme *h)
{
	if (!access("/sys/module/pnvme/initstate", F_OK))
		return fail(h, -EPERM, "pnvme",
			    "the module pnvme is loaded, but serves the initial network namespace only");
	fail(h, -PNVME_ENOMODULE, "pnvme", "the kernel module pnvme is not loaded");
	set_code(h, "ENOMODULE");
	set_hint(h, "modprobe pnvme");
	return -PNVME_ENOMODULE;
}

static int find_family(struct pnvme *h)
{
	struct family f = { 0 };
	struct nl_reply reply = { .parse = parse_family, .arg = &f, .max = CTRL_ATTR_MAX };
	struct conversation c = { .h = h, .nl = h->nl, .reply = &reply };
	struct nl_request r;
	int ret;

	put_header(&r, GENL_ID_CTRL, NLM_F_ACK, CTRL_CMD_GETFAMILY, 1);
	nl_string(&r, CTRL_ATTR_FAMILY_NAME, PNVME_FAMILY_NAME);
	ret = converse(&c, r.hdr);
	if (ret)
		return ret;
	if (c.err == -ENOENT)
		return no_module(h);
	if (c.err)
		return refused(&c, "netlink");
	h->family = f.id;
	h->group = f.group;
	return 0;
}

int nl_connect(struct pnvme *h)
{
	int ret;

	if (!h->nl) {
		ret = socket_open(h, &h->nl);
		if (ret)
			return ret;
	}
	return h->family ? 0 : find_family(h);
}

/* Requests */

int nl_begin(struct pnvme *h, struct nl_request *r, uint8_t cmd, bool dump)
{
	int ret = nl_connect(h);

	if (ret)
		return ret;
	put_header(r, h->family, dump ? NLM_F_DUMP : NLM_F_ACK, cmd, PNVME_FAMILY_VERSION);
	return 0;
}

void nl_bytes(struct nl_request *r, uint16_t attr, const void *p, size_t n)
{
	if (!mnl_attr_put_check(r->hdr, sizeof(r->buf), attr, n, p))
		r->overflow = true;
}

void nl_u8(struct nl_request *r, uint16_t attr, uint8_t v)
{
	nl_bytes(r, attr, &v, sizeof(v));
}

void nl_u32(struct nl_request *r, uint16_t attr, uint32_t v)
{
	nl_bytes(r, attr, &v, sizeof(v));
}

void nl_u64(struct nl_request *r, uint16_t attr, uint64_t v)
{
	nl_bytes(r, attr, &v, sizeof(v));
}

void nl_string(struct nl_request *r, uint16_t attr, const char *s)
{
	if (!mnl_attr_put_strz_check(r->hdr, sizeof(r->buf), attr, s))
		r->overflow = true;
}

void nl_flag(struct nl_request *r, uint16_t attr, bool set)
{
	if (set)
		nl_bytes(r, attr, NULL, 0);
}

struct nlattr *nl_nest(struct nl_request *r, uint16_t attr)
{
	struct nlattr *nest = mnl_attr_nest_start_check(r->hdr, sizeof(r->buf), attr);

	if (!nest)
		r->overflow = true;
	return nest;
}

void nl_nest_end(struct nl_request *r, struct nlattr *nest)
{
	if (nest)
		mnl_attr_nest_end(r->hdr, nest);
}

/* Between two tries of a dump: changes come in bursts. */
static void pause_a_moment(void)
{
	struct timespec ts = { .tv_nsec = 10 * 1000 * 1000 };

	nanosleep(&ts, NULL);
}

/* Was the module unloaded under a handle? The family is looked up anew. */
static bool nl_gone(struct pnvme *h)
{
	h->family = 0;
	if (find_family(h))
		return true;
	forget_error(h);
	return false;
}

int nl_run(struct pnvme *h, struct nl_request *r, const char *object,
	   const struct nl_reply *reply)
{
	struct conversation c = { .h = h, .nl = h->nl, .reply = reply };
	unsigned int tries;
	int ret;

	if (r->overflow)
		return fail(h, -EMSGSIZE, object, "an argument is too long");
	for (tries = 0; tries < DUMP_TRIES; tries++) {
		if (tries) {
			pause_a_moment();
			if (reply && reply->restart)
				reply->restart(reply->arg);
		}
		ret = converse(&c, r->hdr);
		if (ret)
			return ret;
		if (!c.interrupted || c.err)
			break;
	}
	if (c.err == -ENOENT && !c.extack[0] && r->hdr->nlmsg_type == h->family) {
		/* the family that we knew is gone; one of another number may be there */
		if (nl_gone(h))
			return no_module(h);
		if (r->hdr->nlmsg_type != h->family) {
			r->hdr->nlmsg_type = h->family;
			return nl_run(h, r, object, reply);
		}
	}
	if (c.err)
		return refused(&c, object);
	if (c.interrupted)
		return fail(h, -EAGAIN, object,
			    "drives and namespaces change faster than they can be listed; try again");
	if (c.extack[0])
		note(h, "%s", c.extack);
	return 0;
}
