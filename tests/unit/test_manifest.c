#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "manifests/manifest.h"
#include "manifests/recipe.h"

struct run {
	struct arena arena;
	struct problems problems;
	struct catalog catalog;
	struct manifest manifest;
	struct error err;
	char *shown;
	size_t size;
	int r;
};

static void auto_run(struct run *run)
{
	manifest_clear(&run->manifest);
	arena_clear(&run->arena);
	free(run->shown);
}

/* The folder's manifest with the catalogue of tests; shown is what a user would see. */
static void load(struct run *run, const char *folder)
{
	const char *const folders[] = { TEST_DATA "/catalog", TEST_DATA "/absent", NULL };
	FILE *f = open_memstream(&run->shown, &run->size);

	run->problems.arena = &run->arena;
	cr_assert_eq(catalog_load(folders, &run->problems, &run->catalog, &run->err), 0, "%s",
		     run->err.text);
	cr_assert_eq(run->problems.errors, 0, "the catalogue of tests has errors");
	run->r = manifest_load(folder, &run->catalog, &run->problems, &run->manifest, &run->err);
	if (run->r == 0)
		problems_print(&run->problems, PROBLEM_WARNING, f);
	fclose(f);
}

static const char *read_all(struct arena *arena, const char *path)
{
	struct error err;
	char *text;

	cr_assert_eq(file_read(arena, AT_FDCWD, path, 1 << 20, &text, NULL, &err), 0, "%s", path);
	return text;
}

Test(manifest, bad)
{
	AUTO(arena) struct arena arena = { 0 };
	const char **names;
	struct error err;
	size_t n;

	cr_assert_eq(file_list(&arena, TEST_DATA "/bad", &names, &n, &err), 0);
	cr_expect_geq(n, 60, "%zu cases", n);
	for (size_t i = 0; i < n; i++) {
		AUTO(run) struct run run = { 0 };
		const char *folder = arena_printf(&arena, TEST_DATA "/bad/%s", names[i]);
		const char *expected =
			read_all(&arena, arena_printf(&arena, "%s/expected.txt", folder));

		load(&run, folder);
		cr_expect_eq(run.r, 0, "%s: %s", names[i], run.err.text);
		cr_expect(run.problems.errors + run.problems.warnings > 0, "%s", names[i]);
		cr_expect_str_eq(run.shown, expected, "%s:\n%s", names[i], run.shown);
	}
}

/* Accepted when it is only checked, refused by deploy. */
Test(manifest, later)
{
	AUTO(arena) struct arena arena = { 0 };
	const char **names;
	struct error err;
	size_t n;

	cr_assert_eq(file_list(&arena, TEST_DATA "/later", &names, &n, &err), 0);
	for (size_t i = 0; i < n; i++) {
		AUTO(run) struct run run = { 0 };
		AUTO(free) char *shown = NULL;
		const char *folder = arena_printf(&arena, TEST_DATA "/later/%s", names[i]);
		const char *expected =
			read_all(&arena, arena_printf(&arena, "%s/expected.txt", folder));
		size_t size;
		FILE *f;

		load(&run, folder);
		cr_expect_eq(run.problems.errors, 0, "%s:\n%s", names[i], run.shown);
		cr_expect(manifest_refuse(&run.problems) > 0, "%s", names[i]);
		cr_expect(run.problems.errors > 0, "%s", names[i]);
		f = open_memstream(&shown, &size);
		problems_print(&run.problems, PROBLEM_ERROR, f);
		fclose(f);
		cr_expect_str_eq(shown, expected, "%s:\n%s", names[i], shown);
	}
}

/* What is said about a spelling of old. */
static const char *read_warnings(struct arena *arena, const char *folder)
{
	const char *path = arena_printf(arena, "%s/warnings.txt", folder);

	return file_exists(path) ? read_all(arena, path) : "";
}

Test(manifest, good)
{
	AUTO(arena) struct arena arena = { 0 };
	const char **names;
	struct error err;
	size_t n;

	cr_assert_eq(file_list(&arena, TEST_DATA "/good", &names, &n, &err), 0);
	cr_expect_geq(n, 3);
	for (size_t i = 0; i < n; i++) {
		AUTO(run) struct run run = { 0 };
		const char *folder = arena_printf(&arena, TEST_DATA "/good/%s", names[i]);
		const char *text = read_all(&arena, arena_printf(&arena, "%s/app.json", folder));
		AUTO(json)
		struct json_t *expected = json_parse("app.json", text, strlen(text), &err);

		load(&run, folder);
		cr_expect_eq(run.r, 0, "%s: %s", names[i], run.err.text);
		cr_expect_str_eq(run.shown, read_warnings(&arena, folder), "%s:\n%s", names[i],
				 run.shown);
		cr_expect(json_same(expected, run.manifest.apps[0].document), "%s:\n%s", names[i],
			  json_print(&arena, run.manifest.apps[0].document, FORM_PRETTY));
	}
}

