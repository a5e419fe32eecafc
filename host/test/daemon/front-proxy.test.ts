// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { expect } from 'chai';
import pino from 'pino';
import { Registry } from 'prom-client';
import { openProxy } from '../../daemon/front-proxy.ts';
import { testPki } from '../rest/fixture.ts';

describe('the proxy of the front', () => {
  it('shows a certificate that was read again to whoever connects then', async () => {
    const pki = await testPki();
    const [old, renewed] = [
      await pki.identity({ role: 'front', id: 'p' }),
      await pki.identity({ role: 'front', id: 'q' }),
    ];
    const tls = { ...old };
    const proxy = await openProxy(
      { listen: { host: '127.0.0.1', port: 0 }, routes: [], pools: {} },
      {
        tls,
        logger: pino({ level: 'silent' }),
        metrics: new Registry(),
        beats: { heard: () => [] },
        users: { userOf: async () => expect.fail() },
      },
    );
    const shown = async (): Promise<string> => {
      const socket = connect({
        host: '127.0.0.1',
        port: proxy.port,
        ca: old.authority,
        checkServerIdentity: () => undefined,
      });
      await once(socket, 'secureConnect');
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    const serialOf = ({ certificate }: typeof old): string => new X509Certificate(certificate).serialNumber;
    try {
      await proxy.listen();
      expect(await shown()).to.equal(serialOf(old));
      Object.assign(tls, renewed);
      expect(await shown()).to.equal(serialOf(old));
      proxy.reload();
      expect(await shown()).to.equal(serialOf(renewed));
    } finally {
      await proxy.close();
    }
  });
});
