// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { capApplets } from '../src/cap-applets.ts';
import { ToolchainError } from '../src/errors.ts';

const HEADER = Buffer.from('010011DECAFFED010204000107F0000000AA0100', 'hex');
const APPLET = Buffer.from('03000D0109F0000000AA010001010010', 'hex');
const OTHER = Buffer.from('03000D0109F0000000AA010001020010', 'hex');
const AID = 'F0000000AA01000101';

/** Entries as they are, not packed. */
function zip(parts: Readonly<Record<string, Buffer>>): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(parts)) {
    const head = Buffer.alloc(26);
    head.writeUInt32LE(content.length, 14);
    head.writeUInt32LE(content.length, 18);
    head.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(at, 10);
    directory.push(Buffer.from('504b01021400', 'hex'), head, place, Buffer.from(name));
    locals.push(Buffer.from('504b0304', 'hex'), head, Buffer.from(name), content);
    at += 30 + name.length + content.length;
  }
  const end = Buffer.alloc(22);
  end.write('504b0506', 'hex');
  end.writeUInt16LE(Object.keys(parts).length, 10);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...locals, ...directory, end]);
}

describe('applets of a CAP file', () => {
  it('are those of the package, whatever lies beside it', () => {
    const own = { 'a/javacard/Header.cap': HEADER, 'a/javacard/Applet.cap': APPLET };
    const mixed = zip({ 'APPLET-INF/x/Applet.cap': OTHER, 'Applet.cap': OTHER, ...own });
    expect(capApplets('a.cap', mixed)).to.deep.equal([AID]);
    expect(capApplets('a.cap', zip({ 'javacard/APPLET.CAP': APPLET }))).to.deep.equal([AID]);
    expect(capApplets('a.ijc', Buffer.concat([HEADER, APPLET]))).to.deep.equal([AID]);
  });

  it('are of one package', () => {
    for (const file of [
      zip({ 'a/javacard/Applet.cap': APPLET, 'b/javacard/Applet.cap': OTHER }),
      Buffer.concat([HEADER, APPLET, OTHER]),
    ])
      expect(() => capApplets('a.cap', file)).to.throw(ToolchainError, 'a.cap: is not a CAP file of one package');
    for (const file of [zip({ 'Applet.cap': APPLET }), HEADER])
      expect(() => capApplets('a.cap', file)).to.throw(ToolchainError, 'has no applet');
  });
});
