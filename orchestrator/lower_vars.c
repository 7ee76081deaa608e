/*
 * lower_vars.c - variables that people set, where they aren't just variables of the process
 */
#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "manifests/recipe.h"
#include "orchestrator/lower.h"
#include "orchestrator/variables.h"

static const struct json_t *self_of(const struct lower_input *in)
{
	return json_path(in->contract.desired, "containers", in->contract.container, NULL);
}

/* php.ini settings that people set stand in for the manifest's. */
void lower_php(const struct lower_input *in, struct json_t *app)
{
	const struct json_t *set = json_path(self_of(in), "variables", "runtime", "php", NULL);
	AUTO(arena) struct arena arena = { 0 };
	struct json_t *all, *php;
	const char **names;
	size_t n;

	names = json_keys(&arena, set, &n);
	if (!n)
		return;
	all = json_get(app, "variables");
	if (!all)
		all = json_put(app, "variables", json_new_map());
	php = json_get(all, "php");
	if (!php)
		php = json_put(all, "php", json_new_map());
	for (size_t i = 0; i < n; i++)
		json_put(php, names[i],
			 variable_value(names[i], json_get(set, names[i]), in->contract.secrets));
}

void lower_secrets(struct arena *arena, const struct lower_input *in, struct lowered *out)
{
	const struct json_t *env = json_path(self_of(in), "variables", "runtime", "env", NULL);
	struct lowered_file *files;
	const char **names;
	size_t n;

	names = json_keys(arena, env, &n);
	files = arena_array(arena, n + 1, sizeof(*files));
	for (size_t i = 0; in->image->app && i < n; i++) {
		const struct json_t *entry = json_get(env, names[i]);
		const char *digest = json_get_text(entry, "secret", NULL);

		if (json_get_flag(entry, "file", false))
			files[out->n_secrets++] = (struct lowered_file){
				.name = names[i],
				.text = arena_strdup(
					arena,
					digest ? json_get_text(in->contract.secrets, digest, "")
					       : json_get_text(entry, "value", "")),
			};
	}
	out->secrets = files;
}
