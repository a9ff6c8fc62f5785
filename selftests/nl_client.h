/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A client of the netlink family, written with libnl from the specification and
 * sharing no code with libpnvme or the module: numbers and types are spelled
 * out here once more, so that a mistake made on both sides cannot hide.
 */
#ifndef PNVME_NL_CLIENT_H
#define PNVME_NL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#define NL_LABEL 32768

enum nl_kind { K_U8, K_U32, K_U64, K_TEXT, K_ID, K_FLAG, K_U64S, K_DIGEST, K_NEST,
	/* a whole label; as text, a device or an image of one, whose first copy it is */
	K_LABEL };

/**
 * struct nl_field - an attribute
 * @name: as in the specification, NULL ends the table
 * @id: its number
 * @kind: its type
 * @words: names of the values of an enum, NULL-terminated
 */
struct nl_field {
	const char		*name;
	int			id;
	enum nl_kind		kind;
	const char *const	*words;
};

/**
 * struct nl_op - an operation
 * @name: as in the specification, NULL ends the table
 * @cmd: its number
 * @fields: its attribute set
 * @takes: names of the attributes that a request may have, blanks between
 * @required: those without which it is refused
 */
struct nl_op {
	const char		*name;
	int			cmd;
	const struct nl_field	*fields;
	const char		*takes;
	const char		*required;
};

extern const struct nl_field nl_info[], nl_drive[], nl_namespace[], nl_event[], nl_stat[];
extern const struct nl_op nl_ops[], nl_dump_ops[];	/* the latter have no do */

const struct nl_field *nl_field_named(const struct nl_field *set, const char *name);
const struct nl_field *nl_field_numbered(const struct nl_field *set, int id);
const struct nl_op *nl_op_named(const char *name);

/* At most this many attributes in a message, and bytes of a dump that is kept. */
#define NL_ATTRS 48

/**
 * struct nl_reply - what the kernel answered
 * @error: 0 or a negative errno, of the acknowledgement; -ENOBUFS: the answer was lost
 * @message: its sentence, "" if none
 * @offset: of the attribute that it blames, -1 if none
 * @missing: the attribute that it misses, -1 if none
 * @parts: messages that carried data
 * @reads: datagrams that they came in
 * @interrupted: NLM_F_DUMP_INTR was set
 * @cmd: of the last message
 * @attr: its attributes by number; they live until the next reply
 * @bytes: of the last message
 */
struct nl_reply {
	int		error;
	char		message[512];
	int		offset;
	int		missing;
	int		parts;
	int		reads;
	bool		interrupted;
	int		cmd;
	struct nlattr	*attr[NL_ATTRS];
	char		bytes[8192];
};

typedef void (*nl_part_fn)(const struct nl_reply *part, void *arg);
typedef void (*nl_read_fn)(int reads, void *arg);

struct nl_sock *nl_open(void);
struct nl_sock *nl_open_with(int buffer);	/* bytes that a read asks for */
int nl_family(struct nl_sock *sk);	/* its number, or a negative errno */

/* Requests. The last attribute put may be broken by hand afterwards. */
struct nl_msg *nl_request(const char *op, int flags);
int nl_put(struct nl_msg *msg, const struct nl_field *field, const char *text);
void nl_put_named(struct nl_msg *msg, const char *op, const char *name, const char *text);
void nl_put_raw(struct nl_msg *msg, int type, const void *data, int len);
int nl_offset_of(struct nl_msg *msg, int id);	/* of the attribute in the message, or -1 */

/* Sends and frees @msg, reads the whole answer. Returns reply->error. */
int nl_ask(struct nl_sock *sk, struct nl_msg *msg, struct nl_reply *reply);
/* The two halves of it; @msg is not freed. */
int nl_send_asking(struct nl_sock *sk, struct nl_msg *msg);
int nl_answer(struct nl_sock *sk, struct nl_reply *reply);
/* The same for a dump: @part sees each object, @between is called after each read. */
int nl_ask_all(struct nl_sock *sk, struct nl_msg *msg, struct nl_reply *reply, nl_part_fn part,
	    nl_read_fn between, void *arg);
/* The next message of a socket that listens; -EAGAIN after @ms without one. */
int nl_next_event(struct nl_sock *sk, struct nl_reply *event, int ms);
int nl_listen(struct nl_sock *sk);

/* Values of a reply; nonsense (0, "") if the attribute is absent. */
uint64_t nl_number(const struct nl_reply *reply, const struct nl_field *set, const char *name);
const char *nl_text(const struct nl_reply *reply, const struct nl_field *set, const char *name);
bool nl_has(const struct nl_reply *reply, const struct nl_field *set, const char *name);
/* Is each attribute of a known number, of the length and form of its type? NULL or what is wrong. */
const char *nl_form_flaw(const struct nl_reply *reply, const struct nl_field *set);

/* Text forms. */
int nl_parse_id(const char *text, unsigned char id[16]);
void nl_format_id(const unsigned char *id, char text[37]);
void nl_format(const struct nl_field *field, const struct nlattr *attr, char *text, size_t size);

void nl_die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif /* PNVME_NL_CLIENT_H */
