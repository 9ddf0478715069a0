// npm eventsource on the stream of a view: rows, changes, a cut connection, what was missed meanwhile.
//
// Usage: node eventsource.js URL KEY
'use strict';
const net = require('net');
const {EventSource} = require('eventsource');
const {check, mustFail} = require('./checks.js');

const [url, key] = process.argv.slice(2);
const upstream = new URL(url);
const authorization = `Bearer ${key}`;

// Stands before the server, so that connections can be cut from outside; keeps the heads that went through.
class Line {
  heads = [];
  open = true;
  #sockets = new Set();
  #server = net.createServer(near => {
    if (!this.open) return near.destroy();
    const far = net.connect(Number(upstream.port), upstream.hostname);
    for (const [from, to] of [[near, far], [far, near]]) {
      this.#sockets.add(from);
      from.on('error', () => {}).on('close', () => to.destroy());
      from.pipe(to);
    }
    near.once('data', data => this.heads.push(data.toString()));
  });
  listen() {
    return new Promise(done => this.#server.listen(0, '127.0.0.1', () => done(this.#server.address().port)));
  }
  cut() {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }
  close() {
    this.cut();
    this.#server.close();
  }
}

function subscribe(at, withKey = authorization) {
  const source = new EventSource(at, {
    fetch: (input, init) => fetch(input, {...init, headers: {...init.headers, authorization: withKey}}),
  });
  const told = [], waiting = [];
  for (const name of ['open', 'rows', 'change', 'reset', 'error']) {
    source.addEventListener(name, event => {
      const one = {name, id: event.lastEventId, data: event.data, code: event.code, message: event.message};
      const taker = waiting.shift();
      taker ? taker(one) : told.push(one);
    });
  }
  // The next thing that happens.
  source.next = () => told.length > 0 ? Promise.resolve(told.shift()) : new Promise(done => waiting.push(done));
  source.until = async name => {
    for (;;) {
      const one = await source.next();
      if (one.name === name) return one;
    }
  };
  return source;
}

let count = 0;
async function append(type, subject, data) {
  const body = {specversion: '1.0', id: `es-${++count}`, source: 'eventsource', type, subject, data,
                partitionkey: 'account/a1'};
  const answer = await fetch(`${url}/v1/events`, {
    method: 'POST', headers: {authorization, 'content-type': 'application/cloudevents+json'}, body: JSON.stringify(body)});
  const {position} = await answer.json();
  if (answer.status !== 202) throw new Error(`${type}: ${answer.status}`);
  const read = await fetch(`${url}/v1/views/board?wait_for=${position}&timeout=30000`, {headers: {authorization}});
  if (read.status !== 200) throw new Error(`board: ${read.status}`);
  return read.json();
}
const openDeal = name =>
  append('deal.opened', `deal/${name}`, {pipeline: 'p', amount: {minor: 100, currency: 'EUR'}});
const counted = rows => rows.reduce((sum, row) => sum + row.count, 0);

async function main() {
  await append('pipeline.updated', 'pipeline/p', {stages: [{id: 'new'}, {id: 'won', category: 'won'},
                                                           {id: 'lost', category: 'lost'}]});
  await openDeal('d1');
  const line = new Line();
  const port = await line.listen();
  const source = subscribe(`http://127.0.0.1:${port}/v1/views/board/stream`);
  const rows = await source.until('rows');
  check('it begins with all rows', counted(JSON.parse(rows.data)) === 1 && /^\d+:\d+/.test(rows.id), JSON.stringify(rows));
  await openDeal('d2');
  const change = await source.until('change');
  const {added, removed} = JSON.parse(change.data);
  check('a change tells what came and went', counted(added) - counted(removed) === 1, change.data);

  line.cut();
  await source.until('open');
  const head = line.heads.at(-1).toLowerCase();
  check('it comes back with Last-Event-ID', line.heads.length === 2 && head.includes(`last-event-id: ${change.id}`), head);
  for (let i = 0; i < 5; ++i) await (await fetch(`${url}/v1/views/board`, {headers: {authorization}})).json();
  await openDeal('d3');
  const next = await source.next();
  check('nothing was missed: the stream goes on with the next change', next.name === 'change', JSON.stringify(next));

  line.open = false;
  line.cut();
  await source.until('error');
  await openDeal('d4');
  line.open = true;
  await source.until('open');
  const reset = await source.next();
  const anew = await source.next();
  check('something was missed: reset, then all rows', reset.name === 'reset' && anew.name === 'rows' &&
        counted(JSON.parse(anew.data)) === 4, JSON.stringify([reset, anew]));
  source.close();

  const plain = subscribe(`${url}/v1/views/board`);
  const wrong = await plain.until('error');
  mustFail('JSON is no stream', plain.readyState === EventSource.CLOSED, JSON.stringify(wrong));
  const stranger = subscribe(`${url}/v1/views/board/stream`, 'Bearer dw_none');
  const refused = await stranger.until('error');
  mustFail('without a key there is none', refused.code === 401 && stranger.readyState === EventSource.CLOSED,
           JSON.stringify(refused));
  line.close();
}
main().catch(fault => check('the script goes through', false, fault.stack)).finally(() => process.exit(0));
