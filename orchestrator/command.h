/*
 * command.h - a command of the user's in a running container: exec, ssh, run
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "orchestrator/lower.h"
#include "orchestrator/world.h"

struct json_t;
struct session;

/* Exit codes that aren't the command's own. */
#define COMMAND_FAILED 125
#define COMMAND_NOT_EXECUTABLE 126
#define COMMAND_NOT_FOUND 127

struct command {
	struct session *s;
	struct world w;
	struct json_t *record, *document; /* owned */
	const char *container;
	int busy; /* so that it doesn't fall asleep meanwhile */
	struct lowered lowered;
	const struct image_description *image;
};

/* Of an opened session with its environment; name NULL: the first app. *c must be closed, also on failure. */
#define COMMAND_NONE ((struct command){ .w = WORLD_NONE, .busy = -1 })
int command_open(struct command *c, struct session *s, const char *name, struct error *err);
void command_close(struct command *c);
#define auto_command command_close

/*
 * Start it as `user` (NULL: the image's) in the app's folder. stdio: what become its descriptors 0, 1, 2; terminal: they are one's
 * slave. 0: *out is its pid, a child of ours. COMMAND_NOT_EXECUTABLE, COMMAND_NOT_FOUND: with *err filled as well.
 */
int command_start(struct command *c, const char *const *argv, const char *user, const int stdio[3],
		  bool terminal, pid_t *out, struct error *err);

/* The same on the caller's terminal, or on its standard streams, until it ends: its exit code, or one of those above, said on standard error. */
int command_run(struct command *c, const char *const *argv, const char *user, bool no_terminal,
		struct error *err);

/* orch's own failures must not look like the command's, but what has an exit code of its own keeps it. */
int command_outcome(int r, struct error *err);
