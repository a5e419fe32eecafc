// SPDX-License-Identifier: Apache-2.0
import { nextOf, readsOf, type ServiceScript, targetsOf, writesOf } from './service-script.ts';

/**
 * What is wrong with a script beside its form: steps that are named and not there, that nothing comes to, that never
 * end, that are come to more often than they may, or that use a value that may not be there yet.
 */
export function scriptFindings(script: ServiceScript): string[] {
  const missing = missingSteps(script);
  // The rest follows the steps, so they have to be there.
  if (missing.length > 0) return missing;
  return [...unreached(script), ...endless(script), ...unbounded(script), ...unset(script)];
}

function missingSteps({ start, steps }: ServiceScript): string[] {
  const has = (name: string): boolean => Object.hasOwn(steps, name);
  const named = Object.entries(steps).flatMap(([from, step]) => targetsOf(step).map((to) => [from, to] as const));
  return [
    ...(has(start) ? [] : [`start: there is no step ${start}`]),
    ...named.filter(([, to]) => !has(to)).map(([from, to]) => `${from}: there is no step ${to}`),
  ];
}

/** All steps that can be come to from these. */
function reached({ steps }: ServiceScript, from: readonly string[], follow = targetsOf): Set<string> {
  const seen = new Set<string>();
  const left = [...from];
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    const step = steps[name];
    if (seen.has(name) || step === undefined) continue;
    seen.add(name);
    left.push(...follow(step));
  }
  return seen;
}

function unreached(script: ServiceScript): string[] {
  const seen = reached(script, [script.start]);
  return Object.keys(script.steps)
    .filter((name) => !seen.has(name))
    .map((name) => `${name}: nothing comes to this step`);
}

function endless(script: ServiceScript): string[] {
  return Object.keys(script.steps)
    .filter((name) => ![...reached(script, [name], nextOf)].some((other) => 'end' in (script.steps[other] ?? {})))
    .map((name) => `${name}: no end can be come to from here`);
}

/** A step in a circle says how often it may be come to. */
function unbounded(script: ServiceScript): string[] {
  return Object.entries(script.steps)
    .filter(([name, step]) => reached(script, nextOf(step), nextOf).has(name) && !('max' in step))
    .map(([name]) => `${name}: is in a loop and has no max`);
}

/** Values that stand on every way to a step: shrinks until nothing changes. */
function unset(script: ServiceScript): string[] {
  const { steps, inputs, start } = script;
  const known = new Map<string, Set<string>>([[start, new Set(Object.keys(inputs))]]);
  const left = [start];
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    const step = steps[name];
    if (step === undefined) continue;
    const after = new Set([...(known.get(name) ?? []), ...writesOf(step)]);
    for (const target of targetsOf(step)) {
      const before = known.get(target);
      const both = before === undefined ? after : new Set([...before].filter((value) => after.has(value)));
      if (before !== undefined && both.size === before.size) continue;
      known.set(target, new Set(both));
      left.push(target);
    }
  }
  return Object.entries(steps).flatMap(([name, step]) =>
    readsOf(step)
      .filter((value) => known.get(name)?.has(value) === false)
      .map((value) => `${name}: ${value} may have no value here`),
  );
}

/** The script as a graph, in the DOT language of Graphviz. */
export function scriptGraph({ name, start, steps }: ServiceScript): string {
  const lines = Object.entries(steps).flatMap(([from, step]) => {
    const shape = 'end' in step ? 'doublecircle' : 'if' in step ? 'diamond' : 'box';
    const edges =
      'accept' in step
        ? Object.entries(step.accept).map(([sw, to]) => [to, sw])
        : 'yes' in step
          ? [
              [step.yes, 'yes'],
              [step.no, 'no'],
            ]
          : nextOf(step).map((to) => [to, '']);
    const undo =
      'effect' in step && step.effect !== undefined
        ? [`  "${from}" -> "${step.effect.compensation}" [style=dashed, label="${step.effect.kind}"];`]
        : [];
    return [
      `  "${from}" [shape=${shape}];`,
      ...edges.map(([to, label]) => `  "${from}" -> "${to}"${label === '' ? '' : ` [label="${label}"]`};`),
      ...undo,
    ];
  });
  return [`digraph "${name}" {`, `  start [shape=point];`, `  start -> "${start}";`, ...lines, '}', ''].join('\n');
}
