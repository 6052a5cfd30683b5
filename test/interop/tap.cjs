// SPDX-License-Identifier: Apache-2.0
// What the Node clients share: cases with a deadline, and waiting in line.
'use strict';

const DEADLINE = Number(process.env.STOMPD_TEST_DEADLINE || 5) * 1000;
const cases = [];

function testcase(name, run) {
  cases.push({ name, run });
}

function check(condition, text) {
  if (!condition) throw new Error(text);
}

function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} in time`)),
                       DEADLINE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Values that arrive by callback, taken one by one.
class Inbox {
  constructor() {
    this.values = [];
    this.waiting = [];
  }
  put(value) {
    const next = this.waiting.shift();
    if (next) next(value); else this.values.push(value);
  }
  take(what = 'message') {
    if (this.values.length) return Promise.resolve(this.values.shift());
    return within(new Promise((resolve) => this.waiting.push(resolve)), what);
  }
}

async function run() {
  let failed = 0;
  for (const [i, { name, run: body }] of cases.entries()) {
    try {
      await body();
      console.log(`ok ${i + 1} - ${name}`);
    } catch (error) {
      failed = 1;
      console.log(`not ok ${i + 1} - ${name}`);
      console.log(`#   ${String(error && error.stack || error)
        .replace(/\n/g, '\n#   ')}`);
    }
  }
  console.log(`1..${cases.length}`);
  process.exit(failed);
}

module.exports = { testcase, check, within, Inbox, run, DEADLINE };
