#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "manifests/files.h"
#include "manifests/manifest.h"

static char folder[] = "/tmp/orch-files-XXXXXX";

static void put(const char *name, const char *text)
{
	AUTO(arena) struct arena arena = { 0 };
	char *path = arena_printf(&arena, "%s/%s", folder, name);
	char *slash = strrchr(path, '/');
	struct error err;

	*slash = '\0';
	cr_assert_eq(file_make_dirs(path, 0755, &err), 0, "%s", err.text);
	*slash = '/';
	cr_assert_eq(file_write(AT_FDCWD, path, text, strlen(text), 0644, false, &err), 0, "%s",
		     err.text);
}

static void set_up(void)
{
	cr_assert_not_null(mkdtemp(folder));
	put("x/app.yaml", "name: app\ntype: php:8.2\n");
}

static void tear_down(void)
{
	struct error err;

	(void)file_remove(AT_FDCWD, folder, &err);
}

TestSuite(files, .init = set_up, .fini = tear_down);

struct run {
	struct arena arena;
	struct problems problems;
	struct manifest manifest;
};

static void auto_run(struct run *run)
{
	manifest_clear(&run->manifest);
	arena_clear(&run->arena);
}

static void load(struct run *run)
{
	struct error err = { 0 };

	run->problems.arena = &run->arena;
	cr_assert_eq(manifest_load(arena_printf(&run->arena, "%s/x", folder), NULL, &run->problems,
				   &run->manifest, &err),
		     0, "%s", err.text);
}

Test(files, join)
{
	static const struct {
		const char *folder, *path, *joined;
	} table[] = {
		{ "", "a", "a" },	  { "a", "b", "a/b" },	   { "a/b", "../c", "a/c" },
		{ "a", "../../c", NULL }, { "", "..", NULL },	   { "a", "/b/./c//d/", "b/c/d" },
		{ "a/b", "../..", "" },	  { "a", "..b", "a/..b" }, { "a", ".", "a" },
	};
	AUTO(arena) struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const char *joined = files_join(&arena, table[i].folder, table[i].path);

		if (table[i].joined)
			cr_expect_str_eq(joined, table[i].joined);
		else
			cr_expect_null(joined, "%s %s", table[i].folder, table[i].path);
	}
}

Test(files, include)
{
	AUTO(run) struct run run = { 0 };

	put("x/app.yaml",
	    "name: app\ntype: php:8.2\nhooks:\n"
	    "  build: !include {type: string, path: hooks/build.sh}\n"
	    "  deploy: !include {type: binary, path: hooks/build.sh}\n"
	    "variables: !include vars/all.yaml\n");
	put("x/hooks/build.sh", "make\n");
	put("x/vars/all.yaml", "env: !include env.yaml\n");
	put("x/vars/env.yaml", "A: 1\n");
	load(&run);
	cr_assert_eq(run.problems.errors, 0);
	cr_expect_str_eq(run.manifest.apps[0].build, "make\n");
	cr_expect_str_eq(run.manifest.apps[0].deploy, "bWFrZQo=");
	cr_assert_eq(run.manifest.apps[0].n_variables, 1);
	cr_expect_str_eq(run.manifest.apps[0].variables[0].at.file, "vars/env.yaml");
}

