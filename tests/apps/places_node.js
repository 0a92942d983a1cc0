// SPDX-License-Identifier: BSD-2-Clause
//
// Blocks whose place is known, for Node: GET /KIND/MS. The line where the function begins that blocks ends in "// at KIND".
//
//     LAB_PEER=PORT LAB_FIFO=PATH node places_node.js PORT
'use strict';
const fs = require('fs');
const http = require('http');
const net = require('net');
const zlib = require('zlib');
const { execSync } = require('child_process');

const fifo = fs.openSync(process.env.LAB_FIFO, 'r+');
const peer = net.connect({ port: Number(process.env.LAB_PEER), host: '127.0.0.1', noDelay: true });
const nap = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const cpuMs = () => process.cpuUsage().user / 1000; // of all threads, and only this one works
const text = Buffer.alloc(20000, 'the quick brown fox jumps over the lazy dog ');

class Report {
	outer(ms) {
		return [ms].map((part) => this.middle(part));
	}

	middle(ms) {
		const end = cpuMs() + ms;
		const inner = function inner() { // at nested
			let sum = 0;
			while (cpuMs() < end)
				for (let i = 0; i < 20000; i++)
					sum += i * i;
			return sum;
		};
		return inner();
	}
}

const kinds = {
	cpu(ms) { // at cpu
		const end = cpuMs() + ms;
		let sum = 0;
		while (cpuMs() < end)
			for (let i = 0; i < 20000; i++)
				sum += i;
		return sum;
	},
	sleep(ms) { // at sleep
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
	},
	disk(ms) { // at disk
		fs.writeSync(peer._handle.fd, `fifo ${ms} ${process.env.LAB_FIFO}\n`);
		fs.readSync(fifo, Buffer.alloc(1), 0, 1, null);
	},
	exec(ms) { // at exec
		execSync(`sleep ${ms / 1000}`);
	},
	native(ms) { // at native
		const end = cpuMs() + ms;
		while (cpuMs() < end)
			zlib.deflateSync(text);
	},
	json(ms) { // at json
		const end = cpuMs() + ms;
		const value = Array.from({ length: 200 }, (_, i) => ({ i, name: `name ${i}` }));
		while (cpuMs() < end)
			JSON.parse(JSON.stringify(value));
	},
	nested(ms) {
		return new Report().outer(ms);
	},
	chain: (ms) => first(ms),
};

async function first(ms) {
	await nap(1);
	await second(ms);
}

async function second(ms) {
	return third(ms);
}

async function third(ms) { // at chain
	await nap(1);
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

async function serve(req, res) {
	const [, kind, ms] = req.url.split('/');
	if (kinds[kind])
		await kinds[kind](Number(ms));
	res.writeHead(200, { 'Content-Length': 3 });
	res.end('ok\n');
}

http.createServer(serve).listen(Number(process.argv[2]), '127.0.0.1');
