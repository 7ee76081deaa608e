#include "orchestrator/say.h"

#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/text.h"
#include "orchestrator/state.h"

const char *say_ago(struct arena *arena, int64_t since)
{
	char text[32];
	int64_t now = (int64_t)time(NULL);

	if (since <= 0)
		return "-";
	return arena_strdup(arena,
			    text_duration(text, (uint64_t)(now > since ? now - since : 0) * 1000));
}

const char *say_left(struct arena *arena, int64_t until)
{
	char text[32];
	int64_t now = (int64_t)time(NULL);

	if (until <= 0)
		return "-";
	if (until <= now)
		return "over";
	return arena_strdup(arena, text_duration(text, (uint64_t)(until - now) * 1000));
}

const char *say_when(struct arena *arena, int64_t t, bool utc)
{
	time_t at = (time_t)t;
	char text[40];
	struct tm tm;

	if (t <= 0)
		return "-";
	if (utc)
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
	else
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", localtime_r(&at, &tm));
	return arena_strdup(arena, text);
}

const char *say_url(struct arena *arena, const struct environment *e)
{
	if (!e->publish_port)
		return "-";
	return arena_printf(arena, "http://%s:%u/",
			    !strcmp(e->publish_address, "0.0.0.0") ? "127.0.0.1"
								   : e->publish_address,
			    e->publish_port);
}
