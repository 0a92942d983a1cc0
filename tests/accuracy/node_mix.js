// SPDX-License-Identifier: BSD-2-Clause
//
// A Node server whose requests block in many ways; each block is logged with its owner.
//
//     LAB_LOG=FILE LAB_PEER=PORT LAB_FIFO=PATH [LAB_REDIS=PORT] [LAB_POSTGRES=PORT] [LAB_KEY=FILE LAB_CERT=FILE]
//         node node_mix.js PORT          with a key and its certificate by https
//
//     /SHAPE/PLACE/KIND/MS    SHAPE is `raw` (http), or with LAB_REDIS and LAB_POSTGRES `express`, `fastify` or `koa`,
//                             PLACE one of places, after, after-wait or middleware, KIND one of kinds
//     /SHAPE/wait/WHAT/MS     the same way without a block
//
// Lines of the log: id (null: it belongs to no request), shape, place, kind, and start_ns and end_ns by
// CLOCK_MONOTONIC. They are kept in memory until a timer writes them, outside of what is measured. npm's packages
// come by NODE_PATH.
'use strict';
const fs = require('fs');
const net = require('net');
const http = require('http');
const https = require('https');
const zlib = require('zlib');
const crypto = require('crypto');
const { execSync } = require('child_process');
const { Readable, PassThrough } = require('stream');
const { Worker } = require('worker_threads');
const { AsyncLocalStorage } = require('async_hooks');

const env = process.env;
const nowNs = () => process.hrtime.bigint(); // CLOCK_MONOTONIC, as libuv reads it
const fifo = fs.openSync(env.LAB_FIFO, 'r+');
const peer = net.connect({ port: Number(env.LAB_PEER), host: '127.0.0.1', noDelay: true });
const random = (low, high) => low + Math.floor(Math.random() * (high - low + 1));
const nap = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const FLUSH_MS = 50;
const NOBODY_PAUSE_MS = [400, 1200];
const NOBODY_MS = [22, 40];
const truth = [];

// --- the blocks, each over when it returns ---

const kinds = {
	cpu(ms) {
		const end = nowNs() + BigInt(ms) * 1000000n;
		let sum = 0;
		while (nowNs() < end)
			for (let i = 0; i < 5000; i++)
				sum += i;
		return sum;
	},
	sleep(ms) { // what libraries do for want of a sleep
		Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
	},
	read(ms) {
		fs.writeSync(peer._handle.fd, `fifo ${ms} ${env.LAB_FIFO}\n`);
		fs.readSync(fifo, Buffer.alloc(1), 0, 1, null);
	},
	exec(ms) {
		execSync(`sleep ${ms / 1000}`);
	},
};

function block(job) {
	const start = nowNs();
	kinds[job.kind](job.ms);
	const { owner: id, shape, place, kind } = job;
	truth.push({ id, shape, place, kind, start_ns: Number(start), end_ns: Number(nowNs()) });
}

setInterval(() => {
	if (truth.length)
		fs.appendFileSync(env.LAB_LOG, truth.splice(0).map((line) => JSON.stringify(line) + '\n').join(''));
}, FLUSH_MS);

// --- places: what goes before the block, and where it stands ---

const echo = new Worker(`
const { parentPort } = require('worker_threads');
parentPort.on('message', (message) => parentPort.postMessage(message));`, { eval: true });
const asked = new Map();
echo.on('message', (n) => { asked.get(n)(); asked.delete(n); });
let serial = 0;

const sockets = Array.from({ length: 8 }, () => net.connect(Number(env.LAB_PEER), '127.0.0.1'));
const waiting = [];

function askSocket(ms) {
	return new Promise((resolve) => {
		const ask = (socket) => {
			socket.once('data', () => {
				resolve();
				const next = waiting.shift();
				if (next)
					next(socket);
				else
					sockets.push(socket);
			});
			socket.write(`reply ${ms}\n`);
		};
		if (sockets.length)
			ask(sockets.pop());
		else
			waiting.push(ask);
	});
}

const redis = env.LAB_REDIS ? new (require('ioredis'))(Number(env.LAB_REDIS)) : null;
const postgres = env.LAB_POSTGRES ? new (require('pg').Pool)({
	host: '127.0.0.1', port: Number(env.LAB_POSTGRES), user: 'lab', database: 'postgres', max: 8 }) : null;

const waits = {
	timer: nap,
	socket: askSocket,
	redis: () => redis.incr('count'),
	postgres: (ms) => postgres.query('select pg_sleep($1)', [ms / 1000]),
	pool: () => new Promise((resolve) => { crypto.pbkdf2('a', 'b', 3000, 32, 'sha256', resolve); }),
	zlib: () => new Promise((resolve) => { zlib.deflate(Buffer.alloc(65536), resolve); }),
	file: () => fs.promises.readFile(__filename),
	worker: () => new Promise((resolve) => { asked.set(++serial, resolve); echo.postMessage(serial); }),
	immediate: () => new Promise((resolve) => { setImmediate(resolve); }),
};

