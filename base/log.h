/*
 * log.h - one line to stderr, subject first: "web: started, pid 4711"
 *
 * For orchestrator/ only: the peers report by struct error and never print.
 */
#pragma once

enum log_level { LOG_QUIET, LOG_NORMAL, LOG_VERBOSE };

void log_set_level(enum log_level level);
/* Put before every line, such as "orch[main]: "; NULL for none. Kept by reference. */
void log_set_prefix(const char *prefix);

void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Only with -v. */
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
