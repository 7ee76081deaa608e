/*
 * supervise_names.c - the supervisor asks again for the host names that firewalls name
 */
#include <time.h>
#include <uv.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "orchestrator/names.h"
#include "orchestrator/record.h"
#include "orchestrator/supervisor.h"

#define EVERY_MS 30000

/* One supervisor a process. */
static uv_timer_t timer;
static uv_poll_t poll;
static struct names_question question = { .fd = -1 };
static struct text answer;

static void on_time(uv_timer_t *t);

static int document_of(const char *name, struct json_t *entry, void *ctx)
{
	json_put(ctx, name, json_copy_deep(json_get(entry, "document")));
	return 0;
}

/* What runs, as a document. NULL: nothing that is known. Owned by the caller. */
static struct json_t *applied(const struct supervisor *s, struct error *err)
{
	AUTO(json) struct json_t *record = record_load(s->h, s->id, err);
	struct json_t *document;

	if (!record)
		return NULL;
	document = json_new_map();
	(void)json_each(json_get(record, "containers"), document_of,
			json_put(document, "containers", json_new_map()));
	return document;
}

static int learn(struct supervisor *s, struct error *err)
{
	AUTO(json) struct json_t *desired = applied(s, err);
	AUTO(json) struct json_t *known = desired ? names_load(s->h, s->id, err) : NULL;
	AUTO(json) struct json_t *wanted = known ? names_wanted(desired) : NULL;

	if (!wanted)
		return -1;
	names_learn(known, wanted, text_get(&answer), (int64_t)time(NULL));
	if (names_save(s->h, s->id, known, err) < 0)
		return -1;
	return supervisor_asleep(s) ? 0 : world_outbound(&s->world, desired, err);
}

static void on_answer(uv_poll_t *p, int status, int events)
{
	struct supervisor *s = p->data;
	struct error err = { 0 };

	(void)status;
	(void)events;
	if (!names_hear(&question, &answer))
		return;
	uv_poll_stop(p);
	uv_close((uv_handle_t *)p, NULL);
	names_done(&question);
	if (learn(s, &err) < 0)
		log_warn("%s: firewall: %s", s->id, err.text);
	uv_timer_start(&timer, on_time, EVERY_MS, 0);
}

static int ask(struct supervisor *s, struct error *err)
{
	AUTO(json) struct json_t *desired = applied(s, err);
	AUTO(json) struct json_t *wanted = desired ? names_wanted(desired) : NULL;

	if (!wanted)
		return -1;
	if (!json_count(wanted) || supervisor_asleep(s))
		return 0;
	text_clear(&answer);
	if (names_ask(wanted, &question, err) < 0)
		return -1;
	uv_poll_init(timer.loop, &poll, question.fd);
	poll.data = s;
	uv_poll_start(&poll, UV_READABLE, on_answer);
	return 0;
}

static void on_time(uv_timer_t *t)
{
	struct supervisor *s = t->data;
	struct error err = { 0 };

	if (ask(s, &err) < 0)
		log_warn("%s: firewall: %s", s->id, err.text);
	if (question.fd < 0)
		uv_timer_start(t, on_time, EVERY_MS, 0);
}

void supervisor_watch_names(struct supervisor *s, struct uv_loop_s *loop)
{
	uv_timer_init(loop, &timer);
	timer.data = s;
	uv_timer_start(&timer, on_time, EVERY_MS, 0);
}
