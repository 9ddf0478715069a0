// The CloudEvents SDK sends events in each mode to a server and reads back what is kept of them.
//
// Usage: node cloudevents_sdk.js URL KEY
'use strict';
const {CloudEvent, HTTP, emitterFor, Mode} = require('cloudevents');
const {check, mustFail, faultOf} = require('./checks.js');

const [url, key] = process.argv.slice(2);
const authorization = `Bearer ${key}`;

// The SDK hands over the message; sending it is the caller's.
let answered;
async function transport(message) {
  const answer = await fetch(`${url}/v1/events`,
                             {method: 'POST', headers: {...message.headers, authorization}, body: message.body});
  answered = {status: answer.status, body: await answer.json()};
  if (answer.status !== 202) throw new Error(`${answer.status} ${JSON.stringify(answered.body)}`);
  return answered.body;
}
async function readBack(position) {
  const answer = await fetch(`${url}/v1/events/${position}`, {headers: {authorization}});
  const {event} = await answer.json();
  return HTTP.toEvent({headers: {'content-type': 'application/cloudevents+json'}, body: JSON.stringify(event)});
}

function sample(id, more = {}) {
  return new CloudEvent({id, source: 'https://crm.example/eu', type: 'com.example.said', subject: 'lead/l1',
                         time: '2026-03-02T09:00:00.000Z', datacontenttype: 'application/json',
                         data: {said: 'grüße, 100 % "sure"', n: 9007199254740991, list: [1, null, true]}, ...more});
}
// The members that a receiver may rely on; the SDK writes undefined for what it does not have.
function same(sent, kept) {
  for (const name of ['id', 'source', 'type', 'subject', 'time', 'specversion', 'traced', 'partitionkey']) {
    if (sent[name] !== kept[name]) return `${name}: sent ${sent[name]}, kept ${kept[name]}`;
  }
  const type = kept.datacontenttype ?? 'application/json';  // so the JSON format: none means JSON
  if (type !== (sent.datacontenttype ?? 'application/json')) return `datacontenttype ${type}`;
  const [a, b] = [JSON.stringify(sent.data), JSON.stringify(kept.data)];
  const sorted = text => JSON.stringify(Object.entries(JSON.parse(text)).sort());
  return typeof sent.data === 'object' && sorted(a) !== sorted(b) ? `data: sent ${a}, kept ${b}` : '';
}

async function main() {
  for (const mode of [Mode.STRUCTURED, Mode.BINARY]) {
    const emit = emitterFor(transport, {binding: HTTP, mode});
    const sent = sample(`${mode}-1`, {traced: 'a b c', partitionkey: 'account/a1'});
    const {position} = await emit(sent);
    const kept = await readBack(position);
    check(`${mode}: what is read back is what was sent`, same(sent, kept) === '', same(sent, kept));
    const again = await emit(sent);
    check(`${mode}: sent again it is a duplicate at the same place`,
          again.duplicates === 1 && again.position === position, JSON.stringify(again));
    mustFail(`${mode}: an event that differs is told from it`, same(sample(`${mode}-2`), kept) !== '', 'no difference');
    const reserved = sample(`${mode}-3`, {type: 'kpi.measured'});
    const fault = await faultOf(emit(reserved));
    mustFail(`${mode}: a type of the engine's own is refused`, fault && answered.body.code === 'reserved_type', fault);
  }

  // The SDK writes attributes as they are; what the binding wants encoded, its caller encodes.
  const binary = emitterFor(transport, {binding: HTTP, mode: Mode.BINARY});
  const traced = 'a b, 100 % "sure", grüße €';
  const encoded = await readBack((await binary(sample('encoded-1', {traced: encodeURIComponent(traced)}))).position);
  check('binary: an attribute that is percent-encoded is decoded', encoded.traced === traced, encoded.traced);
  mustFail('binary: a bad escape is refused', await faultOf(binary(sample('encoded-2', {traced: '100 %zz'}))), 'taken');
  mustFail('binary: bytes that are no UTF-8 are refused', await faultOf(binary(sample('encoded-3', {traced: '%C3%28'}))), 'taken');

  const text = sample('text-1', {datacontenttype: 'text/plain; charset=utf-8', data: 'plain words'});
  const kept = await readBack((await binary(text)).position);
  check('binary: text keeps its type and its bytes', kept.datacontenttype === 'text/plain; charset=utf-8' &&
        Buffer.from(kept.data_base64 ?? '', 'base64').toString() === 'plain words', JSON.stringify(kept));

  // The SDK reads batches and writes none: an array of what it writes is one.
  const batch = ['b1', 'b2', 'b3'].map(id => sample(id));
  const batched = (events, type = 'application/cloudevents-batch+json') =>
    transport({headers: {'content-type': type}, body: JSON.stringify(events.map(one => one.toJSON()))});
  const receipt = await batched(batch);
  check('batch: three events', receipt.duplicates === 0 && /^\d+:\d+$/.test(receipt.position), JSON.stringify(receipt));
  const listed = await (await fetch(`${url}/v1/events?type=com.example.said&limit=1000`, {headers: {authorization}})).json();
  const events = HTTP.toEvent({headers: {'content-type': 'application/cloudevents-batch+json'},
                               body: JSON.stringify(listed.map(row => row.event))});
  const found = batch.map(sent => events.filter(one => one.id === sent.id && same(sent, one) === '').length);
  check('batch: the SDK reads the list of events as a batch, each once', String(found) === '1,1,1', String(found));
  check('batch: an empty one is no fault', (await batched([])).duplicates === 0, JSON.stringify(answered));
  const bad = await faultOf(batched([sample('b4'), {toJSON: () => ({specversion: '1.0', id: 'b5'})}]));
  mustFail('batch: with one bad event nothing is appended and it is named',
           bad && answered.status === 400 && answered.body.errors.every(error => error.event === 1),
           JSON.stringify(answered));
  const events4 = await (await fetch(`${url}/v1/events?type=com.example.said&limit=1000`, {headers: {authorization}})).json();
  check('batch: so the good one beside it is not there', events4.every(row => row.event.id !== 'b4'), 'b4 is there');

  const handshake = await fetch(`${url}/v1/events`, {method: 'OPTIONS',
                                                     headers: {'webhook-request-origin': 'crm.example'}});
  check('webhook handshake', handshake.status === 204 &&
        handshake.headers.get('webhook-allowed-origin') === 'crm.example' &&
        Number(handshake.headers.get('webhook-allowed-rate')) > 0, [...handshake.headers].join(' '));
}
main().catch(fault => check('the script goes through', false, fault.stack));
