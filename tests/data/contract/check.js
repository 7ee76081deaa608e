// Everything that the client library for the format can read, as JSON; and that it says so when it can't.
const config = require('platformsh-config').config();
const names = ['database', 'reports', 'cache', 'mem', 'pg'];
const result = {
	build: config.inBuild(), runtime: config.inRuntime(), valid: config.isValidPlatform(),
	production: config.onProduction(), enterprise: config.onEnterprise(),
	credentials: Object.fromEntries(names.map((name) => [name, config.credentials(name)])),
	has: names.every((name) => config.hasRelationship(name)) && !config.hasRelationship('nobody'),
	routes: config.routes(), primary: config.getPrimaryRoute(), upstream: config.getUpstreamRoutes('app'),
	variable: config.variable('app:name'), nested: config.variable('app:feature'), missing: config.variable('app:none', 'else'),
	variables: config.variables(), application: config.application(),
};
for (const name of ['applicationName', 'appDir', 'project', 'treeId', 'projectEntropy', 'branch', 'environment', 'documentRoot', 'smtpHost', 'port'])
	try { result[name] = config[name]; } catch (e) { result[name] = String(e); }
try { config.credentials('nobody'); } catch (e) { result.nobody = e.constructor.name; }
process.stdout.write(JSON.stringify(result));
