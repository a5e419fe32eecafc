// SPDX-License-Identifier: Apache-2.0
/** DAP and Mandated DAP by keys of the domains' own (GPCS 9.2.1, C.3, 11.6.2.3). */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { antJavacard, ROOT } from '../../toolchain/test/run.ts';
import { loadFileDataBlock } from '../../toolchain/test/zip.ts';
import { aesSigner, putContentKey, type Signer, signers, withToken } from './support/content.ts';
import { DelegationCard } from './support/delegation-card.ts';
import { tlv } from './support/tlv.ts';

const PROBE = 'F000000001';
const VERIFIER = 'F06F70656E74736D5321';
const MANDATED = 'F06F70656E74736D5322';

describe('DAP', function () {
  this.timeout(120_000);
  let folder: string;
  let card: DelegationCard;
  let block: Buffer;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'opentsm-dap-'));
    const run = antJavacard([`-Dcap.dir=${folder}`, '-f', join(ROOT, 'simulator/test/fixture/test-caps.xml')], ROOT);
    expect(run.code, run.err + run.out).to.equal(0);
    block = loadFileDataBlock(readFileSync(join(folder, 'probe.cap')));
    card = await DelegationCard.open();
    await card.makeDomain(VERIFIER, 'C08000');
  });
  after(async () => {
    await card?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const hash = (): Buffer => createHash('sha256').update(block).digest();
  const dap = (domain: string, signature: Buffer): Buffer => tlv('E2', tlv('4F', domain), tlv('C3', signature));

  /** The issuer loads into a domain; answers what the last LOAD says, and takes the file away again. */
  async function load(domain: string, daps: Buffer): Promise<string> {
    const issuer = await card.issuer();
    await issuer.ok('80E60200', withToken(card.loadFields(block, domain)));
    const answer = await card.blocks(issuer, block, daps);
    if (answer === '00') await issuer.ok('80E40000', tlv('4F', PROBE));
    return answer;
  }

  async function dapKey(domain: string, signer: Signer): Promise<void> {
    await putContentKey(await card.session(domain), '73', signer);
  }

  for (const signer of signers())
    it(`under ${signer.name} lets the right file in, and no other`, async () => {
      await dapKey(VERIFIER, signer);
      const good = signer.sign(hash());
      expect(await load(VERIFIER, dap(VERIFIER, good))).equal('00');
      const flipped = Buffer.from(good.map((byte, at) => (at === good.length - 1 ? byte ^ 1 : byte)));
      for (const wrong of [flipped, good.subarray(1), signer.sign(Buffer.concat([hash(), Buffer.of(0)]))])
        expect(await load(VERIFIER, dap(VERIFIER, wrong))).equal('6985');
      expect(await load(VERIFIER, Buffer.alloc(0)), 'none').equal('6985');
      expect(await load('', Buffer.alloc(0)), 'a file of the issuer’s needs none').equal('00');
    });

  it('is not one by a token key, nor by a domain without the privilege', async () => {
    const [token, own] = [aesSigner(16), aesSigner(16)];
    await dapKey(VERIFIER, own);
    await putContentKey(await card.issuer(), '70', token);
    expect(await load(VERIFIER, dap(VERIFIER, token.sign(hash())))).equal('6985');
    await putContentKey(await card.issuer(), '73', own);
    expect(await load('', dap('A000000151000000', own.sign(hash())))).equal('6985');
  });

  it('that is mandated is wanted for every file, beside that of the file’s own domain', async () => {
    await card.makeDomain(MANDATED, 'C18000');
    const [all, own] = [aesSigner(32), aesSigner(16)];
    await dapKey(MANDATED, all);
    await dapKey(VERIFIER, own);
    const mandated = dap(MANDATED, all.sign(hash()));
    expect(await load('', Buffer.alloc(0))).equal('6985');
    expect(await load('', mandated)).equal('00');
    expect(await load(VERIFIER, mandated)).equal('6985');
    expect(await load(VERIFIER, Buffer.concat([mandated, dap(VERIFIER, own.sign(hash()))]))).equal('00');
    expect(await load(VERIFIER, Buffer.concat([dap(MANDATED, own.sign(hash())), mandated]))).equal('6985');
  });
});
