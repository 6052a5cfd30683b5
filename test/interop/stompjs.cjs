// SPDX-License-Identifier: Apache-2.0
// @stomp/stompjs against stompd: over WebSocket in text and binary messages,
// and over TCP, in all three versions.
// Rules: I5 I8 I9 I10 I13 I14 I28 I32 I34
//
// Needs: node -e 'require("@stomp/stompjs"); require("ws")' -- npm ci in test/interop
'use strict';
const { Client, Versions } = require('@stomp/stompjs');
const { WebSocket } = require('ws');
const net = require('net');
const { testcase, check, within, Inbox, run } = require('./tap.cjs');

const { STOMP_PORT, WS_PORT } = process.env;

// A TCP socket with the face of a WebSocket, as stompjs documents for tests.
class TcpSocket {
  constructor() {
    this.url = `tcp://127.0.0.1:${STOMP_PORT}`;
    this.readyState = 0;
    this.protocol = '';
    this.socket = net.connect(Number(STOMP_PORT), '127.0.0.1', () => {
      this.readyState = 1;
      this.onopen({});
    });
    this.socket.on('data', (data) =>
      this.onmessage({ data: new Uint8Array(data).buffer }));
    this.socket.on('error', (error) => this.onerror(error));
    this.socket.on('close', () => {
      this.readyState = 3;
      this.onclose({ code: 1000, reason: '', wasClean: true });
    });
  }
  send(data) {
    this.socket.write(data instanceof ArrayBuffer ? Buffer.from(data) : data);
  }
  close() { this.readyState = 2; this.socket.end(); }
}

const transports = {
  'WebSocket text': {
    webSocketFactory: () => new WebSocket(
      `ws://127.0.0.1:${WS_PORT}/stomp`,
      ['v12.stomp', 'v11.stomp', 'v10.stomp']),
  },
  'WebSocket binary': {
    brokerURL: `ws://127.0.0.1:${WS_PORT}/stomp`,
    forceBinaryWSFrames: true,
  },
  'WebSocket on the STOMP port': {
    brokerURL: `ws://127.0.0.1:${STOMP_PORT}/stomp`,
    splitLargeFrames: true,
  },
  TCP: { webSocketFactory: () => new TcpSocket() },
};

async function connect(transport, version) {
  const options = transports[transport];
  if (options.brokerURL) globalThis.WebSocket = WebSocket;
  const session = { errors: new Inbox(), ended: new Inbox() };
  session.client = new Client({
    ...options, reconnectDelay: 0, connectHeaders: { login: 'user' },
    stompVersions: new Versions([version]), heartbeatIncoming: 0,
    heartbeatOutgoing: 0,
    onStompError: (frame) => session.errors.put(frame),
    onWebSocketClose: () => session.ended.put(true),
  });
  await within(new Promise((resolve, reject) => {
    session.client.onConnect = resolve;
    session.client.onWebSocketError = reject;
    session.client.activate();
  }), 'CONNECTED');
  check(session.client.connectedVersion === version,
        `agreed on ${session.client.connectedVersion}`);
  session.receipt = (id) => {
    const inbox = new Inbox();
    session.client.watchForReceipt(id, (frame) => inbox.put(frame));
    return inbox.take(`receipt ${id}`);
  };
  session.subscribe = (name, headers = {}) => {
    const inbox = new Inbox();
    session.client.subscribe(name, (message) => inbox.put(message), headers);
    return inbox;
  };
  return session;
}

async function bye(session) {
  await within(session.client.deactivate(), 'end');
  check(session.errors.values.length === 0, 'an ERROR came');
}

for (const transport of Object.keys(transports)) {
  for (const version of ['1.0', '1.1', '1.2']) {
    const where = `${transport}, ${version}`;
    const tag = where.replace(/[ ,]+/g, '-');

    testcase(`sends with receipts, receives and acks (${where})`, async () => {
      const session = await connect(transport, version);
      const name = `/queue/stompjs.${tag}`;
      const got = session.subscribe(name, { ack: 'client-individual' });
      for (let i = 0; i < 10; i++) {
        const receipt = session.receipt(`r-${i}`);
        session.client.publish({ destination: name, body: `żółw ${i} 🐢`,
          headers: { receipt: `r-${i}`, persistent: 'true', k: 'v' } });
        await receipt;
      }
      for (let i = 0; i < 10; i++) {
        const message = await got.take();
        check(message.body === `żółw ${i} 🐢`, `body ${message.body}`);
        check(message.headers.k === 'v', JSON.stringify(message.headers));
        message.ack();
      }
      await bye(session);
    });

    testcase(`transactions (${where})`, async () => {
      const session = await connect(transport, version);
      const name = `/queue/stompjs.tx.${tag}`;
      const got = session.subscribe(name);
      for (const end of ['abort', 'commit']) {
        const tx = session.client.begin();
        session.client.publish({ destination: name, body: end,
          headers: { transaction: tx.id } });
        tx[end]();
      }
      const message = await got.take();
      check(message.body === 'commit', `body ${message.body}`);
      await bye(session);
    });

    testcase(`bytes pass unchanged (${where})`, async () => {
      const session = await connect(transport, version);
      const name = `/topic/stompjs.bytes.${tag}`;
      const receipt = session.receipt('s');
      const got = session.subscribe(name, { receipt: 's' });
      await receipt;
      const bytes = Uint8Array.from({ length: 40000 }, (_, i) => i & 255);
      session.client.publish({ destination: name, binaryBody: bytes });
      const message = await got.take();
      check(Buffer.compare(Buffer.from(message.binaryBody),
                           Buffer.from(bytes)) === 0, 'other bytes');
      await bye(session);
    });

    if (version === '1.0') continue;

    testcase(`NACK brings a message again (${where})`, async () => {
      const session = await connect(transport, version);
      const name = `/queue/stompjs.nack.${tag}`;
      const got = session.subscribe(name, { ack: 'client-individual' });
      session.client.publish({ destination: name, body: 'x' });
      (await got.take()).nack();
      const message = await got.take();
      check(message.headers.redelivered === 'true',
            JSON.stringify(message.headers));
      message.ack();
      await bye(session);
    });
  }

  testcase(`an ERROR is read before the end (${transport})`, async () => {
    const session = await connect(transport, '1.2');
    session.client.publish({ destination: '/topic/*', body: 'x',
      headers: { receipt: 'bad' } });
    const frame = await session.errors.take('ERROR');
    check(frame.headers['receipt-id'] === 'bad',
          JSON.stringify(frame.headers));
    await session.ended.take('end');
    await within(session.client.deactivate(), 'end');
  });
}

run();
