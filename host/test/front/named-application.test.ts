// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { requireNamed } from '../../service/named-application.ts';

const has = { securityDomainAid: 'F00000000101', instanceAids: ['F06F70656E74736D5002', 'F06F70656E74736D5003'] };

/** What an app says of application and domain is compared where it is an AID, and is the app's own word else. */
describe('The application that an app names', () => {
  for (const named of [
    {},
    { appId: 'F06F70656E74736D5003', domain: 'F00000000101' },
    { appId: 'f06f70656e74736d5002' },
    { appId: 'com.example.wallet', domain: 'region north' },
    { domain: 'F0000000' },
    { domain: '4600001234' },
    { appId: 'd2761c0a54f84f2bb1d6c3a8e5907f14' },
    { appId: 'f47ac10b58cc4372a5670e02b2c3d479', domain: 'F1000000010000' },
  ])
    it(`may be ${JSON.stringify(named)}`, () => requireNamed(named, has));

  for (const named of [
    { appId: 'F00000000101' },
    { domain: 'F06F70656E74736D5002' },
    { appId: 'F06F70656E74736D50' },
    { appId: 'f06f70656e74736d5099' },
    { domain: 'A000000151000000' },
  ])
    it(`is refused as ${JSON.stringify(named)}`, () => {
      expect(() => requireNamed(named, has))
        .to.throw()
        .with.property('code', 'application-differs');
    });

  it('is not compared with what nobody knows', () => requireNamed({ appId: 'F00000000101' }, { instanceAids: [] }));
});