/* Neither by dots nor by links, nor by a link to a folder. */
Test(files, never_outside)
{
	static const char *const paths[] = { "../secret", "/../secret", "link", "away/secret",
					     "a/../../secret" };
	AUTO(arena) struct arena arena = { 0 };

	put("secret", "s3cret\n");
	cr_assert_eq(symlink("../secret", arena_printf(&arena, "%s/x/link", folder)), 0);
	cr_assert_eq(symlink("..", arena_printf(&arena, "%s/x/away", folder)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		AUTO(run) struct run run = { 0 };

		put("x/app.yaml",
		    arena_printf(&arena,
				 "name: app\ntype: php:8.2\nhooks:\n  build: !include "
				 "{type: string, path: \"%s\"}\n",
				 paths[i]));
		load(&run);
		cr_assert_eq(run.problems.errors, 1, "%s", paths[i]);
		cr_expect_str_eq(run.problems.items[0]->code, "E0108");
		cr_expect_eq(run.problems.items[0]->at.line, 4);
	}
}

Test(files, circle)
{
	AUTO(run) struct run run = { 0 };

	put("x/app.yaml", "name: app\ntype: php:8.2\nvariables: !include a.yaml\n");
	put("x/a.yaml", "env: !include b.yaml\n");
	put("x/b.yaml", "\n\nA: !include a.yaml\n");
	load(&run);
	cr_assert_eq(run.problems.errors, 1);
	cr_expect_str_eq(run.problems.items[0]->code, "E0108");
	cr_expect_str_eq(run.problems.items[0]->at.file, "b.yaml");
	cr_expect_eq(run.problems.items[0]->at.line, 3);
}

/* What tar and gzip, which know nothing of us, take out of it; and the same files are the same bytes. */
Test(files, archive)
{
	AUTO(run) struct run run = { 0 };
	AUTO(run) struct run again = { 0 };
	AUTO(arena) struct arena arena = { 0 };
	const char *text;
	struct error err;
	char *seen;

	put("x/.platform/services.yaml",
	    "solr:\n  type: solr:8\n  configuration:\n"
	    "    conf: !archive conf\n");
	put("x/.platform/conf/b.xml", "<b/>\n");
	put("x/.platform/conf/deep/a.xml", "<a/>\n");
	cr_assert_eq(symlink("b.xml", arena_printf(&arena, "%s/x/.platform/conf/c.xml", folder)),
		     0);
	load(&run);
	cr_assert_eq(run.problems.errors, 0, "%s", run.problems.items[0]->text);
	text = json_get_text(run.manifest.services[0].configuration, "conf", "");
	put("conf.txt", text);
	cr_assert_eq(system(arena_printf(&arena,
					 "cd %s && mkdir out && base64 -d conf.txt | tar -C out "
					 "-xzf - && cat out/b.xml out/deep/a.xml out/c.xml >seen",
					 folder)),
		     0);
	cr_assert_eq(file_read(&arena, AT_FDCWD, arena_printf(&arena, "%s/seen", folder), 4096,
			       &seen, NULL, &err),
		     0);
	cr_expect_str_eq(seen, "<b/>\n<a/>\n<b/>\n");
	load(&again);
	cr_expect_str_eq(json_get_text(again.manifest.services[0].configuration, "conf", ""), text);
}

/* Apps in folders, in both kinds of applications.yaml, and all of them together. */
Test(files, several_apps)
{
	AUTO(run) struct run run = { 0 };

	put("x/b/.platform.app.yaml", "name: b\ntype: php:8.2\n");
	put("x/a/deep/er/.platform.app.yaml", "name: a\ntype: php:8.2\n");
	put("x/a/deep/er/than/that/.platform.app.yaml", "name: too-deep\ntype: php:8.2\n");
	put("x/node_modules/m/.platform.app.yaml", "name: not-ours\ntype: php:8.2\n");
	put("x/.hidden/.platform.app.yaml", "name: hidden\ntype: php:8.2\n");
	put("x/.platform/applications.yaml",
	    "c:\n  type: php:8.2\n  source: {root: /c}\nd: !include d.yaml\n");
	put("x/.platform/d.yaml", "type: php:8.2\n");
	load(&run);
	cr_assert_eq(run.problems.errors, 0, "%s", run.problems.items[0]->text);
	cr_assert_eq(run.manifest.n_apps, 5);
	cr_expect_str_eq(run.manifest.apps[0].name, "app");
	cr_expect_str_eq(run.manifest.apps[1].name, "c");
	cr_expect_str_eq(run.manifest.apps[1].root, "c");
	cr_expect_str_eq(run.manifest.apps[2].name, "d");
	cr_expect_str_eq(run.manifest.apps[2].root, "");
	cr_expect_str_eq(run.manifest.apps[3].name, "a");
	cr_expect_str_eq(run.manifest.apps[3].root, "a/deep/er");
	cr_expect_str_eq(run.manifest.apps[4].name, "b");
}
