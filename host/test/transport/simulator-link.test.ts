// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { sharedSimulator } from '../../../simulator/src/index.ts';
import { TransportError } from '../../errors.ts';
import { DirectMonitor } from '../../transport/direct-monitor.ts';
import { runScript } from '../../transport/script-runner.ts';
import { TcpChannel } from '../../transport/tcp.ts';
import { AID } from '../../wire/gp/aid.ts';
import { responseData, toCardCommand } from '../../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { decodeFci, select } from '../../wire/gp/select.ts';
import { toHex } from '../../wire/hex.ts';
import { decodeIccid, readIccidCommands } from '../../wire/iccid.ts';
import { failure } from './framed-card.ts';

const SCRIPT = [...readIccidCommands, select(AID.ISSUER_SECURITY_DOMAIN), getData(DATA_OBJECT.CERTIFICATE)];

describe('direct link to a simulated card', function () {
  this.timeout(30_000);

  it('reads the ICCID, selects the ISD and fetches a certificate longer than one response', async () => {
    const simulator = await sharedSimulator();
    await using card = await simulator.insert('plain', { tcp: { port: 0 } });
    await using channel = await TcpChannel.open({ host: '127.0.0.1', port: card.tcpPort ?? 0 });
    expect(toHex(channel.atr)).to.equal(toHex(card.atr));
    const { responses, stopped, apdus } = await runScript(channel, SCRIPT.map(toCardCommand));
    expect(stopped).to.equal(false);
    expect(apdus).to.be.greaterThan(SCRIPT.length);
    const data = SCRIPT.map((command, index) => responseData(command, responses[index]));
    expect(decodeIccid(data[2] ?? new Uint8Array())).to.equal('89860012345678900011');
    expect(toHex(decodeFci(data[3] ?? new Uint8Array()).aid)).to.equal(toHex(AID.ISSUER_SECURITY_DOMAIN));
    expect(data[4]?.length).to.be.greaterThan(256);
  });

  it('ends with a typed error when the power goes at any command, and the monitor sees the card come back', async () => {
    const simulator = await sharedSimulator();
    await using card = await simulator.insert('plain', { tcp: { port: 0 } });
    await using monitor = new DirectMonitor({ desk: { host: '127.0.0.1', port: card.tcpPort ?? 0 } });
    const changed = (): Promise<void> =>
      new Promise((resolve) => {
        const stop = monitor.onChange(() => {
          stop();
          resolve();
        });
      });
    const present = async () => {
      while (monitor.readers[0]?.cardPresent !== true) await changed();
      return monitor.readers[0].insertion;
    };
    const seen = new Set<string>();
    for (let after = 0; after < 3; after += 1) {
      seen.add(await present());
      const channel = await monitor.open('desk');
      await card.cutPower({ afterApdus: after, when: 'before-response' });
      const { responses, failure: broken } = await runScript(channel, SCRIPT.map(toCardCommand));
      expect(responses).to.have.length(after);
      expect(broken).to.be.instanceOf(TransportError);
      expect(await failure(channel.transmit(new Uint8Array(4)))).to.be.instanceOf(TransportError);
      await channel.close();
      while (monitor.readers[0]?.cardPresent === true) await changed();
    }
    seen.add(await present());
    expect(seen.size).to.equal(4);
  });
});
