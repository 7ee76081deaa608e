#include "manifests/image.h"

#include <signal.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/text.h"
#include "manifests/recipe.h"
#include "manifests/scalar.h"
#include "manifests/schema.h"
#include "manifests/tree.h"

#define IMAGE(member) .offset = offsetof(struct image_description, member)
#define PROCESS(member) .offset = offsetof(struct image_process, member)
#define ID_MAX 65534 /* the ids of a container: 65536, the last ones are nobody's */

/* "15s", "500ms", 15: in milliseconds. */
static void read_grace(struct problems *p, const struct node *n, void *out)
{
	struct image_process *process = out;
	const char *text = read_raw(p, n);
	size_t digits = text ? strspn(text, "0123456789") : 0;
	const char *unit = text ? text + digits : NULL;
	uint64_t number;

	if (!text)
		return;
	if (digits && (!*unit || !strcmp(unit, "s") || !strcmp(unit, "ms")) &&
	    text_to_u64(arena_strndup(p->arena, text, digits), 3600000, &number) == 0) {
		process->grace_ms = (uint32_t)(strcmp(unit, "ms") ? number * 1000 : number);
		return;
	}
	wrong_value(p, n, "\"grace\" must be a time")->hint = "such as 15s";
}

static int read_signal(struct problems *p, const struct node *n)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = { { "TERM", SIGTERM }, { "QUIT", SIGQUIT },   { "INT", SIGINT },
			{ "HUP", SIGHUP },   { "USR1", SIGUSR1 },   { "USR2", SIGUSR2 },
			{ "KILL", SIGKILL }, { "WINCH", SIGWINCH }, { "CONT", SIGCONT } };
	const char *text = read_raw(p, n);

	if (!text)
		return 0;
	if (text_starts(text, "SIG"))
		text += 3;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (!strcmp(signals[i].name, text))
			return signals[i].number;
	wrong_value(p, n, "%s must be the name of a signal", node_label(p, n))->hint =
		"such as SIGTERM, SIGQUIT, SIGUSR2";
	return 0;
}

static void read_stop_signal(struct problems *p, const struct node *n, void *out)
{
	((struct image_process *)out)->stop_signal = read_signal(p, n);
}

static void read_reload_signal(struct problems *p, const struct node *n, void *out)
{
	((struct image_process *)out)->reload_signal = read_signal(p, n);
}

static enum reaction read_reaction(struct problems *p, const struct node *n)
{
	static const char *const words[] = { [REACTION_NONE] = "none",
					     [REACTION_SIGNAL] = "signal",
					     [REACTION_RESTART] = "restart",
					     NULL };
	int choice = read_choice(p, n, words);

	return choice < 0 ? REACTION_NONE : (enum reaction)choice;
}

static void read_on_reload(struct problems *p, const struct node *n, void *out)
{
	((struct image_process *)out)->on_reload = read_reaction(p, n);
}

static void read_on_swap(struct problems *p, const struct node *n, void *out)
{
	((struct image_process *)out)->on_swap = read_reaction(p, n);
}

static void read_processes(struct problems *p, const struct node *n, void *out)
{
	static const struct field fields[] = {
		{ "command", FIELD_STRINGS, .required = true, PROCESS(command) },
		{ "user", FIELD_TEXT, PROCESS(user) },
		{ "main", FIELD_FLAG, PROCESS(main) },
		{ "web", FIELD_FLAG, PROCESS(web) },
		{ "with", FIELD_TEXT, PROCESS(with) },
		{ "stop_signal", FIELD_CALL, .call = read_stop_signal },
		{ "grace", FIELD_CALL, .call = read_grace },
		{ "reload_signal", FIELD_CALL, .call = read_reload_signal },
		{ "on_reload", FIELD_CALL, .call = read_on_reload },
		{ "on_swap", FIELD_CALL, .call = read_on_swap },
	};
	struct image_description *image = out;

	image->processes = arena_array(p->arena, n->n + 1, sizeof(*image->processes));
	for (const struct node *m = map_members(p, n); m; m = m->next) {
		struct image_process *process = &image->processes[image->n_processes++];

		process->name = m->key;
		/* Who was started in the old code may read it for ever, unless the image knows better. */
		process->on_swap = REACTION_RESTART;
		(void)check_name(p, m->key, "a process", m->key_at);
		(void)fields_read(p, m, fields, ARRAY_SIZE(fields), process);
		if (tree_get(m, "command") && !process->command.n)
			(void)wrong_value(p, m, "\"command\" must have a program");
	}
}

