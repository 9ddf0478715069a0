// A mail server and a receiver of webhooks that stop at a place of one's choice, so that the sender can be killed just
// there, and keep books of what they heard, answered and took.
//
// Usage: node crash_sink.js '{"secret":"whsec_.."}'
// It prints {"smtp":N,"http":[N,..]}: receivers on twenty ports. Lines on stdin:
//   hold PLACE N   at the N-th time from now that PLACE is come to it prints {"at":PLACE,"who":..} and goes no further
//   release        prints the book as it stands, goes on, and begins a new list of sessions and calls
//   sessions       prints {"sessions":[..]} alone
//   book           prints {"mails":{who:{id:count}},"hooks":{who:{id:count}},"sessions":[..],"calls":[who],"bad":[..]}
// `who` is what mail and webhook have in common, N-I of adaN-I@ and of the meeting r..-N-I; the id is that of the Message-ID
// or of webhook-id. A session is {who, begun (354 was said), answered (250 was said to the dot)}, null where nobody is
// named yet; `calls` are the webhooks that were taken. Both are of the time since the last release.
// Places: connect, mail, rcpt, data (354 is not said yet), body (its first bytes are here, the dot is not read), dot (the
// mail is in the book, 250 is not said yet), taken (250 was said); hook-connect, hook-head (the body is not read), hook (the
// request is in the book, no answer yet), hook-half (half of the answer is written), hook-taken (answered).
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
let sessions = [];
let calls = [];
let wanted = null;
let count = 0;
let held = [];

function at(place, who, go) {
  if (wanted === place && --count === 0) {
    wanted = null;
    held.push(go);
    console.log(JSON.stringify({at: place, who}));
    return;
  }
  go();
}

function take(book, who, id) {
  book[who] ??= {};
  book[who][id] = (book[who][id] || 0) + 1;
}

const whose = (text) => /^(?:ada|r\d+-)(\d+-\d+)(?:@|$)/.exec(text)?.[1] ?? null;

const mail = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS', 'AUTH'],
  closeTimeout: 100,
  disableReverseLookup: true,
  onConnect(session, callback) {
    session.book = {who: null, begun: false, answered: false};
    sessions.push(session.book);
    // The library asks nobody before it says 354, so its answer to DATA is put off here.
    const connection = [...mail.connections].find((one) => one.session === session);
    const answer = connection.handler_DATA;
    connection.handler_DATA = (...given) => at('data', session.book.who, () => {
      session.book.begun = true;
      answer.apply(connection, given);
    });
    at('connect', null, callback);
  },
  onMailFrom(address, session, callback) { at('mail', null, callback); },
  onRcptTo(address, session, callback) {
    session.book.who = whose(address.address);
    at('rcpt', session.book.who, callback);
  },
  onData(stream, session, callback) {
    const {book} = session;
    let text = '';
    stream.once('data', () => {
      stream.pause();
      at('body', book.who, () => stream.resume());
    });
    stream.on('data', (chunk) => { text += chunk; });
    stream.on('end', () => {
      const id = /^Message-I[Dd]: <([0-9a-f]{64})@/m.exec(text);
      if (!id || /\{\{|\}\}/.test(text) || book.who === null) bad.push(text.slice(0, 300));
      else take(mails, book.who, id[1]);
      at('dot', book.who, () => {
        book.answered = true;
        callback(null, 'taken');
        setImmediate(() => at('taken', book.who, () => {}));
      });
    });
  },
});
mail.on('error', () => {});

const servers = [...Array(20)].map(() => http.createServer((request, response) => {
  const chunks = [];
  response.on('error', () => {});
  request.on('error', () => {});
  request.pause();
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString();
    let who = null;
    try {
      new Webhook(options.secret).verify(body, request.headers);
      who = whose(JSON.parse(body).data.meeting);
      take(hooks, who, request.headers['webhook-id']);
      calls.push(who);
    } catch (error) {
      bad.push(String(error));
    }
    at('hook', who, () => {
      response.writeHead(200, {'content-length': 2}).write('o', () => at('hook-half', who, () => {
        response.end('k', () => at('hook-taken', who, () => {}));
      }));
    });
  });
  at('hook-head', null, () => request.resume());
}));
const listens = (server) => new Promise((done) => server.listen(0, '127.0.0.1', done));
for (const server of servers) {
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.pause();
    at('hook-connect', null, () => socket.resume());
  });
}

const book = () => console.log(JSON.stringify({mails, hooks, sessions, calls, bad}));
Promise.all([listens(mail), ...servers.map(listens)]).then(() => console.log(JSON.stringify(
  {smtp: mail.server.address().port, http: servers.map((server) => server.address().port)})));
readline.createInterface({input: process.stdin})
  .on('line', (line) => {
    const [what, place, number] = line.split(' ');
    if (what === 'hold') {
      wanted = place;
      count = Number(number);
      return;
    }
    if (what === 'sessions') console.log(JSON.stringify({sessions}));
    else book();
    if (what !== 'release') return;
    sessions = [];
    calls = [];
    wanted = null;
    held.splice(0).forEach((go) => go());
  })
  .on('close', () => process.exit(0));
