#include "orchestrator/backup_secrets.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/text.h"
#include "orchestrator/backup.h"
#include "orchestrator/secrets.h"
#include "orchestrator/session.h"

#define KEY_FILE_MAX (64u << 10)
#define HOST "host"
#define KEY_FILE "key file"
#define NOBODY "nobody"

const char *backup_secrets_by(const struct backup *b)
{
	const char *by = json_get_text(b->sealed, "by", "");

	if (!strcmp(by, NOBODY) || !json_count(b->secrets))
		return "none";
	return !b->sealed ? "plain" : !strcmp(by, HOST) ? HOST : KEY_FILE;
}

/* "-" is standard input. The newline that an editor leaves at the end isn't part of it. */
static int read_key_file(struct session *s, const char **out, size_t *size, struct error *err)
{
	const char *path = s->options->key_file;
	char *text;
	int r;

	if (!strcmp(path, "-"))
		path = "/dev/stdin";
	r = file_read(&s->arena, AT_FDCWD, path, KEY_FILE_MAX, &text, size, err);
	if (r != 0)
		return r < 0 ? -1
			     : fail(err, ERROR_INPUT, "--key-file %s: there is no such file", path);
	if (*size && text[*size - 1] == '\n')
		--*size;
	if (!*size)
		return fail(err, ERROR_INPUT, "--key-file %s is empty", path);
	*out = text;
	return 0;
}

static int derive(struct session *s, const char *salt_hex, unsigned char key[SECRET_KEY],
		  struct error *err)
{
	unsigned char salt[SECRET_SALT];
	const char *text = "";
	size_t size = 0;

	if (secret_from_hex(salt_hex, salt, sizeof(salt)) < 0)
		return fail(err, ERROR_INPUT, "the backup is damaged: sealed.salt");
	if (read_key_file(s, &text, &size, err) < 0)
		return -1;
	secret_derive(text, size, salt, key);
	return 0;
}

static const char *context_of(struct arena *arena, const char *digest)
{
	return arena_printf(arena, "backup/%s", digest);
}

static int seal_all(struct session *s, struct backup *b, const unsigned char key[SECRET_KEY],
		    struct error *err)
{
	const char **digests;
	size_t n;

	digests = json_keys(&s->arena, b->secrets, &n);
	for (size_t i = 0; i < n; i++) {
		const char *text = json_get_text(b->secrets, digests[i], "");
		const char *sealed = secret_seal(&s->arena, key, context_of(&s->arena, digests[i]),
						 text, strlen(text), err);

		if (!sealed)
			return -1;
		json_put_text(b->secrets, digests[i], sealed);
	}
	return 0;
}

static int seal_by_file(struct session *s, struct backup *b, struct error *err)
{
	unsigned char salt[SECRET_SALT], key[SECRET_KEY];
	const char *hex;

	if (secret_random(salt, sizeof(salt), err) < 0)
		return -1;
	hex = secret_to_hex(&s->arena, salt, sizeof(salt));
	if (derive(s, hex, key, err) < 0)
		return -1;
	b->sealed = json_new_map();
	json_put_text(b->sealed, "by", KEY_FILE);
	json_put_text(b->sealed, "salt", hex);
	return seal_all(s, b, key, err);
}

static int seal_by_host(struct session *s, struct backup *b, struct error *err)
{
	unsigned char key[SECRET_KEY];
	const char *credential;

	if (secrets_key(&s->arena, &s->host, key, &credential, err) < 0)
		return -1;
	if (!credential)
		return 0;
	b->sealed = json_new_map();
	json_put_text(b->sealed, "by", HOST);
	json_put_text(b->sealed, "credential", credential);
	return seal_all(s, b, key, err);
}

static void tell_sealed(const struct session *s, const struct backup *b, size_t n)
{
	static const struct {
		const char *by, *text;
	} texts[] = {
		{ "plain",
		  "plain: this host has no key of its own (systemd-creds). Keep it safe, or "
		  "seal them: --key-file FILE, or leave them out: --no-secrets" },
		{ HOST,
		  "sealed with this host's key. To restore elsewhere make it with --key-file "
		  "FILE" },
		{ KEY_FILE, "sealed. Without that file they are lost" },
		{ "none", "left out. Where it is restored they have to be set again" },
	};

	for (size_t i = 0; n && !s->options->quiet && i < ARRAY_SIZE(texts); i++)
		if (!strcmp(texts[i].by, backup_secrets_by(b)))
			fprintf(stderr, "its %zu secret%s %s %s\n", n, n == 1 ? "" : "s",
				n == 1 ? "is" : "are", texts[i].text);
}

int backup_seal(struct session *s, struct backup *b, struct error *err)
{
	size_t n = json_count(b->secrets);
	int r = 0;

	if (s->options->no_secrets) {
		json_free(b->secrets);
		b->secrets = json_new_map();
		b->sealed = json_new_map();
		json_put_text(b->sealed, "by", NOBODY);
	} else if (n) {
		r = s->options->key_file ? seal_by_file(s, b, err) : seal_by_host(s, b, err);
	}
	if (r == 0)
		tell_sealed(s, b, n);
	return r;
}