static void read_users(struct problems *p, const struct node *n, void *out)
{
	static const struct field fields[] = {
		{ "uid", FIELD_NUMBER, .required = true, .offset = offsetof(struct image_user, uid),
		  .max = ID_MAX },
		{ "gid", FIELD_NUMBER, .required = true, .offset = offsetof(struct image_user, gid),
		  .max = ID_MAX },
		{ "home", FIELD_TEXT, .offset = offsetof(struct image_user, home) },
		{ "shell", FIELD_TEXT, .offset = offsetof(struct image_user, shell) },
	};
	struct image_description *image = out;

	image->users = arena_array(p->arena, n->n + 1, sizeof(*image->users));
	for (const struct node *m = map_members(p, n); m; m = m->next) {
		struct image_user *user = &image->users[image->n_users++];

		*user = (struct image_user){ .name = m->key, .home = "/", .shell = "/bin/sh" };
		(void)check_name(p, m->key, "a user", m->key_at);
		(void)fields_read(p, m, fields, ARRAY_SIZE(fields), user);
	}
}

static void read_port(struct problems *p, const struct node *n, void *out)
{
	int64_t number;

	if (read_number(p, n, 1, 65535, &number))
		((struct image_endpoint *)out)->port = (uint16_t)number;
}

void image_read_endpoints(struct problems *p, const struct node *n, void *out)
{
	static const struct field fields[] = {
		{ "scheme", FIELD_TEXT, .required = true,
		  .offset = offsetof(struct image_endpoint, scheme) },
		{ "port", FIELD_CALL, .required = true, .call = read_port },
		{ "default", FIELD_FLAG, .offset = offsetof(struct image_endpoint, is_default) },
	};
	struct image_description *image = out;

	image->endpoints = arena_array(p->arena, n->n + 1, sizeof(*image->endpoints));
	for (const struct node *m = map_members(p, n); m; m = m->next) {
		struct image_endpoint *endpoint = &image->endpoints[image->n_endpoints++];

		endpoint->name = m->key;
		(void)fields_read(p, m, fields, ARRAY_SIZE(fields), endpoint);
	}
}

/* A command, or {command, user}. */
static void read_ready(struct problems *p, const struct node *n, void *out)
{
	static const struct field fields[] = {
		{ "ready", FIELD_STRINGS, IMAGE(ready) },
		{ "command", FIELD_STRINGS, .required = true, IMAGE(ready) },
		{ "user", FIELD_TEXT, IMAGE(ready_user) },
	};
	struct node list = { .kind = NODE_MAP };
	struct node copy = *n;

	if (n->kind != NODE_LIST) {
		(void)fields_read(p, n, fields + 1, ARRAY_SIZE(fields) - 1, out);
		return;
	}
	copy.next = NULL;
	list.child = &copy;
	(void)fields_read(p, &list, fields, 1, out);
}

static void read_hooks(struct problems *p, const struct node *n, void *out)
{
	static const char *const words[] = { "boot", "configure", "open", "build", NULL };
	struct image_description *image = out;

	for (const struct node *m = list_members(p, n); m; m = m->next) {
		int choice = read_choice(p, m, words);

		image->boot |= choice == 0;
		image->configure |= choice == 1;
		image->open |= choice == 2;
		image->build |= choice == 3;
	}
}

/* "forbidden", or the least size in MB. */
void image_read_disk(struct problems *p, const struct node *n, void *out)
{
	struct image_description *image = out;
	int64_t number;

	if (n->kind == NODE_SCALAR && !strcmp(n->text, "forbidden"))
		image->data_forbidden = true;
	else if (read_number(p, n, 0, 1048576, &number))
		image->data_minimum = (uint32_t)number;
}

/* "512M": binary units. */
static void read_memory(struct problems *p, const struct node *n, void *out)
{
	struct image_description *image = out;
	const char *text = read_raw(p, n);
	size_t digits = text ? strspn(text, "0123456789") : 0;
	unsigned shift = 0;
	uint64_t number;

	if (!text)
		return;
	if (text[digits])
		shift = text[digits] == 'K' ? 10 : text[digits] == 'M' ? 20 : 30;
	if (digits && (!text[digits] || (strchr("KMG", text[digits]) && !text[digits + 1])) &&
	    text_to_u64(arena_strndup(p->arena, text, digits), 1ull << 30, &number) == 0) {
		image->memory = number << shift;
		return;
	}
	wrong_value(p, n, "\"memory\" must be a size")->hint = "such as 512M";
}

