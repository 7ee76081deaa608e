#include "orchestrator/source_op.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/copy.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "manifests/manifest.h"
#include "orchestrator/bases.h"
#include "orchestrator/build_box.h"
#include "orchestrator/git.h"
#include "orchestrator/git_branch.h"
#include "orchestrator/lower.h"
#include "orchestrator/request.h"
#include "orchestrator/secrets.h"
#include "orchestrator/session.h"

#define BUNDLE ".git/orch.bundle" /* in the clone */

/* No app is called that. */
#define SCRATCH_NAME ".source"

struct operation {
	struct session *s;
	struct request *q;
	const char *name;
	const char *scratch, *clone, *bundle;
	const char *ref;  /* of the branch */
	const char *from; /* the commit that it stands on */
	const char *top;  /* of the repository */
};

/* The command in a shell of its own; then what it has committed, for who can't trust the clone. */
static const char script[] =
	"( eval \"$ORCH_SOURCE_COMMAND\" ) || exit\n"
	"cd /app && now=$(git rev-parse --verify \"$ORCH_SOURCE_REF\") &&\n"
	"{ [ \"$now\" = \"$ORCH_SOURCE_FROM\" ] ||\n"
	"git bundle create --quiet /app/" BUNDLE " \"$ORCH_SOURCE_FROM..$ORCH_SOURCE_REF\"; }\n";

static const char *command_of(const struct app *app, const char *name)
{
	return json_text(json_path(app->document, "source", "operations", name, "command", NULL),
			 NULL);
}

static int make_clone(struct operation *o, struct error *err)
{
	struct session *s = o->s;
	const struct project *p = &s->project;
	struct git git = git_of(p);

	if (file_remove(AT_FDCWD, o->scratch, err) < 0 || file_make_dirs(o->scratch, 0755, err) < 0)
		return -1;
	if (geteuid() == 0 && chown(o->scratch, p->owner, p->group) < 0)
		return fail_errno(err, "chown %s", o->scratch);
	o->top = git_line(&s->arena, &git, err, "rev-parse", "--show-toplevel", NULL);
	o->from = git_line(&s->arena, &git, err, "rev-parse", "--verify", o->ref, NULL);
	if (!o->top || !o->from ||
	    !git_output(&s->arena, &git, err, "clone", "--quiet", "--no-hardlinks", "--no-tags",
			"--single-branch", "--branch", s->project.branch, "--", o->top, o->clone,
			NULL))
		return -1;
	git.folder = o->clone;
	return git_output(&s->arena, &git, err, "remote", "remove", "origin", NULL) ? 0 : -1;
}

/* As commits of the owner's own. */
static void put_author(const struct operation *o, struct json_t *env)
{
	static const char *const whose[] = { "AUTHOR", "COMMITTER" };
	const struct git git = git_of(&o->s->project);
	struct arena *arena = &o->s->arena;
	struct error ignored;
	const char *name = git_line(arena, &git, &ignored, "config", "user.name", NULL);
	const char *email = git_line(arena, &git, &ignored, "config", "user.email", NULL);

	for (size_t i = 0; i < ARRAY_SIZE(whose); i++) {
		json_put_text(env, arena_printf(arena, "GIT_%s_NAME", whose[i]),
			      name ? name : "orch");
		json_put_text(env, arena_printf(arena, "GIT_%s_EMAIL", whose[i]),
			      email ? email : "orch@localhost");
	}
}

static struct json_t *make_env(const struct operation *o, const struct lower_input *in,
			       const char *command)
{
	struct json_t *env = contract_environment(&in->contract, 0);

	put_author(o, env);
	json_put_text(env, "PLATFORM_SOURCE_DIR", "/app");
	json_put_text(env, "ORCH_SOURCE_COMMAND", command);
	json_put_text(env, "ORCH_SOURCE_REF", o->ref);
	json_put_text(env, "ORCH_SOURCE_FROM", o->from);
	return env;
}

