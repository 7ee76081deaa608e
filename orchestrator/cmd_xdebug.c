/*
 * cmd_xdebug.c - a debugger on this host for the app's requests: https://xdebug.org/docs/step_debug
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "orchestrator/command.h"
#include "orchestrator/commands.h"
#include "orchestrator/session.h"
#include "runtime/tunnel.h"

#define SOCKET "/run/xdebug-tunnel.sock" /* where the image's Xdebug connects to */
#define PORT 9003			 /* xdebug.client_port */

static void met(void *ctx, bool connected)
{
	const uint16_t *port = ctx;

	if (connected)
		fprintf(stderr, "a request is being debugged\n");
	else
		fprintf(stderr,
			"a request went on undebugged: nothing listens at 127.0.0.1:%u; "
			"let the editor listen for connections\n",
			*port);
}

static int read_port(const char *text, uint16_t *out, struct error *err)
{
	char *end = NULL;
	long n = text ? strtol(text, &end, 10) : PORT;

	if (end && (end == text || *end || n < 1 || n > UINT16_MAX))
		return fail(err, ERROR_INPUT, "--port %s: not a port, 1 to %d", text, UINT16_MAX);
	*out = (uint16_t)n;
	return 0;
}

/* The app's idekey, or what to do about that it has none. */
static int key_of(const struct command *c, const char **out, struct error *err)
{
	const struct json_t *self = json_path(c->document, "containers", c->container, NULL);

	*out = json_text(json_path(self, "app", "runtime", "xdebug", "idekey", NULL), NULL);
	if (!json_path(self, "app", NULL))
		return fail(err, ERROR_INPUT, "%s is no app", c->container);
	return *out
		? 0
		: fail(err, ERROR_ABSENT,
		       "%s has no Xdebug: write \"runtime: {xdebug: {idekey: NAME}}\" and deploy",
		       c->container);
}

static int serve(struct command *c, uint16_t port, bool quiet, struct error *err)
{
	const struct live *l = world_find(&c->w, c->container);
	AUTO(fd) int listener = -1;
	const char *key;

	if (key_of(c, &key, err) < 0)
		return -1;
	listener = tunnel_listen(&l->c, SOCKET, err);
	if (listener < 0)
		return fail_in(err, "%s", c->container);
	if (!quiet)
		fprintf(stderr,
			"requests to %s with the cookie XDEBUG_SESSION=%s, or ?XDEBUG_TRIGGER=%s, "
			"are debugged at "
			"127.0.0.1:%u; Ctrl-C ends it\n",
			c->container, key, key, port);
	return tunnel_serve(&l->c, listener, port, met, &port, err) < 0
		? -1
		: fail(err, ERROR_ABSENT, "%s has ended; once it runs again: orch xdebug",
		       c->container);
}

int cmd_xdebug(void *ctx, int argc, const char **argv, struct error *err)
{
	const struct options *options = ctx;
	AUTO(session) struct session s = SESSION_NONE;
	AUTO(command) struct command c = COMMAND_NONE;
	uint16_t port = 0;

	if (read_port(options->port, &port, err) < 0 || session_open(&s, options, err) < 0 ||
	    host_need_root("xdebug", err) < 0 || session_environment(&s, err) < 0 ||
	    command_open(&c, &s, argc ? argv[0] : NULL, err) < 0)
		return -1;
	return serve(&c, port, options->quiet, err);
}
