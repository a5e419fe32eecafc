// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { CardInReader, openscTool, READER, runClient } from './fixture.ts';

/** Debian's opensc-tool, through pcscd: ATR, raw APDUs of a UICC and of GlobalPlatform. */
describe('opensc-tool', function () {
  this.timeout(60_000);
  if (openscTool === undefined) {
    it.skip('is not installed here');
    return;
  }
  const tool = openscTool;
  let reader: CardInReader;

  before(async () => {
    reader = await CardInReader.insert();
  });
  after(() => reader?.[Symbol.asyncDispose]());

  const run = (...args: readonly string[]) => runClient(tool, ['--reader', READER, ...args]);

  it('shows the ATR and the reader', async () => {
    const shown = await run('--atr');
    expect(shown.out.trim()).to.equal('3b:9f:96:80:1f:c7:80:31:e0:73:fe:21:1b:63:e2:08:a8:83:0f:90:00:89');
    const readers = await runClient(tool, ['--list-readers']);
    expect(readers.out).to.match(/^0 +Yes +Virtual PCD 00 00$/m);
  });

  it('sends a script of APDUs and gets each answer', async () => {
    const commands = [
      '00:A4:04:00:00',
      '80:CA:00:66:00',
      '80:CA:00:E0:00',
      '00:CA:00:42:00',
      '80:50:00:00:08:01:02:03:04:05:06:07:08:00',
    ];
    const { code, out } = await run(...commands.flatMap((command) => ['--send-apdu', command]));
    expect(code).to.equal(0);
    expect(out.match(/SW1=0x90, SW2=0x00/g)).to.have.lengthOf(commands.length);
  });

  it('reads EF.ICCID by the file system', async () => {
    const { out } = await run(...['00A40004023F00', '00A40004022FE2', '00B000000A'].flatMap((apdu) => ['-s', apdu]));
    expect(out).to.contain('98 68 00 21 43 65 87 09 00 11');
  });

  it('hears no from a card that refuses', async () => {
    const { out } = await run('-s', '80F28002024F0000', '-s', '00A4040007A0000000999999');
    expect(out).to.contain('SW1=0x69, SW2=0x82').and.to.contain('SW1=0x6A, SW2=0x82');
  });
});
