# Tarballs hold the pages, so only git needs scdoc; without it a page is its own source.
dist_man_MANS += %D%/orch.1 %D%/orch-image.5 %D%/orch-manifest.5
EXTRA_DIST += %D%/orch.1.scd %D%/orch-image.5.scd %D%/orch-manifest.5.scd
MAINTAINERCLEANFILES = %D%/orch.1 %D%/orch-image.5 %D%/orch-manifest.5

if HAVE_SCDOC
make_page = $(SCDOC) <
else
make_page = printf '.TH orch\n.nf\n' && cat
endif

%D%/orch.1: %D%/orch.1.scd
	@$(MKDIR_P) %D%
	$(AM_V_GEN)($(make_page) $(srcdir)/%D%/orch.1.scd) >$@.tmp && mv $@.tmp $@
%D%/orch-manifest.5: %D%/orch-manifest.5.scd
	@$(MKDIR_P) %D%
	$(AM_V_GEN)($(make_page) $(srcdir)/%D%/orch-manifest.5.scd) >$@.tmp && mv $@.tmp $@
%D%/orch-image.5: %D%/orch-image.5.scd
	@$(MKDIR_P) %D%
	$(AM_V_GEN)($(make_page) $(srcdir)/%D%/orch-image.5.scd) >$@.tmp && mv $@.tmp $@
