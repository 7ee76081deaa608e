// Says what the database says.
const http = require('http');
const { execFileSync } = require('child_process');
const relationships = JSON.parse(Buffer.from(process.env.PLATFORM_RELATIONSHIPS, 'base64'));
http.createServer((request, response) => {
	const db = relationships.database[0];
	const sum = execFileSync('mysql', ['-h', db.host, '-P', db.port, '-u', db.username, db.path, '-N', '-e', 'select 40 + 2']);
	response.end(`node ${process.version} at ${request.url}, database says ${sum}`);
}).listen(process.env.PORT);
