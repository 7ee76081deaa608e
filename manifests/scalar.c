#include "manifests/scalar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/json.h"
#include "manifests/tree.h"

static bool one_of(const struct node *n, const char *const *words, size_t count)
{
	if (!n || n->kind != NODE_SCALAR || !n->plain)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!strcmp(n->text, words[i]))
			return true;
	return false;
}

bool node_is_null(const struct node *n)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	return one_of(n, words, ARRAY_SIZE(words));
}

bool node_flag(const struct node *n, bool *out)
{
	static const char *const yes[] = { "true", "True", "TRUE", "yes", "Yes",
					   "YES",  "on",   "On",   "ON" };
	static const char *const no[] = { "false", "False", "FALSE", "no", "No",
					  "NO",	   "off",   "Off",   "OFF" };

	if (one_of(n, yes, ARRAY_SIZE(yes)))
		*out = true;
	else if (one_of(n, no, ARRAY_SIZE(no)))
		*out = false;
	else
		return false;
	return true;
}

/* Decimal, 0x hexadecimal, 0 or 0o octal, with a sign. */
bool node_number(const struct node *n, int64_t *out)
{
	const char *s, *digits;
	int base = 10;
	long long value;
	char *end;

	if (n->kind != NODE_SCALAR || !n->plain)
		return false;
	s = n->text;
	digits = s + (*s == '-' || *s == '+');
	if (*digits < '0' || *digits > '9')
		return false;
	if (digits[0] == '0' && digits[1] == 'o' && digits == s) {
		digits += 2;
		base = 8;
	} else if (digits[0] == '0' && digits[1] == 'x') {
		base = 16;
	} else if (digits[0] == '0' && digits[1]) {
		base = 8;
	}
	errno = 0;
	value = strtoll(digits, &end, base);
	if (errno || *end || end == digits || *digits == '-' || *digits == '+' || *digits == ' ')
		return false;
	*out = *s == '-' ? -value : value;
	return true;
}

bool node_real(const struct node *n, double *out)
{
	const char *s;
	char *end;

	if (n->kind != NODE_SCALAR || !n->plain || !strchr(n->text, '.'))
		return false;
	s = n->text + (*n->text == '-' || *n->text == '+');
	if (strspn(s, "0123456789.eE+-") != strlen(s) || strspn(s, "0123456789") == 0)
		return false;
	errno = 0;
	*out = strtod(n->text, &end);
	return !errno && !*end;
}

bool node_is_text(const struct node *n)
{
	int64_t number;
	double real;
	bool flag;

	return n->kind == NODE_SCALAR && !node_is_null(n) && !node_flag(n, &flag) &&
		!node_number(n, &number) && !node_real(n, &real);
}

const char *node_kind_name(const struct node *n)
{
	bool flag;

	if (n->kind == NODE_MAP)
		return "a map";
	if (n->kind == NODE_LIST)
		return "a list";
	if (node_is_null(n))
		return "empty";
	if (node_flag(n, &flag))
		return "true or false";
	return node_is_text(n) ? "a text" : "a number";
}

static struct json_t *scalar_json(const struct node *n)
{
	int64_t number;
	double real;
	bool flag;

	if (node_is_null(n))
		return json_new_null();
	if (node_flag(n, &flag))
		return json_new_flag(flag);
	if (node_number(n, &number))
		return json_new_number(number);
	if (node_real(n, &real))
		return json_new_real(real);
	return json_new_text(n->text);
}

struct json_t *node_json(const struct node *n)
{
	struct json_t *value;

	if (n->kind == NODE_SCALAR)
		return scalar_json(n);
	value = n->kind == NODE_MAP ? json_new_map() : json_new_list();
	for (const struct node *m = n->child; m; m = m->next) {
		if (n->kind == NODE_MAP)
			json_put(value, m->key, node_json(m));
		else
			json_add(value, node_json(m));
	}
	return value;
}
