/*
 * Thousands of mistakes, made in manifests that are fine: none crashes or hangs, those that must be seen are, and what is said names
 * the right line.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "manifests/format.h"
#include "manifests/scalar.h"
#include "manifests/tree.h"
#include "tests/fuzz/project.h"

struct text_file {
	const char *file;
	const struct key *key;
	const char *text;
	size_t size;
};

struct gen {
	struct arena arena;
	const char *name; /* of the case */
	struct text_file sources[3];
	size_t n_sources;
	const struct text_file *now;
	size_t n, typos, types, twins, bytes; /* mutants */
};

/* The project with one file replaced. *p says what is wrong. */
static void load(const struct gen *g, const char *text, size_t size, struct problems *p,
		 struct manifest *m)
{
	struct memory files = { 0 };

	for (size_t i = 0; i < g->n_sources; i++) {
		const struct text_file *s = &g->sources[i];
		bool changed = s == g->now && text;

		memory_add(&files, s->file, changed ? text : s->text, changed ? size : s->size);
	}
	memory_read(&files, p, m);
}

/* There is an error on the line; with that code, if one is given. */
static void expect(struct gen *g, const char *what, const struct text *mutant, unsigned line,
		   const char *code)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(manifest) struct manifest m = { 0 };
	struct problems p = { .arena = &arena };
	bool found = false;

	load(g, mutant->data, mutant->size, &p, &m);
	for (size_t i = 0; i < p.n; i++)
		found |= p.items[i]->severity == PROBLEM_ERROR && p.items[i]->at.file &&
			!strcmp(p.items[i]->at.file, g->now->file) && p.items[i]->at.line == line &&
			(!code || !strcmp(p.items[i]->code, code));
	if (!found) {
		problems_print(&p, PROBLEM_WARNING, stderr);
		cr_expect_fail("%s/%s:%u: %s is not seen as %s\n%s", g->name, g->now->file, line,
			       what, code ? code : "an error", mutant->data);
	}
	g->n++;
}

/* Whatever it says, it comes back; and what it accepts, it reads back the same (or aborts). */
static void survive(struct gen *g, const void *text, size_t size)
{
	struct memory files = { 0 };

	for (size_t i = 0; i < g->n_sources; i++) {
		const struct text_file *s = &g->sources[i];

		memory_add(&files, s->file, s == g->now ? text : s->text,
			   s == g->now ? size : s->size);
	}
	memory_load(&files);
	g->n++;
}

static size_t offset_of(const struct gen *g, struct place at)
{
	const char *s = g->now->text;

	for (unsigned line = 1; line < at.line; line++)
		s = strchr(s, '\n') + 1;
	return (size_t)(s - g->now->text) + at.column - 1;
}

/* The file with `width` bytes at the place replaced. */
static struct text edit(const struct gen *g, struct place at, size_t width, const char *by)
{
	size_t offset = offset_of(g, at);
	struct text t = { 0 };

	text_add_bytes(&t, g->now->text, offset);
	text_add(&t, by);
	text_add(&t, g->now->text + offset + width);
	return t;
}

static void replace(struct gen *g, const char *what, struct place at, const char *by,
		    const char *code)
{
	AUTO(text) struct text t = edit(g, at, at.width, by);

	expect(g, what, &t, at.line, code);
}

static void mistype(struct gen *g, const struct node *m)
{
	const char *key = m->key;
	size_t len = strlen(key);

	if (m->key_at.width != len)
		return; /* quoted */
	replace(g, "a key too long", m->key_at, arena_printf(&g->arena, "%sx", key), "E0203");
	replace(g, "a key too short", m->key_at,
		arena_printf(&g->arena, "%.*sq", (int)len - 1, key), "E0203");
	replace(g, "a key in upper case", m->key_at,
		arena_printf(&g->arena, "%c%s", *key - 32, key + 1), "E0203");
	g->typos += 3;
}

/* Only what stands on one line as it is. */
static bool is_simple(const struct gen *g, const struct node *n)
{
	size_t len = n->kind == NODE_SCALAR ? strlen(n->text) : 0;

	return len && n->at.file && n->at.width == len + (n->plain ? 0 : 2) &&
		!strncmp(g->now->text + offset_of(g, n->at) + !n->plain, n->text, len);
}

