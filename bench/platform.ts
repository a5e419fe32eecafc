// SPDX-License-Identifier: Apache-2.0
import { cpus } from 'node:os';
import { kmsSignatures } from './kms-signatures.ts';
import { proxying } from './proxying.ts';
import { compareNodes, measureTopUps, type TopUps } from './top-ups.ts';

/** `npm run bench -- platform`: front, KMS and top-ups, as ratios within one run. */

const row = (name: string, ...columns: readonly (string | number)[]) =>
  console.log(`${name.padEnd(38)}${columns.map((column) => String(column).padStart(14)).join('')}`);

async function proxyRows() {
  const proxies = await proxying();
  const nginx = proxies.find(({ name }) => name === 'nginx');
  row('reverse proxy on one core, TLS, 1 KiB', 'requests/s', 'p99 ms', 'per CPU s', 'of nginx');
  for (const { name, requestsPerSecond, p99Ms, requestsPerCpuSecond } of proxies) {
    const share = nginx === undefined ? '' : (requestsPerCpuSecond / nginx.requestsPerCpuSecond).toFixed(2);
    row(name, Math.round(requestsPerSecond), p99Ms.toFixed(1), Math.round(requestsPerCpuSecond), share);
  }
  return proxies;
}

async function signatureRows() {
  const signatures = await kmsSignatures();
  row('RSA 2048 signatures on one core', 'per CPU s', 'of openssl');
  row('openssl speed', Math.round(signatures.openssl));
  row('SoftHSM alone', Math.round(signatures.token), (signatures.token / signatures.openssl).toFixed(2));
  for (const { provider, signatures: rate, overOpenssl } of signatures.kms)
    row(`KMS, ${provider}`, Math.round(rate), overOpenssl.toFixed(2));
  return signatures;
}

function topUpRow(name: string, { topUpsPerSecond, p50Ms, p99Ms, cpuMsPerTopUp, cardCryptoShare }: TopUps): void {
  const share = `${(100 * cardCryptoShare).toFixed(1)} %`;
  row(name, topUpsPerSecond.toFixed(1), Math.round(p50Ms), Math.round(p99Ms), cpuMsPerTopUp.toFixed(1), share);
}

/** `npm run bench -- top-ups`: these alone. */
export async function topUpsBench(cards: number) {
  const few = Math.max(1, Math.round(cards / 10));
  const tenth = await measureTopUps(few);
  row('top-ups, all cards at once', 'a second', 'p50 ms', 'p99 ms', 'CPU ms each', 'card crypto');
  topUpRow(`${few} cards, one node of each`, tenth);
  const { one, two, twoNodes } = await compareNodes(cards);
  topUpRow(`${cards} cards, one node of each`, one);
  topUpRow(`${cards} cards, two nodes of each`, two);
  const tenTimesCards = (one.cpuMsPerTopUp * cards) / (tenth.cpuMsPerTopUp * few);
  row(`CPU of ${cards} cards over that of ${few}`, tenTimesCards.toFixed(1));
  row('two nodes over one: CPU, rate', twoNodes.cpu.toFixed(2), twoNodes.rate.toFixed(2));
  if (one.lossReport !== undefined) {
    const { products, answeredMs, withOneMs } = one.lossReport;
    row(`loss report, 1 and ${products} products`, `${withOneMs.toFixed(0)} ms`, `${answeredMs.toFixed(0)} ms`);
  }
  return { tenth, one, two, tenTimesCards, twoNodes };
}

export async function platformBench(cards: number) {
  const signatures = await signatureRows();
  console.log();
  const proxies = await proxyRows();
  console.log();
  const topUps = await topUpsBench(cards);
  return { machine: { cores: cpus().length, node: process.version }, signatures, proxies, topUps };
}
