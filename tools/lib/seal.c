// SPDX-License-Identifier: GPL-2.0
/* Sealing a namespace, and verifying later that its data is what it was. */
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "seal.h"

#define SAMPLES_DEFAULT 4096U

API double pnvme_seal_bound(uint32_t samples, double confidence)
{
	/* 1 - (1 - confidence)^(1 / samples), exact also where that is tiny */
	return samples ? -expm1(log1p(-confidence) / samples) : 1;
}

/* Opens the very device of the namespace; -EBUSY of somebody who has it is not told yet. */
static int open_ns(const struct pnvme_namespace *ns, int flags)
{
	char path[96];
	struct stat st;
	int fd, ret = 0;

	put_text(path, sizeof(path), "/dev/%s", ns->device);
	fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC | flags);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		ret = -errno;
	else if (!S_ISBLK(st.st_mode) || major(st.st_rdev) != ns->major ||
		 minor(st.st_rdev) != ns->minor)
		ret = -ENXIO;
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

static int fail_open(struct pnvme *h, const struct pnvme_namespace *ns, int err)
{
	struct holders found;

	if (err != -EBUSY)
		return fail(h, err, ns->name, "namespace %s (/dev/%s) cannot be opened: %s",
			    ns->name, ns->device, strerror(-err));
	holders_find(ns->device, &found);
	return fail(h, -EBUSY, ns->name,
		    "namespace %s (/dev/%s) is mounted or otherwise in use, and its next write would break the seal; unmount or stop that first%s%s%s",
		    ns->name, ns->device, found.n ? " (" : "", found.n ? found.text : "",
		    found.n ? ")" : "");
}

/* For us alone: nobody mounts it meanwhile. What is written back late is on the drive then. */
static int open_exclusive(struct pnvme *h, const struct pnvme_namespace *ns)
{
	struct patience p = { 0 };
	const char *names[] = { ns->device };
	int fd;

	do {
		fd = open_ns(ns, O_EXCL);
	} while (fd == -EBUSY && busy_wait(&p, names, 1));
	if (fd < 0)
		return fail_open(h, ns, fd);
	if (!fsync(fd))
		return fd;
	fail(h, -errno, ns->name, "namespace %s cannot be flushed: %s", ns->name, strerror(errno));
	close(fd);
	return -EIO;
}

/* The module's side */

static int parse_token(struct pnvme *h, const struct nlattr **tb, void *arg)
{
	(void)h;
	*(uint64_t *)arg = attr_u64(tb[PNVME_A_NAMESPACE_SEAL_TOKEN], 0);
	return 0;
}

static int begin(struct pnvme *h, const struct pnvme_namespace *ns, unsigned int flags,
		 uint64_t *token)
{
	struct nl_reply reply = { .parse = parse_token, .arg = token,
				  .max = PNVME_A_NAMESPACE_MAX };
	struct nl_request r;
	int ret = nl_begin(h, &r, PNVME_CMD_NS_SEAL_BEGIN, false);

	if (ret)
		return ret;
	nl_bytes(&r, PNVME_A_NAMESPACE_UUID, ns->uuid, 16);
	nl_flag(&r, PNVME_A_NAMESPACE_CHECK, flags & PNVME_CHECK);
	return nl_run(h, &r, ns->name, &reply);
}

static int commit(struct pnvme *h, const struct pnvme_namespace *ns, uint64_t token,
		  const struct sampling *s, const uint8_t seed[16])
{
	uint8_t digest[DIGEST_BYTES];
	struct nl_request r;
	int ret = nl_begin(h, &r, PNVME_CMD_NS_SEAL, false);

	if (ret)
		return ret;
	seal_digest(s->samples, s->n, digest);
	nl_bytes(&r, PNVME_A_NAMESPACE_UUID, ns->uuid, 16);
	nl_u64(&r, PNVME_A_NAMESPACE_SEAL_TOKEN, token);
	nl_u32(&r, PNVME_A_NAMESPACE_SEAL_SAMPLES, (uint32_t)s->n);
	nl_u64(&r, PNVME_A_NAMESPACE_SEAL_LOOKED, s->looked);
	nl_bytes(&r, PNVME_A_NAMESPACE_SEAL_SEED, seed, 16);
	nl_bytes(&r, PNVME_A_NAMESPACE_SEAL_DIGEST, digest, sizeof(digest));
	return nl_run(h, &r, ns->name, NULL);
}

/* Sealing */

static int fail_sampling(struct pnvme *h, const struct pnvme_namespace *ns, int err,
			 const struct sampling *s)
{
	if (err == -EINTR)
		return fail(h, err, ns->name, "interrupted; %s was not sealed", ns->name);
	if (err == -ENOMEM)
		return fail_nomem(h);
	return fail(h, err, ns->name, "%s cannot be read at byte %llu: %s; it was not sealed",
		    ns->name, (unsigned long long)s->bad, strerror(-err));
}

