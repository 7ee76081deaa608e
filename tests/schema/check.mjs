// What an independent validator (ajv) says of our JSON Schemas and of the vendor's, beside what orch says.
//
//	node check.mjs ours ORCH SRCDIR		our schemas accept what is good and refuse what a schema can see
//	node check.mjs corpus ORCH CORPUS	26 projects: the vendor's schemas and orch agree
//
// NODE_PATH's first folder has ajv and yaml.
import { execFileSync, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const require = createRequire(`${process.env.NODE_PATH}/x.js`);
const Ajv = require('ajv').default;
const Ajv2020 = require('ajv/dist/2020').default;
const YAML = require('yaml');

const [mode, orch, folder] = process.argv.slice(2);
let passed = 0;
let failed = 0;
let mistaken = 0;

function check(good, text) {
	if (good) {
		passed++;
	} else {
		failed++;
		console.log(`FAILED: ${text}`);
	}
}

// YAML as the format has it: 1.1, merge keys, includes beside the file, keys with a dot dropped.
function load(file) {
	const beside = (name) => path.join(path.dirname(file), name);
	const include = (node) => {
		const value = node.toJSON ? node.toJSON() : node;
		const { type = 'yaml', path: name } = typeof value === 'string' ? { path: value } : value;
		return type === 'yaml' ? load(beside(name)) : fs.readFileSync(beside(name), 'utf8');
	};
	const tag = (collection) => ({ tag: '!include', collection, resolve: (v) => new YAML.Scalar(include(v)) });
	const customTags = (tags) => [
		...tags,
		{ tag: '!include', resolve: (text) => include(text) },
		tag('map'),
		{ tag: '!archive', resolve: (text) => `archive of ${text}` },
	];
	const drop = (value) => {
		if (Array.isArray(value))
			return value.map(drop);
		if (!value || typeof value !== 'object')
			return value;
		return Object.fromEntries(Object.entries(value).filter(([k]) => !/^\.[^./]/.test(k))
			.map(([k, v]) => [k, drop(v)]));
	};
	const text = fs.readFileSync(file, 'utf8');
	const doc = YAML.parseDocument(text, { version: '1.1', merge: true, customTags, logLevel: 'silent' });
	if (doc.errors.length)
		throw doc.errors[0];
	return { value: drop(doc.toJS({ maxAliasCount: 1000 }) ?? null), doc, text };
}

// Every file of a project: [kind, name, value, at], where at gives the line of a path in the file.
function files(project) {
	const found = [];
	const add = (kind, name, loaded, prefix = []) => {
		let value = loaded.value;
		for (const key of prefix)
			value = value[key];
		found.push({ kind, name, value, loaded, prefix });
	};
	const walk = (dir, depth) => {
		for (const e of fs.readdirSync(path.join(project, dir), { withFileTypes: true })) {
			const name = path.join(dir, e.name);
			const full = path.join(project, name);
			if (e.isDirectory() && depth < 4 && !e.name.startsWith('.'))
				walk(name, depth + 1);
			else if (e.name === '.platform.app.yaml' || (!dir && e.name === 'app.yaml'))
				add('app', name, load(full));
		}
	};
	walk('', 0);
	for (const [kind, names] of [['services', ['services.yaml', '.platform/services.yaml']],
		['routes', ['routes.yaml', '.platform/routes.yaml']]])
		for (const name of names)
			if (fs.existsSync(path.join(project, name)))
				add(kind, name, load(path.join(project, name)));
	const apps = path.join(project, '.platform/applications.yaml');
	if (fs.existsSync(apps)) {
		const loaded = load(apps);
		for (const [key, value] of Object.entries(loaded.value))
			found.push({
				kind: 'app', name: '.platform/applications.yaml', loaded, prefix: [key],
				value: Array.isArray(loaded.value) || !value ? (value?.value ?? value) : { name: key, ...value },
			});
	}
	return found;
}

function validate(project) {
	const r = spawnSync(orch, ['validate', '--json', '-C', project], { encoding: 'utf8' });
	if (r.status !== 0 && r.status !== 2)
		throw new Error(`orch validate: ${r.status} ${r.stderr}`);
	return JSON.parse(r.stdout).problems.filter((p) => p.severity === 'error');
}

function isSchemaError(p) {
	return ['E0201', 'E0202', 'E0203'].includes(p.code) ||
		(p.code === 'E0206' && /^("[^"]*"|this item) must be (one of|from)/.test(p.text));
}

// What no schema sees, and why.
const unseen = {
	'extension-name': 'the keys of runtime are the language\'s own',
	'include-type': 'a tag is carried out before there is anything to check',
	'mount-service-missing': 'which key goes with which source is for the loader to say',
};

function checkOurs() {
	const ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: true, allowUnionTypes: true,
		allowMatchingProperties: true });
	const schemas = {};
	for (const kind of ['app', 'services', 'routes'])
		schemas[kind] = ajv.compile(JSON.parse(execFileSync(orch, ['schema', kind], { encoding: 'utf8' })));
	const list = (dir) => fs.readdirSync(path.join(folder, dir)).map((name) => path.join(folder, dir, name));
	for (const project of [...list('tests/data/good'), ...list('tests/data/later'), ...list('examples')])
		for (const f of files(project))
			check(schemas[f.kind](f.value), `${project}/${f.name} is good, and our schema refuses it: ` +
				ajv.errorsText(schemas[f.kind].errors));
	// What orch config prints of them is in the modern spelling, and complete.
	for (const project of [...list('tests/data/good'), ...list('tests/data/later')]) {
		const all = YAML.parse(execFileSync(orch, ['config', '-C', project], { encoding: 'utf8' }));
		for (const app of all.applications)
			check(schemas.app(app), `${project}: an app as orch config prints it: ${ajv.errorsText(schemas.app.errors)}`);
		for (const kind of ['services', 'routes'])
			check(schemas[kind](all[kind]), `${project}: ${kind} as orch config prints it: ` +
				ajv.errorsText(schemas[kind].errors));
	}
	for (const project of list('tests/data/bad')) {
		let found;
		if (path.basename(project) in unseen)
			continue;
		try {
			found = files(project);
		} catch {
			continue; // not YAML
		}
		const seen = new Set(validate(project).filter(isSchemaError).map((p) => p.file));
		for (const f of found)
			if (seen.has(f.name))
				check(!schemas[f.kind](f.value), `${project}/${f.name} is bad, and our schema accepts it`);
	}
}