static void wrong_types(struct gen *g, const struct key *k, const struct node *n)
{
	static const char *const wrong[] = {
		[KEY_TEXT] = "12",
		[KEY_NUMBER] = "many",
		[KEY_FLAG] = "perhaps",
		[KEY_CHOICE] = "nonsense",
	};

	if (!is_simple(g, n) || k->kind == KEY_ANY || (k->name && !strcmp(k->name, "stack")))
		return;
	replace(g, "a list", n->at, "[1, 2]", NULL);
	replace(g, "a list in lists", n->at,
		"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
		NULL);
	if (k->kind != KEY_MAP)
		replace(g, "a map", n->at, "{a: 1}", NULL);
	if (k->kind < ARRAY_SIZE(wrong) && wrong[k->kind])
		replace(g, "another type", n->at, wrong[k->kind], NULL);
	if (k->kind == KEY_MAP)
		replace(g, "no target", n->at, "\"nowhere:at-all\"", NULL);
	g->types += 3;
}

/* "  key: value" alone on its line, twice. */
static void twice(struct gen *g, const struct node *m)
{
	size_t key = offset_of(g, m->key_at);
	const char *start = g->now->text + key, *end;
	AUTO(text) struct text t = { 0 };

	if (!is_simple(g, m) || m->at.line != m->key_at.line)
		return;
	while (start > g->now->text && start[-1] == ' ')
		start--;
	end = g->now->text + offset_of(g, m->at) + m->at.width;
	if ((start > g->now->text && start[-1] != '\n') || *end != '\n')
		return;
	text_add_bytes(&t, g->now->text, (size_t)(end + 1 - g->now->text));
	text_add_bytes(&t, start, (size_t)(end + 1 - start));
	text_add(&t, end + 1);
	expect(g, "a key that is there twice", &t, m->key_at.line + 1, "E0205");
	g->twins++;
}

static const struct key *row_of(const struct key *keys, const char *name)
{
	for (; keys->kind != KEY_END; keys++)
		if (!strcmp(keys->name, name))
			return keys;
	return NULL;
}

static void walk(struct gen *g, const struct key *k, const struct node *n);

static void walk_member(struct gen *g, const struct key *k, const struct node *m)
{
	if (m->key)
		twice(g, m);
	wrong_types(g, k, m);
	walk(g, k, m);
}

static void walk(struct gen *g, const struct key *k, const struct node *n)
{
	if (k->kind == KEY_VARIANT) {
		const struct key *variant = row_of(k->keys, tree_text(n, "type", ""));

		cr_assert_not_null(variant);
		k = variant;
	}
	for (const struct node *m = n->child; m; m = m->next) {
		if (k->kind == KEY_MAP && n->kind == NODE_MAP) {
			const struct key *row = row_of(k->keys, m->key);

			cr_assert_not_null(row, "%s: %s", g->name, m->key);
			if (!(k->name && !strcmp(m->key, "type"))) /* a route's: what it is, then */
				mistype(g, m);
			walk_member(g, row, m);
		} else if ((k->kind == KEY_NAMES && n->kind == NODE_MAP) ||
			   (k->kind == KEY_LIST && n->kind == NODE_LIST)) {
			walk_member(g, k->item, m);
		}
	}
}

static void bad_bytes(struct gen *g)
{
	static const char *const bytes[] = { "\xff", "\xc3(", "\xed\xa0\x80", "\x01" };
	unsigned line = 1;

	for (const char *s = g->now->text; *s; line++) {
		const char *end = strchr(s, '\n');
		struct place at = { .line = line, .column = (unsigned)(end - s) + 1 };

		for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
			AUTO(text) struct text t = edit(g, at, 0, bytes[i]);

			expect(g, "bytes that are no text", &t, line, "E0101");
			g->bytes++;
		}
		s = end + 1;
	}
}

/* Each indented line with a tab: YAML may notice it there, or at the end of what it was reading. */
static void tabs(struct gen *g)
{
	for (const char *s = g->now->text; *s; s = strchr(s, '\n') + 1) {
		AUTO(text) struct text t = { 0 };

		if (*s != ' ')
			continue;
		text_add_bytes(&t, g->now->text, (size_t)(s - g->now->text));
		text_add(&t, "\t");
		text_add(&t, s + strspn(s, " "));
		survive(g, t.data, t.size);
	}
}

static void crlf(struct gen *g)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(manifest) struct manifest m = { 0 };
	AUTO(manifest) struct manifest plain = { 0 };
	AUTO(text) struct text t = { 0 };
	AUTO(free) char *one = NULL;
	AUTO(free) char *other = NULL;
	struct problems p = { .arena = &arena };

	for (const char *s = g->now->text; *s; s++)
		text_add_bytes(&t, *s == '\n' ? "\r\n" : s, *s == '\n' ? 2 : 1);
	load(g, t.data, t.size, &p, &m);
	load(g, NULL, 0, &p, &plain);
	one = manifest_print(&m, MANIFEST_ALL, true);
	other = manifest_print(&plain, MANIFEST_ALL, true);
	cr_expect_eq(p.errors, 0);
	cr_expect_str_eq(one, other, "%s: ends of lines make a difference", g->name);
	g->n++;
}