Test(manifest, shop)
{
	AUTO(run) struct run run = { 0 };
	const char *const memory[] = { "variables", "php", "memory_limit" };
	const char *const absent[] = { "variables", "php", "absent", "x" };
	const char *const mount[] = { "mounts", "web/uploads", "source" };
	const struct app *a;
	struct place at;

	load(&run, TEST_DATA "/good/shop");
	cr_assert_eq(run.r, 0, "%s", run.err.text);
	cr_assert_str_eq(run.shown, "");
	cr_assert_eq(run.manifest.n_apps, 1);
	cr_assert_eq(run.manifest.n_services, 2);
	a = &run.manifest.apps[0];
	cr_expect_str_eq(a->name, "app");
	cr_expect_str_eq(a->type, "php:8.2");
	cr_expect_str_eq(a->size, "AUTO");
	cr_expect_eq(a->disk, 512);
	cr_assert_eq(a->n_relationships, 2);
	cr_expect_str_eq(a->relationships[0].service, "db");
	cr_expect_str_eq(a->relationships[0].endpoint, "mysql");
	cr_assert_eq(a->n_mounts, 2);
	cr_expect_eq(a->mounts[0].source, MOUNT_LOCAL);
	cr_expect_str_eq(a->mounts[0].source_path, "uploads");
	cr_expect_eq(a->mounts[1].source, MOUNT_TMP);
	cr_expect_str_eq(a->mounts[1].source_path, "var/cache");
	cr_assert_eq(a->n_variables, 3);
	cr_expect_str_eq(a->variables[1].name, "SHOP_CACHE_SECONDS");
	cr_expect_eq(json_number(a->variables[1].value, 0), 5);
	cr_expect_str_eq(a->deploy, "php bin/migrate.php\n");
	cr_expect_null(a->start);
	cr_expect_str_eq(json_text(json_path(a->locations, "/", "passthru", NULL), ""),
			 "/index.php");
	cr_expect_str_eq(run.manifest.services[0].name, "db");
	cr_expect_eq(run.manifest.services[0].disk, 512);
	cr_expect_eq(json_count(run.manifest.services[0].configuration), 0);

	at = manifest_place(a->node, memory, 3);
	cr_expect_str_eq(at.file, "app.yaml");
	cr_expect_eq(at.line, 26);
	cr_expect_eq(at.column, 19);
	at = manifest_place(a->node, absent, 4);
	cr_expect_eq(at.line, 25);
	cr_expect_eq(at.column, 3);
	at = manifest_place(a->node, mount, 3);
	cr_expect_eq(at.line, 16);
	at = manifest_place(run.manifest.services[1].node, NULL, 0);
	cr_expect_str_eq(at.file, "services.yaml");
	cr_expect_eq(at.line, 5);
}

/* Each value says where it is from: the case's origin.txt. */
Test(manifest, origin)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(run) struct run run = { 0 };
	AUTO(free) char *text = NULL;
	const char *expected = read_all(&arena, TEST_DATA "/good/everything/origin.txt");

	load(&run, TEST_DATA "/good/everything");
	cr_assert_eq(run.problems.errors, 0);
	text = manifest_print(&run.manifest, MANIFEST_ALL, true);
	cr_expect_str_eq(text, expected, "%s", text);
}

/* What the README starts with. */
Test(manifest, example)
{
	AUTO(run) struct run run = { 0 };

	load(&run, TEST_DATA "/../../examples/shop");
	cr_expect_eq(run.r, 0, "%s", run.err.text);
	cr_expect_str_eq(run.shown, "", "%s", run.shown);
}

Test(manifest, no_app)
{
	AUTO(run) struct run run = { 0 };

	load(&run, TEST_DATA "/catalog");
	cr_expect_eq(run.r, -1);
	cr_expect_eq(run.err.kind, ERROR_ABSENT);
}

Test(manifest, problems_as_json)
{
	AUTO(run) struct run run = { 0 };
	AUTO(json) struct json_t *list = NULL;

	load(&run, TEST_DATA "/bad/unknown-key");
	list = problems_json(&run.problems);
	cr_assert_eq(json_count(list), 1);
	cr_expect_str_eq(json_get_text(json_at(list, 0), "code", ""), "E0203");
	cr_expect_str_eq(json_get_text(json_at(list, 0), "severity", ""), "error");
	cr_expect_eq(json_get_number(json_at(list, 0), "line", 0), 3);
	cr_expect_str_eq(json_get_text(json_at(list, 0), "hint", ""),
			 "did you mean \"relationships\"?");
}

