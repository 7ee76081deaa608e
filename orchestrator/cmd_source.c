/*
 * cmd_source.c - source-operation ls|run: commands of the app that change its source
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/table.h"
#include "orchestrator/commands.h"
#include "orchestrator/git_branch.h"
#include "orchestrator/progress.h"
#include "orchestrator/request.h"
#include "orchestrator/rollout.h"
#include "orchestrator/session.h"
#include "orchestrator/source_op.h"

static int list(struct session *s, const struct options *options, struct error *err)
{
	AUTO(request) struct request q = { 0 };
	AUTO(table) struct table table = { 0 };
	struct json_t *out = json_new_list();

	if (request_read(s, options, &q, err) < 0) {
		json_free(out);
		return -1;
	}
	table_row(&table, "APP", "NAME", "COMMAND", NULL);
	for (size_t i = 0; i < q.manifest.n_apps; i++) {
		const struct json_t *all =
			json_path(q.manifest.apps[i].document, "source", "operations", NULL);
		const char **names;
		size_t n;

		names = json_keys(&s->arena, all, &n);
		for (size_t k = 0; k < n; k++) {
			const char *command = json_get_text(json_get(all, names[k]), "command", "");
			struct json_t *map = json_add(out, json_new_map());

			json_put_text(map, "app", q.manifest.apps[i].name);
			json_put_text(map, "name", names[k]);
			json_put_text(map, "command", command);
			table_row(&table, q.manifest.apps[i].name, names[k],
				  arena_strndup(&s->arena, command, strcspn(command, "\n")), NULL);
		}
	}
	if (options->json) {
		session_print("orch.source-operation/1", "operations", out);
		return 0;
	}
	table_print(&table, stdout);
	json_free(out);
	return 0;
}

static int need_branch(struct session *s, struct error *err)
{
	struct project *p = &s->project;

	if (!p->git || !p->branched || strcmp(p->branch, s->env.name) != 0)
		return fail(err, ERROR_INPUT,
			    "\"%s\" is no git branch here, so nothing could be committed to it",
			    s->env.name);
	return git_need_clean(&s->arena, p, p->folder, "run it", err);
}

static int run(struct session *s, struct progress *progress, const char *name, struct error *err)
{
	AUTO(request) struct request q = { 0 };
	AUTO(fd) int lock = -1;

	q.tell = progress_tell;
	q.line = progress_line;
	q.ctx = progress;
	if (rollout_lock(s, &lock, err) < 0 || session_environment(s, err) < 0 ||
	    need_branch(s, err) < 0 || request_open(s, &q, err) < 0)
		return -1;
	return source_op_run(s, &q, name, err);
}

int cmd_source_operation(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	const struct options *options = ctx;
	struct progress progress = progress_of(options);
	struct options own = *options;
	bool quiet = progress.json || progress.quiet;
	int r;

	if (argc == 1 && !strcmp(argv[0], "ls"))
		return list(&s, options, err);
	if (argc != 2 || strcmp(argv[0], "run") != 0)
		return fail(err, ERROR_INPUT,
			    "say orch source-operation ls, or orch source-operation run NAME");
	if (session_open(&s, options, err) < 0 ||
	    session_need_state(&s, "source-operation run", err) < 0 ||
	    session_environment(&s, err) < 0)
		return -1;
	r = run(&s, &progress, argv[1], err);
	if (r == SOURCE_OP_NOTHING && !quiet)
		fprintf(stderr, "it made no commits, so there is nothing to deploy\n");
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (!s.env.wanted)
		return 0;
	own.environment = s.env.name;
	own.folder = s.project.folder;
	return cmd_deploy(&own, 0, NULL, err);
}
