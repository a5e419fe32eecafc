// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { CertificateError } from '../../errors.ts';
import { isAllowed, type Peer, peerOfAltNames, peerUri } from '../../rest/identity.ts';

const ALICE: Peer = { role: 'operator', id: 'alice', platform: { role: 'provider', id: 'a' } };

describe('peer names', () => {
  const peers: readonly Peer[] = [{ role: 'provider', id: 'a' }, { role: 'kms', id: 'provider-a.1_x' }, ALICE];
  for (const peer of peers) {
    it(`reads ${peerUri(peer)} back`, () => {
      expect(peerOfAltNames(`URI:${peerUri(peer)}, DNS:localhost`)).to.deep.equal(peer);
    });
  }

  const wrong: readonly { name: string; alt: string | undefined }[] = [
    { name: 'an operator of no platform', alt: 'URI:urn:opentsm:operator:alice' },
    { name: 'an operator of an operator', alt: 'URI:urn:opentsm:operator:operator:bob/alice' },
    { name: 'an operator of an unknown role', alt: 'URI:urn:opentsm:operator:world:a/alice' },
    { name: 'an operator of every platform', alt: 'URI:urn:opentsm:operator:provider:*/alice' },
    { name: 'a provider with a slash', alt: 'URI:urn:opentsm:provider:a/alice' },
    { name: 'two names', alt: 'URI:urn:opentsm:provider:a, URI:urn:opentsm:issuer:main' },
    { name: 'a name with a line break', alt: 'URI:urn:opentsm:provider:a\n' },
    { name: 'no name', alt: undefined },
  ];
  for (const { name, alt } of wrong) {
    it(`refuses ${name}`, () => {
      expect(() => peerOfAltNames(alt)).to.throw(CertificateError);
    });
  }

  it('lets an operator in at his own platform only', () => {
    expect(isAllowed(['operator'], ALICE, { role: 'provider', id: 'a' })).to.equal(true);
    for (const self of [{ role: 'provider', id: 'b' } as const, { role: 'issuer', id: 'a' } as const]) {
      expect(isAllowed(['operator'], ALICE, self)).to.equal(false);
    }
  });

  it('takes no operator for a peer of the same id', () => {
    expect(isAllowed(['provider', 'operator:alice'], ALICE, { role: 'provider', id: 'a' })).to.equal(false);
  });
});
