/* SPDX-License-Identifier: GPL-2.0 */
/*
 * 6.2: "genetlink: introduce split op representation". On older kernels a
 * family that is written with split operations is converted when it is
 * registered: one genl_ops per command, with the policy of its do part, and a
 * pre_doit of the family that finds the one of the operation.
 */
#ifndef PNVME_COMPAT_NET_GENETLINK_H
#define PNVME_COMPAT_NET_GENETLINK_H

#include_next <net/genetlink.h>
#include <linux/slab.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)

struct genl_split_ops {
	int (*pre_doit)(const struct genl_split_ops *ops, struct sk_buff *skb,
			struct genl_info *info);
	int (*doit)(struct sk_buff *skb, struct genl_info *info);
	int (*dumpit)(struct sk_buff *skb, struct netlink_callback *cb);
	const struct nla_policy	*policy;
	unsigned int		maxattr;
	u8			cmd;
	u8			flags;
};

struct compat_genl_family {
	struct genl_family			old;
	const struct genl_split_ops		*split_ops;
	const struct genl_multicast_group	*mcgrps;
	struct module				*module;
	char					name[GENL_NAMSIZ];
	unsigned int				version;
	unsigned int				n_split_ops;
	unsigned int				n_mcgrps;
	bool					netnsok;
	bool					parallel_ops;
};

#define genl_family compat_genl_family

/* The commands of one family only are registered through here, so one pointer serves. */
static struct genl_family *compat_the_family;

static inline const struct genl_split_ops *compat_split_op(u8 cmd)
{
	unsigned int i;

	for (i = 0; i < compat_the_family->n_split_ops; i++)
		if (compat_the_family->split_ops[i].cmd == cmd &&
		    compat_the_family->split_ops[i].doit)
			return &compat_the_family->split_ops[i];
	return NULL;
}

static inline int compat_pre_doit(const struct genl_ops *ops, struct sk_buff *skb,
				  struct genl_info *info)
{
	const struct genl_split_ops *split = compat_split_op(ops->cmd);

	return split && split->pre_doit ? split->pre_doit(split, skb, info) : 0;
}

static inline void compat_genl_convert(struct genl_family *f, struct genl_ops *ops)
{
	unsigned int i, n = 0;

	for (i = 0; i < f->n_split_ops; i++) {
		const struct genl_split_ops *s = &f->split_ops[i];
		struct genl_ops *op;

		if (!n || ops[n - 1].cmd != s->cmd)
			n++;
		op = &ops[n - 1];
		op->cmd = s->cmd;
		if (s->doit)
			op->doit = s->doit;
		if (s->dumpit)
			op->dumpit = s->dumpit;
		if (s->policy) {
			op->policy = s->policy;
			op->maxattr = s->maxattr;
		}
	}
	f->old.ops = ops;
	f->old.n_ops = n;
}

static inline int compat_genl_register_family(struct genl_family *f)
{
	struct genl_ops *ops = kcalloc(f->n_split_ops, sizeof(*ops), GFP_KERNEL);
	int ret;

	if (!ops)
		return -ENOMEM;
	strscpy(f->old.name, f->name, sizeof(f->old.name));
	f->old.version = f->version;
	f->old.netnsok = f->netnsok;
	f->old.parallel_ops = f->parallel_ops;
	f->old.module = f->module;
	f->old.mcgrps = f->mcgrps;
	f->old.n_mcgrps = f->n_mcgrps;
	f->old.pre_doit = compat_pre_doit;
	f->old.resv_start_op = 1;
	compat_genl_convert(f, ops);
	compat_the_family = f;
	ret = genl_register_family(&f->old);
	if (ret)
		kfree(ops);
	return ret;
}

static inline void compat_genl_unregister_family(struct genl_family *f)
{
	genl_unregister_family(&f->old);
	kfree(f->old.ops);
}

#define genl_register_family(f)		compat_genl_register_family(f)
#define genl_unregister_family(f)	compat_genl_unregister_family(f)
#define genlmsg_put(skb, portid, seq, f, flags, cmd) \
	genlmsg_put(skb, portid, seq, &(f)->old, flags, cmd)

static inline void *compat_genlmsg_put_reply(struct sk_buff *skb, struct genl_info *info,
					     const struct genl_family *f, int flags, u8 cmd)
{
	return genlmsg_put(skb, info->snd_portid, info->snd_seq, f, flags, cmd);
}

#define genlmsg_put_reply(skb, info, f, flags, cmd) \
	compat_genlmsg_put_reply(skb, info, f, flags, cmd)
#define genlmsg_multicast(f, skb, portid, group, flags) \
	genlmsg_multicast(&(f)->old, skb, portid, group, flags)
#define genl_has_listeners(f, net, group) genl_has_listeners(&(f)->old, net, group)

/* 6.7: "genetlink: push conditional locking into dumpit/done" brought cb->info */
static inline struct nlattr **compat_dump_attrs(struct netlink_callback *cb)
{
	return genl_dumpit_info(cb)->attrs;
}

#else

static inline struct nlattr **compat_dump_attrs(struct netlink_callback *cb)
{
	return genl_dumpit_info(cb)->info.attrs;
}

#endif
#endif
