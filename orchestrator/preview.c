#include "orchestrator/preview.h"

#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "images/squash.h"
#include "images/store.h"
#include "manifests/recipe.h"
#include "orchestrator/desired.h"
#include "orchestrator/request.h"
#include "orchestrator/session.h"
#include "orchestrator/variables.h"

#define DESCRIPTION_MAX (1u << 20)

/* As its base image has it: the catalogue may be newer by now. */
static int shrink(struct session *s, struct json_t *container, struct error *err)
{
	struct problems problems = { .arena = &s->arena };
	const char *base = json_get_text(container, "base", "");
	struct image_description image;
	char *text;
	size_t size;
	int r = squash_read_file(&s->arena, store_path(&s->arena, s->host.images, base),
				 "etc/orch/image.yaml", DESCRIPTION_MAX, &text, &size, err);

	if (r != 0)
		return r < 0 ? -1 : fail(err, ERROR_SYSTEM, "image %.12s has no description", base);
	if (image_description_parse(&problems, base, text, size, &image, err) < 0)
		return -1;
	json_put(container, "limits", desired_limits(&image, "S"));
	return 0;
}

int preview_adapt(struct session *s, struct json_t *document, struct error *err)
{
	struct json_t *containers = json_get(document, "containers");
	AUTO(json) struct json_t *variables = NULL;
	struct var *list;
	const char **names;
	size_t n;

	if (request_variables(s, &list, &n, err) < 0)
		return -1;
	variables = variables_document(&s->arena, list, n);
	names = json_keys(&s->arena, containers, &n);
	for (size_t i = 0; i < n; i++) {
		struct json_t *c = json_get(containers, names[i]);

		if (!environment_is_production(&s->env) && shrink(s, c, err) < 0)
			return fail_in(err, "%s", names[i]);
		if (!json_get(c, "app"))
			continue;
		json_drop(c, "variables");
		if (variables)
			json_put(c, "variables", json_copy_deep(variables));
	}
	return 0;
}
