/*
 * record.h - what runs: <run>/<environment>/record.json
 *
 * {
 *   "boot": BOOT_ID, "generation": N, "commit": ...,
 *   "asleep": what the uplink had carried when it fell asleep; absent while it is awake
 *   "network": as in the document it was made from, or absent
 *   "network_changing": true while another one may be in force already
 *   "containers": { NAME: {
 *     "made": true once it runs, "active": true once its processes have their configuration,
 *     "pid": n, "start_time": n, "first_id": n, "since": seconds since 1970, "generation": n,
 *     "at_hook": true while its clone hook runs, before its processes do; "cleaned" once that ended well,
 *     "document": what was applied, "opened": { ENDPOINT: {...} }
 *     "changing": effects of what is being applied, or was when it failed: they are due again, whatever is wanted then
 *   } }
 * }
 *
 * Replaced by rename before and after each action, so that whatever exists is in it. It lives where a reboot
 * clears it; should the folder survive one, the boot id tells.
 */
#pragma once

struct arena;
struct error;
struct host;
struct json_t;

/* Never absent: a new or outdated one is empty. Owned by the caller. */
struct json_t *record_load(const struct host *h, const char *environment, struct error *err);
int record_save(const struct host *h, const char *environment, struct json_t *record,
		struct error *err);
/* The environment's run folder with all in it. */
int record_remove(const struct host *h, const char *environment, struct error *err);

/* <run>/<environment>, in the arena; and a path in it. */
char *record_path(struct arena *arena, const struct host *h, const char *environment,
		  const char *name);

/* The entry of a container, made if need be. Borrowed. */
struct json_t *record_entry(struct json_t *record, const char *container);
