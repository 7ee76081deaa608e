/*
 * control.h - talking to an environment's supervisor over <run>/<environment>/control
 *
 * One request a connection, one line of JSON; the answers are lines too:
 *
 *	-> {"do": "converge", "hooks": true, "timeout_ms": 300000}
 *	<- {"event": "create", "container": "db", "detail": "", "ms": 6410}
 *	<- {"done": true, "exit": 0, "text": ""}
 *
 * do: "converge" (to the generation that the state names), "stop" (everything, and end), "snapshot" (moment.h; to, read_only),
 * "keep" (standing still, or not, as the state says), "sleep", "wake", "idle" (the state says anew when to sleep), "ping". While it is at work
 * the client may send a line "cancel".
 */
#pragma once

struct error;
struct host;
struct json_t;

/* A listening socket, 0600; what a dead supervisor left is replaced. */
int control_listen(const struct host *h, const char *environment, int *out, struct error *err);

#define CONTROL_ABSENT 1
/* CONTROL_ABSENT: nobody listens. */
int control_connect(const struct host *h, const char *environment, int *out, struct error *err);

/* One line. A peer that is gone is a failure, never a signal. */
int control_send(int fd, const struct json_t *message, struct error *err);
/* One line, at most 1 MiB; owned by the caller. NULL at the end, or on failure. */
struct json_t *control_receive(int fd, struct error *err);

/*
 * Send a request and wait for its end; each event is told. What the supervisor says went wrong becomes *err. On
 * SIGINT (when *interrupted turns true) it is asked to cancel, the second time it is left alone. CONTROL_ABSENT: it
 * ended before it answered; *err says so.
 */
typedef void control_event(void *ctx, const struct json_t *event);
int control_call(int fd, const struct json_t *request, control_event *event, void *ctx,
		 struct error *err);

/* Set by main's SIGINT handler: how often. */
extern volatile int control_interrupts;
