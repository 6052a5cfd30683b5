// SPDX-License-Identifier: Apache-2.0
// A real browser against stompd: headless Chromium opens the page that stompd
// serves and talks STOMP over WebSocket from there, with @stomp/stompjs.
// It is driven through its DevTools pipe; nothing but stompd is contacted.
// Rules: I9 I10 I14 I28 I34
//
// Needs: command -v chromium && node -e 'require("@stomp/stompjs")' -- apt install chromium, npm ci in test/interop
'use strict';
const { spawn } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { testcase, check, within, run, DEADLINE } = require('./tap.cjs');

const { STOMP_PORT, WS_PORT } = process.env;
const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'stompd-chromium-'));

// DevTools protocol over descriptors 3 and 4: JSON texts, each ended by NUL.
class Browser {
  constructor() {
    this.process = spawn('chromium', [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
      '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
      '--disable-dev-shm-usage', '--remote-debugging-pipe',
      `--user-data-dir=${profile}`, 'about:blank',
    ], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    this.next = 0;
    this.waiting = new Map();
    this.listeners = [];
    let text = '';
    this.process.stdio[4].on('data', (data) => {
      const parts = (text + data).split('\0');
      text = parts.pop();
      parts.forEach((part) => this.take(JSON.parse(part)));
    });
  }
  take(message) {
    const waiter = this.waiting.get(message.id);
    if (waiter) {
      this.waiting.delete(message.id);
      if (message.error) waiter.reject(new Error(message.error.message));
      else waiter.resolve(message.result);
    } else {
      this.listeners.forEach((listener) => listener(message));
    }
  }
  call(method, params = {}) {
    const id = ++this.next;
    const done = new Promise((resolve, reject) =>
      this.waiting.set(id, { resolve, reject }));
    this.process.stdio[3].write(JSON.stringify({
      id, method, params, sessionId: this.session }) + '\0');
    return within(done, `answer to ${method}`);
  }
  event(method) {
    return within(new Promise((resolve) => this.listeners.push((message) => {
      if (message.method === method) resolve(message.params);
    })), method);
  }
  async attach() {
    const { targetInfos } = await this.call('Target.getTargets');
    const page = targetInfos.find((target) => target.type === 'page');
    const { sessionId } = await this.call('Target.attachToTarget', {
      targetId: page.targetId, flatten: true });
    this.session = sessionId;
    await this.call('Page.enable');
    await this.call('Runtime.enable');
  }
  async open(url) {
    const loaded = this.event('Page.loadEventFired');
    const { errorText } = await this.call('Page.navigate', { url });
    check(!errorText, `${url}: ${errorText}`);
    await loaded;
  }
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.call('Runtime.evaluate', {
      expression, awaitPromise: true, returnByValue: true });
    check(!exceptionDetails, JSON.stringify(exceptionDetails));
    return result.value;
  }
  async close() {
    this.process.kill();
    await new Promise((resolve) => this.process.on('exit', resolve));
  }
}

// Runs inside the page.
function conversation(url, version, binary, wait) {
  return new Promise((resolve, reject) => {
    const name = `/queue/chromium.${version}.${binary}`;
    const got = [];
    const receipts = [];
    setTimeout(() => reject(new Error(`late; got ${JSON.stringify(got)}, ` +
      `receipts ${receipts}`)), wait);
    const client = new StompJs.Client({
      brokerURL: url, reconnectDelay: 0, forceBinaryWSFrames: binary,
      stompVersions: new StompJs.Versions([version]),
      onStompError: (frame) => reject(new Error(frame.headers.message)),
      onWebSocketError: () => reject(new Error('WebSocket error')),
    });
    client.onConnect = () => {
      const agreed = client.connectedVersion;
      client.subscribe(name, (message) => {
        got.push([message.body, message.headers.k]);
        message.ack();
        if (got.length === 3) {
          client.deactivate().then(() => resolve({
            got, receipts, version: agreed }));
        }
      }, { ack: 'client-individual' });
      for (let i = 0; i < 3; i++) {
        client.watchForReceipt(`r${i}`, () => receipts.push(i));
        client.publish({ destination: name, body: `żółw ${i} 🐢`,
          headers: { receipt: `r${i}`, persistent: 'true', k: 'v' } });
      }
    };
    client.activate();
  });
}

const browser = new Browser();

testcase('Chromium opens the page that stompd serves', async () => {
  await browser.attach();
  await browser.open(`http://127.0.0.1:${STOMP_PORT}/`);
  const title = await browser.evaluate('document.title');
  check(/stompd/i.test(title), `title ${title}`);
  const library = require.resolve('@stomp/stompjs'); // the UMD bundle
  await browser.evaluate(fs.readFileSync(library, 'utf8'));
});

for (const port of [STOMP_PORT, WS_PORT]) {
  for (const version of ['1.0', '1.1', '1.2']) {
    for (const binary of [false, true]) {
      const where = `${port === WS_PORT ? 'WebSocket' : 'STOMP'} port, ` +
        `${version}, ${binary ? 'binary' : 'text'}`;
      testcase(`a page sends with receipts and receives (${where})`,
               async () => {
        const result = await browser.evaluate(
          `(${conversation})("ws://127.0.0.1:${port}/stomp", "${version}", ` +
          `${binary}, ${DEADLINE})`);
        check(result.version === version, `agreed on ${result.version}`);
        check(JSON.stringify(result.receipts) === '[0,1,2]',
              `receipts ${result.receipts}`);
        check(JSON.stringify(result.got) === JSON.stringify(
          [0, 1, 2].map((i) => [`żółw ${i} 🐢`, 'v'])),
              `got ${JSON.stringify(result.got)}`);
      });
    }
  }
}

// Its helpers may write into the profile until they have noticed.
async function removeProfile() {
  for (const until = Date.now() + DEADLINE; ;) {
    try {
      fs.rmSync(profile, { recursive: true, force: true });
      return;
    } catch (error) {
      if (error.code !== 'ENOTEMPTY' || Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

testcase('Chromium ends', async () => {
  await browser.close();
  await removeProfile();
});

process.on('exit', () => browser.process.kill());
run();
