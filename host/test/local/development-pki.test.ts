// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openDevelopmentPki } from '../../local/development-pki.ts';

describe('development PKI', () => {
  it('makes one key and certificate for all who ask for a peer at once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'opentsm-pki-'));
    try {
      const pki = await openDevelopmentPki(folder);
      const identities = await Promise.all(Array.from({ length: 5 }, () => pki.identity({ role: 'ota', id: 'main' })));
      expect(new Set(identities.map(({ certificate }) => certificate)).size).to.equal(1);
      for (const { key, certificate } of identities)
        expect(new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))).to.equal(true);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
