// Steps of the CloudEvents specification's features for HTTP, with a server of ours as the system under test: the
// request goes to it as it stands, but for the place, the key, a subject, which our events must have, and a tail of
// the id: the features have one id for all their events, and here that is one event. What is then asked for is what the
// server kept.
//
// Environment: DW_URL, DW_KEY.
'use strict';
const assert = require('assert');
const http = require('http');
const {Given, When, Then} = require('@cucumber/cucumber');

let request, kept;
let tail = 0;
const tailed = id => `${id}~${process.pid}-${++tail}`;

Given('HTTP Protocol Binding is supported', () => {});

Given('an HTTP request', text => {
  const [head, ...rest] = text.replace(/\r/g, '').split('\n\n');
  const [line, ...fields] = head.split('\n');
  assert.match(line, /^POST \S+ HTTP\/1\.1$/);
  request = {headers: {}, body: rest.join('\n\n')};
  for (const field of fields) {
    const colon = field.indexOf(':');
    request.headers[field.slice(0, colon).toLowerCase()] = field.slice(colon + 1).trim();
  }
  if (request.headers['ce-id']) {
    request.headers['ce-subject'] = 'lead/l1';
    request.headers['ce-id'] = tailed(request.headers['ce-id']);
  } else {
    const event = JSON.parse(request.body);
    request.body = JSON.stringify({...event, subject: 'lead/l1', id: tailed(event.id)});
  }
  request.headers['content-length'] = String(Buffer.byteLength(request.body));
  delete request.headers.host;
});

function send(method, path, headers, body) {
  return new Promise((resolve, reject) => {
    const url = new URL(path, process.env.DW_URL);
    const call = http.request(url, {method, headers: {...headers, authorization: `Bearer ${process.env.DW_KEY}`}}, answer => {
      let text = '';
      answer.setEncoding('utf8').on('data', part => text += part).on('end', () => resolve([answer.statusCode, JSON.parse(text)]));
    });
    call.on('error', reject).end(body);
  });
}

When('parsed as HTTP request', async () => {
  const [status, receipt] = await send('POST', '/v1/events', request.headers, request.body);
  assert.strictEqual(status, 202, JSON.stringify(receipt));
  const [, told] = await send('GET', `/v1/events/${receipt.position}`, {});
  kept = {...told.event, id: told.event.id.replace(/~[^~]*$/, '')};
});

Then('the attributes are:', table => {
  for (const {key, value} of table.hashes()) {
    // In the JSON format an event without datacontenttype has JSON data.
    const here = kept[key] ?? (key === 'datacontenttype' ? 'application/json' : undefined);
    assert.strictEqual(key === 'time' ? new Date(here).getTime() : here,
                       key === 'time' ? new Date(value).getTime() : value, key);
  }
});

Then('the data is equal to the following JSON:', text => assert.deepStrictEqual(kept.data, JSON.parse(text)));
