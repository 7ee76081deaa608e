// Logs in with the relationship's credentials, as RabbitMQ's protocol has it (AMQP 0-9-1), and says what comes back.
const net = require('net');
const queue = JSON.parse(Buffer.from(process.env.PLATFORM_RELATIONSHIPS, 'base64')).queue[0];
const password = process.argv[2] || queue.password;
const text = (size, value) => {
	const data = Buffer.from(value);
	const head = Buffer.alloc(size);
	size === 4 ? head.writeUInt32BE(data.length) : head.writeUInt8(data.length);
	return Buffer.concat([head, data]);
};
const socket = net.connect(queue.port, queue.host, () => socket.write('AMQP\x00\x00\x09\x01'));
let started = false;
socket.on('data', (data) => {
	if (data.readUInt8(0) === 1 && data.readUInt32BE(7) === ((10 << 16) | 10) && !started) {
		const body = Buffer.concat([Buffer.from([0, 10, 0, 11, 0, 0, 0, 0]), text(1, 'PLAIN'),
			text(4, `\x00${queue.username}\x00${password}`), text(1, 'en_US')]);
		const frame = Buffer.alloc(7);
		frame.writeUInt8(1);
		frame.writeUInt32BE(body.length, 3);
		socket.write(Buffer.concat([frame, body, Buffer.from([0xce])]));
		started = true;
		return;
	}
	console.log(data.readUInt16BE(9) === 30 ? 'in' : 'refused');
	process.exit();
});
socket.on('error', () => {});
socket.on('close', () => { console.log('refused'); process.exit(); });