Test(manifest, lenient)
{
	AUTO(run) struct run run = { .problems.lenient = true };

	load(&run, TEST_DATA "/bad/unknown-key");
	cr_expect_eq(run.problems.errors, 0);
	cr_assert_eq(run.problems.warnings, 1);
	cr_expect_str_eq(run.problems.items[0]->code, "W0203");
}

/* What others read: docs.github.com, "Workflow commands"; SARIF 2.1.0, 3.27. */
Test(manifest, reports)
{
	AUTO(run) struct run run = { 0 };
	AUTO(free) char *shown = NULL;
	AUTO(json) struct json_t *log = NULL;
	const struct json_t *result, *region;
	size_t size;
	FILE *f = open_memstream(&shown, &size);

	load(&run, TEST_DATA "/bad/unknown-key");
	problems_print_github(&run.problems, PROBLEM_WARNING, f);
	fclose(f);
	cr_expect_str_eq(shown,
			 "::error file=app.yaml,line=3,col=1,title=E0203::unknown key "
			 "\"relationship\"; did you mean \"relationships\"?\n");
	log = problems_sarif(&run.problems, PROBLEM_WARNING);
	cr_expect_str_eq(json_get_text(log, "version", ""), "2.1.0");
	result = json_at(json_get(json_at(json_get(log, "runs"), 0), "results"), 0);
	cr_expect_str_eq(json_get_text(result, "ruleId", ""), "E0203");
	cr_expect_str_eq(json_get_text(result, "level", ""), "error");
	region = json_path(json_at(json_get(result, "locations"), 0), "physicalLocation", "region",
			   NULL);
	cr_expect_eq(json_get_number(region, "startLine", 0), 3);
	cr_expect_eq(json_get_number(region, "endColumn", 0), 13);
	cr_expect_eq(json_count(json_path(json_at(json_get(log, "runs"), 0), "tool", "driver",
					  "rules", NULL)),
		     1);
}

/* More than are kept are counted. */
Test(manifest, many_problems)
{
	AUTO(arena) struct arena arena = { 0 };
	struct problems p = { .arena = &arena };
	AUTO(free) char *shown = NULL;
	size_t size;
	FILE *f = open_memstream(&shown, &size);

	for (size_t i = 0; i < PROBLEMS_MAX + 7; i++)
		problem_add(&p, PROBLEM_ERROR, "E0001", (struct place){ 0 }, "no. %zu\033", i)
			->hint = "h";
	problems_print(&p, PROBLEM_WARNING, f);
	fclose(f);
	cr_expect_eq(p.errors, PROBLEMS_MAX + 7);
	cr_expect_eq(p.n, PROBLEMS_MAX);
	cr_expect(strstr(shown, "error: no. 0? [E0001]\n") == shown);
	cr_expect(strstr(shown, "and 7 more\n") != NULL);
}

Test(recipe, catalog)
{
	AUTO(run) struct run run = { 0 };
	struct image_description again;
	const struct recipe *r;
	const char *text;

	load(&run, TEST_DATA "/../../examples/shop");
	cr_expect_null(catalog_find(&run.catalog, "php:5.4"));
	cr_expect_eq(catalog_find(&run.catalog, "mysql:10.11"),
		     catalog_find(&run.catalog, "mariadb:10.11"));
	r = catalog_find(&run.catalog, "php:8.2");
	cr_assert_not_null(r);
	cr_expect_str_eq(r->suite, "bookworm");
	cr_expect_eq(r->packages.n, 2);
	cr_expect_str_eq(r->folders.items[0], "var/lib/nginx");
	cr_expect_str_eq(r->remove.items[0], "usr/share/doc");
	cr_assert_eq(r->n_files, 2);
	cr_expect_str_eq(r->files[0].link, "/run/php/php-fpm.conf");
	cr_expect_str_eq(r->files[1].path, "etc/orch/hooks/configure");
	cr_expect_eq(r->files[1].mode, 0755);
	cr_expect(r->image.app);
	cr_expect_eq(r->image.n_processes, 2);
	cr_expect_eq(r->image.processes[1].reload_signal, 12);
	cr_expect_eq(r->image.processes[1].grace_ms, 20000);
	cr_expect(r->image.processes[1].main);
	cr_expect_eq(r->image.processes[1].on_swap, REACTION_SIGNAL);
	cr_expect_eq(r->image.memory, 512ull << 20);
	cr_expect_eq(r->image.cpu_milli, 500);
	cr_expect_str_eq(r->image.environment.items[1], "LEVEL=5");
	cr_expect(r->image.configure && !r->image.boot && !r->image.open);
	cr_expect(catalog_find(&run.catalog, "redis:7.0")->image.data_forbidden);

	/* What goes into the image is read back the same. */
	text = r->image_text;
	cr_assert_eq(image_description_parse(&run.problems, "image.yaml", text, strlen(text),
					     &again, &run.err),
		     0);
	cr_expect_eq(run.problems.errors, 0);
	cr_expect_eq(again.n_processes, 2);
	cr_expect_str_eq(again.processes[0].command.items[2], "daemon off;");
	cr_expect_eq(again.processes[0].stop_signal, 3);
	cr_expect_eq(again.cpu_milli, 500);
}