/* Cut off, and with a byte changed, everywhere: the same bytes in each run. */
static void noise(struct gen *g)
{
	uint32_t seed = 1;

	for (size_t i = 0; i < g->now->size; i += 1 + g->now->size / 40) {
		AUTO(free) char *copy = strdup(g->now->text);

		survive(g, copy, i);
		seed = seed * 1664525u + 1013904223u;
		copy[i] = (char)(seed >> 24);
		survive(g, copy, g->now->size);
		copy[i] = "{}[]:,&*!|>'\"%@`#-?"[seed >> 8 & 15];
		survive(g, copy, g->now->size);
	}
}

/* What only a whole file can be. */
static void monsters(struct gen *g)
{
	AUTO(text) struct text bomb = { 0 };
	AUTO(text) struct text huge = { 0 };
	AUTO(text) struct text deep = { 0 };
	unsigned line = 1;

	for (const char *s = g->now->text; *s; s++)
		line += *s == '\n';
	text_printf(&bomb, "%sbomb:\n  a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n", g->now->text);
	for (char c = 'b'; c < 'h'; c++)
		text_printf(&bomb, "  %c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c,
			    c, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
	expect(g, "a bomb", &bomb, line + 5, "E0104");
	text_printf(&huge, "%shuge: ", g->now->text);
	for (size_t i = 0; i < 100000; i++)
		text_add(&huge, "0123456789");
	text_add(&huge, "\n");
	survive(g, huge.data, huge.size);
	text_printf(&deep, "%sdeep: ", g->now->text);
	for (size_t i = 0; i < 10000; i++)
		text_add(&deep, i % 2 ? "[" : "{a: ");
	expect(g, "ten thousand levels", &deep, line, "E0103");
}

static void read_source(struct gen *g, const char *folder, const char *file, const struct key *key)
{
	const char *path = arena_printf(&g->arena, "%s/%s", folder, file);
	struct text_file *s = &g->sources[g->n_sources];
	struct error err;
	char *text;

	if (file_read(&g->arena, AT_FDCWD, path, 1 << 20, &text, &s->size, &err) != 0)
		return;
	s->file = file;
	s->key = key;
	s->text = text;
	g->n_sources++;
}

static void mutate_all(struct gen *g)
{
	for (size_t i = 0; i < g->n_sources; i++) {
		struct problems p = { .arena = &g->arena };
		const struct text_file *s = g->now = &g->sources[i];
		const struct node *root = tree_parse(&p, s->file, s->text, s->size);

		if (!s->size || strpbrk(s->text, "&*\r") || root->kind != NODE_MAP)
			continue;
		walk(g, s->key, root);
		bad_bytes(g);
		tabs(g);
		crlf(g);
		noise(g);
		monsters(g);
	}
}

static void mutate_case(struct gen *g, const char *folder, const char *name)
{
	AUTO(manifest) struct manifest m = { 0 };
	struct problems p = { .arena = &g->arena };

	g->n_sources = 0;
	g->now = NULL;
	g->name = name;
	read_source(g, folder, "app.yaml", &format_app);
	read_source(g, folder, "services.yaml", &format_services);
	read_source(g, folder, "routes.yaml", &format_routes);
	if (!g->n_sources || strcmp(g->sources[0].file, "app.yaml") != 0)
		return;
	load(g, NULL, 0, &p, &m);
	cr_expect_eq(p.errors, 0, "%s", name);
	mutate_all(g);
}

Test(mutants, all)
{
	static const char *const folders[] = { TEST_DATA "/good", TEST_DATA "/later",
					       TEST_DATA "/../../examples" };
	struct gen g = { 0 };
	const char **names;
	struct error err;
	size_t n;

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		cr_assert_eq(file_list(&g.arena, folders[i], &names, &n, &err), 0);
		for (size_t k = 0; k < n; k++)
			mutate_case(&g, arena_printf(&g.arena, "%s/%s", folders[i], names[k]),
				    names[k]);
	}
	printf("%zu mutants: %zu key typos, %zu wrong types, %zu twins, %zu bad bytes\n", g.n,
	       g.typos, g.types, g.twins, g.bytes);
	cr_expect_geq(g.n, 2000);
	cr_expect_geq(g.typos, 300);
	cr_expect_geq(g.types, 250);
	cr_expect_geq(g.twins, 50);
	cr_expect_geq(g.bytes, 300);
	arena_clear(&g.arena);
}
