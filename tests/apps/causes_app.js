// SPDX-License-Identifier: BSD-2-Clause
//
// A node server whose routes block the loop as real programs do, each in its own way: /NAME/MS.
//
//     LAB_FOLDER=PATH node --expose-gc causes_app.js PORT
'use strict';
const fs = require('fs');
const http = require('http');
const { execSync } = require('child_process');

const folder = process.env.LAB_FOLDER;
const heap = Array.from({ length: 400000 }, (_, i) => ({ id: `order ${i}`, next: [] }));
let loaded = 0;
const causes = {
	import: () => require(`${folder}/node_modules/slow-module/${++loaded}`),
	run: (ms) => execSync(`sleep ${ms / 1000}`),
	gc: () => global.gc(),
	lock: (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
	read: (ms) => fs.readFileSync(`${folder}/slow/read-${ms}`),
	fsync(ms) {
		const file = fs.openSync(`${folder}/slow/sync-${ms}`, 'r+');
		fs.fsyncSync(file);
		fs.closeSync(file);
	},
};

http.createServer((req, res) => {
	const [, name, ms] = req.url.split('/');
	if (causes[name])
		causes[name](Number(ms));
	res.end(`${heap.length}\n`);
}).listen(Number(process.argv[2]), '127.0.0.1');
