#include "orchestrator/secrets.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/process.h"
#include "base/secret.h"
#include "base/text.h"
#include "orchestrator/host.h"
#include "orchestrator/state.h"

#define HOST_KEY "/var/lib/systemd/credential.secret" /* systemd-creds(1), setup */
#define CRED_NAME "--name=orch-secret-key"
#define HEX_MAX 4096
#define CRED_MAX 16384

/* One root a process. */
static unsigned char known[SECRET_KEY];
static bool is_known;

static void ignore_line(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
}

static int decrypt(const char *path, struct text *out, struct error *err)
{
	const char *const argv[] = { "systemd-creds", "decrypt", CRED_NAME, path, "-", NULL };
	const struct process_spec spec = { .argv = argv, .out = out, .line = ignore_line };

	return process_run(&spec, err) < 0 ? fail_in(err, "key of secrets") : 0;
}

/* By a file that has no name and is in no file system. */
static int encrypt(const char *hex, const char *path, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(fd) int fd = memfd_create("key", MFD_CLOEXEC);
	const char *from = arena_printf(&arena, "/proc/%d/fd/%d", getpid(), fd);
	const char *const argv[] = {
		"systemd-creds", "encrypt", "--with-key=host", CRED_NAME, from, path, NULL
	};
	const struct process_spec spec = { .argv = argv, .line = ignore_line };

	if (fd < 0 || write(fd, hex, strlen(hex)) != (ssize_t)strlen(hex))
		return fail_errno(err, "key of secrets");
	return process_run(&spec, err);
}

static int parse(const char *hex, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *line = arena_strndup(&arena, hex, strcspn(hex, "\n"));

	if (secret_from_hex(line, known, sizeof(known)) < 0)
		return fail(err, ERROR_SYSTEM, "the key of secrets is damaged");
	is_known = true;
	return 0;
}

#define KEY_ABSENT 1
static int load(const char *plain, const char *cred, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(text) struct text out = { 0 };
	char *hex;
	int r;

	if (file_exists(cred))
		return decrypt(cred, &out, err) < 0 ? -1 : parse(text_get(&out), err);
	r = file_read(&arena, AT_FDCWD, plain, HEX_MAX, &hex, NULL, err);
	return r < 0 ? -1 : r == FILE_ABSENT ? KEY_ABSENT : parse(hex, err);
}

static int make(const char *plain, const char *cred, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *new = arena_printf(&arena, "%s.new", cred);
	unsigned char key[SECRET_KEY];
	struct error why;
	const char *hex;

	if (secret_random(key, sizeof(key), err) < 0)
		return -1;
	hex = secret_to_hex(&arena, key, sizeof(key));
	if (file_exists(HOST_KEY)) {
		if (file_remove(AT_FDCWD, new, err) < 0)
			return -1;
		if (encrypt(hex, new, &why) == 0)
			return rename(new, cred) < 0 ? fail_errno(err, "rename %s", new) : 0;
		log_warn("%s; secrets are sealed with %s instead", why.text, plain);
	}
	return file_write(AT_FDCWD, plain, hex, strlen(hex), 0600, true, err);
}

/* The first one makes it. */
static int need_key(const struct host *h, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *plain = arena_printf(&arena, "%s/secret.key", h->state);
	const char *cred = arena_printf(&arena, "%s/secret.key.cred", h->state);
	AUTO(fd) int lock = -1;
	int r;

	if (is_known)
		return 0;
	if (file_lock(arena_printf(&arena, "%s/secret.lock", h->state), true, &lock, err) < 0)
		return -1;
	r = load(plain, cred, err);
	if (r != KEY_ABSENT)
		return r;
	if (make(plain, cred, err) < 0)
		return -1;
	return load(plain, cred, err) == 0 ? 0 : -1;
}

int secrets_key(struct arena *arena, const struct host *h, unsigned char key[32],
		const char **credential, struct error *err)
{
	const char *cred = arena_printf(arena, "%s/secret.key.cred", h->state);
	char *text = NULL;

	if (need_key(h, err) < 0 ||
	    file_read(arena, AT_FDCWD, cred, CRED_MAX, &text, NULL, err) < 0)
		return -1;
	memcpy(key, known, sizeof(known));
	*credential = text;
	return 0;
}

int secrets_key_of(const char *credential, unsigned char key[32], struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(text) struct text out = { 0 };
	AUTO(fd) int fd = memfd_create("credential", MFD_CLOEXEC);
	const char *from = arena_printf(&arena, "/proc/%d/fd/%d", getpid(), fd);
	size_t n = strlen(credential);

	if (fd < 0 || write(fd, credential, n) != (ssize_t)n)
		return fail_errno(err, "credential");
	if (decrypt(from, &out, err) < 0)
		return -1;
	return secret_from_hex(arena_strndup(&arena, text_get(&out), 64), key, SECRET_KEY) < 0
		? fail(err, ERROR_SYSTEM, "the credential is none of orch's")
		: 0;
}

static char *context_of(struct arena *arena, const char *project_id, const char *digest)
{
	return arena_printf(arena, "%s/%s", project_id, digest);
}

int secrets_put(const struct host *h, struct state *state, const char *project_id, const char *text,
		char digest[SHA256_HEX], struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *entropy, *sealed;

	if (need_key(h, err) < 0 || state_entropy(state, &arena, project_id, &entropy, err) < 0)
		return -1;
	secret_mac(entropy, text, strlen(text), digest);
	sealed = secret_seal(&arena, known, context_of(&arena, project_id, digest), text,
			     strlen(text), err);
	return sealed ? state_add_secret(state, project_id, digest, sealed, err) : -1;
}

char *secrets_get(struct arena *arena, const struct host *h, struct state *state,
		  const char *project_id, const char *digest, struct error *err)
{
	const char *sealed;
	char *text;
	size_t size;
	int r = state_find_secret(state, arena, project_id, digest, &sealed, err);

	if (r == STATE_ABSENT)
		fail(err, ERROR_ABSENT, "secret %.7s isn't kept here; set it again: orch var set",
		     digest);
	if (r != 0 || need_key(h, err) < 0)
		return NULL;
	text = secret_open(arena, known, context_of(arena, project_id, digest), sealed, &size, err);
	if (!text)
		fail_in(err, "secret %.7s", digest);
	return text;
}

struct collector {
	const struct host *h;
	struct state *state;
	const char *project_id;
	struct json_t *map;
	struct error *err;
};

static int collect(const char *name, struct json_t *entry, void *ctx)
{
	AUTO(arena) struct arena arena = { 0 };
	const struct collector *c = ctx;
	const char *digest = json_get_text(entry, "secret", NULL);
	const char *text;

	if (!digest)
		return 0;
	text = secrets_get(&arena, c->h, c->state, c->project_id, digest, c->err);
	if (!text)
		return fail_in(c->err, "variable %s", name);
	json_put_text(c->map, digest, text);
	return 0;
}

static int collect_all(const char *prefix, struct json_t *names, void *ctx)
{
	(void)prefix;
	return json_each(names, collect, ctx);
}

struct json_t *secrets_of(const struct host *h, struct state *state, const char *project_id,
			  const struct json_t *container, struct error *err)
{
	AUTO(json) struct json_t *map = json_new_map();
	struct collector c = { h, state, project_id, map, err };
	const struct json_t *variables = json_get(container, "variables");

	if (json_each(json_get(variables, "runtime"), collect_all, &c) != 0 ||
	    json_each(json_get(variables, "build"), collect_all, &c) != 0)
		return NULL;
	return TAKE_PTR(map);
}
