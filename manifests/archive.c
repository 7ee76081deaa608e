/* !archive: a folder as a tar (ustar, pax(1)) in a gzip (RFC 1952) that stores: the same files give the same bytes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/text.h"
#include "manifests/files.h"

#define ARCHIVE_MAX (1u << 20)
#define DEPTH_MAX 16
#define BLOCK 512u

struct archive {
	struct arena *arena;
	struct text tar;
};

static void put_octal(char *field, size_t size, uint64_t value)
{
	field[--size] = '\0';
	for (; size; value >>= 3)
		field[--size] = (char)('0' + (value & 7));
}

/* The name may be split at a slash: 155 bytes before it, 100 behind. */
static int put_name(char *header, const char *path, struct error *err)
{
	const char *rest = path;
	size_t len = strlen(path);

	while (len > 100 && (rest = strchr(rest, '/')) != NULL) {
		rest++;
		len = strlen(rest);
	}
	if (!rest || len > 100 || rest - path > 155)
		return fail(err, ERROR_INPUT, "the name \"%.200s\" is too long for an archive",
			    path);
	memcpy(header, rest, len);
	if (rest != path)
		memcpy(header + 345, path, (size_t)(rest - path) - 1);
	return 0;
}

static int add_header(struct archive *a, const char *path, const struct stat *st, const char *link,
		      struct error *err)
{
	char header[BLOCK] = "";
	bool file = S_ISREG(st->st_mode);
	const char kind = file ? '0' : S_ISDIR(st->st_mode) ? '5' : '2';
	unsigned sum = 0;

	if (put_name(header, path, err) < 0)
		return -1;
	put_octal(header + 100, 8, st->st_mode & 0111 ? 0755 : 0644);
	put_octal(header + 108, 8, 0);
	put_octal(header + 116, 8, 0);
	put_octal(header + 124, 12, file ? (uint64_t)st->st_size : 0);
	put_octal(header + 136, 12, 0);
	memset(header + 148, ' ', 8);
	header[156] = kind;
	if (link)
		memcpy(header + 157, link, strlen(link));
	memcpy(header + 257, "ustar\00000", 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)header[i];
	put_octal(header + 148, 7, sum);
	text_add_bytes(&a->tar, header, BLOCK);
	return 0;
}

static int add_file(struct archive *a, int fd, const char *path, const struct stat *st,
		    struct error *err)
{
	static const char zeros[BLOCK];
	size_t left = (size_t)st->st_size;
	char *data;

	if (a->tar.size + left > ARCHIVE_MAX)
		return fail(err, ERROR_INPUT, "larger than %u bytes", ARCHIVE_MAX);
	data = arena_alloc(a->arena, left + 1);
	if (read(fd, data, left) != (ssize_t)left)
		return fail(err, ERROR_SYSTEM, "read %s: it changes", path);
	if (add_header(a, path, st, NULL, err) < 0)
		return -1;
	text_add_bytes(&a->tar, data, left);
	text_add_bytes(&a->tar, zeros, (BLOCK - left % BLOCK) % BLOCK);
	return 0;
}

static int no_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_folder(struct archive *a, int folder, const char *prefix, unsigned depth,
		      struct error *err);

static int add_entry(struct archive *a, int folder, const char *prefix, const char *name,
		     unsigned depth, struct error *err)
{
	const char *path = arena_printf(a->arena, "%s%s", prefix, name);
	AUTO(fd) int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char link[100] = "";
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "%s", path);
	if (S_ISLNK(st.st_mode)) {
		if (readlinkat(folder, name, link, sizeof(link)) >= (ssize_t)sizeof(link))
			return fail(err, ERROR_INPUT, "the link %s is too long", path);
		return add_header(a, path, &st, link, err);
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_errno(err, "%s", path);
	if (S_ISREG(st.st_mode))
		return add_file(a, fd, path, &st, err);
	if (!S_ISDIR(st.st_mode))
		return fail(err, ERROR_INPUT, "%s is neither file nor folder", path);
	path = arena_printf(a->arena, "%s/", path);
	if (add_header(a, path, &st, NULL, err) < 0)
		return -1;
	return add_folder(a, fd, path, depth + 1, err);
}

static int add_folder(struct archive *a, int folder, const char *prefix, unsigned depth,
		      struct error *err)
{
	struct dirent **entries;
	int n, r = 0;

	if (depth > DEPTH_MAX)
		return fail(err, ERROR_INPUT, "folders more than %d deep", DEPTH_MAX);
	n = scandirat(folder, ".", &entries, no_dots, by_name);
	if (n < 0)
		return fail_errno(err, "read folder %s", prefix);
	for (int i = 0; i < n; i++) {
		if (r == 0)
			r = add_entry(a, folder, prefix, entries[i]->d_name, depth, err);
		free(entries[i]);
	}
	free(entries);
	return r;
}

static uint32_t crc32_of(const unsigned char *data, size_t size)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static void put_little(struct text *out, uint32_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++) {
		unsigned char byte = (unsigned char)(value >> 8 * i);

		text_add_bytes(out, &byte, 1);
	}
}

static void store(struct text *out, const char *data, size_t size)
{
	static const unsigned char head[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff };

	text_add_bytes(out, head, sizeof(head));
	for (size_t at = 0; at < size;) {
		size_t n = size - at < 65535 ? size - at : 65535;

		put_little(out, at + n == size, 1);
		put_little(out, (uint32_t)n, 2);
		put_little(out, ~(uint32_t)n, 2);
		text_add_bytes(out, data + at, n);
		at += n;
	}
	put_little(out, crc32_of((const unsigned char *)data, size), 4);
	put_little(out, (uint32_t)size, 4);
}

int archive_pack(struct arena *arena, int folder, char **out, size_t *size, struct error *err)
{
	static const char end[2 * BLOCK];
	struct archive a = { .arena = arena };
	AUTO(text) struct text gzip = { 0 };
	int r = add_folder(&a, folder, "", 0, err);

	if (r == 0) {
		text_add_bytes(&a.tar, end, sizeof(end));
		store(&gzip, a.tar.data, a.tar.size);
		*out = arena_alloc(arena, gzip.size + 1);
		memcpy(*out, gzip.data, gzip.size);
		*size = gzip.size;
	}
	text_clear(&a.tar);
	return r;
}

char *base64_encode(struct arena *arena, const void *data, size_t size)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *out = arena_alloc(arena, (size + 2) / 3 * 4 + 1), *to = out;
	const unsigned char *s = data;

	for (size_t i = 0; i < size; i += 3) {
		size_t n = size - i < 3 ? size - i : 3;
		uint32_t bits = (uint32_t)s[i] << 16 | (n > 1 ? (uint32_t)s[i + 1] << 8 : 0) |
			(n > 2 ? s[i + 2] : 0);

		*to++ = letters[bits >> 18];
		*to++ = letters[bits >> 12 & 63];
		to[0] = to[1] = '=';
		if (n > 1)
			to[0] = letters[bits >> 6 & 63];
		if (n > 2)
			to[1] = letters[bits & 63];
		to += 2;
	}
	return out;
}
