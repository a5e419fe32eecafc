// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { gateSeed, soakRuns } from '../../../setup/soak/runs.ts';
import { decodeCapFile } from '../../wire/cap/cap-file.ts';
import { ComponentReader } from '../../wire/cap/component-reader.ts';
import { methodsOf } from '../../wire/cap/instructions.ts';

const FOLDER = join(import.meta.dirname, '../../../build/cap');

/** Bytes of each method's code, as the Descriptor has them. @see JCVM 6.14 */
function bytecodeCounts(descriptor: Uint8Array): number[] {
  const reader = new ComponentReader(descriptor, 'Descriptor', 0x0b);
  return Array.from({ length: reader.u1() }, () => {
    const [, flags = 0] = reader.bytes(4);
    const interfaces = reader.u1();
    const fields = reader.u2();
    const methods = reader.u2();
    reader.bytes(2 * interfaces + 7 * fields);
    const counts = Array.from({ length: methods }, () => {
      reader.bytes(6);
      const count = reader.u2();
      reader.u4();
      return count;
    });
    return (flags & 0x40) === 0 ? counts : [];
  }).flat();
}

describe('The instructions of a CAP file', () => {
  it('are those of its methods, without a Descriptor as with one', () => {
    const names = readdirSync(FOLDER).filter((name) => name.endsWith('.cap'));
    expect(names.length).to.be.above(5);
    for (const name of names) {
      const { components } = decodeCapFile(new Uint8Array(readFileSync(join(FOLDER, name))));
      const method = new ComponentReader(components.get('Method') ?? new Uint8Array(), 'Method', 0x07).rest();
      const found = methodsOf(method).map((instructions) => instructions.reduce((sum, { length }) => sum + length, 0));
      const descriptor = components.get('Descriptor') ?? new Uint8Array();
      expect(found.toSorted(), name).to.deep.equal(bytecodeCounts(descriptor).toSorted());
    }
  });

  it('of whatever bytes end where these end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (info) => {
        const bytes = methodsOf(info).flat();
        expect(bytes.reduce((sum, { length }) => sum + length, 0)).to.be.at.most(info.length);
      }),
      { ...gateSeed, numRuns: soakRuns(2_000) },
    );
  });
});
