// SPDX-License-Identifier: Apache-2.0
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import type { TSchema } from 'typebox';
import { OperatorConfig } from '../../cli/flow-client.ts';
import { readConfig } from '../../daemon/config.ts';
import { FrontConfig } from '../../daemon/front.ts';
import { IssuerConfig } from '../../daemon/issuer.ts';
import { KmsConfig } from '../../daemon/kms.ts';
import { OtaConfig } from '../../daemon/ota.ts';
import { ProviderConfig } from '../../daemon/provider.ts';
import { TerminalConfig } from '../../daemon/terminal.ts';

const EXAMPLES = new URL('../../../deploy/examples/', import.meta.url).pathname;
const SCHEMAS: Readonly<Record<string, TSchema>> = {
  issuer: IssuerConfig,
  provider: ProviderConfig,
  ota: OtaConfig,
  terminal: TerminalConfig,
  front: FrontConfig,
  'kms-issuer': KmsConfig,
  'kms-provider': KmsConfig,
  'kms-provider-hsm': KmsConfig,
  'kms-ota': KmsConfig,
  operator: OperatorConfig,
};

describe('example configs', () => {
  it('there is one for each daemon, and for operators', async () => {
    const files = (await readdir(EXAMPLES)).filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5));
    expect(files.sort()).to.deep.equal(Object.keys(SCHEMAS).sort());
  });

  it('where three nodes of each run name all of them, and all but the KMS and terminals their own', async () => {
    const folder = join(EXAMPLES, 'three-nodes');
    const files = await readdir(folder);
    expect(files.sort()).to.deep.equal(
      ['front', 'issuer', 'kms-issuer', 'ota', 'provider', 'terminal'].map((name) => `${name}.json`),
    );
    for (const file of files) {
      const name = file.slice(0, -5);
      const config = await readConfig(join(folder, file), SCHEMAS[name] ?? expect.fail(name));
      const peers = [...JSON.stringify(config).matchAll(/"url":"(https:\/\/[^"]*)","role"/g)].map(
        ([, url = '']) => url,
      );
      for (const url of peers) expect(url.split(' '), `${file}: ${url}`).to.have.length(3);
      if (name !== 'kms-issuer') expect(peers, file).not.to.deep.equal([]);
      if (!['kms-issuer', 'terminal'].includes(name)) expect(Object(config).nodeId, file).to.match(/-1$/);
    }
  });

  it('let no platform’s process say which pairs are cards’', async () => {
    const files = (await readdir(EXAMPLES, { recursive: true })).filter((name) => name.includes('kms-'));
    expect(files).to.have.length(5);
    for (const file of files)
      expect(await readConfig(join(EXAMPLES, file), KmsConfig), file).not.to.have.property('allowWithoutAttestation');
  });

  for (const [name, schema] of Object.entries(SCHEMAS)) {
    it(`${name}.json is a config that the daemon takes`, async () => {
      expect(await readConfig(join(EXAMPLES, `${name}.json`), schema)).to.be.an('object');
    });
  }
});
