/*
 * commands.c - the table of verbs and flags that parsing, help and completion go by
 */
#include "orchestrator/commands.h"

#include <stddef.h>

#include "base/auto.h"
#include "orchestrator/options.h"

#define AT(member) offsetof(struct options, member)
#define EXITS_READ "0 done, 2 usage, 3 no such environment or container"
#define EXITS_CHANGE                                                                      \
	"0 done, 1 failed and the previous state stands, 2 usage or manifest, 3 absent, " \
	"4 busy, 5 not permitted, 6 timed out, 7 going back failed too, 130 interrupted"

static const char *const progress_choices[] = { "auto", "tty", "plain", "json", "none", NULL };
static const char *const format_choices[] = { "text", "json", NULL };

const struct cli_flag common_flags[] = {
	{ "folder", 'C', FLAG_TEXT, AT(folder), "DIR",
	  "the project's folder (default: this one or above)" },
	{ "project", 'p', FLAG_TEXT, AT(project), "NAME", "another name for the project" },
	{ "environment", 'e', FLAG_TEXT, AT(environment), "NAME",
	  "the environment (default: $ORCH_ENVIRONMENT, or the git branch)" },
	{ "root", 0, FLAG_TEXT, AT(root), "DIR", "keep all state below DIR (default: $ORCH_ROOT)" },
	{ "json", 0, FLAG_SWITCH, AT(json), NULL, "JSON on standard output" },
	{ "quiet", 'q', FLAG_SWITCH, AT(quiet), NULL, "errors only" },
	{ "verbose", 'v', FLAG_COUNT, AT(verbose), NULL, "say more" },
	{ NULL },
};

static const struct cli_flag validate_flags[] = {
	{ "format", 0, FLAG_CHOICE, AT(format), "HOW", "text or json", format_choices },
	{ NULL },
};
static const struct cli_flag plan_flags[] = {
	{ "worktree", 0, FLAG_SWITCH, AT(worktree), NULL, "the files as they are, not the commit" },
	{ "publish", 0, FLAG_TEXT, AT(publish), "ADDR:PORT", "where the app is to be reached" },
	{ "detailed-exitcode", 0, FLAG_SWITCH, AT(detailed), NULL,
	  "exit with 8 when there is something to do" },
	{ NULL },
};
static const struct cli_flag deploy_flags[] = {
	{ "worktree", 0, FLAG_SWITCH, AT(worktree), NULL, "the files as they are, not the commit" },
	{ "publish", 0, FLAG_TEXT, AT(publish), "ADDR:PORT",
	  "where the app is to be reached (default: 127.0.0.1 and a free port)" },
	{ "dry-run", 0, FLAG_SWITCH, AT(dry_run), NULL, "as orch plan" },
	{ "timeout", 0, FLAG_TIME, AT(timeout_ms), "TIME", "for all to be ready (default: 5m)" },
	{ "progress", 0, FLAG_CHOICE, AT(progress), "HOW", "auto, tty, plain, json, none",
	  progress_choices },
	{ "yes", 'y', FLAG_SWITCH, AT(yes), NULL, "don't ask" },
	{ NULL },
};
static const struct cli_flag logs_flags[] = {
	{ "follow", 'f', FLAG_SWITCH, AT(follow), NULL, "go on as lines are written" },
	{ "tail", 'n', FLAG_TEXT, AT(tail), "N", "the last N lines, or \"all\" (default: 100)" },
	{ NULL },
};
static const struct cli_flag exec_flags[] = {
	{ "user", 'u', FLAG_TEXT, AT(user), "NAME",
	  "a user of the image, or root (default: the image's)" },
	{ "no-tty", 'T', FLAG_SWITCH, AT(no_tty), NULL, "no terminal, also on one" },
	{ NULL },
};
static const struct cli_flag stop_flags[] = {
	{ "all", 0, FLAG_SWITCH, AT(all), NULL, "every environment of the root" },
	{ "shutdown", 0, FLAG_SWITCH, AT(shutdown), NULL, "they come back with start --all" },
	{ "timeout", 0, FLAG_TIME, AT(timeout_ms), "TIME", "for the whole command" },
	{ NULL },
};
static const struct cli_flag start_flags[] = {
	{ "all", 0, FLAG_SWITCH, AT(all), NULL, "every environment that was not stopped" },
	{ "timeout", 0, FLAG_TIME, AT(timeout_ms), "TIME", "for all to be ready (default: 5m)" },
	{ NULL },
};
static const struct cli_flag destroy_flags[] = {
	{ "purge", 0, FLAG_SWITCH, AT(purge), NULL, "data too, instead of to the trash" },
	{ "yes", 'y', FLAG_SWITCH, AT(yes), NULL, "don't ask" },
	{ NULL },
};
static const struct cli_flag image_flags[] = {
	{ "progress", 0, FLAG_CHOICE, AT(progress), "HOW", "auto, tty, plain, json, none",
	  progress_choices },
	{ NULL },
};
static const struct cli_flag supervise_flags[] = {
	{ "deferred", 0, FLAG_SWITCH, AT(deferred), NULL, "wait for a first request" },
	{ NULL },
};

