/*
 * cmd_pool.c - pool: the file system that volumes live on
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "orchestrator/commands.h"
#include "orchestrator/session.h"
#include "orchestrator/storage.h"

static int parse_size(const char *text, uint64_t *out, struct error *err)
{
	if (text_to_bytes(text, out) < 0 || *out > INT64_MAX)
		return fail(err, ERROR_INPUT, "\"%s\" is no size: 64G, 500G, 2T", text);
	if (*out < POOL_SIZE_MIN)
		return fail(err, ERROR_INPUT, "%s is too small for a pool: 256M at least", text);
	return 0;
}

int storage_first_use(struct session *s, struct error *err)
{
	const char *text = s->options->pool_size;
	uint64_t size;

	if (!text)
		return 0;
	if (parse_size(text, &size, err) < 0)
		return -1;
	if (pool_mounted(s->host.pool) ||
	    file_exists(arena_printf(&s->arena, "%s.img", s->host.pool)))
		return fail(err, ERROR_CONFLICT,
			    "there is a pool already; larger: orch pool grow %s", text);
	return pool_ensure(s->host.pool, size, err);
}

static int show(struct session *s, const char *argument, struct error *err)
{
	struct storage all;

	(void)argument;
	if (storage_look(s, &all, err) < 0)
		return -1;
	if (s->options->json) {
		session_print("orch.pool/1", "pool",
			      all.pool ? storage_pool_json(&all.space) : json_new_map());
		return 0;
	}
	if (all.pool)
		storage_print_pool(&s->arena, &all.space);
	else
		printf("no pool yet: the first deploy that needs one makes %s.img (%s, sparse; "
		       "another size: --pool-size), or choose a folder: orch pool use PATH\n",
		       s->host.pool, text_bytes((char[16]){ 0 }, POOL_SIZE));
	return 0;
}

static int grow(struct session *s, const char *text, struct error *err)
{
	uint64_t size;

	if (parse_size(text, &size, err) < 0 || pool_grow(s->host.pool, size, err) < 0)
		return -1;
	if (!s->options->quiet)
		fprintf(stderr, "the pool has %s now\n", text_bytes((char[16]){ 0 }, size));
	return 0;
}

/* In full, before it is chosen. */
static void say_cost(const struct storage *all)
{
	char space[16];
	uint64_t most = 0;

	for (size_t i = 0; i < all->n; i++)
		if (all->items[i].usage.used > most)
			most = all->items[i].usage.used;
	fprintf(stderr,
		"each snapshot and each branch copies all bytes of all volumes there: a volume of "
		"%s takes that much again, and the time that cp takes\n",
		text_bytes(space, most ? most : UINT64_C(1) << 30));
}

static int check_folder(struct session *s, const char *path, char out[PATH_MAX], struct error *err)
{
	const char **names;
	size_t n;

	if (!realpath(path, out))
		return fail_errno(err, "%s", path);
	if (file_list(&s->arena, out, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], ".orch-pool") != 0 && strcmp(names[i], "lost+found") != 0)
			return fail(err, ERROR_INPUT,
				    "%s isn't empty (%s): a pool needs a folder of its own", out,
				    names[i]);
	return 0;
}

static int use(struct session *s, const char *path, struct error *err)
{
	char folder[PATH_MAX];
	struct pool_choice choice = { .folder = folder,
				      .copy = s->options->allow_copy,
				      .unlimited = s->options->unlimited };
	struct storage all;

	if (storage_look(s, &all, err) < 0 || check_folder(s, path, folder, err) < 0)
		return -1;
	if (all.n)
		return fail(
			err, ERROR_CONFLICT,
			"the present pool holds %zu volumes (%s/%s, ...), which are not moved; see "
			"orch df; back them up and destroy the environments with --purge first",
			all.n, all.items[0].folder, all.items[0].name);
	if (choice.copy)
		say_cost(&all);
	if (pool_use(s->host.pool, &choice, err) < 0)
		return -1;
	return s->options->quiet ? 0 : show(s, NULL, err);
}

int cmd_pool(void *ctx, int argc, const char **argv, struct error *err)
{
	static const struct {
		const char *name, *argument;
		int (*run)(struct session *, const char *, struct error *);
	} verbs[] = { { "show", NULL, show }, { "grow", "SIZE", grow }, { "use", "PATH", use } };
	AUTO(session) struct session s = SESSION_NONE;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(argv[0], verbs[i].name) != 0)
			continue;
		if (!verbs[i].argument != (argc == 1))
			return fail(err, ERROR_INPUT, "usage: orch pool %s %s", argv[0],
				    verbs[i].argument ? verbs[i].argument : "");
		if (session_open(&s, ctx, err) < 0 || session_need_state(&s, "pool", err) < 0)
			return -1;
		return verbs[i].run(&s, argc > 1 ? argv[1] : NULL, err);
	}
	return fail(err, ERROR_INPUT, "orch pool has show, grow and use, not \"%s\"", argv[0]);
}
