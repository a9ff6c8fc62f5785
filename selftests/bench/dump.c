// SPDX-License-Identifier: GPL-2.0
/*
 * bench_dump TIMES [QUEUE]: the dump of statistics, of one queue or all, TIMES times;
 * prints messages, bytes, and nanoseconds (where the clock counts instructions, that)
 * of one dump, and how much kernel memory held the answer at most. Does nothing with the
 * answer, so nearly all of it is the kernel's.
 */
#include <linux/genetlink.h>
#include <linux/pnvme.h>
#include <linux/sock_diag.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include <libmnl/libmnl.h>

static char buf[65536];
static uint32_t most;	/* bytes that waited for us at a time */

static __attribute__((noreturn)) void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static struct nlmsghdr *request(uint16_t type, uint16_t flags, uint8_t cmd)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *g;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = 1;
	g = mnl_nlmsg_put_extra_header(nlh, sizeof(*g));
	g->cmd = cmd;
	g->version = 1;
	return nlh;
}

static void send_request(struct mnl_socket *nl, struct nlmsghdr *nlh)
{
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		die("send");
}

static ssize_t receive(struct mnl_socket *nl)
{
	ssize_t len = mnl_socket_recvfrom(nl, buf, sizeof(buf));

	if (len <= 0)
		die("receive");
	return len;
}

static uint16_t family(struct mnl_socket *nl)
{
	struct nlmsghdr *nlh = request(GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY);
	struct nlattr *attr;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, PNVME_FAMILY_NAME);
	send_request(nl, nlh);
	receive(nl);
	nlh = (struct nlmsghdr *)buf;
	if (nlh->nlmsg_type != GENL_ID_CTRL)
		return 0;
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			return mnl_attr_get_u16(attr);
	return 0;
}

/* What of the answer is there and was not read yet, with all that the kernel needs for it. */
static void look_at_memory(struct mnl_socket *nl)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);

	if (getsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_MEMINFO, info, &len))
		die("SO_MEMINFO");
	if (info[SK_MEMINFO_RMEM_ALLOC] > most)
		most = info[SK_MEMINFO_RMEM_ALLOC];
}

/* One dump: messages and bytes that came. */
static void dump(struct mnl_socket *nl, uint16_t id, long queue, bool look, uint64_t *messages,
		 uint64_t *bytes)
{
	struct nlmsghdr *nlh = request(id, NLM_F_DUMP, PNVME_CMD_STAT_GET);
	int left;

	if (queue >= 0)
		mnl_attr_put_u32(nlh, PNVME_A_STAT_QUEUE, (uint32_t)queue);
	send_request(nl, nlh);
	for (;;) {
		if (look)
			look_at_memory(nl);
		left = (int)receive(nl);
		*bytes += (uint64_t)left;
		for (nlh = (struct nlmsghdr *)buf; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_type == NLMSG_DONE)
				return;
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				fputs("bench_dump: refused\n", stderr);
				exit(1);
			}
			++*messages;
		}
	}
}

int main(int argc, char **argv)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_GENERIC);
	uint64_t messages = 0, bytes = 0, start;
	long i, times = argc > 1 ? atol(argv[1]) : 0, queue = argc > 2 ? atol(argv[2]) : -1;
	uint16_t id;

	if (times < 1) {
		fputs("usage: bench_dump TIMES [QUEUE]\n", stderr);
		return 2;
	}
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		die("socket");
	id = family(nl);
	if (!id) {
		fputs("bench_dump: there is no family pnvme\n", stderr);
		return 1;
	}
	/* what is touched for the first time costs more, and so does looking */
	dump(nl, id, queue, true, &messages, &bytes);
	messages = bytes = 0;
	start = now();
	for (i = 0; i < times; i++)
		dump(nl, id, queue, false, &messages, &bytes);
	printf("%llu %llu %llu %u\n", (unsigned long long)(messages / (uint64_t)times),
	       (unsigned long long)(bytes / (uint64_t)times),
	       (unsigned long long)((now() - start) / (uint64_t)times), most);
	return 0;
}
