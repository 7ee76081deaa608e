/*
 * flags.h - flag tables of the verbs, each ended by an empty row
 */
#pragma once

#include "base/cli.h"

extern const struct cli_flag validate_flags[], plan_flags[], deploy_flags[], logs_flags[],
	exec_flags[], stop_flags[], start_flags[], destroy_flags[], image_flags[],
	supervise_flags[], env_flags[], gc_flags[], pause_flags[], var_flags[];
