// SPDX-License-Identifier: Apache-2.0
// stompjs 2.3 (jmesnil's stomp-websocket, which countless tutorials still use)
// against stompd, over WebSocket and TCP.  It crashes without heart-beat in
// CONNECTED, splits what comes at CR-less LFs and at NULs, and keeps no rest.
// Rules: I1 I2 I5 I8 I10 I22 I23 I28
//
// Needs: node -e 'require("stompjs"); require("websocket")' -- npm ci in test/interop
'use strict';
const stomp = require('stompjs');
const { testcase, check, within, Inbox, run } = require('./tap.cjs');

const OVER = {
  WebSocket: () => stomp.overWS(
    `ws://127.0.0.1:${process.env.WS_PORT}/stomp`),
  TCP: () => stomp.overTCP('127.0.0.1', Number(process.env.STOMP_PORT)),
};

function connect(over, beats) {
  const client = OVER[over]();
  client.debug = null;
  client.heartbeat = beats || { incoming: 10000, outgoing: 10000 };
  client.receipts = new Inbox();
  client.onreceipt = (frame) => client.receipts.put(frame.headers['receipt-id']);
  client.errors = new Inbox();
  return within(new Promise((resolve, reject) => {
    let connected = false;
    client.connect('user', 'secret', () => {
      connected = true;
      resolve(client);
    }, (error) => (connected ? client.errors.put(error) : reject(error)));
  }), 'CONNECTED');
}

function subscribe(client, name, headers) {
  const inbox = new Inbox();
  client.subscribe(name, (message) => inbox.put(message), headers);
  return inbox;
}

function bye(client) {
  return within(new Promise((resolve) => client.disconnect(resolve)), 'end');
}

for (const over of Object.keys(OVER)) {
  testcase(`sends with receipts, receives and acks (${over})`, async () => {
    const client = await connect(over);
    const name = `/queue/stompjs2.${over}`;
    const got = subscribe(client, name, { ack: 'client' });
    for (let i = 0; i < 10; i++) {
      client.send(name, { receipt: `r${i}`, url: 'http://a:80/b' },
                  `żółw ${i}`);
      check(await client.receipts.take('receipt') === `r${i}`, 'wrong receipt');
    }
    for (let i = 0; i < 10; i++) {
      const message = await got.take();
      check(message.body === `żółw ${i}`, `body ${message.body}`);
      check(message.headers.destination === name, 'wrong destination');
      message.ack();
    }
    await bye(client);
    const again = await connect(over);
    const none = subscribe(again, name, { ack: 'client' });
    again.send(name, {}, 'last');
    check((await none.take()).body === 'last', 'an acked message came again');
    await bye(again);
  });

  testcase(`transactions (${over})`, async () => {
    const client = await connect(over);
    const name = `/queue/stompjs2.tx.${over}`;
    const got = subscribe(client, name);
    const aborted = client.begin();
    client.send(name, { transaction: aborted.id }, 'aborted');
    aborted.abort();
    const committed = client.begin();
    client.send(name, { transaction: committed.id }, 'committed');
    committed.commit();
    check((await got.take()).body === 'committed', 'the aborted came');
    await bye(client);
  });

  testcase(`heart-beats keep the connection (${over})`, async () => {
    const client = await connect(over, { incoming: 100, outgoing: 100 });
    // It gives a connection up after twice the interval without an octet.
    await new Promise((resolve) => setTimeout(resolve, 600));
    client.send('/topic/nobody', { receipt: 'alive' }, 'x');
    check(await client.receipts.take('receipt') === 'alive', 'not alive');
    await bye(client);
  });

  // Over TCP it loses what one read leaves over.
  if (over === 'WebSocket') testcase('large bodies and many frames', async () => {
    const client = await connect(over);
    const name = `/topic/stompjs2.large.${over}`;
    const got = subscribe(client, name);
    const large = 'x'.repeat(100000);
    client.send(name, {}, large);
    for (let i = 0; i < 100; i++) client.send(name, {}, String(i));
    check((await got.take()).body === large, 'another body');
    for (let i = 0; i < 100; i++) {
      check((await got.take()).body === String(i), 'out of order');
    }
    await bye(client);
  });

  testcase(`frames before an instant close count (${over})`, async () => {
    const reader = await connect(over);
    const name = `/queue/stompjs2.gone.${over}`;
    const got = subscribe(reader, name);
    const client = await connect(over);
    client.send(name, {}, 'left behind');
    await bye(client);
    check((await got.take()).body === 'left behind', 'lost');
    await bye(reader);
  });

  testcase(`an ERROR is read before the end (${over})`, async () => {
    const client = await connect(over);
    client.send('/topic/*', { receipt: 'bad' }, 'x');
    const error = await client.errors.take('ERROR');
    check(error.headers['receipt-id'] === 'bad' && error.body.length > 0,
          String(error));
  });
}

run();
