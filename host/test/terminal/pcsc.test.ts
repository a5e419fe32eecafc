// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { Type } from 'typebox';
import { type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { type PeerError, TransportError } from '../../errors.ts';
import { ensurePcscd, type PcscService, VPCD_PORT } from '../../local/pcscd.ts';
import { TerminalInfo } from '../../wire/message/card-script.ts';
import { command, type Provider, TestDatabase, TestOta } from '../ota/fixture.ts';
import { startTerminal } from './fixture.ts';

/** The second slot of vpcd, so that a demo on the first is not disturbed. */
const SECOND_SLOT = { name: 'Virtual PCD 00 01', port: VPCD_PORT + 1 };
const READ_ICCID = [command('00A40004023F00'), command('00A40004022FE2'), command('00B000000A')];

describe('terminal over PC/SC', function () {
  this.timeout(90_000);
  let service: PcscService;
  let database: TestDatabase;
  let ota: TestOta;
  let provider: Provider;
  before(async function () {
    const found = await ensurePcscd();
    if ('missing' in found) {
      if (process.env.OPENTSM_PCSC === 'required') throw new TransportError('link-unavailable', found.missing);
      this.skip();
    }
    service = found;
    database = await TestDatabase.start();
    ota = await TestOta.start(database, 'ota_pcsc');
    provider = await ota.provider();
  });
  after(async () => {
    await ota?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
    await service?.stop();
  });

  /** Inserts into an empty reader: one that comes before pcscd saw the last one go stays mute. */
  async function insert(): Promise<SimulatedCard> {
    while (!(await isEmpty())) await new Promise((resolve) => setTimeout(resolve, 50));
    const simulator = await sharedSimulator();
    return simulator.insert('plain', { vpcd: { host: '127.0.0.1', port: SECOND_SLOT.port } });
  }

  async function isEmpty(): Promise<boolean> {
    const path = '/v1/terminals';
    const terminals = await provider.client.call({ method: 'GET', path, response: Type.Array(TerminalInfo) });
    const readers = terminals.flatMap((terminal) => terminal.readers);
    return readers.some(({ readerName, cardPresent }) => readerName === SECOND_SLOT.name && !cardPresent);
  }

  it('serves a card that comes, is read, is pulled and comes again', async () => {
    await using terminal = await startTerminal(database, ota, { pcscReaders: { name: SECOND_SLOT.name } });
    expect(terminal.port).to.be.greaterThan(0);
    const card = await insert();
    const request = { readerName: SECOND_SLOT.name, waitMs: 15_000 };
    const session = await provider.open('first', request);
    const { responses, cost } = await provider.exchange(session, READ_ICCID);
    expect(responses.at(-1)).to.deep.equal({ data: '98680021436587090011', sw: '9000' });
    expect(cost.roundTrips).to.equal(1);

    await card.remove();
    const refused = await provider.exchange(session, READ_ICCID).catch((error: unknown) => error as PeerError);
    expect(refused)
      .to.have.property('code')
      .that.matches(/^(card-removed|link-lost|card-absent)$/);
    await using again = await insert();
    expect(again.name).to.equal('plain');
    const next = await provider.open('first', request);
    expect(next.insertion).to.not.equal(session.insertion);
    expect((await provider.exchange(next, READ_ICCID)).responses.at(-1)?.sw).to.equal('9000');
    await provider.close(next);
  });
});
