#include "base/json.h"
#include "manifests/parts.h"

static struct json_t *mounts_json(const struct app *a)
{
	static const char *const sources[] = { [MOUNT_LOCAL] = "local", [MOUNT_TMP] = "tmp" };
	struct json_t *map = json_new_map();

	for (size_t i = 0; i < a->n_mounts; i++) {
		struct json_t *mount = json_put(map, a->mounts[i].path, json_new_map());

		json_put_text(mount, "source", sources[a->mounts[i].source]);
		json_put_text(mount, "source_path", a->mounts[i].source_path);
	}
	return map;
}

/* variables and parts of web are there since they were read. */
void document_make(struct app *a)
{
	struct json_t *d = a->document, *part;

	json_put_text(d, "name", a->name);
	json_put_text(d, "type", a->type);
	json_put_text(d, "size", a->size);
	json_put(d, "disk", a->disk ? json_new_number(a->disk) : NULL);
	json_put(d, "relationships", relationships_json(a->relationships, a->n_relationships));
	json_put(d, "mounts", mounts_json(a));
	part = json_put(json_get(d, "web"), "commands", json_new_map());
	json_put_text(part, "pre_start", a->pre_start);
	json_put_text(part, "start", a->start);
	json_put_text(part, "post_start", a->post_start);
	if (!a->locations)
		json_put(json_get(d, "web"), "locations", locations_default());
	part = json_put(d, "hooks", json_new_map());
	json_put_text(part, "build", a->build);
	json_put_text(part, "deploy", a->deploy);
	json_put_text(part, "post_deploy", a->post_deploy);
	if (a->clone) /* ours, not of the format: left out where it isn't used */
		json_put_text(part, "clone", a->clone);
}