#define EXAMPLES(...)             \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

const struct cli_command commands[] = {
	{ "validate", "lint", "Everyday", "", "check the manifest", validate_flags,
	  EXAMPLES("orch validate", "orch validate -C shop", "orch validate --format=json"),
	  "0 no errors, 2 errors, 3 no manifest", 0, 0, false, cmd_validate },
	{ "plan", "diff", "Everyday", "", "show what deploy would do, and why", plan_flags,
	  EXAMPLES("orch plan", "orch plan --json", "orch plan --detailed-exitcode"),
	  "0 done, 2 manifest, 3 no manifest, 8 differences", 0, 0, false, cmd_plan },
	{ "deploy", "up", "Everyday", "", "build the app and make the group be as the files say",
	  deploy_flags,
	  EXAMPLES("orch deploy", "orch deploy --worktree", "orch deploy --publish 0.0.0.0:8080"),
	  EXITS_CHANGE, 0, 0, false, cmd_deploy },
	{ "status", NULL, "Everyday", "", "one environment in a few lines", NULL,
	  EXAMPLES("orch status", "orch status -e fix-42", "orch status --json"), EXITS_READ, 0, 0,
	  false, cmd_status },
	{ "ls", "list", "Everyday", "", "all environments of this host", NULL,
	  EXAMPLES("orch ls", "orch ls --json", "orch ls --root /srv/ci"), EXITS_READ, 0, 0, false,
	  cmd_ls },
	{ "ps", NULL, "Everyday", "", "containers with state, load and memory", NULL,
	  EXAMPLES("orch ps", "orch ps -e fix-42", "orch ps --json"), EXITS_READ, 0, 0, false,
	  cmd_ps },
	{ "show", "describe,inspect", "Everyday", "[CONTAINER]", "what was deployed, as JSON", NULL,
	  EXAMPLES("orch show", "orch show app", "orch show db -e fix-42"), EXITS_READ, 0, 1, false,
	  cmd_show },
	{ "logs", NULL, "Everyday", "[CONTAINER]", "what the processes wrote, in order of time",
	  logs_flags, EXAMPLES("orch logs", "orch logs -f app", "orch logs -n all db"), EXITS_READ,
	  0, 1, false, cmd_logs },
	{ "exec", NULL, "Everyday", "CONTAINER -- COMMAND...", "run a command in a container",
	  exec_flags,
	  EXAMPLES("orch exec app -- php -v", "orch exec -u root db -- id",
		   "orch exec cache -- redis-cli ping"),
	  "the command's own; 125 orch failed, 126 can't be executed, 127 not found, 3 absent", 1,
	  ~0u, true, cmd_exec },
	{ "ssh", "shell", "Everyday", "[CONTAINER]", "a shell in a container (default: the app)",
	  exec_flags, EXAMPLES("orch ssh", "orch ssh db", "orch ssh -u root app"),
	  "the shell's own; 125 orch failed, 3 absent", 0, 1, false, cmd_ssh },
	{ "stop", "down", "Branches", "", "stop all processes; data stays", stop_flags,
	  EXAMPLES("orch stop", "orch stop -e fix-42", "orch stop --all"), EXITS_CHANGE, 0, 0,
	  false, cmd_stop },
	{ "start", NULL, "Branches", "", "start what was stopped", start_flags,
	  EXAMPLES("orch start", "orch start -e fix-42", "orch start --all"), EXITS_CHANGE, 0, 0,
	  false, cmd_start },
	{ "destroy", NULL, "Branches", "", "remove an environment", destroy_flags,
	  EXAMPLES("orch destroy", "orch destroy --yes", "orch destroy --purge --yes -e fix-42"),
	  EXITS_CHANGE, 0, 0, false, cmd_destroy },
	{ "history", NULL, "History", "", "generations, newest first", NULL,
	  EXAMPLES("orch history", "orch history --json", "orch history -e fix-42"), EXITS_READ, 0,
	  0, false, cmd_history },
	{ "image", NULL, "Images",
	  "build TYPE | ls | show IMAGE | verify [IMAGE] | import FOLDER TYPE",
	  "base and app images", image_flags,
	  EXAMPLES("orch image ls", "orch image build php:8.2", "orch image verify"),
	  "0 done, 1 failed, 3 no such image, 8 damaged", 1, 3, false, cmd_image },
	{ "doctor", NULL, "Host", "", "can this host run orch?", NULL,
	  EXAMPLES("orch doctor", "orch doctor --json", "sudo orch doctor"),
	  "0 yes, 9 something is missing", 0, 0, false, cmd_doctor },
	{ "supervise", NULL, "Host", "ENVIRONMENT", "hold an environment in the foreground",
	  supervise_flags,
	  EXAMPLES("orch supervise main-ab12cd3", "orch supervise main", "orch supervise fix-42"),
	  "0 asked to end, 3 absent, 4 supervised already", 1, 1, false, cmd_supervise },
};

const size_t n_commands = ARRAY_SIZE(commands);
