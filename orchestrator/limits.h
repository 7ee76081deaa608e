/*
 * limits.h - how much of processor and memory a container may have, from what the manifest says
 *
 * By size each step doubles what the image asks for; with container_profile a table says it, but no less memory than the image
 * asks for; with resources a formula says it, whatever the image asks for. AUTO, and XS without resources, are S.
 */
#pragma once

struct image_description;
struct json_t;

/* declared: a map that may have "resources" and "container_profile". Owned by the caller. */
struct json_t *limits_make(const struct image_description *image, const char *size,
			   const struct json_t *declared);
