import { type Static, Type } from 'typebox';
import { CardId } from '../../wire/message/common.ts';

/** Schemas that the operators' routes of both platforms share. */

const closed = { additionalProperties: false } as const;

export const CardParams = Type.Object(CardId.properties, closed);
export const cardIdOfParams = ({ kind, value }: Static<typeof CardParams>): CardId => ({ kind, value });

export const AuditRecords = Type.Array(
  Type.Object(
    {
      number: Type.Integer(),
      at: Type.String(),
      phase: Type.String(),
      act: Type.String(),
      subject: Type.String(),
      workflowId: Type.String(),
      numeral: Type.String(),
      details: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
      previousHash: Type.String(),
      hash: Type.String(),
    },
    closed,
  ),
);
