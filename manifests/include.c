/* Tags and dotted keys: what is left to do when a file is a tree. */
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "manifests/files.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

#define INCLUDES_MAX 64
#define BYTES_MAX (8u << 20) /* of all included files of one file */
#define DEPTH_MAX 8

/* A file at work, and the one that includes it. */
struct frame {
	const char *path;
	const struct frame *from;
	unsigned depth;
};

struct walk {
	struct problems *problems;
	const struct files *files;
	const char *base;
	unsigned n;
	size_t bytes;
	bool broken;
};

static void visit(struct walk *w, struct node *n, const struct frame *frame);

static void complain(struct walk *w, const struct node *n, const char *before, const char *what,
		     const char *behind)
{
	(void)problem_add(w->problems, PROBLEM_ERROR, "E0108", n->at, "%s%s%s", before, what,
			  behind);
	w->broken = true;
}

/* RFC 3629: no overlong forms, no surrogates. */
static bool is_utf8(const char *text, size_t size)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)text;

	for (size_t i = 0; i < size;) {
		unsigned n = s[i] < 0x80 ? 0 : s[i] >> 5 == 6 ? 1 : s[i] >> 4 == 14 ? 2 : 3;
		uint32_t c = n ? s[i] & (0x3fu >> n) : s[i];

		if ((s[i] >= 0x80 && s[i] < 0xc0) || s[i] > 0xf4 || i + n >= size)
			return false;
		for (unsigned k = 1; k <= n; k++) {
			if (s[i + k] >> 6 != 2)
				return false;
			c = c << 6 | (s[i + k] & 0x3fu);
		}
		if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) || !c)
			return false;
		i += n + 1;
	}
	return true;
}

typedef int get(void *ctx, struct arena *arena, const char *path, char **out, size_t *size,
		struct error *err);

/* Beside the including file, else below the app's root. NULL with a problem. */
static const char *fetch(struct walk *w, const struct node *n, const char *given, get *from,
			 const struct frame *frame, char **text, size_t *size)
{
	struct arena *arena = w->problems->arena;
	const char *folders[] = { files_folder(arena, frame->path), w->base };
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		const char *path = files_join(arena, folders[i], given);
		int r;

		if (!path) {
			if (i + 1 < ARRAY_SIZE(folders))
				continue;
			complain(w, n, "\"", given, "\" leads out of the project");
			return NULL;
		}
		r = from(w->files->ctx, arena, path, text, size, &err);
		if (r == 0)
			return path;
		if (r < 0) {
			complain(w, n, "can't be included: ", err.text, "");
			return NULL;
		}
	}
	complain(w, n, "there is no \"", given, "\" in the project");
	return NULL;
}

/* Everything but its place in the tree around it. */
static void replace(struct node *n, const struct node *by)
{
	struct node copy = *by;

	copy.key = n->key;
	copy.key_at = n->key_at;
	copy.next = n->next;
	copy.merged = n->merged;
	copy.tag = NULL;
	*n = copy;
}

static void become_text(struct walk *w, struct node *n, const char *text)
{
	replace(n, node_scalar(w->problems->arena, text, false, n));
}

static void include_tree(struct walk *w, struct node *n, const char *path, const char *text,
			 size_t size, const struct frame *from)
{
	const struct frame frame = { path, from, from->depth + 1 };
	struct node *root;

	for (const struct frame *f = from; f; f = f->from)
		if (!strcmp(f->path, path)) {
			complain(w, n, "\"", path, "\" includes itself");
			return;
		}
	if (frame.depth > DEPTH_MAX) {
		complain(w, n, "files that include files, more than 8 deep", "", "");
		return;
	}
	root = tree_parse(w->problems, path, text, size);
	if (!root) {
		w->broken = true;
		return;
	}
	visit(w, root, &frame);
	replace(n, root);
}

static void include(struct walk *w, struct node *n, const char *type, const char *path,
		    const struct frame *frame)
{
	struct arena *arena = w->problems->arena;
	bool archive = !strcmp(type, "archive");
	char *text;
	size_t size;

	if (++w->n > INCLUDES_MAX || w->bytes > BYTES_MAX) {
		complain(w, n, "more than 64 included files, or 8 MiB of them", "", "");
		return;
	}
	path = fetch(w, n, path, archive ? w->files->pack : w->files->read, frame, &text, &size);
	if (!path)
		return;
	w->bytes += size;
	if (archive || !strcmp(type, "binary"))
		become_text(w, n, base64_encode(arena, text, size));
	else if (!strcmp(type, "yaml"))
		include_tree(w, n, path, text, size, frame);
	else if (!is_utf8(text, size))
		complain(w, n, "\"", path, "\" is no text: include it with type binary");
	else
		become_text(w, n, text);
}

static void read_tag(struct walk *w, struct node *n, const struct frame *frame)
{
	static const char *const types[] = { "yaml", "string", "binary", "archive", NULL };
	const struct node *type = tree_get(n, "type"), *path = tree_get(n, "path");
	bool archive = !strcmp(n->tag, "!archive");
	const char *tag = n->tag;
	const struct node given = *n;
	struct node nothing = { .text = "", .plain = true, .weight = 1 };
	int choice = 0;

	nothing.key = n->key;
	nothing.key_at = n->key_at;
	nothing.at = n->at;
	nothing.next = n->next;
	nothing.merged = n->merged;
	/* What can't be had is nothing, so that nobody complains about it twice. */
	*n = nothing;
	if (given.kind == NODE_SCALAR && *given.text) {
		include(w, n, archive ? "archive" : "yaml", given.text, frame);
		return;
	}
	if (given.kind != NODE_MAP || archive || !path || path->kind != NODE_SCALAR ||
	    !*path->text) {
		complain(w, n, tag, " takes a path", archive ? "" : ", or {type, path}");
		return;
	}
	for (const struct node *m = given.child; m; m = m->next)
		if (m != type && m != path)
			complain(w, m, "\"", m->key,
				 "\" is no key of !include: it has type and path");
	if (type)
		choice = read_choice(w->problems, type, types);
	if (choice < 0)
		w->broken = true;
	else
		include(w, n, types[choice], path->text, frame);
}

/* As in ".cache:", but not in "./x" or "../x", which is a mistake to be told. */
static bool is_dotted(const struct node *n)
{
	return n->key && *n->key == '.' && n->key[1] && !strchr("./", n->key[1]);
}

static void drop_dotted(struct walk *w, struct node *map)
{
	struct node **link = &map->child;

	map->last = NULL;
	while (*link) {
		struct node *m = *link;

		if (!is_dotted(m)) {
			map->last = m;
			link = &m->next;
			continue;
		}
		problem_add(w->problems, PROBLEM_WARNING, "W0210", m->key_at,
			    "\"%s\" is ignored, as its name starts with \".\"", m->key)
			->hint =
			arena_printf(w->problems->arena, "a mount is written \"/%s\"", m->key);
		*link = m->next;
		map->n--;
	}
}

static void visit(struct walk *w, struct node *n, const struct frame *frame)
{
	if (n->tag)
		read_tag(w, n, frame);
	if (n->kind == NODE_MAP)
		drop_dotted(w, n);
	for (struct node *m = n->child; m; m = m->next)
		visit(w, m, frame);
}

bool files_resolve(struct problems *p, const struct files *files, struct node *root,
		   const char *base)
{
	struct walk w = { .problems = p, .files = files, .base = base };
	const struct frame frame = { .path = root->at.file };

	visit(&w, root, &frame);
	return !w.broken;
}