/* Parts below recipes: maps and the recipe's own lists are joined, the rest is the recipe's. */
Test(recipe, includes)
{
	static const char text[] = "include: [parts/web.yaml]\n"
				   "type: \"x:1\"\n"
				   "packages: [x]\n"
				   "files: {etc/a: mine}\n"
				   "image:\n"
				   "  processes: {app: {command: [/bin/x]}}\n"
				   "  memory: 64M\n";
	static const char *const folders[] = { TEST_DATA "/catalog", NULL };
	AUTO(arena) struct arena arena = { 0 };
	struct problems p = { .arena = &arena };
	struct recipe r;
	struct error err;

	cr_assert_eq(recipe_load(&p, "x.yaml", text, sizeof(text) - 1, folders, &r, &err), 0);
	cr_assert_eq(p.errors, 0, "%s", p.n ? p.items[0]->text : "");
	cr_expect_str_eq(r.suite, "bookworm");
	cr_assert_eq(r.packages.n, 3);
	cr_expect_str_eq(r.packages.items[2], "x");
	cr_assert_eq(r.n_files, 2);
	cr_expect_str_eq(r.files[0].text, "mine");
	cr_assert_eq(r.image.n_processes, 2);
	cr_expect_eq(r.image.processes[0].command.n, 1);
	cr_expect_str_eq(r.image.processes[0].command.items[0], "/bin/x");
	cr_expect(r.image.processes[0].main);
	cr_expect_eq(r.image.memory, 64ull << 20);
	cr_expect_eq(r.image.n_users, 1);
	cr_expect_str_eq(r.image.socket_family, "unix");
	cr_expect_str_eq(r.image.protocol, "http");
	cr_expect(r.image.build && !r.image.configure);
}

Test(recipe, includes_no_more_than_there_is)
{
	static const char *const texts[] = { "include: [none.yaml]\n", "include: [/etc/passwd]\n",
					     "include: [../catalog/php.yaml]\n",
					     "include: [parts/itself.yaml]\n" };
	static const char *const folders[] = { TEST_DATA "/catalog", NULL };
	AUTO(arena) struct arena arena = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct problems p = { .arena = &arena };
		struct recipe r;
		struct error err;
		bool found = false;

		cr_assert_eq(
			recipe_load(&p, "x.yaml", texts[i], strlen(texts[i]), folders, &r, &err),
			0);
		for (size_t k = 0; k < p.n; k++)
			found |= !strcmp(p.items[k]->code, "E0403");
		cr_expect(found, "%s", texts[i]);
	}
}

Test(recipe, bad)
{
	AUTO(arena) struct arena arena = { 0 };
	struct problems p = { .arena = &arena };
	static const char text[] = "type: x:1\n"
				   "suit: bookworm\n"
				   "files: {/a: {text: x, link: y}}\n"
				   "image:\n"
				   "  kind: thing\n"
				   "  user: web\n"
				   "  users: {}\n"
				   "  processes: {a: {command: [], stop_signal: SIGFOO}}\n"
				   "  memory: much\n"
				   "  endpoints: {h: {port: 70000}}\n";
	static const char *const codes[] = { "E0202", "E0203", "E0402", "E0206", "E0401",
					     "E0206", "E0206", "E0202", "E0206", "E0206" };
	struct recipe r;
	struct error err;

	cr_assert_eq(recipe_parse(&p, "x.yaml", text, sizeof(text) - 1, &r, &err), 0);
	cr_expect_eq(p.errors, ARRAY_SIZE(codes));
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		size_t have = 0, want = 0;

		for (size_t k = 0; k < ARRAY_SIZE(codes); k++)
			want += !strcmp(codes[k], codes[i]);
		for (size_t k = 0; k < p.n; k++)
			have += !strcmp(p.items[k]->code, codes[i]);
		cr_expect_eq(have, want, "%s: %zu, not %zu", codes[i], have, want);
	}
}
