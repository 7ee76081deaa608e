#include "orchestrator/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "orchestrator/record.h"

#define ANSWER_S 10 /* at most, for one name */
#define WAIT_MS 5000
#define KEEP_S 3600
#define FILE_MAX (1u << 20)
#define ANSWER_MAX 65536u

static int want(const char *name, struct json_t *container, void *ctx)
{
	const struct json_t *firewall = json_path(container, "app", "firewall", NULL);
	const struct json_t *rules =
		json_get(firewall ? firewall : json_get(container, "firewall"), "outbound");

	(void)name;
	for (size_t i = 0; i < json_count(rules); i++) {
		const struct json_t *domains = json_get(json_at(rules, i), "domains");

		for (size_t k = 0; k < json_count(domains); k++)
			json_put(ctx, json_text(json_at(domains, k), ""), json_new_map());
	}
	return 0;
}

struct json_t *names_wanted(const struct json_t *desired)
{
	struct json_t *wanted = json_new_map();

	(void)json_each(json_get(desired, "containers"), want, wanted);
	return wanted;
}

/* A process for each: getaddrinfo(3) can't be told when to give up, and one that hangs mustn't keep the others. */
static _Noreturn void answer_for(const char *name, int out)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	char address[INET_ADDRSTRLEN], line[512];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGALRM, SIG_DFL);
	alarm(ANSWER_S);
	if (dup2(out, 1) < 0 || close_range(3, ~0u, 0) < 0)
		_exit(1);
	if (getaddrinfo(name, NULL, &hints, &list) != 0)
		_exit(1);
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		const struct sockaddr_in *in = (const void *)a->ai_addr;
		int n;

		inet_ntop(AF_INET, &in->sin_addr, address, sizeof(address));
		n = snprintf(line, sizeof(line), "%s %s\n", name, address);
		if (n < (int)sizeof(line))
			(void)!write(1, line, (size_t)n);
	}
	_exit(0);
}

int names_ask(const struct json_t *wanted, struct names_question *out, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	struct names_question q = NAMES_NO_QUESTION;
	AUTO(fd) int far = -1;
	int pipes[2];
	const char **names;
	size_t n;

	names = json_keys(&arena, wanted, &n);
	if (n > NAMES_MAX)
		return fail(err, ERROR_INPUT,
			    "firewalls name %zu domains: at most %d in one environment", n,
			    NAMES_MAX);
	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0)
		return fail_errno(err, "pipe");
	q.fd = pipes[0];
	far = pipes[1];
	for (size_t i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0)
			answer_for(names[i], far);
		if (pid < 0) {
			fail_errno(err, "fork");
			names_done(&q);
			return -1;
		}
		q.pids[q.n++] = pid;
	}
	*out = q;
	return 0;
}

int names_hear(const struct names_question *q, struct text *answer)
{
	char buf[4096];
	ssize_t got;

	while ((got = TEMP_FAILURE_RETRY(read(q->fd, buf, sizeof(buf)))) > 0)
		if (answer->size < ANSWER_MAX)
			text_add_bytes(answer, buf, (size_t)got);
	return got == 0 || errno != EAGAIN;
}

/* Who reaps all children may have been faster. */
void names_done(struct names_question *q)
{
	auto_fd(&q->fd);
	for (size_t i = 0; i < q->n; i++)
		if (waitpid(q->pids[i], NULL, WNOHANG) == 0)
			(void)kill(q->pids[i], SIGKILL);
	q->n = 0;
}

static void learn_line(struct json_t *known, char *line, int64_t now)
{
	char *space = strchr(line, ' ');
	struct in_addr in;

	if (!space)
		return;
	*space = '\0';
	if (json_get(known, line) && inet_pton(AF_INET, space + 1, &in) == 1)
		json_put_number(json_get(known, line), space + 1, now);
}

static void forget(struct json_t *addresses, int64_t now)
{
	AUTO(arena) struct arena arena = { 0 };
	const char **list;
	size_t n;

	list = json_keys(&arena, addresses, &n);
	for (size_t i = 0; i < n; i++)
		if (now - json_get_number(addresses, list[i], 0) > KEEP_S)
			json_drop(addresses, list[i]);
}

void names_learn(struct json_t *known, const struct json_t *wanted, const char *answer, int64_t now)
{
	AUTO(arena) struct arena arena = { 0 };
	char *rest = arena_strdup(&arena, answer), *line;
	const char **names;
	size_t n;

	names = json_keys(&arena, known, &n);
	for (size_t i = 0; i < n; i++)
		if (!json_get(wanted, names[i]))
			json_drop(known, names[i]);
	names = json_keys(&arena, wanted, &n);
	for (size_t i = 0; i < n; i++)
		if (!json_get(known, names[i]))
			json_put(known, names[i], json_new_map());
	while ((line = strsep(&rest, "\n")))
		learn_line(known, line, now);
	for (size_t i = 0; i < n; i++)
		forget(json_get(known, names[i]), now);
}

struct json_t *names_load(const struct host *h, const char *environment, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *path = record_path(&arena, h, environment, "names.json");
	char *text;
	size_t size;
	int r = file_read(&arena, AT_FDCWD, path, FILE_MAX, &text, &size, err);

	if (r < 0)
		return NULL;
	return r == FILE_ABSENT ? json_new_map() : json_parse(path, text, size, err);
}

int names_save(const struct host *h, const char *environment, const struct json_t *known,
	       struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	const char *text = json_print(&arena, known, FORM_COMPACT);

	return file_write(AT_FDCWD, record_path(&arena, h, environment, "names.json"), text,
			  strlen(text), 0600, false, err);
}

static int ask_now(struct json_t *known, const struct json_t *wanted, struct error *err)
{
	AUTO(text) struct text answer = { 0 };
	AUTO(names_question) struct names_question q = NAMES_NO_QUESTION;
	uint64_t since = clock_ms(), gone = 0;

	if (names_ask(wanted, &q, err) < 0)
		return -1;
	while (gone < WAIT_MS) {
		struct pollfd f = { .fd = q.fd, .events = POLLIN };

		(void)poll(&f, 1, (int)(WAIT_MS - gone));
		if (names_hear(&q, &answer))
			break;
		gone = clock_ms() - since;
	}
	names_learn(known, wanted, text_get(&answer), (int64_t)time(NULL));
	return 0;
}

struct json_t *names_know(const struct host *h, const char *environment,
			  const struct json_t *desired, struct error *err)
{
	AUTO(arena) struct arena arena = { 0 };
	AUTO(json) struct json_t *wanted = names_wanted(desired);
	AUTO(json) struct json_t *known = NULL;
	const char **names;
	bool all = true;
	size_t n;

	names = json_keys(&arena, wanted, &n);
	if (!n)
		return json_new_map();
	known = names_load(h, environment, err);
	if (!known)
		return NULL;
	for (size_t i = 0; i < n; i++)
		all &= json_get(known, names[i]) != NULL;
	if (!all && (ask_now(known, wanted, err) < 0 || names_save(h, environment, known, err) < 0))
		return NULL;
	return TAKE_PTR(known);
}
