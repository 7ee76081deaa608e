#include "images/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "images/squash.h"

#define SUFFIX ".sqfs"
#define MAX_FACTS (4u << 20)

static bool is_digest(const char *s)
{
	return strspn(s, "0123456789abcdef") == SHA256_HEX - 1 && strlen(s) == SHA256_HEX - 1;
}

static int digest_of(const char *path, char hex[SHA256_HEX], struct error *err)
{
	AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? fail_errno(err, "open %s", path) : sha256_of_fd(fd, hex, err);
}

static char *name_path(struct arena *arena, const char *folder, const char *key)
{
	return arena_printf(arena, "%s/names/%s", folder, key);
}

int store_ensure(const char *folder, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };

	return file_make_dirs(name_path(&arena, folder, ""), 0755, err);
}

char *store_path(struct arena *arena, const char *folder, const char *digest)
{
	return arena_printf(arena, "%s/%s" SUFFIX, folder, digest);
}

bool store_has(const char *folder, const char *digest)
{
	AUTO(arena) struct arena arena = { 0 };

	return is_digest(digest) && file_exists(store_path(&arena, folder, digest));
}

static int sync_folder(const char *folder, struct error *err)
{
	AUTO(fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? fail_errno(err, "sync %s", folder) : 0;
}

int store_add(const char *folder, const char *path, char digest[SHA256_HEX], struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	char hex[SHA256_HEX];
	const char *to;

	if (store_ensure(folder, err) < 0 || digest_of(path, hex, err) < 0)
		return -1;
	to = store_path(&arena, folder, hex);
	if (file_exists(to)) {
		if (unlink(path) < 0)
			return fail_errno(err, "remove %s", path);
	} else {
		if (chmod(path, 0444) < 0 || rename(path, to) < 0)
			return fail_errno(err, "rename %s", path);
		if (sync_folder(folder, err) < 0)
			return -1;
	}
	memcpy(digest, hex, SHA256_HEX);
	return 0;
}

int store_name(const char *folder, const char *key, const struct json_t *facts, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *text = json_print(&arena, facts, FORM_PRETTY);

	if (store_ensure(folder, err) < 0)
		return -1;
	return file_write(AT_FDCWD, name_path(&arena, folder, key), text, strlen(text), 0644, true,
			  err);
}

int store_find(const char *folder, const char *key, struct json_t **facts, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *found = NULL;
	const char *path = name_path(&arena, folder, key);
	char *text;
	size_t size;
	int r = file_read(&arena, AT_FDCWD, path, MAX_FACTS, &text, &size, err);

	if (r != 0)
		return r < 0 ? -1 : STORE_ABSENT;
	found = json_parse(path, text, size, err);
	if (!found)
		return -1;
	if (!store_has(folder, json_get_text(found, "digest", "")))
		return STORE_ABSENT;
	*facts = TAKE_PTR(found);
	return 0;
}

int store_ensure_no_name(const char *folder, const char *key, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };

	return file_remove(AT_FDCWD, name_path(&arena, folder, key), err);
}

static struct store_image *image_of(struct store_image *list, size_t n, const char *digest)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].digest, digest))
			return &list[i];
	return NULL;
}

static int add_names(struct arena *arena, const char *folder, struct store_image *list, size_t n,
		     struct error *err)
{
	const char **keys = NULL;
	size_t n_keys = 0;

	if (file_list(arena, name_path(arena, folder, ""), &keys, &n_keys, err) < 0)
		return -1;
	for (size_t i = 0; i < n_keys; i++) {
		AUTO(json) struct json_t *facts = NULL;
		struct store_image *image;
		const char **names;

		/* A name that can't be read names nothing. */
		if (store_find(folder, keys[i], &facts, &(struct error){ 0 }) != 0)
			continue;
		image = image_of(list, n, json_get_text(facts, "digest", ""));
		if (!image)
			continue;
		names = arena_array(arena, image->n_names + 1, sizeof(*names));
		if (image->n_names)
			memcpy(names, image->names, image->n_names * sizeof(*names));
		names[image->n_names++] = keys[i];
		image->names = names;
	}
	return 0;
}

int store_list(struct arena *arena, const char *folder, struct store_image **out, size_t *n,
	       struct error *err)
{
	ARENA_LIST(struct store_image) list = { 0 };
	const char **files = NULL;
	size_t n_files = 0;

	if (file_list(arena, folder, &files, &n_files, err) < 0)
		return -1;
	for (size_t i = 0; i < n_files; i++) {
		struct stat st;
		char *digest;

		if (!text_ends(files[i], SUFFIX))
			continue;
		digest = arena_strndup(arena, files[i], strlen(files[i]) - strlen(SUFFIX));
		if (!is_digest(digest) || stat(store_path(arena, folder, digest), &st) < 0)
			continue;
		*arena_push(arena, &list) = (struct store_image){ .digest = digest,
								  .bytes = (uint64_t)st.st_size,
								  .made = st.st_mtime };
	}
	if (add_names(arena, folder, list.items, list.n, err) < 0)
		return -1;
	*out = list.items;
	*n = list.n;
	return 0;
}

int store_verify(const char *folder, const char *digest, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *path = store_path(&arena, folder, digest);
	struct squash_info info;
	char hex[SHA256_HEX];

	if (squash_verify(path, &info, err) < 0 || digest_of(path, hex, err) < 0)
		return -1;
	if (strcmp(hex, digest) != 0)
		return fail(err, ERROR_SYSTEM, "%s is damaged: its content has the digest %.12s",
			    path, hex);
	return 0;
}

int store_remove(const char *folder, const char *digest, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct store_image *list, *image;
	size_t n;

	if (store_list(&arena, folder, &list, &n, err) < 0)
		return -1;
	image = image_of(list, n, digest);
	for (size_t i = 0; image && i < image->n_names; i++)
		if (store_ensure_no_name(folder, image->names[i], err) < 0)
			return -1;
	return file_remove(AT_FDCWD, store_path(&arena, folder, digest), err);
}
