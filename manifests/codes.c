#include "manifests/codes.h"

#include <strings.h>

#include "base/auto.h"

const struct code codes[] = {
	{ "E0101", "not YAML",
	  "The file can't be read as YAML at this place. Usual causes: a tab in the indentation "
	  "(YAML takes spaces only), a "
	  "key that is indented differently from its neighbours, a quote or bracket that is never "
	  "closed, or a text that starts "
	  "with @, ` or % and needs quotes." },
	{ "E0102", "a file that can't be read",
	  "The file is there, and is larger than 2 MiB, isn't a plain file, or leads out of the "
	  "project by a link. Manifests are "
	  "small; nothing outside of the project is ever read." },
	{ "E0103", "nested too deep",
	  "Maps and lists may lie in each other at most 32 levels deep. No manifest needs that; it "
	  "is a bound against files that "
	  "are made to hurt." },
	{ "E0104", "aliases",
	  "An alias (*name) must come after its anchor (&name), can't be part of itself, and all "
	  "values of a file, with each "
	  "alias written out, are at most 10000: more is a bomb." },
	{ "E0105", "unknown tag",
	  "Of tags, words that start with an exclamation mark, there are !include and !archive. A "
	  "text that starts with ! needs "
	  "quotes." },
	{ "E0106", "a key or text that can't be",
	  "Keys are texts, texts have no NUL byte, and what is merged with << is a map or a list "
	  "of maps." },
	{ "E0107", "one file, two names",
	  "app.yaml and .platform.app.yaml (services.yaml and .platform/services.yaml, routes.yaml "
	  "and .platform/routes.yaml) are "
	  "two names of the same file. With both there, nobody can say which counts: remove one." },
	{ "E0108", "what can't be included",
	  "!include PATH, !include {type: yaml|string|binary, path: PATH} and !archive FOLDER take "
	  "what is in the project: beside "
	  "the including file, else below the app's root. Files outside of the project, and files "
	  "that include themselves, are "
	  "refused." },
	{ "E0201", "wrong type",
	  "A map, a list, a text, a number or a flag stands where another is needed. In YAML 1.1 "
	  "yes, no, on, off are flags and 1.10 is "
	  "the number 1.1: quote what is meant as a text." },
	{ "E0202", "something is missing", "This key must be there, with a value." },
	{ "E0203", "unknown key",
	  "No such key is in the format, so it would be without effect: most often it is misspelt "
	  "or belongs one level up or "
	  "down. `orch validate --lenient` makes warnings of these, for files that were written "
	  "when nobody checked. orch-manifest(5) has "
	  "all keys." },
	{ "W0203", "unknown key, ignored", "As E0203, under --lenient: the key has no effect." },
	{ "E0204", "not done yet",
	  "The format has this key and orch checks it, and can't do yet what it says. `orch "
	  "validate` and `orch plan --offline` accept it; "
	  "deploy refuses, because a group that only seems to do what its files say is worse than "
	  "none." },
	{ "N0204", "not done yet",
	  "As E0204, where it is only checked: `orch deploy` refuses it." },
	{ "E0205", "given twice",
	  "A key stands twice in one map, or the same name in two files. Other readers take the "
	  "last one and say nothing; that is how a "
	  "setting gets lost." },
	{ "N0205", "no effect here",
	  "The key belongs to the format and is accepted, so that files work everywhere. It is "
	  "about something that orch does not have, such "
	  "as the vendor's own access roles or list of vulnerable versions." },
	{ "E0206", "wrong value",
	  "The type is right, and the value is not one that is possible here; the message says "
	  "which are." },
	{ "N0206", "there is a newer spelling",
	  "\"service:endpoint\" and {service: ..., endpoint: ...} mean the same. Nothing needs to "
	  "be done." },
	{ "E0207", "not a name",
	  "Names of apps, services, workers and relationships are parts of host names: lower-case "
	  "letters, digits, - and _, at most 63, "
	  "starting with a letter or digit. Environment variables, headers and hosts have rules of "
	  "their own." },
	{ "E0208", "not a regular expression",
	  "Rules, redirects with regexp and cookies written /.../ are Perl-compatible regular "
	  "expressions (PCRE2). The message says what is "
	  "wrong, and at which character." },
	{ "E0209", "not a path",
	  "Paths are relative to the app's root, with or without a slash in front, and have "
	  "neither . nor .. nor // in them." },
	{ "W0210", "a key with a dot in front",
	  "Keys that start with a dot are dropped by the format's own rule; they are good for "
	  "anchors. A mount such as .cache is meant as "
	  "/.cache and must be written so." },
	{ "E0211", "keys that exclude each other",
	  "Two keys here say the same thing in two ways, or a rule says nothing. Keep the one that "
	  "is meant." },
	{ "W0211", "a spelling of old",
	  "It is read and means what it always did. The message says how it is written today." },
	{ "E0212", "unknown build flavor",
	  "build.flavor names what is done before the build hook, and each language has its own. "
	  "`none` does nothing." },
	{ "E0213", "two names for one app",
	  "In a map of applications the key is the app's name. A `name` in it may only repeat "
	  "it." },
	{ "W0214", "the app's folder isn't there",
	  "source.root is relative to the project's folder. Without that folder there is nothing "
	  "to build from, and deploy fails." },
	{ "E0301", "no image for this type",
	  "Nothing is known of the type, or there is no recipe for this version. `orch image ls` "
	  "and the catalogue's folder tell what there is; a "
	  "recipe of the project's own goes to .orch/catalog/." },
	{ "W0301", "no recipe for this type",
	  "The type is known and checked, but no recipe here makes it: `orch plan --offline` "
	  "works, deploy doesn't. Choose a version that the "
	  "catalogue has, or write a recipe: images/catalog has examples, the project's own go to "
	  ".orch/catalog/." },
	{ "E0302", "a name given twice",
	  "Apps, workers (as APP--WORKER) and services share one set of names, as all of them are "
	  "containers and hosts." },
	{ "E0303", "an app's type for a service, or the other way round",
	  "Types of apps (languages) belong in app.yaml, those of services in services.yaml." },
	{ "E0304", "a disk is needed",
	  "Services that store data, and apps with local mounts, must say how much: disk, in "
	  "megabytes." },
	{ "E0305", "a disk that can't be",
	  "This service keeps everything in memory. A disk would promise what it doesn't do; types "
	  "that store, such as those named "
	  "-persistent, take one." },
	{ "W0305", "a disk without use", "As E0305, under --lenient: the disk is not made." },
	{ "E0306", "a disk that is too small",
	  "The service doesn't start, or doesn't last, with less." },
	{ "E0307", "a mount given twice",
	  "Slashes around a mount's path make no difference: /web/files and web/files are one "
	  "folder." },
	{ "E0308", "a mount in another kind of mount",
	  "A folder that others share can't hold one that is the container's own, since all of "
	  "them would see it. Mounts of the same source "
	  "may lie in each other, and a shared one in a local one." },
	{ "E0309", "no volume to mount",
	  "source: service takes the name of a service whose type stores files for others." },
	{ "E0310", "no such service",
	  "The relationship leads to a service or app that isn't in the files." },
	{ "E0311", "no such endpoint",
	  "The service has no endpoint of that name. Endpoints in its configuration take the place "
	  "of its usual one: write that, too, if it "
	  "is needed." },
	{ "W0311", "a replica that isn't there",
	  "Endpoints that end in -replica or -all are for services of several instances. Here "
	  "there is one, and the relationship leads to it." },
	{ "E0312", "no default endpoint",
	  "Apps have none, and neither have services whose endpoints are the user's own: write "
	  "\"name:endpoint\"; for apps it is http." },
	{ "E0313", "relationships in a circle",
	  "Each container starts when those are ready that it has relationships to, so these would "
	  "wait for each other for ever. The message has the "
	  "way round." },
	{ "E0401", "no such user", "A recipe's process runs as a user that its users don't have." },
	{ "E0402", "a text or a link", "A file of a recipe has a text, or is a link." },
	{ "E0403", "nothing to include",
	  "What a recipe includes is a file beside it, or in a folder of the catalogue, and below "
	  "that." },
	{ "E0501", "not the address of a route",
	  "http:// or https://, a host that may contain {default} or {all} or start with *., and a "
	  "path. No port: the router has one for "
	  "all." },
	{ "E0502", "a route that leads nowhere",
	  "upstream is the name of an app or service and one of its endpoints, as in "
	  "\"app:http\"." },
	{ "E0503", "more than one primary route",
	  "The primary route is the one address by which the environment is known. Without any, "
	  "the first upstream is it." },
	{ "E0504", "a header that can't be part of a cache's key",
	  "These belong to one connection or have rules of their own; a cache that goes by them "
	  "would mix up answers, or never "
	  "find one." },
	{ "E0505", "a redirect that contradicts itself",
	  "regexp is instead of prefix and append_suffix, and there is no suffix without a "
	  "prefix." },
	{ "E0506", "a route given twice",
	  "A slash at the end is added where it is missing, so https://{default} and "
	  "https://{default}/ are one." },
	{ "E0507", "an id given twice", "Apps find a route by its id, so there is one of each." },
	{ "E0508", "a redirect that comes back",
	  "Following these redirects ends where it began; browsers give up." },
};

const size_t n_codes = ARRAY_SIZE(codes);

const struct code *codes_find(const char *code)
{
	for (size_t i = 0; i < n_codes; i++)
		if (!strcasecmp(codes[i].code, code))
			return &codes[i];
	return NULL;
}
