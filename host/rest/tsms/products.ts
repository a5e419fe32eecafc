// SPDX-License-Identifier: Apache-2.0
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type {
  AttributeBook,
  ExpectedRevision,
  KeptAttributes,
} from '../../service/provider/services/kept-attributes.ts';
import { CardId } from '../../wire/message/common.ts';
import { MergeAttributes, ProductAttributes, ReplaceAttributes } from '../../wire/message/product-attributes.ts';
import { Uuid } from '../../wire/message/service-instance.ts';
import { RequestError } from '../problem.ts';
import { parseJson } from './json-body.ts';
import { checked, providerOf } from './own-request.ts';

const ProductParams = Type.Object({ ...CardId.properties, serviceId: Uuid }, { additionalProperties: false });
/** The ETag of the GET, or `*`. */
const IfMatch = Type.Object({ 'if-match': Type.String() });
const PATH = '/ext/1/products/:kind/:value/:serviceId';
const MERGE_PATCH = 'application/merge-patch+json';

/** Products on cards as their service provider sees them: state and private attributes, with an ETag. */
export function productRoutes(own: FastifyInstance, book: AttributeBook): void {
  own.addContentTypeParser(MERGE_PATCH, { parseAs: 'buffer' }, (request, bytes, done) => {
    try {
      done(null, parseJson(request, Buffer.from(bytes)));
    } catch {
      done(new RequestError('invalid-request', 'the request body has to be a JSON text in UTF-8'));
    }
  });
  const known = { params: ProductParams, response: { 200: ProductAttributes } };
  own.get(PATH, { schema: known }, async (request, reply) => {
    const { spId } = providerOf(request);
    return answer(await book.get(spId, keyOf(request)), reply);
  });
  own.put(PATH, { schema: { ...known, headers: IfMatch, body: ReplaceAttributes } }, async (request, reply) => {
    const { spId } = providerOf(request);
    const [key, { attributes }] = [keyOf(request), checked(ReplaceAttributes, request.body)];
    return answer(await book.replace(spId, key, expected(request), attributes), reply);
  });
  own.patch(PATH, { schema: { ...known, headers: IfMatch, body: MergeAttributes } }, async (request, reply) => {
    const { spId } = providerOf(request);
    const [key, { attributes }] = [keyOf(request), checked(MergeAttributes, request.body)];
    return answer(await book.merge(spId, key, expected(request), attributes), reply);
  });
}

function keyOf({ params }: FastifyRequest) {
  const { serviceId, kind, value } = checked(ProductParams, params);
  return { serviceId, cardId: { kind, value } };
}

const tagOf = (revision: number): string => `"${revision}"`;

function answer(kept: KeptAttributes | undefined, reply: FastifyReply) {
  if (kept === undefined)
    throw new RequestError('revision-changed', 'the product was changed meanwhile: GET it, and try again', [], 412);
  reply.header('etag', tagOf(kept.revision));
  return kept.product;
}

/** What `if-match` lets pass; a weak tag is never the same. @see RFC 9110, 13.1.1 */
function expected({ headers }: FastifyRequest): ExpectedRevision {
  const wanted = headers['if-match'];
  if (wanted === undefined)
    throw new RequestError('precondition-required', 'a change needs if-match with the ETag of the GET', [], 428);
  if (wanted.trim() === '*') return () => true;
  const tags = new Set(wanted.split(',').map((tag) => tag.trim()));
  return (revision) => tags.has(tagOf(revision));
}
