/* Problems for programs: JSON, GitHub, SARIF. */
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "manifests/codes.h"
#include "manifests/problem.h"

struct json_t *problems_json(const struct problems *p)
{
	AUTO(arena) struct arena arena = { 0 };
	const struct problem **order = problems_sort(&arena, p);
	struct json_t *list = json_new_list();

	for (size_t i = 0; i < p->n; i++) {
		const struct problem *item = order[i];
		struct json_t *o = json_add(list, json_new_map());

		json_put_text(o, "severity", severity_name(item->severity));
		json_put_text(o, "code", item->code);
		json_put_text(o, "file", item->at.file);
		json_put_number(o, "line", item->at.line);
		json_put_number(o, "column", item->at.column);
		json_put_text(o, "text", item->text);
		json_put_text(o, "hint", item->hint);
	}
	return list;
}

/* docs.github.com, "Workflow commands": % and ends of lines are escaped; in properties also : and , */
static void print_escaped(const char *s, bool property, FILE *to)
{
	for (; *s; s++)
		if (*s == '%' || *s == '\r' || *s == '\n' || (property && (*s == ':' || *s == ',')))
			fprintf(to, "%%%02X", (unsigned)(unsigned char)*s);
		else
			putc(*s, to);
}

void problems_print_github(const struct problems *p, enum severity least, FILE *to)
{
	static const char *const names[] = {
		[PROBLEM_ERROR] = "error", [PROBLEM_WARNING] = "warning", [PROBLEM_NOTE] = "notice"
	};
	AUTO(arena) struct arena arena = { 0 };
	const struct problem **order = problems_sort(&arena, p);

	for (size_t i = 0; i < p->n; i++) {
		const struct problem *item = order[i];

		if (item->severity > least)
			continue;
		fprintf(to, "::%s ", names[item->severity]);
		if (item->at.file) {
			fputs("file=", to);
			print_escaped(item->at.file, true, to);
			putc(',', to);
		}
		if (item->at.line)
			fprintf(to, "line=%u,col=%u,", item->at.line, item->at.column);
		fprintf(to, "title=%s::", item->code);
		print_escaped(item->text, false, to);
		if (item->hint) {
			fputs("; ", to);
			print_escaped(item->hint, false, to);
		}
		putc('\n', to);
	}
}

static struct json_t *sarif_place(const struct place *at)
{
	struct json_t *location = json_new_map();
	struct json_t *physical = json_put(location, "physicalLocation", json_new_map());
	struct json_t *region;

	json_put_text(json_put(physical, "artifactLocation", json_new_map()), "uri", at->file);
	if (!at->line)
		return location;
	region = json_put(physical, "region", json_new_map());
	json_put_number(region, "startLine", at->line);
	json_put_number(region, "startColumn", at->column);
	json_put_number(region, "endColumn", at->column + (at->width ? at->width : 1));
	return location;
}

static void sarif_rules(const struct problems *p, enum severity least, struct json_t *driver)
{
	AUTO(json) struct json_t *seen = json_new_map();
	struct json_t *rules = json_put(driver, "rules", json_new_list());

	for (size_t i = 0; i < p->n; i++) {
		const char *name = p->items[i]->code;
		const struct code *code = codes_find(name);
		struct json_t *rule;

		if (p->items[i]->severity > least || json_get(seen, name))
			continue;
		json_put_flag(seen, name, true);
		rule = json_add(rules, json_new_map());
		json_put_text(rule, "id", name);
		if (!code)
			continue;
		json_put_text(json_put(rule, "shortDescription", json_new_map()), "text",
			      code->title);
		json_put_text(json_put(rule, "fullDescription", json_new_map()), "text",
			      code->text);
	}
}

struct json_t *problems_sarif(const struct problems *p, enum severity least)
{
	AUTO(arena) struct arena arena = { 0 };
	const struct problem **order = problems_sort(&arena, p);
	struct json_t *log = json_new_map();
	struct json_t *run, *driver, *results;

	json_put_text(log, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	json_put_text(log, "version", "2.1.0");
	run = json_add(json_put(log, "runs", json_new_list()), json_new_map());
	driver = json_put(json_put(run, "tool", json_new_map()), "driver", json_new_map());
	json_put_text(driver, "name", "orch");
	json_put_text(driver, "version", ORCH_VERSION);
	sarif_rules(p, least, driver);
	results = json_put(run, "results", json_new_list());
	for (size_t i = 0; i < p->n; i++) {
		const struct problem *item = order[i];
		struct json_t *result;
		const char *text = item->hint
			? arena_printf(&arena, "%s; %s", item->text, item->hint)
			: item->text;

		if (item->severity > least)
			continue;
		result = json_add(results, json_new_map());
		json_put_text(result, "ruleId", item->code);
		json_put_text(result, "level", severity_name(item->severity));
		json_put_text(json_put(result, "message", json_new_map()), "text", text);
		if (item->at.file)
			json_add(json_put(result, "locations", json_new_list()),
				 sarif_place(&item->at));
	}
	return log;
}