// Where orch is rightly looser than the vendor's schemas: what they refuse there, and why.
const looser = [
	{ project: 'API-Platform-v3', file: 'admin/.platform.app.yaml', path: /^\/mounts\//,
		why: 'mounts written "shared:files/x" are a documented spelling of old that the schema forgot' },
	{ project: 'API-Platform-v3', file: 'api/.platform.app.yaml', path: /^\/mounts\//, why: 'the same' },
];

// Where it is rightly stricter: none of the 26.
const stricter = [];

// First and last line of what the pointer names, its key included.
function linesOf(f, pointer) {
	const keys = [...f.prefix, ...pointer.split('/').slice(1).map((k) => k.replace(/~1/g, '/').replace(/~0/g, '~'))];
	const line = (offset) => f.loaded.text.slice(0, offset).split('\n').length;
	let node = f.loaded.doc.contents;
	let from = node.range[0];
	for (const key of keys) {
		const pair = node.items?.find((x) => x.key && String(x.key.value) === key);
		const next = pair ? pair.value : node.items?.[Number(key)];
		if (!next?.range)
			break;
		from = pair ? pair.key.range[0] : next.range[0];
		node = next;
	}
	return [line(from), line(Math.max(from, node.range[1] - 1))];
}

// A key that is too much is the place.
function placeOf(e) {
	const key = e.params.additionalProperty;
	if (e.schemaPath.includes('/oneOf/'))
		return e.instancePath;
	return key === undefined ? e.instancePath : `${e.instancePath}/${key.replace(/~/g, '~0').replace(/\//g, '~1')}`;
}

// A copy of the project, with a stand-in for scripts that it includes: the corpus has manifests only.
function copy(project) {
	const to = fs.mkdtempSync(path.join(os.tmpdir(), 'orch-corpus-'));
	fs.cpSync(project, to, { recursive: true });
	execFileSync('chmod', ['-R', 'u+w', to]);
	for (const name of fs.readdirSync(to, { recursive: true })) {
		if (!name.endsWith('.yaml'))
			continue;
		const text = fs.readFileSync(path.join(to, name), 'utf8');
		for (const [, script] of text.matchAll(/type: string\s+path: (\S+)/g)) {
			const full = path.join(to, path.dirname(name), script);
			fs.mkdirSync(path.dirname(full), { recursive: true });
			if (!fs.existsSync(full))
				fs.writeFileSync(full, 'true\n');
		}
	}
	return to;
}

// Mistakes that people make, in each file that has the line.
const mistakes = [
	['app', /^disk:.*$/m, 'disk: much'],
	['app', /^disk:/m, 'disks:'],
	['app', /^type:/m, 'typ:'],
	['app', /^web:/m, 'web: []\nwebs:'],
	['app', /^hooks:/m, 'hooks: {bild: x}\nx-hooks:'],
	['app', /$/, '\ncrons: {a: {commands: {start: x}}}\n', /^crons:/m],
	['app', /$/, '\nworkers: {a: {disk: 512}}\n', /^workers:/m],
	['app', /$/, '\nfirewall: {outbound: [{ports: [x]}]}\n', /^firewall:/m],
	['app', /$/, '\nmounts: {a: {source: elsewhere}}\n', /^mounts:/m],
	['services', /^( +)type:/m, '$1typ:'],
	['services', /^( +)disk:.*$/m, '$1disk: [1]'],
	['routes', /^( +)upstream:/m, '$1upstrem:'],
	['routes', /^( +)type: upstream/m, '$1type: upstream\n$1cache: {cookies: []}', /cache:/m],
	['routes', /^( +)to:/m, '$1too:'],
];

function checkMistakes(schemas, name) {
	for (const [kind, from, to, unless] of mistakes) {
		const project = copy(path.join(folder, 'corpus', name));
		const f = files(project).find((x) => x.kind === kind && !x.prefix.length && from.test(x.loaded.text) &&
			!unless?.test(x.loaded.text));
		if (f) {
			fs.writeFileSync(path.join(project, f.name), f.loaded.text.replace(from, to));
			mistaken += compare(schemas, name, project);
		}
		fs.rmSync(project, { recursive: true });
	}
}

// How many problems the schemas have with it.
function compare(schemas, name, project) {
	const errors = validate(project);
	const expected = [];
	for (const f of files(project)) {
		schemas[f.kind](f.value);
		for (const e of schemas[f.kind].errors ?? []) {
			const known = looser.find((x) => x.project === name && x.file === f.name &&
				x.path.test(e.instancePath));
			if (known)
				known.used = true;
			else
				expected.push({ f, e, lines: linesOf(f, placeOf(e)) });
		}
	}
	// A route is one of several: the schema complains about each that it isn't.
	for (const { f, e, lines: [first, last] } of expected)
		check(errors.some((p) => p.file === f.name && p.line >= first &&
			p.line <= (f.kind === 'routes' || !placeOf(e).includes('/') ? last : first)),
			`${name}/${f.name}:${first}: the schema refuses ${e.instancePath} (${e.message}), and orch doesn't`);
	if (!expected.length)
		for (const p of errors)
			check(stricter.some((x) => x.project === name && x.code === p.code),
				`${name}/${p.file}:${p.line}: the schema accepts it, and orch says: ${p.text}`);
	check(true, name);
	return expected.length;
}

function checkProject(schemas, name) {
	const project = copy(path.join(folder, 'corpus', name));
	if (!compare(schemas, name, project)) {
		const plan = spawnSync(orch, ['plan', '--offline', '--quiet', '-C', project], { encoding: 'utf8' });
		check(plan.status === 0 && /create/.test(plan.stdout), `${name}: no plan: ${plan.stderr}`);
		checkAgain(name, project);
	}
	fs.rmSync(project, { recursive: true });
}

// What orch config prints reads back the same.
function checkAgain(name, project) {
	const once = execFileSync(orch, ['config', '-C', project], { encoding: 'utf8' });
	const to = fs.mkdtempSync(path.join(os.tmpdir(), 'orch-again-'));
	fs.mkdirSync(path.join(to, '.upsun'));
	fs.writeFileSync(path.join(to, '.upsun/config.yaml'), once);
	const twice = spawnSync(orch, ['config', '-C', to], { encoding: 'utf8' });
	check(twice.stdout === once, `${name}: orch config gives something else when it reads what it wrote: ${twice.stderr}`);
	fs.rmSync(to, { recursive: true });
}

function checkCorpus() {
	const ajv = new Ajv({ strict: false, allErrors: true });
	const read = (name) => JSON.parse(fs.readFileSync(path.join(folder, 'schema', name), 'utf8'));
	const schemas = {
		app: ajv.compile(read('application.json')),
		services: ajv.compile({ ...read('services.json'), type: ['object', 'null'] }),
		routes: ajv.compile({ ...read('routes.json'), type: ['object', 'null'] }),
	};
	const projects = fs.readdirSync(path.join(folder, 'corpus'));
	check(projects.length === 26, `there are ${projects.length} projects, not 26`);
	for (const name of projects) {
		checkProject(schemas, name);
		checkMistakes(schemas, name);
	}
	check(mistaken > 250, `only ${mistaken} mistakes were seen`);
	for (const x of looser)
		check(x.used, `an exception that nothing needs: ${x.why}`);
}

if (mode === 'ours')
	checkOurs();
else
	checkCorpus();
console.log(`${mode}: ${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
