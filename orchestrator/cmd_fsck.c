/*
 * cmd_fsck.c - fsck [--repair]
 */
#include <stdio.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/table.h"
#include "orchestrator/commands.h"
#include "orchestrator/fsck.h"
#include "orchestrator/session.h"
#include "runtime/volume.h"

#define EXIT_DIFFERENCES 8

static void print_json(const struct fsck *f)
{
	struct json_t *list = json_new_list();

	for (size_t i = 0; i < f->n_found; i++) {
		struct json_t *map = json_add(list, json_new_map());

		json_put_text(map, "kind", f->found[i].kind);
		json_put_text(map, "object", f->found[i].object);
		json_put_text(map, "text", f->found[i].text);
		json_put_flag(map, "repaired", f->found[i].repaired);
		json_put_text(map, "advice", f->found[i].repaired ? NULL : f->found[i].advice);
	}
	session_print("orch.fsck/1", "differences", list);
}

static void print(const struct fsck *f)
{
	AUTO(table) struct table table = { 0 };

	if (f->n_found)
		table_row(&table, "KIND", "OBJECT", "WHAT", "TO DO", NULL);
	for (size_t i = 0; i < f->n_found; i++)
		table_row(&table, f->found[i].kind, f->found[i].object, f->found[i].text,
			  f->found[i].repaired ? "repaired" : f->found[i].advice, NULL);
	table_print(&table, stdout);
	if (f->s->options->quiet)
		return;
	if (f->busy)
		fprintf(stderr, "%zu environment%s left out: somebody is at work on %s\n", f->busy,
			f->busy == 1 ? "" : "s", f->busy == 1 ? "it" : "them");
	if (!f->n_found)
		fprintf(stderr, "%zu environment%s, no differences\n", f->n, f->n == 1 ? "" : "s");
}

int cmd_fsck(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	const struct options *options = ctx;
	struct environment *all;
	struct error ignored;
	struct fsck f;
	size_t n;
	int r;

	(void)argc;
	(void)argv;
	if (session_open(&s, options, err) < 0 || session_need_state(&s, "fsck", err) < 0)
		return -1;
	r = fsck_run(&s, options->repair, &f, err);
	/* Where nothing runs, nothing stays mounted. */
	if (state_list(s.state, &s.arena, &all, &n, &ignored) == 0 && n == 0)
		(void)pool_close(s.host.pool, &ignored);
	if (r < 0)
		return -1;
	if (options->json)
		print_json(&f);
	else
		print(&f);
	return f.left ? EXIT_DIFFERENCES : 0;
}
