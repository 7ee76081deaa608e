// Its own environment, at any path.
require('http').createServer((request, response) => {
	response.setHeader('Content-Type', 'application/json');
	response.end(JSON.stringify(process.env));
}).listen(process.env.PORT, '127.0.0.1');