async function child(job) {
	await nap(2);
	block(job);
}

async function deep(job, depth) {
	if (depth)
		return deep(job, depth - 1);
	await nap(2);
	return block(job);
}

// Nothing but the storage leads from the block to its request.
const storage = new AsyncLocalStorage();
const inStorage = (job, req) => storage.run({ req, started: nowNs() }, async () => {
	const started = child(job);
	await nap(4);
	await started;
});

const places = {
	store: inStorage,
	first: async (job) => block(job),
	gather: (job) => Promise.all([nap(4), child(job), nap(1)]),
	race: (job) => Promise.race([nap(1000), child(job)]),
	task: async (job) => { const started = child(job); await nap(1); await started; },
	deep: (job) => deep(job, 6),
	callback: (job) => new Promise((resolve) => { setTimeout(() => { block(job); resolve(); }, 2); }),
	tick: (job) => new Promise((resolve) => { process.nextTick(() => { block(job); resolve(); }); }),
	pipelined: async (job) => { await nap(4); block(job); },
	body: (job, req) => new Promise((resolve) => {
		req.on('data', () => {});
		req.on('end', () => { block(job); resolve(); });
	}),
	stream: (job, req) => new Promise((resolve) => {
		const out = Readable.from(['a', 'b']).pipe(new PassThrough());
		out.once('data', () => { block(job); req.lab = 'streamed'; });
		out.on('end', resolve);
	}),
};

async function work(job, req) {
	if (job.place === 'wait')
		return waits[job.kind](job.ms);
	if (places[job.place])
		return places[job.place](job, req);
	if (waits[job.place]) {
		await waits[job.place](random(2, 6));
		block(job);
	}
	return null;
}

async function workAfter(job, req) {
	if (job.place === 'after')
		setImmediate(() => { block(job); req.lab = 'done'; });
	if (job.place === 'after-wait') {
		await nap(2);
		block(job);
	}
}

// --- the shapes ---

function jobOf(req) {
	const [, shape, place, kind, ms] = req.url.split('/');
	return { shape, owner: req.headers['x-request-id'] || null, place, kind, ms: Number(ms) };
}

const isIn = (job, place) => job.place === place;

async function raw(req, res) {
	const job = jobOf(req);
	if (isIn(job, 'middleware'))
		block(job);
	await work(job, req);
	res.end('ok\n');
	await workAfter(job, req);
}

function express() {
	const app = require('express')();
	app.use((req, res, next) => {
		const job = jobOf(req);
		if (isIn(job, 'middleware'))
			block(job);
		next();
	});
	app.all('/express/:place/:kind/:ms', async (req, res) => {
		const job = jobOf(req);
		await work(job, req);
		res.json({ ok: true });
		await workAfter(job, req);
	});
	return app;
}

function koa() {
	const app = new (require('koa'))();
	app.use(async (ctx, next) => {
		const job = jobOf(ctx.req);
		if (isIn(job, 'middleware'))
			block(job);
		await next();
	});
	app.use(async (ctx) => {
		const job = jobOf(ctx.req);
		await work(job, ctx.req);
		ctx.body = { ok: true };
		ctx.res.on('finish', () => workAfter(job, ctx.req));
	});
	return app.callback();
}

async function fastify() {
	const app = require('fastify')();
	app.addHook('onRequest', async (request) => {
		const job = jobOf(request.raw);
		if (isIn(job, 'middleware'))
			block(job);
	});
	app.addHook('onResponse', async (request) => workAfter(jobOf(request.raw), request.raw));
	app.addContentTypeParser('*', (request, body, done) => done(null));
	app.all('/fastify/:place/:kind/:ms', async (request) => {
		await work(jobOf(request.raw), request.raw);
		return { ok: true };
	});
	await app.ready();
	return app.routing;
}

// --- what belongs to nobody ---

function nobody(place) {
	return { owner: null, shape: null, place, kind: ['cpu', 'sleep', 'read'][random(0, 2)], ms: random(...NOBODY_MS) };
}

function burnInTimer() {
	setTimeout(burnInTimer, random(...NOBODY_PAUSE_MS));
	block(nobody('timer'));
}

async function burnInBackground() {
	for (;;) {
		await nap(random(...NOBODY_PAUSE_MS));
		block(nobody('background'));
	}
}

async function main() {
	const shapes = { raw };
	if (redis && postgres) {
		await Promise.all(Array.from({ length: 8 }, () => postgres.query('select 1')));
		Object.assign(shapes, { express: express(), fastify: await fastify(), koa: koa() });
	}
	const serve = (req, res) => shapes[req.url.split('/')[1]](req, res);
	const server = env.LAB_KEY ? https.createServer(
		{ key: fs.readFileSync(env.LAB_KEY), cert: fs.readFileSync(env.LAB_CERT) }, serve) : http.createServer(serve);
	server.keepAliveTimeout = 60000;
	server.listen(Number(process.argv[2]), '127.0.0.1');
	setTimeout(burnInTimer, 1000);
	burnInBackground();
}

main();
