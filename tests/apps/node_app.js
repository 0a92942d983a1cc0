// SPDX-License-Identifier: BSD-2-Clause
//
// A plain node server, http or https, with stalls planted by the path: the paths of epoll_server.c, plus
// /exec/MS (a child process waited for in a nested loop). /await/KIND/MS suspends before and after the block.
//
//     LAB_LOG=FILE LAB_PEER=PORT LAB_FIFO=PATH [LAB_KEY=FILE LAB_CERT=FILE] node node_app.js PORT
//
// The truth log has the fields of truth.h. A run begins with the request's handler or its last resumption and
// ends with res.end(), which writes; edge_ns is the call of the last one that went before, but at most UNSEEN_NS:
// JavaScript does not see when a turn begins. The log is written later, by a timer.
'use strict';
const fs = require('fs');
const net = require('net');
const http = require('http');
const https = require('https');
const { execSync } = require('child_process');
const { Worker } = require('worker_threads');

const env = process.env;
const nowNs = () => process.hrtime.bigint(); // CLOCK_MONOTONIC, as libuv reads it
const fifo = env.LAB_FIFO ? fs.openSync(env.LAB_FIFO, 'r+') : -1;
const peer = env.LAB_PEER ? net.connect({ port: Number(env.LAB_PEER), host: '127.0.0.1', noDelay: true }) : null;
const shared = new Int32Array(new SharedArrayBuffer(8));
const UNSEEN_NS = 1000000n;
const pending = [];
let edge = nowNs();

// Opens shared[0] after shared[1] ms; waits in a futex itself.
const opener = new Worker(`
const { workerData: shared } = require('worker_threads');
for (;;) {
	while (!Atomics.load(shared, 1)) Atomics.wait(shared, 1, 0);
	const ms = Atomics.exchange(shared, 1, 0);
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
	Atomics.store(shared, 0, 1);
	Atomics.notify(shared, 0);
}`, { eval: true, workerData: shared });
opener.unref();

const plants = {
	cpu(ms) {
		const begin = process.cpuUsage().user; // of all threads, and only this one works
		let sum = 0;
		while (process.cpuUsage().user - begin < ms * 1000)
			for (let i = 0; i < 20000; i++)
				sum += i;
		return sum;
	},
	futex(ms) {
		Atomics.store(shared, 0, 0);
		Atomics.store(shared, 1, ms);
		Atomics.notify(shared, 1);
		Atomics.wait(shared, 0, 0);
	},
	sleep(ms) { // what libraries do for want of a sleep
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
	},
	disk(ms) {
		fs.writeSync(peer._handle.fd, `fifo ${ms} ${env.LAB_FIFO}\n`);
		fs.readSync(fifo, Buffer.alloc(1), 0, 1, null);
	},
	exec(ms) {
		execSync(`sleep ${ms / 1000}`);
	},
};

const told = {
	cpu: { cause: 'cpu', syscall: null, target: null },
	futex: { cause: 'lock', syscall: 'futex', target: null },
	sleep: { cause: 'lock', syscall: 'futex', target: null },
	disk: { cause: 'syscall', syscall: 'read', target: env.LAB_FIFO || null },
	exec: { cause: 'syscall', syscall: 'epoll_pwait', target: null },
};

function block(req, kind, ms, runStart) {
	const line = { id: req.headers['x-request-id'] || null, path: req.url, ...told[kind], run_start_ns: runStart };
	line.edge_ns = edge > runStart - UNSEEN_NS ? edge : runStart - UNSEEN_NS;
	line.start_ns = nowNs();
	plants[kind](ms);
	line.end_ns = nowNs();
	return line;
}

function finish(line, runEnd) {
	edge = runEnd;
	if (!line)
		return;
	line.run_end_ns = runEnd;
	line.write_ns = nowNs();
	line.pid = process.pid;
	pending.push(JSON.stringify(line, (key, value) => (typeof value === 'bigint' ? Number(value) : value)) + '\n');
}

function answer(res, status, line) {
	const before = nowNs();
	res.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': 3 });
	res.end('ok\n');
	process.nextTick(finish, line, before); // a corked socket is written by a tick that was queued before
}

const nap = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function serveBetweenAwaits(req, res, kind, ms) {
	await nap(3);
	const line = block(req, kind, ms, nowNs());
	finish(line, nowNs());
	await nap(3);
	answer(res, 200, null);
}

async function serveSlowly(res, ms) {
	await nap(ms);
	answer(res, 200, null);
}

function serve(req, res) {
	const runStart = nowNs();
	const [, first, second, third] = req.url.split('/');
	if (req.url === '/ok')
		answer(res, 200, null);
	else if (first === 'wait')
		serveSlowly(res, Number(second));
	else if (first === 'await' && plants[second])
		serveBetweenAwaits(req, res, second, Number(third));
	else if (plants[first])
		answer(res, 200, block(req, first, Number(second), runStart));
	else
		answer(res, 404, null);
}

if (env.LAB_LOG) {
	const log = fs.openSync(env.LAB_LOG, 'a');
	setInterval(() => {
		if (pending.length)
			fs.writeSync(log, pending.splice(0).join(''));
	}, 50);
}
const tls = env.LAB_KEY ? { key: fs.readFileSync(env.LAB_KEY), cert: fs.readFileSync(env.LAB_CERT) } : null;
const server = tls ? https.createServer(tls, serve) : http.createServer(serve);
server.keepAliveTimeout = 60000;
server.listen(Number(process.argv[2]), '127.0.0.1');