static int sample(struct pnvme *h, const struct pnvme_namespace *ns, struct sampling *s)
{
	int ret;

	s->samples = calloc(s->want, sizeof(*s->samples));
	if (!s->samples)
		return fail_nomem(h);
	ret = sampling_run(s);
	if (ret)
		return fail_sampling(h, ns, ret, s);
	if (!s->n)
		return fail(h, -ENODATA, ns->name,
			    "%s holds nothing but zeros, so there is nothing to seal", ns->name);
	return 0;
}

/* The label first tells what the samples are; then the list may take the old one's place. */
static int store(struct pnvme *h, const struct pnvme_namespace *ns, uint64_t token,
		 const struct sampling *s, const uint8_t seed[16])
{
	int listed = seal_list_write(ns->uuid, s->samples, s->n);
	int ret = commit(h, ns, token, s, seed);

	if (ret)
		return ret;
	if (!listed)
		listed = seal_list_keep(ns->uuid);
	if (listed)
		note(h, "the list of samples could not be stored in %s/seals: %s; pnvme ns verify can tell whether all match, but not how many",
		     state_dir(), strerror(-listed));
	return 0;
}

static int seal_open(struct pnvme *h, struct pnvme_namespace *ns, struct sampling *s,
		     unsigned int flags)
{
	uint64_t token = 0;
	uint8_t seed[16], uuid[16];
	int ret;

	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		return fail(h, -EIO, ns->name, "there are no random numbers to be had");
	memcpy(uuid, ns->uuid, sizeof(uuid));
	ret = begin(h, ns, flags, &token);
	if (ret || (flags & PNVME_CHECK))
		return ret;
	/* its size until now may not be the one that the token is for */
	ret = kernel_ns(h, uuid, ns);
	if (ret)
		return ret;
	s->end = ns->size / PNVME_SEAL_BLOCK;
	seal_order_init(&s->order, seed, s->end);
	ret = sample(h, ns, s);
	if (!ret)
		ret = store(h, ns, token, s, seed);
	free(s->samples);
	return ret;
}

static int get_ready(struct pnvme *h, const uint8_t uuid[16], struct pnvme_namespace *ns)
{
	int ret = kernel_ns(h, uuid, ns);

	if (ret || ns->device[0])
		return ret;
	return fail(h, -ENODEV, ns->name, "namespace %s is not usable: %s", ns->name,
		    ns->reason[0] ? ns->reason : pnvme_ns_status_name(ns->state));
}

API int pnvme_namespace_seal(struct pnvme *h, const uint8_t uuid[16], uint32_t samples,
			     unsigned int flags, pnvme_progress_fn progress, void *arg,
			     struct pnvme_namespace **out)
{
	struct sampling s = { .want = samples ? samples : SAMPLES_DEFAULT,
			      .progress = progress, .arg = arg };
	struct pnvme_namespace ns;
	int ret;

	enter(h);
	if (samples > PNVME_SEAL_SAMPLES_MAX)
		return leave(h, fail(h, -EINVAL, NULL, "at most %u samples are possible",
				     PNVME_SEAL_SAMPLES_MAX));
	ret = get_ready(h, uuid, &ns);
	if (ret)
		return leave(h, ret);
	s.fd = open_exclusive(h, &ns);
	if (s.fd < 0)
		return leave(h, s.fd);
	ret = seal_open(h, &ns, &s, flags);
	close(s.fd);
	if (ret)
		return leave(h, ret);
	if (!(flags & PNVME_CHECK))
		record_update(h, ns.drive);
	ret = kernel_ns(h, uuid, &ns);
	if (ret || !out)
		return leave(h, ret);
	*out = malloc(sizeof(**out));
	if (!*out)
		return leave(h, fail_nomem(h));
	**out = ns;
	return leave(h, 0);
}

/* Verifying */

static int fail_reading(struct pnvme *h, const struct pnvme_namespace *ns, int err)
{
	if (err == -EINTR)
		return fail(h, err, ns->name, "interrupted; nothing was found out about %s",
			    ns->name);
	return fail(h, err, ns->name, "%s cannot be verified: %s", ns->name, strerror(-err));
}

static void count(struct pnvme_verified *v, const struct seal_sample *samples,
		  const struct seal_check *found)
{
	uint32_t i;

	v->counted = true;
	for (i = 0; i < v->samples; i++) {
		if (found[i].same) {
			v->matched++;
			continue;
		}
		if (found[i].error)
			v->unreadable++;
		if (v->first == UINT64_MAX || samples[i].block * PNVME_SEAL_BLOCK < v->first)
			v->first = samples[i].block * PNVME_SEAL_BLOCK;
	}
}

