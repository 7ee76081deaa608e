EXTRA_DIST += demo check .ci/run %D%/packages.sh examples images/catalog \
	%D%/systemd/orch.service.in %D%/systemd/orch@.service.in

# Below the prefix, so that an unprivileged install works; packagers say
# systemdsystemunitdir=$$(pkg-config --variable=systemdsystemunitdir systemd).
systemdsystemunitdir = $(prefix)/lib/systemd/system
systemdsystemunit_DATA = %D%/systemd/orch.service %D%/systemd/orch@.service
CLEANFILES += $(systemdsystemunit_DATA)

$(systemdsystemunit_DATA): %D%/local.mk
	@$(MKDIR_P) %D%/systemd
	$(AM_V_GEN)sed 's|@bindir[@]|$(bindir)|g' $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
%D%/systemd/orch.service: %D%/systemd/orch.service.in
%D%/systemd/orch@.service: %D%/systemd/orch@.service.in

# Whatever recipe is in the folder: a new one needs no line here.
catalogdir = $(pkgdatadir)/catalog
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(catalogdir)/parts'
	for f in $(srcdir)/images/catalog/*.yaml; do \
	  test ! -f "$$f" || $(INSTALL_DATA) "$$f" '$(DESTDIR)$(catalogdir)' || exit 1; \
	done
	for f in $(srcdir)/images/catalog/parts/*.yaml; do \
	  $(INSTALL_DATA) "$$f" '$(DESTDIR)$(catalogdir)/parts' || exit 1; \
	done

uninstall-local:
	for f in $(srcdir)/images/catalog/*.yaml $(srcdir)/images/catalog/parts/*.yaml; do \
	  rm -f '$(DESTDIR)$(catalogdir)'/"$${f#$(srcdir)/images/catalog/}"; \
	done
