// SPDX-License-Identifier: GPL-2.0
/*
 * json EXPR...: values of the JSON on stdin, one a line; an error where there is none.
 *
 * EXPR is what the tests need most of jq's language: .name, [N] (from the end if negative), []
 * (each element), and "| length" as the last. jq 1.6 takes a third of a second for its own start
 * in an emulated machine.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

static int show(const char *expr, struct json_object *o)
{
	if (!o) {
		fprintf(stderr, "json: there is no %s\n", expr);
		return -1;
	}
	puts(json_object_is_type(o, json_type_string) ? json_object_get_string(o) :
	     json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	return 0;
}

static int length(const char *expr, struct json_object *o)
{
	if (json_object_is_type(o, json_type_array))
		printf("%zu\n", json_object_array_length(o));
	else if (json_object_is_type(o, json_type_object))
		printf("%d\n", json_object_object_length(o));
	else
		return fprintf(stderr, "json: what has no length: %s\n", expr), -1;
	return 0;
}

static int walk(const char *expr, const char *rest, struct json_object *o);

static int walk_member(const char *expr, const char *rest, struct json_object *o)
{
	size_t n = strspn(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	struct json_object *value = NULL;
	char name[64];

	if (!n || n >= sizeof(name))
		return fprintf(stderr, "json: not understood: %s\n", expr), -1;
	snprintf(name, sizeof(name), "%.*s", (int)n, rest);
	if (json_object_is_type(o, json_type_object))
		json_object_object_get_ex(o, name, &value);
	return walk(expr, rest + n, value);
}

static int walk_elements(const char *expr, const char *rest, struct json_object *o)
{
	size_t i, n = json_object_is_type(o, json_type_array) ? json_object_array_length(o) : 0;
	char *end;
	long at;

	if (!o)
		return show(expr, NULL);
	if (*rest == ']') {
		for (i = 0; i < n; i++)
			if (walk(expr, rest + 1, json_object_array_get_idx(o, i)))
				return -1;
		return 0;
	}
	errno = 0;
	at = strtol(rest, &end, 10);
	if (end == rest || *end != ']' || errno)
		return fprintf(stderr, "json: not understood: %s\n", expr), -1;
	if (at < 0)
		at += (long)n;
	return walk(expr, end + 1, at >= 0 && (size_t)at < n ? json_object_array_get_idx(o, (size_t)at) : NULL);
}

static int walk(const char *expr, const char *rest, struct json_object *o)
{
	if (!*rest)
		return show(expr, o);
	if (!strcmp(rest, " | length"))
		return length(expr, o);
	if (*rest == '.' && rest[1] != '[')
		return walk_member(expr, rest + 1, o);
	if (*rest == '[')
		return walk_elements(expr, rest + 1, o);
	fprintf(stderr, "json: not understood: %s\n", expr);
	return -1;
}

int main(int argc, char **argv)
{
	struct json_object *o;
	int i, ret = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: json EXPR... < FILE\n");
		return 2;
	}
	o = json_object_from_fd(0);
	if (!o) {
		fprintf(stderr, "json: %s\n", json_util_get_last_err());
		return 1;
	}
	for (i = 1; i < argc && !ret; i++)
		ret = walk(argv[i], argv[i], o);
	json_object_put(o);
	return ret || fflush(stdout) ? 1 : 0;
}
