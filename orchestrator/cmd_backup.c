/*
 * cmd_backup.c - backup create|ls|restore|verify|get|rm
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/table.h"
#include "base/text.h"
#include "orchestrator/backup_make.h"
#include "orchestrator/backup_restore.h"
#include "orchestrator/backup_secrets.h"
#include "orchestrator/backup_store.h"
#include "orchestrator/commands.h"
#include "orchestrator/session.h"
#include "orchestrator/urls.h"

#define EXIT_DAMAGED 8

static int create(struct session *s, struct error *err)
{
	struct backup_made made;
	struct json_t *map;
	char size[32];

	if (session_environment(s, err) < 0 || backup_make(s, &made, err) < 0)
		return -1;
	if (!s->options->json) {
		if (!s->options->quiet)
			fprintf(stderr, "%u volume%s, %s: %s\n", made.volumes,
				made.volumes == 1 ? "" : "s", text_bytes(size, made.bytes),
				made.path);
		printf("%s\n", made.id);
		return 0;
	}
	map = json_new_map();
	json_put_text(map, "id", made.id);
	json_put_text(map, "path", made.path);
	json_put_number(map, "volumes", made.volumes);
	json_put_number(map, "bytes", (int64_t)made.bytes);
	session_print("orch.backup.create/1", "backup", map);
	return 0;
}

static void list_json(const struct backup_listed *l, struct json_t *out)
{
	struct json_t *map = json_add(out, json_new_map());
	char when[TEXT_TIME];

	json_put_text(map, "id", l->id);
	json_put_text(map, "problem", l->problem);
	json_put_number(map, "bytes", (int64_t)l->bytes);
	if (l->problem)
		return;
	json_put_text(map, "environment", l->b.name);
	json_put_text(map, "machine_name", l->b.machine_name);
	json_put_text(map, "project", l->b.project);
	json_put_number(map, "generation", l->b.generation);
	json_put_text(map, "commit", l->b.commit);
	json_put_text(map, "made", text_time(when, l->b.made));
	json_put_number(map, "volumes", (int64_t)l->b.n_volumes);
	json_put_number(map, "images", (int64_t)l->b.n_images);
	json_put_text(map, "secrets", l->secrets);
}

static bool is_meant(const struct session *s, const struct backup_listed *l)
{
	const char *e = s->options->environment;

	return !e || l->problem || !strcmp(e, l->b.name) || !strcmp(e, l->b.machine_name);
}

static int list(struct session *s, struct error *err)
{
	AUTO(table) struct table table = { 0 };
	AUTO(json) struct json_t *out = json_new_list();
	struct backup_listed *all;
	char when[TEXT_TIME], size[32];
	size_t n;

	if (backup_list(&s->arena, &s->host, &all, &n, err) < 0)
		return -1;
	table_row(&table, "ID", "ENVIRONMENT", "MADE", "SIZE", "GEN", "SECRETS", "COMMIT", NULL);
	for (size_t i = 0; i < n; i++) {
		const struct backup *b = &all[i].b;

		if (!is_meant(s, &all[i]))
			continue;
		list_json(&all[i], out);
		if (all[i].problem)
			table_row(&table, all[i].id, "DAMAGED", all[i].problem, NULL);
		else
			table_row(&table, all[i].id, b->name, text_time(when, b->made),
				  text_bytes(size, all[i].bytes),
				  arena_printf(&s->arena, "%lld", (long long)b->generation),
				  all[i].secrets,
				  arena_printf(&s->arena, "%.7s %s", b->commit, b->subject), NULL);
	}
	if (s->options->json)
		session_print("orch.backup.ls/1", "backups", TAKE_PTR(out));
	else
		table_print(&table, stdout);
	return 0;
}

struct parts {
	struct session *s;
	struct table table;
	struct json_t *list;
};

static void add_part(void *ctx, const char *file, uint64_t bytes, const char *problem)
{
	struct parts *parts = ctx;
	struct json_t *map = json_add(parts->list, json_new_map());
	char size[32];

	json_put_text(map, "file", file);
	json_put_number(map, "bytes", (int64_t)bytes);
	json_put_flag(map, "ok", !problem);
	json_put_text(map, "problem", problem);
	table_row(&parts->table, problem ? "DAMAGED" : "ok", file, text_bytes(size, bytes),
		  problem ? problem : "", NULL);
}

static int verify(struct session *s, const struct backup_place *p, struct error *err)
{
	struct parts parts = { .s = s, .list = json_new_list() };
	int r = backup_verify(p, add_part, &parts, err);

	if (s->options->json) {
		session_print("orch.backup.verify/1", "parts", parts.list);
	} else {
		table_print(&parts.table, stdout);
		json_free(parts.list);
	}
	table_clear(&parts.table);
	if (r == 0)
		return 0;
	fprintf(stderr, "orch: %s\n", err->text);
	return EXIT_DAMAGED;
}

static int restore(struct session *s, struct backup_place *p, struct error *err)
{
	if (backup_unseal(s, &p->b, err) < 0 || backup_restore(s, p, err) < 0)
		return -1;
	if (!s->options->quiet)
		fprintf(stderr, "%s is as in %s\n", s->env.name, p->b.id);
	printf("%s\n", url_of(s, &s->env));
	return 0;
}

static int get(struct session *s, const struct backup_place *p, const char *file, struct error *err)
{
	if (file_exists(file))
		return fail(err, ERROR_CONFLICT, "%s is there already", file);
	if (backup_verify(p, NULL, NULL, err) < 0 || backup_export(p->folder, file, err) < 0)
		return -1;
	if (!s->options->quiet)
		fprintf(stderr, "%s; elsewhere: orch backup restore FILE\n", file);
	return 0;
}

/* Verbs that take a backup. */
static int with_backup(struct session *s, int argc, const char **argv, struct error *err)
{
	AUTO(backup_place) struct backup_place p = BACKUP_PLACE_NONE;

	if (backup_open(s, argv[1], &p, err) < 0)
		return -1;
	if (!strcmp(argv[0], "restore"))
		return restore(s, &p, err);
	return argc == 3 ? get(s, &p, argv[2], err) : verify(s, &p, err);
}

