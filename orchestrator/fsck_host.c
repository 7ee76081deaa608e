/*
 * fsck_host.c - what is in the kernel: cgroups, links, rules, mounts
 */
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "images/mount.h"
#include "netplan/links.h"
#include "netplan/rules.h"
#include "orchestrator/fsck.h"
#include "orchestrator/record.h"
#include "orchestrator/session.h"
#include "orchestrator/world.h"
#include "runtime/cgroup.h"

static int remove_group(struct session *s, const char *group, struct error *err)
{
	(void)s;
	return cgroup_kill(group, err) < 0 ? -1 : cgroup_ensure_no(group, err);
}

static int remove_rules(struct session *s, const char *id, struct error *err)
{
	(void)s;
	return rules_ensure_no_host(id, err);
}

static int remove_uplink(struct session *s, const char *id, struct error *err)
{
	const char *link = world_uplink(&s->arena, &s->host, id);

	return rules_ensure_no_host(link, err) < 0 ? -1 : links_ensure_no_uplink(link, err);
}

/* Of an environment that isn't there: processes, network, and the folder itself. */
static int remove_run(struct session *s, const char *id, struct error *err)
{
	if (remove_group(s, arena_printf(&s->arena, "%s/%s", s->host.cgroups, id), err) < 0 ||
	    links_unpin(record_path(&s->arena, &s->host, id, "router"), err) < 0 ||
	    remove_uplink(s, id, err) < 0)
		return -1;
	return record_remove(&s->host, id, err);
}

static int unmount_image(struct session *s, const char *digest, struct error *err)
{
	return image_mount_ensure_no(s->host.mounts, digest, err);
}

static int check_run_folders(struct fsck *f, struct error *err)
{
	struct session *s = f->s;
	const char **names;
	size_t n = 0;

	if (file_list(&s->arena, s->host.run, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (project_is_environment(names[i]) && !fsck_is_known(f, names[i]))
			fsck_found(f, "leak", record_path(&s->arena, &s->host, names[i], ""),
				   "of an environment that isn't there", remove_run, names[i],
				   NULL);
	return 0;
}

static int check_group(struct fsck *f, const char *id, const struct environment *e,
		       struct error *err)
{
	struct session *s = f->s;
	const char *group = arena_printf(&s->arena, "%s/%s", s->host.cgroups, id);
	AUTO(json) struct json_t *record = NULL;
	const char **names;
	size_t n;

	if (!fsck_is_known(f, id)) {
		fsck_found(f, "leak", arena_printf(&s->arena, "cgroup %s", group),
			   "of an environment that isn't there", remove_group, group, NULL);
		return 0;
	}
	if (!e)
		return 0;
	record = record_load(&s->host, id, err);
	if (!record || cgroup_list(&s->arena, group, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *inner = arena_printf(&s->arena, "%s/%s", group, names[i]);

		if (!json_path(record, "containers", names[i], NULL))
			fsck_found(f, "leak", arena_printf(&s->arena, "cgroup %s", inner),
				   "of a container that isn't there, or a build that was killed",
				   remove_group, inner, NULL);
	}
	return 0;
}

static int check_groups(struct fsck *f, struct error *err)
{
	const char **names;
	size_t n;

	if (cgroup_list(&f->s->arena, f->s->host.cgroups, &names, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (check_group(f, names[i], fsck_find(f, names[i]), err) < 0)
			return -1;
	return 0;
}

static int check_uplink(struct fsck *f, const struct environment *e, struct error *err)
{
	struct session *s = f->s;
	const char *link = world_uplink(&s->arena, &s->host, e->id);
	AUTO(json) struct json_t *record = record_load(&s->host, e->id, err);
	bool is_there = if_nametoindex(link) != 0;

	if (!record)
		return -1;
	if (is_there && !json_get(record, "network") && !json_count(json_get(record, "containers")))
		fsck_found(f, "leak", arena_printf(&s->arena, "link %s", link),
			   arena_printf(&s->arena, "%s does not run", e->id), remove_uplink, e->id,
			   NULL);
	if (!is_there && e->wanted && json_get(record, "network"))
		fsck_found(
			f, "missing", arena_printf(&s->arena, "link %s", link),
			arena_printf(&s->arena, "%s is cut off", e->id), NULL, NULL,
			arena_printf(&s->arena, "orch stop -e %s; orch start -e %s", e->id, e->id));
	return 0;
}

static int check_network(struct fsck *f, struct error *err)
{
	const char **ids;
	size_t n;

	for (size_t i = 0; i < f->n; i++)
		if (!f->all[i].deleting && check_uplink(f, &f->all[i], err) < 0)
			return -1;
	if (rules_list_host(&f->s->arena, &ids, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!if_nametoindex(ids[i]))
			fsck_found(f, "leak", arena_printf(&f->s->arena, "rules of %s", ids[i]),
				   "there is no such link", remove_rules, ids[i], NULL);
	return 0;
}

/* In doubt, yes. */
static bool is_used_by(struct session *s, const char *id, const char *digest)
{
	struct error ignored;
	AUTO(json) struct json_t *record = record_load(&s->host, id, &ignored);
	struct generation *list, g;
	size_t n;

	if (!record || strstr(json_print(&s->arena, record, FORM_COMPACT), digest) ||
	    state_list_generations(s->state, &s->arena, id, &list, &n, &ignored) < 0)
		return true;
	for (size_t i = 0; i < n; i++)
		if (state_find_generation(s->state, &s->arena, id, list[i].number, &g, &ignored) !=
			    0 ||
		    strstr(g.document, digest))
			return true;
	return false;
}

/* Whether some container of any environment runs on it, or did in a generation that can be returned to. */
static bool is_used(struct fsck *f, const char *digest)
{
	struct session *s = f->s;
	struct environment *all;
	struct error ignored;
	size_t n;

	if (state_list(s->state, &s->arena, &all, &n, &ignored) < 0)
		return true;
	for (size_t i = 0; i < n; i++)
		if (is_used_by(s, all[i].id, digest))
			return true;
	return false;
}

static int check_mounts(struct fsck *f, struct error *err)
{
	struct session *s = f->s;
	const char **digests;
	size_t n;

	if (image_mount_list(&s->arena, s->host.mounts, &digests, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!f->busy && !is_used(f, digests[i]))
			fsck_found(f, "leak",
				   arena_printf(&s->arena, "%s/%.12s", s->host.mounts, digests[i]),
				   "no container needs this image mounted", unmount_image,
				   digests[i], NULL);
	return 0;
}

int fsck_host(struct fsck *f, struct error *err)
{
	if (check_run_folders(f, err) < 0 || check_groups(f, err) < 0 || check_network(f, err) < 0)
		return -1;
	return check_mounts(f, err);
}
