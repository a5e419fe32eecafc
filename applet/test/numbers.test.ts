// SPDX-License-Identifier: Apache-2.0
/** The numbers of the wire stand in `Gp.java` for the card and in `host/wire` for the host: they are the same. */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect } from 'chai';
import { AID, aidToHex } from '../../host/wire/gp/aid.ts';
import { CHA, HOLDER_REFERENCE_LENGTH, MAX_CERTIFICATE } from '../../host/wire/gp/certificate.ts';
import { INS } from '../../host/wire/gp/command.ts';
import { KEY_REFERENCE } from '../../host/wire/gp/key-reference.ts';
import { APPLICATION_STATE, CARD_STATE, LOCKED, SECURITY_DOMAIN_STATE } from '../../host/wire/gp/life-cycle.ts';
import { PRIVILEGE } from '../../host/wire/gp/privilege.ts';
import { SW } from '../../host/wire/status-word.ts';
import { javaBytes, javaNumbers } from './support/java-numbers.ts';

const repository = resolve(import.meta.dirname, '../..');
const applets = `${repository}/applet/securitydomain/src/org/opentsm/securitydomain`;
const simulator = `${repository}/simulator/java/src/main/java/org/opentsm/simulator`;
const gp = javaNumbers(`${applets}/Gp.java`);
const gpBytes = javaBytes(`${applets}/Gp.java`);

/** The names behind a prefix, with their values. */
function group(prefix: string): Record<string, number> {
  const names = [...gp].filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(names.map(([name, value]) => [name.slice(prefix.length), value]));
}

describe('The numbers of the card are those of the host:', () => {
  it('instructions', () => {
    const { GENERATE_KEY_PAIR, ...same } = group('INS_');
    expect(Object.keys(same)).to.have.length.of.at.least(14);
    expect(INS).to.include(same);
    expect(GENERATE_KEY_PAIR).equal(INS.GENERATE_ASYMMETRIC_KEY_PAIR);
  });

  it('status words', () => {
    const values = Object.values<number>(SW);
    const ownMeaning = ['SW_BYTES_REMAINING', 'SW_NO_OPEN'];
    const words = [...gp].filter(([name]) => name.startsWith('SW_') && !ownMeaning.includes(name));
    expect(words).to.have.length.of.at.least(15);
    for (const [name, value] of words) expect(values, name).to.include(value);
    expect(gp.get('SW_CONDITIONS')).equal(SW.CONDITIONS_NOT_SATISFIED);
    expect(gp.get('SW_SECURITY_STATUS')).equal(SW.SECURITY_STATUS_NOT_SATISFIED);
    expect(gp.get('SW_NOT_FOUND')).equal(SW.REFERENCED_DATA_NOT_FOUND);
    expect(gp.get('SW_MORE_DATA')).equal(SW.MORE_DATA_AVAILABLE);
  });

  it('life cycles', () => {
    expect(group('CARD_STATE_')).deep.equal(CARD_STATE);
    expect(group('DOMAIN_STATE_')).deep.equal(SECURITY_DOMAIN_STATE);
    expect(gp.get('STATE_LOCKED')).equal(LOCKED);
  });

  it('privileges', () => {
    const privileges = group('PRIVILEGE_');
    expect(privileges).not.deep.equal({});
    for (const [name, bit] of Object.entries(privileges)) {
      const host = Object.entries<number>(PRIVILEGE).find(([other]) => other === name)?.[1] ?? 0;
      // The card has a bit of one byte, whichever it is.
      const [own] = [host >> 16, host >> 8, host].map((byte) => byte & 0xff).filter((byte) => byte !== 0);
      expect(bit & 0xff, name).equal(own);
    }
  });

  it('key references and holder authorizations', () => {
    expect(gp.get('KID_TRUST_POINT')).equal(KEY_REFERENCE.TRUST_POINT.kid);
    expect(gp.get('KID_PAIR')).equal(KEY_REFERENCE.OWN_KEY_PAIR.kid);
    expect(gp.get('KVN_FIRST_PAIR')).equal(KEY_REFERENCE.INITIAL_KEY_PAIR.kvn);
    expect(gp.get('KVN_FIRST_PAIR')).not.equal(KEY_REFERENCE.OWN_KEY_PAIR.kvn);
    expect(gp.get('CHA_AUTHORITY')).equal(CHA.CERTIFICATION_AUTHORITY);
    expect(gp.get('CHA_OFF_CARD_ENTITY')).equal(CHA.OFF_CARD_ENTITY);
  });

  it('sizes', () => {
    expect(gp.get('HOLDER_LENGTH')).equal(HOLDER_REFERENCE_LENGTH);
    expect(gp.get('CERTIFICATE_MAX')).equal(MAX_CERTIFICATE);
  });

  it('AIDs, which the README and the build file have too', () => {
    expect(gpBytes.get('LOAD_FILE_AID')).equal(aidToHex(AID.SECURITY_DOMAIN_PACKAGE));
    const readme = readFileSync(`${repository}/applet/README.md`, 'utf8');
    for (const value of Object.values(AID)) expect(readme).to.include(`\`${aidToHex(value)}\``);
    expect(readme).to.include(`\`${gpBytes.get('OPEN_AID')}\``);
    const build = readFileSync(`${repository}/build.xml`, 'utf8');
    const base = aidToHex(AID.SECURITY_DOMAIN_PACKAGE);
    expect(build).to.include(`"securitydomain.aid" value="${base}"`);
    for (const [name, value] of [
      ['IssuerSecurityDomain', AID.ISSUER_SECURITY_DOMAIN_MODULE],
      ['SupplementarySecurityDomain', AID.SUPPLEMENTARY_SECURITY_DOMAIN_MODULE],
      ['ControllingAuthoritySecurityDomain', AID.CONTROLLING_AUTHORITY_SECURITY_DOMAIN_MODULE],
    ] as const) {
      const module = aidToHex(value);
      expect(module.slice(0, -2)).equal(base);
      expect(build).to.include(`.${name}" aid="\${securitydomain.aid}${module.slice(-2)}"`);
    }
  });
});

describe('The numbers of the simulated OPEN are those of the host:', () => {
  it('life cycles', () => {
    const open = javaNumbers(`${simulator}/open/LifeCycle.java`);
    expect(Object.fromEntries(open)).to.include({ ...CARD_STATE, ...APPLICATION_STATE });
    expect(javaNumbers(`${simulator}/open/RegistryEntry.java`).get('LOADED')).equal(1);
    expect(open.get('LOCKED_BIT')).equal(LOCKED);
  });

  it('AIDs', () => {
    const open = readFileSync(`${simulator}/open/Aids.java`, 'utf8');
    expect(open).to.include(`"${gpBytes.get('OPEN_AID')}"`);
    expect(open).to.include(`"${gpBytes.get('LOAD_FILE_AID')}"`);
  });
});

describe('The applets', () => {
  it('name every status word in Gp.java, and compare no life cycle with a number', () => {
    const files = readdirSync(applets).filter((name) => name.endsWith('.java') && name !== 'Gp.java');
    expect(files).to.have.length.of.at.least(20);
    for (const name of files) {
      const source = readFileSync(`${applets}/${name}`, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
      expect(source, name).not.match(/throwIt\(\(short\) 0x/);
      expect(source, name).not.match(/[Ss]tate(?:\([^)]*\))? [=!]= (?:\(byte\) )?0x/);
    }
  });
});
