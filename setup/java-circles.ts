// SPDX-License-Identifier: Apache-2.0

/**
 * Classes of one package that may need each other in a ring, by package: what stood so when the rule was made. A ring
 * is opened by moving what both sides need to a class of its own; take its members out here then. None may grow.
 */
export const RINGS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'org.opentsm.securitydomain': [
    // A domain has channels and commands, which work on the domain: CAP files pay for each interface between.
    [
      ...['Channels', 'DataCommands', 'InstallData', 'KeyCommands', 'Scp02', 'Scp03', 'Scp10', 'SecurityDomain'],
      ...['StoredKeys', 'SymmetricChannel'],
    ],
    ['PublicKeys', 'TrustPoint'],
    ['CertificateStore', 'KeyPairs'],
  ],
  'org.opentsm.simulator.crypto': [
    ['CryptoHost', 'PlainHost'],
    ['Curves', 'EcDomain'],
    ['RecoveryEngine', 'SignatureEngine'],
  ],
  'org.opentsm.simulator.gp': [['EntryView', 'GlobalPin', 'GlobalPlatform']],
  'org.opentsm.simulator.runtime': [
    // Instrumented applets call their card, which loads and instruments them.
    [
      ...['AppletClassLoader', 'CapFiles', 'CardPackages', 'CardRuntime', 'CommandDispatcher', 'ContextRuntime'],
      ...['Firewall', 'HandlerGuard', 'Installer', 'Instrumenter', 'MemoryAccounts', 'MeteredRuntime'],
      ...['PersistentHeap', 'PlatformBridges', 'PlatformCalls', 'References', 'SharedObject', 'SharedObjects'],
      ...['Sites', 'Statistics', 'ThisCard', 'Transaction', 'TransientArrays', 'TransportProtocol', 'Wipe'],
    ],
  ],
  'org.opentsm.simulator.toolkit': [
    [
      ...['Activation', 'CardFileView', 'EnvelopeView', 'Handlers', 'MenuTitle', 'ProactiveEdit', 'RegistryHandle'],
      ...['ReplyEdit', 'ResponseView', 'SystemCommands', 'Toolkit', 'Turns'],
    ],
    ['ChannelOwners', 'CommandCheck'],
  ],
  'org.opentsm.simulator.uicc': [
    [
      ...['AccessRules', 'CardFile', 'ControlParameters', 'DataTransfer', 'FilePath', 'FilePlace', 'FileTree'],
      'NewFile',
    ],
    ['DataCommands', 'FileSelection', 'FileSystem', 'PinCommands'],
  ],
  'org.opentsm.ant': [['CapBuild', 'CapElement', 'CapPlan', 'OutputName']],
  'org.opentsm.cap': [
    ['Opcode', 'Opcodes'],
    ['CapFile', 'LoadFile'],
  ],
  'org.opentsm.cap.exp': [['ExportFile', 'ExportReader', 'ExportWriter']],
  'org.opentsm.cap.tool': [
    ['CapDump', 'Disassembler'],
    ['CodeShape', 'MethodText'],
  ],
  'org.opentsm.converter': [
    ['CapAssembler', 'ClassComponentBuilder', 'DebugBuilder', 'DescriptorBuilder'],
    ['LinkedClass', 'Member'],
    ['CallTranslator', 'MethodTranslator'],
  ],
  'org.opentsm.linker': [['CapView', 'ExportNames']],
  'org.opentsm.inference': [['CodeEffects', 'CodeFollower']],
  'org.opentsm.verifier': [
    ['DataFlow', 'Execution', 'Invocation'],
    ['Hierarchy', 'PackageView'],
  ],
};

/** Names of classes that a Java source names, without what stands in comments and strings. */
export function namesIn(text: string): ReadonlySet<string> {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*|"(?:\\.|[^"\\\n])*"/g, ' ');
  return new Set(code.match(/\b[A-Z]\w*\b/g));
}

/** Groups of two and more of which each reaches each other (Tarjan), sorted. */
export function ringsOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const seen = new Map<string, { readonly index: number; low: number }>();
  const open: string[] = [];
  const rings: string[][] = [];
  const visit = (node: string): { low: number } => {
    const mark = { index: seen.size, low: seen.size };
    seen.set(node, mark);
    open.push(node);
    for (const next of graph.get(node) ?? []) {
      const known = seen.get(next);
      if (known === undefined) mark.low = Math.min(mark.low, visit(next).low);
      else if (open.includes(next)) mark.low = Math.min(mark.low, known.index);
    }
    if (mark.low === mark.index) {
      const ring = open.splice(open.indexOf(node));
      if (ring.length > 1) rings.push(ring.sort());
    }
    return mark;
  };
  for (const node of graph.keys()) if (!seen.has(node)) visit(node);
  return rings;
}
