/*
 * xml.h - text in an XML document
 */
#pragma once

#include <stddef.h>

struct text;

/*
 * size bytes as character data, also right within "attribute values". What XML 1.0 has no place for
 * (control characters, bytes that aren't UTF-8) becomes '?'.
 */
void xml_add(struct text *t, const char *s, size_t size);
