// A mail server and a receiver of webhooks that stop at a place of one's choice, so that the sender can be killed just
// there, and keep books of what they took.
//
// Usage: node crash_sink.js '{"secret":"whsec_.."}'
// It prints {"smtp":N,"http":[N,..]}: receivers on twenty ports. Lines on stdin:
//   hold PLACE N   at the N-th time from now that PLACE is come to it prints {"at":PLACE} and goes no further
//   release        goes on
//   book           prints {"mails":{effect:count},"hooks":{id:count},"bad":[..]}: what was taken, by id
// Places: connect, mail, rcpt, data (354 is not said yet), dot (the mail is in the book, 250 is not said yet), taken (250
// was said); hook-connect, hook (the request is in the book, no answer yet), hook-taken (answered).
'use strict';
const path = require('path');
const http = require('http');
const readline = require('readline');
const modules = process.env.DW_NODE_MODULES;
const {SMTPServer} = require(path.join(modules, 'smtp-server'));
const {Webhook} = require(path.join(modules, 'standardwebhooks'));

const options = JSON.parse(process.argv[2]);
const mails = {};
const hooks = {};
const bad = [];
let wanted = null;
let count = 0;
let held = [];

function at(place, go) {
  if (wanted === place && --count === 0) {
    wanted = null;
    held.push(go);
    console.log(JSON.stringify({at: place}));
    return;
  }
  go();
}

const mail = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS', 'AUTH'],
  closeTimeout: 100,
  onConnect(session, callback) { at('connect', callback); },
  onMailFrom(address, session, callback) { at('mail', callback); },
  onRcptTo(address, session, callback) { at('rcpt', callback); },
  onData(stream, session, callback) {
    let text = '';
    stream.on('data', (chunk) => { text += chunk; });
    stream.on('end', () => {
      const id = /^Message-I[Dd]: <([0-9a-f]{64})@/m.exec(text);
      if (!id || /\{\{|\}\}/.test(text)) bad.push(text.slice(0, 300));
      else mails[id[1]] = (mails[id[1]] || 0) + 1;
      at('dot', () => {
        callback(null, 'taken');
        setImmediate(() => at('taken', () => {}));
      });
    });
  },
});
mail.on('error', () => {});

const servers = [...Array(20)].map(() => http.createServer((request, response) => {
  const chunks = [];
  response.on('error', () => {});
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString();
    try {
      new Webhook(options.secret).verify(body, request.headers);
      const id = request.headers['webhook-id'];
      hooks[id] = (hooks[id] || 0) + 1;
    } catch (error) {
      bad.push(String(error));
    }
    at('hook', () => response.writeHead(204).end(() => at('hook-taken', () => {})));
  });
}));
const listens = (server) => new Promise((done) => server.listen(0, '127.0.0.1', done));
for (const server of servers) {
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.pause();
    at('hook-connect', () => socket.resume());
  });
}

Promise.all([listens(mail), ...servers.map(listens)]).then(() => console.log(JSON.stringify(
  {smtp: mail.server.address().port, http: servers.map((server) => server.address().port)})));
readline.createInterface({input: process.stdin})
  .on('line', (line) => {
    const [what, place, number] = line.split(' ');
    if (what === 'hold') {
      wanted = place;
      count = Number(number);
    } else if (what === 'release') {
      wanted = null;
      held.splice(0).forEach((go) => go());
      console.log(JSON.stringify({released: true}));
    } else {
      console.log(JSON.stringify({mails, hooks, bad}));
    }
  })
  .on('close', () => process.exit(0));
