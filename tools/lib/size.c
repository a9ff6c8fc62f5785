// SPDX-License-Identifier: GPL-2.0
/* Sizes and times as people write them. */
#include <ctype.h>
#include <strings.h>

#include "internal.h"

typedef unsigned __int128 wide;

static const struct {
	const char	*word;
	uint64_t	factor;
} units[] = {
	{ "", 1 }, { "B", 1 },
	{ "K", 1ULL << 10 }, { "KiB", 1ULL << 10 }, { "KB", 1000ULL },
	{ "M", 1ULL << 20 }, { "MiB", 1ULL << 20 }, { "MB", 1000000ULL },
	{ "G", 1ULL << 30 }, { "GiB", 1ULL << 30 }, { "GB", 1000000000ULL },
	{ "T", 1ULL << 40 }, { "TiB", 1ULL << 40 }, { "TB", 1000000000000ULL },
	{ "P", 1ULL << 50 }, { "PiB", 1ULL << 50 }, { "PB", 1000000000000000ULL },
};

#define FRACTION_DIGITS 6

/* Digits at *s as a number; moves *s behind them. */
static int parse_digits(const char **s, uint64_t *v)
{
	wide n = 0;

	if (!isdigit((unsigned char)**s))
		return -EINVAL;
	for (; isdigit((unsigned char)**s); (*s)++) {
		n = n * 10 + (unsigned int)(**s - '0');
		if (n > UINT64_MAX)
			return -ERANGE;
	}
	*v = (uint64_t)n;
	return 0;
}

/* ".5" as a number of millionths. */
static int parse_fraction(const char **s, uint64_t *millionths)
{
	unsigned int digits = 0;

	*millionths = 0;
	if (**s != '.')
		return 0;
	for ((*s)++; isdigit((unsigned char)**s); (*s)++, digits++) {
		if (digits == FRACTION_DIGITS)
			return -EINVAL;
		*millionths = *millionths * 10 + (uint64_t)(**s - '0');
	}
	if (!digits)
		return -EINVAL;
	for (; digits < FRACTION_DIGITS; digits++)
		*millionths *= 10;
	return 0;
}

static int find_unit(const char *s, uint64_t *factor)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (!strcasecmp(units[i].word, s)) {
			*factor = units[i].factor;
			return 0;
		}
	}
	return -EINVAL;
}

API int pnvme_size_parse(const char *s, uint64_t *bytes, unsigned int *percent)
{
	uint64_t whole, millionths, factor;
	wide total;
	int ret;

	if (percent)
		*percent = 0;
	ret = parse_digits(&s, &whole);
	if (ret)
		return ret;
	if (percent && !strcmp(s, "%")) {
		if (whole < 1 || whole > 100)
			return -EINVAL;
		*percent = (unsigned int)whole;
		*bytes = 0;
		return 0;
	}
	ret = parse_fraction(&s, &millionths);
	if (ret)
		return ret;
	ret = find_unit(s, &factor);
	if (ret)
		return ret;
	if (millionths && factor == 1)
		return -EINVAL;
	total = (wide)whole * factor + (wide)millionths * factor / 1000000;
	if (total > UINT64_MAX)
		return -ERANGE;
	*bytes = (uint64_t)total;
	return 0;
}

API int pnvme_timeout_parse(const char *s, uint32_t *seconds)
{
	uint64_t v, factor;
	int ret;

	if (!strcmp(s, "forever")) {
		*seconds = PNVME_HOLD_FOREVER;
		return 0;
	}
	ret = parse_digits(&s, &v);
	if (ret)
		return ret;
	if (!*s || !strcmp(s, "s"))
		factor = 1;
	else if (!strcmp(s, "m"))
		factor = 60;
	else if (!strcmp(s, "h"))
		factor = 3600;
	else if (!strcmp(s, "d"))
		factor = 24 * 3600;
	else
		return -EINVAL;
	if (v > PNVME_HOLD_MAX / factor)
		return -ERANGE;
	*seconds = (uint32_t)(v * factor);
	return 0;
}
