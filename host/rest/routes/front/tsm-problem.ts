// SPDX-License-Identifier: Apache-2.0
import type { preSerializationAsyncHookHandler } from 'fastify';
import { Check } from 'typebox/value';
import { statusOfRefusal } from '../../../service/tsm-refusal.ts';
import { Problem } from '../../../wire/message/common.ts';
import { problemCode } from '../../problem.ts';

/** Adds the guideline's number to a problem that has none: of the schema, the token, the rates or a peer. */
export const numberProblems: preSerializationAsyncHookHandler = async (_request, reply, payload) => {
  if (reply.statusCode < 400 || !Check(Problem, payload)) return payload;
  const context = Object((payload as { readonly context?: unknown }).context);
  if (context.executionStatus !== undefined) return payload;
  const behind = typeof context.status === 'number' ? context.status : undefined;
  const { type, status } = payload;
  const executionStatus = statusOfRefusal({ code: problemCode(type), status, behind });
  return { ...payload, context: { ...context, executionStatus } };
};
