// SPDX-License-Identifier: Apache-2.0
import { Ajv, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import { expect } from 'chai';
import { Agent, FormData, request } from 'undici';
import { overlaid, type PublishedOperation } from './overlay.ts';

/** A client made from the published document: it sends what that describes and takes no answer that it does not. */

export interface Sent {
  readonly token?: string | undefined;
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly file?: { readonly name: string; readonly bytes: Uint8Array };
  readonly headers?: Readonly<Record<string, string>>;
  /** Behind the path. */
  readonly suffix?: string;
  /** In the place of the operation's. */
  readonly method?: string;
}

export interface Received {
  readonly status: number;
  readonly json: unknown;
  readonly bytes: Uint8Array;
  readonly headers: Readonly<Record<string, unknown>>;
}

export class PublishedClient {
  readonly #base: string;
  readonly #agent: Agent;
  readonly #ajv: Ajv;
  readonly #validators = new Map<string, ValidateFunction>();
  readonly operations = new Map<
    string,
    { readonly path: string; readonly method: string; readonly of: PublishedOperation }
  >();
  /** Operations that ended as they should at least once. */
  readonly done = new Set<string>();

  constructor(base: string, authority: string) {
    this.#base = base;
    this.#agent = new Agent({ connect: { ca: authority, checkServerIdentity: () => undefined } });
    const document = overlaid('tsms').document;
    for (const [path, methods] of Object.entries(document.paths))
      for (const [method, of] of Object.entries(methods)) this.operations.set(of.operationId, { path, method, of });
    this.#ajv = new Ajv({ strict: false, allErrors: true });
    addFormats.default(this.#ajv);
    for (const name of ['aid', 'version', 'tlv', 'binary']) this.#ajv.addFormat(name, true);
    this.#ajv.addSchema(document, 'tsms');
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  /** Sends one request, checks its body first and the answer then. */
  async call(operationId: string, sent: Sent = {}): Promise<Received> {
    const { path, method, of } = this.#operation(operationId);
    const schema = `paths/${escaped(path)}/${method}/requestBody/content/application~1json/schema`;
    if (sent.body !== undefined && of.requestBody?.content !== undefined) this.#require(schema, sent.body, operationId);
    const received = await this.send(operationId, sent);
    this.requireDescribed(operationId, received);
    expect(received.status, `${operationId} ${JSON.stringify(received.json)}`).to.be.lessThan(300);
    this.done.add(operationId);
    return received;
  }

  /** The same for a request that is to be refused with this category. */
  async refused(operationId: string, category: number, sent: Sent = {}): Promise<string> {
    const received = await this.send(operationId, sent);
    const { errorCategory, errorMessage } = received.json as { errorCategory: number; errorMessage: string };
    expect(errorCategory, `${operationId} ${errorMessage}`).to.equal(category);
    this.requireDescribed(operationId, received);
    return errorMessage;
  }

  async send(operationId: string, sent: Sent): Promise<Received> {
    const { path, of, ...operation } = this.#operation(operationId);
    const { token, params = {}, body, file, headers = {}, suffix = '', method = operation.method } = sent;
    const form = file === undefined ? undefined : formOf(of, file);
    const {
      statusCode,
      headers: answered,
      body: stream,
    } = await request(this.#base + filled(path, params) + suffix, {
      method: method.toUpperCase() as 'GET',
      dispatcher: this.#agent,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isWritten(body) ? body : JSON.stringify(body) }),
      ...(form === undefined ? {} : { body: form }),
    });
    const bytes = new Uint8Array(await stream.arrayBuffer());
    const isJson = String(answered['content-type']).startsWith('application/json');
    const json: unknown = isJson && bytes.length > 0 ? JSON.parse(new TextDecoder().decode(bytes)) : undefined;
    return { status: statusCode, json, bytes, headers: answered };
  }

  async sendForm(operationId: string, token: string, form: FormData): Promise<Received> {
    const { path, method } = this.#operation(operationId);
    return this.#exchange(method, path, token, form);
  }

  /** Any request at all. */
  async raw(method: string, path: string, token: string): Promise<Received> {
    return this.#exchange(method, path, token);
  }

  async #exchange(method: string, path: string, token: string, form?: FormData): Promise<Received> {
    const { statusCode, headers, body } = await request(this.#base + path, {
      method: method.toUpperCase() as 'GET',
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${token}` },
      ...(form === undefined ? {} : { body: form }),
    });
    const bytes = new Uint8Array(await body.arrayBuffer());
    return { status: statusCode, headers, bytes, json: form && JSON.parse(new TextDecoder().decode(bytes)) };
  }

  /** A JSON request to a path beside the published ones, from the root on. */
  async beside(
    method: 'GET' | 'PUT' | 'PATCH' | 'POST',
    path: string,
    sent: Pick<Sent, 'token' | 'body' | 'headers'> = {},
  ) {
    const { token, body, headers = {} } = sent;
    const answer = await request(new URL(path, this.#base), {
      method,
      dispatcher: this.#agent,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, json: text === '' ? undefined : JSON.parse(text) };
  }

  /** Its status is one of the operation's, and its body follows the schema of that status. */
  requireDescribed(operationId: string, { status, json, headers }: Received): void {
    const { path, method, of } = this.#operation(operationId);
    const response = of.responses[String(status)];
    expect(response, `${operationId} answered ${status}`).to.not.equal(undefined);
    const at = response?.$ref?.slice(2) ?? `paths/${escaped(path)}/${method}/responses/${status}`;
    if (json !== undefined) this.#require(`${at}/content/application~1json/schema`, json, operationId);
    else if (status === 200) expect(headers['content-type'], operationId).to.equal('application/octet-stream');
    else expect(status, operationId).to.equal(204);
  }

  #operation(operationId: string) {
    const found = this.operations.get(operationId);
    if (found === undefined) throw new Error(`no operation ${operationId}`);
    return found;
  }

  #require(pointer: string, value: unknown, what: string): void {
    const validate = this.#validators.get(pointer) ?? this.#ajv.compile({ $ref: `tsms#/${pointer}` });
    this.#validators.set(pointer, validate);
    expect(validate(value), `${what}: ${JSON.stringify(validate.errors)} in ${JSON.stringify(value)}`).to.equal(true);
  }
}

/** True for what goes out as it is. */
const isWritten = (body: unknown): body is string | Uint8Array =>
  typeof body === 'string' || body instanceof Uint8Array;

const escaped = (path: string): string => encodeURIComponent(path.replaceAll('~', '~0').replaceAll('/', '~1'));
const filled = (path: string, params: Readonly<Record<string, string>>): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? 'missing'));

function formOf(
  { requestBody }: PublishedOperation,
  file: { readonly name: string; readonly bytes: Uint8Array },
): FormData {
  const kind = { binaryELF: 'elf', binaryPersoScript: 'script', binaryCertificate: 'cert' }[
    requestBody?.$ref?.split('/').at(-1) ?? ''
  ];
  const form = new FormData();
  form.append(`${kind}Filename`, file.name);
  form.append(`${kind}File`, new Blob([new Uint8Array(file.bytes)], { type: 'application/octet-stream' }), file.name);
  return form;
}
