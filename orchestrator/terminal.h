/*
 * terminal.h - a command in a container on the caller's terminal
 */
#pragma once

#include <sys/types.h>

struct error;

/* A new pseudo terminal of the caller's size: pty(7). Both descriptors are the caller's. */
int terminal_open(int *master, int *slave, struct error *err);

/*
 * Carry bytes between the caller's terminal, in raw mode, and the master until the other side is closed; its size follows the caller's.
 * The mode is put back.
 */
void terminal_relay(int master);
