// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { TsmError } from '../../errors.ts';
import { unprotectResponse } from '../../secure-channel/scp80/response-packet.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { decodeCompactResponse } from '../../wire/uicc/compact-script.ts';
import { decodeExpandedResponse } from '../../wire/uicc/expanded-response.ts';
import { isRefusal } from '../../wire/uicc/response-status.ts';
import { type PacketVector, vectorCommand, vectorKeys } from './scp80-fixture.ts';

/**
 * Proofs of receipt in all forms that cards send, whether as asked or with less: what is taken, and as what. Whether
 * one came in a deliver report or in a message of the card's own makes no difference here.
 */

interface FormVector extends PacketVector {
  readonly authenticated?: boolean;
  /** Code of the error. */
  readonly refused?: string;
}

const forms: readonly FormVector[] = JSON.parse(
  readFileSync(new URL('../vectors/uicc/response-forms.json', import.meta.url), 'utf8'),
);

function outcome(form: FormVector) {
  const { response = '', data, ...rest } = form;
  try {
    const command = vectorCommand({ ...rest, data: data ?? '' });
    const got = unprotectResponse(fromHex(response), command, vectorKeys(form));
    return { status: got.status, responseData: toHex(got.data), authenticated: got.authenticated };
  } catch (error) {
    if (error instanceof TsmError) return { refused: error.code };
    throw error;
  }
}

describe('A proof of receipt', () => {
  it('is read in each form that cards send', () => {
    for (const form of forms) {
      const { name, status, responseData, authenticated, refused } = form;
      const expected = refused === undefined ? { status, responseData, authenticated } : { refused };
      expect(outcome(form), name).to.deep.equal(expected);
    }
  });

  it('without a checksum that was asked for tells a refusal at most, whatever its status is', () => {
    for (const spi of ['1609', '1619', '1629', '1639'])
      for (let status = 0; status < 0x100; status += 1) {
        const response = `027100000B0AB00011000000000000${toHex(Uint8Array.of(status))}`;
        const form = { ...(forms[0] ?? expect.fail('no vectors')), spi, response };
        const refusal = { status, responseData: '', authenticated: false };
        expect(outcome(form)).to.deep.equal(isRefusal(status) ? refusal : { refused: 'packet-checksum' });
      }
  });

  it('holds the answers of a script in either format', () => {
    const data = forms.map(({ responseData = '' }) => responseData).filter((text) => text !== '');
    const expanded = data.filter((text) => /^A[BF]/.test(text)).map((text) => decodeExpandedResponse(fromHex(text)));
    expect(expanded.map(({ form, items }) => [form, items.length])).to.deep.equal([
      ['definite', 1],
      ['indefinite', 1],
    ]);
    const compact = data.filter((text) => !/^A[BF]/.test(text)).map((text) => decodeCompactResponse(fromHex(text)));
    expect(new Set(compact.map(({ executed, sw }) => `${executed} ${sw.toString(16)}`))).to.deep.equal(
      new Set(['1 6132', '2 9000', '1 9000']),
    );
  });
});
