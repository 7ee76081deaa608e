#include "orchestrator/desired_mounts.h"

#include <stdbool.h>

#include "base/json.h"
#include "manifests/manifest.h"

#define INSTANCE_MB 8000 /* what mounts of the instance may hold */

/* Whose volume a storage mount is on is said here once for all. */
struct json_t *mounts_document(const struct app *app, const struct mount *list, size_t n)
{
	static const char *const sources[] = { "local", "tmp", "instance", "service", "storage" };
	struct json_t *map = json_new_map();

	for (size_t i = 0; i < n; i++) {
		struct json_t *mount = json_put(map, list[i].path, json_new_map());

		json_put_text(mount, "source", sources[list[i].source]);
		json_put_text(mount, "source_path", list[i].source_path);
		if (list[i].service || list[i].source == MOUNT_STORAGE)
			json_put_text(mount, "service",
				      list[i].service ? list[i].service : app->name);
	}
	return map;
}

static bool has_source(const struct mount *list, size_t n, enum mount_source source)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].source == source)
			return true;
	return false;
}

/* Mounts of the instance are on the same volume, which has so much more room for them. */
uint32_t mounts_disk(uint32_t disk, const struct mount *list, size_t n)
{
	return disk + (has_source(list, n, MOUNT_INSTANCE) ? INSTANCE_MB : 0);
}

/* `disk` is mostly the app's, and nothing to a worker that keeps nothing. */
uint32_t mounts_worker_disk(const struct worker *w)
{
	return mounts_disk(has_source(w->mounts, w->n_mounts, MOUNT_LOCAL) ? w->disk : 0, w->mounts,
			   w->n_mounts);
}
