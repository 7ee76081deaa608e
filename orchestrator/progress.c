#include "orchestrator/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/json.h"
#include "base/text.h"
#include "orchestrator/options.h"

struct progress progress_of(const struct options *options)
{
	const char *how = options->progress ? options->progress : "auto";
	const char *term = getenv("TERM");
	bool terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0 && !getenv("CI");
	struct progress p = {
		.json = options->json || !strcmp(how, "json"),
		.quiet = options->quiet || !strcmp(how, "none"),
		.verbose = options->verbose > 0,
		.rewrite = !strcmp(how, "tty") || (!strcmp(how, "auto") && terminal),
	};

	if (p.json || p.quiet)
		p.rewrite = false;
	return p;
}

static void clear_line(struct progress *p)
{
	if (p->pending)
		fputs("\r\033[K", stderr);
	p->pending = false;
}

static void print_json(const char *what, const char *name, const char *detail, uint64_t ms)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *event = json_new_map();

	json_put_text(event, "event", what);
	json_put_text(event, "name", name);
	json_put_text(event, "detail", detail);
	json_put_number(event, "ms", (int64_t)ms);
	printf("%s\n", json_print(&arena, event, FORM_COMPACT));
	fflush(stdout);
}

void progress_tell(void *ctx, const char *what, const char *name, const char *detail, uint64_t ms)
{
	struct progress *p = ctx;

	if (p->also)
		p->also(p->also_ctx, what, name, detail, ms);
	if (p->json)
		print_json(what, name, detail, ms);
	if (p->json || p->quiet)
		return;
	clear_line(p);
	if (!*name)
		fprintf(stderr, "  %-9s %-57s %6.2fs\n", what, detail, (double)ms / 1000);
	else
		fprintf(stderr, "  %-9s %-12s %-44s %6.2fs\n", what, name, detail,
			(double)ms / 1000);
}

void progress_line(void *ctx, const char *line)
{
	struct progress *p = ctx;
	struct winsize size = { .ws_col = 80 };

	if (p->quiet || p->json)
		return;
	if (!p->rewrite) {
		fprintf(stderr, "    | %s\n", line);
		return;
	}
	/* A terminal that doesn't know its size says 0. */
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 20)
		size.ws_col = 80;
	clear_line(p);
	fprintf(stderr, "    | %.*s", size.ws_col - 8, line);
	fflush(stderr);
	p->pending = true;
}

/* It is what people look for: not rewritten by what comes after it. */
static void print_log(struct progress *p, const char *line)
{
	clear_line(p);
	fprintf(stderr, "    | %s\n", line);
}

void progress_event(void *ctx, const struct json_t *event)
{
	const char *what = json_get_text(event, "event", "");
	struct progress *p = ctx;

	if (!strcmp(what, "output") && !p->json)
		progress_line(ctx, json_get_text(event, "detail", ""));
	else if (!strcmp(what, "log") && !p->json && !p->quiet)
		print_log(p, json_get_text(event, "detail", ""));
	else
		progress_tell(ctx, json_get_text(event, "event", ""),
			      json_get_text(event, "container", ""),
			      json_get_text(event, "detail", ""),
			      (uint64_t)json_get_number(event, "ms", 0));
}
