/*
 * cmd_idle.c - when an environment may sleep: supervise_idle.c does it
 */

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/commands.h"
#include "orchestrator/control.h"
#include "orchestrator/progress.h"
#include "orchestrator/session.h"
#include "orchestrator/supervise.h"

#define DEFAULT_S 600

static int ask(struct session *s, const struct environment *e, const char *what, struct error *err)
{
	struct progress progress = progress_of(s->options);
	AUTO(json) struct json_t *request = json_new_map();

	json_put_text(request, "do", what);
	return supervise_call(&s->host, e->id, request, progress_event, &progress, err);
}

static int idle_one(struct session *s, struct environment *e, struct error *err)
{
	const struct options *options = s->options;

	if (!options->now) {
		e->idle = options->never    ? 0
			: options->after_ms ? (int64_t)(options->after_ms + 999) / 1000
					    : DEFAULT_S;
		if (state_save(s->state, e, err) < 0)
			return -1;
	}
	if (!e->wanted)
		return options->now
			? fail(err, ERROR_ABSENT, "%s isn't running: orch start", e->name)
			: 0;
	return ask(s, e, options->now ? "sleep" : options->never ? "wake" : "idle", err);
}

/* All of them, whatever happens to one; the first failure is the one that is reported. */
int cmd_idle(void *ctx, int argc, const char **argv, struct error *err)
{
	AUTO(session) struct session s = SESSION_NONE;
	const struct options *options = ctx;

	(void)argc;
	(void)argv;
	if (options->now + options->never + (options->after_ms != 0) > 1)
		return fail(err, ERROR_INPUT, "one of --after, --now and --never");
	if (session_open(&s, options, err) < 0 || session_need_state(&s, "idle", err) < 0)
		return -1;
	if (options->all)
		return session_each(&s, idle_one, true, err);
	return session_environment(&s, err) < 0 ? -1 : idle_one(&s, &s.env, err);
}
