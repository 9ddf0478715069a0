// Kafka messages as the CloudEvents SDK makes them, a line of JSON each: {name, key, headers, value, data}. Sending them is the
// caller's.
//
// Usage: node cloudevents_kafka.js
'use strict';
const {CloudEvent, Kafka} = require('cloudevents');

const samples = {
  plain: {data: {said: 'hello', n: 1}},
  full: {time: '2026-03-02T09:00:00.000Z', traced: 'a b c', datacontenttype: 'application/json',
         data: {said: 'grüße, 100 % "sure"', n: 9007199254740991, list: [1, null, true]}},
};
for (const mode of ['binary', 'structured']) {
  for (const [name, more] of Object.entries(samples)) {
    const subject = `lead/${mode}-${name}`;
    const event = new CloudEvent({id: `${mode}-${name}`, source: 'https://crm.example/eu', type: 'com.example.said', subject,
                                  partitionkey: subject, ...more});
    const message = Kafka[mode](event);
    const value = typeof message.value === 'string' ? message.value : JSON.stringify(message.value);
    console.log(JSON.stringify({name: `${mode} ${name}`, subject, key: message.key, headers: message.headers, value,
                                event: JSON.parse(JSON.stringify(event))}));
  }
}
