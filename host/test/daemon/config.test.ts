// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Type } from 'typebox';
import { daemonFields, FilePath, PeerEndpoint, readConfig } from '../../daemon/config.ts';
import { LiveTls } from '../../daemon/live-tls.ts';
import { UsageError } from '../../errors.ts';

const Config = Type.Object(
  {
    ...daemonFields,
    ota: PeerEndpoint,
    seeds: Type.Optional(Type.Array(Type.Object({ file: FilePath }, { additionalProperties: false }))),
  },
  { additionalProperties: false },
);

const GOOD = {
  listen: { host: '127.0.0.1', port: 0 },
  tls: { key: 'tls/key.pem', certificate: '/etc/tls/certificate.pem', authority: 'tls/authority.pem' },
  ota: { url: 'https://127.0.0.1:8443', role: 'ota', id: 'main' },
};

describe('daemon config', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-config-'));
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  async function read(text: string): Promise<unknown> {
    const file = join(folder, 'config.json');
    await writeFile(file, text);
    try {
      return await readConfig(file, Config);
    } catch (error) {
      return error;
    }
  }

  it('resolves file paths against the folder of the file, also inside lists', async () => {
    const config = (await read(JSON.stringify({ ...GOOD, seeds: [{ file: 'a.json' }] }))) as typeof GOOD & {
      seeds: { file: string }[];
    };
    expect(config.tls.key).to.equal(join(folder, 'tls/key.pem'));
    expect(config.tls.certificate).to.equal('/etc/tls/certificate.pem');
    expect(config.seeds[0]?.file).to.equal(join(folder, 'a.json'));
  });

  const bad: { name: string; change: object; field: string }[] = [
    { name: 'an unknown field', change: { lisen: {} }, field: '/lisen' },
    {
      name: 'an unknown field deeper down',
      change: { listen: { host: 'x', port: 1, backlog: 3 } },
      field: '/listen/backlog',
    },
    { name: 'a port out of range', change: { listen: { host: 'x', port: 70_000 } }, field: '/listen/port' },
    { name: 'a port as text', change: { listen: { host: 'x', port: '8443' } }, field: '/listen/port' },
    { name: 'a missing part', change: { ota: undefined }, field: '/ota' },
    { name: 'an unencrypted peer', change: { ota: { ...GOOD.ota, url: 'http://127.0.0.1:80' } }, field: '/ota/url' },
    { name: 'an unknown role', change: { ota: { ...GOOD.ota, role: 'root' } }, field: '/ota/role' },
  ];
  for (const { name, change, field } of bad) {
    it(`refuses ${name}, naming ${field}`, async () => {
      const error = (await read(JSON.stringify({ ...GOOD, ...change }))) as UsageError;
      expect(error).to.be.instanceOf(UsageError);
      expect(error.code).to.equal('config-field');
      expect(error.message).to.contain(field);
      expect(error.message).to.contain('config.json');
    });
  }

  it('refuses a file that is not JSON or not there', async () => {
    expect(((await read('{ "listen": ')) as UsageError).code).to.equal('config-json');
    expect(
      ((await readConfig(join(folder, 'none.json'), Config).catch((error: unknown) => error)) as UsageError).code,
    ).to.equal('config-file');
  });

  it('names the field of a TLS file that cannot be read', async () => {
    const tls = { key: join(folder, 'no.pem'), certificate: join(folder, 'no.pem'), authority: join(folder, 'no.pem') };
    const error = (await LiveTls.open(tls).catch((caught: unknown) => caught)) as UsageError;
    expect(error.message).to.match(/^\/tls\/(key|certificate|authority): cannot read/);
  });
});
