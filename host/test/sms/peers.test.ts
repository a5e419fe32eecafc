// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { SmppLink } from '../../bearer/sms/smpp-link.ts';
import { ESM, SMPP_STATUS, type SmppMessage } from '../../bearer/sms/smpp-pdu.ts';
import { TransportError } from '../../errors.ts';
import { Smsc } from '../../lab/smsc.ts';
import { freePort } from '../../local/free-port.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { python } from '../clients/fixture.ts';

/** ESME and SMSC that others made, at the other end of ours: `smpplib` and `smpp34` of PyPI. */

const CARD = '491700000001';
const PACKET = '02700000010203FF80';
const ANSWER = '0271000A0B0C0D00FF';

/** A script of this folder, and what it says, line by line. */
class PeerProcess implements AsyncDisposable {
  readonly #child;
  readonly #lines;

  constructor(interpreter: string, script: string, ...args: readonly string[]) {
    this.#child = spawn(interpreter, [join(import.meta.dirname, script), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async next(): Promise<Record<string, unknown>> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new TransportError('peer-ended', 'The peer has ended');
    return JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const over = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.exitCode !== null) return;
    this.#child.kill();
    await over;
  }
}

/** Our end; `received` resolves when so many messages have come. */
function ourEnd(port: number, systemId: string) {
  const received: SmppMessage[] = [];
  const bound = Promise.withResolvers<void>();
  const come = Promise.withResolvers<readonly SmppMessage[]>();
  const link = new SmppLink({
    smsc: { host: '127.0.0.1', port, systemId, password: 'secret' },
    mode: 'transceiver',
    retryMs: 20,
    onMessage: async (message) => {
      received.push(message);
      if (received.length === 2) come.resolve(received);
      return SMPP_STATUS.OK;
    },
    onState: ({ kind }) => {
      if (kind === 'bound') bound.resolve();
    },
  });
  return { link, received, bound: bound.promise, come: come.promise };
}

const command: SmppMessage = {
  source: '1000',
  destination: CARD,
  esmClass: ESM.HEADER,
  pid: 0x7f,
  dcs: 0xf6,
  registeredDelivery: 1,
  userData: fromHex(PACKET),
};

describe('SMPP with ends that others made', function () {
  this.timeout(60_000);
  if (python === undefined) {
    it.skip('needs the Python clients of setup/clients');
    return;
  }
  const interpreter = python;

  it('takes messages of smpplib and gives it its receipt and ours', async () => {
    await using smsc = await Smsc.start({ port: 0 });
    const us = ourEnd(smsc.port, '1000');
    await using link = us.link;
    await us.bound;
    await using peer = new PeerProcess(interpreter, 'esme_peer.py', String(smsc.port), CARD, ANSWER);
    expect(await peer.next()).to.deep.equal({ event: 'bound' });
    const told = [await peer.next(), await peer.next()];
    const id = told.find(({ event }) => event === 'sent')?.id;
    const receipt = told.find(({ event }) => event === 'received');
    expect(receipt).to.include({ source: '1000', esm: ESM.DELIVERY_RECEIPT, id, state: 2 });
    expect(us.received).to.have.lengthOf(1);
    expect(us.received[0]).to.include({ source: CARD, destination: '1000', pid: 0x7f, dcs: 0xf6, esmClass: 0x40 });
    expect(toHex(us.received[0]?.userData ?? fromHex(''))).to.equal(ANSWER);
    await link.submit(command);
    expect(await peer.next()).to.include({
      event: 'received',
      esm: 0x40,
      pid: 0x7f,
      dcs: 0xf6,
      data: '02700000010203ff80',
    });
  });

  it('sends to smpp34, waits where it throttles, and takes its receipt and answer', async () => {
    const port = await freePort();
    await using peer = new PeerProcess(interpreter, 'smsc_peer.py', String(port), ANSWER);
    expect(await peer.next()).to.deep.equal({ event: 'listening' });
    const us = ourEnd(port, '1000');
    await using link = us.link;
    await us.bound;
    expect(await peer.next()).to.deep.equal({ event: 'bound', systemId: '1000' });
    const busy: unknown = await link.submit(command).catch((error: unknown) => error);
    expect(busy).to.include({ code: 'smsc-busy' });
    let id: string | undefined;
    while (id === undefined) {
      id = await link.submit(command).catch(async (error: TransportError) => {
        expect(error.code).to.equal('smsc-busy');
        await pause(Number(error.context.retryMs));
        return undefined;
      });
    }
    expect(id).to.equal('m-2');
    expect(await peer.next()).to.deep.equal({
      event: 'submitted',
      destination: CARD,
      ton: 1,
      esm: 0x40,
      pid: 0x7f,
      dcs: 0xf6,
      registered: 1,
      data: '02700000010203ff80',
    });
    const [receipt, answer] = await us.come;
    expect(receipt).to.include({ esmClass: ESM.DELIVERY_RECEIPT, messageId: 'm-2', messageState: 2 });
    expect(answer).to.include({ source: CARD, destination: '1000', esmClass: 0x40, pid: 0x7f, dcs: 0xf6 });
    expect(toHex(answer?.userData ?? fromHex(''))).to.equal(ANSWER);
    expect(await peer.next()).to.deep.equal({ event: 'answered', ok: true });
  });
});
