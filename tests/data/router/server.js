// Says what it was asked. Of the query: headers that begin with a capital letter, s for the status, b for the body.
const http = require('http');
let count = 0;
const server = http.createServer((request, answer) => {
	let size = 0;
	request.on('data', (part) => { size += part.length; });
	request.on('end', () => {
		const asked = new URL(request.url, 'http://localhost').searchParams;
		for (const [name, value] of asked)
			if (/^[A-Z]/.test(name)) answer.setHeader(name, value);
		answer.statusCode = Number(asked.get('s') || 200);
		const headers = request.rawHeaders.map((text, i) => (i % 2 ? `${text}\n` : `${text}: `));
		// In two parts, with so many milliseconds in between.
		if (asked.has('wait')) {
			answer.write('first\n');
			setTimeout(() => answer.end('second\n'), Number(asked.get('wait')));
			return;
		}
		answer.end(`${asked.get('b') || ''}\n${process.env.PLATFORM_APPLICATION_NAME}: ` +
			`${request.method} ${request.url} count=${++count} body=${size}\n${headers.join('')}`);
	});
});
server.on('upgrade', (request, socket) => {
	socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
	socket.on('data', (line) => socket.write(`echo ${line}`));
	socket.on('error', () => {});
});
server.listen(process.env.PORT);
