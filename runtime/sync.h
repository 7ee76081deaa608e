/*
 * sync.h - the conversation between orch and a container that is being born
 *
 *	orch				child
 *	clone3
 *	  links, rules			mounts, pivot_root, names, ids, privileges
 *			<-------	SYNC_READY
 *	  record
 *	SYNC_EXEC	------->
 *					execveat: the socket is close-on-exec
 *			<-------	end of file: it runs
 *
 * At any point the child may send SYNC_FAILED with the reason and exit; either side may die, which the other
 * sees as end of file.
 */
#pragma once

struct error;

enum sync_step { SYNC_READY, SYNC_EXEC, SYNC_FAILED };

/* A connected pair, close-on-exec. */
int sync_open(int *parent, int *child, struct error *err);
int sync_send(int fd, enum sync_step step, struct error *err);
/* Wait for that step. A SYNC_FAILED becomes this call's own failure. */
int sync_expect(int fd, enum sync_step step, struct error *err);
/* Wait for the end of file that means it runs. */
int sync_expect_exec(int fd, struct error *err);
/* The child's last words. */
void sync_send_failure(int fd, const struct error *why);
