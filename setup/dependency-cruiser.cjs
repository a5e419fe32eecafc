// SPDX-License-Identifier: Apache-2.0
/**
 * One direction (host/README.md): errors, trace, wire, crypto <- transport <- secure-channel <- card <- kms <- store
 * <- workflow <- service <- rest <- bearer <- daemon <- local <- lab <- cli, demo. A folder imports only what
 * stands left of it.
 */
const layers = [
  ['errors', '^host/errors\\.ts$'],
  ['trace', '^host/trace\\.ts$'],
  ['wire', '^host/wire/'],
  ['crypto', '^host/crypto/'],
  ['transport', '^host/transport/'],
  ['secure-channel', '^host/secure-channel/'],
  ['card', '^host/card/'],
  ['kms', '^host/kms/'],
  ['store', '^host/store/'],
  ['workflow', '^host/workflow/'],
  ['service', '^host/service/'],
  ['rest', '^host/rest/'],
  ['bearer', '^host/bearer/'],
  ['daemon', '^host/daemon/'],
  ['local', '^host/local/'],
  ['lab', '^host/lab/'],
  ['cli', '^host/(cli|demo)/'],
];

module.exports = {
  forbidden: [
    ...layers.map(([name, path], index) => ({
      name: `no-back-arrow-from-${name}`,
      severity: 'error',
      comment: `${name} may import only what stands left of it`,
      from: { path },
      to: { path: layers.slice(index + 1).map(([, later]) => later) },
    })),
    {
      name: 'engine-knows-no-flow',
      severity: 'error',
      comment: 'workflow/engine runs any flow',
      from: { path: '^host/workflow/engine/' },
      to: { path: '^host/workflow/[^/]+/', pathNot: '^host/workflow/engine/' },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'simulator-alone',
      severity: 'error',
      comment: 'the simulator knows of the host only the CardChannel interface',
      from: { path: '^simulator/', pathNot: '^simulator/test/' },
      to: { path: '^host/', pathNot: '^host/transport/card-channel\\.ts$' },
    },
    {
      name: 'tests-are-not-imported',
      severity: 'error',
      from: { pathNot: '(^(host|applet|simulator|toolchain)/test/|\\.test\\.ts$)' },
      to: { path: '^(host|applet|simulator|toolchain)/test/' },
    },
  ].filter((rule) => !Array.isArray(rule.to.path) || rule.to.path.length > 0),
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(node_modules|/target/|/build/)' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.cjs'],
      conditionNames: ['import', 'types', 'default'],
      exportsFields: ['exports'],
    },
  },
};
