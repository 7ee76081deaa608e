#include "orchestrator/urls.h"

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/routes.h"
#include "orchestrator/say.h"
#include "orchestrator/session.h"

const char **urls_of(struct session *s, const struct environment *e, size_t *n)
{
	AUTO(json) struct json_t *document = NULL;
	const char **urls = NULL;
	struct error ignored;

	*n = 0;
	if (s->state && e->generation) {
		document = session_document_of(s, e, 0, &ignored);
		urls = routes_urls(&s->arena, document, n);
	}
	if (*n)
		return urls;
	urls = arena_array(&s->arena, 1, sizeof(*urls));
	urls[(*n)++] = say_url(&s->arena, e);
	return urls;
}

const char *url_of(struct session *s, const struct environment *e)
{
	size_t n;

	return urls_of(s, e, &n)[0];
}

struct json_t *urls_json(struct session *s, const struct environment *e)
{
	struct json_t *list = json_new_list();
	const char **urls;
	size_t n;

	urls = urls_of(s, e, &n);
	for (size_t i = 0; e->publish_port && i < n; i++)
		json_add(list, json_new_text(urls[i]));
	return list;
}
