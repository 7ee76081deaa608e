/*
 * commands.h - the verbs: cli.c calls them with their operands
 *
 * ctx is a struct options. 0: done. -1: failed, *err says how. Above 0: the exit code.
 */
#pragma once

struct error;

int cmd_validate(void *ctx, int argc, const char **argv, struct error *err);
int cmd_config(void *ctx, int argc, const char **argv, struct error *err);
int cmd_schema(void *ctx, int argc, const char **argv, struct error *err);
int cmd_explain(void *ctx, int argc, const char **argv, struct error *err);
int cmd_plan(void *ctx, int argc, const char **argv, struct error *err);
int cmd_deploy(void *ctx, int argc, const char **argv, struct error *err);
int cmd_branch(void *ctx, int argc, const char **argv, struct error *err);
int cmd_rollback(void *ctx, int argc, const char **argv, struct error *err);
int cmd_why(void *ctx, int argc, const char **argv, struct error *err);
int cmd_sync(void *ctx, int argc, const char **argv, struct error *err);
int cmd_promote(void *ctx, int argc, const char **argv, struct error *err);
int cmd_diff(void *ctx, int argc, const char **argv, struct error *err);
int cmd_ps(void *ctx, int argc, const char **argv, struct error *err);
int cmd_ls(void *ctx, int argc, const char **argv, struct error *err);
int cmd_status(void *ctx, int argc, const char **argv, struct error *err);
int cmd_show(void *ctx, int argc, const char **argv, struct error *err);
int cmd_history(void *ctx, int argc, const char **argv, struct error *err);
int cmd_logs(void *ctx, int argc, const char **argv, struct error *err);
int cmd_exec(void *ctx, int argc, const char **argv, struct error *err);
int cmd_xdebug(void *ctx, int argc, const char **argv, struct error *err);
int cmd_ssh(void *ctx, int argc, const char **argv, struct error *err);
int cmd_run(void *ctx, int argc, const char **argv, struct error *err);
int cmd_stop(void *ctx, int argc, const char **argv, struct error *err);
int cmd_start(void *ctx, int argc, const char **argv, struct error *err);
int cmd_destroy(void *ctx, int argc, const char **argv, struct error *err);
int cmd_idle(void *ctx, int argc, const char **argv, struct error *err);
int cmd_volume(void *ctx, int argc, const char **argv, struct error *err);
int cmd_df(void *ctx, int argc, const char **argv, struct error *err);
int cmd_pool(void *ctx, int argc, const char **argv, struct error *err);
int cmd_trash(void *ctx, int argc, const char **argv, struct error *err);
int cmd_backup(void *ctx, int argc, const char **argv, struct error *err);
int cmd_source_operation(void *ctx, int argc, const char **argv, struct error *err);
int cmd_operation(void *ctx, int argc, const char **argv, struct error *err);
int cmd_cron(void *ctx, int argc, const char **argv, struct error *err);
int cmd_mount(void *ctx, int argc, const char **argv, struct error *err);
int cmd_env(void *ctx, int argc, const char **argv, struct error *err);
int cmd_var(void *ctx, int argc, const char **argv, struct error *err);
int cmd_events(void *ctx, int argc, const char **argv, struct error *err);
int cmd_open(void *ctx, int argc, const char **argv, struct error *err);
int cmd_gc(void *ctx, int argc, const char **argv, struct error *err);
int cmd_pause(void *ctx, int argc, const char **argv, struct error *err);
int cmd_resume(void *ctx, int argc, const char **argv, struct error *err);
int cmd_image(void *ctx, int argc, const char **argv, struct error *err);
int cmd_doctor(void *ctx, int argc, const char **argv, struct error *err);
int cmd_fsck(void *ctx, int argc, const char **argv, struct error *err);
int cmd_supervise(void *ctx, int argc, const char **argv, struct error *err);
