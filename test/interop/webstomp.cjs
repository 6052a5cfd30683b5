// SPDX-License-Identifier: Apache-2.0
// webstomp-client against stompd, over WebSocket: text and binary messages.
// Rules: I9 I10 I22 I23 I28
//
// Needs: node -e 'require("webstomp-client"); require("ws")' -- npm ci in test/interop
'use strict';
const webstomp = require('webstomp-client');
const { WebSocket } = require('ws');
const { testcase, check, within, Inbox, run } = require('./tap.cjs');

function connect(binary, offer) {
  const socket = new WebSocket(
    `ws://127.0.0.1:${process.env.WS_PORT}/stomp`, offer);
  socket.binaryType = 'arraybuffer';
  const client = webstomp.over(socket, { debug: false, binary,
    heartbeat: { incoming: 10000, outgoing: 10000 } });
  return within(new Promise((resolve, reject) => {
    client.connect({ login: 'user', passcode: 'secret' },
                   () => resolve(client), reject);
  }), 'CONNECTED');
}

function subscribe(client, name, headers) {
  const inbox = new Inbox();
  client.subscribe(name, (message) => inbox.put(message), headers);
  return inbox;
}

function receipts(client) {
  const inbox = new Inbox();
  client.onreceipt = (frame) => inbox.put(frame.headers['receipt-id']);
  return inbox;
}

function bye(client) {
  return within(new Promise((resolve) => client.disconnect(resolve)), 'end');
}

const ALL = ['v10.stomp', 'v11.stomp', 'v12.stomp'];
const OFFERS = { '1.0': ['v10.stomp'], '1.1': ['v10.stomp', 'v11.stomp'],
                 '1.2': ALL };

for (const binary of [false, true]) {
  for (const version of Object.keys(OFFERS)) {
    const where = `${binary ? 'binary' : 'text'}, ${version}`;
    const tag = `${binary}.${version}`;

    testcase(`sends with receipts, receives and acks (${where})`, async () => {
      const client = await connect(binary, OFFERS[version]);
      check(client.version === version, `believes in ${client.version}`);
      const name = `/queue/webstomp.${tag}`;
      const done = receipts(client);
      const got = subscribe(client, name, { ack: 'client-individual' });
      for (let i = 0; i < 10; i++) {
        client.send(name, `turtle ${i}`, { receipt: `r${i}`, k: 'v' });
        check(await done.take('receipt') === `r${i}`, 'wrong receipt');
      }
      for (let i = 0; i < 10; i++) {
        const message = await got.take();
        check(message.body === `turtle ${i}`, `body ${message.body}`);
        check(message.headers.k === 'v', JSON.stringify(message.headers));
        message.ack();
      }
      await bye(client);
    });

    testcase(`transactions (${where})`, async () => {
      const client = await connect(binary, OFFERS[version]);
      const name = `/queue/webstomp.tx.${tag}`;
      const got = subscribe(client, name);
      for (const end of ['abort', 'commit']) {
        const tx = client.begin(end);
        client.send(name, end, { transaction: end });
        tx[end]();
      }
      const message = await got.take();
      check(message.body === 'commit', `body ${message.body}`);
      await bye(client);
    });

    testcase(`a frame over many WebSocket messages (${where})`, async () => {
      const client = await connect(binary, OFFERS[version]);
      const name = `/topic/webstomp.large.${tag}`;
      const got = subscribe(client, name);
      const body = '0123456789'.repeat(10000);
      client.send(name, body);
      check((await got.take()).body === body, 'another body');
      await bye(client);
    });

    if (version === '1.0') continue;

    testcase(`NACK brings a message again (${where})`, async () => {
      const client = await connect(binary, OFFERS[version]);
      const name = `/queue/webstomp.nack.${tag}`;
      const got = subscribe(client, name, { ack: 'client-individual' });
      client.send(name, 'x');
      (await got.take()).nack();
      const message = await got.take();
      check(message.headers.redelivered === 'true',
            JSON.stringify(message.headers));
      message.ack();
      await bye(client);
    });
  }
}

run();
