// SPDX-License-Identifier: GPL-2.0
/* /etc/pnvme/policy.yaml: what the gate lets in, and how long a drive may take to appear. */
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include <yaml.h>

#include "policy.h"

#define POLICY_MAX_BYTES	65536
#define SETTLE_DEFAULT		30
#define SETTLE_MAX		3600

/**
 * struct reader - a policy file that is being read
 * @h: for the sentence
 * @path: of the file
 * @doc: what is in it
 */
struct reader {
	struct pnvme	*h;
	const char	*path;
	yaml_document_t	doc;
};

static const struct {
	const char	*word;
	unsigned int	bit;
} words[] = {
	{ "intact", GATE_INTACT },
	{ "lost-record", GATE_LOST_RECORD },
	{ "unrecorded", GATE_UNRECORDED },
	{ "stale", GATE_STALE },
};

void policy_default(struct policy *p)
{
	p->attach = GATE_INTACT | GATE_LOST_RECORD;
	p->settle = SETTLE_DEFAULT;
}

static int refuse(struct reader *r, const yaml_node_t *at, const char *what, const char *value)
{
	char shown[64];

	copy_text(shown, sizeof(shown), value);
	return fail(r->h, -EINVAL, r->path, "%s, line %zu: %s%s%s", r->path,
		    at->start_mark.line + 1, what, shown[0] ? ": " : "", shown);
}

/* The text of a scalar, "" of anything else. */
static const char *scalar(const yaml_node_t *n)
{
	return n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : "";
}

static int add_word(struct reader *r, const yaml_node_t *n, unsigned int *bits)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(scalar(n), words[i].word))
			continue;
		*bits |= words[i].bit;
		return 0;
	}
	return refuse(r, n, "attach takes a list of intact, lost-record, unrecorded and stale, not",
		      n->type == YAML_SCALAR_NODE ? scalar(n) : "a list or map in it");
}

/* A list of words, or one of them. */
static int read_attach(struct reader *r, const yaml_node_t *n, struct policy *p)
{
	unsigned int bits = 0;
	yaml_node_item_t *item;
	int ret = 0;

	if (n->type != YAML_SEQUENCE_NODE) {
		ret = add_word(r, n, &bits);
	} else {
		for (item = n->data.sequence.items.start; !ret && item < n->data.sequence.items.top;
		     item++)
			ret = add_word(r, yaml_document_get_node(&r->doc, *item), &bits);
	}
	if (!ret)
		p->attach = bits;
	return ret;
}

static int read_settle(struct reader *r, const yaml_node_t *n, struct policy *p)
{
	uint32_t seconds;

	if (pnvme_timeout_parse(scalar(n), &seconds) || seconds > SETTLE_MAX)
		return refuse(r, n, "settle takes seconds, such as 30 or 2m, at most 1h, not",
			      n->type == YAML_SCALAR_NODE ? scalar(n) : "a list or map");
	p->settle = seconds;
	return 0;
}

static const struct {
	const char	*name;
	int		(*read)(struct reader *r, const yaml_node_t *n, struct policy *p);
} keys[] = {
	{ "attach", read_attach },
	{ "settle", read_settle },
};

static int read_pair(struct reader *r, const yaml_node_pair_t *pair, unsigned int *seen,
		     struct policy *p)
{
	const yaml_node_t *key = yaml_document_get_node(&r->doc, pair->key);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(scalar(key), keys[i].name))
			continue;
		if (*seen & 1U << i)
			return refuse(r, key, "this key is there twice", keys[i].name);
		*seen |= 1U << i;
		return keys[i].read(r, yaml_document_get_node(&r->doc, pair->value), p);
	}
	return refuse(r, key, "there is no such key (attach and settle are)", scalar(key));
}

static int read_document(struct reader *r, struct policy *p)
{
	const yaml_node_t *root = yaml_document_get_root_node(&r->doc);
	yaml_node_pair_t *pair;
	unsigned int seen = 0;
	int ret = 0;

	if (!root)	/* an empty file, or comments alone */
		return 0;
	if (root->type != YAML_MAPPING_NODE)
		return refuse(r, root, "a policy is a list of KEY: VALUE, not", scalar(root));
	for (pair = root->data.mapping.pairs.start; !ret && pair < root->data.mapping.pairs.top;
	     pair++)
		ret = read_pair(r, pair, &seen, p);
	return ret;
}

static int not_yaml(struct reader *r, const yaml_parser_t *parser)
{
	return fail(r->h, -EINVAL, r->path, "%s, line %zu: this is no YAML: %s", r->path,
		    parser->problem_mark.line + 1,
		    parser->problem ? parser->problem : "out of memory");
}

/* One document, and nothing behind it that nobody would read. */
static int read_documents(struct reader *r, yaml_parser_t *parser, struct policy *p)
{
	const yaml_node_t *root;
	int ret;

	if (!yaml_parser_load(parser, &r->doc))
		return not_yaml(r, parser);
	ret = read_document(r, p);
	yaml_document_delete(&r->doc);
	if (ret)
		return ret;
	if (!yaml_parser_load(parser, &r->doc))
		return not_yaml(r, parser);
	root = yaml_document_get_root_node(&r->doc);
	if (root)
		ret = refuse(r, root, "a second document begins here", "");
	yaml_document_delete(&r->doc);
	return ret;
}

static int read_stream(struct reader *r, FILE *f, struct policy *p)
{
	yaml_parser_t parser;
	int ret;

	if (!yaml_parser_initialize(&parser))
		return fail_nomem(r->h);
	yaml_parser_set_input_file(&parser, f);
	ret = read_documents(r, &parser, p);
	yaml_parser_delete(&parser);
	return ret;
}

/* A directory or a device is no policy, and something huge neither. */
static int open_policy(struct pnvme *h, const char *path, FILE **f)
{
	struct stat st;

	*f = fopen(path, "re");
	if (!*f && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!*f)
		return fail(h, -errno, path, "the policy %s cannot be read: %s", path,
			    strerror(errno));
	if (!fstat(fileno(*f), &st) && S_ISREG(st.st_mode) && st.st_size <= POLICY_MAX_BYTES)
		return 0;
	fclose(*f);
	*f = NULL;
	return fail(h, -EINVAL, path, "the policy %s is no file of at most %d bytes", path,
		    POLICY_MAX_BYTES);
}

int policy_load(struct pnvme *h, struct policy *p)
{
	struct policy read;
	char path[PATH_MAX];
	FILE *f;
	int ret;

	policy_default(p);
	policy_default(&read);
	put_text(path, sizeof(path), "%s/policy.yaml", config_dir());
	ret = open_policy(h, path, &f);
	if (!ret && f) {
		struct reader r = { .h = h, .path = path };

		ret = read_stream(&r, f, &read);
		fclose(f);
	}
	if (!ret) {
		*p = read;
		return 0;
	}
	/* who wrote it wanted something else than the default: only what is beyond doubt */
	p->attach = GATE_INTACT;
	return ret;
}

/*
 * From boot on, and not from the last drive that appeared: a drive that is plugged in
 * later must not take back what was said of others.
 */
uint32_t policy_settle_left(const struct policy *p)
{
	struct timespec up;

	if (clock_gettime(CLOCK_BOOTTIME, &up) || up.tv_sec >= (time_t)p->settle)
		return 0;
	return p->settle - (uint32_t)up.tv_sec;
}
