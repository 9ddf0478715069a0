// A real receiver of webhooks that checks signatures with standardwebhooks, answers by script and keeps a book.
//
// Usage: node hook_sink.js '{"secret":"whsec_..","tls":{"key":PATH,"cert":PATH}}'
// It prints {"port":N}. `book` on stdin gives {"hooks":[{path,headers,body,verified}],"connections":N}.
// The script is the path:
//   /<status>  /<status>/retry/<seconds or date>  /cut-before (head read, no answer)  /cut-head  /cut-body
//   /hang  /big (200 and a body without end)  /big-head  /redirect (302 to /200)  /garbage
'use strict';
const path = require('path');
const fs = require('fs');
const http = require('http');
const https = require('https');
const readline = require('readline');
const {Webhook} = require(path.join(process.env.DW_NODE_MODULES, 'standardwebhooks'));

const options = JSON.parse(process.argv[2]);
const hooks = [];
let connections = 0;

function answer(request, response, body) {
  let verified = true;
  try {
    new Webhook(options.secret).verify(body, request.headers);
  } catch (error) {
    verified = false;
  }
  hooks.push({method: request.method, path: request.url, headers: request.headers, body, verified});
  const [, what, ...rest] = request.url.split('/');
  const socket = response.socket;
  if (what === 'hang') return;
  if (what === 'cut-before') return socket.destroy();
  if (what === 'cut-head') return socket.end('HTTP/1.1 20');
  if (what === 'cut-body') return socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
  if (what === 'garbage') return socket.end('hello\r\n\r\n');
  if (what === 'redirect') return response.writeHead(302, {location: '/200'}).end();
  if (what === 'big-head') {
    socket.write('HTTP/1.1 200 OK\r\n');
    for (let i = 0; i < 2000; ++i) socket.write('x-' + i + ': ' + 'x'.repeat(100) + '\r\n');
    return socket.end('\r\n');
  }
  if (what === 'big') {
    response.writeHead(200);
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(65536)));
      if (!response.destroyed) response.once('drain', more);
    };
    return more();
  }
  if (rest[0] === 'retry') response.setHeader('retry-after', decodeURIComponent(rest[1]));
  response.writeHead(Number(what)).end('said');
}

function on(request, response) {
  const chunks = [];
  response.on('error', () => {});
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => answer(request, response, Buffer.concat(chunks).toString()));
}

const server = options.tls
  ? https.createServer({key: fs.readFileSync(options.tls.key), cert: fs.readFileSync(options.tls.cert)}, on)
  : http.createServer(on);
server.on('connection', (socket) => {
  connections += 1;
  socket.on('error', () => {});
});
server.on('tlsClientError', () => {});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({port: server.address().port})));
readline.createInterface({input: process.stdin})
  .on('line', () => console.log(JSON.stringify({hooks, connections})))
  .on('close', () => process.exit(0));
