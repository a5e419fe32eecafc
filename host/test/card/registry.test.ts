// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { readRegistry, type SendCommand } from '../../card/registry.ts';
import { StatusWordError, WireError } from '../../errors.ts';
import { encodeTlv } from '../../wire/ber-tlv.ts';
import { aid, aidToHex } from '../../wire/gp/aid.ts';
import { REGISTRY } from '../../wire/gp/get-status.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';

/** A card that tells `registry` in pieces of these lengths. */
function cardThatCuts(registry: Uint8Array, lengths: readonly number[]): SendCommand {
  let offset = 0;
  let piece = 0;
  return async ({ p2 }) => {
    // P2 03 asks for the next occurrence; anything else would begin again.
    if ((p2 === 0x03) !== piece > 0) return { data: '', sw: '6A86' };
    const end = piece < lengths.length ? offset + (lengths[piece] ?? 0) : registry.length;
    const data = toHex(registry.slice(offset, end));
    offset = end;
    piece += 1;
    return { data, sw: offset >= registry.length ? '9000' : '6310' };
  };
}

const entry = (name: string, state: number): Uint8Array =>
  encodeTlv(0xe3, encodeTlv(0x4f, aid(name)), encodeTlv(0x9f70, Uint8Array.of(state)));

describe('reading the registry', () => {
  it('joins answers that are cut anywhere, also inside an entry', async () => {
    const entries = fc.array(fc.uint8Array({ minLength: 5, maxLength: 16 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(entries, fc.array(fc.nat(60), { maxLength: 8 }), async (names, lengths) => {
        const registry = concat(...names.map((name, index) => entry(toHex(name), index)));
        const found = await readRegistry(cardThatCuts(registry, lengths), REGISTRY.APPLICATIONS);
        expect(found.map((row) => [aidToHex(row.aid), row.lifeCycle])).to.deep.equal(
          names.map((name, index) => [toHex(name), index]),
        );
      }),
      { numRuns: soakRuns(500) },
    );
  });

  it('joins an entry that a card cuts behind its AID', async () => {
    const tail = '9F700101CC08F000000009010000';
    const registry = [1, 2, 3].map((end) => `E3184F08F00000000203010${end}${tail}`).join('');
    const behindSecondAid = 26 + 2 + 10;
    const found = await readRegistry(cardThatCuts(fromHex(registry), [behindSecondAid]), REGISTRY.APPLICATIONS);
    expect(found.map((row) => [aidToHex(row.aid), row.lifeCycle])).to.deep.equal(
      [1, 2, 3].map((end) => [`F00000000203010${end}`, 1]),
    );
  });

  it('gives no entries for a card that has none', async () => {
    expect(await readRegistry(async () => ({ data: '', sw: '6A88' }), REGISTRY.LOAD_FILES)).to.deep.equal([]);
  });

  for (const [name, send, error, code] of [
    ['a refusal', async () => ({ data: '', sw: '6982' }), StatusWordError, 'status-word'],
    ['a list that ends inside an entry', async () => ({ data: 'E3104F05', sw: '9000' }), WireError, 'tlv-truncated'],
    ['a list without end', async () => ({ data: 'E300', sw: '6310' }), WireError, 'get-status-endless'],
  ] as const) {
    it(`ends ${name} with a typed error`, async () => {
      const outcome: unknown = await readRegistry(send, REGISTRY.APPLICATIONS).catch((reason: unknown) => reason);
      expect(outcome).to.be.instanceOf(error).with.property('code', code);
    });
  }
});
