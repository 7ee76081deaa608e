#include "manifests/tree.h"

#include <stdint.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/auto.h"

struct anchor {
	const char *name;
	const struct node *node;
};

struct parser {
	yaml_parser_t yaml;
	struct problems *problems;
	const char *file;
	ARENA_LIST(struct anchor) anchors;
	size_t weight;
};

static void auto_parser(struct parser *ps)
{
	yaml_parser_delete(&ps->yaml);
}

static void auto_event(yaml_event_t *e)
{
	yaml_event_delete(e);
}

static struct node *read_node(struct parser *ps, const yaml_event_t *e, unsigned depth);

static struct place place_of(const struct parser *ps, const yaml_event_t *e)
{
	const yaml_mark_t *from = &e->start_mark, *to = &e->end_mark;
	bool one_line = from->line == to->line && to->column > from->column;

	return (struct place){
		.file = ps->file,
		.line = (unsigned)from->line + 1,
		.column = (unsigned)from->column + 1,
		.width = one_line ? (unsigned)(to->column - from->column) : 1,
	};
}

static struct problem *complain(struct parser *ps, const yaml_event_t *e, const char *code,
				const char *text)
{
	return problem_add(ps->problems, PROBLEM_ERROR, code, place_of(ps, e), "%s", text);
}

/* The line of a byte; of the last one when there are fewer. */
static unsigned line_at(const struct parser *ps, size_t offset)
{
	const struct source *source = &ps->problems->sources[ps->problems->n_sources - 1];
	unsigned line = 1;

	for (size_t i = 0; i < offset && i + 1 < source->size; i++)
		line += source->text[i] == '\n';
	return line;
}

static void complain_syntax(struct parser *ps)
{
	const yaml_parser_t *y = &ps->yaml;
	const yaml_mark_t *mark = &y->problem_mark;
	struct place at = { .file = ps->file, .line = line_at(ps, y->problem_offset), .column = 1 };

	/* At the end of the file what was never closed says more. */
	if (mark->line >= line_at(ps, SIZE_MAX) && y->context)
		mark = &y->context_mark;
	if (y->error != YAML_READER_ERROR) {
		at.line = (unsigned)mark->line + 1;
		at.column = (unsigned)mark->column + 1;
	}
	if (y->problem && strstr(y->problem, "cannot start any token"))
		(void)problem_add(ps->problems, PROBLEM_ERROR, "E0101", at,
				  "this character can't stand here: indent with spaces, quote "
				  "texts that start with @ or `");
	else
		(void)problem_add(ps->problems, PROBLEM_ERROR, "E0101", at, "not YAML: %s%s%s",
				  y->context ? y->context : "", y->context ? ", " : "",
				  y->problem ? y->problem : "unknown error");
}

/* Frees what was in *e. -1 when there is none, which has been reported. */
static int next_event(struct parser *ps, yaml_event_t *e)
{
	yaml_event_delete(e);
	if (yaml_parser_parse(&ps->yaml, e))
		return 0;
	*e = (yaml_event_t){ 0 };
	complain_syntax(ps);
	return -1;
}

static int add_weight(struct parser *ps, const yaml_event_t *e, size_t more)
{
	ps->weight += more;
	if (ps->weight <= TREE_MAX_NODES)
		return 0;
	(void)problem_add(ps->problems, PROBLEM_ERROR, "E0104", place_of(ps, e),
			  "more than %u values, aliases written out", TREE_MAX_NODES);
	return -1;
}

static int too_deep(struct parser *ps, const yaml_event_t *e)
{
	(void)problem_add(ps->problems, PROBLEM_ERROR, "E0103", place_of(ps, e),
			  "nested more than %u levels deep", TREE_MAX_DEPTH);
	return -1;
}

