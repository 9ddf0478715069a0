// autocannon sends events as fast as it can, each with an id of its own, and keeps what was answered to which.
//
// Usage: node autocannon.js '{"url":..,"key":..,"connections":N,"seconds":N,"name":".."}'
// Prints {"acknowledged":[ids],"milliseconds":[of each 202, in the order of their answers],"statuses":{"202":N},"withoutRetryAfter":N,"errors":N,"seconds":N}.
'use strict';
const autocannon = require('autocannon');

const {url, key, connections, seconds, name} = JSON.parse(process.argv[2]);
const acknowledged = [], milliseconds = [], statuses = {};
let withoutRetryAfter = 0, sent = 0;

autocannon({
  url, connections, duration: seconds, timeout: 60,
  setupClient: client => client.on('response', (status, bytes, took) => {
    if (status === 202) milliseconds.push(Math.round(took * 1000) / 1000);
  }),
  requests: [{
    method: 'POST', path: '/v1/events',
    headers: {authorization: `Bearer ${key}`, 'content-type': 'application/cloudevents+json'},
    setupRequest(request, context) {
      context.id = `${name}-${++sent}`;
      request.body = JSON.stringify({specversion: '1.0', id: context.id, source: 'autocannon', type: `com.example.${name}`,
                                     subject: `com.example/${sent % 100}`, data: {n: sent}});
      return request;
    },
    onResponse(status, body, context, headers) {
      statuses[status] = (statuses[status] ?? 0) + 1;
      const named = Object.keys(headers ?? {}).map(field => field.toLowerCase());
      if ((status === 429 || status === 503) && !named.includes('retry-after')) ++withoutRetryAfter;
      if (status >= 200 && status < 300) acknowledged.push(context.id);
    },
  }],
}, (fault, result) => {
  if (fault) throw fault;
  console.log(JSON.stringify({acknowledged, milliseconds, statuses, withoutRetryAfter, errors: result.errors, seconds: result.duration}));
});
