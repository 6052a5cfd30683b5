// SPDX-License-Identifier: Apache-2.0
// stomp-client (Node, TCP) against stompd, as 1.0 and as what it takes for 1.1.
// It refuses a CONNECTED without session, and never escapes.
// Rules: I3 I4 I8 I11 I21 I23 I27
//
// Needs: node -e 'require("stomp-client")' -- npm ci in test/interop
'use strict';
const { StompClient } = require('stomp-client');
const { testcase, check, within, Inbox, run } = require('./tap.cjs');

function connect(version) {
  const client = new StompClient('127.0.0.1', Number(process.env.STOMP_PORT),
                                 'user', 'secret', version, 'some.host');
  client.errors = new Inbox();
  return within(new Promise((resolve, reject) => {
    client.connect((session) => {
      client.session = session;
      client.removeListener('error', reject);
      client.on('error', (error) => client.errors.put(error));
      resolve(client);
    }, reject);
  }), 'CONNECTED');
}

function subscribe(client, name, headers) {
  const inbox = new Inbox();
  client.subscribe(name, headers, (body, got) => inbox.put({ body, got }));
  return inbox;
}

function bye(client) {
  return within(new Promise((resolve) => client.disconnect(resolve)), 'end');
}

for (const version of ['1.0', '1.1']) {
  testcase(`sends, receives and acks (${version})`, async () => {
    const client = await connect(version);
    check(/^[^:\\]+$/.test(client.session), `session ${client.session}`);
    const name = `/queue/stompclient.${version}`;
    const got = subscribe(client, name, { ack: 'client' });
    for (let i = 0; i < 10; i++) {
      client.publish(name, `turtle ${i}`, { k: 'a:b' }, i % 2 === 0);
    }
    for (let i = 0; i < 10; i++) {
      const { body, got: headers } = await got.take();
      check(body === `turtle ${i}`, `body ${body}`);
      check(headers.k === 'a:b', JSON.stringify(headers));
      client.ack(headers['message-id'], headers.subscription);
    }
    client.unsubscribe(name);
    await bye(client);
    const again = await connect(version);
    const none = subscribe(again, name, {});
    again.publish(name, 'last', {}, true);
    check((await none.take()).body === 'last', 'an acked message came again');
    await bye(again);
  });

  testcase(`an ERROR is read before the end (${version})`, async () => {
    const client = await connect(version);
    client.publish('/topic/*', 'x', {}, true);
    const error = await client.errors.take('ERROR');
    check(error.message.length > 0 && error.destination === '/topic/*',
          JSON.stringify(error));
  });
}

run();