/* "!!str" is what quotes are. */
static const char *read_tag(struct parser *ps, const yaml_event_t *e, const yaml_char_t *given)
{
	static const char *const known[] = { "!include", "!archive" };
	const char *tag = (const char *)given;

	if (!tag || !strcmp(tag, "!") || !strcmp(tag, YAML_STR_TAG))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(tag, known[i]))
			return known[i];
	problem_add(ps->problems, PROBLEM_ERROR, "E0105", place_of(ps, e), "unknown tag \"%s\"",
		    tag)
		->hint = "quote a text that starts with !";
	return NULL;
}

static void keep_anchor(struct parser *ps, const yaml_char_t *name, const struct node *n)
{
	if (name && n)
		*arena_push(ps->problems->arena, &ps->anchors) = (struct anchor){
			arena_strdup(ps->problems->arena, (const char *)name),
			n,
		};
}

static const struct node *find_anchor(const struct parser *ps, const char *name)
{
	for (size_t i = ps->anchors.n; i-- > 0;)
		if (!strcmp(ps->anchors.items[i].name, name))
			return ps->anchors.items[i].node;
	return NULL;
}

/* An anchor is known once its node is complete, so that nothing can contain itself. */
static struct node *read_alias(struct parser *ps, const yaml_event_t *e, unsigned depth)
{
	const char *name = (const char *)e->data.alias.anchor;
	const struct node *target = find_anchor(ps, name);
	struct node *n;

	if (!target) {
		(void)problem_add(ps->problems, PROBLEM_ERROR, "E0104", place_of(ps, e),
				  "no anchor \"&%s\" before this alias", name);
		return NULL;
	}
	if (depth + target->height > TREE_MAX_DEPTH) {
		(void)too_deep(ps, e);
		return NULL;
	}
	if (add_weight(ps, e, target->weight) < 0)
		return NULL;
	n = arena_new(ps->problems->arena, struct node);
	*n = *target;
	n->key = NULL;
	n->key_at = (struct place){ 0 };
	n->next = NULL;
	n->at = place_of(ps, e);
	return n;
}

static struct node *read_scalar(struct parser *ps, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	struct node *n;

	if (add_weight(ps, e, 1) < 0)
		return NULL;
	n = arena_new(ps->problems->arena, struct node);
	if (strlen(text) != e->data.scalar.length)
		complain(ps, e, "E0106", "a text can't have a NUL byte in it");
	*n = (struct node){
		.kind = NODE_SCALAR,
		.at = place_of(ps, e),
		.text = arena_strdup(ps->problems->arena, text),
		.plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !e->data.scalar.tag,
		.tag = read_tag(ps, e, e->data.scalar.tag),
		.weight = 1,
	};
	keep_anchor(ps, e->data.scalar.anchor, n);
	return n;
}

/*
 * The key is in *e, which is moved on to the value. *key is NULL when the member can't be kept, which has
 * been reported.
 */
static int read_key(struct parser *ps, yaml_event_t *e, const struct node *map, unsigned depth,
		    const char **key, struct place *at)
{
	const struct node *twin;
	struct problem *problem;

	*key = NULL;
	*at = place_of(ps, e);
	if (e->type != YAML_SCALAR_EVENT) {
		complain(ps, e, "E0106", "a key must be a text");
		if (!read_node(ps, e, depth))
			return -1;
		return next_event(ps, e);
	}
	if (strlen((const char *)e->data.scalar.value) != e->data.scalar.length) {
		complain(ps, e, "E0106", "a key can't have a NUL byte in it");
		return next_event(ps, e);
	}
	twin = tree_get(map, (const char *)e->data.scalar.value);
	if (twin && !twin->merged) {
		problem = problem_add(ps->problems, PROBLEM_ERROR, "E0205", *at,
				      "\"%s\" is given twice", twin->key);
		problem->note_at = twin->key_at;
		problem->note = "first given here";
	} else {
		*key = arena_strdup(ps->problems->arena, (const char *)e->data.scalar.value);
	}
	return next_event(ps, e);
}