/* Processors: 0.5, 2. */
static void read_cpu(struct problems *p, const struct node *n, void *out)
{
	struct image_description *image = out;
	int64_t number;
	double real;

	if (node_number(n, &number))
		real = (double)number;
	else if (!node_real(n, &real)) {
		(void)wrong_type(p, n, "a number");
		return;
	}
	if (real < 0.01 || real > 1024)
		(void)wrong_value(p, n, "\"cpu\" must be from 0.01 to 1024");
	else
		image->cpu_milli = (uint32_t)(real * 1000 + 0.5);
}

static void read_environment(struct problems *p, const struct node *n, void *out)
{
	struct image_description *image = out;
	const char **items = arena_array(p->arena, n->n + 1, sizeof(*items));
	size_t count = 0;

	for (const struct node *m = map_members(p, n); m; m = m->next) {
		const char *value = read_raw(p, m);

		if (value)
			items[count++] = arena_printf(p->arena, "%s=%s", m->key, value);
	}
	image->environment = (struct strings){ items, count };
}

static void read_upstream(struct problems *p, const struct node *n, void *out)
{
	static const char *const families[] = { "tcp", "unix", NULL };
	static const char *const protocols[] = { "http", "fastcgi", NULL };
	static const struct field fields[] = {
		{ "socket_family", FIELD_CHOICE, .choices = families, IMAGE(socket_family) },
		{ "protocol", FIELD_CHOICE, .choices = protocols, IMAGE(protocol) },
	};

	(void)fields_read(p, n, fields, ARRAY_SIZE(fields), out);
}

void image_read_kind(struct problems *p, const struct node *n, void *out)
{
	static const char *const words[] = { "app", "service", "router", NULL };
	struct image_description *image = out;
	int choice = read_choice(p, n, words);

	image->app = choice == 0;
	image->router = choice == 2;
}

static const struct field fields[] = {
	{ "kind", FIELD_CALL, .required = true, .call = image_read_kind },
	{ "user", FIELD_TEXT, .required = true, IMAGE(user) },
	{ "users", FIELD_CALL, .required = true, .call = read_users },
	{ "processes", FIELD_CALL, .required = true, .call = read_processes },
	{ "ready", FIELD_CALL, .call = read_ready },
	{ "endpoints", FIELD_CALL, .call = image_read_endpoints },
	{ "data", FIELD_TEXT, IMAGE(data) },
	{ "disk", FIELD_CALL, .call = image_read_disk },
	{ "hooks", FIELD_CALL, .call = read_hooks },
	{ "memory", FIELD_CALL, .call = read_memory },
	{ "cpu", FIELD_CALL, .call = read_cpu },
	{ "pids", FIELD_NUMBER, IMAGE(pids), .min = 1, .max = 4194304 },
	{ "environment", FIELD_CALL, .call = read_environment },
	{ "path", FIELD_TEXT, IMAGE(path) },
	{ "upstream", FIELD_CALL, .call = read_upstream },
};

static void check_user(struct problems *p, const struct image_description *image, const char *name,
		       struct place at)
{
	if (!name || !strcmp(name, "root"))
		return;
	for (size_t i = 0; i < image->n_users; i++)
		if (!strcmp(image->users[i].name, name))
			return;
	problem_add(p, PROBLEM_ERROR, "E0401", at, "user \"%s\" is not among \"users\"", name);
}

void image_read(struct problems *p, const struct node *map, struct image_description *out)
{
	*out = (struct image_description){
		.memory = 256ull << 20,
		.cpu_milli = 1000,
		.pids = 256,
		.socket_family = "tcp",
		.protocol = "http",
		.path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	};
	if (!fields_read(p, map, fields, ARRAY_SIZE(fields), out))
		return;
	if (!out->app && !out->data)
		out->data_forbidden = true;
	if (out->data && *out->data != '/')
		(void)problem_add(p, PROBLEM_ERROR, "E0206", tree_get(map, "data")->at,
				  "\"data\" must be an absolute path");
	check_user(p, out, out->user, node_place(map));
	check_user(p, out, out->ready_user, node_place(map));
	for (size_t i = 0; i < out->n_processes; i++)
		check_user(p, out, out->processes[i].user, node_place(map));
}
