// SPDX-License-Identifier: GPL-2.0
/* The handle: locking, the message of the last failure, remarks. */
#include <stdarg.h>
#include <stdlib.h>

#include <libmnl/libmnl.h>

#include "internal.h"

#ifndef PNVME_VERSION
#define PNVME_VERSION "0"
#endif

API const char *pnvme_version(void)
{
	return PNVME_VERSION;
}

static int lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;
	int ret;

	ret = pthread_mutexattr_init(&attr);
	if (ret)
		return ret;
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	ret = pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return ret;
}

API struct pnvme *pnvme_new(void)
{
	struct pnvme *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	if (lock_init(&h->lock)) {
		free(h);
		return NULL;
	}
	return h;
}

static void drop_notes(struct pnvme *h)
{
	while (h->n_notes)
		free(h->notes[--h->n_notes]);
}

API void pnvme_free(struct pnvme *h)
{
	if (!h)
		return;
	if (h->nl)
		mnl_socket_close(h->nl);
	if (h->events)
		mnl_socket_close(h->events);
	drop_notes(h);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

void forget_error(struct pnvme *h)
{
	h->failed.message[0] = '\0';
	h->failed.hint[0] = '\0';
	h->failed.object[0] = '\0';
	h->failed.code[0] = '\0';
}

void enter(struct pnvme *h)
{
	pthread_mutex_lock(&h->lock);
	if (h->depth++)
		return;
	forget_error(h);
	drop_notes(h);
	h->partly = false;
}

int leave(struct pnvme *h, int ret)
{
	h->depth--;
	pthread_mutex_unlock(&h->lock);
	return ret;
}

void set_code(struct pnvme *h, const char *code)
{
	put_text(h->failed.code, sizeof(h->failed.code), "%s", code);
}

void set_object(struct pnvme *h, const char *object)
{
	put_text(h->failed.object, sizeof(h->failed.object), "%s", object);
}

int fail(struct pnvme *h, int err, const char *object, const char *fmt, ...)
{
	const char *code = strerrorname_np(-err);
	va_list args;

	forget_error(h);
	va_start(args, fmt);
	if (vsnprintf(h->failed.message, sizeof(h->failed.message), fmt, args) < 0)
		h->failed.message[0] = '\0';
	va_end(args);
	if (object)
		set_object(h, object);
	set_code(h, code ? code : "EUNKNOWN");
	return err;
}

int fail_nomem(struct pnvme *h)
{
	return fail(h, -ENOMEM, NULL, "out of memory");
}

void set_hint(struct pnvme *h, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (vsnprintf(h->failed.hint, sizeof(h->failed.hint), fmt, args) < 0)
		h->failed.hint[0] = '\0';
	va_end(args);
}

void note(struct pnvme *h, const char *fmt, ...)
{
	va_list args;
	char *text;
	size_t i;
	int n;

	if (h->n_notes == NOTES_MAX)
		return;
	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	for (i = 0; i < h->n_notes; i++) {
		if (!strcmp(h->notes[i], text)) {
			free(text);
			return;
		}
	}
	h->notes[h->n_notes++] = text;
}

/* What is handed out is the calling thread's own: another one's next call leaves it alone. */
static const char *hand_out(struct pnvme *h, const char *text, char *own, size_t size)
{
	pthread_mutex_lock(&h->lock);
	put_text(own, size, "%s", text);
	pthread_mutex_unlock(&h->lock);
	return own;
}

API const char *pnvme_error(struct pnvme *h)
{
	static _Thread_local char own[sizeof(h->failed.message)];

	return hand_out(h, h->failed.message, own, sizeof(own));
}

API const char *pnvme_hint(struct pnvme *h)
{
	static _Thread_local char own[sizeof(h->failed.hint)];

	return hand_out(h, h->failed.hint, own, sizeof(own));
}

API const char *pnvme_code(struct pnvme *h)
{
	static _Thread_local char own[sizeof(h->failed.code)];

	return hand_out(h, h->failed.code, own, sizeof(own));
}

API const char *pnvme_object(struct pnvme *h)
{
	static _Thread_local char own[sizeof(h->failed.object)];

	return hand_out(h, h->failed.object, own, sizeof(own));
}

API bool pnvme_partly(struct pnvme *h)
{
	bool partly;

	pthread_mutex_lock(&h->lock);
	partly = h->partly;
	pthread_mutex_unlock(&h->lock);
	return partly;
}

API const char *pnvme_note(struct pnvme *h, size_t i)
{
	static _Thread_local char own[sizeof(h->failed.message)];
	const char *text = NULL;

	pthread_mutex_lock(&h->lock);
	if (i < h->n_notes) {
		put_text(own, sizeof(own), "%s", h->notes[i]);
		text = own;
	}
	pthread_mutex_unlock(&h->lock);
	return text;
}

bool all_zero(const void *p, size_t n)
{
	const unsigned char *b = p;

	/* comparing with itself, shifted by one, lets memcmp do the work */
	return !n || (!b[0] && !memcmp(b, b + 1, n - 1));
}

void copy_text(char *to, size_t size, const char *from)
{
	size_t i;

	for (i = 0; i + 1 < size && from[i]; i++)
		to[i] = from[i] < 0x20 || from[i] > 0x7e ? '?' : from[i];
	if (size)
		to[i] = '\0';
}

void put_text(char *to, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (vsnprintf(to, size, fmt, args) < 0 && size)
		to[0] = '\0';
	va_end(args);
}
