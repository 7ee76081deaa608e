/*
 * cmd_check.c - validate and plan: nothing is touched
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/commands.h"
#include "orchestrator/look.h"
#include "orchestrator/record.h"
#include "orchestrator/request.h"
#include "orchestrator/session.h"

#define EXIT_DIFFERENCES 8

/* One document, also when there are problems: the exit code says which. */
static int validate_json(struct request *q, int r, struct error *err)
{
	if (r < 0 && err->kind != ERROR_INPUT)
		return -1;
	session_print("orch.validate/1", "problems", problems_json(&q->problems));
	return r < 0 ? (int)ERROR_INPUT : 0;
}

int cmd_validate(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(request) struct request q = { 0 };
	const struct options *options = ctx;
	int r = session_open(&s, options, err);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = request_open(&s, &q, err);
	if (options->json || (options->format && !strcmp(options->format, "json")))
		return validate_json(&q, r, err);
	if (r < 0)
		return -1;
	printf("%s: %zu app%s, %zu service%s, no errors\n", s.project.folder, q.manifest.n_apps,
	       q.manifest.n_apps == 1 ? "" : "s", q.manifest.n_services,
	       q.manifest.n_services == 1 ? "" : "s");
	return 0;
}

static void print_plan(const struct session *s, const struct plan *plan)
{
	char from[24] = "nothing";

	if (s->exists && s->env.generation)
		snprintf(from, sizeof(from), "generation %lld", (long long)s->env.generation);
	if (!plan->changes) {
		printf("Nothing to do for \"%s\": %s is what the files say.\n", s->env.name, from);
		return;
	}
	printf("Plan for \"%s\": %s -> %lld", s->env.name, from, (long long)s->env.generation + 1);
	if (*s->project.commit)
		printf("        commit %.7s \"%s\"", s->project.commit, s->project.subject);
	printf("\n");
	plan_print(plan, stdout);
	printf("Nothing was changed. Apply with: orch deploy\n");
}

static int make_plan(struct session *s, struct request *q, struct json_t *record,
		     struct json_t **desired, struct plan *plan, struct error *err)
{
	AUTO(json) struct json_t *previous = NULL;
	const struct plan_view view = { .ctx = record, .alive = look_alive };

	if (s->exists && s->env.generation) {
		previous = session_document(s, 0, err);
		if (!previous)
			return -1;
	}
	if (request_publish(s, err) < 0 || request_images(q, false, previous, desired, err) < 0)
		return -1;
	plan_make(&s->arena, *desired, record, &view, plan);
	request_add_places(q, plan);
	return 0;
}

int cmd_plan(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(request) struct request q = { 0 };
	AUTO(json) struct json_t *record = NULL;
	AUTO(json) struct json_t *desired = NULL;
	const struct options *options = ctx;
	struct plan plan;

	(void)argc;
	(void)argv;
	if (session_open(&s, options, err) < 0 || request_open(&s, &q, err) < 0)
		return -1;
	record = record_load(&s.host, s.env.id, err);
	if (!record || make_plan(&s, &q, record, &desired, &plan, err) < 0)
		return -1;
	if (options->json)
		session_print("orch.plan/1", "plan", plan_json(&plan));
	else
		print_plan(&s, &plan);
	return plan.changes && options->detailed ? EXIT_DIFFERENCES : 0;
}
