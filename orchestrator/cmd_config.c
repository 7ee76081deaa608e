/*
 * cmd_config.c - the manifest as it was understood
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/commands.h"
#include "orchestrator/request.h"
#include "orchestrator/session.h"

static int find_part(const char *name, enum manifest_part *out, struct error *err)
{
	static const char *const names[] = { [MANIFEST_APPS] = "app",
					     [MANIFEST_SERVICES] = "services",
					     [MANIFEST_ROUTES] = "routes" };

	for (size_t i = MANIFEST_APPS; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], name)) {
			*out = (enum manifest_part)i;
			return 0;
		}
	return fail(err, ERROR_INPUT, "there is no part \"%s\": app, services or routes", name);
}

static struct json_t *as_json(const struct manifest *m)
{
	struct json_t *all = json_new_map(), *part;

	part = json_put(all, "applications", json_new_list());
	for (size_t i = 0; i < m->n_apps; i++)
		json_add(part, json_copy_deep(m->apps[i].document));
	part = json_put(all, "services", json_new_map());
	for (size_t i = 0; i < m->n_services; i++)
		json_put(part, m->services[i].name, json_copy_deep(m->services[i].document));
	part = json_put(all, "routes", json_new_map());
	for (size_t i = 0; i < m->n_routes; i++)
		json_put(part, m->routes[i].url, json_copy_deep(m->routes[i].document));
	return all;
}

int cmd_config(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(request) struct request q = { 0 };
	AUTO(free) char *text = NULL;
	const struct options *options = ctx;
	enum manifest_part part = MANIFEST_ALL;

	if (argc && find_part(argv[0], &part, err) < 0)
		return -1;
	if (request_read(&s, options, &q, err) < 0)
		return -1;
	problems_print(&q.problems, PROBLEM_ERROR, stderr);
	if (request_verdict(&q, err) < 0)
		return -1;
	if (options->json) {
		session_print("orch.config/1", "config", as_json(&q.manifest));
		return 0;
	}
	text = manifest_print(&q.manifest, part, options->origin);
	fputs(text, stdout);
	return 0;
}
