noinst_LIBRARIES += %D%/liborchestrator.a
%C%_liborchestrator_a_CPPFLAGS = $(AM_CPPFLAGS) $(UV_CFLAGS) $(SQLITE_CFLAGS)
%C%_liborchestrator_a_SOURCES = \
	%D%/activate.c \
	%D%/apply.c \
	%D%/attend.c \
	%D%/bases.c \
	%D%/build.c \
	%D%/build_box.c \
	%D%/cmd_branch.c \
	%D%/cmd_check.c \
	%D%/cmd_deploy.c \
	%D%/cmd_destroy.c \
	%D%/cmd_exec.c \
	%D%/cmd_host.c \
	%D%/cmd_image.c \
	%D%/cmd_life.c \
	%D%/cmd_list.c \
	%D%/cmd_logs.c \
	%D%/cmd_run.c \
	%D%/command.c \
	%D%/commands.c \
	%D%/contract.c %D%/contract_links.c \
	%D%/control.c \
	%D%/converge.c \
	%D%/db.c \
	%D%/desired.c \
	%D%/effects.c \
	%D%/flags.c \
	%D%/git.c \
	%D%/git_branch.c \
	%D%/group.c \
	%D%/host.c \
	%D%/inside.c \
	%D%/lineage.c \
	%D%/look.c \
	%D%/lower.c %D%/lower_net.c \
	%D%/moment.c \
	%D%/lower.c \
	%D%/plan.c \
	%D%/plan_print.c \
	%D%/progress.c \
	%D%/project.c \
	%D%/publish.c \
	%D%/record.c \
	%D%/report.c \
	%D%/request.c \
	%D%/rollout.c \
	%D%/session.c \
	%D%/state.c \
	%D%/state_generations.c \
	%D%/state_ids.c \
	%D%/supervise.c \
	%D%/supervise_request.c \
	%D%/supervise_start.c \
	%D%/terminal.c \
	%D%/throwaway.c \
	%D%/world.c \
	%D%/world_change.c \
	%D%/world_create.c \
	%D%/world_lower.c \
	%D%/world_net.c \
	%D%/world_talk.c \
	%D%/activate.h \
	%D%/apply.h \
	%D%/attend.h \
	%D%/bases.h \
	%D%/build.h \
	%D%/build_box.h \
	%D%/command.h \
	%D%/commands.h \
	%D%/contract.h \
	%D%/control.h \
	%D%/converge.h \
	%D%/db.h \
	%D%/deploy.h \
	%D%/desired.h \
	%D%/destroy.h \
	%D%/effects.h \
	%D%/flags.h \
	%D%/git.h \
	%D%/git_branch.h \
	%D%/group.h \
	%D%/host.h \
	%D%/inside.h \
	%D%/lineage.h \
	%D%/look.h \
	%D%/moment.h \
	%D%/lower.h \
	%D%/options.h \
	%D%/plan.h \
	%D%/progress.h \
	%D%/project.h \
	%D%/record.h \
	%D%/report.h \
	%D%/request.h \
	%D%/rollout.h \
	%D%/session.h \
	%D%/state.h \
	%D%/supervise.h \
	%D%/supervisor.h \
	%D%/terminal.h \
	%D%/throwaway.h \
	%D%/world.h

bin_PROGRAMS += orch
orch_SOURCES = %D%/main.c
orch_LDADD = $(ORCH_LIBS)
