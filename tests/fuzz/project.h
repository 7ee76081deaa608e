/*
 * project.h - a project in memory, for fuzzers
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "manifests/manifest.h"

#define MEMORY_MAX 8

struct memory {
	struct {
		const char *path, *text;
		size_t size;
	} files[MEMORY_MAX];
	size_t n;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void memory_add(struct memory *m, const char *path, const void *text, size_t size);

/*
 * Load it, say everything that is wrong with it, and if nothing is, hold it to the promise that what orch config prints
 * reads back the same: aborts otherwise.
 */
void memory_load(const struct memory *m);

/* Only load it; the manifest is cleared by the caller. p->arena is set. */
void memory_read(const struct memory *m, struct problems *p, struct manifest *out);

/* An app that is fine. */
extern const char project_app[];
