#include "base/error.h"
#include "runtime/files.h"
#include "runtime/walk.h"

static int add(const struct walk *w, struct error *err)
{
	uint64_t *taken = w->ctx, bytes = (uint64_t)w->st.st_blocks * 512;

	(void)err;
	if (!w->after)
		*taken += bytes / (S_ISREG(w->st.st_mode) ? w->st.st_nlink : 1);
	return 0;
}

int files_usage(int folder, uint64_t *taken, struct error *err)
{
	*taken = 0;
	return walk(folder, add, taken, err);
}
