/*
 * cmd_schema.c - the manifest's JSON Schemas, for editors
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "manifests/format.h"
#include "orchestrator/commands.h"

int cmd_schema(void *ctx, int argc, const char **argv, struct error *err)
{
	static const struct {
		const char *name, *title;
		const struct key *key;
	} files[] = {
		{ "app", "app.yaml of orch", &format_app },
		{ "services", "services.yaml of orch", &format_services },
		{ "routes", "routes.yaml of orch", &format_routes },
	};

	(void)ctx;
	(void)argc;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		AUTO(arena) struct arena arena = { 0 };
		AUTO(json) struct json_t *schema = NULL;

		if (strcmp(files[i].name, argv[0]) != 0)
			continue;
		schema = format_schema(files[i].key, files[i].title);
		printf("%s\n", json_print(&arena, schema, FORM_PRETTY));
		return 0;
	}
	return fail(err, ERROR_INPUT, "there is no schema \"%s\": app, services or routes",
		    argv[0]);
}
