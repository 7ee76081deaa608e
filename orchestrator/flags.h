/*
 * flags.h - flag tables of the verbs, each ended by an empty row
 */
#pragma once

#include "base/cli.h"

extern const struct cli_flag validate_flags[];
extern const struct cli_flag plan_flags[];
extern const struct cli_flag deploy_flags[];
extern const struct cli_flag logs_flags[];
extern const struct cli_flag exec_flags[];
extern const struct cli_flag run_flags[];
extern const struct cli_flag idle_flags[];
extern const struct cli_flag stop_flags[];
extern const struct cli_flag start_flags[];
extern const struct cli_flag destroy_flags[];
extern const struct cli_flag image_flags[];
extern const struct cli_flag supervise_flags[];
extern const struct cli_flag config_flags[];
extern const struct cli_flag trash_flags[];
extern const struct cli_flag backup_flags[];
extern const struct cli_flag fsck_flags[];
extern const struct cli_flag xdebug_flags[];
extern const struct cli_flag volume_flags[];
extern const struct cli_flag pool_flags[];
extern const struct cli_flag branch_flags[];
extern const struct cli_flag sync_flags[];
extern const struct cli_flag promote_flags[];
extern const struct cli_flag rollback_flags[];
extern const struct cli_flag env_flags[];
extern const struct cli_flag gc_flags[];
extern const struct cli_flag pause_flags[];
extern const struct cli_flag var_flags[];
