/*
 * throwaway.h - environments that end with the command that made them
 *
 * <state>/throwaway/<id> is made and locked before the environment is, and removed after it. Whoever made it holds the lock for as long as he
 * lives: a file that nobody has locked is of one that was killed, and the next command finishes for him.
 */
#pragma once

struct error;
struct host;
struct options;
struct session;

/*
 * The session's project and the environment that its options name, remembered as one to throw away; ERROR_CONFLICT when
 * it exists already. expires: seconds from now, after which nobody needs it any more. *lock is the caller's, for throwaway_end.
 */
int throwaway_begin(struct session *s, unsigned long expires, int *lock, struct error *err);

/* Its volumes: those of `from` (an environment) as of now. Nothing is copied. */
int throwaway_clone(struct session *s, const char *from, struct error *err);

/* All of it is gone afterwards. A failure is for the next command to carry on with. */
int throwaway_end(struct session *s, int *lock, struct error *err);

/* End those whose makers are gone; what fails is said and left for the next time. */
void throwaway_sweep(const struct options *options);
