// A real mail server that answers by script and keeps a book of what it took.
//
// Usage: node smtp_sink.js '{"tls":{"key":PATH,"cert":PATH},"auth":{"user":..,"password":..},"raw":".."}'
// It prints {"port":N}. A line on stdin is a question, a line on stdout its answer:
//   book              {"mails":[{from,to,raw,subject,...}],"seen":[verbs of all sessions],"hanging":N,"open":N}:
//                     how many hang now, how many sessions have not ended
//   release           goes on where it hangs
// The script stands in the local parts of the addresses: `from` is played at MAIL, `to` at RCPT, DATA and the dot.
// <verb>-<number>  that answer; <verb>-cut  the connection goes; <verb>-hang  no answer.
// Verbs: mail, rcpt, data (answer to the body before it is taken), dot (in the book, then so).
// {"raw":MODE} is a server of no library: greet-hang, greet-cut, greet-554, ehlo-cut, data-354-cut, held-cut,
// held-421, dot-half (a reply without end), dot-garbage, early-250, clear (it takes logins, and has no STARTTLS).
'use strict';
const path = require('path');
const net = require('net');
const fs = require('fs');
const readline = require('readline');
const modules = process.env.DW_NODE_MODULES;
const {SMTPServer} = require(path.join(modules, 'smtp-server'));
const {simpleParser} = require(path.join(modules, 'mailparser'));

const options = JSON.parse(process.argv[2] || '{}');
const mails = [];
const seen = [];
const hanging = [];
let server = null;  // of the library

function play(server, session, verb, address, callback, otherwise) {
  seen.push(verb);
  const local = address.split('@')[0];
  if (!local.startsWith(verb + '-')) return otherwise();
  const what = local.slice(verb.length + 1);
  if (what === 'cut') {
    for (const connection of server.connections) if (connection.session.id === session.id) connection._socket.destroy();
    return;
  }
  if (what === 'hang') {
    hanging.push(otherwise);
    return;
  }
  const error = new Error('as the script says');
  error.responseCode = Number(what);
  callback(error);
}

function library() {
  server = new SMTPServer({
    authOptional: !options.auth,
    allowInsecureAuth: false,
    disabledCommands: options.tls ? [] : ['STARTTLS', 'AUTH'],
    ...(options.tls ? {key: fs.readFileSync(options.tls.key), cert: fs.readFileSync(options.tls.cert)} : {}),
    secure: Boolean(options.implicit),
    closeTimeout: 100,
    onAuth(auth, session, callback) {
      seen.push('auth');
      const right = auth.username === options.auth.user && auth.password === options.auth.password;
      callback(right ? null : new Error('wrong password'), right ? {user: auth.username} : undefined);
    },
    onMailFrom(address, session, callback) {
      play(server, session, 'mail', address.address, callback, () => callback());
    },
    onRcptTo(address, session, callback) {
      play(server, session, 'rcpt', address.address, callback, () => callback());
    },
    onData(stream, session, callback) {
      const from = session.envelope.mailFrom.address;
      const to = session.envelope.rcptTo.map((one) => one.address);
      if (to[0].startsWith('data-cut')) return play(server, session, 'data', to[0], callback, () => {});
      const chunks = [];
      stream.on('data', (chunk) => chunks.push(chunk));
      stream.on('end', async () => {  // the dot came
        if (to[0].startsWith('data-')) return play(server, session, 'data', to[0], callback, () => callback());
        const raw = Buffer.concat(chunks);
        const mail = await simpleParser(raw);
        const list = mail.headers.get('list') || {};
        mails.push({
          from, to, raw: raw.toString('base64'), tls: session.secure === true, user: session.user || '',
          subject: mail.subject || '', text: mail.text || '', html: mail.html || '', message_id: mail.messageId || '',
          date: mail.date ? mail.date.toISOString() : '', mail_from: mail.from ? mail.from.value : [],
          mail_to: mail.to ? mail.to.value : [], reply_to: mail.replyTo ? mail.replyTo.value : [],
          unsubscribe: (list.unsubscribe || {}).url || '', post: String((list['unsubscribe-post'] || {}).name ||
            mail.headers.get('list-unsubscribe-post') || ''), auto: mail.headers.get('auto-submitted') || '',
          headers: mail.headerLines.map((line) => line.key),
        });
        play(server, session, 'dot', to[0], callback, () => callback(null, 'taken as ' + mails.length));
      });
    },
  });
  server.on('error', () => {});
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({port: server.server.address().port})));
}

function raw(mode) {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.setEncoding('latin1');
    if (mode === 'greet-cut') return socket.destroy();
    if (mode === 'greet-554') return socket.end('554 no service\r\n');
    if (mode !== 'greet-hang') socket.write('220 sink\r\n');
    let text = '';
    let body = false;
    socket.on('data', (chunk) => {
      text += chunk;
      if (body) {
        if (mode === 'held-cut') return socket.destroy();
        if (mode === 'held-421') return socket.end('421 4.3.2 going down\r\n');
        if (mode === 'early-250') socket.write('250 taken already\r\n');
        if (!text.endsWith('\r\n.\r\n')) return;
        mails.push({raw: Buffer.from(text, 'latin1').toString('base64')});
        if (mode === 'dot-half') return socket.end('250 tak');
        if (mode === 'dot-garbage') return socket.end('hello\r\n');
        return socket.write('250 taken\r\n');
      }
      for (let end; (end = text.indexOf('\r\n')) >= 0 && !body;) {
        const verb = text.slice(0, end).split(/[ :]/)[0].toLowerCase();
        text = text.slice(end + 2);
        seen.push(verb);
        if (mode === 'ehlo-cut' && verb === 'ehlo') return socket.destroy();
        if (verb === 'quit') return socket.end('221 bye\r\n');
        if (mode === 'clear' && verb === 'ehlo') socket.write('250-sink\r\n250-AUTH PLAIN LOGIN\r\n');
        if (verb !== 'data') {
          socket.write('250 ok\r\n');
          continue;
        }
        body = true;
        socket.write('354 go on\r\n');
        if (mode === 'data-354-cut') return socket.destroy();
      }
    });
  });
  server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({port: server.address().port})));
}

if (options.raw) raw(options.raw);
else library();

readline.createInterface({input: process.stdin})
  .on('line', (line) => {
    if (line === 'release') hanging.splice(0).forEach((go) => go());
    const open = server ? server.connections.size : 0;
    console.log(JSON.stringify(line === 'book' ? {mails, seen, hanging: hanging.length, open} : {ok: true}));
  })
  .on('close', () => process.exit(0));
