# The kernel's own time for a group of four, independent of our code; orch's beside it.
EXTRA_PROGRAMS += %D%/floor %D%/commits
%C%_commits_SOURCES = %D%/commits.c
%C%_commits_LDADD =
%C%_floor_SOURCES = %D%/floor.c %D%/floor.h %D%/floor_net.c
%C%_floor_CPPFLAGS = $(AM_CPPFLAGS) $(NFT_CFLAGS)
%C%_floor_LDADD = $(NFT_LIBS)
CLEANFILES += %D%/commits %D%/floor %D%/floor-init
EXTRA_DIST += %D%/bench.sh %D%/group.sh %D%/validate.sh %D%/volumes.sh %D%/databases.sh %D%/floor_init.c

%D%/floor-init: %D%/floor_init.c
	@$(MKDIR_P) %D%
	$(AM_V_CCLD)$(MUSL_CC) -static -Os -s -Wall -Wextra -o $@ $(srcdir)/%D%/floor_init.c

bench: %D%/floor %D%/commits %D%/floor-init orch runtime/orch-init tests/live/probe
	bash $(srcdir)/%D%/bench.sh

.PHONY: bench

# Many environments at once, and one after the other: BENCH_ENVIRONMENTS, BENCH_CYCLES.
bench-many: orch runtime/orch-init runtime/orch-doze tests/live/probe
	bash $(srcdir)/%D%/density.sh
	bash $(srcdir)/%D%/cycles.sh
EXTRA_DIST += %D%/many.sh %D%/density.sh %D%/cycles.sh

.PHONY: bench-many
