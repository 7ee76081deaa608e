/*
 * cmd_explain.c - what the code of a problem means
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "manifests/codes.h"
#include "orchestrator/commands.h"
#include "orchestrator/options.h"
#include "orchestrator/session.h"

#define WIDTH 80

/* At most WIDTH characters a line, broken between words. */
static void print_paragraph(const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column && column + 1 + len > WIDTH) {
			putchar('\n');
			column = 0;
		}
		if (column)
			putchar(' ');
		printf("%.*s", (int)len, text);
		column += len + (column > 0);
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static struct json_t *as_json(const struct code *code)
{
	struct json_t *o = json_new_map();

	json_put_text(o, "code", code->code);
	json_put_text(o, "title", code->title);
	json_put_text(o, "text", code->text);
	return o;
}

static void list_all(const struct options *options)
{
	struct json_t *list = json_new_list();

	for (size_t i = 0; i < n_codes; i++) {
		json_add(list, as_json(&codes[i]));
		if (!options->json)
			printf("%s  %s\n", codes[i].code, codes[i].title);
	}
	if (options->json)
		session_print("orch.explain/1", "codes", list);
	else
		json_free(list);
}

int cmd_explain(void *ctx, int argc, const char **argv, struct error *err)
{
	const struct options *options = ctx;
	const struct code *code;

	if (!argc) {
		list_all(options);
		return 0;
	}
	code = codes_find(argv[0]);
	if (!code)
		return fail(err, ERROR_ABSENT, "no code \"%s\"; see them all: orch explain",
			    argv[0]);
	if (options->json) {
		session_print("orch.explain/1", "code", as_json(code));
		return 0;
	}
	printf("%s: %s\n\n", code->code, code->title);
	print_paragraph(code->text);
	return 0;
}
