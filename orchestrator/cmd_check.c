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

static enum severity least_shown(const struct options *options)
{
	if (options->quiet)
		return PROBLEM_ERROR;
	return options->verbose ? PROBLEM_NOTE : PROBLEM_WARNING;
}

static void report(const struct request *q, const struct options *options)
{
	const char *format = options->json ? "json" : options->format ? options->format : "text";

	if (!strcmp(format, "json")) {
		session_print("orch.validate/1", "problems", problems_json(&q->problems));
	} else if (!strcmp(format, "github")) {
		problems_print_github(&q->problems, least_shown(options), stdout);
	} else if (!strcmp(format, "sarif")) {
		AUTO(arena) struct arena arena = { 0 };
		AUTO(json) struct json_t *log = problems_sarif(&q->problems, least_shown(options));

		printf("%s\n", json_print(&arena, log, FORM_PRETTY));
	} else {
		problems_print(&q->problems, least_shown(options), stderr);
	}
}

static void print_count(const char *before, size_t n, const char *noun)
{
	printf("%s%zu %s%s", before, n, noun, n == 1 ? "" : "s");
}

int cmd_validate(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(request) struct request q = { 0 };
	const struct options *options = ctx;

	(void)argc;
	(void)argv;
	if (request_read(&s, options, &q, err) < 0)
		return -1;
	report(&q, options);
	/* A document says itself what is wrong. */
	if (q.problems.errors &&
	    (options->json || (options->format && strcmp(options->format, "text") != 0)))
		return (int)ERROR_INPUT;
	if (request_verdict(&q, err) < 0)
		return -1;
	if (options->json || options->format || options->quiet)
		return 0;
	printf("%s: ", s.project.folder);
	print_count("", q.manifest.n_apps, "app");
	print_count(", ", q.manifest.n_services, "service");
	print_count(", ", q.manifest.n_routes, "route");
	printf(", no errors\n");
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

/* Everything that there would be: nobody asks what runs, and no image is looked for. */
static int plan_offline(const struct options *options, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(request) struct request q = { 0 };
	AUTO(json) struct json_t *record = json_new_map();
	AUTO(json) struct json_t *desired = NULL;
	const struct plan_view view = { .ctx = record, .alive = look_alive };
	struct plan plan;

	if (request_read(&s, options, &q, err) < 0)
		return -1;
	problems_print(&q.problems, least_shown(options), stderr);
	if (request_verdict(&q, err) < 0 || session_project(&s, err) < 0 ||
	    request_offline(&q, &desired, err) < 0)
		return -1;
	plan_make(&s.arena, desired, record, &view, &plan);
	request_add_places(&q, &plan);
	if (options->json) {
		session_print("orch.plan/1", "plan", plan_json(&plan));
		return 0;
	}
	printf("Plan for \"%s\", offline: all of it, with images unknown\n", s.env.name);
	plan_print(&plan, stdout);
	printf("Nothing was changed, and nothing compared with what runs.\n");
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
	if (options->offline)
		return plan_offline(options, err);
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
