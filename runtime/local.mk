noinst_LIBRARIES += %D%/libruntime.a
%C%_libruntime_a_CPPFLAGS = $(AM_CPPFLAGS) $(SECCOMP_CFLAGS)
%C%_libruntime_a_SOURCES = \
	%D%/cgroup.c %D%/cgroup.h %D%/cgroup_freeze.c \
	%D%/cgroup_trees.h \
	%D%/cgroup_v1.c \
	%D%/cgroup_v2.c \
	%D%/child.c %D%/child.h \
	%D%/container.c %D%/container.h \
	%D%/btrfs.h \
	%D%/driver.h \
	%D%/driver_btrfs.c \
	%D%/driver_btrfs_quota.c \
	%D%/driver_files.c \
	%D%/driver_image.c \
	%D%/exec.c %D%/exec.h \
	%D%/ext4.c %D%/ext4.h \
	%D%/files.c %D%/files.h \
	%D%/files_usage.c \
	%D%/idmap.c %D%/idmap.h \
	%D%/init.c %D%/init.h \
	%D%/loop.c %D%/loop.h \
	%D%/oom.c %D%/oom.h \
	%D%/mounts.c %D%/mounts.h \
	%D%/pool.c %D%/pool.h \
	%D%/pool_space.c \
	%D%/pool_trim.c %D%/pool_trim.h \
	%D%/privs.c %D%/privs.h \
	%D%/seccomp.c %D%/seccomp.h \
	%D%/status.c \
	%D%/swap.c %D%/swap.h \
	%D%/tunnel.c %D%/tunnel.h \
	%D%/within.c %D%/within.h \
	%D%/sync.c %D%/sync.h \
	%D%/volume.c %D%/volume.h \
	%D%/volume_diff_parts.h \
	%D%/volume_diff_walk.c \
	%D%/volume_diff.c %D%/volume_diff.h \
	%D%/walk.c %D%/walk.h

# What a supervisor becomes while its environment is asleep.
pkglibexec_SCRIPTS += %D%/orch-doze
CLEANFILES += %D%/orch-doze
EXTRA_DIST += %D%/doze.c
%D%/orch-doze: $(top_srcdir)/%D%/doze.c
	@$(MKDIR_P) %D%
	$(AM_V_CCLD)$(MUSL_CC) -static -Os -D_GNU_SOURCE -std=gnu17 -Wall -Wextra -ffunction-sections \
		-Wl,--gc-sections -s -o $@ $(top_srcdir)/%D%/doze.c

# PID 1 of every container: one static file, no shared code with orch but its own sources.
pkglibexec_SCRIPTS += %D%/orch-init
CLEANFILES += %D%/orch-init
orch_init_files = \
	$(top_srcdir)/%D%/pid1.c \
	$(top_srcdir)/%D%/pid1_conf.c \
	$(top_srcdir)/%D%/pid1_cron.c \
	$(top_srcdir)/base/cron.c \
	$(top_srcdir)/%D%/pid1_log.c \
	$(top_srcdir)/%D%/pid1_run.c
EXTRA_DIST += %D%/pid1.c %D%/pid1.h %D%/pid1_conf.c %D%/pid1_cron.c %D%/pid1_log.c \
	%D%/pid1_run.c
%D%/orch-init: $(orch_init_files) $(top_srcdir)/%D%/pid1.h
	@$(MKDIR_P) %D%
	$(AM_V_CCLD)$(MUSL_CC) -static -Os -D_GNU_SOURCE -std=gnu17 -Wall -Wextra -ffunction-sections \
		-Wl,--gc-sections -s -I$(top_srcdir) -o $@ $(orch_init_files)