/* What is said about secrets must not go unheard. */
static int check_flags(const struct options *o, const char *verb, struct error *err)
{
	bool restores = !strcmp(verb, "restore"), creates = !strcmp(verb, "create");

	if (o->pool_size && !restores)
		return fail(err, ERROR_INPUT, "--pool-size goes with restore, not with %s", verb);
	if ((o->key_file || o->no_secrets) && !restores && !creates)
		return fail(err, ERROR_INPUT,
			    "--key-file and --no-secrets go with create and restore, not with %s",
			    verb);
	if (o->key_file && o->no_secrets)
		return fail(err, ERROR_INPUT, "--key-file or --no-secrets, not both");
	return 0;
}

int cmd_backup(void *ctx, int argc, const char **argv, struct error *err)
{
	static const struct {
		const char *verb;
		int operands;
	} verbs[] = { { "create", 0 }, { "ls", 0 },  { "restore", 1 },
		      { "verify", 1 }, { "get", 2 }, { "rm", 1 } };
	AUTO(session) struct session s = SESSION_NONE;
	const struct options *options = ctx;
	size_t i = 0;

	while (i < ARRAY_SIZE(verbs) && strcmp(verbs[i].verb, argv[0]) != 0)
		i++;
	if (i == ARRAY_SIZE(verbs) || argc - 1 != verbs[i].operands)
		return fail(err, ERROR_INPUT,
			    "orch backup create | ls | restore ID|FILE | verify ID|FILE | get ID "
			    "FILE | "
			    "rm ID");
	if (check_flags(options, argv[0], err) < 0)
		return -1;
	if (session_open(&s, options, err) < 0 || session_need_state(&s, "backup", err) < 0)
		return -1;
	if (!strcmp(argv[0], "create"))
		return create(&s, err);
	if (!strcmp(argv[0], "ls"))
		return list(&s, err);
	if (!strcmp(argv[0], "rm"))
		return backup_remove(&s, argv[1], err);
	return with_backup(&s, argc, argv, err);
}
