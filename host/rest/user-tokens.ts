// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import { Agent, fetch } from 'undici';
import { TransportError, UsageError } from '../errors.ts';
import { AddressGuard } from './address-guard.ts';
import type { Peer } from './identity.ts';
import { RequestError } from './problem.ts';

/** Users of the app side, by the bearer tokens of one OAuth 2.0 / OpenID Connect issuer (RFC 6750, RFC 9068). */

export interface UserTokensOptions {
  /** `iss` of the tokens. */
  readonly issuer: string;
  /** One of `aud` of the tokens. */
  readonly audience: string;
  /** The issuer's public keys: where it publishes them, or a file of them (RFC 7517). */
  readonly jwksUrl?: string;
  readonly jwksFile?: string;
  /** Networks in which the publisher may be although they are none of the Internet's, `10.0.0.0/8`. */
  readonly allowNetworks?: readonly string[];
  /** Milliseconds since 1970; default the machine's clock. */
  readonly now?: () => number;
}

/** Signatures only, and none that a public key could be mistaken for the secret of. */
const ALGORITHMS = ['ES256', 'ES384', 'EdDSA', 'PS256', 'RS256'];
const CLOCK_TOLERANCE_S = 30;
/** A subject becomes part of names in logs and tables. */
const SUBJECT = /^[A-Za-z0-9._|@:-]{1,128}$/;
const BEARER = /^Bearer ([A-Za-z0-9._~+/-]{1,8192}=*)$/i;
const FETCH_MS = 5_000;
/** A token that was verified is believed for so long without another look at it, and never beyond its end. */
const BELIEVED_MS = 60_000;
/** Tokens that are remembered; beyond, the oldest is forgotten. */
const MAX_REMEMBERED = 10_000;

export class UserTokens {
  readonly #options: UserTokensOptions;
  readonly #keys: JWTVerifyGetKey;
  /** By SHA-256 of the token: no secret is kept. */
  readonly #verified = new Map<string, { readonly peer: Peer; readonly until: number }>();

  private constructor(options: UserTokensOptions, keys: JWTVerifyGetKey) {
    this.#options = options;
    this.#keys = keys;
  }

  /** @throws UsageError `config-field` when the keys cannot be had */
  static async open(options: UserTokensOptions): Promise<UserTokens> {
    const { jwksUrl, jwksFile } = options;
    if ((jwksUrl === undefined) === (jwksFile === undefined))
      throw new UsageError('config-field', '/users: name either jwksUrl or jwksFile', { field: '/users' });
    if (jwksUrl !== undefined) return new UserTokens(options, publishedKeys(jwksUrl, options.allowNetworks));
    try {
      return new UserTokens(options, createLocalJWKSet(JSON.parse(await readFile(jwksFile ?? '', 'utf8'))));
    } catch (error) {
      throw new UsageError(
        'config-field',
        `/users/jwksFile: ${jwksFile} holds no JSON Web Key Set: ${(error as Error).message}`,
        { field: '/users/jwksFile' },
        error,
      );
    }
  }

  /**
   * Who calls.
   *
   * @param authorization the header
   * @throws RequestError `token-missing`, `token-refused` (401) @throws TransportError while the issuer's keys are away
   */
  async userOf(authorization: string | undefined): Promise<Peer> {
    const [, token] = BEARER.exec(authorization ?? '') ?? [];
    if (token === undefined)
      throw new RequestError('token-missing', 'This route wants a bearer token of a user', [], 401);
    const { issuer, audience, now = Date.now } = this.#options;
    const name = createHash('sha256').update(token).digest('base64');
    const known = this.#verified.get(name);
    const at = now();
    if (known !== undefined && at < known.until) return known.peer;
    this.#verified.delete(name);
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        currentDate: new Date(at),
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE_S,
        requiredClaims: ['sub', 'exp', 'iat'],
      });
      if (!SUBJECT.test(payload.sub ?? '')) throw refused('its subject is no name that can be used here');
      const peer: Peer = { role: 'user', id: payload.sub ?? '', ...authenticationOf(payload) };
      this.#remember(name, { peer, until: Math.min((payload.exp ?? 0) * 1_000, at + BELIEVED_MS) });
      return peer;
    } catch (error) {
      throw typed(error);
    }
  }

  #remember(name: string, verified: { readonly peer: Peer; readonly until: number }): void {
    this.#verified.set(name, verified);
    const [oldest] = this.#verified.keys();
    if (this.#verified.size > MAX_REMEMBERED && oldest !== undefined) this.#verified.delete(oldest);
  }
}

/**
 * Keys from a URL, which leads to no machine beside us: the address that was looked at is the one that is asked.
 *
 * @throws PolicyError `address-refused` @throws UsageError `network`
 */
function publishedKeys(jwksUrl: string, allowNetworks?: readonly string[]): JWTVerifyGetKey {
  const url = new URL(jwksUrl);
  const guard = new AddressGuard(allowNetworks);
  guard.requireHost(url.hostname);
  const dispatcher = new Agent({ connect: { lookup: guard.lookup, timeout: FETCH_MS } });
  return createRemoteJWKSet(url, {
    timeoutDuration: FETCH_MS,
    [customFetch]: (address, { method, redirect, headers, signal }) =>
      fetch(address, { method, redirect, headers: [...headers], signal, dispatcher }) as unknown as Promise<Response>,
  });
}

/** Claims of another form are none. */
function authenticationOf({ acr, amr, auth_time: authTime }: JWTPayload): Pick<Peer, 'authentication'> {
  const means = Array.isArray(amr) ? amr.filter((name) => typeof name === 'string') : [];
  const claims = {
    ...(typeof acr === 'string' ? { acr } : {}),
    ...(typeof authTime === 'number' ? { authTime } : {}),
  };
  return means.length + Object.keys(claims).length === 0 ? {} : { authentication: { ...claims, amr: means } };
}

const refused = (why: string): RequestError =>
  new RequestError('token-refused', `The bearer token is not accepted: ${why}`, [], 401);

/** No keys came: jose has a class for silence alone; an answer that is none is its general one. */
const isAway = (error: unknown): boolean =>
  error instanceof errors.JWKSTimeout ||
  error instanceof errors.JWKSInvalid ||
  (error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC') ||
  (error instanceof TypeError && error.message.includes('fetch'));

function typed(error: unknown): unknown {
  if (isAway(error))
    return new TransportError(
      'token-issuer-away',
      "The keys of the users' issuer cannot be had now: try again",
      {},
      error,
    );
  if (error instanceof errors.JWTExpired) return refused('it has expired');
  if (error instanceof errors.JWTClaimValidationFailed)
    return refused(`its ${error.claim} is not the one that is wanted`);
  return error instanceof errors.JOSEError ? refused('it is no token of our issuer') : error;
}