static int run_in(struct operation *o, const struct app *app, const struct json_t *document,
		  const char *command, struct error *err)
{
	struct session *s = o->s;
	struct arena *arena = &s->arena;
	const struct recipe *recipe = catalog_find(&o->q->catalog, app->type);
	struct lower_input in = { .contract = { .desired = document,
						.container = app->name,
						.image = &recipe->image },
				  .image = &recipe->image };
	AUTO(json)
	struct json_t *secrets =
		secrets_of(&s->host, s->state, s->env.project_id,
			   json_path(document, "containers", app->name, NULL), err);
	AUTO(json) struct json_t *env = NULL;
	char base[SHA256_HEX];
	struct box_spec box = {
		.name = SCRATCH_NAME,
		.base = base,
		.image = &recipe->image,
		.folder = o->clone,
		.within = arena_printf(arena, "%s%s", s->project.prefix, app->root),
		.plain = true,
		.cache = arena_printf(arena, "%s/%s.%s", s->host.cache, s->project.id, app->name),
		.script = script,
		.line = o->q->line,
		.ctx = o->q->ctx,
	};
	uint32_t uid, gid;

	if (!secrets || bases_ensure(s, recipe, o->q->line, o->q->ctx, base, err) < 0 ||
	    state_entropy(s->state, arena, s->project.id, &in.contract.entropy, err) < 0)
		return -1;
	in.contract.secrets = secrets;
	box.env = env = make_env(o, &in, command);
	box.config = lower_build_config(arena, &in, env);
	if (lower_user(&recipe->image, recipe->image.user, &uid, &gid) < 0 ||
	    file_make_dirs(box.cache, 0755, err) < 0 ||
	    file_chown_tree(o->clone, uid, gid, err) < 0)
		return -1;
	if (chown(box.cache, uid, gid) < 0)
		return fail_errno(err, "chown %s", box.cache);
	return box_run(s, &box, err);
}

/* For who may not look into the clone. 1: there is none. */
static int take_bundle(const struct operation *o, struct error *err)
{
	const struct project *p = &o->s->project;
	struct copy copy = { .uid = p->owner, .gid = p->group };
	AUTO(fd) int clone = open(o->clone, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(fd) int scratch = open(o->scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(fd) int folder = -1;
	struct stat st;

	if (clone < 0 || scratch < 0)
		return fail_errno(err, "open %s", o->scratch);
	folder = file_open_beneath(clone, ".git", O_RDONLY | O_DIRECTORY);
	if (folder < 0)
		return fail_errno(err, "the clone has no .git any more");
	if (fstatat(folder, "orch.bundle", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 1;
	return copy_entry(folder, "orch.bundle", scratch, "bundle", &copy, err);
}

/* Each object is looked at: what comes is as untrusted as what is fetched from anywhere. */
static int take_commits(struct operation *o, struct error *err)
{
	struct session *s = o->s;
	struct project p = s->project;
	struct git git = git_of(&p);
	char *commit;

	git.writes = true;
	commit = git_line(&s->arena, &git, err, "bundle", "list-heads", o->bundle, o->ref, NULL);
	if (!commit ||
	    !git_output(&s->arena, &git, err, "-c", "fetch.fsckObjects=true", "fetch", "--quiet",
			"--no-tags", "--no-write-fetch-head", o->bundle, o->ref, NULL))
		return -1;
	commit[strcspn(commit, " ")] = '\0';
	if (!git_output(&s->arena, &git, err, "merge-base", "--is-ancestor", o->ref, commit, NULL))
		return fail(err, ERROR_CONFLICT,
			    "\"%s\" has commits that the operation didn't know, or it rewrote "
			    "some; nothing was changed: try again",
			    p.branch);
	p.commit = commit;
	return git_branch_forward(&s->arena, &p, p.branch, err);
}

static int run_all(struct operation *o, const struct json_t *document, struct error *err)
{
	const struct manifest *m = &o->q->manifest;
	bool any = false;

	for (size_t i = 0; i < m->n_apps; i++)
		any |= command_of(&m->apps[i], o->name) != NULL;
	if (!any)
		return fail(
			err, ERROR_ABSENT,
			"no app has a source operation \"%s\"; see them: orch source-operation ls",
			o->name);
	if (make_clone(o, err) < 0)
		return -1;
	for (size_t i = 0; i < m->n_apps; i++) {
		const char *command = command_of(&m->apps[i], o->name);

		if (command && run_in(o, &m->apps[i], document, command, err) < 0)
			return fail_in(err, "%s: %s", m->apps[i].name, o->name);
	}
	return 0;
}

int source_op_run(struct session *s, struct request *q, const char *name, struct error *err)
{
	const char *scratch =
		arena_printf(&s->arena, "%s/%s." SCRATCH_NAME, s->host.scratch, s->env.id);
	struct operation o = {
		.s = s,
		.q = q,
		.name = name,
		.scratch = scratch,
		.clone = arena_printf(&s->arena, "%s/clone", scratch),
		.bundle = arena_printf(&s->arena, "%s/bundle", scratch),
		.ref = arena_printf(&s->arena, "refs/heads/%s", s->project.branch),
	};
	AUTO(json) struct json_t *document = NULL;
	struct error ignored;
	int r;

	if (request_images(q, false, NULL, &document, err) < 0)
		return -1;
	r = run_all(&o, document, err);
	if (r == 0)
		r = take_bundle(&o, err);
	if (r == 0)
		r = take_commits(&o, err);
	if (file_remove(AT_FDCWD, scratch, r < 0 ? &ignored : err) < 0)
		return -1;
	return r == 1 ? SOURCE_OP_NOTHING : r;
}
