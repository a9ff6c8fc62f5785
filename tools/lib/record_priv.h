/* SPDX-License-Identifier: GPL-2.0 */
/* What the files about the record share: record*.c. */
#ifndef PNVME_RECORD_PRIV_H
#define PNVME_RECORD_PRIV_H

#include <json-c/json.h>

#include "internal.h"

/**
 * struct record - the record in memory
 * @root: all of it
 * @drives: array in @root
 * @lost: there was none, or none that could be used
 * @newest: the newest roster that labels were found to have
 */
struct record {
	struct json_object	*root;
	struct json_object	*drives;
	bool			lost;
	struct roster		newest;
};

/* record_entry.c; -ENOENT if there is none */
/* Anew. @stale: the drive has had a newer label than the one that is on it. */
int record_set_entry(struct record *r, const struct pnvme_drive *d,
		     const struct pnvme_inventory *inv, bool stale);
int record_remove_entry(struct record *r, const uint8_t uuid[16]);
int record_ack_entry(struct record *r, const uint8_t uuid[16], enum pnvme_verdict v);

/* record.c: for those who wait, when what is done under the lock takes long */
void record_progress(void);

/* record_refresh.c; the record is locked */
/*
 * -ENOENT: it is not attached; of several, one that is not is left out. @stale: an older label
 * than the record knows is accepted.
 */
int record_refresh_all(struct pnvme *h, struct record *r, const uint8_t *const *uuids, size_t n,
		       bool stale);
/* All that are attached. */
int record_refresh_attached(struct pnvme *h, struct record *r);

/* JSON: values that may be missing or of the wrong type */

static inline const char *get_string(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_string) ?
	       json_object_get_string(v) : "";
}

static inline uint64_t get_number(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_int) ?
	       json_object_get_uint64(v) : 0;
}

static inline bool get_flag(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_boolean) &&
	       json_object_get_boolean(v);
}

static inline struct json_object *get_array(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, json_type_array) ?
	       v : NULL;
}

static inline void get_uuid(struct json_object *o, const char *key, uint8_t uuid[16])
{
	if (pnvme_uuid_parse(get_string(o, key), uuid))
		memset(uuid, 0, 16);
}

static inline int add(struct json_object *o, const char *key, struct json_object *v)
{
	if (v && !json_object_object_add(o, key, v))
		return 0;
	json_object_put(v);
	return -ENOMEM;
}

static inline int add_string(struct json_object *o, const char *key, const char *s)
{
	return add(o, key, json_object_new_string(s));
}

static inline int add_number(struct json_object *o, const char *key, uint64_t v)
{
	return add(o, key, json_object_new_uint64(v));
}

static inline int add_uuid(struct json_object *o, const char *key, const uint8_t uuid[16])
{
	char text[37];

	pnvme_uuid_format(uuid, text);
	return add_string(o, key, text);
}

#endif
