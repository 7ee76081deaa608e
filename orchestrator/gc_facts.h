/*
 * gc_facts.h - what gc decides by, found out
 */
#pragma once

#include "orchestrator/gc.h"

struct error;
struct session;

/* Reads only. In the session's arena; s->env is used. Whatever can't be found out counts as a reason to keep. */
int gc_facts(struct session *s, struct gc_input *out, struct error *err);