static int find_key(struct session *s, const struct backup *b, unsigned char key[SECRET_KEY],
		    struct error *err)
{
	const char *by = json_get_text(b->sealed, "by", "");
	struct error why;

	if (!strcmp(by, KEY_FILE)) {
		if (s->options->key_file)
			return derive(s, json_get_text(b->sealed, "salt", ""), key, err);
		return fail(
			err, ERROR_PERMISSION,
			"the secrets of %s are sealed by a key file: --key-file FILE, or without "
			"them: --no-secrets; nothing was changed",
			b->id);
	}
	if (strcmp(by, HOST) != 0)
		return fail(err, ERROR_INPUT,
			    "this orch doesn't know how the secrets of %s are sealed", b->id);
	if (secrets_key_of(json_get_text(b->sealed, "credential", ""), key, &why) == 0)
		return 0;
	return fail(
		err, ERROR_PERMISSION,
		"the secrets of %s are sealed by the host that made it, and this one can't open "
		"them (%s); without them: --no-secrets; nothing was changed",
		b->id, why.text);
}

static int open_all(struct session *s, struct backup *b, struct error *err)
{
	unsigned char key[SECRET_KEY];
	const char **digests;
	struct error why;
	size_t n, size;

	digests = json_keys(&s->arena, b->secrets, &n);
	if (!b->sealed || !n)
		return 0;
	if (find_key(s, b, key, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *text =
			secret_open(&s->arena, key, context_of(&s->arena, digests[i]),
				    json_get_text(b->secrets, digests[i], ""), &size, &why);

		if (!text)
			return fail(err, ERROR_PERMISSION,
				    "that key doesn't open the secrets of %s; without them: "
				    "--no-secrets; nothing was changed",
				    b->id);
		json_put_text(b->secrets, digests[i], text);
	}
	return 0;
}

struct dropper {
	struct session *s;
	const struct backup *b;
	ARENA_LIST(const char *) names;
};

/* In the backup, or in the state from before. */
static bool has_text(struct dropper *d, const char *digest)
{
	const char *sealed;
	struct error ignored;

	return json_get(d->b->secrets, digest) ||
		state_find_secret(d->s->state, &d->s->arena, d->b->project_id, digest, &sealed,
				  &ignored) == 0;
}

static void drop(struct dropper *d, const char *name)
{
	for (size_t i = 0; i < d->names.n; i++)
		if (!strcmp(d->names.items[i], name))
			return;
	*arena_push(&d->s->arena, &d->names) = name;
}

static int drop_of_prefix(const char *prefix, struct json_t *names, void *ctx)
{
	struct dropper *d = ctx;
	const char **keys;
	size_t n;

	keys = json_keys(&d->s->arena, names, &n);
	for (size_t i = 0; i < n; i++) {
		const char *digest = json_get_text(json_get(names, keys[i]), "secret", NULL);

		if (!digest || has_text(d, digest))
			continue;
		drop(d, arena_printf(&d->s->arena, "%s:%s", prefix, keys[i]));
		json_drop(names, keys[i]);
	}
	return 0;
}

static int drop_of_container(const char *name, struct json_t *container, void *ctx)
{
	const struct json_t *variables = json_get(container, "variables");

	(void)name;
	(void)json_each(json_get(variables, "runtime"), drop_of_prefix, ctx);
	(void)json_each(json_get(variables, "build"), drop_of_prefix, ctx);
	return 0;
}

static void drop_unknown(struct dropper *d)
{
	for (size_t i = 0; i < json_count(d->b->variables); i++) {
		struct json_t *v = json_at(d->b->variables, i);

		if (!json_get_flag(v, "sensitive", false) ||
		    has_text(d, json_get_text(v, "value", "")))
			continue;
		drop(d, json_get_text(v, "name", ""));
		json_put_flag(v, "left_out", true);
	}
	(void)json_each(json_get(d->b->document, "containers"), drop_of_container, d);
}

static void tell_dropped(const struct dropper *d)
{
	if (!d->names.n || d->s->options->quiet)
		return;
	fputs("without a value, so left out:", stderr);
	for (size_t i = 0; i < d->names.n; i++)
		fprintf(stderr, "%s %s", i ? "," : "",
			text_starts(d->names.items[i], "env:") ? d->names.items[i] + 4
							       : d->names.items[i]);
	fputs("; set again (orch var set --sensitive), then: orch deploy\n", stderr);
}

int backup_unseal(struct session *s, struct backup *b, struct error *err)
{
	struct dropper d = { .s = s, .b = b };

	if (s->options->data_only)
		return 0;
	if (s->options->no_secrets)
		b->secrets = json_put(b->json, "secrets", json_new_map());
	else if (open_all(s, b, err) < 0)
		return -1;
	drop_unknown(&d);
	tell_dropped(&d);
	return 0;
}