/* Each sample of the host's list. */
static int verify_list(struct pnvme *h, const struct pnvme_namespace *ns, struct sampling *s,
		       struct pnvme_verified *v)
{
	struct seal_check *found = calloc(v->samples, sizeof(*found));
	int ret;

	if (!found)
		return fail_nomem(h);
	ret = seal_compare(s->fd, s->samples, v->samples, found, s->progress, s->arg);
	if (ret)
		ret = fail_reading(h, ns, ret);
	else
		count(v, s->samples, found);
	free(found);
	return ret;
}

/* The blocks that were looked at then: those that are not zero must be the samples. */
static int verify_alone(struct pnvme *h, const struct pnvme_namespace *ns, struct sampling *s,
			struct pnvme_verified *v)
{
	uint8_t digest[DIGEST_BYTES];
	int ret = sampling_run(s);

	if (ret == -EINTR || ret == -ENOMEM)
		return fail_reading(h, ns, ret);
	if (ret) {
		v->unreadable = 1;
		v->first = s->bad;
		return 0;
	}
	v->full = (uint32_t)s->n;
	seal_digest(s->samples, s->n, digest);
	if (s->n == v->samples && !memcmp(digest, ns->seal_digest, sizeof(digest)))
		v->matched = v->samples;
	return 0;
}

static int verify_open(struct pnvme *h, const struct pnvme_namespace *ns, struct sampling *s,
		       struct pnvme_verified *v)
{
	int ret;

	seal_order_init(&s->order, ns->seal_seed, ns->size / PNVME_SEAL_BLOCK);
	s->end = ns->seal_looked;
	s->want = v->samples + 1UL;
	s->samples = calloc(s->want, sizeof(*s->samples));
	if (!s->samples)
		return fail_nomem(h);
	ret = seal_list_read(ns->uuid, s->samples, v->samples, ns->seal_digest);
	if (!ret) {
		ret = verify_list(h, ns, s, v);
	} else {
		note(h, ret == -EBADMSG ?
		     "the list of samples in %s/seals is not the one of this seal; what the label says is enough to tell whether all match" :
		     "there is no list of samples in %s/seals; what the label says is enough to tell whether all match",
		     state_dir());
		ret = verify_alone(h, ns, s, v);
	}
	free(s->samples);
	return ret;
}

static void describe(const struct pnvme_namespace *ns, struct pnvme_verified *v)
{
	memset(v, 0, sizeof(*v));
	v->broken = ns->seal == PNVME_SEAL_STATE_BROKEN;
	v->samples = ns->seal_samples;
	v->sealed_at = ns->sealed_at;
	v->broken_at = ns->seal_broken_at;
	v->complete = ns->seal_looked == ns->size / PNVME_SEAL_BLOCK;
	v->first = UINT64_MAX;
	v->confidence = PNVME_SEAL_CONFIDENCE;
	v->bound = v->complete ? 0 : pnvme_seal_bound(v->samples, v->confidence);
}

/* Somebody may have written while it was read: then what differs is no loss. */
static int look_again(struct pnvme *h, const struct pnvme_namespace *ns, struct pnvme_verified *v)
{
	struct pnvme_namespace now;
	int ret = kernel_ns(h, ns->uuid, &now);

	if (ret || (now.seal == ns->seal && now.sealed_at == ns->sealed_at))
		return ret;
	if (now.sealed_at != ns->sealed_at)
		return fail(h, -EAGAIN, ns->name, "%s was sealed anew meanwhile; verify it again",
			    ns->name);
	describe(&now, v);
	return 0;
}

API int pnvme_namespace_verify(struct pnvme *h, const uint8_t uuid[16],
			       pnvme_progress_fn progress, void *arg, struct pnvme_verified *v)
{
	struct sampling s = { .progress = progress, .arg = arg };
	struct pnvme_namespace ns;
	int ret;

	enter(h);
	ret = get_ready(h, uuid, &ns);
	if (ret)
		return leave(h, ret);
	if (ns.seal == PNVME_SEAL_STATE_NONE) {
		fail(h, -ENODATA, ns.name, "%s was never sealed, so nothing can be said of its data",
		     ns.name);
		set_hint(h, "pnvme ns seal %s", ns.name);
		return leave(h, -ENODATA);
	}
	describe(&ns, v);
	if (v->broken)
		return leave(h, 0);
	s.fd = open_ns(&ns, 0);
	if (s.fd < 0)
		return leave(h, fail_open(h, &ns, s.fd));
	ret = verify_open(h, &ns, &s, v);
	close(s.fd);
	return leave(h, ret ? ret : look_again(h, &ns, v));
}
