// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { readCardImage } from '../../../simulator/src/index.ts';
import { antJavacard, ROOT } from '../../../toolchain/test/run.ts';
import { decodeIdentity, identityCommands } from '../../card/identity.ts';
import { formatOf, readBatchFile } from '../../cli/card-batch-file.ts';
import { checkRow } from '../../service/issuer/card-batch-row.ts';
import { putProvider } from '../../store/issuer/providers.ts';
import { findSecureElement } from '../../store/issuer/secure-elements.ts';
import { runScript } from '../../transport/script-runner.ts';
import { decodeCapFile } from '../../wire/cap/cap-file.ts';
import type { CardBatchRow } from '../../wire/message/card-batches.ts';
import { CardDesk, csvOf, freshIccid, freshKeys, imageKeysOf, TRANSPORT } from '../issuer/card-fixture.ts';
import { channelOf, InProcess, type Seat } from './in-process.ts';

const rejection = (act: Promise<unknown>): Promise<unknown> =>
  act.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('batches of cards', function () {
  this.timeout(240_000);
  let lab: InProcess;
  let desk: CardDesk;

  before(async () => {
    const built = antJavacard([], ROOT);
    expect(built.code, built.err + built.out).to.equal(0);
    const cap = decodeCapFile(new Uint8Array(await readFile(join(ROOT, 'build/cap/securitydomain-3.0.5.cap'))));
    lab = await InProcess.start({ allowWithoutAttestation: true, securityDomainPackage: cap });
    desk = await CardDesk.open(lab.issuer.database, lab.issuer.kms);
    for (const profile of ['uicc', 'jcop'] as const) {
      const { image } = await readCardImage(profile);
      const model = { profile, maker: 'Example Cards', isdAid: image.nativeIsd?.aid ?? '' };
      await desk.batches.putModel(profile, model, 'o');
    }
  });
  after(async () => {
    await desk?.[Symbol.asyncDispose]();
    await lab?.[Symbol.asyncDispose]();
  });

  const importFile = (batchId: string, file: string, modelId = 'uicc') =>
    desk.client.import({ batchId, modelId, transportKey: TRANSPORT, file, format: formatOf(file) }, () => {});
  const faultsOf = async (batchId: string) =>
    (await desk.client.faults(batchId, 0)).map(({ line, code }) => `${line} ${code}`);
  const cardsOf = async (batchId: string) =>
    (await lab.issuer.database.selectFrom('cards').select('card').where('batch_id', '=', batchId).execute()).length;
  const goodRow = () => ({ iccid: freshIccid(), ...desk.wrapped(freshKeys(), 'T') });

  for (const [profile, algorithm] of [
    ['uicc', 'T'],
    ['jcop', 'A'],
  ] as const) {
    it(`brings in a ${profile} with keys of its own, and 41 to 60 runs on it`, async () => {
      const { image: found } = await readCardImage(profile);
      const own = freshKeys();
      const fresh =
        profile === 'uicc' ? { iccid: freshIccid() } : { cplc: found.cplc?.replace('1234', 'BA7C') ?? null };
      if (found.nativeIsd === undefined || found.nativeIsd === null) throw new TypeError('no native ISD');
      const nativeIsd = { ...found.nativeIsd, ...imageKeysOf(own) };
      const image = { ...found, ...fresh, name: `batch-${profile}`, nativeIsd };
      const card = await lab.insert(image);
      const seat: Seat = { readerName: image.name, card, insertion: 1, fence: 0, sent: [] };
      lab.seats.set(image.name, seat);
      await card.power('on');
      const { cardId } = decodeIdentity((await runScript(channelOf(seat), identityCommands)).responses);
      const kind = profile === 'uicc' ? 'iccid' : 'cplc';
      expect(cardId.kind).to.equal(kind);
      const row = { [kind]: cardId.value, eid: '', ...desk.wrapped(own, algorithm) };
      const file = await desk.file(`${profile}.csv`, csvOf([row]));
      expect(await importFile(`one-${profile}`, file, profile)).to.include({ state: 'imported', rows: 1, badRows: 0 });
      const name = cardId.value;
      expect(await findSecureElement(lab.issuer.database, name)).to.include({ state: 'NEW', modelId: profile });
      const state = await lab.distribute(image.name);
      expect([state.outcome, state.problem]).to.deep.equal(['distributed', undefined]);
      expect((await findSecureElement(lab.issuer.database, name)).state).to.equal('ACTIVE');
    });
  }

  it('keeps no key in clear, nor under the maker’s transport key', async () => {
    const keys = freshKeys();
    const blocks = desk.wrapped(keys, 'T');
    await importFile('kept', await desk.file('kept.csv', csvOf([{ iccid: freshIccid(), ...blocks }])));
    const rows = await lab.issuer.database.selectFrom('cards').selectAll().where('batch_id', '=', 'kept').execute();
    const text = JSON.stringify(rows);
    for (const secret of [...Object.values(imageKeysOf(keys)), ...Object.values(blocks)])
      expect(text).to.not.contain(secret);
    expect(rows[0]?.isd_key_set?.keyBlocks?.version).to.equal(1);
  });

  it('takes all or nothing of a file, and tells each bad row by its line', async () => {
    const twice = goodRow();
    const known = { ...goodRow(), iccid: freshIccid() };
    await importFile('before', await desk.file('before.csv', csvOf([known])));
    const wrongKey = desk.wrapped(freshKeys(), 'T', new Uint8Array(32).fill(1));
    const swapped = desk.wrapped(freshKeys(), 'T');
    const published = Uint8Array.from({ length: 16 }, (_, index) => 0x40 + index);
    const rows = [
      goodRow(),
      twice,
      { ...goodRow(), iccid: '12' },
      { ...goodRow(), ...wrongKey },
      { ...goodRow(), enc: swapped.dek, dek: swapped.enc },
      { ...goodRow(), iccid: twice.iccid },
      { ...goodRow(), iccid: known.iccid },
      { ...goodRow(), eid: '89049032000000000000000000000001' },
      { ...goodRow(), ...desk.wrapped({ enc: published, mac: published, dek: published }, 'T') },
      { ...goodRow(), mac: '' },
      { ...goodRow(), colour: 'blue' },
    ];
    const ended = await importFile('mixed', await desk.file('mixed.csv', csvOf(rows)));
    expect(ended).to.include({ state: 'refused', rows: 11, badRows: 9 });
    expect(await faultsOf('mixed')).to.deep.equal([
      '4 card-name',
      '5 key-block-mac',
      '6 key-attributes',
      '7 name-twice',
      '8 name-known',
      '9 check-digits',
      '10 published-test-key',
      '11 card-keys',
      '12 column-unknown',
    ]);
    expect(await cardsOf('mixed')).to.equal(0);
    const waiting = await lab.issuer.database.selectFrom('card_batch_rows').select('line').execute();
    expect(waiting).to.deep.equal([]);
  });

  it('reads the same cards from CSV, a JSON array and JSON lines, with their lines', async () => {
    const rows = [goodRow(), goodRow()];
    const files = [
      ['a.csv', csvOf(rows), [2, 3]],
      ['a.json', JSON.stringify(rows, undefined, 2), [7, 13]],
      ['a.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'), [1, 2]],
    ] as const;
    for (const [name, text, lines] of files) {
      const file = await desk.file(name, text);
      const read: CardBatchRow[] = [];
      for await (const row of readBatchFile(file, formatOf(file))) read.push(row);
      expect(
        read.map(({ values }) => values),
        name,
      ).to.deep.equal(rows);
      expect(
        read.map(({ line }) => line),
        name,
      ).to.deep.equal(lines);
    }
  });

  it('cancels the batch of a file that is malformed, and names the line', async () => {
    const half = `[${JSON.stringify(goodRow())},\n{"iccid":`;
    for (const [name, text, at] of [
      ['bad.jsonl', `${JSON.stringify(goodRow())}\n{"iccid":"1",}`, 2],
      ['bad.json', `[${JSON.stringify(goodRow())}\n,x]`, 2],
      ['heading.csv', 'iccid,iccid\n1,2', 1],
    ] as const) {
      const error = await rejection(importFile(`bad-${name}`, await desk.file(name, text)));
      expect(error, name).to.include({ code: 'file-malformed' });
      expect((error as { context: { line: number } }).context.line, name).to.equal(at);
      expect(await desk.client.find(`bad-${name}`), name).to.include({ state: 'cancelled' });
    }
    // An array that does not end is no whole file.
    const error = await rejection(importFile('half', await desk.file('half.json', half)));
    expect(error).to.include({ code: 'file-malformed' });
  });

  it('takes parts twice, decides nothing while one is missing, and is committed once', async () => {
    const { batches } = desk;
    const rows = [goodRow(), goodRow()].map((values, index) => ({ line: index + 1, values }));
    const batch = { batchId: 'parts', modelId: 'uicc', transportKey: TRANSPORT };
    await batches.start(batch, 'o');
    await batches.start(batch, 'o');
    expect(await rejection(batches.start({ ...batch, modelId: 'jcop' }, 'o'))).to.include({ code: 'batch-taken' });
    await batches.addRows('parts', rows);
    await Promise.all([batches.addRows('parts', rows), batches.addRows('parts', rows.slice(1))]);
    expect(await batches.find('parts')).to.include({ state: 'receiving', rows: 2, badRows: 0 });
    expect(await rejection(batches.commit('parts', 3, 'o'))).to.include({ code: 'rows-missing' });
    const ended = await Promise.all([batches.commit('parts', 2, 'o'), batches.commit('parts', 2, 'o')]);
    expect(ended.map(({ state }) => state)).to.deep.equal(['imported', 'imported']);
    expect(await cardsOf('parts')).to.equal(2);
    expect(await rejection(batches.addRows('parts', rows))).to.include({ code: 'batch-ended' });
    expect(await rejection(batches.cancel('parts', 'o'))).to.include({ code: 'batch-ended' });
  });

  it('refuses models and keys that do not fit', async () => {
    const { batches } = desk;
    const start = { batchId: 'x', modelId: 'uicc' };
    expect(await rejection(batches.start(start, 'o'))).to.include({ code: 'transport-key' });
    expect(await rejection(batches.start({ ...start, modelId: 'none' }, 'o'))).to.include({ code: 'no-such-model' });
    const other = { profile: 'jcop', maker: 'm', isdAid: 'A000000003000000' };
    expect(await rejection(batches.putModel('uicc', other, 'o'))).to.include({ code: 'model-differs' });
    const unheard = { ...other, profile: 'unheard-of' };
    expect(await rejection(batches.putModel('y', unheard, 'o'))).to.include({ code: 'profile-unknown' });
    await batches.start({ ...start, batchId: 'no-key', transportKey: 'nobody' }, 'o');
    const rows = [{ line: 1, values: goodRow() }];
    expect(await rejection(batches.addRows('no-key', rows))).to.include({ code: 'no-such-key' });
    // The AID of the cards' domain is a provider's by now.
    const taken = { profile: 'uicc', maker: 'm', isdAid: 'F00000000055' };
    await batches.putModel('taken', taken, 'o');
    await batches.start({ batchId: 'taken', modelId: 'taken', transportKey: TRANSPORT }, 'o');
    await batches.addRows('taken', rows);
    const provider = { providerId: 'z', baseUrl: 'https://z', permissions: [], aids: ['F00000000055'] };
    await putProvider(lab.issuer.database, provider);
    expect(await rejection(batches.commit('taken', 1, 'o'))).to.include({ code: 'aid-taken' });
  });

  it('is a command that prints bad rows as FILE:LINE and ends with 1', async () => {
    const file = await desk.file('cli.csv', csvOf([goodRow(), { ...goodRow(), iccid: 'ABC' }]));
    const tsmOf = (verb: string, ...args: string[]) =>
      new Promise<{ code: unknown; out: string; err: string }>((resolve) => {
        const all = [join(ROOT, 'host/cli/tsm.mjs'), verb, ...args, '--config', desk.configFile];
        execFile(process.execPath, all, (error, out, err) => resolve({ code: error?.code ?? 0, out, err }));
      });
    const tsm = (...args: string[]) => tsmOf('card-batch', ...args);
    const batch = ['--batch', 'cli', '--model', 'uicc', '--transport-key', TRANSPORT];
    const taken = goodRow();
    const [wrong, refused, good] = await Promise.all([
      tsm('import', file, '--batch', 'cli'),
      tsm('import', file, ...batch),
      tsm('import', await desk.file('good.csv', csvOf([taken])), ...batch.with(1, 'cli-good')),
    ]);
    expect(wrong.code).to.equal(2);
    expect([refused.code, good.code]).to.deep.equal([1, 0]);
    expect(refused.out).to.contain(`${file}:3: iccid: want 18 to 20 digits`);
    expect(refused.err).to.match(/batch-refused: 1 rows are bad/);
    expect(good.out).to.match(/^cli-good +uicc +imported +1 rows, 0 bad/);
    const { iccid = '' } = taken;
    const [shown, nothing] = await Promise.all([
      tsmOf('secure-element', 'show', iccid),
      tsmOf('secure-element', 'registry', iccid, '--json'),
    ]);
    expect(JSON.parse(shown.out)).to.deep.include({ state: 'NEW', batchId: 'cli-good' });
    expect(JSON.parse(nothing.out)).to.have.property('entries').that.deep.equals([]);
  });

  it('knows an own domain’s row from a native one', () => {
    const key = { isdKeyReference: '1001', isdModulus: 'C1'.repeat(128), isdExponent: '010001' };
    const iccid = freshIccid();
    expect(checkRow({ iccid, ...key }, false)).to.have.property('row');
    expect(checkRow({ iccid, ...key }, true)).to.have.property('faults');
    expect(checkRow({ iccid, ...key, isdExponent: '' }, false)).to.have.property('faults');
    expect(checkRow({ eid: '89049032000000000000000000000042', ...key }, false)).to.have.property('faults');
  });
});
