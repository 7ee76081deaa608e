/*
 * commands.c - the table of verbs that parsing, help and completion go by
 */
#include "orchestrator/commands.h"

#include "base/auto.h"
#include "orchestrator/flags.h"
#include "orchestrator/options.h"

#define EXITS_READ "0 done, 2 usage, 3 no such environment or container"
#define EXITS_CHANGE                                                                      \
	"0 done, 1 failed and the previous state stands, 2 usage or manifest, 3 absent, " \
	"4 busy, 5 not permitted, 6 timed out, 7 going back failed too, 130 interrupted"

#define EXAMPLES(...)             \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

const struct cli_command commands[] = {
	{ "validate", "lint", "Everyday", "", "check the manifest", validate_flags,
	  EXAMPLES("orch validate", "orch validate -v", "orch validate --format=sarif"),
	  "0 no errors, 2 errors, 3 no manifest", 0, 0, false, cmd_validate },
	{ "plan", NULL, "Everyday", "", "show what deploy would do, and why", plan_flags,
	  EXAMPLES("orch plan", "orch plan --offline", "orch plan --detailed-exitcode"),
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
	{ "run", NULL, "Everyday", "COMMAND...", "run a command in the app, or in one made for it",
	  run_flags,
	  EXAMPLES("orch run -- php artisan migrate", "orch run --rm -- make test",
		   "orch run --rm --from main --artifacts out -- php vendor/bin/phpunit"),
	  "the command's own; 125 orch failed, 126 can't be executed, 127 not found, 6 timed out, "
	  "130 interrupted",
	  1, ~0u, true, cmd_run },
	{ "branch", NULL, "Branches", "[NAME]",
	  "a copy of an environment, with its data, in no time", branch_flags,
	  EXAMPLES("orch branch fix-42", "git switch -c fix-42 && orch branch",
		   "orch branch try --from main@41 --ttl 2h"),
	  EXITS_CHANGE, 0, 1, false, cmd_branch },
	{ "sync", NULL, "Branches", "data | code", "take the parent's data or commits", sync_flags,
	  EXAMPLES("orch sync data", "orch sync code", "orch sync data --from staging"),
	  EXITS_CHANGE, 1, 1, false, cmd_sync },
	{ "promote", NULL, "Branches", "", "move the parent forward to this branch, and deploy it",
	  promote_flags,
	  EXAMPLES("orch promote", "orch promote --timeout 10m", "orch promote -C shop"),
	  EXITS_CHANGE, 0, 0, false, cmd_promote },
	{ "diff", NULL, "Branches", "[ENV1 [ENV2]]",
	  "how environments differ; without any, as orch plan", plan_flags,
	  EXAMPLES("orch diff main fix-42", "orch diff main --json", "orch diff"),
	  "0 done, 3 no such environment, 8 with --detailed-exitcode: differences", 0, 2, false,
	  cmd_diff },
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
	{ "rollback", NULL, "History", "[GEN]", "an earlier generation again, also with its data",
	  rollback_flags,
	  EXAMPLES("orch rollback", "orch rollback 41 --dry-run", "orch rollback 41 --with-data"),
	  EXITS_CHANGE, 0, 1, false, cmd_rollback },
	{ "why", NULL, "History", "CONTAINER", "what made a container as it is", NULL,
	  EXAMPLES("orch why web", "orch why db -e fix-42", "orch why web --json"), EXITS_READ, 1,
	  1, false, cmd_why },
	{ "config", NULL, "Config", "[app|services|routes]",
	  "the manifest as it was understood: complete, in the modern spelling", config_flags,
	  EXAMPLES("orch config", "orch config --origin", "orch config services"),
	  "0 done, 2 errors in the manifest, 3 no manifest", 0, 1, false, cmd_config },
	{ "schema", NULL, "Config", "app|services|routes", "JSON Schema, for editors", NULL,
	  EXAMPLES("orch schema app >app.schema.json", "orch schema services",
		   "orch schema routes"),
	  "0 done, 2 usage", 1, 1, false, cmd_schema },
	{ "explain", NULL, "Config", "[CODE]", "what the code of a problem means", NULL,
	  EXAMPLES("orch explain E0310", "orch explain", "orch explain W0301 --json"),
	  "0 done, 3 no such code", 0, 1, false, cmd_explain },
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