static int read_members(struct parser *ps, struct node *parent, yaml_event_type_t end,
			unsigned depth)
{
	AUTO(event) yaml_event_t e = { 0 };
	for (;;) {
		struct place at = { 0 };
		const char *key = NULL;
		struct node *n;

		if (next_event(ps, &e) < 0)
			return -1;
		if (e.type == end)
			return 0;
		if (parent->kind == NODE_MAP && read_key(ps, &e, parent, depth, &key, &at) < 0)
			return -1;
		n = read_node(ps, &e, depth);
		if (!n)
			return -1;
		if (parent->kind == NODE_MAP && !key)
			continue;
		n->key = key;
		n->key_at = at;
		if (!key)
			node_append(parent, n);
		else if (strcmp(key, "<<") != 0)
			node_set(parent, n);
		else if (!node_merge(ps->problems->arena, parent, n))
			(void)problem_add(ps->problems, PROBLEM_ERROR, "E0106", n->at,
					  "only a map, or a list of maps, can be merged");
	}
}

static struct node *read_collection(struct parser *ps, const yaml_event_t *e, unsigned depth)
{
	bool map = e->type == YAML_MAPPING_START_EVENT;
	struct node *n;

	if (depth >= TREE_MAX_DEPTH) {
		(void)too_deep(ps, e);
		return NULL;
	}
	if (add_weight(ps, e, 1) < 0)
		return NULL;
	n = arena_new(ps->problems->arena, struct node);
	*n = (struct node){ .kind = map ? NODE_MAP : NODE_LIST, .weight = 1 };
	n->at = place_of(ps, e);
	n->tag = read_tag(ps, e, map ? e->data.mapping_start.tag : e->data.sequence_start.tag);
	if (read_members(ps, n, map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT, depth + 1) <
	    0)
		return NULL;
	keep_anchor(ps, map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor, n);
	return n;
}

/* NULL: reading must end, which has been reported. */
static struct node *read_node(struct parser *ps, const yaml_event_t *e, unsigned depth)
{
	if (e->type == YAML_ALIAS_EVENT)
		return read_alias(ps, e, depth);
	if (e->type == YAML_SCALAR_EVENT)
		return read_scalar(ps, e);
	return read_collection(ps, e, depth);
}

static struct node *read_stream(struct parser *ps)
{
	AUTO(event) yaml_event_t e = { 0 };
	struct node *root = NULL;

	do {
		if (next_event(ps, &e) < 0)
			return NULL;
	} while (e.type == YAML_STREAM_START_EVENT || e.type == YAML_DOCUMENT_START_EVENT);
	if (e.type == YAML_STREAM_END_EVENT) {
		root = arena_new(ps->problems->arena, struct node);
		*root = (struct node){
			.at = { ps->file, 1, 1, 1 }, .text = "", .plain = true, .weight = 1
		};
		return root;
	}
	root = read_node(ps, &e, 0);
	if (!root || next_event(ps, &e) < 0 || next_event(ps, &e) < 0)
		return NULL;
	if (e.type != YAML_STREAM_END_EVENT)
		complain(ps, &e, "E0101", "a second document in one file");
	return root;
}

struct node *tree_parse(struct problems *p, const char *file, const char *text, size_t size)
{
	AUTO(parser) struct parser ps = { .problems = p, .file = file };

	/* Some editors put a mark in front. */
	if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		size -= 3;
	}
	problem_add_source(p, file, text, size);
	if (size > TREE_MAX_BYTES) {
		(void)problem_add(p, PROBLEM_ERROR, "E0102", (struct place){ .file = file },
				  "larger than %u bytes", TREE_MAX_BYTES);
		return NULL;
	}
	if (!yaml_parser_initialize(&ps.yaml))
		abort();
	yaml_parser_set_input_string(&ps.yaml, (const unsigned char *)text, size);
	yaml_parser_set_encoding(&ps.yaml, YAML_UTF8_ENCODING);
	return read_stream(&ps);
}
