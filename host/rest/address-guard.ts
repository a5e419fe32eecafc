// SPDX-License-Identifier: Apache-2.0
import { lookup } from 'node:dns';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';
import { PolicyError, UsageError } from '../errors.ts';

/**
 * Addresses that a URL of somebody else may not lead this process to: its own machine, private and link-local networks,
 * what is no unicast address of the Internet (RFC 6890, 4193, 4291, 6052).
 */
const REFUSED: readonly string[] = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4'],
  // ::ffff:0:0/96 is left to the list of IPv4, which Node compares mapped addresses with.
  ...['::/128', '::1/128', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32', '2002::/16'],
  ...['fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
];

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits = ''] = network.split('/');
    if (isIP(address) === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (isIPv6(address) ? 128 : 32))
      throw new UsageError('network', `${network} is no network: want 10.0.0.0/8 or fd00::/8`, { network });
    list.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** Where connections to other people's addresses may go. */
export class AddressGuard {
  readonly #refused = listOf(REFUSED);
  readonly #allowed: BlockList;

  /** @param allow networks that are reached although they are none of the Internet's @throws UsageError `network` */
  constructor(allow: readonly string[] = []) {
    this.#allowed = listOf(allow);
  }

  permits(address: string): boolean {
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    return isIP(address) !== 0 && (this.#allowed.check(address, family) || !this.#refused.check(address, family));
  }

  /** @throws PolicyError `address-refused` for a host that is an address, and none that may be reached */
  requireHost(hostname: string): void {
    const address = hostname.replace(/^\[(.*)\]$/, '$1');
    if (isIP(address) !== 0 && !this.permits(address)) throw refused(hostname);
  }

  /**
   * A look-up for `net.connect`: the address that was looked at is the one that is connected to, so that a name cannot
   * change its mind in between.
   */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '', 0);
      const allowed = found.filter(({ address }) => this.permits(address));
      const [first] = allowed;
      if (first === undefined) return callback(refused(hostname) as NodeJS.ErrnoException, '', 0);
      if (options.all === true) return callback(null, allowed);
      return callback(null, first.address, first.family);
    });
  };
}

const refused = (hostname: string): PolicyError & { code: string } =>
  new PolicyError('address-refused', `${hostname.slice(0, 100)} is no address that may be reached from here`);
