// SPDX-License-Identifier: Apache-2.0
import type { Logger } from 'pino';
import { Counter, Histogram, type Registry } from 'prom-client';
import { TsmError } from '../errors.ts';
import type { FlowSummary, FlowWatch } from '../service/durable-flow.ts';
import { runAs } from '../trace.ts';

const SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** Logs and counts what becomes of flows: their ends, what is tried again, what gives up. */
export function flowWatch({ logger, metrics }: { readonly logger: Logger; readonly metrics: Registry }): FlowWatch {
  const figures = flowFigures(metrics);
  return {
    onRetry: (error, attempt) => {
      const step = stepOf(error);
      figures.retries.inc({ step, code: error.code });
      logger.warn({ code: error.code, step, attempt }, 'step is tried again');
    },
    onFailure: (error) => {
      if (!(error instanceof TsmError)) return logger.error({ err: error }, 'step gave up');
      const { code, message } = error;
      return logger.warn({ code, step: stepOf(error), reason: message }, 'step gave up');
    },
    onEnded: (summary) => {
      figures.count(summary);
      const { kind, flow, provider, traceId, card, outcome, code, step = '', records, ms } = summary;
      const roundTrips = records.reduce((sum, record) => sum + record.roundTrips, 0);
      // The line is the flow's, whoever's call stack ended it.
      runAs({ traceId, flow, provider, step, ...(card === undefined ? {} : { card }) }, () =>
        logger.info({ kind, outcome, code, steps: records.length, roundTrips, ms }, 'flow finished'),
      );
    },
  };
}

function flowFigures(metrics: Registry) {
  const registers = [metrics];
  const ends = new Counter({
    name: 'opentsm_flows_total',
    help: 'flows that ended, by kind, outcome and the step at which they were refused or failed',
    labelNames: ['kind', 'outcome', 'step'],
    registers,
  });
  const seconds = new Histogram({
    name: 'opentsm_flow_seconds',
    help: 'time from the request of a flow to its end',
    labelNames: ['kind', 'outcome'],
    buckets: SECONDS,
    registers,
  });
  const stepSeconds = new Histogram({
    name: 'opentsm_step_seconds',
    help: 'time of the rows of flows, those of other platforms included',
    labelNames: ['step'],
    buckets: SECONDS,
    registers,
  });
  const retries = new Counter({
    name: 'opentsm_step_retries_total',
    help: 'steps that were tried again, by step and reason',
    labelNames: ['step', 'code'],
    registers,
  });
  const count = ({ kind, outcome, step = '', records, ms }: FlowSummary): void => {
    ends.inc({ kind, outcome, step });
    seconds.observe({ kind, outcome }, ms / 1_000);
    for (const record of records) stepSeconds.observe({ step: record.numeral }, record.ms / 1_000);
  };
  return { retries, count };
}

const stepOf = ({ context }: TsmError): string => (typeof context.numeral === 'string' ? context.numeral : '');
