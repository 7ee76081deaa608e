/* Trees as YAML that reads back the same, and where each value comes from. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/text.h"
#include "manifests/parts.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

struct printer {
	struct text out;
	bool origin;
};

/* Neither a number, flag nor null to whoever reads it, and of harmless characters. */
static bool is_bare(const char *text)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-";
	const struct node n = { .kind = NODE_SCALAR, .text = text, .plain = true };

	return *text && !strchr(".-+0123456789", *text) && strspn(text, letters) == strlen(text) &&
		node_is_text(&n);
}

/* A text that a block keeps as it is: lines without anything odd, the first one not indented, one end of line at most. */
static bool is_block(const char *text)
{
	size_t len = strlen(text);

	if (!strchr(text, '\n') || strchr(" \n\t", *text) ||
	    (len > 1 && text[len - 1] == '\n' && text[len - 2] == '\n'))
		return false;
	for (const unsigned char *s = (const unsigned char *)text; *s; s++)
		if ((*s < 0x20 && *s != '\n' && *s != '\t') || *s == 0x7f || *s >= 0x80 ||
		    (*s == ' ' && (!s[1] || s[1] == '\n')))
			return false;
	return true;
}

/* One character of UTF-8, which is valid: libyaml has seen it. */
static size_t decode(const unsigned char *s, unsigned *out)
{
	size_t n = *s < 0x80 ? 1 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4;
	unsigned c = n == 1 ? *s : *s & (0x7fu >> n);

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (s[i] & 0x3f);
	*out = c;
	return n;
}

/* YAML 1.1, 5.1: what may not stand for itself. */
static bool is_special(unsigned c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
		c == 0xfffe || c == 0xffff;
}

static void put_quoted(struct printer *pr, const char *text)
{
	text_add(&pr->out, "\"");
	for (const char *s = text; *s;) {
		unsigned c;
		size_t n = decode((const unsigned char *)s, &c);

		if (c == '\n')
			text_add(&pr->out, "\\n");
		else if (c == '"' || c == '\\')
			text_printf(&pr->out, "\\%c", (int)c);
		else if (is_special(c))
			text_printf(&pr->out, "\\u%04x", c);
		else
			text_add_bytes(&pr->out, s, n);
		s += n;
	}
	text_add(&pr->out, "\"");
}

static void put_indent(struct printer *pr, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		text_add(&pr->out, "  ");
}

static void end_line(struct printer *pr, const struct node *n)
{
	if (pr->origin && n->at.file)
		text_printf(&pr->out, "  # %s:%u", n->at.file, n->at.line);
	else if (pr->origin)
		text_add(&pr->out, "  # default");
	text_add(&pr->out, "\n");
}

static void put_block(struct printer *pr, const struct node *n, unsigned depth)
{
	const char *s = n->text;

	text_add(&pr->out, text_ends(s, "\n") ? "|" : "|-");
	end_line(pr, n);
	while (*s) {
		size_t len = strcspn(s, "\n");

		if (len)
			put_indent(pr, depth);
		text_add_bytes(&pr->out, s, len);
		text_add(&pr->out, "\n");
		s += len;
		s += *s == '\n';
	}
}

static void put_scalar(struct printer *pr, const struct node *n, unsigned depth)
{
	if (n->plain && node_is_null(n)) {
		text_add(&pr->out, "null");
	} else if ((n->plain && !node_is_text(n)) || is_bare(n->text)) {
		text_add(&pr->out, n->text);
	} else if (is_block(n->text)) {
		put_block(pr, n, depth);
		return;
	} else {
		put_quoted(pr, n->text);
	}
	end_line(pr, n);
}

static void put_members(struct printer *pr, const struct node *n, unsigned depth, bool first_here);

/* What follows a key or a dash. */
static void put_value(struct printer *pr, const struct node *n, unsigned depth, bool in_list)
{
	if (n->kind == NODE_SCALAR) {
		text_add(&pr->out, " ");
		put_scalar(pr, n, depth);
	} else if (!n->child) {
		text_add(&pr->out, n->kind == NODE_MAP ? " {}" : " []");
		end_line(pr, n);
	} else if (in_list && n->kind == NODE_MAP) {
		text_add(&pr->out, " ");
		put_members(pr, n, depth, true);
	} else {
		text_add(&pr->out, "\n");
		put_members(pr, n, depth, false);
	}
}

static void put_members(struct printer *pr, const struct node *n, unsigned depth, bool first_here)
{
	for (const struct node *m = n->child; m; m = m->next) {
		if (!first_here || m != n->child)
			put_indent(pr, depth);
		if (n->kind == NODE_LIST) {
			text_add(&pr->out, "-");
		} else if (is_bare(m->key)) {
			text_printf(&pr->out, "%s:", m->key);
		} else {
			put_quoted(pr, m->key);
			text_add(&pr->out, ":");
		}
		put_value(pr, m, depth + 1, n->kind == NODE_LIST);
	}
}

static void put_apps(struct printer *pr, const struct manifest *m, unsigned depth)
{
	for (size_t i = 0; i < m->n_apps; i++) {
		put_indent(pr, depth);
		text_add(&pr->out, "- ");
		if (m->apps[i].node)
			put_members(pr, m->apps[i].node, depth + 1, true);
		else
			text_add(&pr->out, "{}\n");
	}
}

static void put_part(struct printer *pr, const char *heading, const struct node *n)
{
	if (heading) {
		text_printf(&pr->out, "%s:", heading);
		if (n && n->child)
			text_add(&pr->out, "\n");
	}
	if (n && n->child)
		put_members(pr, n, heading != NULL, false);
	else
		text_add(&pr->out, heading ? " {}\n" : "{}\n");
}

/* The one that stands for a file that is not there would, written down, be another group: one with a router. */
static const struct node *routes_of(struct arena *arena, const struct manifest *m)
{
	struct node *map = node_new(arena, NODE_MAP, NULL);

	if (!m->routes_node)
		return NULL;
	for (size_t i = 0; i < m->n_routes; i++)
		node_append(map, node_as(arena, m->routes[i].node, m->routes[i].url));
	return map;
}

char *manifest_print(const struct manifest *m, enum manifest_part part, bool origin)
{
	AUTO(arena) struct arena arena = { 0 };
	struct printer pr = { .origin = origin };
	bool all = part == MANIFEST_ALL;

	if (all)
		text_add(&pr.out, "applications:\n");
	if (all || part == MANIFEST_APPS)
		put_apps(&pr, m, all);
	if (all || part == MANIFEST_SERVICES)
		put_part(&pr, all ? "services" : NULL, m->services_node);
	if (all || part == MANIFEST_ROUTES)
		put_part(&pr, all ? "routes" : NULL, routes_of(&arena, m));
	return pr.out.data;
}

/* Mounts are known by their path without outer slashes. */
static const struct node *find_child(const struct node *map, const char *key)
{
	const struct node *n = tree_get(map, key);
	size_t len = strlen(key);

	if (n || !map || map->kind != NODE_MAP)
		return n;
	for (n = map->child; n; n = n->next) {
		const char *s = n->key + strspn(n->key, "/");

		if (!strncmp(s, key, len) && strspn(s + len, "/") == strlen(s + len))
			return n;
	}
	return NULL;
}

struct place manifest_place(const struct node *node, const char *const *path, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct node *child = find_child(node, path[i]);

		if (!child || !child->at.file)
			break;
		node = child;
	}
	return node->kind == NODE_SCALAR && !node_is_null(node) ? node->at : node_place(node);
}
