// SPDX-License-Identifier: Apache-2.0
// stompit against stompd, over TCP.
// Rules: I17 I31 I32
//
// Needs: node -e 'require("stompit")' -- npm ci in test/interop
'use strict';
const stompit = require('stompit');
const { testcase, check, within, Inbox, run } = require('./tap.cjs');

const PORT = Number(process.env.STOMP_PORT);

function connect(version) {
  return within(new Promise((resolve, reject) => {
    stompit.connect({
      host: '127.0.0.1', port: PORT,
      connectHeaders: { 'accept-version': version, host: '/', login: 'user',
        'heart-beat': '5000,5000' },
    }, (error, client) => (error ? reject(error) : resolve(client)));
  }), 'CONNECTED');
}

function send(client, headers, body) {
  const inbox = new Inbox();
  const frame = client.send(headers, {
    onReceipt: () => inbox.put(true),
  });
  frame.write(body);
  frame.end();
  return inbox.take('receipt');
}

function subscribe(client, headers) {
  const inbox = new Inbox();
  client.subscribe(headers, (error, message) => {
    if (error) return;
    const chunks = [];
    message.on('data', (chunk) => chunks.push(chunk));
    message.on('end', () => inbox.put({
      message, headers: message.headers, body: Buffer.concat(chunks),
    }));
  });
  return inbox;
}

function bye(client) {
  return within(new Promise((resolve, reject) => {
    client.disconnect((error) => (error ? reject(error) : resolve()));
  }), 'end');
}

for (const version of ['1.0', '1.1', '1.2']) {
  testcase(`sends with receipts, receives and acks (${version})`, async () => {
    const client = await connect(version);
    const name = `/queue/stompit.${version}`;
    for (let i = 0; i < 10; i++) {
      await send(client, { destination: name, persistent: 'true', k: 'v' },
                 `żółw ${i}`);
    }
    const got = subscribe(client, { destination: name,
                                    ack: 'client-individual' });
    for (let i = 0; i < 10; i++) {
      const { message, headers, body } = await got.take();
      check(body.toString() === `żółw ${i}`, `body ${body}`);
      check(headers.k === 'v', JSON.stringify(headers));
      client.ack(message);
    }
    await bye(client);
    const again = await connect(version);
    const rest = subscribe(again, { destination: name, ack: 'client' });
    await send(again, { destination: `/topic/stompit.none` }, 'x');
    check(rest.values.length === 0, 'an acked message came again');
    await bye(again);
  });

  testcase(`transactions (${version})`, async () => {
    const client = await connect(version);
    const name = `/queue/stompit.tx.${version}`;
    const got = subscribe(client, { destination: name, ack: 'auto' });
    for (const end of ['abort', 'commit']) {
      const transaction = client.begin({ transaction: end });
      const frame = transaction.send({ destination: name });
      frame.end(end);
      const inbox = new Inbox();
      transaction[end]({ onReceipt: () => inbox.put(true) });
      await inbox.take('receipt');
    }
    const { body } = await got.take();
    check(body.toString() === 'commit', `body ${body}`);
    await bye(client);
  });

  if (version === '1.0') continue;

  testcase(`NACK brings a message again (${version})`, async () => {
    const client = await connect(version);
    const name = `/queue/stompit.nack.${version}`;
    const got = subscribe(client, { destination: name,
                                    ack: 'client-individual' });
    await send(client, { destination: name }, 'x');
    client.nack((await got.take()).message);
    const { message, headers } = await got.take();
    check(headers.redelivered === 'true', JSON.stringify(headers));
    client.ack(message);
    await bye(client);
  });
}

run();
